"""Mutants: the product with one guard taken away, lived through until somebody notices.

They are the proof that the simulation looks. Each is the text of one module without one guard, which `mutants.toml`
lists. It is handed to the import system in a process of its own, before anything of the product is imported, and
nothing on disk changes. Of thirty at most two may go unnoticed in so many seeds of one year.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from threading import Lock
from types import CodeType, ModuleType
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
LIST: Final = Path(__file__).with_name("mutants.toml")
#: So many of the whole list may go unnoticed.
MAY_GO_UNNOTICED: Final = 2
A_YEAR: Final = 365
_SHOWN: Final = 74
#: The name under which the product is lived through as it is.
PLAIN: Final = "-"


@dataclass(frozen=True)
class Mutant:
    """The product without one guard: what each text of a module `was`, and what it `becomes`."""

    name: str
    guard: str
    module: str
    was: tuple[str, ...]
    becomes: tuple[str, ...]
    noticed_by: str
    by_database: bool = False

    @property
    def dotted(self) -> str:
        """The module's name, as it is imported."""
        return self.module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def source(self) -> str:
        """The module's source without the guard. Raises ValueError where a text does not stand in it exactly once."""
        source = (ROOT / self.module).read_text(encoding="utf-8")
        for was, becomes in zip(self.was, self.becomes, strict=True):
            if source.count(was) != 1:
                msg = f"{self.name}: this stands {source.count(was)} times in {self.module}: {was.strip()}"
                raise ValueError(msg)
            source = source.replace(was, becomes)
        return source


def mutants() -> dict[str, Mutant]:
    """Every mutant, by its name."""
    rows = tomllib.loads(LIST.read_text(encoding="utf-8"))["mutant"]
    return {
        row["name"]: Mutant(**{**row, "was": _several(row["was"]), "becomes": _several(row["becomes"])}) for row in rows
    }


def _several(said: str | list[str]) -> tuple[str, ...]:
    return (said,) if isinstance(said, str) else tuple(said)


# -------------------------------------------------------------------------------------------------- in a process of it


class _Without(SourceFileLoader):
    """Loads a module from other source than its file has. No bytecode is kept of it."""

    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self._source = source

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - as the import system asks
        return compile(self._source, self.path, "exec", dont_inherit=True)


class _Finder(MetaPathFinder):
    """Finds one module, with other source."""

    def __init__(self, mutant: Mutant) -> None:
        self._name, self._source = mutant.dotted, mutant.source()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        found = PathFinder.find_spec(fullname, path, target) if fullname == self._name else None
        if found is not None and found.origin is not None:
            found.loader = _Without(fullname, found.origin, self._source)
        return found


def apply(mutant: Mutant) -> None:
    """Have this process import the mutant. Raises RuntimeError where the module is imported already."""
    if mutant.dotted in sys.modules:
        msg = f"{mutant.dotted} is imported already"
        raise RuntimeError(msg)
    sys.meta_path.insert(0, _Finder(mutant))


@dataclass(frozen=True)
class Outcome:
    """What a run came to: how far it went, and what did not hold, or failed, at its end."""

    days: int
    broken: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def noticed_by(self) -> str:
        """The first thing that told: a promise's sentence before a fault; "" where nothing did."""
        return next(iter([*self.broken, *self.faults]), "")


def lived(seed: int, days: int) -> Outcome:
    """Live through a program in this process, up to what is noticed. What ends the run itself is noticed too."""
    from simulation.running import Asked, live  # noqa: PLC0415 - after the mutant is there
    from simulation.world import server_of_ones_own  # noqa: PLC0415

    begun, came_to = time.monotonic(), 0

    def after(_life: Any, _day: Any, n: int) -> None:
        nonlocal came_to
        came_to = n + 1

    with server_of_ones_own() as server:
        try:
            run = live(server, Asked(seed, days), after=after)
        except Exception as error:  # noqa: BLE001 - the run ended by it: it is what is looked for
            told = [
                f"The run ended in {type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}"
            ]
            return Outcome(came_to + 1, [], told, time.monotonic() - begun)
    broken = list(dict.fromkeys(one.sentence for one in run.broken))
    return Outcome(run.days, broken, list(dict.fromkeys(run.faults)), time.monotonic() - begun)


# ------------------------------------------------------------------------------------------------------ in all of them


@dataclass(frozen=True)
class Found:
    """How a mutant was noticed: by what, in which seed, on which day; by "" where it was not in any."""

    mutant: Mutant
    by: str = ""
    seed: int = 0
    day: int = 0
    seconds: float = 0.0


