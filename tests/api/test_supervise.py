"""Keeping processes alive: in which order they start, who waits for whom, and that all end."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from api.cli import supervise as supervising
from api.cli.supervise import Process, answers, supervise
from bench.processes import free_port

#: Waits for a file, then answers at a port for as long as it lives.
_ANSWERS_LATE = """
import http.server, pathlib, sys, time
while not pathlib.Path(sys.argv[2]).exists():
    time.sleep(0.02)
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""
#: Says in a file that it started, then sleeps.
_STARTS = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text('here'); time.sleep(60)"


@pytest.fixture
def begin(tmp_path: Path) -> Path:
    """The file that lets the first process answer."""
    return tmp_path / "begin"


@pytest.fixture
def first(begin: Path) -> Process:
    """A process that answers once it is let."""
    port = free_port()
    command = [sys.executable, "-c", _ANSWERS_LATE, str(port), str(begin)]
    return Process("first", command, os.environ, ready=f"http://127.0.0.1:{port}/")


@pytest.fixture
def second(tmp_path: Path) -> Process:
    """A process that waits for the first."""
    return Process("second", [sys.executable, "-c", _STARTS, str(tmp_path / "second")], os.environ, after="first")


def _stop(_: float = 0.0) -> None:
    """As an operator at the terminal does."""
    os.kill(os.getpid(), signal.SIGTERM)


def _say_nothing(_: str) -> None:
    pass


def test_one_that_waits_for_another_starts_once_that_one_answers(
    begin: Path, first: Process, second: Process, tmp_path: Path
) -> None:
    seen: list[str] = []

    def looked() -> None:
        # Prepared while the first already runs and does not answer: the second is not there yet.
        assert first.running is not None
        assert second.running is None
        begin.touch()

    def first_answers(_: float) -> None:
        seen.append("first")
        assert second.running is None
        assert not (tmp_path / "second").exists()

    def second_runs(_: float) -> None:
        seen.append("second")
        assert answers(first.ready)
        _stop()

    supervise(
        [first, second],
        prepare=looked,
        first=1,
        begun=time.monotonic(),
        say=seen.append,
        when_ready={"first": first_answers, "second": second_runs},
    )
    assert seen == ["first", "second"]
    for process in (first, second):
        assert process.running is not None
        assert process.running.poll() is not None


def test_one_that_waits_in_vain_starts_all_the_same(
    first: Process, second: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervising, "PATIENCE_SECONDS", 0.5)
    begun = time.monotonic()
    supervise(
        [first, second],
        prepare=lambda: None,
        first=1,
        begun=begun,
        say=_say_nothing,
        when_ready={"second": _stop},
    )
    assert time.monotonic() - begun >= 0.5
    assert not answers(first.ready)


def test_what_waited_once_is_started_again_without_waiting(begin: Path, first: Process, second: Process) -> None:
    begin.touch()
    second.command = [sys.executable, "-c", "pass"]
    deaths: list[str] = []

    def say(line: str) -> None:
        deaths.append(line.split(maxsplit=1)[0])
        if deaths.count("second") == 1:
            # The first goes away for good: it waits for a file that is no longer there.
            begin.unlink(missing_ok=True)
            assert first.running is not None
            first.running.kill()
        if deaths.count("second") == 2:
            _stop()

    supervise([first, second], prepare=lambda: None, first=1, begun=time.monotonic(), say=say, when_ready={})
    assert deaths.count("second") == 2
    assert not answers(first.ready)


def test_what_preparing_raises_ends_whatever_started(first: Process, second: Process) -> None:
    def fails() -> None:
        msg = "no disk"
        raise OSError(msg)

    with pytest.raises(OSError, match="no disk"):
        supervise([first, second], prepare=fails, first=1, begun=0.0, say=_say_nothing, when_ready={})
    assert first.running is not None
    assert first.running.poll() is not None
    assert second.running is None
