"""What a restore puts before those who decide, each thing once: an act, and its being done again after an earlier one.

And what had been decided of it, where that was lost with the restore: nothing is opened by it, and it is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session

from domain.kernel import col, every, run, select
from domain.record import apart
from models.ledger import RestoredMatter
from models.ports import LedgerLine
from models.written import as_json, from_json

#: What was done to the same row, of the same facts; and when, of what is its own each time.
_Alike = tuple[UUID, str, datetime | None]

#: A file's end is put before people by its line. And each time that a meeting was told is counted, of its one line.
_EACH_BY_ITSELF: Final = ("participant.destroyed", "meeting.told")
#: The decisions that opened something, or left it open: of what was done again, the act itself tells.
_SAID_AGAIN: Final = ("left_undone", "noted")


def fold(session: Session, rows: Sequence[RestoredMatter]) -> list[RestoredMatter]:
    """Those of these matters of which none alike waits: of several that are alike, the first, which closes longest.

    What is certain stands beside what may not have been done.
    """
    stands = {(_alike(one), one.is_certain) for one in _waiting(session)}
    found = []
    for row in rows:
        if row.verb not in _EACH_BY_ITSELF:
            if stands & {(_alike(row), True), (_alike(row), row.is_certain)}:
                continue
            stands.add((_alike(row), row.is_certain))
        found.append(row)
    return found


def _waiting(session: Session) -> Sequence[RestoredMatter]:
    """What waits, in every program that this session sees: of the owner, in all."""
    return every(session, select(RestoredMatter).where(col(RestoredMatter.decided_at).is_(None)))


def _alike(row: RestoredMatter) -> _Alike:
    # Of the same minutes other words may have been taken out each time.
    return row.program_id, apart.said_of(row), row.at if row.kind == "redaction" else None


def say_what_was_decided(session: Session, lost: Sequence[LedgerLine]) -> None:
    """Have what waits say what was decided of it, where that was lost and it was not ended anew after it."""
    decided: dict[tuple[UUID | None, str], apart.DecidedBefore] = {}
    for line in lost:
        note = line.note
        if note.kind == apart.DECIDED:
            one = from_json(apart.DecidedBefore, {**note.more, "at": note.at.isoformat()})
            decided[note.program_id, one.what] = one
        elif note.kind == apart.ENDED:
            decided.pop((note.program_id, apart.said_of_end(str(note.more.get("verb")), note.id, note.more)), None)
    if not decided:
        return
    for row in _waiting(session):
        before = decided.get((row.program_id, apart.said_of(row)))
        if before is not None and before.decision in _SAID_AGAIN:
            said = update(RestoredMatter).where(col(RestoredMatter.id) == row.id)
            run(session, said.values(before=as_json(before)))
