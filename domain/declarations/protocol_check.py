"""Checks that see the whole of a protocol, and the program around it: whether it holds together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final

from domain.declarations.protocol import ACTS, OWN_PLACE, REQUESTER, Allowed, Due, Protocol, WaivedBy
from domain.declared.problems import DeclaredErrors, PathOf, nearest, shown
from domain.declared.reading import Declared, load_declared, load_declared_text
from locales import N_


def check_protocol(
    path: Path,
    *,
    roles: AbstractSet[str],
    clauses: AbstractSet[str],
    actions: AbstractSet[str],
    committees: AbstractSet[str] = frozenset(),
    agendas: AbstractSet[str] = frozenset(),
) -> Declared[Protocol]:
    """Read a protocol and check it against the program: raises DeclaredErrors with everything that is wrong.

    `roles` are those that the agreements create, `clauses` the keys of their obligations, `actions` the names that the
    engine can do and undo, `committees` the program's, `agendas` the kinds of items that are requested there, as
    COMMITTEE/KIND.
    """
    surroundings = {
        "role": roles,
        "clause": clauses,
        "action": actions,
        "committee": committees,
        "agenda": agendas,
    }
    return _checked(load_declared(path, Protocol), surroundings)


def check_protocol_text(
    text: str,
    file_name: str,
    *,
    roles: AbstractSet[str],
    clauses: AbstractSet[str],
    actions: AbstractSet[str],
    committees: AbstractSet[str] = frozenset(),
    agendas: AbstractSet[str] = frozenset(),
) -> Declared[Protocol]:
    """As `check_protocol`, for a text that is not, or not yet, a file."""
    surroundings = {
        "role": roles,
        "clause": clauses,
        "action": actions,
        "committee": committees,
        "agenda": agendas,
    }
    return _checked(load_declared_text(text, file_name, Protocol), surroundings)


#: The steps that an act of the program itself completes, by their names, in the protocols that it has of these.
COMPLETED: Final[Mapping[str, frozenset[str]]] = {
    "admission": frozenset({"triage", "first_meeting", "consent", "store_consent", "risk", "number"}),
    "departure": frozenset({"write_summary"}),
    "recruiting": frozenset({"appoint_person"}),
}
#: Those that it gives to a named person, does again or cancels by their names: nothing else in a file tells of it.
MOVED: Final[Mapping[str, frozenset[str]]] = {"admission": frozenset({"decide", "tell_referrer", "make_contact"})}

_Complaint = tuple[PathOf, str, Mapping[str, str | int]]
_Surroundings = Mapping[str, AbstractSet[str]]


def _checked(declared: Declared[Protocol], surroundings: _Surroundings) -> Declared[Protocol]:
    protocol = declared.value
    complaints = [
        *_twice(protocol),
        *_unknown_names(protocol),
        *_unknown_around(protocol, surroundings),
        *_of_another_subject(protocol),
    ]
    # The next checks walk along names and waits: they would stumble over names that lead nowhere, or round.
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
        lists.append((("steps", place, "asks"), [part.id for part in step.asks], True))
        for position, part in enumerate(step.asks):
            chosen = [choice.id for choice in part.choices]
            lists.append((("steps", place, "asks", position, "choices"), chosen, True))
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
        yield ("roles", REQUESTER), N_("“requester” already means the person who hands a step in."), {}


def _unknown_names(protocol: Protocol) -> Iterator[_Complaint]:
    """Names used in this file that it does not define."""
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
    """Names that the program, its agreements or the engine do not know, and would have to."""
    sentences = {
        "role": N_("No agreement creates the role “%(name)s”."),
        "clause": N_("No agreement has the clause “%(name)s”."),
        "action": N_("The engine has no action “%(name)s”."),
        "committee": N_("The program has no committee “%(name)s”."),
        "agenda": N_("No agenda takes items asked for of this kind there: “%(name)s”."),
    }
    named: list[tuple[str, PathOf, str | None]] = [("role", ("subject", "having"), protocol.subject.having)]
    for key, role in protocol.roles.items():
        named.append(("role", ("roles", key, "holds"), role.holds))
        named.append(("role", ("roles", key, "at"), role.having))
    for place, step in enumerate(protocol.steps):
        named.append(("clause", ("steps", place, "clause"), step.clause))
        named.append(("action", ("steps", place, "action"), step.action))
        named.append(("action", ("steps", place, "undo"), step.undone_by))
        committee = step.agenda.committee if step.agenda else None
        named.append(("committee", ("steps", place, "agenda", "committee"), committee))
        if step.agenda and committee in surroundings["committee"]:
            named.append(("agenda", ("steps", place, "agenda", "kind"), f"{committee}/{step.agenda.kind}"))
    for kind, path, name in named:
        if name is not None:
            yield from _unless_known(path, name, surroundings[kind], sentences[kind])


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
    period = protocol.starts is not None and protocol.starts.each is not None
    known = {
        "worker": kind == "worker",
        "member": kind == "member",
        "agreement": kind == "agreement_version",
        "period": period,
    }
    for name, anchor in protocol.anchors.items():
        if not known.get(anchor.from_.partition(".")[0], True):
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
    kind, completed = protocol.subject.kind, COMPLETED.get(protocol.protocol, frozenset())
    wanted = MOVED.get(protocol.protocol, frozenset())
    for place, step in enumerate(protocol.steps):
        if step.act is not None and kind != "agreement_version":
            said = N_("Nothing is sent, signed or started here: this act belongs to a protocol about an agreement.")
            yield ("steps", place, "act"), said, {}
        unsaid = step.evidence == "act" and step.act is None and step.agenda is None
        if unsaid and kind == "agreement_version":
            said = N_("Say in “act” which act completes this step: %(acts)s.")
            yield ("steps", place, "evidence"), said, {"acts": ", ".join(ACTS)}
        elif unsaid and step.id not in completed:
            said = N_("Nothing that is done completes a step of a case about this: ask for another evidence.")
            yield ("steps", place, "evidence"), said, {}
            wanted |= completed
    for name in sorted(wanted - set(protocol.by_id)):
        said = N_("The program moves the step “%(name)s” by this name: its title may change, its name may not.")
        yield ("steps",), said, {"name": name}


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


def _unless_known(path: PathOf, name: str, known: Iterable[str], sentence: str) -> Iterator[_Complaint]:
    if name in known:
        return
    near = nearest(name, sorted(known))
    yield path, sentence, {"name": shown(name), **({"nearest": near} if near else {})}


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
