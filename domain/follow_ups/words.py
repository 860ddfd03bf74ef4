"""What people write about a follow-up in their own words: sealed for its row and place, under the participant's key."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlmodel import Session

from domain.kernel import Actor, checked, only, scalar, seal, unseal
from domain.record import Ground, record_read

#: Where each kind of words opens, and what the record calls a reading of them.
NOTE: Final = "weekly_note"
BREAK_TERMS: Final = "break_terms"
WHERE: Final = "activity_place"
RAISED: Final = "raised_issue"
#: What was said of a case in a meeting, and what follows from it.
CASE_SAID: Final = "case_said"


def sealed(session: Session, participant_id: UUID, place: str, row_id: UUID, text: str) -> bytes:
    """Words for one row, sealed: they open there and nowhere else. Raises Refusal: too long, no text, or no keys."""
    return seal(session, participant_id, f"{place}/{row_id}", {"words": checked(text)})


def opened(session: Session, participant_id: UUID, place: str, row_id: UUID, blob: bytes) -> str:
    """The words of one row. It writes no record: the one who shows them does. Raises Refusal."""
    words: str = unseal(session, participant_id, f"{place}/{row_id}", blob)["words"]
    return words


def read_words(
    column: Any,
    kind: str,
    place: str,
    /,
    session: Session,
    row_id: UUID,
    participant_id: UUID,
    *,
    ground: Ground,
    by: Actor,
    at: datetime,
) -> str:
    """Read the words of one row, unsealed, and note it on record in the same transaction. Raises Refusal.

    `column` is where they stand, of rows that the record calls `kind`; "" where there are none.
    """
    record_read(session, kind, row_id, what=place, ground=ground, by=by, at=at)
    words = scalar(session, only(column).where(column.class_.id == row_id))
    return opened(session, participant_id, place, row_id, words) if words is not None else ""
