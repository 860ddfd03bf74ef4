"""Who acts for others on some days, under whichever hat they answer: what is of two is not of one and their deputy."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Table, and_, cast, false, func, or_, select
from sqlmodel import Session

from domain.kernel.scope import program, program_of
from models.base import table_of
from models.program import Absence

_absence = table_of(Absence)

#: A deputy who is away has a deputy too, so far and no further.
_DEPUTIES_IN_A_ROW: Final = 3

#: Local days from the first to the last, or without an end.
Days = tuple[date, date | None]


def deputies_of(session: Session, people: Collection[UUID], days: Iterable[Days]) -> set[UUID]:
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
                    touches(_absence, spans),
                )
            )
        )
        asked = deputies - found
        if not asked:
            break
        found |= asked
    return found


def touches(table: Table, spans: Collection[Days]) -> ColumnElement[bool]:
    """The condition that a row's days, both inclusive, share one with some of the spans."""
    return or_(
        false(),
        *(
            and_(
                *([table.c.starts_on <= last] if last is not None else []),
                or_(table.c.ends_on.is_(None), table.c.ends_on >= first),
            )
            for first, last in spans
        ),
    )
