"""Opens a person's departure, and ends what they hold by days on the last one.

Every departure is opened here, whether by page or JSON, so that its effects are always the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Date, cast, func
from sqlmodel import Session, or_

from domain.accompaniment import asked_today
from domain.casework import case_letters, cases, hold_cases, wakeups
from domain.departure import gathering, hand_over_letters, last_days, offers, recruiting, welcoming
from domain.departure.current import PROTOCOL, is_leaving
from domain.departure.ending import end_a_role, end_departure
from domain.departure.unopened import Gone, due_to_open, is_seen_to, left_something, roles_there
from domain.departure.ways_in import left_open, shut_out
from domain.holdings import called, goes_on, last_day_at
from domain.kernel import Actor, Refusal, add_row, col, first, local_day, of, only, program, program_of, scalar, scalars
from domain.people import people, privacy_officers
from domain.record import events
from domain.roles import lock_person, never_began
from locales import N_
from models.casework import Case
from models.departure import Departure
from models.program import Tenure
from models.record import Event

#: One who was to begin longer ago than this, and never came, would have been missed by then.
_MISSED_BY_THEN: Final = timedelta(days=92)


def open_departure(
    session: Session, *, person_id: UUID, organization_id: UUID, last_day: date, planned: bool, by: Actor, at: datetime
) -> UUID:
    """Open the departure of a person from an organization, in all their roles there, and return its case's id.

    Their roles there end on the last day. Planned, that is today at the soonest. Otherwise they have gone already: it
    is today or before, their roles end yesterday at the latest, and their access is closed at once. Everything that
    they have in hand is asked for.

    A role that they were to take up later never begins. Planned, this holds only for a person without a present role
    there. One who returns to a role keeps it where their present roles end before. Where all their roles end sooner,
    the last of those ends is the last day. One who returned after a last day leaves by a departure of its own, while
    the first may still be open. One whose roles ended long ago leaves by one all the same, while they have something of
    the organization. Raises Refusal.
    """
    _refuse_wrong_day(last_day, local_day(session, at), planned=planned)
    if not planned and by.is_one_of(person_id):
        raise Refusal("departure.gone_and_here", N_("A person who has already left cannot report it themselves."))
    _hold_leaver(session, person_id)
    return _open(session, person_id, organization_id, last_day, planned=planned, by=by, at=at)


def _hold_leaver(session: Session, person_id: UUID) -> None:
    """Lock a person who is about to leave, after the cases in which they were offered something.

    The same order as in answering an offer: otherwise the two wait for each other for ever.
    """
    hold_cases(session, offers.offering_to(session, person_id))
    lock_person(session, person_id)


def _open(
    session: Session,
    person_id: UUID,
    organization_id: UUID,
    last_day: date,
    *,
    planned: bool,
    by: Actor,
    at: datetime,
    was: Mapping[UUID, date | None] | None = None,
) -> UUID:
    """Open the departure of a locked person. `was` has the last days that roles had before they were ended just now."""
    today = local_day(session, at)
    roles = _not_seen_to(session, roles_there(session, person_id, organization_id, at), person_id, organization_id)
    if not planned and not by.is_system:
        _refuse_unless_they_never_came(session, roles, last_day, today)
    if not roles:
        last_day = min(last_day, _left_long_ago(session, person_id, organization_id, at))
    roles, last_day = _until(roles, last_day, planned=planned)
    ends = last_day if planned else min(last_day, today - timedelta(days=1))
    for role in roles:
        end_a_role(session, role, max(ends, role.starts_on), by=by, at=at)
    case_id = cases.open_case(
        session, PROTOCOL, subject_id=person_id, organization_id=organization_id, last_day=last_day, by=by, at=at
    )
    departure = Departure(
        program_id=program_of(session),
        id=uuid4(),
        case_id=case_id,
        person_id=person_id,
        organization_id=organization_id,
        last_day=ends,
        planned=planned,
        was_to_end={role.id: (was or {}).get(role.id, role.ends_on) for role in roles},
    )
    add_row(session, departure)
    facts = {"organization": str(organization_id), "last_day": last_day.isoformat()}
    events.write(
        session, "departure.opened", "person", person_id, by=by, at=at, case_id=case_id, planned=planned, **facts
    )
    _begin(session, departure, by=by, at=at)
    return case_id


def _until(roles: list[Tenure], last_day: date, *, planned: bool) -> tuple[list[Tenure], date]:
    """The roles that a departure ends, and the last of their days where all are over sooner. Raises Refusal."""
    begun = [role for role in roles if role.starts_on <= last_day]
    if planned and begun and len(begun) < len(roles):
        _refuse_unless_they_come_back(begun, last_day)
        roles = begun
    return roles, max((min(last_day, role.ends_on or last_day) for role in begun), default=last_day)


def _begin(session: Session, departure: Departure, *, by: Actor, at: datetime) -> None:
    """Have a departure that just opened ask for what its person has in hand, and end what is over, where its day is."""
    gathering.gather(session, departure.case_id, by=by, at=at)
    asked_today.pass_over_whom_they_barred(session, by=by, at=at)
    offers.withdraw_from(session, departure.person_id, by=by, at=at)
    end_departure(session, departure.id, by=by, at=at)  # where the day is past; else there is nothing to end yet
    case = session.get(Case, (program_of(session), departure.case_id))
    assert case is not None  # noqa: S101 - it was opened a moment ago
    case_letters.case_opened(session, case, by=by, at=at)
    wakeups.wake(session, departure.case_id, at=at)


def end_role(
    session: Session, tenure_id: UUID, *, ends_on: date, by: Actor, at: datetime, seen: int | None = None
) -> UUID | None:
    """End a role on a last day, inclusive, as `people.end_tenure`; where it is later, its successor begins later.

    A role that is to begin after that day is withdrawn: its person never holds it. The seats that were to end with the
    role move with it. A departure tied to it moves at the worker's next look. Where it is the person's last role there
    and its end is near or past, their departure opens in the same transaction. Returns its case's id, else None. A
    person who then holds nothing, today or later, loses access, as on the day after a last day. Raises Refusal, also
    where the appointment has another version than the one that was `seen`, and where a person would prolong their own
    role.
    """
    held = first(session, of(Tenure).where(Tenure.id == tenure_id))
    if held is None:
        raise Refusal("tenure.unknown", N_("There is no such appointment."))
    privacy_officers.refuse_end(session, held, ends_on, by=by, at=at)
    person_id, place = held.person_id, held.organization_id
    takes_back = max(ends_on, local_day(session, at)) < held.starts_on
    own = welcoming.welcoming(session, person_id, place) if takes_back else []
    after = last_days.welcomes(session, after=tenure_id)
    hold_cases(session, [*offers.offering_to(session, person_id), *after, *own])
    lock_person(session, person_id)
    if takes_back:
        return _take_back(session, held, by=by, at=at, seen=seen)
    before = scalar(session, only(Tenure.ends_on).where(Tenure.id == tenure_id))
    if by.is_one_of(person_id) and before is not None and before < ends_on:
        raise Refusal("tenure.own", N_("You cannot prolong your own role: ask someone else to do it."))
    last_days.make_room(session, tenure_id, ends_on, by=by, at=at)
    last_days.keep_seats(session, tenure_id, ends_on, by=by, at=at)
    people.end_tenure(session, tenure_id, ends_on=ends_on, by=by, at=at, seen=seen)
    opened: UUID | None = None
    if any(row.organization_id == place for row in due_to_open(session, at, person_id)):
        was = {tenure_id: before}
        planned = ends_on >= local_day(session, at)
        opened = _open(session, person_id, place, ends_on, planned=planned, by=by, at=at, was=was)
    _shut_out_unless_they_hold_something(session, person_id, by=by, at=at)
    return opened


def _shut_out_unless_they_hold_something(session: Session, person_id: UUID, *, by: Actor, at: datetime) -> None:
    if left_open(session, at, person_id):
        shut_out(session, person_id, by=by, at=at)


def _take_back(session: Session, tenure: Tenure, *, by: Actor, at: datetime, seen: int | None) -> UUID | None:
    """Withdraw a role that is to begin, and end its onboarding.

    The person may then hold no role there, and have left one without a departure, or have something of the organization
    in hand. They leave it by a departure: returns its case's id, else None.
    """
    person_id, place, today = tenure.person_id, tenure.organization_id, local_day(session, at)
    people.take_back(session, tenure.id, by=by, at=at, seen=seen)
    hand_over_letters.appointment_taken_back(session, tenure, by=by, at=at)
    recruiting.recruit_anew(session, tenure, by=by, at=at)
    welcoming.see_off(session, person_id, place, by=by, at=at)
    opened: UUID | None = None
    gone = Gone(person_id, place, today - timedelta(days=1))
    unseen = [row.ends_on for row in due_to_open(session, at, person_id) if row.organization_id == place]
    # An open departure covers what they leave; the worker opens the next, where there is one, when that is over.
    if unseen and not is_leaving(session, person_id, place):
        opened = _open(session, person_id, place, max(unseen), planned=max(unseen) >= today, by=by, at=at)
    elif (
        not goes_on(session, person_id, place, gone.ends_on)
        and not is_leaving(session, person_id, place)
        and left_something(session, gone, at)
    ):
        opened = _open(session, person_id, place, gone.ends_on, planned=False, by=by, at=at)
    _shut_out_unless_they_hold_something(session, person_id, by=by, at=at)
    return opened


# ---------------------------------------------------------------------------------------------------------- its parts


def _left_long_ago(session: Session, person_id: UUID, organization_id: UUID, at: datetime) -> date:
    """The last day of a person who left an organization long ago with something of it in hand, else Raises Refusal.

    For a person who was to begin there and has something already, it is yesterday once no role is to begin any more.
    """
    last = last_day_at(session, person_id, organization_id) or local_day(session, at) - timedelta(days=1)
    if not left_something(session, Gone(person_id, organization_id, last), at):
        raise Refusal("departure.no_role", N_("This person holds no role at this organization."))
    return last


def _not_seen_to(session: Session, roles: list[Tenure], person_id: UUID, organization_id: UUID) -> list[Tenure]:
    """The locked person's roles that no open departure covers. Raises Refusal where one covers all of them."""
    if not roles:
        if is_leaving(session, person_id, organization_id):
            raise Refusal("case.already_open", cases.OPEN_FOR_A_PERSON)
        return []
    asked = only(Tenure.id).where(col(Tenure.id).in_([role.id for role in roles]), ~is_seen_to())
    free = set(scalars(session, asked))
    if not free:
        raise Refusal("case.already_open", cases.OPEN_FOR_A_PERSON)
    return [role for role in roles if role.id in free]


