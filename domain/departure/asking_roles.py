"""What departures and recruitings ask of a role outside any case: a task a thing, due in some working days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from domain.casework import assigning
from domain.declared import Bilingual
from domain.kernel import Actor, local_day, program_calendar
from domain.roles import Link


def ask(
    session: Session,
    step: str,
    item: str,
    title: Bilingual,
    chain: Sequence[Link],
    *,
    within: int,
    by: Actor,
    at: datetime,
    sources: Sequence[str] = (),
) -> UUID:
    """Open a task that falls on a chain of roles, due `within` so many working days; its id."""
    due_on = program_calendar.calendar_of(session).add_working_days(local_day(session, at), within)
    return assigning.assign(
        session,
        step,
        item,
        title_fr=title.fr,
        title_en=title.en,
        chain=chain,
        due_on=due_on,
        by=by,
        at=at,
        sources=sources,
    )
