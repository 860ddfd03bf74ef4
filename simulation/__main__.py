"""`python3 run.py simulate`: lives a program through from one number, and says what did not hold."""

from __future__ import annotations

import argparse
import math
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Sequence
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
#: What can be lived through at most, and between which days it begins.
MOST_YEARS: Final = 50
MOST_WORKERS: Final = 500
MOST_PARTICIPANTS: Final = 2000
EARLIEST: Final = date(2020, 1, 1)
LATEST: Final = date(2100, 1, 1)
#: The status of who was stopped by hand, and of who was told to end.
_STOPPED: Final = 130
_TERMINATED: Final = 143
#: So many acts of the day on which something broke are told.
_ACTS_TOLD: Final = 60


def main(arguments: Sequence[str]) -> int:
    """Run one simulation. Status 0 where everything held, 1 where something did not, 2 where what is asked is wrong.

    130 where somebody stopped it.
    """
    asked, page, most_seconds = _read(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))  # so that the database goes with us
    begun = time.monotonic()
    bar, watch = _Bar(asked), Watch(asked) if page else None

    def after(life: Life, day: DayLived, n: int) -> None:
        bar(life, day, n)
        if watch is not None:
            watch.after(life, day)

    print(f"seed {asked.seed}: {asked.command()}", flush=True)
    try:
        with server_of_ones_own() as server:
            lived = live(server, asked, after=after, watch=watch.begin if watch else None, seconds=most_seconds)
            bar.end()
            if was_found_late(lived):
                lived = shortest(server, lived, since=max(0, lived.days - _WEEK))
    except DeclaredErrors as wrong:
        print(wrong, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        bar.end()
        print(f"stopped after {bar.days} days", file=sys.stderr)
        return _STOPPED
    seconds = time.monotonic() - begun
    print(f"{lived.days} days from {asked.first_day}, {lived.acts_in_all} acts, {seconds:.0f} s")
    print(f"digest {lived.digest}")
    if lived.fails:
        print(told(lived))
    if watch is not None and page is not None:
        watch.write(page, lived, seconds=seconds)
        print(f"page {page}")
    return 1 if lived.fails else 0


def told(lived: Lived) -> str:
    """What went wrong in a run, in plain words, with the command that repeats it."""
    lines = [f"It fails on {lived.day}, day {lived.days}. To repeat it:", f"    {lived.repeated.command()}", ""]
    for sentence in dict.fromkeys(one.sentence for one in lived.broken):
        where = [one.where for one in lived.broken if one.sentence == sentence]
        lines += [f"Does not hold: {sentence}", *(f"    {place}" for place in where[:5])]
    lines += [f"Fault: {one}" for one in dict.fromkeys(lived.faults)]
    zone = ZoneInfo(lived.zone)
    lines += ["", f"What people did that day ({lived.zone}):"]
    lines += [f"    {act.told(zone)}" for act in lived.acts[-_ACTS_TOLD:]]
    lines += [line for trace in lived.traces[:1] for line in ("", trace.rstrip())]
    return "\n".join(lines)


class _Bar:
    """A progress bar: the days, and how long the rest may take."""

    def __init__(self, asked: Asked) -> None:
        self._asked, self._begun, self._shown = asked.days, time.monotonic(), 0.0
        self.days = 0

    def __call__(self, life: Life, day: DayLived, n: int) -> None:
        """Show how far it came, a few times a second at most."""
        self.days, now = n + 1, time.monotonic()
        if not sys.stderr.isatty() or (now - self._shown < 0.2 and self.days < self._asked):
            return
        self._shown = now
        done = self.days / self._asked
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
    how_long.add_argument("--years", type=_between(1, MOST_YEARS), default=1)
    how_long.add_argument("--days", type=_between(1, MOST_YEARS * A_YEAR))
    said.add_argument("--program", type=Path, default=PROGRAM, help="the file of a region")
    said.add_argument("--faults", nargs="+", default=[], metavar="KIND", help="what goes wrong around it; all: each")
    said.add_argument("--workers", type=_between(0, MOST_WORKERS), default=12, help="youth workers")
    said.add_argument("--participants-a-year", type=_between(0, MOST_PARTICIPANTS), default=60)
    said.add_argument("--begins", type=_day, help="the first day; else it is drawn from the seed")
    said.add_argument("--alone", action="store_true", help="with nobody but the coordination")
    said.add_argument("--minutes", type=_minutes, default=math.inf, help="the first day after so long is the last")
    said.add_argument("--page", type=Path, help="where the page with the pictures of the years goes")
    found = said.parse_args(arguments)
    try:
        kinds = known_kinds(found.faults)
    except ValueError as wrong:
        said.error(str(wrong))
    if not found.program.is_file():
        said.error(f"--program: there is no such file: {found.program}")
    if found.page is not None and (found.page.is_dir() or not os.access(found.page.absolute().parent, os.W_OK)):
        said.error(f"--page: no file can be written there: {found.page}")
    days = found.days or found.years * A_YEAR
    asked = Asked(
        found.seed,
        days,
        found.program.resolve(),
        kinds,
        found.workers,
        found.participants_a_year,
        found.alone,
        found.begins,
    )
    return asked, found.page, found.minutes * 60


def _between(least: int, most: int) -> Callable[[str], int]:
    def number(said: str) -> int:
        if not said.lstrip("-").isdecimal() or not least <= int(said) <= most:
            msg = f"a number from {least} to {most}, and not {said}"
            raise argparse.ArgumentTypeError(msg)
        return int(said)

    return number


def _minutes(said: str) -> float:
    try:
        minutes = float(said)
    except ValueError:
        minutes = math.nan
    if not minutes >= 0:
        msg = f"a number of minutes, and not {said}"
        raise argparse.ArgumentTypeError(msg)
    return minutes


def _day(said: str) -> date:
    try:
        day = date.fromisoformat(said)
    except ValueError:
        day = date.min
    if not EARLIEST <= day <= LATEST:
        msg = f"a day from {EARLIEST} to {LATEST}, as 2028-02-29, and not {said}"
        raise argparse.ArgumentTypeError(msg)
    return day


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
