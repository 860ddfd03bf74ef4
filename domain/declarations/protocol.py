"""The grammar of a protocol: what its file may say, part by part."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import cached_property
from typing import Annotated, Final, Literal, get_args

from pydantic import AfterValidator, Field, model_validator

from domain.declarations.asked import AskedPart
from domain.declared import Bilingual, GrammarPart, GuideId, Key, PathOf, Wrong
from domain.kernel import Each, Period
from locales import N_, say, say_n

REQUESTER: Final = "requester"
"""In `not_same_as`: the person who handed in what is to be approved, whatever hat they wore."""

_NAME: Final = r"[a-z][a-z0-9_-]{0,60}"
_ANCHOR: Final = re.compile(
    r"case\.opened_on|worker\.(starts|ends)_on|member\.ends_on|agreement\.(starts|ends|notice)_on"
    rf"|period\.(starts|ends)_on|step\.(?P<step>{_NAME})\.done_on"
)
_PLACE: Final = re.compile(rf"employer|partner|coordination|anywhere|having:(?P<role>{_NAME})")

#: The place of the organization that a case belongs to, by the kind of its subject; the program belongs to none.
OWN_PLACE: Final[Mapping[str, str | None]] = {
    "worker": "employer",
    "member": "employer",
    "organization": "partner",
    "agreement_version": "partner",
    "program": None,
    "participant": None,
}


def _known_day(value: str) -> str:
    if not _ANCHOR.fullmatch(value):
        raise Wrong(
            N_(
                "A day is one of case.opened_on, worker.starts_on, worker.ends_on, member.ends_on, agreement.starts_on,"
                " agreement.ends_on, agreement.notice_on, period.starts_on, period.ends_on or step.NAME.done_on here."
            )
        )
    return value


def _known_place(value: str) -> str:
    if not _PLACE.fullmatch(value):
        raise Wrong(N_("A place is one of employer, partner, coordination, anywhere or having:ROLE here."))
    return value


class ProtocolSubject(GrammarPart):
    """The kind of subject that a case of the protocol is about.

    A youth worker at an organization; a member of its staff in all roles that they hold there; an organization with a
    holder of the role `having`; one version of an agreement; a candidate or participant; or the program itself.
    """

    kind: Literal["worker", "member", "organization", "agreement_version", "program", "participant"]
    having: Key | None = None

    @model_validator(mode="after")
    def _which_organizations(self) -> ProtocolSubject:
        if (self.having is None) == (self.kind == "organization"):
            raise Wrong(N_("“having” says which organizations: those at which someone holds that role, and only they."))
        return self


class Starts(GrammarPart):
    """When a case begins automatically, once for each subject and period, or once for each version of an agreement.

    With `each`: that many calendar days before or after the start or the end of every quarter or calendar year. With
    `before_end_of`: that many calendar days before an agreement's last day; `notice` is the notice that it asks for.
    """

    each: Each | None = None
    before: Literal["start", "end"] | None = None
    after: Literal["start", "end"] | None = None
    before_end_of: Literal["agreement_version"] | None = None
    days: Annotated[int, Field(ge=0, le=366)] | Literal["notice"]

    @model_validator(mode="after")
    def _one_way(self) -> Starts:
        if (self.each is None) == (self.before_end_of is None):
            raise Wrong(N_("Say either “each”, a quarter or calendar_year, or “before_end_of: agreement_version”."))
        if self.each is None and (self.before or self.after):
            raise Wrong(N_("“before” and “after” belong to “each”."))
        if self.each is not None and (self.before is None) == (self.after is None):
            raise Wrong(N_("Say either “before” or “after”, and the start or the end of the period."))
        if self.each is not None and self.days == "notice":
            raise Wrong(N_("A period has no notice: say a number of days."), at=("days",))
        return self

    def on(self, period: Period) -> date:
        """The local day from which the case of a period begins. Raises ValueError without `each`."""
        if self.each is None or self.days == "notice":
            msg = "this protocol does not begin by the period"
            raise ValueError(msg)
        return self._from_edge(period.starts_on if "start" in (self.before, self.after) else period.ends_on, self.days)

    def meant_on(self, days: Mapping[str, date]) -> date | None:
        """The local day on which a case is meant to begin, from the days that its anchors use; None where its own is
        unknown.
        """
        if self.each is None:
            if self.days == "notice":
                return days.get("agreement.notice_on")
            last = days.get("agreement.ends_on")
            return last - timedelta(days=self.days) if last is not None else None
        edge = days.get("period.starts_on" if "start" in (self.before, self.after) else "period.ends_on")
        return None if edge is None or self.days == "notice" else self._from_edge(edge, self.days)

    def _from_edge(self, edge: date, days: int) -> date:
        return edge - timedelta(days=days) if self.before else edge + timedelta(days=days)

    def before_last_day(self, ends_on: date, notice_days: int) -> date:
        """The local day from which a case begins about an agreement's version with this last day and notice."""
        return ends_on - timedelta(days=notice_days if self.days == "notice" else self.days)

    def in_words(self, language: str) -> str:
        """The words for when a case begins, as a clause that stands alone."""
        if self.before_end_of is not None:
            if self.days == "notice":
                return say(language, N_("once for each version of an agreement, at its notice before its last day"))
            return say_n(
                language,
                "once for each version of an agreement, %(n)s day before its last day",
                "once for each version of an agreement, %(n)s days before its last day",
                int(self.days),
            )
        which, edge_of = self.each or "quarter", self.before or self.after or "start"
        each, edge = say(language, _EACH[which]), say(language, _EDGES[edge_of])
        if self.days == 0:
            return say(language, N_("%(each)s, on its %(edge)s"), each=each, edge=edge)
        if self.before:
            return say_n(
                language,
                "%(each)s, %(n)s day before its %(edge)s",
                "%(each)s, %(n)s days before its %(edge)s",
                int(self.days),
                each=each,
                edge=edge,
            )
        return say_n(
            language,
            "%(each)s, %(n)s day after its %(edge)s",
            "%(each)s, %(n)s days after its %(edge)s",
            int(self.days),
            each=each,
            edge=edge,
        )


