"""Meetings of which words had been taken out before a restore, which are read by those who decide alone, until then."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session

from domain.kernel import col, every, of
from domain.restored import matters
from models.ledger import RestoredMatter


def redacted_before(session: Session) -> frozenset[UUID]:
    """The ids of these meetings."""
    waiting = of(RestoredMatter).where(
        RestoredMatter.verb == "redaction.done", col(RestoredMatter.decided_at).is_(None)
    )
    named = (matters.id_in(one, "subject") for one in every(session, waiting) if one.subject_kind == "meeting")
    return frozenset(one for one in named if one is not None)
