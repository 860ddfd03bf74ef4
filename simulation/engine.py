"""The engine of a simulated program: what its worker does by itself, done when it is told to, in the worker's order."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Collection
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from cronsim import CronSim
from sqlalchemy import text

from domain.casework import wakeups
from domain.kernel import run
from flows import apart, departing, destroying, post, sealing, watching
from flows.carry import carry, plainly
from flows.engine import Means, is_away
from flows.marks import due_everywhere
from flows.timetable import ROUNDS
from flows.worker import LEASE
from simulation.crashing import Crash, Crashing
from simulation.world import World

#: What the worker does all the time, besides carrying cases and sending letters.
LOOPS: Final[dict[str, Callable[[Means], object]]] = {
    "doors": departing.close_doors,
    "hands": departing.look_at_hands,
    "seals": sealing.seal,
    "keys": destroying.destroy,
    "ledger": apart.look_after,
    "watch": watching.watch,
}

#: How often something is begun again that a crash ended: each boundary is crashed at once.
_TRIES: Final = 12

#: Whether a case waits to be carried, and whether a letter waits to be sent.
_WAITS: Final = text(
    "select exists (select from wake_up where want > have and not_before <= :at) as carries,"
    " exists (select from notice where state = 'queued'"
    " and (next_attempt_at is null or next_attempt_at <= :at)) as sends"
)


@dataclass
class SimulatedWorker:
    """One worker. What it is in the middle of when it crashes is lost with it, and `rounds` and cases are counted."""

    world: World
    name: str = "worker-1"
    crashing: Crashing | None = None
    rounds: int = 0
    crashes: int = 0
    #: Its connections may break: what failed by that is tried again.
    breaks: bool = False
    #: What failed by anything else, and the traces of it.
    failed: list[str] = field(default_factory=list)
    traces: list[str] = field(default_factory=list, repr=False)
    _next: dict[str, datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.means = self.world.means()

    def follow(self) -> None:
        """Carry the cases that changed, and send the letters that wait."""
        for _ in range(5):
            carries, sends = self._waits()
            if carries:
                self._do("carry", self.carry)
            if sends or carries:
                self._do("post", lambda: post.deliver(self.means, most=500))
            if not carries:
                return

    def carry(self, most: int = 500) -> None:
        """Carry every case that changed as far as it can go."""
        for _ in range(most):
            with self.means.transaction() as session:
                claim = wakeups.claim(session, worker=self.name, at=self.means.clock(), lease=LEASE)
            if claim is None:
                return
            self.world.loop.run_until_complete(carry(claim, self.means, plainly(self.means)))

    def tick(self) -> None:
        """Do what is due by time, and all that is done all the time."""
        for name, look in LOOPS.items():
            self._do(name, lambda look=look: look(self.means))  # type: ignore[misc]
        self.do_rounds()
        self.follow()

    def close_doors(self) -> None:
        """End what is over since midnight, and what follows from it."""
        self._do("doors", lambda: departing.close_doors(self.means))
        self.follow()

    def do_daily_rounds(self) -> None:
        """Do the rounds that are due at an hour of the program's day: those of each quarter of an hour wait."""
        self.do_rounds({key for key, declared in ROUNDS.items() if declared.due is not due_everywhere})
        self.follow()

    def do_rounds(self, among: Collection[str] = frozenset(ROUNDS)) -> None:
        """Do the rounds that are due, among these."""
        at = self.world.clock()
        for key, declared in sorted(ROUNDS.items(), key=lambda one: self._next.get(one[0], at)):
            if key not in among or not declared.is_needed(self.means) or self._next.get(key, at) > at:
                continue
            if not self._do(f"round.{key}", lambda one=declared: one(self.means, self.world.program_id, "worker")):  # type: ignore[misc]
                continue
            self.rounds += 1
            zone = UTC if declared.due is due_everywhere else self.world.zone
            self._next[key] = next(CronSim(declared.cron, at.astimezone(zone))).astimezone(UTC)

    def forget(self) -> None:
        """Forget when rounds come next: the clock, or the database, is another one."""
        self._next.clear()

    def _do(self, what: str, do: Callable[[], object]) -> bool:
        """Do one thing. Where the process ends in it, another one begins and does it again; whether it was done."""
        for _ in range(_TRIES):
            try:
                with self.crashing.during(what) if self.crashing else nullcontext():
                    do()
            except Crash:
                self.crashes += 1
                self.name = f"worker-{self.crashes + 1}"
                self.world.clock.now += LEASE + timedelta(seconds=1)  # a lease of who is gone ends by itself
                self.world.connect_anew()
                self.means = self.world.means()
            except Exception as fault:  # noqa: BLE001 - the program failed: that is what is looked for
                if not (self.breaks and is_away(fault)):
                    self.failed.append(f"{what} failed: {type(fault).__name__}")
                    self.traces.append(f"{what}\n{''.join(traceback.format_exception(fault))}")
                    return False
                self.world.connect_anew()
            else:
                return True
        self.failed.append(f"{what} was begun {_TRIES} times and never ended")
        return False

    def _waits(self) -> tuple[bool, bool]:
        with self.world.session() as session:
            waits = run(session, _WAITS, {"at": self.world.clock()}).one()
            return bool(waits.carries), bool(waits.sends)
