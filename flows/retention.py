"""The round of retention: when a file's last day is over, its destruction is asked for.

The program's calendar says how long a file is kept after its end. The coordination is asked to request it; where the
program declares so, the program requests it automatically, once. Nothing is destroyed before another person confirms it
(`domain.participants.destruction`); a request without an answer in time lapses here. Each file is a transaction of its
own; running it again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.kernel.actors import ROUNDS, Actor
from domain.kernel.scope import local_day
from domain.participants import destruction, retention, retention_terms
from flows.engine import Means
from flows.marks import alone, in_its_own, last_due, mark_of, set_mark

KEY: Final = "retention"
#: The local hour at which it looks, every day.
CRON: Final = "30 6 * * *"
due_at: Final = partial(last_due, CRON)

BY_ROUNDS: Final = Actor.system(ROUNDS)


def look(means: Means, program_id: UUID, ran_by: str) -> int:
    """Look at the files of one program whose last day is over; returns how many were asked about.

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
            asked = [row.participant_id for row in destruction.all_asked(session)]
        for participant_id in asked:
            in_its_own(means, program_id, KEY, _looked_at_again(participant_id, at))
        with means.sessions(program_id) as session:
            over = retention.due(session, local_day(session, at))
            by_itself = retention_terms.retention_of(session).destruction == "by_itself"
        found = sum(in_its_own(means, program_id, KEY, _seen_to(row, at, by_itself=by_itself)) for row in over)
        with means.sessions(program_id) as session:
            set_mark(session, KEY, at, ran_by, found)
            session.commit()
    return found


def _looked_at_again(participant_id: UUID, at: datetime) -> Callable[[Session], int]:
    return lambda session: int(destruction.look_again(session, participant_id, by=BY_ROUNDS, at=at))


def _seen_to(row: retention.Due, at: datetime, *, by_itself: bool) -> Callable[[Session], int]:
    def do(session: Session) -> int:
        last = destruction.last_of(session, row.id)
        # Once for each last day: what a person refused or let lapse is a person's to ask anew.
        if by_itself and (last is None or local_day(session, last.asked_at) <= row.retain_until):
            destruction.ask(session, row.id, destruction.BY_CALENDAR, by=BY_ROUNDS, at=at)
            return 1
        return int(retention.ask_to_destroy(session, row.id, row.known_as, by=BY_ROUNDS, at=at))

    return do
