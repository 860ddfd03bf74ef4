"""What people write of a follow-up in their own words: sealed for its row and place, under the participant's key."""

from __future__ import annotations

import unicodedata
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.kernel.refusals import Refusal
from domain.kernel.typed_words import trimmed
from domain.participants.sealing import seal, unseal
from locales import N_

NOTE: Final = "weekly_note"
BREAK_TERMS: Final = "break_terms"
WHERE: Final = "activity_place"

LONGEST: Final = 4_000


def sealed(session: Session, participant_id: UUID, place: str, row_id: UUID, text: str) -> bytes:
    """Words for one row, sealed: they open there and nowhere else. Raises Refusal: too long, no text, or no keys."""
    return seal(session, participant_id, f"{place}/{row_id}", {"words": checked(text)})


def opened(session: Session, participant_id: UUID, place: str, row_id: UUID, blob: bytes) -> str:
    """The words of one row. It tells nobody: whoever shows them to somebody does. Raises Refusal."""
    words: str = unseal(session, participant_id, f"{place}/{row_id}", blob)["words"]
    return words


def checked(text: str) -> str:
    """What was typed, with plain line breaks and without blanks around it. Raises Refusal."""
    lines = trimmed(text.replace("\r\n", "\n").replace("\r", "\n"))
    if len(lines) > LONGEST:
        raise Refusal("words.too_long", N_("This is longer than %(most)s characters. Shorten it."), most=LONGEST)
    if any(unicodedata.category(one) in ("Cc", "Cs") and one not in "\n\t" for one in lines):
        raise Refusal("words.not_text", N_("This holds characters that are not text."))
    return lines
