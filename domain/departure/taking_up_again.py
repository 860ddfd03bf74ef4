"""A departure that was called off holds again: the roles that its person was given back end once more."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.orm import aliased
from sqlmodel import Session, or_

from domain.casework import cases
from domain.departure import hand_over_letters
from domain.departure.departure_row import departure_of, same_place
from domain.departure.ending import end_a_role, end_departure
from domain.departure.unopened import roles_there
from domain.holdings import tells_of, told
from domain.kernel import Actor, col, local_day, only, rewrite, scalars, select
from domain.people import people
from domain.record import events
from models.casework import Case
from models.departure import Departure
from models.program import Tenure
from models.record import Event


def is_called_off(session: Session, case_id: UUID) -> bool:
    """Whether the departure of a case was cancelled."""
    departure = departure_of(session, case_id)
    return departure is not None and departure.called_off_at is not None


def take_up_again(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> None:
    """Put a cancelled departure in force again: roles still held end on its last day, or yesterday.

    Where that day is over, all that ends with it ends in the same transaction.
    """
    departure = departure_of(session, case_id)
    if departure is None or departure.called_off_at is None:
        return
    _move_case(session, departure, by=by, at=at)
    was_to_end = _end_roles(session, departure, departure.called_off_at, by=by, at=at)
    rewrite(session, Departure, departure.id, called_off_at=None, ended_at=None, was_to_end=was_to_end)
    events.write(session, "departure.taken_up_again", "person", departure.person_id, by=by, at=at, case_id=case_id)
    end_departure(session, departure.id, by=by, at=at)


def _end_roles(
    session: Session, departure: Departure, since: datetime, *, by: Actor, at: datetime
) -> dict[UUID, date | None]:
    """End the leaver's roles, and take back those that were given `since`; what is to be kept of their last days."""
    today, last_day = local_day(session, at), departure.last_day
    was_to_end = dict(departure.was_to_end)
    ends = last_day if last_day >= today else today - timedelta(days=1)
    given = _given_since(session, departure, since)
    for role in roles_there(session, departure.person_id, departure.organization_id, at):
        # Also a role that they were given when they were to stay; not one to which they come back after they left.
        is_theirs = role.id in was_to_end or role.starts_on <= last_day
        if role.id in given and not is_theirs and role.starts_on > max(ends, today):
            people.take_back(session, role.id, by=by, at=at)
            hand_over_letters.appointment_taken_back(session, role, by=by, at=at)
        elif is_theirs or role.id in given:
            was_to_end.setdefault(role.id, role.ends_on)
            end_a_role(session, role, max(ends, role.starts_on), by=by, at=at)
    return was_to_end


def _given_since(session: Session, departure: Departure, since: datetime) -> frozenset[UUID]:
    """The roles that the leaver was given at the organization since their departure was cancelled."""
    # In the place of another, by an agreement's next version.
    before = aliased(Tenure, name="before")
    handed_on = (
        select(before.id)
        .where(same_place(before, Tenure), or_(before.ended_at == Event.at, before.taken_back_at == Event.at))
        .exists()
    )
    rows = scalars(
        session,
        only(Tenure.id)
        .join(Event, tells_of(Tenure, "tenure.started"))
        .where(
            told("starts_on") == func.to_char(col(Tenure.starts_on), "YYYY-MM-DD"),
            ~handed_on,
            Tenure.person_id == departure.person_id,
            Tenure.organization_id == departure.organization_id,
            col(Tenure.starts_on) >= local_day(session, since),
            col(Event.at) >= since,
        ),
    )
    return frozenset(rows)


def _move_case(session: Session, departure: Departure, *, by: Actor, at: datetime) -> None:
    """Move the case of a departure to its last day, where that day moved as it was cancelled."""
    hangs_on = scalars(session, only(Case.anchors).where(Case.id == departure.case_id)).one()
    last_day = departure.last_day
    # One who left on the day itself has a case of that day, and roles until the day before.
    known = {last_day} if departure.planned else {last_day, last_day + timedelta(days=1)}
    if known.isdisjoint(hangs_on.values()):
        cases.move_last_day(session, departure.case_id, last_day, by=by, at=at)
