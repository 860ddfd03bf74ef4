"""`python3 run.py simulate`: lives a program through from one number, and says what did not hold."""

from __future__ import annotations

import argparse
import math
import secrets
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from domain.declared import DeclaredErrors
from simulation.life import DayLived, Life
from simulation.running import A_YEAR, PROGRAM, Asked, Lived, known_kinds, live, shortest, was_found_late
from simulation.watching import Watch
from simulation.world import server_of_ones_own

#: A seed that nobody names is drawn below this: short enough to be typed again.
_SEEDS: Final = 10**9
_WIDTH: Final = 40
_WEEK: Final = 7
#: So many acts of the day on which something broke are told.
_ACTS_TOLD: Final = 60


def main(arguments: Sequence[str]) -> int:
    """Run one simulation. Status 0 where everything held, 1 where something did not, 2 where what is asked is wrong."""
    asked, page, most_seconds = _read(arguments)
    begun = time.monotonic()
    bar, watch = _Bar(asked), Watch(asked) if page else None

    def after(life: Life, day: DayLived, n: int) -> None:
        bar(life, day, n)
        if watch is not None:
            watch.after(life, day, n)

    try:
        with server_of_ones_own() as server:
            lived = live(server, asked, after=after, watch=watch.begin if watch else None, seconds=most_seconds)
            bar.end()
            if was_found_late(lived):
                lived = shortest(server, lived, since=max(0, lived.days - _WEEK))
    except DeclaredErrors as wrong:
        print(wrong, file=sys.stderr)
        return 2
    seconds = time.monotonic() - begun
    print(f"seed {asked.seed}: {lived.days} days from {asked.first_day}, {lived.acts_in_all} acts, {seconds:.0f} s")
    print(f"digest {lived.digest}")
    if lived.fails:
        print(told(lived))
    if watch is not None and page is not None:
        watch.write(page, lived, seconds=seconds)
        print(f"page {page}")
    return 1 if lived.fails else 0


def told(lived: Lived) -> str:
    """What went wrong in a run, in plain words, with the command that repeats it."""
    again = Asked(**{**vars(lived.asked), "days": lived.days})
    lines = [f"It fails on {lived.day}, day {lived.days}. To repeat it:", f"    {again.command()}", ""]
    for sentence in dict.fromkeys(one.sentence for one in lived.broken):
        where = [one.where for one in lived.broken if one.sentence == sentence]
        lines += [f"Does not hold: {sentence}", *(f"    {place}" for place in where[:5])]
    lines += [f"Fault: {one}" for one in dict.fromkeys(lived.faults)]
    zone = ZoneInfo("UTC")
    lines += ["", "What people did that day:", *(f"    {act.told(zone)}" for act in lived.acts[-_ACTS_TOLD:])]
    lines += [line for trace in lived.traces[:1] for line in ("", trace.rstrip())]
    return "\n".join(lines)


class _Bar:
    """A progress bar: the days, and how long the rest may take."""

    def __init__(self, asked: Asked) -> None:
        self._days, self._begun, self._shown = asked.days, time.monotonic(), 0.0

    def __call__(self, life: Life, day: DayLived, n: int) -> None:
        """Show how far it came, a few times a second at most."""
        now = time.monotonic()
        if not sys.stderr.isatty() or (now - self._shown < 0.2 and n + 1 < self._days):
            return
        self._shown = now
        done = (n + 1) / self._days
        left = (now - self._begun) * (1 - done) / done
        bar = "█" * int(done * _WIDTH)
        sys.stderr.write(f"\r{bar:░<{_WIDTH}} {day.day} {life.told.acts:6} acts, {left:4.0f} s left ")
        sys.stderr.flush()

    def end(self) -> None:
        """Leave the line."""
        if sys.stderr.isatty():
            sys.stderr.write("\n")


def _read(arguments: Sequence[str]) -> tuple[Asked, Path | None, float]:
    said = argparse.ArgumentParser(prog="run.py simulate", description=__doc__)
    said.add_argument("--seed", type=int, default=secrets.randbelow(_SEEDS), help="the one number; else it is drawn")
    how_long = said.add_mutually_exclusive_group()
    how_long.add_argument("--years", type=int, default=1)
    how_long.add_argument("--days", type=int)
    said.add_argument("--program", type=Path, default=PROGRAM, help="the file of a region")
    said.add_argument("--faults", nargs="+", default=[], metavar="KIND", help="what goes wrong around it; all: each")
    said.add_argument("--workers", type=int, default=12, help="youth workers")
    said.add_argument("--participants-a-year", type=int, default=60)
    said.add_argument("--begins", type=date.fromisoformat, help="the first day; else it is drawn from the seed")
    said.add_argument("--alone", action="store_true", help="with nobody but the coordination")
    said.add_argument("--minutes", type=float, default=math.inf, help="begin no other day after so long")
    said.add_argument("--page", type=Path, help="where the page with the pictures of the years goes")
    found = said.parse_args(arguments)
    days = found.days if found.days is not None else found.years * A_YEAR
    for name, value in (
        ("days", days),
        ("workers", found.workers + 1),
        ("participants", found.participants_a_year + 1),
    ):
        if value < 1:
            said.error(f"so few {name} cannot be lived through: {value}")
    try:
        kinds = known_kinds(found.faults)
    except ValueError as wrong:
        said.error(str(wrong))
    if not found.program.is_file():
        said.error(f"there is no such file: {found.program}")
    return (
        Asked(
            found.seed,
            days,
            found.program.resolve(),
            kinds,
            found.workers,
            found.participants_a_year,
            found.alone,
            found.begins,
        ),
        found.page,
        found.minutes * 60,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
