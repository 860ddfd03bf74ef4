"""A signal at any moment of a start ends all of it without a word too many, and the next start goes on from there."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import psutil
import psycopg
import pytest

from adapters.addresses import conninfo_of
from adapters.postgres import EmbeddedPostgres
from bench.processes import free_port
from tests.conftest import short_folder
from tests.journeys.demonstrated import ROOT, RUN, until

#: While it reads, makes the database, its tables, the engine's, the demonstration, and then serves.
MOMENTS = (0.0, 0.3, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 18.0, 25.0)
#: The one in the middle of it all.
IN_CI = 5.0
#: What is waited for in vain ends within 8 s; a machine that does other things as well takes longer to do its part.
END_SECONDS = 30


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    """Of an installation in a new folder, on ports of its own."""
    folder = short_folder()
    ours = ("SPHERES_", "PREFECT_", "DATABASE_")
    yield {
        **{name: value for name, value in os.environ.items() if not name.startswith(ours)},
        "SPHERES_DATA": str(folder / "data"),
        "SPHERES_PORT": str(free_port()),
        "SPHERES_PREFECT_PORT": str(free_port()),
        "SPHERES_LANG": "en",
    }
    shutil.rmtree(folder)


def _start(environment: dict[str, str], said: Path) -> subprocess.Popen[bytes]:
    """A start as `run.py` makes it: signals wait until the program heeds them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        with said.open("wb") as out:
            return subprocess.Popen(
                [*RUN, "up", "--demo"], env=environment, cwd=ROOT, stdout=out, stderr=out, start_new_session=True
            )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _left(environment: dict[str, str]) -> list[str]:
    """The processes that work for an installation: by what they were given, or where they stand."""
    data, found = environment["SPHERES_DATA"], []
    for one in psutil.process_iter():
        try:
            if one.environ().get("SPHERES_DATA") == data or one.cwd().startswith(data):
                found.append(" ".join(one.cmdline()))
        except (psutil.Error, OSError):
            continue  # it ended, or is nobody's of ours
    return found


@pytest.mark.parametrize(
    "seconds", [pytest.param(at, marks=pytest.mark.ci if at == IN_CI else pytest.mark.nightly) for at in MOMENTS]
)
def test_a_signal_at_any_moment_ends_everything_and_the_next_start_works(
    environment: dict[str, str], tmp_path: Path, seconds: float
) -> None:
    said = tmp_path / "said"
    running = _start(environment, said)
    time.sleep(seconds)
    # Twice: at a terminal to all that are in the foreground, else, at every other moment, as what ends a service.
    to_all = MOMENTS.index(seconds) % 2 == 0
    for _ in range(2):
        if to_all and running.poll() is None:
            os.killpg(running.pid, signal.SIGINT)
        elif running.poll() is None:
            running.send_signal(signal.SIGTERM)
        time.sleep(0.2)
    assert running.wait(END_SECONDS) == 0
    text = said.read_text(encoding="utf-8")
    for word in (
        "Traceback",
        "Prefect failed",
        "KeyboardInterrupt",
        "Aborted",
        '"critical"',
        '"level": "error"',
        "ended with status",
    ):
        assert word not in text, text
    assert _left(environment) == []

    if seconds not in (MOMENTS[3], MOMENTS[6]):
        return
    again = _start(environment, said)
    try:
        address = f"http://127.0.0.1:{environment['SPHERES_PORT']}/sign-in"
        until(lambda: httpx2.get(address).text.count("<form") > 5, seconds=240)
    finally:
        again.terminate()
        assert again.wait(END_SECONDS) == 0, said.read_text(encoding="utf-8")
    assert _left(environment) == []


@pytest.mark.nightly
def test_a_signal_as_the_engine_carries_its_first_cases_ends_everything_as_quietly(
    environment: dict[str, str], tmp_path: Path
) -> None:
    said = tmp_path / "said"
    running = _start(environment, said)
    until(lambda: any("flows.worker" in one for one in _left(environment)), seconds=240)
    database = EmbeddedPostgres(Path(environment["SPHERES_DATA"]) / "postgres").urls().app
    until(lambda: _is_carrying(database), seconds=240)
    running.send_signal(signal.SIGTERM)
    assert running.wait(END_SECONDS) == 0
    text = said.read_text(encoding="utf-8")
    for word in ("Traceback", "Prefect failed", '"critical"', '"level": "error"', "ended with status"):
        assert word not in text, text
    assert _left(environment) == []


def _is_carrying(database: str) -> bool:
    """Whether a worker has a case in its hand."""
    with psycopg.connect(conninfo_of(database)) as connection:
        return connection.execute("select 1 from wake_up where leased_until is not null").fetchone() is not None