_EACH: Final = {"quarter": N_("each quarter"), "calendar_year": N_("each year")}
_EDGES: Final = {"start": N_("first day"), "end": N_("last day")}


class Anchor(GrammarPart):
    """A named day on which due days depend; `title` stands after "before" or "after" in a sentence."""

    title: Bilingual
    from_: Annotated[str, AfterValidator(_known_day)] = Field(alias="from")

    @property
    def step(self) -> str | None:
        """The step whose completion gives the day; None where the day is known when the case opens."""
        match = _ANCHOR.fullmatch(self.from_)
        return match["step"] if match else None


class ProtocolRole(GrammarPart):
    """The person a name means in this protocol: the holder of a role at a place, or the person that the case is about.

    `else` names who has the duty where no one can be found, in order.
    """

    title: Bilingual
    holds: Key | None = None
    at: Annotated[str, AfterValidator(_known_place)] | None = None
    subject: Literal["worker", "member"] | None = None
    else_: tuple[Key, ...] = Field(default=(), alias="else")

    @model_validator(mode="after")
    def _holds_or_is(self) -> ProtocolRole:
        if (self.holds is None) == (self.subject is None):
            raise Wrong(N_("Say either “holds”, a role and where, or “subject”."))
        if (self.holds is None) != (self.at is None):
            raise Wrong(N_("“holds” and “at” go together: which role, and where."))
        return self

    @property
    def having(self) -> str | None:
        """The role that marks the place, where the place is "the organizations that have ROLE"."""
        match = _PLACE.fullmatch(self.at or "")
        return match["role"] if match else None


class Stage(GrammarPart):
    """A part of the protocol, as people speak of it."""

    id: Key
    title: Bilingual


class DueRule(GrammarPart):
    """When a step is due: that many days before or after a named day, working days unless it says calendar."""

    days: Annotated[int, Field(ge=0, le=1000)]
    counting: Literal["working", "calendar"] = "working"
    before: Key | None = None
    after: Key | None = None

    @model_validator(mode="after")
    def _before_or_after(self) -> DueRule:
        if (self.before is None) == (self.after is None):
            raise Wrong(N_("Say either “before” or “after”, and one of the anchors."))
        return self

    @property
    def anchor(self) -> str:
        """The name of the day that this one is counted from."""
        return self.before or self.after or ""

    @property
    def offset(self) -> int:
        """The days from the anchor, negative before it, in the counting declared."""
        return -self.days if self.before else self.days


