"""The departures in force: which they are, and the day on which their roles end by now."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session, or_

from domain.casework import cases, hold_cases
from domain.departure import last_days, welcoming
from domain.kernel import Actor, col, every, first, joins, local_day, of, only, rewrite, scalar, scalars
from models.casework import Case
from models.departure import Departure
from models.program import Tenure

#: The protocol by which a departure is seen to.
PROTOCOL: Final = "departure"


def follow_roles(session: Session, departure_id: UUID, *, by: Actor, at: datetime) -> bool:
    """Move a departure to the day on which its roles end by now; returns whether that is another day.

    One whose last day was over, and whose roles were prolonged since, ends once more on the later day.
    """
    departure = hold_under_way(session, departure_id, ended_too=True)
    return departure is not None and move_with_roles(session, departure, by=by, at=at) != departure.last_day


def to_move(session: Session) -> list[UUID]:
    """The departures under way whose roles end by now on another day than the departure's last."""
    found = going_on(session, ended_too=True)
    return [one_of.id for one_of in found if ends_by_roles(session, one_of) != one_of.last_day]


def due_to_end(session: Session, at: datetime) -> list[UUID]:
    """The departures whose last day is past and that have not ended yet."""
    today = local_day(session, at)
    return [one_of.id for one_of in going_on(session) if one_of.last_day < today]


def under_way(session: Session) -> list[UUID]:
    """The cases of the open departures."""
    return list(scalars(session, only(Case.id).where(col(Case.gathers), Case.state == "open").order_by(col(Case.id))))


def is_leaving(session: Session, person_id: UUID, organization_id: UUID) -> bool:
    """Whether the person has an open departure from this organization."""
    under_way = only(Case.id).where(
        Case.subject_id == person_id, Case.organization_id == organization_id, col(Case.gathers), Case.state == "open"
    )
    return scalar(session, under_way.limit(1)) is not None


def going_on(session: Session, *, ended_too: bool = False) -> list[Departure]:
    """The departures in force that have not ended yet, whenever their last day is.

    With `ended_too` also those whose last day is over while their case is open.
    """
    seen_to = [col(Departure.ended_at).is_(None)] + ([col(Case.state) == "open"] if ended_too else [])
    return every(
        session,
        of(Departure)
        .join(Case, joins(Departure.case_id, Case))
        .where(or_(*seen_to), col(Departure.called_off_at).is_(None))
        .order_by(col(Departure.id)),
    )


def hold_under_way(session: Session, departure_id: UUID, *, ended_too: bool = False) -> Departure | None:
    """A departure in force, locked after the cases that go with it; None where it is not in force.

    None too where it has ended already, unless `ended_too`.
    """
    asked = of(Departure).where(Departure.id == departure_id)
    known = first(session, asked)
    if known is None:
        return None
    # Cancelling, closing and reopening lock the case before the departure, too.
    own = welcoming.welcoming(session, known.person_id, known.organization_id)
    hold_cases(session, [known.case_id, *last_days.welcomes(session, of_case=known.case_id), *own])
    found = first(session, asked.with_for_update())
    if found is None or found.called_off_at is not None:
        return None
    return found if ended_too or found.ended_at is None else None


def _roles_of(session: Session, departure: Departure) -> list[Tenure]:
    """The roles that a departure ends, each with the day on which it ends by now; without those that never began."""
    return every(
        session,
        of(Tenure).where(
            col(Tenure.id).in_(departure.was_to_end),
            col(Tenure.starts_on) <= departure.last_day,
            col(Tenure.taken_back_at).is_(None),
        ),
    )


def ends_by_roles(session: Session, departure: Departure) -> date:
    """The last day of a departure as its roles end by now: they may have been prolonged or shortened since.

    A role that was to end sooner anyway says nothing of the others.
    """
    last_day = departure.last_day
    roles = _roles_of(session, departure)
    days = [role.ends_on for role in roles if role.ends_on is not None]
    if not roles or len(days) < len(roles):
        return last_day
    before = [departure.was_to_end[role.id] for role in roles]
    foreseen = max(min(last_day, day or last_day) for day in before)
    ends = max(days)
    return last_day if ends == foreseen else ends


def move_with_roles(session: Session, departure: Departure, *, by: Actor, at: datetime) -> date:
    """Move a locked departure to the day on which its roles end by now; returns that day.

    The case and its due days follow, and with them the seats that were passed on and the successors in roles.
    """
    last_day = departure.last_day
    ends = ends_by_roles(session, departure)
    if ends == last_day:
        return last_day
    was_to_end = dict(departure.was_to_end)
    for role in _roles_of(session, departure):
        before = was_to_end[role.id]
        if role.ends_on and before and before < role.ends_on:
            was_to_end[role.id] = role.ends_on
    rewrite(session, Departure, departure.id, last_day=ends, ended_at=None, was_to_end=was_to_end)
    cases.move_last_day(session, departure.case_id, ends, by=by, at=at)
    last_days.follow(session, departure.case_id, was=last_day, day=ends, by=by, at=at)
    return ends
