"""What is promised of equipment, of what is asked for and approved, of follow-ups that end, and of activities."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from uuid import UUID

from sqlmodel import Session, and_, or_

from domain.equipment import serial_key
from domain.follow_ups import APART, APART_COORDINATION, FIND_A_WORKER, where_is
from domain.kernel import SHAPE, also, col, every, joins, local_day, of, only, scalars, select, tuples
from domain.terms import PRIMARY
from models.casework import LIVE, Evidence, Request, Task
from models.equipment import Equipment, Loan
from models.follow_up import Activity, ActivityPart, Assignment, FollowUp
from models.participant import Participant
from models.record import Event
from simulation.promises import promise, since


@promise("What is lost or out of use is in nobody's hands.")
def _nobody_has_what_is_lost(session: Session, at: datetime) -> Iterator[str]:  # noqa: ARG001 - a check's shape
    rows = scalars(
        session,
        only(Equipment.id)
        .join(Loan, joins(Loan.equipment_id, Equipment))
        .where(Equipment.state != "in_use", col(Loan.returned_at).is_(None)),
    )
    yield from (f"equipment {row}" for row in rows)


@promise("What is lost was reported missing in somebody's hands, and given up by somebody else.")
def _what_is_lost_was_missing(session: Session, at: datetime) -> Iterator[str]:  # noqa: ARG001 - a check's shape
    given_up = (
        select(Loan.id)
        .where(
            joins(Loan.equipment_id, Equipment),
            col(Loan.lost),
            col(Loan.returned_by).is_distinct_from(col(Loan.person_id)),
        )
        .exists()
    )
    rows = scalars(session, only(Equipment.id).where(Equipment.state == "lost", ~given_up))
    yield from (f"equipment {row}" for row in rows)


@promise("No two things of a kind have one number, in whichever writing, but those that wait to be checked.")
def _one_thing_a_number(session: Session, at: datetime) -> Iterator[str]:  # noqa: ARG001 - a check's shape
    seen: set[tuple[str, str]] = set()
    for equipment_id, kind, serial in tuples(
        session,
        only(Equipment.id, Equipment.kind, Equipment.serial)
        .where(~col(Equipment.to_check))
        .order_by(col(Equipment.id)),
    ):
        number = kind, serial_key(serial)
        if number in seen:
            yield f"equipment {equipment_id}"
        seen.add(number)


@promise("Equipment that a step hands over is a thing of the inventory.", stays=True)
def _what_is_handed_over_is_in_the_inventory(session: Session, at: datetime) -> Iterator[str]:  # noqa: ARG001
    rows = scalars(session, only(Evidence.id).where(Evidence.kind == "serial", col(Evidence.equipment_id).is_(None)))
    yield from (f"evidence {row}" for row in rows)


@promise("What is approved is what was filled in, and the record has its digest.")
def _what_is_approved_was_filled_in(session: Session, at: datetime) -> Iterator[str]:
    begins = since(session, at)
    settled = and_(Task.state == "done", col(Task.settled_at) >= begins)
    tasks = tuples(
        session,
        only(Task.id, Task.state, Task.approved_by_id).where(
            col(Task.asks) != [],
            or_(Task.state == "submitted", and_(Task.state == "done", col(Task.done_at) >= begins), settled),
        ),
    )
    ids = [task_id for task_id, _, _ in tasks]
    filled_in = dict(
        tuples(
            session, only(Request.task_id, Request.digest).where(col(Request.task_id).in_(ids)).order_by(col(Request.n))
        )
    )
    approved = {
        task_id: facts.get("request")
        for task_id, facts in tuples(
            session,
            only(Event.subject_id, Event.facts)
            .where(Event.verb == "task.approved", col(Event.subject_id).in_(ids))
            .order_by(col(Event.n)),
        )
    }
    for task_id, state, approved_by_id in tasks:
        digest = filled_in.get(task_id)
        is_approved = state == "done" and approved_by_id is not None
        if digest is None or (is_approved and approved.get(task_id) != digest):
            yield f"task {task_id}"


class _Part(Activity):
    """An activity, with one of those who take part in it."""

    model_config = SHAPE
    where_mark: str | None = also(ActivityPart.where_mark)
    follow_up_id: UUID = also(ActivityPart.follow_up_id)
    recruiter: bool = also(Participant.recruiter)


@promise("Nobody who recruits others is where others are at that hour, or somebody is asked about it.")
def _recruiters_are_apart(session: Session, at: datetime) -> Iterator[str]:
    asked = set(
        scalars(
            session, only(Task.item).where(col(Task.step).in_([APART, APART_COORDINATION]), col(Task.state).in_(LIVE))
        )
    )
    rows = every(
        session,
        of(_Part)
        .join(ActivityPart, joins(ActivityPart.activity_id, Activity))
        .join(FollowUp, joins(ActivityPart.follow_up_id, FollowUp))
        .join(Participant, joins(FollowUp.participant_id, Participant))
        .where(
            col(Activity.called_off_at).is_(None),
            col(Activity.held_on) >= local_day(session, at),
            col(ActivityPart.taken_out_at).is_(None),
        ),
    )
    for row in rows:
        if not row.recruiter or str(row.id) in asked:
            continue
        others = [one for one in rows if one.follow_up_id != row.follow_up_id and _meet(row, one)]
        if any(str(one.id) not in asked for one in others):
            yield f"activity {row.id}"


def _meet(first: _Part, second: _Part) -> bool:
    """Whether two parts are of one activity, or of two at one place whose hours meet."""
    if first.id == second.id:
        return True
    one, other = where_is(first, first.where_mark), where_is(second, second.where_mark)
    if one is None or other is None or one.mark != other.mark:
        return False
    return one.span[0] < other.span[1] and other.span[0] < one.span[1]


@promise("An active follow-up that nobody accompanies is somebody's to give to a worker.")
def _nobody_is_left_in_silence(session: Session, at: datetime) -> Iterator[str]:
    day = local_day(session, at)
    asked = set(scalars(session, only(Task.item).where(Task.step == FIND_A_WORKER, col(Task.state).in_(LIVE))))
    accompanied = _accompanied_on(session, day)
    for follow_up_id in scalars(session, only(FollowUp.id).where(FollowUp.state == "active")):
        if follow_up_id not in accompanied and str(follow_up_id) not in asked:
            yield f"follow_up {follow_up_id}"


def _accompanied_on(session: Session, day: date) -> set[UUID]:
    return set(
        scalars(
            session,
            only(Assignment.follow_up_id).where(
                Assignment.kind == PRIMARY,
                col(Assignment.withdrawn_at).is_(None),
                col(Assignment.starts_on) <= day,
                or_(col(Assignment.ends_on).is_(None), col(Assignment.ends_on) >= day),
            ),
        )
    )
