"""The functions that change a case: open it from its protocol, move its days, end and reopen it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Final, Literal, NamedTuple
from uuid import UUID, uuid4

from sqlmodel import Session, and_

from domain.casework import case_letters, scheduling, tasks, versions, wakeups
from domain.casework import locking as held_tasks
from domain.casework.anew import counts_from
from domain.casework.locking import change_case, change_tasks, hold_case, hold_cases, of_case, refuse_ended
from domain.casework.steps import add_steps, links_of
from domain.casework.subjects import CaseSubject, FoundSubject, hold_subject, same_subject, tenure_of
from domain.declarations import Protocol
from domain.kernel import Actor, Refusal, col, every, hook, local_day, of, only, program_of, scalar, scalars, surely
from domain.people import people
from domain.record import events
from domain.roles import Link
from domain.terms import ADMISSION, BEING_ADMITTED
from domain.terms import days as agreement_days
from locales import N_
from models.casework import SETTLED, Case, Task
from models.lifecycles import ACT, CASE, TASK, NoSuchMove
from models.participant import Participant


def open_case(
    session: Session,
    key: str,
    *,
    subject_id: UUID | None = None,
    organization_id: UUID | None = None,
    agreement_version_id: UUID | None = None,
    period: str = "",
    last_day: date | None = None,
    participant_id: UUID | None = None,
    by: Actor,
    at: datetime,
) -> UUID:
    """Open a case of a protocol, and every step of it that can begin.

    The protocol says what it is about: a person (`subject_id`) at an organization, an organization, a version of an
    agreement, a candidate or participant, or the program. It also says whether it is for a `period`, such as 2026-Q3.
    The case pins the protocol as it stands now and keeps its own copy of the steps. Its named days come from what it is
    about. What a cancelled case about the same had missed by then stays missed. A case about a leaver is opened by
    `departures` alone, which gives their `last_day`.

    Raises Refusal: no such thing, not one that the protocol is for, one already open, or, where it begins
    automatically, one that ever was.
    """
    version = versions.current_protocol(session, key)
    protocol = scheduling.protocol_of(version)
    if (last_day is None) == (protocol.subject.kind == "member"):
        raise Refusal("departure.by_its_own_door", N_("A departure needs a last day, and nothing else has one."))
    here = program_of(session)
    subject = hold_subject(
        session, protocol, CaseSubject(subject_id, organization_id, agreement_version_id, period, participant_id)
    )
    _refuse_ended(subject, local_day(session, at))
    if not protocol.gathers:  # a second departure of who came back: whether there may be one is known there
        _refuse_second(session, key, subject.about, once=protocol.starts is not None)
    if organization_id is not None and _takes_somebody_on(protocol):
        agreement_days.refuse_if_lapsed(session, organization_id, local_day(session, at))
    case = Case(
        program_id=here,
        id=uuid4(),
        protocol=key,
        protocol_version_id=version.id,
        subject_kind=protocol.subject.kind,
        **asdict(subject.about),
        once=protocol.starts is not None,
        gathers=protocol.gathers,
        anchors=_given_days(session, protocol, key, subject, {**subject.days, "member.ends_on": last_day}, at),
        opened_at=at,
        opened_by=by.person_id,
        opened_as=by.role,
    )
    session.add(case)
    session.flush()
    add_steps(session, case, protocol)
    events.write(
        session, "case.opened", "case", case.id, by=by, at=at, case_id=case.id, protocol=key, number=version.number
    )
    held_tasks.open_ready(session, case, by=by, at=at)
    if not protocol.gathers:  # else when its steps are there, for what a person has in hand
        case_letters.case_opened(session, case, by=by, at=at)
    wakeups.wake(session, case.id, at=at)
    return case.id


def cancel_case(
    session: Session, case_id: UUID, *, by: Actor, at: datetime, reason: str, seen: int | None = None
) -> None:
    """Cancel a case that will not be finished, with the reason. Nothing is deleted; what the program did is undone.

    Raises Refusal, also where a person would be left without anyone in charge of them (`may_be_cancelled`), or where
    what goes with it is refused (`when_cancelled`).
    """
    with_it = _goes_with(session, case_id)
    if with_it is not None:
        hold_cases(session, [case_id, *with_it.together(session, case_id)])
    held = hold_case(session, case_id, seen=seen)
    state = _move(held, "cancel")
    if not may_be_cancelled(session, held):
        raise Refusal(
            "case.admission_goes_on",
            N_(
                "An admission ends on the person’s page: there they are refused, decline, or are "
                "admitted. Its case then ends automatically."
            ),
        )
    reason = tasks.needed_reason(reason)
    had_a_part = case_letters.parts_in(session, case_id, by=by, at=at)
    change_case(session, held, state=state, ended_at=at, ended_by=by.person_id, ended_reason=reason)
    held_tasks.cancel_unfinished(session, case_id, at=at)
    to_undo = and_(Task.state == "done", col(Task.act_state).in_(ACT.open_to("want_undo")), Task.undo != "")
    change_tasks(session, of_case(case_id), to_undo, act_state=ACT.moved(col(Task.act_state), "want_undo"))
    events.write(session, "case.cancelled", "case", case_id, by=by, at=at, case_id=case_id)
    if with_it is not None:
        with_it.do(session, case_id, by=by, at=at)
    case_letters.case_cancelled(session, held, had_a_part, by=by, at=at)
    wakeups.wake(session, case_id, at=at)


class _With(NamedTuple):
    """What goes with the cancelling of a protocol's cases: what it does, and the other cases that it touches."""

    together: Callable[[Session, UUID], Collection[UUID]]
    do: Callable[..., None]


