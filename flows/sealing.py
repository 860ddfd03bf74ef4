"""Seals the record as the worker runs: new lines every few seconds; the last seal is sent each working day."""

from __future__ import annotations

from functools import partial
from typing import Final
from uuid import UUID

from domain.mail import heads
from domain.record import seals
from flows.engine import Means
from flows.marks import alone, due_on_working_day, mark_of, set_mark
from flows.post import programs

#: How long a line waits for its seal, about. In this time it can be changed without being found.
SEAL_SECONDS: Final = 5.0

#: The daily round that mails the head.
KEY: Final = "head"
#: Its local time: late enough for the day's work to stand under the seal that goes out.
CRON: Final = "30 16 * * *"
due_at: Final = partial(due_on_working_day, CRON)


def seal(means: Means) -> int:
    """Seal what can be sealed in every program; returns how many lines. Blocks; run it in a thread.

    Any number of workers may do so at once: the database lets one at a time seal a program's lines. Does nothing
    without keys. Raises NoSealKey where they cannot be used.
    """
    keys = means.seal_keys
    if keys is None:
        return 0
    sealed = 0
    for program_id in programs(means):
        while True:
            with means.sessions(program_id) as session:
                lines = seals.seal_next(session, keys)
                session.commit()
            sealed += lines
            if lines < seals.LINES_AT_A_TIME:
                break
    return sealed


def mail_heads(means: Means, program_id: UUID, ran_by: str) -> int:
    """Mail the head of one program, if that was not done today; returns the letters. Running it again changes nothing.

    Blocks for as long as it takes; run it in a thread.
    """
    at = means.clock()
    with alone(means, program_id, KEY) as mine:
        if not mine:
            return 0
        with means.sessions(program_id) as session:
            due, done = due_at(session, at), mark_of(session, KEY)
            if due is None or (done is not None and done >= due):
                return 0
            letters = heads.mail_head(session, at=at)
            set_mark(session, KEY, at, ran_by, letters)
            session.commit()
    return letters
