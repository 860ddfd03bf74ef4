"""The calendar of the session's program: the days on which it works, and an organization with it."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import Uuid, bindparam, or_
from sqlmodel import Session

from domain.declared import Bilingual
from domain.kernel.asking import built
from domain.kernel.calendars import Calendar, ClosedSpan
from domain.kernel.rows import col, every, of
from domain.kernel.scope import program
from models.program import Closure as ClosureRow

_CLOSURES: Final = built(
    of(ClosureRow).where(
        or_(
            col(ClosureRow.organization_id).is_(None),
            col(ClosureRow.organization_id) == bindparam("place", type_=Uuid()),
        )
    )
)


def calendar_of(session: Session, organization_id: UUID | None = None) -> Calendar:
    """The days on which the program works, and where an organization is named, on which it works too."""
    declared = program(session).calendar
    rows = every(session, _CLOSURES, {"place": organization_id})
    closures = tuple(
        ClosedSpan(row.starts_on, row.ends_on, Bilingual(fr=row.reason_fr, en=row.reason_en)) for row in rows
    )
    return Calendar(country=declared.country, subdivision=declared.subdivision, closures=closures)
