"""For how long a file is kept after it ended, by the program's own retention calendar."""

from __future__ import annotations

import calendar
from datetime import date

from sqlmodel import Session

from domain.declarations import Ended, Retention, RetentionTerm
from domain.kernel import program


def retention_of(session: Session) -> Retention:
    """The program's retention calendar, as its file was loaded last; the grammar's own where it says nothing."""
    return Retention.model_validate(program(session).retention)


def last_day(session: Session, ended: Ended, on: date) -> date:
    """The last local day on which a file is kept that ended in this way on a local day."""
    kept: RetentionTerm = getattr(retention_of(session), ended)
    return later(on, kept)


def later(day: date, kept: RetentionTerm) -> date:
    """The day that many whole years and months later; the last day of a month that is too short for it."""
    months = day.year * 12 + day.month - 1 + kept.years * 12 + kept.months
    year, month = divmod(months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
