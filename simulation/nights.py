"""`python -m simulation.nights`: seeds of ten years with every fault, one after the other, as many as a night has time.

It goes on where the night before stopped: the seed and the day of it are kept in a small file beside the checkout. A
seed is lived through in parts only where a night ends in it, and then again from its first day.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from simulation.__main__ import told
from simulation.faults import KINDS
from simulation.life import DayLived, Life
from simulation.running import A_YEAR, Asked, Lived, live
from simulation.world import server_of_ones_own

PLACE: Final = Path(__file__).resolve().parents[1] / ".simulated" / "night.json"
SEEDS: Final = 200
YEARS: Final = 10
PROCESSES: Final = 2


@dataclass
class Night:
    """How far the nights came: the seeds that were lived through, and those that failed, with what they told."""

    done: list[int] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, place: Path) -> Night:
        """Where the night before stopped; a new one where there is none, or all its seeds are done."""
        if not place.is_file():
            return cls()
        found = cls(**json.loads(place.read_text()))
        return cls() if len(found.done) >= SEEDS else found

    def keep(self, place: Path) -> None:
        """Keep how far it came."""
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(asdict(self), indent=1))

    def rest(self) -> Iterator[int]:
        """The seeds that are to come."""
        return (seed for seed in range(1, SEEDS + 1) if seed not in self.done)


class _OutOfTime(Exception):
    """The night is over."""


def night(place: Path, *, minutes: float, years: int = YEARS, processes: int = PROCESSES) -> Night:
    """Live through as many seeds as there is time for, and keep how far it came."""
    ends, kept = time.monotonic() + minutes * 60, Night.read(place)
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes, maxtasksperchild=1) as pool:
        tasks = ((seed, years, ends - time.monotonic()) for seed in kept.rest())
        for seed, failure in pool.imap_unordered(_one, tasks):
            if seed is not None:
                kept.done.append(seed)
                if failure:
                    kept.failed[str(seed)] = failure
                kept.keep(place)
            if time.monotonic() > ends:
                pool.terminate()
                break
    return kept


def _one(task: tuple[int, int, float]) -> tuple[int | None, str]:
    """Live through one seed: its number and what failed; None where there was no time for all of it."""
    seed, years, seconds = task
    ends = time.monotonic() + seconds

    def look_at_the_hour(_life: Life, _day: DayLived, _n: int) -> None:
        if time.monotonic() > ends:
            raise _OutOfTime

    try:
        with server_of_ones_own() as server:
            lived: Lived = live(server, Asked(seed, years * A_YEAR, kinds=KINDS), after=look_at_the_hour)
    except _OutOfTime:
        return None, ""
    return seed, told(lived) if lived.fails else ""


def main(arguments: Sequence[str]) -> int:
    """Have a night. Status 1 where a seed of it, or of a night before that it goes on from, failed."""
    said = argparse.ArgumentParser(prog="python -m simulation.nights", description=__doc__)
    said.add_argument("--minutes", type=float, default=60)
    said.add_argument("--years", type=int, default=YEARS)
    said.add_argument("--processes", type=int, default=PROCESSES)
    said.add_argument("--place", type=Path, default=PLACE)
    asked = said.parse_args(arguments)
    kept = night(asked.place, minutes=asked.minutes, years=asked.years, processes=asked.processes)
    print(f"{len(kept.done)} of {SEEDS} seeds, {len(kept.failed)} failed")
    for seed, failure in kept.failed.items():
        print(f"\nseed {seed}\n{failure}")
    return 1 if kept.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
