"""How far the record had come, noted in the ledger now and then: what a restore lost is told from there."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session

from domain.kernel import first, of, program_of, put_row
from domain.record import apart, head_of
from domain.restoring.finding import place_of
from domain.restoring.judging import HEAD, told_of
from models.engine import RoundMark

#: At most so often, and only where something was sealed since: some 15 lines in a day of work, of 450 bytes each.
EVERY: Final = timedelta(minutes=10)
_MARK: Final = "ledger"


def note_head(session: Session, *, at: datetime) -> bool:
    """Note the last seal of the session's program in the ledger, unless that was done lately; whether it was now.

    It is written however little ends in a program, so that an older copy of the database is known by it.
    """
    head = head_of(session)
    mark = first(session, of(RoundMark).where(RoundMark.key == _MARK))
    # A mark in the future is of a clock that went back since: it does not count.
    if head is None or (mark is not None and (mark.found == head.number or at - EVERY < mark.done_up_to <= at)):
        return False
    here = program_of(session)
    noted = RoundMark(program_id=here, key=_MARK, done_up_to=at, ran_at=at, ran_by="worker", found=head.number)
    put_row(session, noted)
    more = {"seal": head.number, "signature": head.signature, **told_of(place_of(session))}
    apart.note(session, HEAD, here, at=at, **more)
    return True
