"""Destroys keys as the worker runs: what the rows say is destroyed is destroyed for good, within a minute or so.

Before that, it seals words in the clear with tasks that are about a participant only by now.
"""

from __future__ import annotations

import logging
from typing import Final
from uuid import UUID

from domain.casework import words
from domain.kernel import Refusal
from domain.participants import retention
from flows.engine import Means
from flows.troubles import DESTROY, in_each
from flows.turns import BY_ROUNDS

_log = logging.getLogger(__name__)

#: How often it is looked.
DESTROY_SECONDS: Final = 60.0


def destroy(means: Means) -> int:
    """Destroy the drafts that were left for too long, then the keys of all that is destroyed; returns how many keys.

    Two transactions: a key goes once its row says so for good. Blocks; run it in a thread. Raises NoKeys.
    """

    def destroy_here(program_id: UUID) -> int:
        with means.transaction(program_id) as session:
            retention.sweep_drafts(session, by=BY_ROUNDS, at=means.clock())
        _seal_what_is_clear(means, program_id)
        with means.transaction(program_id) as session:
            return retention.destroy_keys(session, at=means.clock())

    return in_each(means, DESTROY, destroy_here)


def _seal_what_is_clear(means: Means, program_id: UUID) -> None:
    try:
        with means.transaction(program_id) as session:
            words.seal_what_is_clear(session)
    except Refusal as refusal:  # of the keys alone: the words stay where they are, until the keys can be used
        _log.warning("words are not sealed yet", extra={"code": refusal.code})
