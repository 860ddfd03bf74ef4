"""An installation from nothing, as README says it, and how one that cannot be prepared ends all that it started."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psutil
import psycopg
import pytest
from psycopg import sql

from adapters.addresses import conninfo_of
from tests.cast import PROGRAM, ROOT, Cast
from tests.conftest import Database, short_folder
from tests.flows.prefect_server import free_port
from tests.journeys.demonstrated import command_of, is_whole, until

pytestmark = pytest.mark.ci

RUN = [sys.executable, "-c", "from api.cli import main; main()"]
OURS = ("SPHERES_", "PREFECT_", "DATABASE_", "SMTP_", "ENTRA_", "GRAPH_")
READY_SECONDS = 120


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder."""
    made = short_folder()
    yield made
    shutil.rmtree(made)


def first_people_in() -> list[list[str]]:
    """The commands of README under "The first people in", each without the word `spheres`."""
    part = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## The first people in\n")[2]
    block = part.partition("```\n")[2].partition("```")[0]
    commands = [shlex.split(line, comments=True) for line in block.splitlines()]
    assert {command[0] for command in commands} == {"spheres"}
    return [command[1:] for command in commands]


def test_the_first_people_come_in_by_the_commands_of_the_readme(folder: Path) -> None:
    shutil.copy(PROGRAM, folder / "my-region.yaml")
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(OURS)},
        "SPHERES_DATA": str(folder / "data"),
        "SPHERES_PORT": str(port),
        "SPHERES_PREFECT_PORT": str(free_port()),
        "SPHERES_LANG": "en",
    }
    *before, last = first_people_in()
    said = ""
    for command in before:
        done = subprocess.run(
            [*RUN, *command], env=environment, cwd=folder, input=b"y\n", capture_output=True, timeout=120, check=False
        )
        assert done.returncode == 0, (command, done.stderr.decode())
        said += done.stdout.decode()
    links = re.findall(r"^http\S+/door/\S+$", said, re.MULTILINE)
    assert len(links) == 2, "an administrator's and a coordinator's"

    assert last == ["up", "--no-demo"]
    up = subprocess.Popen([*RUN, *last], env=environment, cwd=folder, stdout=subprocess.DEVNULL)
    try:
        with httpx2.Client(headers={"Accept-Language": "en"}, timeout=30) as browser:
            deadline = time.monotonic() + READY_SECONDS
            while not is_up(browser, port):
                assert up.poll() is None, "it ended"
                assert time.monotonic() < deadline, "it does not answer"
                time.sleep(0.2)
            page = browser.get(f"http://localhost:{port}/sign-in")
            assert page.status_code == 200
            assert "Access is given by invitation" in page.text
            assert 'name="person"' not in page.text, "nobody is offered to be"

            for link in links:
                opened = browser.get(link)
                assert opened.status_code == 200
                assert "Your invitation" in opened.text
                assert "Continue with a passkey" in opened.text
                assert browser.get(link[:-1] + ("A" if link[-1] != "A" else "B")).status_code == 404
        while not any("flows.worker" in command_of(child) for child in psutil.Process(up.pid).children()):
            assert time.monotonic() < deadline, "the worker does not start"
            time.sleep(0.1)
    finally:
        up.send_signal(signal.SIGTERM)
        status = up.wait(60)
    assert status == 0


def is_up(browser: httpx2.Client, port: int) -> bool:
    """Whether everything that a page needs is there."""
    try:
        return browser.get(f"http://localhost:{port}/sign-in").status_code == 200
    except httpx2.HTTPError:
        return False


@pytest.mark.nightly
def test_a_demonstration_is_refused_beside_a_real_program_and_nothing_is_left_running(
    cast: Cast, tmp_path: Path
) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(OURS)},
        "SPHERES_DATA": str(tmp_path),
        "SPHERES_PORT": str(free_port()),
        "SPHERES_PREFECT_PORT": str(free_port()),
        "SPHERES_LANG": "en",
        "DATABASE_URL": cast.database.url,
        "DATABASE_OWNER_URL": cast.database.owner_url,
        "PREFECT_DATABASE_URL": "postgresql+asyncpg://nobody:x@/prefect?host=/nowhere",
    }
    before = {one.pid for one in psutil.process_iter()}
    command = [sys.executable, "-m", "api.cli", "up", "--demo"]
    ended = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert b"This database holds a real program" in ended.stderr
    assert b"Traceback" not in ended.stderr
    left = [one for one in psutil.process_iter(["pid", "environ"]) if one.pid not in before]
    assert [one for one in left if (one.info["environ"] or {}).get("SPHERES_DATA") == str(tmp_path)] == []