_WITH_A_CANCELLING: Final[dict[str, _With]] = {}


def when_cancelled(key: str, *, together: Callable[[Session, UUID], Collection[UUID]], do: Callable[..., None]) -> None:
    """Register what happens in the transaction that cancels a case of a protocol: done later, it could come too late.

    `together` gives the other cases that it touches, which are locked first, in the order of their ids. `do` is called
    with the session, the case's id, `by` and `at`. It may refuse.
    """
    _WITH_A_CANCELLING[key] = _With(together, do)


def _goes_with(session: Session, case_id: UUID) -> _With | None:
    protocol = scalar(session, only(Case.protocol).where(Case.id == case_id))
    return _WITH_A_CANCELLING.get(protocol or "")


def may_be_cancelled(session: Session, case: Case) -> bool:
    """Whether no one is forgotten by cancelling a case: a person to be admitted is on no list without theirs.

    So an admission is cancelled with the act that ends it, after the person is refused, declines, or is gone from here.
    """
    return case.protocol != ADMISSION or _state_of_candidate(session, case) in ("refused", "declined", "destroyed")


def may_be_reopened(session: Session, case: Case) -> bool:
    """Whether a case may be reopened: an admission only where the person is still to be admitted, any other always.

    A cancelled one went with the person's refusal, or their no. A person who is referred anew has another case.
    """
    if case.protocol != ADMISSION:
        return True
    state = _state_of_candidate(session, case)
    return state in BEING_ADMITTED or (case.state == "closed" and state == "admitted")


def _state_of_candidate(session: Session, case: Case) -> str | None:
    return scalar(session, only(Participant.state).where(Participant.id == case.participant_id))


def reopen_case(
    session: Session, case_id: UUID, *, by: Actor, at: datetime, reason: str, seen: int | None = None
) -> None:
    """Reopen a case that was closed or cancelled. What was done stays done; what was undone is done again.

    What was handed in and not answered when the case ended waits for its approval again, and is asked for anew. Raises
    Refusal, also where another case of the protocol about the same is open meanwhile, or where it is an admission with
    no one to admit (`may_be_reopened`).
    """
    held = hold_case(session, case_id, seen=seen)
    state = _move(held, "reopen")
    if not may_be_reopened(session, held):
        raise Refusal(
            "case.admission_is_over",
            N_(
                "This admission ended: the person was refused, declined, or is known under "
                "another file. If referred again, they become a candidate again, with a new case."
            ),
        )
    reason = tasks.needed_reason(reason)
    _refuse_second(session, held.protocol, held, once=False)
    change_case(session, held, state=state, ended_at=None, ended_by=None, ended_reason="")
    handed_in = _restored(session, held)
    undone = and_(Task.state == "done", col(Task.act_state).in_(["undo_wanted", "undone"]))
    planned = TASK.moved(col(Task.state), "postpone")
    change_tasks(session, of_case(case_id), undone, state=planned, **held_tasks.not_done())
    events.write(session, "case.reopened", "case", case_id, by=by, at=at, case_id=case_id, reason_given=bool(reason))
    # The calendar may have changed meanwhile.
    scheduling.reschedule(session, case_id, at=at)
    for task_id in handed_in:
        tasks.ask_again(session, task_id, at=at)
    held_tasks.open_ready(session, held, by=by, at=at)
    wakeups.wake(session, case_id, at=at)


