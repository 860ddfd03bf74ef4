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
from pathlib import Path

import httpx2
import psutil
import pytest

from tests.cast import PROGRAM, ROOT, Cast
from tests.conftest import short_folder
from tests.flows.prefect_server import free_port
from tests.journeys.demonstrated import command_of

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
                assert "Go on with a passkey" in opened.text
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
