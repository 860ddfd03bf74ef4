"""The grammar of a protocol, what makes one wrong beyond its grammar, and how two versions differ in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from duties.declared import (
    Bilingual,
    Declared,
    DeclaredErrors,
    GuideId,
    Key,
    Part,
    PathOf,
    Wrong,
    load_declared,
    load_declared_text,
    nearest,
    shown,
)
from locales import N_, say, say_n

REQUESTER: Final = "requester"
"""In `not_same_as`: the person who handed in what is to be approved, whatever hat they wore."""

_NAME: Final = r"[a-z][a-z0-9_-]{0,60}"
_ANCHOR: Final = re.compile(rf"case\.opened_on|worker\.(starts|ends)_on|step\.(?P<step>{_NAME})\.done_on")
_PLACE: Final = re.compile(rf"employer|coordination|anywhere|having:(?P<role>{_NAME})")


def _known_day(value: str) -> str:
    if not _ANCHOR.fullmatch(value):
        raise Wrong(N_("A day is one of case.opened_on, worker.starts_on, worker.ends_on or step.NAME.done_on here."))
    return value


def _known_place(value: str) -> str:
    if not _PLACE.fullmatch(value):
        raise Wrong(N_("A place is one of employer, coordination, anywhere or having:ROLE here."))
    return value


class Subject(Part):
    """Whom a case of the protocol is about."""

    kind: Literal["worker"]


class Anchor(Part):
    """A named day that due days hang on; `title` stands after "before" or "after" in a sentence."""

    title: Bilingual
    from_: Annotated[str, AfterValidator(_known_day)] = Field(alias="from")

    @property
    def step(self) -> str | None:
        """The step whose completion gives the day; None where the day is known when the case opens."""
        match = _ANCHOR.fullmatch(self.from_)
        return match["step"] if match else None


class Role(Part):
    """Who is meant by a name in this protocol: the holder of a role at a place, or the case's subject.

    `else` names who has the duty where nobody can be found, in order.
    """

    title: Bilingual
    holds: Key | None = None
    at: Annotated[str, AfterValidator(_known_place)] | None = None
    subject: Literal["worker"] | None = None
    else_: tuple[Key, ...] = Field(default=(), alias="else")

    @model_validator(mode="after")
    def _holds_or_is(self) -> Role:
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


class Stage(Part):
    """A part of the protocol, as people speak of it."""

    id: Key
    title: Bilingual


class Due(Part):
    """When a step is due: so many days before or after a named day, working days unless it says calendar."""

    days: Annotated[int, Field(ge=0, le=1000)]
    counting: Literal["working", "calendar"] = "working"
    before: Key | None = None
    after: Key | None = None

    @model_validator(mode="after")
    def _before_or_after(self) -> Due:
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


class Item(Part):
    """One of the things that a step is done for."""

    id: Key
    title: Bilingual


class ForEach(Part):
    """What a step is done for, one task each: a declared list, or what a person has in hand when it opens."""

    list_: tuple[Item, ...] | None = Field(default=None, alias="list", min_length=1)
    over: Literal["participants_followed", "equipment_held"] | None = None

    @model_validator(mode="after")
    def _list_or_over(self) -> ForEach:
        if (self.list_ is None) == (self.over is None):
            raise Wrong(N_("Say either “list” or “over”."))
        return self


class Approval(Part):
    """Who approves a step once it is handed in, and who of this protocol may not, under any hat."""

    role: Key
    not_same_as: tuple[Key, ...] = ()


class Agenda(Part):
    """The committee whose next agenda the step is put on."""

    committee: Key


class WaivedBy(Part):
    """Who may say, with a reason, that the step is not needed in this case."""

    by: Key


class Step(Part):
    """One line of the procedure, and one task of a case, or several where it is done for each of some things."""

    id: Key
    title: Bilingual
    help: Bilingual | None = None
    stage: Key
    source: tuple[GuideId, ...] = ()
    clause: str | None = None
    by: Key | None = None
    needs: tuple[Key, ...] = ()
    due: Due | None = None
    for_each: ForEach | None = None
    evidence: Literal["none", "serial", "document", "account", "note"] = "none"
    system: Key | None = None
    approved_by: Approval | None = None
    on_reject: Key | None = None
    action: Key | None = None
    undo: Key | None = None
    agenda: Agenda | None = None
    waive: Literal["never"] | WaivedBy = "never"
    required: bool = True

    @model_validator(mode="after")
    def _one_doer(self) -> Step:
        if (self.by is None) == (self.action is None):
            raise Wrong(N_("A step is done either “by” a role or by an “action” of the engine."))
        if self.action is not None and self.undo is None:
            raise Wrong(N_("Say what undoes the action, or “undo: none” where it leaves nothing to undo."))
        if self.action is None and self.undo is not None:
            raise Wrong(N_("“undo” belongs to a step with an action."), at=("undo",))
        if self.action is not None and (self.approved_by or self.evidence != "none"):
            raise Wrong(N_("An action of the engine has neither approval nor evidence; put a step beside it."))
        if self.on_reject is not None and self.approved_by is None:
            raise Wrong(N_("“on_reject” belongs to a step with an approval."), at=("on_reject",))
        if (self.system is None) == (self.evidence == "account"):
            raise Wrong(N_("“system” and “evidence: account” go together: an account, and on what system."))
        return self

    @property
    def reopens(self) -> str:
        """The step that somebody must do again when this one is rejected."""
        return self.on_reject or self.id

    @property
    def undone_by(self) -> str | None:
        """The action that undoes this step's; None where there is nothing to undo."""
        return None if self.undo == "none" else self.undo