def _restored(session: Session, case: Case) -> list[UUID]:
    """Restore the tasks that ended with a case: planned, or handed in as they were. Returns the ids of those handed in.

    A step that a newer version of its protocol cancelled stays so.
    """
    steps = scheduling.pinned_protocol(session, case.protocol_version_id).by_id
    ended = (of_case(case.id), col(Task.state) == "cancelled", col(Task.step).in_(steps))
    planned = TASK.after("cancelled", "restore")
    again = TASK.after(TASK.after(planned, "open"), "submit")
    # A doing without an answer is on no other task that ended.
    handed_in = change_tasks(session, *ended, col(Task.done_at).is_not(None), state=again)
    change_tasks(session, *ended, state=planned)
    return sorted(handed_in)


def close_case(session: Session, case_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """Close a case in which nothing that is required is left. It also closes automatically with its last step.

    Raises Refusal, naming the steps that are left.
    """
    held = hold_case(session, case_id, seen=seen)
    _move(held, "close")
    if held.gathers:
        # What is in hand by now and was not asked for yet counts too.
        gather(session, case_id, by=by, at=at)
        if hold_case(session, case_id, seen=None).state != "open":
            return  # what came to rest by that was all that was left
    if held_tasks.close_if_settled(session, case_id, by=by, at=at):
        wakeups.wake(session, case_id, at=at)
        return
    if held.gathers:
        refuse_while_in_hand(session, held, at)
    left = every(
        session,
        of(Task)
        .where(of_case(case_id), col(Task.required), col(Task.state).not_in([*SETTLED, "cancelled"]))
        .order_by(col(Task.position), col(Task.item)),
    )
    raise Refusal(
        "case.work_left",
        N_("A case does not close while required steps are left: %(steps)s."),
        steps=held_tasks.titles(left),
    )


@hook
def gather(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> None:
    """Make an open case that gathers ask for everything that its person has in hand now."""


@hook
def refuse_while_in_hand(session: Session, case: Case, at: datetime) -> None:
    """Refuse to close a case that gathers while its person has something in hand. Raises Refusal."""


def move_day(
    session: Session, case_id: UUID, *, anchor: str, day: date, by: Actor, at: datetime, seen: int | None = None
) -> None:
    """Move one of a case's named days, such as the arrival. Only this case's due days follow.

    Where the day is the start of the person's tenure, the tenure starts on it. The engine checks what it did because of
    the day, such as the start of a seat. Raises Refusal.
    """
    held = hold_case(session, case_id, seen=seen)
    refuse_ended(held)
    protocol = scheduling.pinned_protocol(session, held.protocol_version_id)
    declared = protocol.anchors.get(anchor)
    if declared is None or declared.from_ not in ("worker.starts_on", "worker.ends_on"):
        raise Refusal("case.day_is_not_given", N_("This day follows from what is done; it cannot be moved by hand."))
    if declared.from_ == "worker.starts_on":
        _move_start(session, held, day, by=by, at=at)
    _move_anchor(session, held, protocol, anchor, day, by=by, at=at)


def move_last_day(session: Session, case_id: UUID, day: date, *, by: Actor, at: datetime) -> None:
    """Move an open case about a leaver to another last day, which `departures` found."""
    held = hold_case(session, case_id, seen=None)
    if held.state != "open":
        return
    protocol = scheduling.pinned_protocol(session, held.protocol_version_id)
    for anchor, declared in protocol.anchors.items():
        if declared.from_ == "member.ends_on":
            _move_anchor(session, held, protocol, anchor, day, by=by, at=at)


def _move_anchor(
    session: Session, held: Case, protocol: Protocol, anchor: str, day: date, *, by: Actor, at: datetime
) -> None:
    case_id = held.id
    change_case(session, held, anchors={**held.anchors, anchor: day})
    scheduling.reschedule(session, case_id, at=at)
    _look_again(session, protocol, case_id, anchor)
    events.write(
        session,
        "case.day_moved",
        "case",
        case_id,
        by=by,
        at=at,
        case_id=case_id,
        anchor=anchor,
        was=held.anchors[anchor].isoformat() if anchor in held.anchors else None,
        day=day.isoformat(),
    )
    wakeups.wake(session, case_id, at=at)


def gate_is_open(session: Session, case: Case, gate: str) -> bool:
    """Whether every step of a gate is settled in this case, such as what must be done before a worker follows anyone.

    Raises KeyError for a gate that the case's protocol does not have.
    """
    steps = scheduling.pinned_protocol(session, case.protocol_version_id).gates[gate].steps
    holding = scalar(
        session,
        only(Task.id).where(of_case(case.id), col(Task.step).in_(steps), col(Task.state).not_in(SETTLED)).limit(1),
    )
    return holding is None


def links_allowed(session: Session, case: Case, act: Literal["cancel", "reopen"]) -> list[Link]:
    """The links of the roles that may cancel or reopen a case by its protocol."""
    protocol = scheduling.pinned_protocol(session, case.protocol_version_id)
    allowed = protocol.cancel if act == "cancel" else protocol.reopen
    return [link for role in allowed.by for link in links_of(session, protocol, role, case)]


# What a case takes from its subject.


def _refuse_second(session: Session, key: str, about: Case | CaseSubject, *, once: bool) -> None:
    """Refuse where a case of the protocol about the same is open, or, if it begins `once`, where there ever was one.

    The indexes `one_open_case` and `begun_once` hold it too, but for departures.
    """
    asked = only(Case.state).where(Case.protocol == key, same_subject(about))
    states = set(scalars(session, asked if once else asked.where(Case.state == "open")))
    if "open" in states:
        raise Refusal("case.already_open", OPEN_FOR_A_PERSON if about.subject_id else _OPEN_FOR_THIS)
    if states:
        raise Refusal("case.had_already", N_("This already had a case of the protocol, which ended. Reopen that one."))


def _refuse_ended(subject: FoundSubject, day: date) -> None:
    """Refuse to open an onboarding into a role that the person no longer holds."""
    ends_on = subject.days.get("worker.ends_on")
    if ends_on is not None and ends_on < day:
        raise Refusal("case.role_ended", N_("The person's role there has ended. Appoint them again first."))


OPEN_FOR_A_PERSON = N_("This person already has an open case of this protocol there.")
_OPEN_FOR_THIS = N_("A case of this protocol is already open for this.")


def _takes_somebody_on(protocol: Protocol) -> bool:
    """Whether a case of the protocol begins with a person's first day in their role, as a new assignment does."""
    return any(anchor.from_ == "worker.starts_on" for anchor in protocol.anchors.values())


def _given_days(
    session: Session, protocol: Protocol, key: str, subject: FoundSubject, days: Mapping[str, date | None], at: datetime
) -> dict[str, date]:
    known = {**days, "case.opened_on": local_day(session, at)}
    named = {
        name: counts_from(session, key, subject.about, name, protocol.due_after(name), at)
        if protocol.gathers and anchor.from_ == "case.opened_on"
        else known.get(anchor.from_)
        for name, anchor in protocol.anchors.items()
    }
    return {name: day for name, day in named.items() if day is not None}


def _move_start(session: Session, case: Case, day: date, *, by: Actor, at: datetime) -> None:
    """Start the tenure that a case is about on a day."""
    tenure = tenure_of(session, surely(case.subject_id), case.organization_id)
    if tenure.starts_on == day:
        return
    if tenure.ends_on is not None and tenure.ends_on < day:
        raise Refusal("tenure.ends_before", N_("The person's role there ends before that day."))
    people.move_start(session, tenure, day, by=by, at=at, case_id=case.id)


def _look_again(session: Session, protocol: Protocol, case_id: UUID, anchor: str) -> None:
    """Make the engine check what it did for the steps that depend on a day. What has nothing to undo stays as it is."""
    steps = [step.id for step in protocol.steps if step.action and step.due and step.due.anchor == anchor]
    which = and_(col(Task.step).in_(steps), Task.undo != "", col(Task.act_state).in_(ACT.open_to("look_again")))
    change_tasks(session, of_case(case_id), which, act_state=ACT.moved(col(Task.act_state), "look_again"))


# What every verb uses.


def _move(held: Case, move: str) -> str:
    try:
        return CASE.after(held.state, move)
    except NoSuchMove:
        why = _NOT_NOW[held.state, move]  # on its own line: a literal inside a Refusal is taken for a msgid
        raise Refusal("case.not_now", why) from None


_NOT_NOW = {
    ("closed", "close"): N_("This case is already closed."),
    ("closed", "cancel"): N_("This case is closed: it can no longer be cancelled. Reopen it first."),
    ("cancelled", "close"): N_("This case was cancelled. Reopen it first."),
    ("cancelled", "cancel"): N_("This case was already cancelled."),
    ("open", "reopen"): N_("This case is already open."),
}
