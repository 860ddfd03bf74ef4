"""The round of retention: whose last day is over is told to whoever is entitled to destroy the file.

The program's calendar says how long a file is kept after its end. Nothing is destroyed by itself, unless the program
declares so; a legal hold holds either. Each file is a transaction of its own; running it again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlmodel import Session

from duties.actors import ROUNDS, Actor
from duties.here import local_day
from duties.participants import keeping, retention
from flows.engine import Means
from flows.marks import alone, in_its_own, last_at, mark_of, set_mark

KEY: Final = "retention"
#: The local hour at which it looks, every day.
HOUR: Final = time(6, 30)

BY_ROUNDS: Final = Actor.system(ROUNDS)


def due_at(session: Session, at: datetime) -> datetime:
    """When the round was last due: at its local hour of today, or of yesterday before that."""
    return last_at(session, HOUR, at)


def look(means: Means, program_id: UUID, ran_by: str) -> int:
    """See to the files of one program whose last day is over; how many were asked about, or destroyed.

    Blocks for as long as it takes; run it in a thread.
    """
    at = means.clock()
    with alone(means, program_id, KEY) as mine:
        if not mine:
            return 0
        with means.sessions(program_id) as session:
            done = mark_of(session, KEY)
            if done is not None and done >= due_at(session, at):
                return 0
        in_its_own(means, program_id, KEY, partial(retention.count_what_was_missed, by=BY_ROUNDS, at=at))
        with means.sessions(program_id) as session:
            over = retention.due(session, local_day(session, at))
            by_itself = keeping.retention_of(session).destruction == "by_itself"
        found = sum(in_its_own(means, program_id, KEY, _seen_to(row, at, by_itself=by_itself)) for row in over)
        with means.sessions(program_id) as session:
            set_mark(session, KEY, at, ran_by, found)
            session.commit()
    return found


def _seen_to(row: dict[str, Any], at: datetime, *, by_itself: bool) -> Callable[[Session], int]:
    def do(session: Session) -> int:
        if by_itself:
            retention.destroy(session, row["id"], by=BY_ROUNDS, at=at)
            return 1
        known_as = row["number"] or row["candidate_ref"]
        return int(retention.ask_to_destroy(session, row["id"], known_as, by=BY_ROUNDS, at=at))

    return do