class Gate(Part):
    """A named set of steps that other steps, and other acts of the program, wait on."""

    title: Bilingual
    source: tuple[GuideId, ...] = ()
    steps: tuple[Key, ...] = Field(min_length=1)


class Rung(Part):
    """One reminder: so many working days after the due day (before it, where negative), and to whom."""

    after_working_days: Annotated[int, Field(ge=-60, le=250)]
    to: Literal["owner", "manager", "accountable"]


class Close(Part):
    """When a case closes."""

    when: Literal["all_required"]


class Allowed(Part):
    """The roles that may do something to a case."""

    by: tuple[Key, ...] = Field(min_length=1)


class Protocol(Part):
    """A procedure of the program, as its file declares it. See `check_protocol` for all that must hold."""

    protocol: Key
    version: Annotated[int, Field(ge=1)]
    title: Bilingual
    source: Bilingual
    subject: Subject
    calendar: Literal["program", "employer"]
    anchors: dict[Key, Anchor]
    accountable: Key
    roles: dict[Key, Role]
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

    def waits_for(self, step: Step) -> tuple[str, ...]:
        """The ids of the steps that `step` waits for directly, those of a gate among them; each once."""
        named = (self.gates[name].steps if name in self.gates else (name,) for name in step.needs)
        return tuple(dict.fromkeys(name for names in named for name in names))

    def chain(self, role: str) -> tuple[str, ...]:
        """The roles of this protocol on whom a duty of `role` falls, in order: itself, then its fall-backs."""
        chain: dict[str, None] = {}
        waiting = [role]
        while waiting:
            name = waiting.pop(0)
            if name not in chain:
                chain[name] = None
                waiting = [*self.roles[name].else_, *waiting]
        return tuple(chain)

    def sources(self) -> set[str]:
        """Every fact of the guide that a step of this protocol carries."""
        return {fact for step in self.steps for fact in step.source}

    def due_in_words(self, step: Step, language: str) -> str:
        """When `step` is due, in words: "3 working days before the arrival"; "" where it has no due day."""
        due = step.due
        if due is None:
            return ""
        anchor = self.anchors[due.anchor].title.in_language(language)
        if due.days == 0:
            return say(language, N_("on the day itself (%(anchor)s)"), anchor=anchor)
        return _due_in_words(due, anchor, language)

    @staticmethod
    def difference(old: Protocol, new: Protocol, language: str) -> list[str]:
        """What changed from `old` to `new`, one plain sentence each; empty where they say the same."""
        return [say(language, sentence, **facts) for sentence, facts in _changes(old, new, language)]


def check_protocol(
    path: Path,
    *,
    roles: AbstractSet[str],
    clauses: AbstractSet[str],
    actions: AbstractSet[str],
    committees: AbstractSet[str] = frozenset(),
) -> Declared[Protocol]:
    """Read a protocol and hold it against the program: raises DeclaredErrors with everything that is wrong.

    `roles` are those that the agreements create, `clauses` the keys of their obligations, `actions` the names
    that the engine can do and undo, `committees` the program's.
    """
    surroundings = {"role": roles, "clause": clauses, "action": actions, "committee": committees}
    return _checked(load_declared(path, Protocol), surroundings)


