"""What people write about a follow-up in their own words: sealed for its row and place, under the participant's key."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.kernel import checked
from domain.participants import seal, unseal

NOTE: Final = "weekly_note"
BREAK_TERMS: Final = "break_terms"
WHERE: Final = "activity_place"


def sealed(session: Session, participant_id: UUID, place: str, row_id: UUID, text: str) -> bytes:
    """Words for one row, sealed: they open there and nowhere else. Raises Refusal: too long, no text, or no keys."""
    return seal(session, participant_id, f"{place}/{row_id}", {"words": checked(text)})


def opened(session: Session, participant_id: UUID, place: str, row_id: UUID, blob: bytes) -> str:
    """The words of one row. It writes no record: the one who shows them does. Raises Refusal."""
    words: str = unseal(session, participant_id, f"{place}/{row_id}", blob)["words"]
    return words
