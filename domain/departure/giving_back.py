"""Gives what a departure ended or took back to the person who stays: roles, seats, parts, invitations, drafts.

So it does with absences in which they deputize. What was handed over stays there, and the departure's page says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.accompaniment import asked_today
from domain.departure.settlements import BY_ITSELF, Taken, ended_by, parts, taken
from domain.departure.unopened import tells_its_end
from domain.follow_ups import assigning
from domain.holdings import DRAFT, seats, terms_beyond, without_a_follower
from domain.kernel import (
    Actor,
    Refusal,
    changes,
    col,
    every,
    first,
    in_program,
    joins,
    local_day,
    of,
    only,
    replaced,
    rewrite,
    run,
    scalar,
    scalars,
    surely,
)
from domain.participants import referring
from domain.people import appointment_rows, people, seat_holders
from domain.record import events
from domain.roles import standing
from domain.terms import PRIMARY
from models.committee import SeatHolder
from models.departure import Departure, Settlement
from models.meeting import Meeting, MeetingGuest
from models.program import Absence, Role, Tenure
from models.record import Event
from models.referral import Referral

_DAY: Final = timedelta(days=1)


def give_back(session: Session, departure: Departure, *, by: Actor, at: datetime) -> None:
    """Give back what a cancelled departure had taken automatically, where no one else has it by now."""
    _give_seats(session, departure, by=by, at=at)
    _give_parts(session, departure, by=by, at=at)
    _have_deputize_again(session, departure, by=by, at=at)
    if departure.ended_at is not None:
        _invite_again(session, departure, by=by, at=at)
    _give_drafts(session, departure, by=by, at=at)


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


def _give_drafts(session: Session, departure: Departure, *, by: Actor, at: datetime) -> None:
    """Give the drafts that a departure took back to their author who stays, unless they were sent or destroyed.

    From then on the author alone reads them, and the coordinator does not. An author without a role gets none.
    """
    author = departure.person_id
    if author not in standing(session, local_day(session, at)).live:
        return
    left = (
        only(Referral.id)
        .join(Settlement, joins(Settlement.holding_id, Referral))
        .where(
            Referral.referred_by == author,
            Referral.state == "draft",
            col(Referral.left_at).is_not(None),
            Settlement.case_id == departure.case_id,
            Settlement.kind == DRAFT,
            Settlement.ended_as != BY_ITSELF,
        )
    )
    for referral_id in sorted(scalars(session, left.distinct())):
        referring.give_draft_back(session, referral_id, by=by, at=at)


def put_all_back(
    session: Session, departure: Departure, today: date, *, by: Actor, at: datetime
) -> tuple[dict[UUID, date | None], list[UUID]]:
    """Put back every role that a departure ended; returns the last days to keep, and the roles that cannot go on."""
    was_to_end = dict(departure.was_to_end)
    taken: list[UUID] = []
    for tenure_id, ends_on in departure.was_to_end.items():
        # A role that was over before the last day had ended on its own: it is no part of what they leave.
        is_over = ends_on is not None and departure.last_day <= ends_on < today
        day = _before_its_end(session, tenure_id, surely(ends_on)) if is_over else ends_on
        if _put_back(session, tenure_id, day, by=by, at=at) or _is_theirs_again(session, tenure_id, departure.last_day):
            continue
        again = _give_anew(session, tenure_id, day, departure.last_day, by=by, at=at)
        if again is None:
            taken.append(tenure_id)
        else:
            # Where the departure is taken up again, it ends this one too.
            was_to_end[again] = day
    # A role that was put back later on may be the same as one that could not be.
    return was_to_end, [one_of for one_of in taken if not _is_theirs_again(session, one_of, departure.last_day)]


def _day(written: str | None) -> date | None:
    return date.fromisoformat(written) if written else None


def _put_back(session: Session, tenure_id: UUID, ends_on: date | None, *, by: Actor, at: datetime) -> bool:
    """Have a role end when it was to end before; False where another person holds it since."""
    try:
        with session.begin_nested():
            _go_on(session, tenure_id, ends_on, by=by, at=at)
    except Refusal:
        return False
    return True


def _go_on(session: Session, tenure_id: UUID, ends_on: date | None, *, by: Actor, at: datetime) -> None:
    """Give a role its former end again, where no one else holds it since. Raises Refusal."""
    tenure = first(session, of(Tenure).where(Tenure.id == tenure_id).with_for_update())
    if tenure is None or tenure.ends_on == ends_on or tenure.taken_back_at is not None:
        return
    # A role that was never to begin may no longer be the only one of its kind.
    alone = scalar(session, only(Role.single_holder).where(Role.key == tenure.role))
    appointment_rows.refuse_overlap(session, replaced(tenure, ends_on=ends_on, single_holder=alone))
    late = appointment_rows.gone_on_late(session, tenure, at=at)
    goes_on = {"ends_on": ends_on, "single_holder": alone, "ended_by": None, "ended_at": None, "entered_late": late}
    rewrite(session, Tenure, tenure_id, **goes_on)
    day = ends_on.isoformat() if ends_on else None
    appointment_rows.tell(session, tenure, "tenure.goes_on", by=by, at=at, ends_on=day)


def _is_theirs_again(session: Session, tenure_id: UUID, last_day: date) -> bool:
    """Whether the role's person holds the same role there by another appointment after a last day."""
    left = _left(session, tenure_id)
    again = (held for held in terms_beyond(session, left, last_day) if held.id != left.id)
    return any(held.person_id == left.person_id for held in again)


def others_in(session: Session, tenure_id: UUID, last_day: date) -> list[Tenure]:
    """The appointments of others to the same role that reach beyond a last day, the earliest first."""
    left = _left(session, tenure_id)
    return [held for held in terms_beyond(session, left, last_day) if held.person_id != left.person_id]


def _left(session: Session, tenure_id: UUID) -> Tenure:
    """A role that a departure ended."""
    return surely(first(session, of(Tenure).where(Tenure.id == tenure_id)))


def _give_anew(
    session: Session, tenure_id: UUID, ends_on: date | None, last_day: date, *, by: Actor, at: datetime
) -> UUID | None:
    """Appoint the person again from the day after the present holder's last; the id, or None where that is not at once.

    A person who was to begin holds it on their first day at least: no appointment ends before it begins. None too where
    the role is over by then, or the person can no longer be given it.
    """
    day, today = timedelta(days=1), local_day(session, at)
    others = others_in(session, tenure_id, last_day)
    ends = [one_of.ends_on for one_of in others if one_of.ends_on is not None]
    if not others or len(ends) < len(others):
        return None
    begins = max([*ends, last_day, today - day]) + day
    if begins > max(last_day + 2 * day, today + day) or (ends_on is not None and ends_on < begins):
        return None
    left = _left(session, tenure_id)
    try:
        with session.begin_nested():
            return people.appoint(
                session,
                person_id=left.person_id,
                role=left.role,
                organization_id=left.organization_id,
                starts_on=begins,
                ends_on=ends_on,
                by=by,
                at=at,
            )
    except Refusal:
        return None


def _before_its_end(session: Session, tenure_id: UUID, ends_on: date) -> date | None:
    """The last day that a role had before its present end was recorded; None where it had no end.

    Where no such record is found, the present end, which is past.
    """
    told = (
        of(Event)
        .join(Tenure, tells_its_end())
        .where(in_program(Tenure), Tenure.id == tenure_id, Tenure.ends_on == ends_on)
        .order_by(col(Event.n).desc())
    )
    end = first(session, told.limit(1))
    return ends_on if end is None else _day(end.facts.get("was"))