def check_protocol_text(
    text: str,
    file_name: str,
    *,
    roles: AbstractSet[str],
    clauses: AbstractSet[str],
    actions: AbstractSet[str],
    committees: AbstractSet[str] = frozenset(),
) -> Declared[Protocol]:
    """As `check_protocol`, for a text that is not, or not yet, a file."""
    surroundings = {"role": roles, "clause": clauses, "action": actions, "committee": committees}
    return _checked(load_declared_text(text, file_name, Protocol), surroundings)


_Complaint = tuple[PathOf, str, Mapping[str, str | int]]
_Surroundings = Mapping[str, AbstractSet[str]]


def _checked(declared: Declared[Protocol], surroundings: _Surroundings) -> Declared[Protocol]:
    protocol = declared.value
    complaints = [*_twice(protocol), *_unknown_names(protocol), *_unknown_around(protocol, surroundings)]
    # What follows walks along names and waits: it would stumble over those that lead nowhere, or round.
    complaints = complaints or [*_chains(protocol), *_cycles(protocol)]
    complaints = complaints or [
        *_approvals(protocol),
        *_days(protocol),
        *_ladder(protocol),
        *_empty_stages(protocol),
    ]
    if complaints:
        raise DeclaredErrors([declared.problem(path, said, **facts) for path, said, facts in complaints])
    return declared


def _twice(protocol: Protocol) -> Iterator[_Complaint]:
    """Names that mean two things."""
    lists: list[tuple[PathOf, list[str], bool]] = [
        (("steps",), [step.id for step in protocol.steps], True),
        (("stages",), [stage.id for stage in protocol.stages], True),
        (("remind",), [str(rung.after_working_days) + rung.to for rung in protocol.remind], False),
    ]
    for place, step in enumerate(protocol.steps):
        lists.append((("steps", place, "needs"), list(step.needs), False))
        lists.append((("steps", place, "source"), list(step.source), False))
        if step.for_each and step.for_each.list_:
            items = [item.id for item in step.for_each.list_]
            lists.append((("steps", place, "for_each", "list"), items, True))
    lists.extend((("gates", name, "steps"), list(gate.steps), False) for name, gate in protocol.gates.items())
    for path, names, have_ids in lists:
        seen: set[str] = set()
        for place, name in enumerate(names):
            if name in seen:
                yield (*path, place, *(("id",) if have_ids else ())), N_("This stands here a second time."), {}
            seen.add(name)
    for name in protocol.gates:
        if name in protocol.by_id:
            yield ("gates", name), N_("A gate and a step are both named “%(name)s”."), {"name": name}
    if REQUESTER in protocol.roles:
        yield ("roles", REQUESTER), N_("“requester” already means whoever hands a step in."), {}


def _unknown_names(protocol: Protocol) -> Iterator[_Complaint]:
    """Names of this file that nothing in it bears."""
    steps, roles = set(protocol.by_id), set(protocol.roles)
    for path, name in _role_names(protocol):
        known = roles | {REQUESTER} if "not_same_as" in path else roles
        yield from _unless_known(path, name, known, N_("This protocol has no role “%(name)s”."))
    for name, anchor in protocol.anchors.items():
        if anchor.step is not None:
            said = N_("This protocol has no step “%(name)s”.")
            yield from _unless_known(("anchors", name, "from"), anchor.step, steps, said)
    for name, gate in protocol.gates.items():
        for place, step_id in enumerate(gate.steps):
            said = N_("This protocol has no step “%(name)s”.")
            yield from _unless_known(("gates", name, "steps", place), step_id, steps, said)
    stages = {stage.id for stage in protocol.stages}
    for place, step in enumerate(protocol.steps):
        here: PathOf = ("steps", place)
        said = N_("This protocol has no stage “%(name)s”.")
        yield from _unless_known((*here, "stage"), step.stage, stages, said)
        for position, need in enumerate(step.needs):
            said = N_("This protocol has no step and no gate “%(name)s”.")
            yield from _unless_known((*here, "needs", position), need, steps | set(protocol.gates), said)
        if step.due:
            said = N_("This protocol has no anchor “%(name)s”.")
            side = "before" if step.due.before else "after"
            yield from _unless_known((*here, "due", side), step.due.anchor, set(protocol.anchors), said)
        said = N_("This protocol has no step “%(name)s”.")
        yield from _unless_known((*here, "on_reject"), step.reopens, steps, said)


