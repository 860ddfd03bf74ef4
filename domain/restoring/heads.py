"""How far the record had come, noted in the ledger now and then: what a restore lost is told from there."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func
from sqlmodel import Session

from domain.kernel import col, first, in_program, of, program_of, put_row, scalar, select
from domain.record import apart, head_of
from domain.restoring.finding import place_of
from domain.restoring.judging import HEAD, told_of
from models.engine import RoundMark
from models.ports import LedgerFact
from models.record import Event

#: At most so often, and only where the record grew since: some 15 lines in a day of work, of 450 bytes each.
EVERY: Final = timedelta(minutes=10)
_MARK: Final = "ledger"


def note_head(session: Session, *, at: datetime) -> bool:
    """Note the last line of the record in the ledger, and its last seal, unless that was done lately.

    It is written however little ends in a program, so that an older copy of the database is known by it: also of what
    nobody sealed yet. Whether it was noted now.
    """
    grown = scalar(session, select(func.max(col(Event.n))).where(in_program(Event)))
    mark = first(session, of(RoundMark).where(RoundMark.key == _MARK))
    if grown is None or (mark is not None and (mark.found == grown or _is_recent(mark.done_up_to, at))):
        return False
    here, head = program_of(session), head_of(session)
    put_row(session, RoundMark(program_id=here, key=_MARK, done_up_to=at, ran_at=at, ran_by="worker", found=grown))
    sealed: dict[str, LedgerFact] = {"seal": head.number, "signature": head.signature} if head is not None else {}
    apart.note(session, HEAD, here, at=at, line=grown, **sealed, **told_of(place_of(session)))
    return True


def _is_recent(noted: datetime | None, at: datetime) -> bool:
    """Whether that was noted lately. A mark in the future is of a clock that went back since: it does not count."""
    return noted is not None and at - EVERY < noted <= at
