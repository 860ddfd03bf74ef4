"""What the worker does about the ledger: it notes how far the record came, and tells of a restore that was found."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func

from domain.kernel import col, scalar, select
from domain.restoring import heads, redoing, telling
from flows.engine import Means, programs
from flows.troubles import LEDGER, RESTORED, in_each
from models.engine import Beat

#: How often the whole ledger is read, for keys that it says are destroyed and of which a copy was put back meanwhile.
READ_SECONDS: Final = 3600.0
#: How often the web looks whether a worker notes the heads; and without a sign of life for so long, none does.
HEADS_SECONDS: Final = 60.0
AWAY_AFTER: Final = timedelta(minutes=5)


def look_after(means: Means) -> None:
    """Note each program's head in the ledger now and then, and write the letters of a restore. Raises NoLedger."""

    def tell(program_id: UUID) -> int:
        with means.transaction(program_id) as session:
            telling.tell(session, at=means.clock())
        return 0

    try:
        in_each(means, RESTORED, tell)
    finally:
        in_each(means, LEDGER, lambda program_id: _note_head(means, program_id))


def note_heads_for_the_worker(means: Means) -> int:
    """Note each program's head while no worker gives a sign of life; how many. Raises NoLedger.

    For the web: people go on with it, and what they do without a worker is missed after a restore as well.
    """
    with means.transaction() as session:
        seen_at = scalar(session, select(func.max(col(Beat.at))))
    if seen_at is not None and abs(means.clock() - seen_at) <= AWAY_AFTER:  # also of a clock that was put back since
        return 0
    return in_each(means, LEDGER, lambda program_id: _note_head(means, program_id))


def _note_head(means: Means, program_id: UUID) -> int:
    with means.transaction(program_id) as session:
        return int(heads.note_head(session, at=means.clock()))


def destroy_what_is_listed(means: Means) -> int:
    """Destroy each key that the ledger says is destroyed, also of a person of whom no row is left; how many were there.

    Raises NoLedger, NoKeys.
    """
    for program_id in programs(means)[:1]:  # the ledger and the keys are of all programs together
        with means.transaction(program_id) as session:
            return redoing.destroy_what_is_listed(session)
    return 0