class Item(GrammarPart):
    """One of the things that a step is done for."""

    id: Key
    title: Bilingual


HoldingKind = Literal[
    "tenure",
    "task",
    "approval",
    "decision",
    "signature",
    "seat",
    "guest",
    "deputizing",
    "equipment",
    "account",
    "follow_up",
    "note",
    "candidate",
    "referral",
    "draft",
]
"""What a person may have in hand that a step can be done for: `domain.holdings.in_hand` finds each."""


#: The working days in which an offered follow-up is answered, in a protocol that does not say.
ANSWER_WITHIN: Final = 3


class ForEach(GrammarPart):
    """What a step is done for, one task each: a declared list, or what a person has in hand.

    What comes into their hands while the case is open joins it. Such a task is settled by a successor who takes the
    thing over, or by its stated end. With `settles: no` it is done as any other, and something else settles the thing.
    A worker who is offered a follow-up answers within `answer_within` working days; then the coordinator is told of the
    silence.
    """

    list_: tuple[Item, ...] | None = Field(default=None, alias="list", min_length=1)
    over: HoldingKind | None = None
    settles: bool = True
    answer_within: int | None = Field(default=None, ge=1, le=30)

    @model_validator(mode="after")
    def _list_or_over(self) -> ForEach:
        if (self.list_ is None) == (self.over is None):
            raise Wrong(N_("Say either “list” or “over”."))
        if self.list_ is not None and not self.settles:
            raise Wrong(N_("“settles” belongs to “over”."), at=("settles",))
        if self.answer_within is not None and not (self.over == "follow_up" and self.settles):
            raise Wrong(N_("“answer_within” belongs to the step that hands follow-ups over."), at=("answer_within",))
        return self


class Approval(GrammarPart):
    """Who approves a step after it is handed in, and who of this protocol may not, in any role."""

    role: Key
    not_same_as: tuple[Key, ...] = ()


CompletingAct = Literal["agreement.sent", "agreement.signed", "agreement.started"]
"""An act on the next version of the agreement that a case is about, which completes a step: it is sent to its
directors, signed by all of them, or set to begin."""

ACTS: Final[tuple[CompletingAct, ...]] = get_args(CompletingAct)


class AgendaPlace(GrammarPart):
    """The committee whose next agenda gets the step when it opens, and among which of its items.

    A decision on it that says that it is what the step asks completes the step.
    """

    committee: Key
    kind: Key

    @property
    def name(self) -> str:
        """The committee and the kind of item, as they are named together."""
        return f"{self.committee}/{self.kind}"


class WaivedBy(GrammarPart):
    """Who may say, with a reason, that the step is not needed in this case."""

    by: Key


class Instead(GrammarPart):
    """The words of a step for one who has it in place of the role that owes it, where its own speak to that role."""

    title: Bilingual
    help: Bilingual | None = None


class Step(GrammarPart):
    """One line of the procedure, and one task of a case, or several where it is done for each of some things."""

    id: Key
    title: Bilingual
    help: Bilingual | None = None
    instead: Instead | None = None
    stage: Key
    source: tuple[GuideId, ...] = ()
    clause: str | None = None  # what it serves: AG-M4; AG-X1:manager, of what several roles owe, what the manager does
    by: Key | None = None
    needs: tuple[Key, ...] = ()
    due: DueRule | None = None
    lapses: bool = False  # it is of its day's part of the period: a case that opens after that day does not ask it
    for_each: ForEach | None = None
    evidence: Literal["none", "serial", "document", "account", "note", "way", "interviews", "empty_hands", "act"] = (
        "none"
    )
    act: CompletingAct | None = None  # with “evidence: act”, which one; the program itself knows that of some protocols
    system: Key | None = None
    asks: tuple[AskedPart, ...] = ()  # what is filled in as it is handed in
    approved_by: Approval | None = None
    on_reject: Key | None = None
    action: Key | None = None
    undo: Key | None = None
    agenda: AgendaPlace | None = None
    waive: Literal["never"] | WaivedBy = "never"
    required: bool = True

    @property
    def is_endorsed(self) -> bool:
        """Whether the committee decides it and every partner endorses that (GV-4): no one then says that it is done."""
        return self.agenda is not None and "GV-4" in self.source

    @model_validator(mode="after")
    def _holds_together(self) -> Step:
        for is_broken, sentence, at in _RULES_OF_A_STEP:
            if is_broken(self):
                raise Wrong(sentence, at=at)
        return self

    @property
    def reopens(self) -> str:
        """The step that is to be done again when this one is rejected."""
        return self.on_reject or self.id

    @property
    def has_approval_or_proof(self) -> bool:
        """Whether another person approves it, or something has to prove it."""
        return self.approved_by is not None or self.evidence != "none"

    @property
    def settles(self) -> str:
        """The kind of thing that its tasks settle, one each; "" where it settles nothing."""
        return self.for_each.over or "" if self.for_each and self.for_each.settles else ""

    @property
    def undone_by(self) -> str | None:
        """The action that undoes this step's; None where there is nothing to undo."""
        return None if self.undo == "none" else self.undo


