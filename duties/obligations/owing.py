"""Who owes a clause, or acts for those who owe it: they judge nothing of it, under whichever hat."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Table, and_, cast, false, func, or_, select
from sqlmodel import Session

from duties.actors import Actor
from duties.here import program, program_of
from duties.obligations.facts import COORDINATOR
from duties.obligations.windows import Span
from duties.roles import never_began
from models.base import table_of
from models.program import Absence, Tenure

_tenure = table_of(Tenure)
_absence = table_of(Absence)

#: Whose name stands where no role owes a clause, but the partner as a whole.
ORGANIZATION: Final = "organization"
#: A deputy who is away has a deputy too, so far and no further.
_DEPUTIES_IN_A_ROW: Final = 3


def who_owes(session: Session, owed_by: str, organization_id: UUID, days: Iterable[Span]) -> frozenset[UUID]:
    """The people who owe a clause on some of these local days, and those who act for them.

    Where a role owes it, they are its holders at the partner, away or not; what the coordinator owes is owed by each
    coordinator. Where the partner owes it, they are all who hold a role there. A deputy counts for the days of the
    absence, and so does one whose absence was called off after it had begun.
    """
    spans = list(days)
    held: list[ColumnElement[bool]] = [_touches(_tenure, spans), ~never_began()]
    if owed_by != ORGANIZATION:
        held.append(_tenure.c.role == owed_by)
    if owed_by != COORDINATOR:
        held.append(_tenure.c.organization_id == organization_id)
    found = set(session.scalars(select(_tenure.c.person_id).where(_tenure.c.program_id == program_of(session), *held)))
    return frozenset(found | deputies_of(session, found, spans))


def deputies_of(session: Session, people: Collection[UUID], days: Iterable[Span]) -> set[UUID]:
    """Those who act for these people on some of these local days, and for those who do."""
    spans, found, asked = list(days), set[UUID](), set(people)
    cancelled_on = cast(func.timezone(program(session).time_zone, _absence.c.cancelled_at), Date)
    for _ in range(_DEPUTIES_IN_A_ROW):
        deputies: set[Any] = set(
            session.scalars(
                select(_absence.c.deputy_id).where(
                    _absence.c.program_id == program_of(session),
                    _absence.c.person_id.in_(asked),
                    _absence.c.deputy_id.is_not(None),
                    or_(_absence.c.cancelled_at.is_(None), cancelled_on > _absence.c.starts_on),
                    _touches(_absence, spans),
                )
            )
        )
        asked = deputies - found
        if not asked:
            break
        found |= asked
    return found


def acts_among(by: Actor, people: Collection[UUID]) -> bool:
    """Whether the one who acts is one of these people, or acts for one of them."""
    return by.person_id in people or (by.acting_for is not None and by.acting_for in people)


def on_day(day: date) -> Span:
    """One local day."""
    return Span(day, day)


def _touches(table: Table, spans: Collection[Span]) -> ColumnElement[bool]:
    """The condition that a row's days, both inclusive, share one with some of the spans."""
    return or_(
        false(),
        *(
            and_(
                *([table.c.starts_on <= span.ends_on] if span.ends_on is not None else []),
                or_(table.c.ends_on.is_(None), table.c.ends_on >= span.starts_on),
            )
            for span in spans
        ),
    )
