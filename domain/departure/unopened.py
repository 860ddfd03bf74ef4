"""Finds those who should have a departure and have none: their last role ends soon, or they left with something."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Text, cast, func
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, or_

from domain.departure.current import PROTOCOL
from domain.departure.departure_row import same_place
from domain.departure.settlements import not_settled
from domain.holdings import BY_NAME, has_something, holdings_of, tells_of, told
from domain.kernel import (
    col,
    every,
    inside,
    joins,
    lasts,
    lasts_beyond,
    local_day,
    of,
    only,
    same,
    scalar,
    select,
    surely,
    tuples,
    value_of,
)
from domain.roles import never_began
from models.casework import Case, ProtocolVersion
from models.departure import Departure
from models.program import Tenure
from models.record import Event

#: A role whose last day comes within so many days has its departure opened, so that there is time to hand over.
NOTICE: Final = timedelta(days=30)

#: A role that ended longer ago, and whose end was recorded longer ago, before anyone looked, is history.
LOOKS_BACK: Final = timedelta(days=7)


class Gone(NamedTuple):
    """A person who leaves, or left, an organization, and the last day of their last role there."""

    person_id: UUID
    organization_id: UUID
    ends_on: date


def due_to_open(session: Session, at: datetime, person_id: UUID | None = None) -> list[Gone]:
    """Those whose last role at an organization ends within the notice, without a departure that covers it.

    One that was cancelled does not count. Asks for everyone, or for one person; finds none where the program has no
    protocol of departures.
    """
    today = local_day(session, at)
    if not is_declared(session):
        return []
    known = (
        select(Departure.id)
        .join(Case, joins(Departure.case_id, Case))
        .where(
            same_place(Departure, Tenure),
            col(Departure.last_day) >= col(Tenure.starts_on),
            # A departure that is over does not cover a role that was prolonged since.
            or_(
                col(Departure.ended_at).is_(None), col(Departure.last_day) >= col(Tenure.ends_on), Case.state == "open"
            ),
            col(Departure.called_off_at).is_(None),
        )
        .exists()
    )
    other = aliased(Tenure)
    goes_on = (
        select(other.id)
        .where(same_place(other, Tenure), col(other.taken_back_at).is_(None), lasts_beyond(other, col(Tenure.ends_on)))
        .exists()
    )
    rows = tuples(
        session,
        only(Tenure.person_id, Tenure.organization_id, surely(Tenure.ends_on))
        .where(
            is_of_late(session, at),
            col(Tenure.ends_on) <= today + NOTICE,
            ~known,
            ~goes_on,
            ~never_began(),
            *([] if person_id is None else [col(Tenure.person_id) == person_id]),
        )
        .distinct()
        .order_by(col(Tenure.ends_on), col(Tenure.person_id)),
    )
    return [Gone(*row) for row in rows]


def left_behind(session: Session, at: datetime) -> list[Gone]:
    """Those without a role at an organization who have something of it in hand that no open departure asks for.

    However long ago they left, and whatever became of their departure. Each with their last day there, `ends_on`.
    """
    if not is_declared(session):
        return []
    today = local_day(session, at)
    there = and_(
        same(Case, Tenure), Case.subject_id == Tenure.person_id, Case.organization_id == Tenure.organization_id
    )
    asked = select(Case.id).where(there, col(Case.gathers), Case.state == "open").exists()
    last = func.max(func.coalesce(col(Tenure.ends_on), date.max))
    rows = tuples(
        session,
        only(Tenure.person_id, Tenure.organization_id, surely(value_of(last)))
        .where(~never_began(), has_something(col(Tenure.person_id), today), ~asked)
        .group_by(col(Tenure.person_id), col(Tenure.organization_id))
        .having(last < today)
        .order_by(last, col(Tenure.person_id)),
    )
    return [gone for gone in (Gone(*row) for row in rows) if left_something(session, gone, at)]


def left_something(session: Session, gone: Gone, at: datetime) -> bool:
    """Whether a person who left the organization has something of it, of which no one said what becomes of it."""
    found = holdings_of(
        session,
        gone.person_id,
        gone.organization_id,
        at,
        kinds=BY_NAME,
        last_day=gone.ends_on,
        known_on=local_day(session, at),
    )
    return bool(not_settled(session, gone.person_id, found))


def is_seen_to() -> ColumnElement[bool]:
    """The condition on a role that its person's departure from there is open: they do not leave it a second time.

    One whose last day is over covers the roles that it ended, and not those to which the person returned.
    """
    over = and_(col(Departure.ended_at).is_not(None), col(Departure.called_off_at).is_(None))
    return (
        select(Departure.id)
        .join(Case, joins(Departure.case_id, Case))
        .where(
            same_place(Departure, Tenure),
            Case.state == "open",
            or_(~over, inside(Departure.was_to_end).has_key(cast(col(Tenure.id), Text))),
        )
        .exists()
    )


def is_of_late(session: Session, at: datetime) -> ColumnElement[bool]:
    """The condition on a role that it is recent: held now or later, or until some days ago.

    Or until longer ago, where its end was recorded some days ago and it went on until then. Or where they were to
    return by an appointment made before anyone would have asked, and withdrawn some days ago.
    """
    recent = local_day(session, at) - LOOKS_BACK
    was = told("was")
    written_down = (
        select(Event.id)
        .where(tells_its_end(), col(Event.at) >= at - LOOKS_BACK, or_(was.is_(None), was >= recent.isoformat()))
        .exists()
    )
    again = aliased(Tenure, name="again")
    would_come_back = (
        select(again.id)
        .join(Event, tells_of(again, "tenure.started"))
        .where(
            same_place(again, Tenure),
            col(again.taken_back_at) >= at - LOOKS_BACK,
            cast(col(Event.at), Date) <= col(Tenure.ends_on) + LOOKS_BACK.days,
        )
        .exists()
    )
    return or_(lasts(Tenure, recent), written_down, would_come_back)


def tells_its_end() -> ColumnElement[bool]:
    """The condition on a line of the record that it tells of a role's end on its present last day."""
    return and_(tells_of(Tenure, "tenure.ended"), told("ends_on") == func.to_char(col(Tenure.ends_on), "YYYY-MM-DD"))


def is_declared(session: Session) -> bool:
    """Whether the program has a protocol of departures."""
    found = only(ProtocolVersion.id).where(ProtocolVersion.key == PROTOCOL)
    return scalar(session, found.limit(1)) is not None


def roles_there(session: Session, person_id: UUID, organization_id: UUID, at: datetime) -> list[Tenure]:
    """The roles that a person holds at an organization, today or later, or held until lately; locked."""
    return every(
        session,
        of(Tenure)
        .where(
            Tenure.person_id == person_id,
            Tenure.organization_id == organization_id,
            col(Tenure.taken_back_at).is_(None),
            is_of_late(session, at),
        )
        .order_by(col(Tenure.id))
        .with_for_update(),
    )