def _role_names(protocol: Protocol) -> Iterator[tuple[PathOf, str]]:
    """Every place where this protocol names one of its own roles."""
    yield ("accountable",), protocol.accountable
    for what in ("cancel", "reopen"):
        allowed: Allowed = getattr(protocol, what)
        yield from (((what, "by", place), name) for place, name in enumerate(allowed.by))
    for key, role in protocol.roles.items():
        yield from ((("roles", key, "else", place), name) for place, name in enumerate(role.else_))
    for place, step in enumerate(protocol.steps):
        here: PathOf = ("steps", place)
        if step.by:
            yield (*here, "by"), step.by
        if isinstance(step.waive, WaivedBy):
            yield (*here, "waive", "by"), step.waive.by
        if step.approved_by:
            yield (*here, "approved_by", "role"), step.approved_by.role
            for position, name in enumerate(step.approved_by.not_same_as):
                yield (*here, "approved_by", "not_same_as", position), name


def _unknown_around(protocol: Protocol, surroundings: _Surroundings) -> Iterator[_Complaint]:
    """Names that the program, its agreements or the engine would have to know, and do not."""
    sentences = {
        "role": N_("No agreement creates the role “%(name)s”."),
        "clause": N_("No agreement has the clause “%(name)s”."),
        "action": N_("The engine has no action “%(name)s”."),
        "committee": N_("The program has no committee “%(name)s”."),
    }
    named: list[tuple[str, PathOf, str | None]] = []
    for key, role in protocol.roles.items():
        named.append(("role", ("roles", key, "holds"), role.holds))
        named.append(("role", ("roles", key, "at"), role.having))
    for place, step in enumerate(protocol.steps):
        named.append(("clause", ("steps", place, "clause"), step.clause))
        named.append(("action", ("steps", place, "action"), step.action))
        named.append(("action", ("steps", place, "undo"), step.undone_by))
        committee = step.agenda.committee if step.agenda else None
        named.append(("committee", ("steps", place, "agenda", "committee"), committee))
    for kind, path, name in named:
        if name is not None:
            yield from _unless_known(path, name, surroundings[kind], sentences[kind])


def _unless_known(path: PathOf, name: str, known: Iterable[str], sentence: str) -> Iterator[_Complaint]:
    if name in known:
        return
    near = nearest(name, sorted(known))
    yield path, sentence, {"name": shown(name), **({"nearest": near} if near else {})}


def _chains(protocol: Protocol) -> Iterator[_Complaint]:
    """Fall-backs that lead round in a circle, or to nobody."""
    cycle = _cycle({name: role.else_ for name, role in protocol.roles.items()})
    if cycle:
        yield ("roles", cycle[0], "else"), N_("These fall back on each other: %(cycle)s."), {"cycle": _arrows(cycle)}
        return
    for name in protocol.roles:
        last = protocol.chain(name)[-1]
        if protocol.roles[last].holds is None:
            said = N_("Nobody is left where the subject cannot do it: end with a role that an agreement creates.")
            yield ("roles", name, "else"), said, {}


def _cycles(protocol: Protocol) -> Iterator[_Complaint]:
    """Steps that would never open, or never have their day, because each waits for another."""
    waits = {step.id: protocol.waits_for(step) for step in protocol.steps}
    places = {step.id: place for place, step in enumerate(protocol.steps)}
    cycle = _cycle(waits)
    if cycle:
        said = N_("These steps wait for each other: %(cycle)s.")
        yield ("steps", places[cycle[0]], "needs"), said, {"cycle": _arrows(cycle)}
        return
    for step in protocol.steps:
        anchor = protocol.anchors[step.due.anchor].step if step.due else None
        if anchor is not None and step.id in {anchor, *_all_before(waits, anchor)}:
            said = N_("The day of this step is counted from “%(anchor)s”, which itself waits for this step.")
            yield ("steps", places[step.id], "due"), said, {"anchor": anchor}


def _approvals(protocol: Protocol) -> Iterator[_Complaint]:
    """Approvals that the doer would give, and rejections that reopen a step which is not behind this one."""
    waits = {step.id: protocol.waits_for(step) for step in protocol.steps}
    for place, step in enumerate(protocol.steps):
        if step.reopens != step.id and step.reopens not in _all_before(waits, step.id):
            said = N_("A rejection reopens the step itself, or one that it waits for; “%(name)s” is neither.")
            yield ("steps", place, "on_reject"), said, {"name": step.reopens}
        approval = step.approved_by
        if approval is None or step.by is None or REQUESTER in approval.not_same_as:
            continue
        doer, approver = protocol.roles[step.by], protocol.roles[approval.role]
        if step.by == approval.role or (doer.holds, doer.at) == (approver.holds, approver.at) != (None, None):
            said = N_("The role that does this step would approve it: bar “requester” in not_same_as.")
            yield ("steps", place, "approved_by"), said, {}


