"""How long a process that died waits before it is started again: the people's page soon, whatever else happens."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from api.cli import supervise as supervising
from api.cli.pulse import Pulse
from api.cli.supervise import Process
from tests.api.test_supervise import as_started


class _Dies:
    """A process that runs until its time has come, and the clock by which it is looked at."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, process: Process, *, answers_after: float | None = None
    ) -> None:
        self.now, self.ends_at, self.process, self.waits = 1000.0, 0.0, process, list[float]()
        self.answers_after = answers_after
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: self)
        monkeypatch.setattr(supervising, "answers", lambda _: self._has_answered())
        monkeypatch.setattr(Pulse, "is_gone", lambda _: False)  # it answers until it dies

    def _has_answered(self) -> bool:
        return self.answers_after is not None and self.now >= self.process.started + self.answers_after

    def poll(self) -> int | None:
        return 1 if self.now >= self.ends_at else None

    def lives_and_dies(self, *, after: float) -> float:
        """Start it, have it die so many seconds later, and say for how long it then waits."""
        self.now = max(self.now, self.process.start_at)
        self.process.look(lambda _: None)
        self.ends_at = self.now + after
        while self.process.running is not None:
            self.process.ask()
            self.process.look(lambda _: None)
            self.now += 0.25
        return self.process.start_at - (self.now - 0.25)


def test_what_dies_at_once_waits_twice_as_long_each_time_and_the_web_never_over_five_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = as_started({"SPHERES_DATA": str(tmp_path)})
    for name, longest in (("web", 5.0), ("worker", 30.0)):
        dies = _Dies(monkeypatch, processes[name])
        assert [dies.lives_and_dies(after=2) for _ in range(8)] == [
            min(longest, wait) for wait in (1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0)
        ]


def test_once_it_has_served_for_a_while_its_next_death_is_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dies = _Dies(monkeypatch, as_started({"SPHERES_DATA": str(tmp_path)})["web"], answers_after=3)
    assert [dies.lives_and_dies(after=5) for _ in range(3)] == [1.0, 2.0, 4.0]
    assert dies.lives_and_dies(after=60) == 0.0, "it is started again at once"
    assert dies.lives_and_dies(after=5) == 1.0


def test_on_a_slow_machine_one_that_never_answers_counts_as_dying_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes its time to read its modules, and then finds that its port is taken, say."""
    dies = _Dies(monkeypatch, as_started({"SPHERES_DATA": str(tmp_path)})["web"])
    assert [dies.lives_and_dies(after=15) for _ in range(3)] == [1.0, 2.0, 4.0]


def test_one_that_dies_all_day_is_still_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dies = _Dies(monkeypatch, as_started({"SPHERES_DATA": str(tmp_path)})["web"])
    dies.process.quick_deaths = 2000
    assert dies.lives_and_dies(after=1) == 5.0