def _is_nothing_else(step: Step) -> bool:
    """Whether only a committee's decision settles a step: no action, approval or list, and no proof beside its act."""
    return not (step.action or step.approved_by or step.for_each) and step.evidence in ("none", "act")


#: What must hold of each step by itself: what breaks it, what is said then, and of which part. The first one is said.
_RULES_OF_A_STEP: Final[tuple[tuple[Callable[[Step], bool], str, PathOf], ...]] = (
    (
        lambda step: step.instead is not None and step.by is None,
        N_("“instead” belongs to a step that someone does."),
        ("instead",),
    ),
    (lambda step: step.lapses and step.due is None, N_("“lapses” belongs to a step with a due day."), ("lapses",)),
    (
        lambda step: (step.by is None) == (step.action is None),
        N_("A step is done either “by” a role or by an “action” of the engine."),
        (),
    ),
    (
        lambda step: step.action is not None and step.undo is None,
        N_("Say what undoes the action, or “undo: none” where it leaves nothing to undo."),
        (),
    ),
    (
        lambda step: step.action is None and step.undo is not None,
        N_("“undo” belongs to a step with an action."),
        ("undo",),
    ),
    (
        lambda step: step.action is not None and step.has_approval_or_proof,
        N_("An action of the engine has neither approval nor evidence; put a step beside it."),
        (),
    ),
    (
        lambda step: step.on_reject is not None and step.approved_by is None,
        N_("“on_reject” belongs to a step with an approval."),
        ("on_reject",),
    ),
    (
        lambda step: step.agenda is not None and not _is_nothing_else(step),
        N_("What a committee decides has no action, approval, proof or list; put a step beside it."),
        ("agenda",),
    ),
    (
        lambda step: step.act is not None and (step.evidence != "act" or step.agenda is not None),
        N_("“act” names the act of a step with “evidence: act” that no committee decides."),
        ("act",),
    ),
    (
        lambda step: bool(step.settles) and step.has_approval_or_proof,
        N_("What settles a thing has neither approval nor proof of its own; put a step beside it."),
        (),
    ),
    (
        lambda step: bool(step.asks and (step.action or step.agenda or step.settles or step.evidence == "act")),
        N_("“asks” belongs to a step that someone hands in: no action, committee, act or thing settled."),
        ("asks",),
    ),
    (
        lambda step: (step.system is None) == (step.evidence == "account"),
        N_("“system” and “evidence: account” go together: an account, and on what system."),
        (),
    ),
)

#: The gate that assigning a follow-up waits on: a gate of this name holds the case's person back.
MAY_FOLLOW: Final = "may_follow_participants"


class Gate(GrammarPart):
    """A named set of steps that other steps, and other acts of the program, wait on.

    The gate named `MAY_FOLLOW` is asked wherever a worker is assigned a follow-up (`domain.follow_ups.gate`).
    """

    title: Bilingual
    source: tuple[GuideId, ...] = ()
    steps: tuple[Key, ...] = Field(min_length=1)


class Rung(GrammarPart):
    """One reminder: that many working days after the due day (before it, where negative), and its recipient."""

    after_working_days: Annotated[int, Field(ge=-60, le=250)]
    to: Literal["owner", "manager", "accountable"]


class Close(GrammarPart):
    """When a case closes."""

    when: Literal["all_required"]


class Allowed(GrammarPart):
    """The roles that may do something to a case."""

    by: tuple[Key, ...] = Field(min_length=1)


