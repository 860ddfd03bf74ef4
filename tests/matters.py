"""What a restore left to decide, as a row that a test writes by itself."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlmodel import Session

from domain.kernel import program_of
from models.ledger import RestoredMatter
from tests.cast import AT


def left(session: Session, kind: str, verb: str, subject_id: UUID | None, n: int, **more: Any) -> RestoredMatter:
    """What the restore of the first epoch left, by the ledger's line `n`: of a person, where nothing else is said."""
    about = {"subject_kind": "person", "subject_id": subject_id, "ledger_n": n, "at": AT, **more}
    matter = RestoredMatter(program_id=program_of(session), epoch=1, kind=kind, verb=verb, **about)
    session.add(matter)
    session.flush()
    return matter
