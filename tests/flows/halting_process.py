"""The worker as a process of its own that halts itself at a chosen point, as where its machine is put to sleep.

`python -m tests.flows.halting_process POINT FILE SECONDS`: where FILE is there it halts, once, and says so by
FILE.here. Its leases last so many seconds.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from adapters import ledger
from domain.casework import acts
from domain.participants import retention
from flows import by_prefect, carry, departing, destroying, post, rounds, seats, turns, worker
from flows.marks import last_due

Halt = Callable[[], None]


def _before(holder: Any, name: str, halt: Halt, *, of: str = "") -> None:
    """Have it halt before a function does its work; where `of` is given, only where that is one of its arguments."""
    real = getattr(holder, name)

    def halting(*given: Any, **named: Any) -> Any:
        if not of or of in given:
            halt()
        return real(*given, **named)

    setattr(holder, name, halting)


def _after(holder: Any, name: str, halt: Halt) -> None:
    """Have it halt once a function has done its work, in the transaction in which it did."""
    real = getattr(holder, name)

    def halting(*given: Any, **named: Any) -> Any:
        found = real(*given, **named)
        halt()
        return found

    setattr(holder, name, halting)


#: Where it halts: before and within an act, before the end of a carry, with a letter in hand, before a round is noted,
#: while doors close, before keys are destroyed, and with the lock of the ledger.
POINTS: dict[str, Callable[[Halt], None]] = {
    "act": lambda halt: _before(carry, "_attempt", halt),
    "acting": lambda halt: _before(acts, "record_act", halt),
    "finish": lambda halt: _before(carry, "_finish", halt),
    "letter": lambda halt: _before(post, "_hand_over", halt),
    "round": lambda halt: _before(turns, "set_mark", halt, of="remind"),
    "door": lambda halt: _after(departing, "_end", halt),
    "keys": lambda halt: _before(retention, "destroy_keys", halt),
    "ledger": lambda halt: _before(ledger, "_write_whole", halt),
}


def slow_down(seconds: float) -> None:
    """Have each act last for longer than a lease that nobody renews."""
    _before(carry, "_attempt", lambda: time.sleep(1.2 * seconds))


def go_anywhere() -> None:
    """Take each address for another machine's, as all are one here, and have Prefect begin what it is given."""
    seats._ITSELF = frozenset()  # type: ignore[misc]
    by_prefect.PLACE_SECONDS, by_prefect.BEGIN_SECONDS = 30.0, 30.0  # type: ignore[misc]


def hurry(seconds: float) -> None:
    """Have leases last so many seconds only, and late rounds be looked for at once; reminders also at night."""
    worker.LEASE, worker.RENEW_SECONDS = timedelta(seconds=seconds), seconds / 6  # type: ignore[misc]
    worker.OVERDUE_LOOK_SECONDS = 0.2  # type: ignore[misc]
    destroying.DESTROY_SECONDS = 1.0  # type: ignore[misc]
    rounds.ROUNDS["remind"] = replace(rounds.ROUNDS["remind"], due=last_due)  # type: ignore[index]  # a test's own


if __name__ == "__main__":
    point, file, given = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])

    def halt() -> None:
        try:
            file.unlink()
        except FileNotFoundError:
            return
        file.with_suffix(".here").touch()
        os.kill(os.getpid(), signal.SIGSTOP)

    if point == "anywhere":
        go_anywhere()
    if point == "slow":
        slow_down(given)
    if point in POINTS:
        POINTS[point](halt)
    if given:
        hurry(given)
        if point == "letter":
            post.LEASE = timedelta(seconds=5 * given)  # type: ignore[misc]
    sys.exit(worker.run())