class Protocol(GrammarPart):
    """A procedure of the program, as its file declares it. `domain.declarations.protocol_check` says what must hold."""

    protocol: Key
    version: Annotated[int, Field(ge=1)]
    title: Bilingual
    source: Bilingual
    subject: ProtocolSubject
    starts: Starts | None = None
    calendar: Literal["program", "employer", "partner"]
    anchors: dict[Key, Anchor]
    accountable: Key
    roles: dict[Key, ProtocolRole]
    stages: tuple[Stage, ...] = Field(min_length=1)
    steps: tuple[Step, ...] = Field(min_length=1)
    gates: dict[Key, Gate] = Field(default_factory=dict)
    remind: tuple[Rung, ...] = ()
    close: Close
    cancel: Allowed
    reopen: Allowed

    @cached_property
    def by_id(self) -> Mapping[str, Step]:
        """Each step by its id, in the order of the file."""
        return {step.id: step for step in self.steps}

    def due_after(self, anchor: str) -> tuple[str, ...]:
        """The ids of the steps whose due day is counted from this named day."""
        return tuple(step.id for step in self.steps if step.due is not None and step.due.anchor == anchor)

    def waits_for(self, step: Step) -> tuple[str, ...]:
        """The ids of the steps that `step` waits for directly, those of a gate among them; each once."""
        named = (self.gates[name].steps if name in self.gates else (name,) for name in step.needs)
        return tuple(dict.fromkeys(name for names in named for name in names))

    def chain(self, role: str) -> tuple[str, ...]:
        """The roles of this protocol that a duty of `role` falls on, in order: itself, then its fall-backs."""
        chain: dict[str, None] = {}
        waiting = [role]
        while waiting:
            name = waiting.pop(0)
            if name not in chain:
                chain[name] = None
                waiting = [*self.roles[name].else_, *waiting]
        return tuple(chain)

    @property
    def gathers(self) -> bool:
        """Whether some of its steps are done for each thing that a person has in hand."""
        return any(step.for_each and step.for_each.over for step in self.steps)

    def sources(self) -> set[str]:
        """Every fact of the guide that a step of this protocol carries."""
        return {fact for step in self.steps for fact in step.source}

    def subject_in_words(self, language: str) -> str:
        """The subject of a case, without saying which."""
        having = self.subject.having
        if having is None:
            return say(language, _SUBJECTS[self.subject.kind])
        named = next((role.title.in_language(language) for role in self.roles.values() if role.holds == having), having)
        return say(language, N_("an organization where someone holds the role “%(role)s”"), role=named)

    def starts_in_words(self, language: str) -> str:
        """When a case begins automatically, or that a person opens it."""
        return self.starts.in_words(language) if self.starts else say(language, N_("when someone opens it"))

    def due_in_words(self, step: Step, language: str) -> str:
        """When `step` is due, in words: "3 working days before the arrival"; "" where it has no due day."""
        due = step.due
        if due is None:
            return ""
        anchor = self.anchors[due.anchor].title.in_language(language)
        if due.days == 0:
            return say(language, N_("on the day itself (%(anchor)s)"), anchor=anchor)
        return _due_in_words(due, anchor, language)


_SUBJECTS: Final = {
    "worker": N_("a youth worker at an organization"),
    "member": N_("someone who leaves an organization"),
    "agreement_version": N_("a version of an organization’s agreement"),
    "program": N_("the program itself"),
    "participant": N_("a candidate or participant"),
}


def _due_in_words(due: DueRule, anchor: str, language: str) -> str:
    n = due.days
    match due.counting, due.before is not None:
        case "working", True:
            return say_n(
                language,
                "%(n)s working day before %(anchor)s",
                "%(n)s working days before %(anchor)s",
                n,
                anchor=anchor,
            )
        case "working", False:
            return say_n(
                language, "%(n)s working day after %(anchor)s", "%(n)s working days after %(anchor)s", n, anchor=anchor
            )
        case _, True:
            return say_n(language, "%(n)s day before %(anchor)s", "%(n)s days before %(anchor)s", n, anchor=anchor)
        case _:
            return say_n(language, "%(n)s day after %(anchor)s", "%(n)s days after %(anchor)s", n, anchor=anchor)
