"""The calendar of the session's program: the days on which it works, and an organization with it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlmodel import Session

from domain.declared.reading import Bilingual
from domain.kernel.calendars import Calendar, Closure
from domain.kernel.scope import program, program_of
from models.program import Closure as ClosureRow


def calendar_of(session: Session, organization_id: UUID | None = None) -> Calendar:
    """The days on which the program works, and where an organization is named, on which it works too."""
    declared = program(session).calendar
    rows = session.scalars(
        select(ClosureRow).where(
            and_(
                ClosureRow.program_id == program_of(session),  # type: ignore[arg-type]
                or_(ClosureRow.organization_id.is_(None), ClosureRow.organization_id == organization_id),  # type: ignore[union-attr, arg-type]
            )
        )
    )
    closures = tuple(Closure(row.starts_on, row.ends_on, Bilingual(fr=row.reason_fr, en=row.reason_en)) for row in rows)
    return Calendar(country=declared["country"], subdivision=declared["subdivision"], closures=closures)
