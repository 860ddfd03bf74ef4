"""Watches how files are read as the worker runs: a pattern leads to a letter within a minute."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from domain.participants import watching
from flows.engine import Means
from flows.marks import mark_of, set_mark
from flows.troubles import WATCH, in_each
from flows.turns import alone

KEY: Final = WATCH
#: How often it is looked: a letter leaves as soon as it is written.
WATCH_SECONDS: Final = 15.0


def watch(means: Means) -> int:
    """Write the letters about every pattern since the last look, in every program; returns how many letters.

    Of several workers one looks at a program at a time. Blocks; run it in a thread.
    """

    def watch_here(program_id: UUID) -> int:
        with alone(means, program_id, KEY) as mine:
            if not mine:
                return 0
            with means.transaction(program_id) as session:
                at = means.clock()
                found = watching.watch(session, since=mark_of(session, KEY), at=at)
                set_mark(session, KEY, at, "worker", found)
            return found

    return in_each(means, KEY, watch_here)
