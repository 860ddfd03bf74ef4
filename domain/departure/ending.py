"""Ends what ends with a departure: roles on the last day, and access, seats, invitations and parts after it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, true
from sqlmodel import Session

from domain.casework import wakeups
from domain.departure import last_days, welcoming
from domain.departure.current import hold_under_way, move_with_roles
from domain.departure.ways_in import shut_out
from domain.follow_ups import assigning
from domain.holdings import elsewhere, goes_on, left_on
from domain.kernel import Actor, changes, col, every, joins, lasts, local_day, of, only, replaced, rewrite, scalars
from domain.people import people, privacy_officers, seat_holders
from domain.record import events
from models.casework import Case
from models.committee import Seat, SeatHolder
from models.departure import Departure
from models.follow_up import Assignment
from models.meeting import Meeting, MeetingGuest
from models.program import Tenure


def end_departure(session: Session, departure_id: UUID, *, by: Actor, at: datetime) -> bool:
    """End the leaver's access and seats, on the day after the last. Whether there was something to do; idempotent.

    Their onboarding there ends too, if one is open. Where they hold something elsewhere in the program, only what
    belongs to this organization ends. A seat that no one took over passes to the organization's second representative
    meanwhile (CM-2R). Nothing of theirs is deleted, and what they did keeps their name.
    """
    departure = hold_under_way(session, departure_id)
    if departure is None:
        return False
    departure = replaced(departure, last_day=move_with_roles(session, departure, by=by, at=at))
    if departure.last_day >= local_day(session, at):
        return False
    seats = _end_seats(session, departure, by=by, at=at)
    _end_parts(session, departure, by=by, at=at)
    welcoming.see_off(session, departure.person_id, departure.organization_id, by=by, at=at)
    last_days.hand_on_deputizing(session, departure.case_id, by=by, at=at)
    gone = not _stays(session, departure)
    if gone:
        _end_guest_invitations(session, departure, by=by, at=at)
        shut_out(session, departure.person_id, by=by, at=at)
    rewrite(session, Departure, departure.id, ended_at=at)
    whose, case_id, facts = departure.person_id, departure.case_id, {"seats": seats, "access_ended": gone}
    events.write(session, "departure.last_day_over", "person", whose, by=by, at=at, case_id=case_id, **facts)
    wakeups.wake(session, departure.case_id, at=at)
    return True


def end_a_role(session: Session, role: Tenure, ends_on: date, *, by: Actor, at: datetime) -> None:
    """End a role on a last day, unless it ends sooner already."""
    if role.ends_on is not None and role.ends_on <= ends_on:
        return
    privacy_officers.refuse_end(session, role, ends_on, by=by, at=at)
    people.end_tenure(session, role.id, ends_on=ends_on, by=by, at=at)


def _stays(session: Session, departure: Departure) -> bool:
    """Whether the leaver holds a role elsewhere, or again, after their last day."""
    after = departure.last_day + timedelta(days=1)
    there = elsewhere(session, departure.person_id, departure.organization_id, after)
    return bool(there) or _is_back(session, departure)


def _is_back(session: Session, departure: Departure) -> bool:
    """Whether the leaver holds a role there again after their last day."""
    return goes_on(session, departure.person_id, departure.organization_id, departure.last_day)


def _began_by_then(session: Session, departure: Departure, first_day: ColumnElement[date]) -> ColumnElement[bool]:
    """The condition on a first day that what begins on it ends with a departure, and not what begins after a return.

    Of what they have in hand it is the same (`holding.Leaving`).
    """
    if not _is_back(session, departure):
        return true()
    known_at = scalars(session, only(Case.opened_at).where(Case.id == departure.case_id)).one()
    return first_day <= left_on(departure.last_day, local_day(session, known_at))


def _end_seats(session: Session, departure: Departure, *, by: Actor, at: datetime) -> int:
    """End the leaver's seats at the organization on their last day; the second representative stands in.

    A seat that begins with a role to which they return stays theirs.
    """
    last_day = departure.last_day
    rows = every(
        session,
        of(SeatHolder)
        .join(Seat, joins(SeatHolder.seat_id, Seat))
        .where(
            SeatHolder.person_id == departure.person_id,
            Seat.organization_id == departure.organization_id,
            col(SeatHolder.withdrawn_at).is_(None),
            lasts(SeatHolder, last_day),
            _began_by_then(session, departure, col(SeatHolder.starts_on)),
        )
        .order_by(col(SeatHolder.id))
        .with_for_update(of=SeatHolder),
    )
    for row in rows:
        seat_holders.end_seat(session, row, last_day, by=by, at=at)
        if row.kind == "principal":
            place, case_id = departure.organization_id, departure.case_id
            seat_holders.second_stands_in(
                session, row, organization_id=place, last_day=last_day, case_id=case_id, by=by, at=at
            )
    return len(rows)


def _end_guest_invitations(session: Session, departure: Departure, *, by: Actor, at: datetime) -> None:
    """Withdraw the invitations without a seat to the meetings after the last day."""
    after = datetime.combine(departure.last_day + timedelta(days=1), time.min)
    to_come = only(Meeting.id).where(Meeting.state == "planned", col(Meeting.starts) >= after)
    theirs = changes(MeetingGuest).where(
        MeetingGuest.person_id == departure.person_id,
        col(MeetingGuest.withdrawn_at).is_(None),
        col(MeetingGuest.meeting_id).in_(to_come),
    )
    withdrawn = theirs.values(withdrawn_at=at, withdrawn_by=by.role).returning(col(MeetingGuest.meeting_id))
    for meeting_id in sorted(scalars(session, withdrawn).all()):
        events.write(session, "guest.withdrawn", "meeting", meeting_id, by=by, at=at, person=str(departure.person_id))


def _end_parts(session: Session, departure: Departure, *, by: Actor, at: datetime) -> None:
    """End the leaver's parts in follow-ups: the coordinator sees one that no one took over as a vacancy.

    It stays in the departure's list, and what was offered of it stands, until a worker accepts it. DP-03
    """
    parts = of(Assignment).where(
        Assignment.person_id == departure.person_id,
        Assignment.organization_id == departure.organization_id,
        col(Assignment.withdrawn_at).is_(None),
        col(Assignment.ended_at).is_(None),
        _began_by_then(session, departure, col(Assignment.starts_on)),
    )
    rows = every(session, parts)
    for follow_up_id in sorted({part.follow_up_id for part in rows}):
        assigning.end_parts(session, follow_up_id, {part.id for part in rows}, by=by, at=at)
