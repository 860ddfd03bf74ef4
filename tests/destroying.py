"""How the tests have a file destroyed: asked by the coordinator, and confirmed by the privacy officer a week later."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.participants import destruction
from tests.cast import Cast

#: What the program's file declares.
DELAY: Final = timedelta(days=7)
LAPSES: Final = timedelta(days=60)
WHY: Final = "Son dossier n’a plus lieu d’être"


def asked(
    session: Session, cast: Cast, participant_id: UUID, *, at: datetime, ground: str = destruction.BY_CALENDAR
) -> None:
    """The coordinator asks that a file be destroyed."""
    reason = "" if ground == destruction.BY_CALENDAR else WHY
    destruction.ask(session, participant_id, ground, reason=reason, by=cast.actor("coordinator"), at=at)


def destroyed(
    session: Session, cast: Cast, participant_id: UUID, *, at: datetime, knowing: Collection[str] = ()
) -> None:
    """A file is destroyed: asked at `at`, and confirmed as soon as it can be, `knowing` each caution."""
    asked(session, cast, participant_id, at=at)
    by = cast.actor("privacy_officer")
    destruction.confirm(session, participant_id, knowing=knowing, by=by, at=at + DELAY)
