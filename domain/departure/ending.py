"""What ends with a departure: roles on the last day, and access, seats, invitations and parts once it is past."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    or_,
    select,
    true,
    update,
)
from sqlmodel import Session

from domain.casework import wakeups
from domain.departure import hiring, last_days
from domain.departure.current import hold_under_way, move_with_roles
from domain.departure.ways_in import shut_out
from domain.follow_ups import assigning
from domain.holdings.holding import elsewhere, goes_on, left_on
from domain.kernel.actors import Actor
from domain.kernel.scope import local_day, many, program_of
from domain.people import people, seat_holders
from domain.record import events
from models.base import refers, table_of
from models.casework import Case
from models.committee import Seat, SeatHolder
from models.departure import Departure
from models.follow_up import Assignment
from models.meeting import Meeting, MeetingGuest

_departure = table_of(Departure)
_case = table_of(Case)
_seat = table_of(Seat)
_holder = table_of(SeatHolder)
_assignment = table_of(Assignment)
_guest = table_of(MeetingGuest)
_meeting = table_of(Meeting)


def end_departure(session: Session, departure_id: UUID, *, by: Actor, at: datetime) -> bool:
    """On the day after the last: end the leaver's access and seats. Whether there was something to do; idempotent.

    What still welcomed them there ends too. Where they hold something elsewhere in the program, only what belongs to
    this organization ends. A seat that nobody took over passes to the organization's second representative meanwhile
    (CM-2R). Nothing of theirs is deleted, and what they did keeps their name.
    """
    departure = hold_under_way(session, departure_id)
    if departure is None:
        return False
    departure = {**departure, "last_day": move_with_roles(session, departure, by=by, at=at)}
    if departure["last_day"] >= local_day(session, at):
        return False
    seats = _end_seats(session, departure, by=by, at=at)
    _end_parts(session, departure, by=by, at=at)
    hiring.see_off(session, departure["person_id"], departure["organization_id"], by=by, at=at)
    last_days.hand_on_deputizing(session, departure["case_id"], by=by, at=at)
    gone = not _stays(session, departure)
    if gone:
        _end_guest_invitations(session, departure, by=by, at=at)
        shut_out(session, departure["person_id"], by=by, at=at)
    session.execute(
        update(_departure)
        .where(_departure.c.program_id == program_of(session), _departure.c.id == departure_id)
        .values(ended_at=at, version=_departure.c.version + 1)
    )
    events.write(
        session,
        "departure.last_day_over",
        "person",
        departure["person_id"],
        by=by,
        at=at,
        case_id=departure["case_id"],
        seats=seats,
        access_ended=gone,
    )
    wakeups.wake(session, departure["case_id"], at=at)
    return True


def end_a_role(session: Session, role: Mapping[str, Any], ends_on: date, *, by: Actor, at: datetime) -> None:
    """End a role on a last day, unless it ends sooner already."""
    if role["ends_on"] is not None and role["ends_on"] <= ends_on:
        return
    people.end_tenure(session, role["id"], ends_on=ends_on, by=by, at=at)


def _stays(session: Session, departure: Mapping[str, Any]) -> bool:
    """Whether the leaver holds a role elsewhere, or again, after their last day."""
    after = departure["last_day"] + timedelta(days=1)
    if elsewhere(session, departure["person_id"], departure["organization_id"], after):
        return True
    return _is_back(session, departure)


def _is_back(session: Session, departure: Mapping[str, Any]) -> bool:
    """Whether the leaver holds a role there again after their last day."""
    return goes_on(session, departure["person_id"], departure["organization_id"], departure["last_day"])


def _began_by_then(
    session: Session, departure: Mapping[str, Any], first_day: ColumnElement[date]
) -> ColumnElement[bool]:
    """The condition on a first day that what begins on it ends with a departure: not what they have once they are back.

    Nor what they are to have then: so it is with what they have in hand (`holding.Leaving`).
    """
    if not _is_back(session, departure):
        return true()
    known_at: datetime = session.scalars(
        select(_case.c.opened_at).where(_case.c.program_id == program_of(session), _case.c.id == departure["case_id"])
    ).one()
    return first_day <= left_on(departure["last_day"], local_day(session, known_at))


def _end_seats(session: Session, departure: Mapping[str, Any], *, by: Actor, at: datetime) -> int:
    """End the leaver's seats at the organization on their last day; have its second representative stand in.

    A seat that begins with a role to which they come back is theirs all the same.
    """
    here, last_day = program_of(session), departure["last_day"]
    rows = many(
        session,
        select(_holder, _seat.c.organization_id)
        .join(_seat, refers(_holder.c.seat_id, _seat))
        .where(
            _holder.c.program_id == here,
            _holder.c.person_id == departure["person_id"],
            _seat.c.organization_id == departure["organization_id"],
            _holder.c.withdrawn_at.is_(None),
            or_(_holder.c.ends_on.is_(None), _holder.c.ends_on >= last_day),
            _began_by_then(session, departure, _holder.c.starts_on),
        )
        .order_by(_holder.c.id)
        .with_for_update(of=_holder),
    )
    for row in rows:
        seat_holders.end_seat(session, row, last_day, by=by, at=at)
        if row["kind"] == "principal":
            seat_holders.second_stands_in(session, row, departure, by=by, at=at)
    return len(rows)


def _end_guest_invitations(session: Session, departure: Mapping[str, Any], *, by: Actor, at: datetime) -> None:
    """Take back the invitations without a seat to the meetings after the last day."""
    here = program_of(session)
    after = datetime.combine(departure["last_day"] + timedelta(days=1), time.min)
    to_come = select(_meeting.c.id).where(
        _meeting.c.program_id == here, _meeting.c.state == "planned", _meeting.c.starts >= after
    )
    taken_back = session.scalars(
        update(_guest)
        .where(
            _guest.c.program_id == here,
            _guest.c.person_id == departure["person_id"],
            _guest.c.withdrawn_at.is_(None),
            _guest.c.meeting_id.in_(to_come),
        )
        .values(withdrawn_at=at, withdrawn_by=by.role)
        .returning(_guest.c.meeting_id)
    ).all()
    for meeting_id in sorted(taken_back):
        events.write(
            session, "guest.withdrawn", "meeting", meeting_id, by=by, at=at, person=str(departure["person_id"])
        )


def _end_parts(session: Session, departure: Mapping[str, Any], *, by: Actor, at: datetime) -> None:
    """End the leaver's parts in follow-ups: one that nobody took over is a vacancy that the coordinator sees.

    It stays in the departure's list, and what was offered of it stands, until somebody accepts it. DP-03
    """
    rows = session.execute(
        select(_assignment.c.id, _assignment.c.follow_up_id).where(
            _assignment.c.program_id == program_of(session),
            _assignment.c.person_id == departure["person_id"],
            _assignment.c.organization_id == departure["organization_id"],
            _assignment.c.withdrawn_at.is_(None),
            _assignment.c.ended_at.is_(None),
            _began_by_then(session, departure, _assignment.c.starts_on),
        )
    ).all()
    ids = {row.id for row in rows}
    for follow_up_id in sorted({row.follow_up_id for row in rows}):
        assigning.end_parts(session, follow_up_id, ids, by=by, at=at)