@pytest.mark.nightly
def test_where_the_year_behind_a_demonstration_cannot_be_written_all_else_runs_and_both_pages_and_terminal_say_so(
    database: Database, empty_database: Database, tmp_path: Path
) -> None:
    with psycopg.connect(conninfo_of(database.owner_url), autocommit=True) as owner:
        # Months of the year are written by then; as on a disk that is full.
        owner.execute("create function no_room() returns trigger language plpgsql as $$ begin raise disk_full; end $$")
        owner.execute("create trigger no_room before insert on minutes execute function no_room()")
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(OURS)},
        "SPHERES_DATA": str(tmp_path / "data"),
        "SPHERES_PORT": str(port),
        "SPHERES_PREFECT_PORT": str(free_port()),
        "SPHERES_LANG": "en",
        "DATABASE_URL": database.url,
        "DATABASE_OWNER_URL": database.owner_url,
        "PREFECT_DATABASE_URL": empty_database.owner_url.replace("+psycopg", "+asyncpg"),
    }
    said = tmp_path / "said"
    with going_up(environment, said) as up:
        with httpx2.Client(headers={"Accept-Language": "en"}, timeout=30) as browser:
            until(lambda: "could not be written" in first_page(browser, port), seconds=READY_SECONDS)
            page = first_page(browser, port)
            assert page.count('name="person"') > 30, "its people are there"
            # Letters of today may be there: all else runs, and what is due on this day is written.
            there = database_counts(database)
            assert there == {"person": 36, "case": 0, "meeting": 0, "minutes": 0, "letters of the year": 0}
            form = re.findall(r'name="(program|person)" value="([^"]*)"', page)[:2]
            here = f"http://localhost:{port}"
            entered = browser.post(f"{here}/sign-in", data=dict(form), headers={"Origin": here}, follow_redirects=True)
            assert entered.status_code == 200
            assert "Their past year could not be written" in entered.text
        assert up.poll() is None
    text = said.read_text(encoding="utf-8")
    assert text.count("The demonstration could not be written: the disk is full") == 1
    assert "Traceback" not in text

    with psycopg.connect(conninfo_of(database.owner_url), autocommit=True) as owner:
        owner.execute("drop trigger no_room on minutes")  # there is room again
    with going_up(environment, said):
        until(lambda: is_whole(f"http://localhost:{port}"), seconds=READY_SECONDS)
        assert database_counts(database)["person"] == 36, "it was begun anew, and not put beside the first"
    assert "could not be written" not in said.read_text(encoding="utf-8")


@contextmanager
def going_up(environment: dict[str, str], said: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A start of the demonstration, ended by a signal. What it says is written to a file."""
    with said.open("wb") as out:
        up = subprocess.Popen([*RUN, "up", "--demo"], env=environment, cwd=ROOT, stdout=out, stderr=out)
    try:
        yield up
    finally:
        up.send_signal(signal.SIGTERM)
        assert up.wait(60) == 0


def first_page(browser: httpx2.Client, port: int) -> str:
    """What the page of sign-in says."""
    return browser.get(f"http://localhost:{port}/sign-in").text


def database_counts(database: Database) -> dict[str, int]:
    """How many rows there are of what a year has many of; of letters, those from before today."""
    counted = {table: sql.Identifier(table) for table in ("person", "case", "meeting", "minutes")}
    of_the_year = sql.SQL("(select from notice where created_at < now() - interval '1 day') as letters")
    with psycopg.connect(conninfo_of(database.owner_url)) as owner:
        return {
            name: int((owner.execute(sql.SQL("select count(*) from {}").format(rows)).fetchone() or (0,))[0])
            for name, rows in {**counted, "letters of the year": of_the_year}.items()
        }
