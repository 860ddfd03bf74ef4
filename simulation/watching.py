"""Watches a run for its page: counts each day, notes each look at a promise, and writes the page at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from sqlalchemy import event

from simulation.counted import Years
from simulation.life import DayLived, Life
from simulation.report import Facts, write
from simulation.routes import declared_routes
from simulation.running import Asked, Lived


@dataclass
class Watch:
    """What a page is told of a run, from before its first day to its last."""

    asked: Asked
    years: Years = field(default_factory=Years)
    _life: Life | None = None
    #: The rows that were read to look at promises.
    _rows: int = 0

    def begin(self, life: Life) -> None:
        """Before the first day."""
        self._life, life.looking = life, self._looking
        event.listen(life.world.observing, "after_cursor_execute", self._count)
        self.years.begin(life.world, self.asked.first_day)

    def after(self, life: Life, lived: DayLived) -> None:
        """After each day: count it, and read how the program stands where a week is over, or the last day."""
        rounds = sum(worker.rounds for worker in life.workers)
        self.years.sample(life.world, lived.day, life.told, rounds=rounds, last=lived.is_last)
        self.years.faults = Counter(life.faults.counts)
        if life.faults.crashing is not None:
            self.years.faults["crash"] = life.faults.crashing.crashes
        if life.faults.races is not None:
            self.years.faults["races"] = life.faults.races.pairs.total()

    def write(self, path: Path, lived: Lived, *, seconds: float) -> None:
        """Write the page. Where something went wrong, `lived` is the shortest run to it."""
        if self._life is None or lived.day is None:
            return
        again = lived.repeated.command()
        wrongs = [(one.sentence, one.where, "promise") for one in lived.broken]
        wrongs += [(fault, "", "fault") for fault in lived.faults]
        for sentence, where, kind in wrongs:
            self.years.went_wrong(
                sentence, where, day=lived.day, seed=lived.asked.seed, acts=lived.acts, command=again, kind=kind
            )
        world = self._life.world
        facts = Facts(
            program=world.file.value.program.title.en,
            seed=self.asked.seed,
            first=self.asked.first_day,
            last=self.years.last_day or lived.day,
            command=again,
            time_zone=world.zone.key,
            faults=self.asked.kinds,
            routes=declared_routes(self._life.desks[0].app),
            seconds=seconds,
        )
        write(path, self.years, facts)

    @contextmanager
    def _looking(self, sentence: str) -> Iterator[list[str]]:
        places: list[str] = []
        rows, began = self._rows, perf_counter()
        yield places
        seconds = perf_counter() - began
        if self._life is not None:
            today = self._life.world.today
            self.years.promise_looked(sentence, seconds, len(places), day=today, rows=self._rows - rows)

    def _count(self, _connection: object, cursor: Any, *_: object) -> None:
        self._rows += max(cursor.rowcount, 0)
