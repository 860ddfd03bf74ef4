"""The process that makes copies by schedule: started at a time of day, gone when done, and again after a fault."""

from __future__ import annotations

import time as clock
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time
from typing import Final

from adapters.time_of_day import next_at
from api.cli.supervise import Process

#: After one that failed, or that another machine was at, it is looked again so much later.
AGAIN_SECONDS: Final = 3600.0
_DAY_SECONDS: Final = 86_400.0
_MINUTE_SECONDS: Final = 60.0


@dataclass
class AtATimeOfDay(Process):
    """A process that ends by itself, started once at the beginning and then each day `at` a time of this machine.

    The first time, and after a night in which the machine was off, it finds out itself whether anything is due.
    """

    at: time = time(0)

    def look(self, say: Callable[[str], None]) -> None:  # noqa: ARG002  # what it has to say it says itself
        """Start it where its time has come."""
        now = clock.time()
        if self.running is None:
            if now >= self.start_at or self.start_at > now + _DAY_SECONDS + AGAIN_SECONDS:  # the clock went back
                self.start()
            return
        status = self.running.poll()
        if status is not None:
            self.running = None
            self.start_at = now + AGAIN_SECONDS if status else next_at(self.at, datetime.now().astimezone()).timestamp()


@dataclass
class EachMinute(Process):
    """A process that does little and ends by itself, started again a minute later whatever came of it."""

    def look(self, say: Callable[[str], None]) -> None:  # noqa: ARG002  # what it has to say it says itself
        """Start it where its time has come."""
        now = clock.monotonic()
        if self.running is None:
            if now >= self.start_at:
                self.start()
        elif self.running.poll() is not None:
            self.running = None
            self.start_at = now + _MINUTE_SECONDS
