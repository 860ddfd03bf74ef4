"""What the engine does again and again in every program: what fails in one holds up no other, and people are told."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

from domain.kernel import Refusal
from flows.engine import Means, code_of, is_away, programs
from flows.marks import clear_trouble, set_trouble

_log = logging.getLogger(__name__)

#: The loops of the worker by the keys under which their troubles are told: they have no times that can be missed.
DOORS: Final = "departures"
HANDS: Final = "departures.hands"
SEAL: Final = "seal"
DESTROY: Final = "destroy"
LEDGER: Final = "ledger"
RESTORED: Final = "ledger.restored"
WATCH: Final = "watch"
POST: Final = "post"
LOOPS: Final = (DOORS, HANDS, SEAL, DESTROY, LEDGER, RESTORED, WATCH, POST)

#: Where a loop goes well here, a trouble that another process told is over, at the latest after this.
_OVER_AFTER_SECONDS: Final = 60.0


def trouble_of(error: Exception) -> str:
    """An error as a code that people are shown: a rule's own, or the name of its kind."""
    return error.code if isinstance(error, Refusal) else code_of(error)


def note_trouble(means: Means, program_id: UUID, key: str, code: str) -> None:
    """Note that something failed in a program, for people to see; where that fails too, the log says what did."""
    means.well_since.pop((program_id, key), None)
    try:
        with means.transaction(program_id) as session:
            set_trouble(session, key, code, means.clock())
    except Exception as error:  # noqa: BLE001 - its own error is raised by who called
        _log.warning("a failed round cannot be noted", extra={"part": key, "error": type(error).__name__})


def in_each(means: Means, key: str, do: Callable[[UUID], int]) -> int:
    """Do what a loop of the worker does, in every program; how much it did together.

    What fails in one holds up no other, and people see it under the loop's `key` until it goes well again there. The
    first error is raised at the end. Where the database is away, at once.
    """
    done, failed = 0, None
    for program_id in programs(means):
        try:
            done += do(program_id)
            _note_that_it_goes_well(means, program_id, key)
        except Exception as error:
            if is_away(error):
                raise
            note_trouble(means, program_id, key, trouble_of(error))
            failed = failed or error
    if failed is not None:
        raise failed
    return done


def _note_that_it_goes_well(means: Means, program_id: UUID, key: str) -> None:
    """Tell no trouble any more. A loop may have its turn every second or two: the database is not asked each time."""
    now, last = time.monotonic(), means.well_since.get((program_id, key))
    if last is None or now - last > _OVER_AFTER_SECONDS:
        with means.transaction(program_id) as session:
            clear_trouble(session, key)
        means.well_since[program_id, key] = now
