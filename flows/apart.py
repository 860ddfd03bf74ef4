"""What the worker does about the ledger: it notes how far the record came, and tells of a restore that was found."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from domain.restoring import heads, redoing, telling
from flows.engine import Means, programs
from flows.troubles import LEDGER, RESTORED, in_each

#: How often the whole ledger is read, for keys that it says are destroyed and of which a copy was put back meanwhile.
READ_SECONDS: Final = 3600.0


def look_after(means: Means) -> None:
    """Note each program's head in the ledger now and then, and write the letters of a restore. Raises NoLedger."""

    def tell(program_id: UUID) -> int:
        with means.transaction(program_id) as session:
            telling.tell(session, at=means.clock())
        return 0

    def note(program_id: UUID) -> int:
        with means.transaction(program_id) as session:
            return int(heads.note_head(session, at=means.clock()))

    try:
        in_each(means, RESTORED, tell)
    finally:
        in_each(means, LEDGER, note)


def destroy_what_is_listed(means: Means) -> int:
    """Destroy each key that the ledger says is destroyed, also of a person of whom no row is left; how many were there.

    Raises NoLedger, NoKeys.
    """
    for program_id in programs(means)[:1]:  # the ledger and the keys are of all programs together
        with means.transaction(program_id) as session:
            return redoing.destroy_what_is_listed(session)
    return 0
