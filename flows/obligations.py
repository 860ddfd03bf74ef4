"""The round of obligations: each day, how every partner stands by what it owes, and what people are to be asked.

Whatever touches an obligation judges it at once (`domain.obligations.triggers`). The round does what only the calendar
does: a period that ends, a day of grace that is over, a waiver that no longer runs, an attestation to be asked for.
"""

from __future__ import annotations

from functools import partial
from typing import Final
from uuid import UUID

from domain.obligations.projection import keep
from flows.engine import Means
from flows.marks import alone, last_due, mark_of, set_mark
from meetings import attendance

KEY: Final = "obligations"
#: The local hour at which the round looks, every day: before agendas are filled, and before anyone works.
CRON: Final = "30 5 * * *"
due_at: Final = partial(last_due, CRON)


def judge(means: Means, program_id: UUID, ran_by: str) -> int:
    """Judge everything that one program's partners owe; returns how many periods changed.

    Blocks for as long as it takes; run it in a thread. Running it again, late or twice at once changes nothing.
    """
    at = means.clock()
    with alone(means, program_id, KEY) as mine:
        if not mine:
            return 0
        with means.sessions(program_id) as session:
            done = mark_of(session, KEY)
            if done is not None and done >= due_at(session, at):
                return 0
            attendance.tell_quorums(session)
            found = keep(session, at=at)
            set_mark(session, KEY, at, ran_by, found)
            session.commit()
    return found
