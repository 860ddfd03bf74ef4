"""One clock for all machines of an installation: the database's, reckoned on from when it was last looked at.

Two machines whose clocks differ would each take the other's leases for ended, or wait for work that was left for a
moment that has not come there yet. Between two looks the time is reckoned by what counts on in a machine and that no
one sets, so that a clock put forward or back changes nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

_log = logging.getLogger(__name__)

#: How often the database is looked at. What counts on in a machine is some millionths wrong.
LOOK_SECONDS: Final = 30.0
#: And where it did not answer.
AGAIN_SECONDS: Final = 5.0


def steady() -> float:
    """Seconds that go on whoever sets the clock; where the system counts them, also while the machine sleeps."""
    counts_on = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(counts_on)


def moment_of(asked: Connection | Session) -> datetime:
    """The moment now by the database's clock, in UTC: for who writes once and ends, as a command does."""
    said: datetime = asked.execute(text("select clock_timestamp()")).scalar_one()
    return said.astimezone(UTC)


@dataclass(frozen=True)
class _Look:
    """What the database's clock said, at which of our steady seconds, and how many seconds it took to be told."""

    said: datetime
    at: float
    took: float

    def now(self, seconds: float) -> datetime:
        return self.said + timedelta(seconds=seconds - self.at)


class DatabaseClock:
    """The moment, with its offset, as the database counts it. Any thread may ask, and none waits for the database.

    Before the database was reached, and never again after, it is this machine's own.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        seconds: Callable[[], float] = steady,
        own: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._engine = engine
        self._own = own
        self._seconds = seconds
        self._last: _Look | None = None
        self._look_at = float("-inf")
        self._looking = threading.Lock()

    def __call__(self) -> datetime:
        """The moment now."""
        seconds = self._seconds()
        if seconds >= self._look_at and self._looking.acquire(blocking=False):
            self._look_at = seconds + LOOK_SECONDS
            threading.Thread(target=self._look_and_let_go, name="clock", daemon=True).start()
        return self._last.now(seconds) if self._last is not None else self._own()

    def look(self) -> None:
        """Look at the database's clock now. Where the database does not answer, it is reckoned on."""
        try:
            with self._engine.connect() as connection:
                asked = self._seconds()
                said = moment_of(connection)
                answered = self._seconds()
        except SQLAlchemyError as away:
            self._look_at = self._seconds() + AGAIN_SECONDS
            _log.warning("the database's clock is not read", extra={"error": type(away).__name__})
            return
        look = _Look(said, (asked + answered) / 2, answered - asked)
        # Within what asking took, the one that took less is nearer to the truth.
        last = self._last
        if last is None or abs(last.now(look.at) - look.said) > timedelta(seconds=(look.took + last.took) / 2):
            self._last = look

    def _look_and_let_go(self) -> None:
        try:
            self.look()
        finally:
            self._looking.release()
