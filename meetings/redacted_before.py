"""Meetings of which words had been taken out before a restore, which are read by those who decide alone, until then."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session

from domain.kernel import col, every, of
from models.ledger import RestoredMatter
from models.ports import EPOCH


def redacted_before(session: Session) -> frozenset[UUID]:
    """The ids of these meetings. Of a database that never was restored, none, and nothing is asked."""
    if not session.info.get(EPOCH):
        return frozenset()
    waiting = of(RestoredMatter).where(
        RestoredMatter.verb == "redaction.done", col(RestoredMatter.decided_at).is_(None)
    )
    return frozenset(
        UUID(str(one.facts["subject"])) for one in every(session, waiting) if one.subject_kind == "meeting"
    )