def _refuse_wrong_day(last_day: date, today: date, *, planned: bool) -> None:
    if planned and last_day < today:
        raise Refusal(
            "departure.day_is_past",
            N_("This day is past. If the person has already left, say so: their access ends at once."),
        )
    if not planned and last_day > today:
        raise Refusal(
            "departure.day_to_come", N_("If the person has already left, the last day is today at the latest.")
        )


def _refuse_unless_they_never_came(session: Session, roles: list[Tenure], last_day: date, today: date) -> None:
    """Refuse a last day before a role that began: it would say that no one held it on all its days. Raises Refusal.

    It is allowed where they were to begin some weeks ago at most and have done nothing since: they may never have come.
    """
    acted = (
        only(Event.id)
        .where(
            Event.actor_id == Tenure.person_id,
            cast(func.timezone(program(session).time_zone, col(Event.at)), Date) >= col(Tenure.starts_on),
        )
        .exists()
    )
    began = of(Tenure).where(
        col(Tenure.id).in_([role.id for role in roles]),
        col(Tenure.starts_on) > last_day,
        col(Tenure.starts_on) < today,
        ~never_began(),
        or_(col(Tenure.starts_on) < today - _MISSED_BY_THEN, acted),
    )
    last = first(session, began.order_by(col(Tenure.starts_on).desc()).limit(1))
    if last is not None:
        raise Refusal(
            "departure.role_began",
            N_(
                "%(role)s: this person has held it since %(first_day)s, and this last day is "
                "earlier. Give that day at the soonest."
            ),
            role=called(session, last.id).model_dump(),
            first_day=last.starts_on.isoformat(),
        )


def _refuse_unless_they_come_back(begun: list[Tenure], last_day: date) -> None:
    """Refuse a last day before a role that the person is to take up, unless all their present roles end by it."""
    if any(role.ends_on is None or role.ends_on > last_day for role in begun):
        raise Refusal(
            "departure.role_to_come",
            N_(
                "This person takes up a role there after that day: give a later last day. If "
                "they leave and come back, first record the end of their current roles."
            ),
        )
