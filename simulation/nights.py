"""`python -m simulation.nights`: seeds of ten years with every fault, one after the other, as many as a night has time.

Each is lived through for its share of the time, or to its end. The next night goes on with the seeds that are left: a
small file beside the checkout keeps which were had, for how many days, and what failed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from simulation.__main__ import told
from simulation.faults import KINDS
from simulation.running import A_YEAR, Asked, live
from simulation.world import server_of_ones_own

PLACE: Final = Path(__file__).resolve().parents[1] / ".simulated" / "night.json"
SEEDS: Final = 200
YEARS: Final = 10
PROCESSES: Final = 2
#: So many minutes has each seed, where nobody says otherwise: some months of a program, and more years with more time.
SHARE: Final = 10.0


@dataclass
class Night:
    """How far the nights came: for how many days each seed was lived through, and what those told that failed."""

    done: dict[str, int] = field(default_factory=dict)
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
        return (seed for seed in range(1, SEEDS + 1) if str(seed) not in self.done)


def night(
    place: Path, *, minutes: float, share: float = SHARE, years: int = YEARS, processes: int = PROCESSES
) -> Night:
    """Live through as many seeds as there is time for, and keep how far it came. The last ones may end a little late.

    `share`: for so many minutes each seed is lived through at most.
    """
    ends, kept = time.monotonic() + minutes * 60, Night.read(place)
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        rest, under_way = kept.rest(), set[Future[tuple[int, int, str]]]()
        while True:
            while len(under_way) < processes and time.monotonic() < ends and (seed := next(rest, None)) is not None:
                seconds = min(share * 60, ends - time.monotonic())
                under_way.add(pool.submit(_one, seed, years, seconds))
            if not under_way:
                return kept
            ended, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for one in ended:
                number, days, failure = one.result()
                kept.done[str(number)] = days
                if failure:
                    kept.failed[str(number)] = failure
            kept.keep(place)


def _one(seed: int, years: int, seconds: float) -> tuple[int, int, str]:
    """Live through one seed for so long: its number, for how many days, and what failed."""
    with server_of_ones_own() as server:
        lived = live(server, Asked(seed, years * A_YEAR, kinds=KINDS), seconds=seconds)
    return seed, lived.days, told(lived) if lived.fails else ""


def main(arguments: Sequence[str]) -> int:
    """Have a night. Status 1 where a seed of it, or of a night before that it goes on from, failed."""
    said = argparse.ArgumentParser(prog="python -m simulation.nights", description=__doc__)
    said.add_argument("--minutes", type=float, default=60)
    said.add_argument("--share", type=float, default=SHARE, help="minutes for each seed")
    said.add_argument("--years", type=int, default=YEARS)
    said.add_argument("--processes", type=int, default=PROCESSES)
    said.add_argument("--place", type=Path, default=PLACE)
    asked = said.parse_args(arguments)
    kept = night(asked.place, minutes=asked.minutes, share=asked.share, years=asked.years, processes=asked.processes)
    print(f"{len(kept.done)} of {SEEDS} seeds, {sum(kept.done.values())} days, {len(kept.failed)} failed")
    for seed, failure in kept.failed.items():
        print(f"\nseed {seed}\n{failure}")
    return 1 if kept.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
