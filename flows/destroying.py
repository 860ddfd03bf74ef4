"""Destroying keys as it goes on: what the rows say is destroyed is destroyed for good, within a minute or so."""

from __future__ import annotations

from typing import Final

from duties.actors import ROUNDS, Actor
from duties.participants import retention
from flows.engine import Means
from flows.post import programs

#: How often it is looked.
DESTROY_SECONDS: Final = 60.0

BY_ROUNDS: Final = Actor.system(ROUNDS)


def destroy(means: Means) -> int:
    """Destroy the drafts that were left for too long, then the keys of all that is destroyed; returns how many keys.

    Two transactions: a key goes once its row says so for good. Blocks; run it in a thread. Raises NoKeys.
    """
    gone = 0
    for program_id in programs(means):
        with means.sessions(program_id) as session:
            retention.sweep_drafts(session, by=BY_ROUNDS, at=means.clock())
            session.commit()
        with means.sessions(program_id) as session:
            gone += retention.destroy_keys(session, at=means.clock())
            session.commit()
    return gone