def _days(protocol: Protocol) -> Iterator[_Complaint]:
    """Due days that lie before the case, before what the step waits for, or before they can be known."""
    for place, step in enumerate(protocol.steps):
        if step.due is None:
            continue
        here: PathOf = ("steps", place, "due")
        anchor = protocol.anchors[step.due.anchor]
        if step.due.before and anchor.from_ == "case.opened_on":
            yield here, N_("This step would be due before the case opens."), {}
        if step.due.before and anchor.step is not None:
            yield here, N_("This day would be known only once it has passed."), {}
        for name in protocol.waits_for(step):
            earlier = protocol.by_id[name].due
            if earlier and _is_surely_before(step.due, earlier):
                yield here, N_("This step would be due before “%(name)s”, which it waits for."), {"name": name}


def _is_surely_before(due: Due, other: Due) -> bool:
    """Whether one day comes before the other whatever the anchor and the closed days are."""
    same_counting = due.counting == other.counting or due.days == 0 or other.days == 0
    opposite = due.offset <= 0 <= other.offset
    return due.anchor == other.anchor and due.offset < other.offset and (same_counting or opposite)


def _ladder(protocol: Protocol) -> Iterator[_Complaint]:
    """Rungs out of order: each is used once, one after the other, so a later day cannot stand before an earlier."""
    days = [rung.after_working_days for rung in protocol.remind]
    for place in range(1, len(days)):
        if days[place] < days[place - 1]:
            yield ("remind", place), N_("A reminder stands after one of a later day; put them in order."), {}


def _empty_stages(protocol: Protocol) -> Iterator[_Complaint]:
    used = {step.stage for step in protocol.steps}
    for place, stage in enumerate(protocol.stages):
        if stage.id not in used:
            yield ("stages", place), N_("No step belongs to this stage."), {}


