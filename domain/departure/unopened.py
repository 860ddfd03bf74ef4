"""Who is to have a departure and has none: whose last role ends soon, and who left with something in hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Date,
    Text,
    and_,
    cast,
    func,
    or_,
    select,
)
from sqlmodel import Session

from domain.departure import gathering
from domain.departure.current import PROTOCOL
from domain.holdings import by_name
from domain.holdings.in_hand import holdings_of
from domain.holdings.roles import tells_of
from domain.kernel.scope import local_day, many, program_of
from domain.roles.roles import never_began
from models.base import refers, table_of
from models.casework import Case, ProtocolVersion
from models.departure import Departure
from models.program import Tenure
from models.record import Event

_departure = table_of(Departure)
_tenure = table_of(Tenure)
_case = table_of(Case)
_event = table_of(Event)
_protocol = table_of(ProtocolVersion)


#: A role whose last day comes within so many days has its departure opened, so that there is time to hand over.
NOTICE: Final = timedelta(days=30)

#: One that ended longer ago, and whose end was written down longer ago, before anybody looked, is history.
LOOKS_BACK: Final = timedelta(days=7)


def due_to_open(session: Session, at: datetime, person_id: UUID | None = None) -> list[dict[str, Any]]:
    """Whose last role at an organization ends within the notice, and no departure of theirs knows of it.

    One that was called off knows of nothing: nobody is to leave by it. Of everyone, or of one person; nobody where the
    program has no protocol of departures.
    """
    here, today = program_of(session), local_day(session, at)
    if not is_declared(session):
        return []
    known = (
        select(_departure.c.id)
        .join(_case, refers(_departure.c.case_id, _case))
        .where(
            _departure.c.program_id == _tenure.c.program_id,
            _departure.c.person_id == _tenure.c.person_id,
            _departure.c.organization_id == _tenure.c.organization_id,
            _departure.c.last_day >= _tenure.c.starts_on,
            # One that is over does not know of a role that was prolonged since.
            or_(
                _departure.c.ended_at.is_(None),
                _departure.c.last_day >= _tenure.c.ends_on,
                _case.c.state == "open",
            ),
            _departure.c.called_off_at.is_(None),
        )
        .exists()
    )
    other = _tenure.alias()
    goes_on = (
        select(other.c.id)
        .where(
            other.c.program_id == _tenure.c.program_id,
            other.c.person_id == _tenure.c.person_id,
            other.c.organization_id == _tenure.c.organization_id,
            other.c.taken_back_at.is_(None),
            or_(other.c.ends_on.is_(None), other.c.ends_on > _tenure.c.ends_on),
        )
        .exists()
    )
    return many(
        session,
        select(_tenure.c.person_id, _tenure.c.organization_id, _tenure.c.ends_on)
        .where(
            _tenure.c.program_id == here,
            is_of_late(session, at),
            _tenure.c.ends_on <= today + NOTICE,
            ~known,
            ~goes_on,
            ~never_began(),
            *([] if person_id is None else [_tenure.c.person_id == person_id]),
        )
        .distinct()
        .order_by(_tenure.c.ends_on, _tenure.c.person_id),
    )


def left_behind(session: Session, at: datetime) -> list[dict[str, Any]]:
    """Who holds no role at an organization any more, and has something of it in hand that no open departure asks for.

    However long ago they left, and whatever became of their departure: each with their last day there, `ends_on`.
    """
    if not is_declared(session):
        return []
    here, today = program_of(session), local_day(session, at)
    there = and_(
        _case.c.program_id == _tenure.c.program_id,
        _case.c.subject_id == _tenure.c.person_id,
        _case.c.organization_id == _tenure.c.organization_id,
    )
    asked = select(_case.c.id).where(there, _case.c.gathers, _case.c.state == "open").exists()
    last = func.max(func.coalesce(_tenure.c.ends_on, date.max))
    gone = many(
        session,
        select(_tenure.c.person_id, _tenure.c.organization_id, last.label("ends_on"))
        .where(_tenure.c.program_id == here, ~never_began(), by_name.has_something(_tenure.c.person_id, today), ~asked)
        .group_by(_tenure.c.person_id, _tenure.c.organization_id)
        .having(last < today)
        .order_by(last, _tenure.c.person_id),
    )
    return [one_of for one_of in gone if left_something(session, one_of, at)]


def left_something(session: Session, gone: Mapping[str, Any], at: datetime) -> bool:
    """Whether something of the organization is in the hands of who left it, and nobody said what becomes of it."""
    found = holdings_of(
        session,
        gone["person_id"],
        gone["organization_id"],
        at,
        kinds=by_name.KINDS,
        last_day=gone["ends_on"],
        known_on=local_day(session, at),
    )
    return bool(gathering.not_settled(session, gone["person_id"], found))


def is_seen_to() -> ColumnElement[bool]:
    """The condition on a role that its person's departure from there is open: they do not leave it a second time.

    One whose last day is over sees to the roles that it ended, and not to those to which somebody came back.
    """
    over = and_(_departure.c.ended_at.is_not(None), _departure.c.called_off_at.is_(None))
    return (
        select(_departure.c.id)
        .join(_case, refers(_departure.c.case_id, _case))
        .where(
            _departure.c.program_id == _tenure.c.program_id,
            _departure.c.person_id == _tenure.c.person_id,
            _departure.c.organization_id == _tenure.c.organization_id,
            _case.c.state == "open",
            or_(~over, _departure.c.was_to_end.has_key(cast(_tenure.c.id, Text))),
        )
        .exists()
    )


def is_of_late(session: Session, at: datetime) -> ColumnElement[bool]:
    """The condition on a role that it is no history: held now or later, or until some days ago.

    Or until longer ago, where that was written down some days ago of a role that went on until then. Or where they
    were to come back by an appointment that was made before anybody would have asked, and taken back some days ago.
    """
    recent = local_day(session, at) - LOOKS_BACK
    was = _event.c.facts["was"].astext
    written_down = (
        select(_event.c.id)
        .where(
            tells_its_end(),
            _event.c.at >= at - LOOKS_BACK,
            or_(was.is_(None), was >= recent.isoformat()),
        )
        .exists()
    )
    again = _tenure.alias("again")
    would_come_back = (
        select(again.c.id)
        .join(_event, tells_of(again, "tenure.started"))
        .where(
            again.c.program_id == _tenure.c.program_id,
            again.c.person_id == _tenure.c.person_id,
            again.c.organization_id == _tenure.c.organization_id,
            again.c.taken_back_at >= at - LOOKS_BACK,
            cast(_event.c.at, Date) <= _tenure.c.ends_on + LOOKS_BACK.days,
        )
        .exists()
    )
    return or_(_tenure.c.ends_on.is_(None), _tenure.c.ends_on >= recent, written_down, would_come_back)


def tells_its_end() -> ColumnElement[bool]:
    """The condition on a line of the record that it tells that a role ends on the day on which it does."""
    return and_(
        tells_of(_tenure, "tenure.ended"),
        _event.c.facts["ends_on"].astext == func.to_char(_tenure.c.ends_on, "YYYY-MM-DD"),
    )


def is_declared(session: Session) -> bool:
    """Whether the program has a protocol of departures."""
    found = select(_protocol.c.id).where(_protocol.c.program_id == program_of(session), _protocol.c.key == PROTOCOL)
    return session.scalar(found.limit(1)) is not None


def roles_there(session: Session, person_id: UUID, organization_id: UUID, at: datetime) -> list[dict[str, Any]]:
    """The roles that a person holds at an organization, today or later, or until lately; held."""
    return many(
        session,
        select(_tenure)
        .where(
            _tenure.c.program_id == program_of(session),
            _tenure.c.person_id == person_id,
            _tenure.c.organization_id == organization_id,
            _tenure.c.taken_back_at.is_(None),
            is_of_late(session, at),
        )
        .order_by(_tenure.c.id)
        .with_for_update(),
    )
