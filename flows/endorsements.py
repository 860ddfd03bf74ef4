"""The round of decisions that wait for partners: former partners are not waited for, and silent ones are asked again.

It comes before the digests of the morning, which tell each person of all that is asked of them in one letter.
"""

from __future__ import annotations

from functools import partial
from typing import Final
from uuid import UUID

from domain.kernel.program_calendar import calendar_of
from domain.kernel.scope import local_day
from domain.obligations.triggers import settle
from flows.engine import Means
from flows.marks import alone, last_due, mark_of, set_mark
from meetings import endorsing

KEY: Final = "endorsements"
#: The local hour at which the round looks, every day: before people get their digests.
CRON: Final = "30 7 * * *"
due_at: Final = partial(last_due, CRON)


def ask(means: Means, program_id: UUID, ran_by: str) -> int:
    """Look at every decision of one program that waits for partners; how many changed or are asked again.

    No one is asked again on a day that is not worked. Blocks for as long as it takes; run it in a thread. Running it
    again, late or twice at once changes nothing.
    """
    at = means.clock()
    with alone(means, program_id, KEY) as mine:
        if not mine:
            return 0
        with means.sessions(program_id) as session:
            done = mark_of(session, KEY)
            if done is not None and done >= due_at(session, at):
                return 0
            day = local_day(session, at)
            found = endorsing.follow_agreements(session, at=at)
            if calendar_of(session).is_working_day(day):
                found += endorsing.ask_again(session, day, at=at)
            settle(session, at=at)
            set_mark(session, KEY, at, ran_by, found)
            session.commit()
    return found