def _cycle(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """Names that lead back to the first of them, in the direction of waiting; empty where none do."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found[::-1]
    return []


def _arrows(names: Iterable[str]) -> str:
    return " → ".join(names)


def _all_before(waits: Mapping[str, Iterable[str]], step: str) -> set[str]:
    """Every step that `step` waits for, directly or through others."""
    found: set[str] = set()
    waiting = list(waits[step])
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(waits[name])
    return found


def _due_in_words(due: Due, anchor: str, language: str) -> str:
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


_Change = tuple[str, Mapping[str, str]]


def _changes(old: Protocol, new: Protocol, language: str) -> Iterator[_Change]:
    """What a reader of the printed procedure would notice, steps first, in the new order."""
    for step in new.steps:
        before = old.by_id.get(step.id)
        title = {"step": step.title.in_language(language)}
        if before is None:
            yield N_("New step: “%(step)s”."), title
        else:
            for sentence, facts in _step_changes(old, new, before, step, language):
                yield sentence, {**title, **facts}
    for step in old.steps:
        if step.id not in new.by_id:
            yield N_("“%(step)s” is no longer asked."), {"step": step.title.in_language(language)}
    kept = [step.id for step in old.steps if step.id in new.by_id]
    if kept != [step.id for step in new.steps if step.id in old.by_id]:
        yield N_("The order of the steps changed."), {}
    for name in dict.fromkeys([*new.gates, *old.gates]):
        yield from _gate_changes(old.gates.get(name), new.gates.get(name), language)
    yield from _setting_changes(old, new, language)


def _setting_changes(old: Protocol, new: Protocol, language: str) -> Iterator[_Change]:
    for name in dict.fromkeys([*new.roles, *old.roles]):
        role = new.roles.get(name) or old.roles[name]
        if new.roles.get(name) != old.roles.get(name):
            yield N_("Who is meant by “%(role)s” changed."), {"role": role.title.in_language(language)}
    for name in dict.fromkeys([*new.anchors, *old.anchors]):
        anchor = new.anchors.get(name) or old.anchors[name]
        if new.anchors.get(name) != old.anchors.get(name):
            yield N_("What sets the day “%(anchor)s” changed."), {"anchor": anchor.title.in_language(language)}
    for field, sentence in _WHOLE.items():
        if getattr(new, field) != getattr(old, field):
            yield sentence, {}


_WHOLE: Final = {
    "title": N_("The title of the procedure changed."),
    "source": N_("The source of the procedure changed."),
    "subject": N_("Whom the procedure is about changed."),
    "calendar": N_("The closed days that count changed."),
    "accountable": N_("The role that answers for the whole procedure changed."),
    "stages": N_("The stages changed."),
    "remind": N_("The reminders changed."),
    "close": N_("What closes a case changed."),
    "cancel": N_("Who may cancel a case changed."),
    "reopen": N_("Who may reopen a case changed."),
}
_SAID_APART: Final = {"title", "due", "by", "action", "needs", "approved_by", "stage", "required", "evidence"}


def _step_changes(old: Protocol, new: Protocol, before: Step, after: Step, language: str) -> Iterator[_Change]:
    if before.title != after.title:
        yield N_("“%(old)s” is now called “%(step)s”."), {"old": before.title.in_language(language)}
    was, now = old.due_in_words(before, language), new.due_in_words(after, language)
    if now and not was:
        yield N_("“%(step)s” is now due %(now)s."), {"now": now}
    elif was and not now:
        yield N_("“%(step)s” no longer has a due day."), {}
    elif (before.due, was) != (after.due, now):
        yield N_("“%(step)s” is due %(now)s, and no longer %(was)s."), {"now": now, "was": was}
    if (before.by, before.action) != (after.by, after.action):
        doers = {"now": _doer(new, after, language), "was": _doer(old, before, language)}
        yield N_("“%(step)s” is done by %(now)s, and no longer by %(was)s."), doers
    yield from _need_changes(old, new, before, after, language)
    yield from _approval_changes(new, before, after, language)
    if before.stage != after.stage:
        stage = next(stage.title for stage in new.stages if stage.id == after.stage)
        yield N_("“%(step)s” moves to the stage “%(stage)s”."), {"stage": stage.in_language(language)}
    if before.required != after.required:
        yield (N_("“%(step)s” is now required.") if after.required else N_("“%(step)s” is now optional.")), {}
    if before.evidence != after.evidence:
        yield N_("“%(step)s” asks for another kind of evidence."), {}
    if before.model_dump(exclude=_SAID_APART) != after.model_dump(exclude=_SAID_APART):
        yield N_("The details of “%(step)s” changed."), {}


def _doer(protocol: Protocol, step: Step, language: str) -> str:
    if step.by is None:
        return say(language, N_("the system itself (%(action)s)"), action=step.action or "")
    return protocol.roles[step.by].title.in_language(language)


def _need_changes(old: Protocol, new: Protocol, before: Step, after: Step, language: str) -> Iterator[_Change]:
    for name in after.needs:
        if name not in before.needs:
            yield N_("“%(step)s” now waits for “%(need)s”."), {"need": _name(new, name, language)}
    for name in before.needs:
        if name not in after.needs:
            yield N_("“%(step)s” no longer waits for “%(need)s”."), {"need": _name(old, name, language)}


def _name(protocol: Protocol, name: str, language: str) -> str:
    """The title of a step or of a gate."""
    part = protocol.gates[name] if name in protocol.gates else protocol.by_id[name]
    return part.title.in_language(language)


def _approval_changes(new: Protocol, before: Step, after: Step, language: str) -> Iterator[_Change]:
    was, now = before.approved_by, after.approved_by
    if now is None and was is not None:
        yield N_("“%(step)s” no longer needs an approval."), {}
    elif now is not None and (was is None or was.role != now.role):
        role = new.roles[now.role].title.in_language(language)
        yield N_("“%(step)s” is now approved by %(role)s."), {"role": role}
    elif was != now:
        yield N_("Who may not approve “%(step)s” changed."), {}


def _gate_changes(old: Gate | None, new: Gate | None, language: str) -> Iterator[_Change]:
    if new is None and old is not None:
        yield N_("The gate “%(gate)s” is no more."), {"gate": old.title.in_language(language)}
    elif new is not None and old is None:
        yield N_("New gate: “%(gate)s”."), {"gate": new.title.in_language(language)}
    elif new is not None and new != old:
        said = N_("What “%(gate)s” waits for, or is called, changed.")
        yield said, {"gate": new.title.in_language(language)}
