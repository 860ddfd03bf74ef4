"""What settling a thing does, a settler a kind: the task falls on the successor, the seat is theirs, it is back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.accompaniment import workers
from domain.casework import bar_to_approval, cases, people_of
from domain.departure import accounts, hiring, last_days, offers, recruiting, taking_tasks
from domain.departure.endings import has_somebody_in_line
from domain.departure.one_settling import Settling, refuse_own_successor
from domain.equipment import lending
from domain.follow_ups import assigning
from domain.holdings import FOLLOW_UP, NOTE, candidates, duty, roles, seats, things
from domain.kernel import Actor, Refusal, changes, col, first, local_day, of, only, run, scalar
from domain.participants import hold_participant, referring
from domain.people import seat_holders
from domain.record import events
from domain.roles import Link, responsibility, standing
from locales import N_
from models.casework import Task
from models.committee import SeatHolder
from models.departure import HandOver
from models.equipment import Loan
from models.follow_up import Assignment
from models.meeting import MeetingGuest
from models.participant import CandidateWorker
from models.program import Absence, Tenure


def _settle_task(one_thing: Settling, *, approval: bool = False) -> None:
    """It falls on the successor, under the role by which they may have it, before the rest of its chain."""
    session = one_thing.session
    row = first(session, of(Task).where(Task.id == one_thing.holding_id).with_for_update())
    if row is None or row.state not in ("open", "submitted"):
        return  # it came to rest meanwhile
    chain = taking_tasks.chain_of(session, row, approval=approval)
    if one_thing.successor_id is None:
        _refuse_untrue_end(one_thing, chain, "approvals" if approval else "tasks")
        return
    if approval:
        _refuse_barred(one_thing, row, one_thing.successor_id)
    link = _link_of(one_thing, one_thing.successor_id, approval=approval)
    others = [other for other in chain if other.person != one_thing.leaver_id]
    now = responsibility(session, [link, *others])
    values = {"approved_by_id": now} if approval else {"owed_by_id": now, "declared_owed_by_id": now}
    this = changes(Task).where(Task.id == row.id, Task.version == row.version)
    run(session, this.values(**values, version=col(Task.version) + 1))
    person, first_of_it = str(one_thing.successor_id), chain[0]
    facts = {"step": row.step, "item": row.item, "person": person, "role": first_of_it.role, "place": first_of_it.at}
    events.write(session, "task.passed_on", "task", row.id, case_id=row.case_id, **one_thing.acted, **facts)


def _refuse_barred(one_thing: Settling, task: Task, successor_id: UUID) -> None:
    """Refuse to give an approval to the person who did it, or that the protocol bars from approving it."""
    then = standing(one_thing.session, one_thing.after)
    bar = bar_to_approval(task, Actor(role="", person_id=successor_id), lambda link: people_of(then, link))
    if bar is not None:
        raise Refusal("holding.own_request", N_("This person did it, or may not approve it: name someone else."))


def _refuse_untrue_end(one_thing: Settling, chain: list[Link], kind: str) -> None:
    """Refuse to say that a duty stays with its role where no one would have it."""
    gone = standing(one_thing.session, one_thing.after)
    if one_thing.ended_as == "with_the_role" and not has_somebody_in_line(gone, chain, kind, one_thing.leaver_id):
        raise Refusal(
            "holding.nobody_in_line", N_("No one is next in line for this: name someone, or leave it vacant.")
        )


def _link_of(one_thing: Settling, successor_id: UUID, *, approval: bool) -> Link:
    """The successor under the role by which they may have the task."""
    then, today = standing(one_thing.session, one_thing.after), local_day(one_thing.session, one_thing.at)
    able = taking_tasks.takers_of(one_thing.session, one_thing.holding_id, then, today, approval=approval)
    held = able[successor_id]
    return Link(held.role, str(held.organization_id), person=successor_id)


def _settle_nothing(one_thing: Settling) -> None:
    """Nothing is to move: the director of that time signs, and an unfinished note is no longer owed, but kept."""


def _settle_seat(one_thing: Settling) -> None:
    session = one_thing.session
    row = first(session, of(SeatHolder).where(SeatHolder.id == one_thing.holding_id).with_for_update())
    if row is None:
        return
    seat_holders.end_seat(session, row, one_thing.departure.last_day, **one_thing.acted)
    if one_thing.successor_id is not None:
        seat_holders.give_seat(
            session,
            row.seat_id,
            one_thing.successor_id,
            kind=row.kind,
            starts_on=one_thing.after,
            case_id=one_thing.case.id,
            **one_thing.acted,
        )


def _settle_guest(one_thing: Settling) -> None:
    session = one_thing.session
    meeting_id = scalar(
        session,
        changes(MeetingGuest)
        .where(MeetingGuest.id == one_thing.holding_id, col(MeetingGuest.withdrawn_at).is_(None))
        .values(withdrawn_at=one_thing.at, withdrawn_by=one_thing.by.role)
        .returning(col(MeetingGuest.meeting_id)),
    )
    if meeting_id is None:
        return
    person = str(one_thing.leaver_id)
    events.write(session, "guest.withdrawn", "meeting", meeting_id, person=person, **one_thing.acted)


def _settle_deputizing(one_thing: Settling) -> None:
    """Name another deputy, or none, for after the last day: until then the leaver deputizes."""
    session = one_thing.session
    row = first(session, of(Absence).where(Absence.id == one_thing.holding_id).with_for_update())
    if row is None:
        return
    if one_thing.successor_id == row.person_id:
        raise Refusal("absence.own_deputy", N_("A person cannot be their own deputy."))
    if one_thing.departure.ended_at is not None:
        last_days.change_deputy(session, row.id, one_thing.leaver_id, one_thing.successor_id, **one_thing.acted)


def _settle_equipment(one_thing: Settling) -> None:
    """Record equipment as back in the inventory, with its condition, or given up after it was missing (DP-07)."""
    thing_id = thing_of(one_thing.session, one_thing.task)
    if thing_id is None:
        return  # it was undone meanwhile, on the page of the inventory
    end = lending.give_up if one_thing.ended_as == "lost" else lending.take_back
    thing = lending.hold(one_thing.session, thing_id)
    end(one_thing.session, thing, one_thing.note, case_id=one_thing.case.id, **one_thing.acted)


def _settle_tenure(one_thing: Settling) -> None:
    """Settle a role: a successor from the day after its last one, a recruiting, or no one. DP-01."""
    session = one_thing.session
    tenure = first(session, of(Tenure).where(Tenure.id == one_thing.holding_id))
    if tenure is None:
        return
    if one_thing.successor_id is None:
        if one_thing.ended_as == "recruiting":
            _look_for_somebody(one_thing)
        return
    refuse_own_successor(one_thing)
    ends_on = tenure.ends_on or one_thing.departure.last_day
    hiring.take_on(
        session,
        one_thing.successor_id,
        tenure.role,
        tenure.organization_id,
        starts_on=max(ends_on + timedelta(days=1), local_day(session, one_thing.at)),
        recruited=False,
        **one_thing.acted,
    )


def _look_for_somebody(one_thing: Settling) -> None:
    """Open the recruiting at the organization. Where one is open for another role, this one waits for its end."""
    session, place = one_thing.session, one_thing.departure.organization_id
    try:
        cases.open_case(session, recruiting.RECRUITING, organization_id=place, **one_thing.acted)
    except Refusal as refusal:
        if refusal.code != "case.already_open":
            raise
        role = roles.called(session, one_thing.holding_id)
        recruiting.recruit_afterwards(session, place, role, **one_thing.acted)


def _settle_follow_up(one_thing: Settling) -> None:
    """Leave a follow-up vacant, with the reason: the coordinator has it as a vacancy from now on."""
    session = one_thing.session
    part = first(
        session, of(Assignment).where(Assignment.id == one_thing.holding_id, col(Assignment.ended_at).is_(None))
    )
    if part is not None:
        assigning.end_part(session, part.follow_up_id, part.person_id, **one_thing.acted)
    offers.take_all_back(session, col(HandOver.task_id) == one_thing.task.id, **one_thing.acted)


def _settle_candidate(one_thing: Settling) -> None:
    """Name another worker for the candidate, or none: then the coordinator has them. Guide: AD-R3."""
    session, by, at = one_thing.session, one_thing.by, one_thing.at
    row = first(
        session,
        of(CandidateWorker).where(CandidateWorker.id == one_thing.holding_id, col(CandidateWorker.ended_at).is_(None)),
    )
    if row is None:
        return  # another was named meanwhile, or the candidate goes no further
    participant_id, successor_id = row.participant_id, one_thing.successor_id
    if row.second_id == one_thing.leaver_id:
        workers.change_second(session, participant_id, successor_id, by=by, at=at)
    elif successor_id is None:
        workers.take_back(session, hold_participant(session, participant_id), "left", by=by, at=at)
        events.write(session, "participant.worker_left", "participant", participant_id, by=by, at=at)
    else:
        second = None if row.second_id == successor_id else row.second_id
        workers.name_worker(session, participant_id, successor_id, second_id=second, by=by, at=at)


def _settle_draft(one_thing: Settling) -> None:
    """Leave a draft to the coordinator, or destroy it where the one who may read it says so. No one else has it."""
    end = referring.throw_draft_away if one_thing.ended_as == "thrown_away" else referring.leave_draft
    end(one_thing.session, one_thing.holding_id, **one_thing.acted)


#: What each kind of thing is settled by.
SETTLERS: Final[Mapping[str, Callable[[Settling], None]]] = {
    FOLLOW_UP: _settle_follow_up,
    roles.TENURE: _settle_tenure,
    roles.SIGNATURE: _settle_nothing,
    duty.TASK: _settle_task,
    duty.APPROVAL: partial(_settle_task, approval=True),
    duty.DECISION: _settle_task,
    seats.SEAT: _settle_seat,
    seats.GUEST: _settle_guest,
    seats.DEPUTIZING: _settle_deputizing,
    things.EQUIPMENT: _settle_equipment,
    things.ACCOUNT: lambda one: accounts.close_account(one.session, one.holding_id, **one.acted),
    NOTE: _settle_nothing,
    candidates.CANDIDATE: _settle_candidate,
    candidates.REFERRAL: _settle_task,
    candidates.DRAFT: _settle_draft,
}


def thing_of(session: Session, task: Task) -> UUID | None:
    """The piece of equipment that a task asks for, while it is in hand: the task's item is the loan."""
    return scalar(
        session, only(Loan.equipment_id).where(col(Loan.id) == UUID(task.item), col(Loan.returned_at).is_(None))
    )
