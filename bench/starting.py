"""Cold starts of a whole installation by `spheres up`: to the first page, to the engine, and the memory of it all."""

from __future__ import annotations

import contextlib
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from adapters.addresses import conninfo_of
from adapters.postgres import EmbeddedPostgres
from bench.engine import GOAL_SECONDS, follow, shown
from bench.figures import Ratio, cpu_of, descendants, memory_of, table
from bench.ground import build, now
from bench.processes import compile_all, free_port, running, serves, wait_for

MEGABYTE = 1_000_000
#: What the page of sign-in has once for each person whom one may be.
CHOICE = 'name="person"'
#: And what stands above it once the year behind them is there, as nothing else is said of it.
WHOLE = "Rien ne sort de cette machine"
#: By which word of its command each process is known.
_WORDS = {"web": "api.app", "Prefect’s server": "engine_server", "worker": "flows.worker"}
_COMMAND = "from api.cli import main; main()"


def measure(folder: Path, *, again: int) -> Iterator[Ratio]:
    """Start with nothing there, stop, and start again; then follow a change through Prefect."""
    home = folder / "installation"
    home.mkdir(mode=0o700)
    compile_all(folder)
    with _up(home) as first:
        pass
    with _up(home) as second:
        ground = build(EmbeddedPostgres(home / "postgres").urls(), now())
        cost = follow(ground, again=again)
        ground.engine.dispose()
        print(
            table(
                "5. From a change to the automatic step",
                ("p50", "p99", "slowest", "times"),
                {"by Prefect": shown(cost)},
            )
        )
        held = {part: memory_of(pids) for part, pids in _parts(home, second.supervisor).items()}
    memory = sum(held.values())
    rows = {
        "first page": (f"{first.page:.1f} s", f"{second.page:.1f} s"),
        "someone to be on it": (f"{first.people:.1f} s", f"{second.people:.1f} s"),
        "the year behind them": (f"{first.year:.1f} s", f"{second.year:.1f} s"),
        "engine ready": (f"{first.engine:.1f} s", f"{second.engine:.1f} s"),
        "CPU used until then": (f"{first.cpu:.1f} s", f"{second.cpu:.1f} s"),
        "memory of all processes": ("", f"{memory / MEGABYTE:.0f} MB"),
        **{f"  {part}": ("", f"{bytes_held / MEGABYTE:.0f} MB") for part, bytes_held in held.items()},
    }
    print(table("7. `spheres up --demo` of an installed checkout", ("the first time", "again"), rows))
    yield Ratio("follow.automatic_prefect", cost.at(50) * 1000, at_most=GOAL_SECONDS * 1000, unit="ms")
    yield Ratio("start.first_page_first_time", first.page, at_most=5, unit="s")
    yield Ratio("start.first_page", second.page, at_most=5, unit="s")
    yield Ratio("start.people_after_first_page", first.people - first.page, at_most=8, unit="s")
    # The worker begins once the year is there: of a first start, what follows it is the engine's own.
    yield Ratio("start.engine_after_year", first.engine - first.year, at_most=12, unit="s")
    yield Ratio("start.engine", second.engine, at_most=12, unit="s")
    yield Ratio("start.memory", memory / MEGABYTE, at_most=560, unit="MB")


@dataclass(frozen=True)
class _Up:
    """An installation that runs: its supervisor, how many seconds each thing took to be there, and CPU seconds.

    The first page says that the demonstration's people are being loaded until they are there, and then that the year
    behind them is being written.
    """

    supervisor: int
    page: float
    people: float
    year: float
    engine: float
    cpu: float


@contextlib.contextmanager
def _up(home: Path) -> Iterator[_Up]:
    port, prefect_port = free_port(), free_port()
    environment = {"SPHERES_DATA": str(home), "SPHERES_PORT": str(port), "SPHERES_PREFECT_PORT": str(prefect_port)}
    begun = time.monotonic()
    with running([sys.executable, "-c", _COMMAND, "up", "--demo"], environment, home.parent / "up.log") as up:
        wait_for(serves(f"http://127.0.0.1:{port}/sign-in"), "the first page", up)
        there = {"page": time.monotonic() - begun}
        later: dict[str, Callable[[], bool]] = {
            "people": lambda: CHOICE in _read(f"http://127.0.0.1:{port}/sign-in"),
            # Before anybody is there nothing is said of their year either.
            "year": lambda: "people" in there and WHOLE in _read(f"http://127.0.0.1:{port}/sign-in"),
            "engine": lambda: _runs_with_prefect(home),
        }

        def are_there() -> bool:
            for name in [name for name, is_there in later.items() if name not in there and is_there()]:
                there[name] = time.monotonic() - begun
            return len(there) == 1 + len(later)

        wait_for(are_there, "the demonstration's people and the worker with Prefect", up)
        yield _Up(up.pid, **there, cpu=cpu_of(_processes(home, up.pid)))


def _runs_with_prefect(home: Path) -> bool:
    """Whether the worker gives signs of life, and reaches Prefect."""
    address = conninfo_of(EmbeddedPostgres(home / "postgres").urls().app)
    query = "select 1 from beat where prefect_up and at > now() - interval '10 seconds'"
    with contextlib.suppress(psycopg.Error), psycopg.connect(address, autocommit=True) as connection:
        return connection.execute(query).fetchone() is not None
    return False  # its tables are not there yet


def _read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  # our own loopback address
        return str(answer.read(), "utf-8")


def _processes(home: Path, supervisor: int) -> set[int]:
    """The supervisor and what it started, and the database, which stands apart."""
    return set().union(*_parts(home, supervisor).values())


def _parts(home: Path, supervisor: int) -> dict[str, set[int]]:
    """The processes of each part of an installation."""
    postmaster = (home / "postgres" / "cluster" / "postmaster.pid").read_text(encoding="utf-8").partition("\n")[0]
    parts: dict[str, set[int]] = {"the process that stays": {supervisor}, "database": set(descendants(int(postmaster)))}
    for pid in descendants(supervisor)[1:]:
        with contextlib.suppress(OSError):  # it ended meanwhile
            command = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
            part = next((name for name, word in _WORDS.items() if word in command), "others")
            parts.setdefault(part, set()).add(pid)
    return parts
