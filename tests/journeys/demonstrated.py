"""A demonstration that runs as `spheres up` starts it, for journeys: its people's browsers and letters."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from email import message_from_bytes, policy
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from tests.conftest import short_folder

ROOT = Path(__file__).resolve().parents[2]
RUN = [sys.executable, "-c", "from api.cli import main; main()"]


@dataclass(frozen=True)
class Running:
    """A demonstration that runs in its own folder, on ports of its own. `at_end` closes what was opened on it."""

    base_url: str
    prefect_url: str
    data: Path
    process: subprocess.Popen[bytes]
    at_end: ExitStack

    def client(self, name: str) -> httpx2.Client:
        """Someone of the demonstration, signed in."""
        headers = {"Origin": self.base_url, "Accept-Language": "en"}
        client = self.at_end.enter_context(
            httpx2.Client(base_url=self.base_url, headers=headers, follow_redirects=True, timeout=30)
        )
        page = client.get("/sign-in").text
        form = next(form for form in re.findall(r"<form.*?</form>", page, re.DOTALL) if name in unescape(form))
        action = re.search(r'action="([^"]*)"', form)
        assert action is not None
        fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form))
        assert client.post(action[1], data=fields).status_code == 200
        return client

    def carries_in_prefect(self) -> int:
        """How many times Prefect saw an onboarding carried; the rounds that it starts by itself are not among them."""
        return int(self.from_prefect("flow_runs/count", {"flows": {"name": {"any_": ["onboarding"]}}}))

    def from_prefect(self, route: str, asked: Mapping[str, object] | None = None) -> str:
        """An answer of Prefect's server. Raises httpx2.HTTPError while it is away."""
        user, _, word = (self.data / "prefect-auth").read_text().partition(":")
        answer = httpx2.post(f"{self.prefect_url}/api/{route}", json=asked or {}, auth=(user, word), timeout=5)
        answer.raise_for_status()
        return answer.text

    def child(self, word: str) -> psutil.Process:
        """The supervisor's child whose command holds a word, once it was started."""
        deadline = time.monotonic() + 60
        while True:
            children = psutil.Process(self.process.pid).children()
            found = [child for child in children if any(word in part for part in command_of(child))]
            if found or time.monotonic() > deadline:
                return found[0]
            time.sleep(0.1)

    def contact_lists(self) -> int:
        """How many letters with the contact lists the folder holds for the worker who arrives."""
        files = (self.data / "mail").glob("*.eml")
        letters = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
        return sum("contact lists" in str(one["subject"]) and "naima" in str(one["to"]) for one in letters)


@pytest.fixture
def running() -> Iterator[Running]:
    folder = short_folder()
    web, prefect = _free_port(), _free_port()
    ours = ("SPHERES_", "PREFECT_", "DATABASE_")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(ours)},
        "SPHERES_DATA": str(folder / "data"),
        "SPHERES_PORT": str(web),
        "SPHERES_PREFECT_PORT": str(prefect),
        "SPHERES_LANG": "en",
    }
    process = subprocess.Popen([*RUN, "up", "--demo"], env=environment, cwd=ROOT, stdout=subprocess.DEVNULL)
    at_end = ExitStack()
    made = Running(f"http://127.0.0.1:{web}", f"http://127.0.0.1:{prefect}", folder / "data", process, at_end)
    try:
        until(lambda: is_whole(made.base_url), seconds=120)
        until(lambda: int(made.from_prefect("flow_runs/count")) >= 0, seconds=120)
        yield made
    finally:
        at_end.close()
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        shutil.rmtree(folder)


def is_whole(base_url: str) -> bool:
    """Whether the demonstration's people are there, and the year behind them."""
    page = httpx2.get(f"{base_url}/sign-in", headers={"Accept-Language": "en"}).text
    return page.count("<form") > 5 and "Nothing leaves this machine" in page


def case_of(client: httpx2.Client, name: str) -> str:
    """The open case about someone."""
    cases = client.get("/api/v1/cases?state=open").json()["items"]
    return str(next(case["id"] for case in cases if case["subject"].startswith(name)))


def task_of(client: httpx2.Client, case_id: str, step: str) -> dict[str, Any]:
    """A step of a case, as it stands now."""
    found: list[dict[str, Any]] = client.get(f"/api/v1/cases/{case_id}/tasks").json()
    return next(one for one in found if one["step"] == step)


def until(true: Callable[[], bool], *, seconds: float) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if true():
                return
        except (httpx2.HTTPError, OSError):
            pass  # not there yet, or away for the moment
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def command_of(process: psutil.Process) -> list[str]:
    """The command of a process; nothing of one that ended a moment ago, as what prepares the database does."""
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return []