Lives = Callable[[str, int, int], Outcome]


@dataclass
class Search:
    """A search for mutants in some seeds of so many days. `lives` lives one through in a process of its own.

    What is found in a seed in which the product as it is does not hold so far either says nothing: the next seed is
    looked at.
    """

    seeds: Sequence[int]
    days: int
    lives: Lives
    _plain: dict[int, Outcome] = field(default_factory=dict)
    _locks: dict[int, Lock] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def find(self, mutant: Mutant) -> Found:
        """Live a mutant through until it is noticed."""
        seconds = 0.0
        for seed in self.seeds:
            found = self.lives(mutant.name, seed, self.days)
            seconds += found.seconds
            if found.noticed_by and not self._fails_by(seed, found.days):
                return Found(mutant, found.noticed_by, seed, found.days, seconds)
        return Found(mutant, seconds=seconds)

    def _fails_by(self, seed: int, day: int) -> bool:
        """Whether the product as it is fails in this seed too, up to that day."""
        with self._lock:
            lock = self._locks.setdefault(seed, Lock())
        with lock:
            if seed not in self._plain:
                self._plain[seed] = self.lives(PLAIN, seed, self.days)
        plain = self._plain[seed]
        return bool(plain.noticed_by) and plain.days <= day


def in_a_process(name: str, seed: int, days: int) -> Outcome:
    """Live one through in a process of its own. One that ends without a word was noticed by that."""
    command = [sys.executable, "-P", "-m", "simulation.mutants", "--live", name, str(seed), str(days)]
    begun = time.monotonic()
    done = subprocess.run(  # noqa: S603 - ourselves
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    said = done.stdout.splitlines()[-1:] if done.returncode == 0 else []
    if said:
        return Outcome(**json.loads(said[0]))
    why = (done.stderr.splitlines() or [""])[-1][:200]
    return Outcome(1, [], [f"The process ended with {done.returncode}: {why}"], time.monotonic() - begun)


def seeds_of(commit: str, many: int) -> list[int]:
    """So many seeds, drawn from a commit's hash."""
    return [int.from_bytes(sha256(f"{commit}/{n}".encode()).digest()[:4]) for n in range(many)]


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S607
    return done.stdout.strip()


def table(found: Iterable[Found]) -> str:
    """What was found, a line each, and how many."""
    rows = list(found)
    lines = [f"{'mutant':32} {'noticed by':{_SHOWN}} {'seed':>10} {'day':>4} {'s':>6}"]
    lines += [
        f"{one.mutant.name:32} {(one.by or 'NOTHING')[:_SHOWN]:{_SHOWN}} {one.seed or '':>10} {one.day or '':>4}"
        f" {one.seconds:6.0f}"
        for one in rows
    ]
    return "\n".join([*lines, f"{sum(bool(one.by) for one in rows)} of {len(rows)}"])


def main(arguments: Sequence[str]) -> int:
    """Search for the mutants. Status 1 where too many go unnoticed: of the whole list more than two, else any."""
    every = mutants()
    said = argparse.ArgumentParser(prog="python -m simulation.mutants", description=__doc__)
    said.add_argument("--seeds", type=int, default=20, help="how many at most for each")
    said.add_argument("--days", type=int, default=A_YEAR)
    said.add_argument("--from", dest="first", type=int, help="the first seed; else they are drawn from the commit")
    said.add_argument("--only", nargs="+", default=list(every), choices=list(every), metavar="NAME")
    said.add_argument("--jobs", type=int, default=2)
    said.add_argument("--live", nargs=3, metavar=("NAME", "SEED", "DAYS"), help="live one through, in this process")
    asked = said.parse_args(arguments)
    if asked.live:
        return _live(every, *asked.live)
    first: int | None = asked.first
    seeds = seeds_of(_commit(), asked.seeds) if first is None else [first + n for n in range(asked.seeds)]
    search, found = Search(seeds, asked.days, in_a_process), []
    with ThreadPoolExecutor(asked.jobs) as pool:
        for one in pool.map(search.find, (every[name] for name in asked.only)):
            found.append(one)
            print(table([one]).splitlines()[1], flush=True)
    print(table(found))
    unnoticed = sum(not one.by for one in found)
    return int(unnoticed > (MAY_GO_UNNOTICED if len(found) == len(every) else 0))


def _live(every: Mapping[str, Mutant], name: str, seed: str, days: str) -> int:
    if name != PLAIN:
        apply(every[name])
    print(json.dumps(vars(lived(int(seed), int(days)))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
