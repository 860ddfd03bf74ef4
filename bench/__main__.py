"""`python -m bench`: every measure in one run, on a database server of its own, printed as figures and as ratios."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from adapters.postgres import EmbeddedPostgres
from bench import (
    completing,
    engine,
    growth,
    load,
    meetings,
    packages,
    pages,
    research,
    sitting,
    starting,
    web,
    weeks,
    workbooks,
    years,
)
from bench.figures import Ratio, ms, yardstick
from bench.ground import ROOT, Ground, build, now

NAMES = (
    "complete",
    "http",
    "pages",
    "weeks",
    "workbooks",
    "follow",
    "start",
    "meetings",
    "sitting",
    "research",
    "packages",
    "years",
    "load",
    "growth",
)

Measure = Callable[[Ground, Path], Iterator[Ratio]]


def main() -> int:
    """Run the measures that were asked for; status 0 once all were taken, whatever they say."""
    asked = _arguments()
    begun = time.monotonic()
    folder = _folder()
    try:
        with EmbeddedPostgres(folder / "postgres") as server:
            ground = build(server.urls(), folder, now())
            _say_where(ground)
            ratios: list[Ratio] = []
            for name, measure in _measures(asked).items():
                if not asked.only or name in asked.only:
                    for ratio in measure(ground, folder):
                        print(ratio, flush=True)
                        ratios.append(ratio)
            ground.engine.dispose()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    missed = [ratio.name for ratio in ratios if not ratio.is_met]
    print(f"\n{len(ratios) - len(missed)} of {len(ratios)} goals met in {time.monotonic() - begun:.0f} s", end="")
    print(f"; missed: {', '.join(missed)}" if missed else "")
    return 0


def _measures(asked: argparse.Namespace) -> dict[str, Measure]:
    smoke: bool = asked.smoke
    if smoke:
        return {
            "complete": lambda ground, _: completing.measure(ground, rounds=1, cases=1),
            "http": lambda ground, folder: web.measure(ground, folder, rounds=1, cases=1),
            "pages": lambda ground, folder: pages.measure(ground, folder, rounds=1),
            "weeks": lambda ground, folder: weeks.measure(ground, folder, rounds=1),
            "workbooks": lambda ground, folder: workbooks.measure(ground, folder, rounds=1, weeks=2),
            "follow": lambda ground, folder: engine.measure(ground, folder, again=1, idle_seconds=1),
            "start": lambda _, folder: starting.measure(folder, again=1),
            "meetings": lambda ground, folder: meetings.measure(
                ground, folder, rounds=1, committees=2, invitations=40, items=(5, 10)
            ),
            "sitting": lambda ground, folder: sitting.measure(ground, folder, seconds=4.0),
            "research": lambda ground, folder: research.measure(ground, folder, sizes=(10, 20), rounds=1),
            "packages": lambda ground, folder: packages.measure(ground, folder, weeks=(5, 10), rounds=1, others=5),
            "years": lambda ground, folder: years.measure(ground, folder, a_year=2, rounds=1, readers=("coordinator",)),
            "load": lambda ground, folder: load.measure(ground, folder, seconds=4.0, people=8, every=1.0),
            "growth": lambda ground, _: growth.measure(
                ground, open_cases=(60, 120), case_sizes=(25, 50), sent=(100, 200), again=2
            ),
        }
    open_cases = (200, 2_000, 20_000, *((80_000,) if asked.large else ()))
    return {
        "complete": lambda ground, _: completing.measure(ground, rounds=9, cases=4),
        "http": lambda ground, folder: web.measure(ground, folder, rounds=3, cases=8),
        "pages": lambda ground, folder: pages.measure(ground, folder, rounds=15),
        "weeks": lambda ground, folder: weeks.measure(ground, folder, rounds=15),
        "workbooks": lambda ground, folder: workbooks.measure(ground, folder, rounds=5, weeks=52),
        "follow": lambda ground, folder: engine.measure(ground, folder, again=15),
        "start": lambda _, folder: starting.measure(folder, again=15),
        "meetings": lambda ground, folder: meetings.measure(
            ground, folder, rounds=3, committees=100, invitations=1_000, items=(50, 200)
        ),
        "sitting": lambda ground, folder: sitting.measure(ground, folder, seconds=60.0),
        "research": lambda ground, folder: research.measure(ground, folder, sizes=(50, 500), rounds=5),
        "packages": lambda ground, folder: packages.measure(ground, folder, weeks=(50, 200), rounds=5),
        "years": lambda ground, folder: years.measure(ground, folder, a_year=90 if asked.large else 17, rounds=5),
        "load": lambda ground, folder: load.measure(ground, folder, seconds=60.0),
        # Last: it leaves the database full.
        "growth": lambda ground, _: growth.measure(
            ground, open_cases=open_cases, case_sizes=(25, 100, 400), sent=(500, 5_000, 50_000), again=30
        ),
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: shows that it runs, and measures nothing")
    parser.add_argument("--large", action="store_true", help="with 80,000 open cases too, and years of 32,000 people")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=(), help="these alone")
    return parser.parse_args()


def _folder() -> Path:
    """A new folder on the disk that a real database would be on."""
    data = ROOT / "data"
    data.mkdir(mode=0o700, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="bench-", dir=data))


def _say_where(ground: Ground) -> None:
    with ground.as_admin() as admin:
        row = admin.execute("select current_setting('server_version'), current_setting('fsync')").fetchone()
    assert row is not None
    cpu, seconds = yardstick()
    print(
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"PostgreSQL {row[0]} (fsync {row[1]}), load {os.getloadavg()[0]:.1f} before the run;\n"
        f"two million additions take {ms(cpu)} of CPU and {ms(seconds)}: where these differ, others use the machine",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
