"""The gate's questions: a person who may know says that the words mean no one on file, and it is not asked again.

An answer holds for one word in one text, as it stands. Where the text changes, or another name becomes known that the
same text may mean, it is asked anew. Only a blind mark is stored, which tells neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from domain.kernel import Actor, col, only, program_of, scalar, scalars, sealing
from domain.mail.name_gate import Hit, NameGate
from domain.record import events
from models.redaction import NameAnswer


def unanswered(session: Session, gate: NameGate, text: str) -> tuple[Hit, ...]:
    """The words of a text that may mean a person on file, without those already answered. Raises Refusal."""
    asked = {mark_of(session, text, hit): hit for hit in gate.hits(text) if not hit.sure}
    if not asked:
        return ()
    answered = set(scalars(session, only(NameAnswer.mark).where(col(NameAnswer.mark).in_(asked))))
    return tuple(hit for mark, hit in asked.items() if mark not in answered)


def answer(session: Session, text: str, hits: Iterable[Hit], *, by: Actor, at: datetime) -> int:
    """Record that these words of a text mean no one on file; returns for how many it is the first time."""
    said = 0
    for hit in hits:
        made: UUID | None = scalar(
            session,
            insert(NameAnswer)
            .values(
                program_id=program_of(session),
                id=uuid4(),
                mark=mark_of(session, text, hit),
                answered_by=by.person_id,
                answered_at=at,
            )
            .on_conflict_do_nothing(index_elements=["program_id", "mark"])
            .returning(col(NameAnswer.id)),
        )
        if made is not None:
            events.write(session, "name.answered", "name_answer", made, by=by, at=at)
            said += 1
    return said


def mark_of(session: Session, text: str, hit: Hit) -> str:
    """The blind mark of one hit in one text. Raises Refusal where the keys cannot be used."""
    return sealing.mark(session, "name", f"{hit.means}|{' '.join(text.split())}")
