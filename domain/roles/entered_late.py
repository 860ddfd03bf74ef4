"""Days on which a person held a role, as recorded only afterwards: the record's vacancy still counts.

Otherwise an appointment from a past day, or a last day that is put off when it is over, would make "a quick
replacement" of one that no one saw (AG-X2). What was before the program's own record began is never late: a program
that is loaded brings its years with it. Stored with the tenure as ISO 8601 intervals of local days, inclusive.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import func
from sqlmodel import Session

from domain.kernel import col, in_program, local_day, scalar, select
from models.record import Event

_DAY: Final = timedelta(days=1)


def record_began(session: Session) -> date | None:
    """The local day on which the program's record begins; None where nothing is written yet.

    By the days that the lines tell of, and not by their order: a demonstration writes the year behind it afterwards.
    """
    first: datetime | None = scalar(session, select(func.min(col(Event.at))).where(in_program(Event)))
    return None if first is None else local_day(session, first)


def said_late(first: date, last: date | None, *, on: date) -> list[str]:
    """Those of the days from `first` to `last` that were over on the local day `on`, in a tenure's own form."""
    until = min(on - _DAY, last or on)
    return [f"{first.isoformat()}/{until.isoformat()}"] if first <= until else []


def days_of(kept: Iterable[str]) -> list[tuple[date, date]]:
    """The first and the last day of each interval stored with a tenure."""
    ends = (one.split("/") for one in kept)
    return [(date.fromisoformat(first), date.fromisoformat(last)) for first, last in ends]
