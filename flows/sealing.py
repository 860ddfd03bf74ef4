"""Seals the record as the worker runs: new lines every few seconds; the last seal is sent each working day."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.mail import heads
from domain.record import seals
from flows.engine import Means
from flows.marks import due_on_working_day
from flows.troubles import SEAL, in_each
from flows.turns import as_a_whole

#: How long a line waits for its seal, about. In this time it can be changed without being found.
SEAL_SECONDS: Final = 5.0

#: The local time of the daily round that mails the head: the day's work is to stand under the seal that goes out.
CRON: Final = "30 16 * * *"


def seal(means: Means) -> int:
    """Seal what can be sealed in every program; returns how many lines. Blocks; run it in a thread.

    Any number of workers may do so at once: the database lets one at a time seal a program's lines. Does nothing
    without keys. Raises NoSealKey where they cannot be used.
    """
    keys = means.seal_keys
    if keys is None:
        return 0

    def seal_here(program_id: UUID) -> int:
        sealed = 0
        while True:
            with means.transaction(program_id) as session:
                lines = seals.seal_next(session, keys)
            sealed += lines
            if lines < seals.LINES_AT_A_TIME:
                return sealed

    return in_each(means, SEAL, seal_here)


@as_a_whole("head", CRON, due_on_working_day)
def mail_heads(session: Session, at: datetime) -> int:
    """Mail the head of one program, if that was not done today; returns the letters."""
    return heads.mail_head(session, at=at)
