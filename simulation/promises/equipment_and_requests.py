"""What is promised of equipment, of what is asked for and approved, of follow-ups that end, and of activities."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlmodel import Session

from domain.equipment.inventory import serial_key
from domain.follow_ups.activities import APART, APART_COORDINATION
from domain.follow_ups.assigning import FIND_A_WORKER
from domain.follow_ups.meeting_places import where_is
from domain.kernel.scope import local_day, many, program_of
from domain.terms.parts import PRIMARY
from models.base import refers, table_of
from models.casework import LIVE, Evidence, Request, Task
from models.equipment import Equipment, Loan
from models.follow_up import Activity, ActivityPart, Assignment, FollowUp
from models.participant import Participant
from models.record import Event
from simulation.promises import promise

_equipment, _loan, _evidence = table_of(Equipment), table_of(Loan), table_of(Evidence)
_task, _request, _event = table_of(Task), table_of(Request), table_of(Event)
_follow_up, _assignment, _participant = table_of(FollowUp), table_of(Assignment), table_of(Participant)
_activity, _part = table_of(Activity), table_of(ActivityPart)


@promise("What is lost or out of use is in nobody's hands.")
def _nobody_has_what_is_lost(session: Session, at: datetime) -> Iterator[str]:  # noqa: ARG001 - a check's shape
    rows = session.scalars(
        select(_equipment.c.id)
        .join(_loan, refers(_loan.c.equipment_id, _equipment))
        .where(
            _equipment.c.program_id == program_of(session),
            _equipment.c.state != "in_use",
            _loan.c.returned_at.is_(None),
        )
    )
    yield from (f"equipment {row}" for row in rows)


@promise("What is lost was reported missing in somebody's hands, and given up by somebody else.")
def _what_is_lost_was_missing(session: Session, at: datetime) -> Iterator[str]:  # noqa: ARG001 - a check's shape
    given_up = (
        select(_loan.c.id)
        .where(
            _loan.c.program_id == _equipment.c.program_id,
            _loan.c.equipment_id == _equipment.c.id,
            _loan.c.lost,
            _loan.c.returned_by.is_distinct_from(_loan.c.person_id),
        )
        .exists()
    )
    rows = session.scalars(
        select(_equipment.c.id).where(
            _equipment.c.program_id == program_of(session), _equipment.c.state == "lost", ~given_up
        )
    )
    yield from (f"equipment {row}" for row in rows)


@promise("No two things of a kind have one number, in whichever writing, but those that wait to be checked.")
def _one_thing_a_number(session: Session, at: datetime) -> Iterator[str]:  # noqa: ARG001 - a check's shape
    seen: set[tuple[str, str]] = set()
    for row in many(
        session,
        select(_equipment.c.id, _equipment.c.kind, _equipment.c.serial)
        .where(_equipment.c.program_id == program_of(session), ~_equipment.c.to_check)
        .order_by(_equipment.c.id),
    ):
        number = row["kind"], serial_key(row["serial"])
        if number in seen:
            yield f"equipment {row['id']}"
        seen.add(number)


@promise("Equipment that a step hands over is a thing of the inventory.")
def _what_is_handed_over_is_in_the_inventory(session: Session, at: datetime) -> Iterator[str]:  # noqa: ARG001
    rows = session.scalars(
        select(_evidence.c.id).where(
            _evidence.c.program_id == program_of(session),
            _evidence.c.kind == "serial",
            _evidence.c.equipment_id.is_(None),
        )
    )
    yield from (f"evidence {row}" for row in rows)


@promise("What is approved is what was filled in, and the record has its digest.")
def _what_is_approved_was_filled_in(session: Session, at: datetime) -> Iterator[str]:  # noqa: ARG001
    here = program_of(session)
    tasks = many(
        session,
        select(_task.c.id, _task.c.state, _task.c.approved_by_id, _task.c.settled_at).where(
            _task.c.program_id == here, _task.c.asks != [], _task.c.state.in_(["submitted", "done"])
        ),
    )
    ids = [task["id"] for task in tasks]
    filled_in = {
        row["task_id"]: row["digest"]
        for row in many(
            session,
            select(_request.c.task_id, _request.c.digest)
            .where(_request.c.program_id == here, _request.c.task_id.in_(ids))
            .order_by(_request.c.n),
        )
    }
    approved = {
        row["subject_id"]: row["facts"].get("request")
        for row in many(
            session,
            select(_event.c.subject_id, _event.c.facts)
            .where(_event.c.program_id == here, _event.c.verb == "task.approved", _event.c.subject_id.in_(ids))
            .order_by(_event.c.n),
        )
    }
    for task in tasks:
        digest = filled_in.get(task["id"])
        is_approved = task["state"] == "done" and task["approved_by_id"] is not None
        if digest is None or (is_approved and approved.get(task["id"]) != digest):
            yield f"task {task['id']}"


@promise("Nobody who recruits others is where others are at that hour, or somebody is asked about it.")
def _recruiters_are_apart(session: Session, at: datetime) -> Iterator[str]:
    here = program_of(session)
    asked = set(
        session.scalars(
            select(_task.c.item).where(
                _task.c.program_id == here,
                _task.c.step.in_([APART, APART_COORDINATION]),
                _task.c.state.in_(LIVE),
            )
        )
    )
    rows = many(
        session,
        select(_activity, _part.c.where_mark, _part.c.follow_up_id, _participant.c.recruiter)
        .join(_part, refers(_part.c.activity_id, _activity))
        .join(_follow_up, refers(_part.c.follow_up_id, _follow_up))
        .join(_participant, refers(_follow_up.c.participant_id, _participant))
        .where(
            _activity.c.program_id == here,
            _activity.c.called_off_at.is_(None),
            _activity.c.held_on >= local_day(session, at),
            _part.c.taken_out_at.is_(None),
        ),
    )
    for row in rows:
        if not row["recruiter"] or str(row["id"]) in asked:
            continue
        others = [one for one in rows if one["follow_up_id"] != row["follow_up_id"] and _meet(row, one)]
        if any(str(one["id"]) not in asked for one in others):
            yield f"activity {row['id']}"


def _meet(first: dict[str, object], second: dict[str, object]) -> bool:
    """Whether two parts are of one activity, or of two at one place whose hours meet."""
    if first["id"] == second["id"]:
        return True
    one, other = where_is(first), where_is(second)
    if one is None or other is None or one.mark != other.mark:
        return False
    return one.span[0] < other.span[1] and other.span[0] < one.span[1]


@promise("An active follow-up that nobody accompanies is somebody's to give to a worker.")
def _nobody_is_left_in_silence(session: Session, at: datetime) -> Iterator[str]:
    here, day = program_of(session), local_day(session, at)
    asked = set(
        session.scalars(
            select(_task.c.item).where(
                _task.c.program_id == here, _task.c.step == FIND_A_WORKER, _task.c.state.in_(LIVE)
            )
        )
    )
    accompanied = _accompanied_on(session, day)
    for follow_up_id in session.scalars(
        select(_follow_up.c.id).where(_follow_up.c.program_id == here, _follow_up.c.state == "active")
    ):
        if follow_up_id not in accompanied and str(follow_up_id) not in asked:
            yield f"follow_up {follow_up_id}"


def _accompanied_on(session: Session, day: date) -> set[UUID]:
    return set(
        session.scalars(
            select(_assignment.c.follow_up_id).where(
                _assignment.c.program_id == program_of(session),
                _assignment.c.kind == PRIMARY,
                _assignment.c.withdrawn_at.is_(None),
                _assignment.c.starts_on <= day,
                or_(_assignment.c.ends_on.is_(None), _assignment.c.ends_on >= day),
            )
        )
    )
