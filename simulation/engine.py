"""The engine of a simulated program: what its worker does by itself, done when it is told to, in the worker's order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from cronsim import CronSim
from sqlalchemy import text

from domain.casework import wakeups
from domain.kernel import run
from flows import apart, departing, destroying, post, sealing, watching
from flows.carry import carry, plainly
from flows.engine import Means
from flows.marks import due_everywhere
from flows.timetable import ROUNDS
from flows.worker import LEASE
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

#: Whether a case waits to be carried, and whether a letter waits to be sent.
_WAITS: Final = text(
    "select exists (select from wake_up where want > have and not_before <= :at) as carries,"
    " exists (select from notice"
    " where state = 'queued' and (next_attempt_at is null or next_attempt_at <= :at)) as sends"
)


@dataclass
class SimulatedWorker:
    """One worker. What it is in the middle of when it crashes is lost with it."""

    world: World
    name: str = "worker-1"
    rounds: int = 0
    _next: dict[str, datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.means = self.world.means()

    def follow(self) -> None:
        """Carry the cases that changed, and send the letters that wait."""
        for _ in range(5):
            carries, sends = self._waits()
            if carries:
                self.carry()
            if sends or carries:
                post.deliver(self.means, most=500)
            if not carries:
                return

    def carry(self, most: int = 500) -> int:
        """Carry every case that changed as far as it can go; how many there were."""
        for done in range(most):
            with self.means.transaction() as session:
                claim = wakeups.claim(session, worker=self.name, at=self.means.clock(), lease=LEASE)
            if claim is None:
                return done
            self.world.loop.run_until_complete(carry(claim, self.means, plainly(self.means)))
        return most

    def tick(self) -> None:
        """Do what is due by time, and all that is done all the time."""
        for look in LOOPS.values():
            look(self.means)
        self.do_rounds()
        self.follow()

    def do_rounds(self) -> None:
        """Do the rounds that are due."""
        at = self.world.clock()
        for key, declared in ROUNDS.items():
            if not declared.is_needed(self.means) or self._next.get(key, at) > at:
                continue
            declared(self.means, self.world.program_id, "worker")
            self.rounds += 1
            zone = UTC if declared.due is due_everywhere else self.world.zone
            self._next[key] = next(CronSim(declared.cron, at.astimezone(zone))).astimezone(UTC)

    def _waits(self) -> tuple[bool, bool]:
        with self.world.session() as session:
            waits = run(session, _WAITS, {"at": self.world.clock()}).one()
            return bool(waits.carries), bool(waits.sends)
