"""Gives what a departure took automatically back to the person who stays: seats, parts in follow-ups, invitations.

So it does with absences in which they deputize. What was handed over stays there, and the departure's page says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

from sqlmodel import Session

from domain.accompaniment import asked_today
from domain.departure.taken_away import Taken, ended_by, parts, taken
from domain.follow_ups import assigning
from domain.holdings import seats, without_a_follower
from domain.kernel import Actor, Refusal, changes, col, every, joins, local_day, of, only, run, scalars, surely
from domain.people import seat_holders
from domain.record import events
from domain.terms import PRIMARY
from models.committee import SeatHolder
from models.departure import Departure, Settlement
from models.meeting import Meeting, MeetingGuest
from models.program import Absence

_DAY: Final = timedelta(days=1)


def give_back(session: Session, departure: Departure, *, by: Actor, at: datetime) -> None:
    """Give back what a cancelled departure had taken automatically, where no one else has it by now."""
    _give_seats(session, departure, by=by, at=at)
    _give_parts(session, departure, by=by, at=at)
    _have_deputize_again(session, departure, by=by, at=at)
    if departure.ended_at is not None:
        _invite_again(session, departure, by=by, at=at)


def _give_parts(session: Session, departure: Departure, *, by: Actor, at: datetime) -> None:
    """Give back the parts in follow-ups that no one else has; the coordinator is asked where a rule refuses one."""
    for part in parts(session, departure, ended_by(departure), without_a_follower()):
        try:
            with session.begin_nested():
                assigning.give_again(session, part.follow_up_id, departure.person_id, kind=part.kind, by=by, at=at)
        except Refusal:
            if part.kind == PRIMARY:
                assigning.keep_vacancy(session, part.follow_up_id, by=by, at=at)
            else:
                assigning.ask_for_a_second(session, part.follow_up_id, by=by, at=at)


def _give_seats(session: Session, departure: Departure, *, by: Actor, at: datetime) -> None:
    """Give back the seats that no one else has as their principal by now, and that were to go on until today."""
    today, whose = local_day(session, at), departure.person_id
    for row, was in taken(session, departure):
        others = [held for held in seat_holders.holders_from(session, row.seat_id, today) if held.person_id != whose]
        if _is_anothers(row, others) or (was is not None and was < today):
            continue
        for held in others:
            # A stand-in by the departure alone stands in no longer: they were not named otherwise.
            if held.kind == "alternate" and _stood_in(departure, held):
                seat_holders.end_seat(session, held, today - _DAY, by=by, at=at)
        _give_seat(session, departure, row, was, by=by, at=at)


def _is_anothers(row: SeatHolder, others: Sequence[SeatHolder]) -> bool:
    """Whether a seat has another principal, so that who was its principal has it no more."""
    return row.kind == "principal" and any(held.kind == "principal" for held in others)


def _give_seat(
    session: Session, departure: Departure, row: Taken, until: date | None, *, by: Actor, at: datetime
) -> None:
    """Have the leaver hold a seat again until a last day: as before, where no day lies between, else from today on."""
    today = local_day(session, at)
    if row.withdrawn_at is None and surely(row.ends_on) >= today - _DAY:
        seat_holders.go_on(session, row, until, by=by, at=at)
        return
    seat_holders.give_seat(
        session,
        row.seat_id,
        departure.person_id,
        kind=row.kind,
        starts_on=max(today, row.starts_on),
        ends_on=until,
        by=by,
        at=at,
        case_id=departure.case_id,
    )


def _stood_in(departure: Departure, holding: SeatHolder) -> bool:
    """Whether the departure itself gave this person a seat, when its last day was over."""
    return departure.ended_at is not None and bool(holding.recorded_at == departure.ended_at)


def _have_deputize_again(session: Session, departure: Departure, *, by: Actor, at: datetime) -> None:
    """Make the person deputy again in absences for which no other deputy was named."""
    rows = every(
        session,
        of(Absence)
        .join(Settlement, joins(Settlement.holding_id, Absence))
        .where(
            Settlement.case_id == departure.case_id,
            Settlement.kind == seats.DEPUTIZING,
            col(Settlement.successor_id).is_(None),
            col(Absence.deputy_id).is_(None),
            col(Absence.cancelled_at).is_(None),
            col(Absence.ends_on) >= local_day(session, at),
        ),
    )
    for row in rows:
        run(session, changes(Absence).where(Absence.id == row.id).values(deputy_id=departure.person_id))
        deputy = str(departure.person_id)
        events.write(session, "absence.deputy_changed", "person", row.person_id, by=by, at=at, deputy=deputy)
        asked_today.ask_who_acts_now(session, row.person_id, by=by, at=at)


def _invite_again(session: Session, departure: Departure, *, by: Actor, at: datetime) -> None:
    """Restore the invitations without a seat that its last day withdrew, to meetings that are still to come."""
    to_come = only(Meeting.id).where(Meeting.state == "planned", col(Meeting.starts_at) > at)
    theirs = changes(MeetingGuest).where(
        MeetingGuest.person_id == departure.person_id,
        MeetingGuest.withdrawn_at == departure.ended_at,
        col(MeetingGuest.meeting_id).in_(to_come),
    )
    again = theirs.values(withdrawn_at=None, withdrawn_by=None).returning(col(MeetingGuest.meeting_id))
    for meeting_id in sorted(scalars(session, again).all()):
        events.write(session, "guest.invited", "meeting", meeting_id, by=by, at=at, person=str(departure.person_id))
