"""Checks that see the whole of a protocol, and the program around it: whether it holds together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import chain
from typing import Final

from domain.declarations.program import ProgramFile
from domain.declarations.protocol import ACTS, OWN_PLACE, REQUESTER, Allowed, Anchor, DueRule, Protocol, Step, WaivedBy
from domain.declared import Declared, DeclaredErrors, PathOf, nearest, shown
from locales import N_


@dataclass(frozen=True)
class Around:
    """What a protocol's file may name beside itself.

    The roles that agreements create, the clauses that they have, what the engine can do and undo, the program's
    committees, and the kinds of items that are asked for there, as COMMITTEE/KIND.
    """

    roles: AbstractSet[str]
    clauses: AbstractSet[str]
    actions: AbstractSet[str]
    committees: AbstractSet[str] = frozenset()
    agendas: AbstractSet[str] = frozenset()

    @classmethod
    def of_program(cls, program: ProgramFile, actions: AbstractSet[str]) -> Around:
        """What a program has."""
        return cls(
            program.roles_created(), program.clause_keys(), actions, program.committees.keys(), program.agendas()
        )

    @classmethod
    def of_itself(cls, protocol: Protocol, actions: AbstractSet[str]) -> Around:
        """All that a protocol names, where no program is known that it could be held against."""
        roles, agendas = protocol.roles.values(), [step.agenda for step in protocol.steps if step.agenda]
        return cls(
            _names(protocol.subject.having, *chain.from_iterable((one.holds, one.having) for one in roles)),
            _names(*(step.clause for step in protocol.steps)),
            actions,
            {agenda.committee for agenda in agendas},
            {agenda.name for agenda in agendas},
        )


def _names(*names: str | None) -> frozenset[str]:
    return frozenset(name for name in names if name)


#: The steps that an act of the program itself completes, by their names, in the protocols that it has of these.
COMPLETED: Final[Mapping[str, frozenset[str]]] = {
    "admission": frozenset({"triage", "first_meeting", "consent", "store_consent", "risk", "number"}),
    "departure": frozenset({"write_summary"}),
    "recruiting": frozenset({"appoint_person"}),
}
#: Those that it gives to a named person, does again or cancels by their names: nothing else in a file tells of it.
MOVED: Final[Mapping[str, frozenset[str]]] = {"admission": frozenset({"decide", "tell_referrer", "make_contact"})}

_Complaint = tuple[PathOf, str, Mapping[str, str | int]]
#: A name, where it stands, what may stand there, and what is said of another.
_Named = tuple[PathOf, str, Iterable[str], str]


def check_protocol(declared: Declared[Protocol], around: Around) -> Declared[Protocol]:
    """Hold a protocol against itself and what is around it: raises DeclaredErrors with everything that is wrong."""
    protocol = declared.value
    complaints = [
        *_twice(protocol),
        *_unknown(_named_inside(protocol)),
        *_unknown(_named_around(protocol, around)),
        *_of_another_subject(protocol),
    ]
    # The next checks walk along names and waits: they would stumble over names that lead nowhere, or round.
    complaints = complaints or [*_chains(protocol), *_cycles(protocol)]
    complaints = complaints or [*_approvals(protocol), *_days(protocol), *_ladder(protocol), *_empty_stages(protocol)]
    if complaints:
        raise DeclaredErrors([declared.problem(path, said, **facts) for path, said, facts in complaints])
    return declared


def _twice(protocol: Protocol) -> Iterator[_Complaint]:
    """Names that mean two things."""
    for path, names, behind in _lists(protocol):
        for place, name in enumerate(names):
            if name in names[:place]:
                yield (*path, place, *behind), N_("This stands here a second time."), {}
    for name in protocol.gates:
        if name in protocol.by_id:
            yield ("gates", name), N_("A gate and a step are both named “%(name)s”."), {"name": name}
    if REQUESTER in protocol.roles:
        yield ("roles", REQUESTER), N_("“requester” already means the person who hands a step in."), {}


def _lists(protocol: Protocol) -> Iterator[tuple[PathOf, Sequence[str], PathOf]]:
    """Every list that holds each name once: its path, its names, and where in each of its parts the name stands."""
    yield ("steps",), [step.id for step in protocol.steps], _ID
    yield ("stages",), [stage.id for stage in protocol.stages], _ID
    yield ("remind",), [f"{rung.after_working_days}{rung.to}" for rung in protocol.remind], ()
    for place, step in enumerate(protocol.steps):
        yield from ((("steps", place, *path), names, behind) for path, names, behind in _lists_of_step(step))
    for name, gate in protocol.gates.items():
        yield ("gates", name, "steps"), gate.steps, ()


def _lists_of_step(step: Step) -> Iterator[tuple[PathOf, Sequence[str], PathOf]]:
    yield ("needs",), step.needs, ()
    yield ("source",), step.source, ()
    if step.for_each and step.for_each.list_:
        yield ("for_each", "list"), [item.id for item in step.for_each.list_], _ID
    yield ("asks",), [part.id for part in step.asks], _ID
    for position, part in enumerate(step.asks):
        yield ("asks", position, "choices"), [choice.id for choice in part.choices], _ID


_ID: Final[PathOf] = ("id",)


def _unknown(named: Iterable[_Named]) -> Iterator[_Complaint]:
    """What is said of each name that nothing bears, with the known one that it is most like."""
    for path, name, known, sentence in named:
        if name not in known:
            near = nearest(name, sorted(known))
            yield path, sentence, {"name": shown(name), **({"nearest": near} if near else {})}


def _named_inside(protocol: Protocol) -> Iterator[_Named]:
    """Every name of this file that something else in it bears."""
    roles = set(protocol.roles)
    for path, name in _role_names(protocol):
        known = roles | {REQUESTER} if "not_same_as" in path else roles
        yield path, name, known, N_("This protocol has no role “%(name)s”.")
    for name, anchor in protocol.anchors.items():
        if anchor.step is not None:
            yield ("anchors", name, "from"), anchor.step, protocol.by_id, _NO_STEP
    for name, gate in protocol.gates.items():
        for place, step_id in enumerate(gate.steps):
            yield ("gates", name, "steps", place), step_id, protocol.by_id, _NO_STEP
    for place, step in enumerate(protocol.steps):
        for path, name, allowed, sentence in _named_by_step(protocol, step):
            yield ("steps", place, *path), name, allowed, sentence


def _named_by_step(protocol: Protocol, step: Step) -> Iterator[_Named]:
    stages = {stage.id for stage in protocol.stages}
    yield ("stage",), step.stage, stages, N_("This protocol has no stage “%(name)s”.")
    for position, need in enumerate(step.needs):
        known = {*protocol.by_id, *protocol.gates}
        yield ("needs", position), need, known, N_("This protocol has no step and no gate “%(name)s”.")
    if step.due:
        side = "before" if step.due.before else "after"
        yield ("due", side), step.due.anchor, protocol.anchors, N_("This protocol has no anchor “%(name)s”.")
    yield ("on_reject",), step.reopens, protocol.by_id, _NO_STEP


_NO_STEP: Final = N_("This protocol has no step “%(name)s”.")


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


def _named_around(protocol: Protocol, around: Around) -> Iterator[_Named]:
    """Every name that the program, its agreements or the engine would have to know."""
    named: list[tuple[PathOf, str | None, AbstractSet[str], str]] = [
        (("subject", "having"), protocol.subject.having, around.roles, _NO_ROLE)
    ]
    for key, role in protocol.roles.items():
        named.append((("roles", key, "holds"), role.holds, around.roles, _NO_ROLE))
        named.append((("roles", key, "at"), role.having, around.roles, _NO_ROLE))
    for place, step in enumerate(protocol.steps):
        here: PathOf = ("steps", place)
        named.append(((*here, "clause"), step.clause, around.clauses, N_("No agreement has the clause “%(name)s”.")))
        named.append(((*here, "action"), step.action, around.actions, _NO_ACTION))
        named.append(((*here, "undo"), step.undone_by, around.actions, _NO_ACTION))
        if step.agenda:
            committee = step.agenda.committee
            said = N_("The program has no committee “%(name)s”.")
            named.append(((*here, "agenda", "committee"), committee, around.committees, said))
        if step.agenda and step.agenda.committee in around.committees:
            said = N_("No agenda takes items asked for of this kind there: “%(name)s”.")
            named.append(((*here, "agenda", "kind"), step.agenda.name, around.agendas, said))
    return ((path, name, known, said) for path, name, known, said in named if name is not None)


_NO_ROLE: Final = N_("No agreement creates the role “%(name)s”.")
_NO_ACTION: Final = N_("The engine has no action “%(name)s”.")


def _of_another_subject(protocol: Protocol) -> Iterator[_Complaint]:
    """Parts that have a meaning only for a case about something else, or for another way of beginning."""
    kind = protocol.subject.kind
    own = OWN_PLACE[kind]
    yield from _wrong_start(protocol)
    if protocol.calendar not in ("program", own):
        yield ("calendar",), _NO_SUCH_PLACE, {"place": protocol.calendar, "kind": kind}
    for name, role in protocol.roles.items():
        if role.at in set(OWN_PLACE.values()) - {None, own}:
            yield ("roles", name, "at"), _NO_SUCH_PLACE, {"place": str(role.at), "kind": kind}
        if role.subject not in (None, kind):
            said = N_("A case of this protocol is not about a person: no one is its “%(name)s”.")
            yield ("roles", name, "subject"), said, {"name": str(role.subject)}
    strange = {"worker", "member", "agreement", "period"} - {kind.removesuffix("_version")}
    if protocol.starts is not None and protocol.starts.each is not None:
        strange.discard("period")
    for name, anchor in protocol.anchors.items():
        if anchor.from_.partition(".")[0] in strange:
            said = N_("A case of this protocol has no day “%(day)s”: that is one of another subject, or of a period.")
            yield ("anchors", name, "from"), said, {"day": anchor.from_}
    yield from _wrong_proofs(protocol)
    yield from _wrong_acts(protocol)


def _wrong_acts(protocol: Protocol) -> Iterator[_Complaint]:
    """Steps that wait for an act that is never done in a case about this, and so would never be completed.

    What is done with a participant, with a leaver and with a person that an organization hires completes steps of the
    program's protocols, by their names, and no file says it. A program may leave one of these steps out, but not rename
    it.
    """
    completed = COMPLETED.get(protocol.protocol, frozenset())
    wanted = MOVED.get(protocol.protocol, frozenset())
    for place, step in enumerate(protocol.steps):
        for part, said, facts in _wrong_act(step, protocol.subject.kind, completed):
            yield ("steps", place, part), said, facts
            wanted |= completed if said == _COMPLETED_BY_NOTHING else frozenset()
    for name in sorted(wanted - set(protocol.by_id)):
        said = N_("The program moves the step “%(name)s” by this name: its title may change, its name may not.")
        yield ("steps",), said, {"name": name}


def _wrong_act(step: Step, kind: str, completed: AbstractSet[str]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """What is wrong with the act that a step waits for, by the part of it."""
    if step.act is not None and kind != "agreement_version":
        yield (
            "act",
            N_("Nothing is sent, signed or started here: this act belongs to a protocol about an agreement."),
            {},
        )
    if step.evidence != "act" or step.act is not None or step.agenda is not None:
        return
    if kind == "agreement_version":
        yield "evidence", N_("Say in “act” which act completes this step: %(acts)s."), {"acts": ", ".join(ACTS)}
    elif step.id not in completed:
        yield "evidence", _COMPLETED_BY_NOTHING, {}


_COMPLETED_BY_NOTHING: Final = N_(
    "Nothing that is done completes a step of a case about this: ask for another evidence."
)


def _wrong_proofs(protocol: Protocol) -> Iterator[_Complaint]:
    """Proofs and things in hand that no one has in a case about something else."""
    kind = protocol.subject.kind
    for place, step in enumerate(protocol.steps):
        if kind != "member" and step.evidence == "empty_hands":
            said = N_("Only a departing person’s hands are checked: this belongs to a protocol about a member.")
            yield ("steps", place, "evidence"), said, {}
        if kind in ("worker", "member"):
            continue
        if step.evidence in ("serial", "account"):
            said = N_("Equipment and accounts belong to someone: this proof goes with a protocol about a person.")
            yield ("steps", place, "evidence"), said, {}
        if step.for_each and step.for_each.over:
            said = N_("Only a person has something in hand: this belongs to a protocol about a person.")
            yield ("steps", place, "for_each", "over"), said, {}


_NO_SUCH_PLACE = N_("“%(place)s” has no meaning where a case is about this: %(kind)s.")


def _wrong_start(protocol: Protocol) -> Iterator[_Complaint]:
    starts, kind = protocol.starts, protocol.subject.kind
    if starts is None:
        return
    if starts.before_end_of is not None and kind != starts.before_end_of:
        said = N_("Only what is about a version of an agreement begins before its end: say “kind: %(kind)s”.")
        yield ("starts", "before_end_of"), said, {"kind": starts.before_end_of}
    if starts.each is not None and kind == "agreement_version":
        said = N_("A version of an agreement has its case once, and not by the period: use “before_end_of”.")
        yield ("starts", "each"), said, {}


def _chains(protocol: Protocol) -> Iterator[_Complaint]:
    """Fall-backs that lead round in a circle, or to no one."""
    cycle = _cycle({name: role.else_ for name, role in protocol.roles.items()})
    if cycle:
        yield ("roles", cycle[0], "else"), N_("These fall back on each other: %(cycle)s."), {"cycle": _arrows(cycle)}
        return
    for name in protocol.roles:
        last = protocol.chain(name)[-1]
        if protocol.roles[last].holds is None:
            said = N_("No one is left if the subject cannot do it: end with a role that an agreement creates.")
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
        if step.lapses and not anchor.from_.startswith("period."):
            said = N_("Only what is due by the days of a period lapses with them.")
            yield ("steps", place, "lapses"), said, {}
        if step.due.before:
            yield from ((here, said, {}) for said in _too_early(anchor))
        for name in protocol.waits_for(step):
            earlier = protocol.by_id[name].due
            if earlier and _is_surely_before(step.due, earlier):
                yield here, N_("This step would be due before “%(name)s”, which it waits for."), {"name": name}


def _too_early(anchor: Anchor) -> Iterator[str]:
    """Why nothing can be due before a named day."""
    if anchor.from_ == "case.opened_on":
        yield N_("This step would be due before the case opens.")
    if anchor.step is not None:
        yield N_("This day would be known only once it has passed.")


def _is_surely_before(due: DueRule, other: DueRule) -> bool:
    """Whether one day comes before the other whatever the anchor and the closed days are."""
    same_counting = due.counting == other.counting or due.days == 0 or other.days == 0
    opposite = due.offset <= 0 <= other.offset
    return due.anchor == other.anchor and due.offset < other.offset and (same_counting or opposite)


def _ladder(protocol: Protocol) -> Iterator[_Complaint]:
    """Rungs out of order: each is used once, one after the other, so a later day cannot come before an earlier one."""
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
