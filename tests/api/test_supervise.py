"""Keeping processes alive: in which order they start, how many get ready at once, and that all end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from adapters import database
from adapters.postgres import DatabaseUrls
from adapters.settings import Settings
from api.cli import pulse, stopping
from api.cli import supervise as supervising
from api.cli.installation import _processes
from api.cli.place import data_folder
from api.cli.pulse import answers
from api.cli.supervise import Process, end, run_step, supervise
from bench.ground import ROOT
from bench.processes import free_port
from flows import worker as workers

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
_SLEEPS = "import time; time.sleep(60)"


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever machine the tests run on."""
    monkeypatch.setattr(supervising, "AT_ONCE", 2)


@pytest.fixture(autouse=True)
def heeded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Signals are heeded, as `spheres up` does first of all, and afterwards what they were to the tests."""
    monkeypatch.setattr(stopping, "_came", [])
    before = {number: signal.getsignal(number) for number in stopping._SIGNALS}
    stopping.heed()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def begin(tmp_path: Path) -> Path:
    """The file that lets a process answer."""
    return tmp_path / "begin"


@pytest.fixture
def web(begin: Path) -> Process:
    """A process that answers once it is let."""
    return _answering("web", begin)


@pytest.fixture
def engine() -> Process:
    """A process that is ready once it runs."""
    return Process("engine", [sys.executable, "-c", _SLEEPS], os.environ)


@pytest.fixture
def worker() -> Process:
    """A process that needs the first of what is prepared."""
    return Process("worker", [sys.executable, "-c", _SLEEPS], os.environ, after=1)


def _answering(name: str, begin: Path) -> Process:
    port = free_port()
    command = [sys.executable, "-c", _ANSWERS_LATE, str(port), str(begin)]
    return Process(name, command, os.environ, ready=f"http://127.0.0.1:{port}/")


def _stop(_: float = 0.0) -> None:
    """As an operator at the terminal does."""
    os.kill(os.getpid(), signal.SIGTERM)


def _nothing(_: str = "") -> None:
    pass


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.02)


def _supervise(
    *processes: Process,
    prepare: Callable[[], None] = _nothing,
    then: Callable[[], None] = _nothing,
    say: Callable[[str], None] = _nothing,
    meanwhile: Mapping[str, Callable[[float], None]] | None = None,
    **when_ready: Callable[[float], None],
) -> int:
    begun = time.monotonic()
    stopping._came.clear()  # as a process of its own
    return supervise(
        processes, prepare=[prepare, then], begun=begun, say=say, when_ready=when_ready, meanwhile=meanwhile
    )


def _ended(process: Process) -> bool:
    assert process.running is not None, f"{process.name} never ran"
    return process.running.poll() is not None


@pytest.mark.ci
def test_two_things_get_ready_at_once_in_their_order_and_preparing_is_one(
    begin: Path, web: Process, engine: Process, worker: Process
) -> None:
    seen: list[str] = []

    def prepare() -> None:
        _until(lambda: web.running is not None)
        time.sleep(0.5)
        assert engine.running is None  # the web and this are two
        begin.touch()
        _until(lambda: engine.running is not None)
        assert answers(web.ready)
        time.sleep(0.5)
        assert worker.running is None  # it needs what is prepared
        seen.append("prepared")

    def worker_runs(_: float) -> None:
        seen.append("worker")
        _stop()

    status = _supervise(web, engine, worker, prepare=prepare, web=lambda _: seen.append("web"), worker=worker_runs)
    assert status == 0
    assert seen[0] == "prepared"  # nobody is told of an address before
    assert sorted(seen[1:]) == ["web", "worker"]
    assert _ended(web)
    assert _ended(engine)
    assert _ended(worker)


@pytest.mark.ci
def test_of_one_that_answers_before_all_is_prepared_it_is_told_that_there_is_more_to_come(
    begin: Path, web: Process
) -> None:
    seen: list[str] = []

    def prepare() -> None:
        begin.touch()
        _until(lambda: bool(seen))

    def ready(_: float) -> None:
        seen.append("ready")
        _stop()

    _supervise(web, prepare=prepare, meanwhile={"web": lambda _: seen.append("answers")}, web=ready)
    assert seen == ["answers", "ready"]


@pytest.mark.ci
def test_what_no_page_waits_for_is_told_of_when_it_answers_whatever_is_prepared_meanwhile(engine: Process) -> None:
    seen: list[str] = []

    def prepare() -> None:
        _until(lambda: seen == ["engine"])
        seen.append("prepared")
        _stop()

    _supervise(engine, prepare=prepare, meanwhile={"engine": lambda _: seen.append("engine")})
    assert seen == ["engine", "prepared"]
    late: list[str] = []

    def tell(_: float) -> None:
        late.append("engine")
        _stop()

    _supervise(Process("engine", engine.command, os.environ), meanwhile={"engine": tell})
    assert late == ["engine"], "also where all was prepared before it answered"


def test_what_is_prepared_soon_lets_the_next_start_while_the_first_reads(web: Process, engine: Process) -> None:
    _supervise(web, engine, engine=_stop)
    assert not answers(web.ready)
    assert _ended(engine)


@pytest.mark.ci
def test_one_that_waits_in_vain_starts_all_the_same(
    tmp_path: Path, worker: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervising, "PATIENCE_SECONDS", 1.0)
    silent = [_answering(name, tmp_path / "never") for name in ("web", "engine")]
    _supervise(*silent, worker, worker=_stop)
    assert worker.started - silent[0].started >= 1.0
    assert all(_ended(process) for process in [*silent, worker])


def test_one_that_may_wait_is_not_waited_for(begin: Path, web: Process, worker: Process) -> None:
    waiting = _answering("waiting", begin)
    waiting.may_wait = True
    _supervise(waiting, web, worker, worker=_stop)
    assert not answers(waiting.ready)
    assert worker.was_started


@pytest.mark.ci
def test_one_that_dies_is_started_again_though_those_before_it_do_not_answer(
    begin: Path, web: Process, engine: Process, worker: Process
) -> None:
    begin.touch()
    worker.command = [sys.executable, "-c", "pass"]
    deaths: list[str] = []

    def say(line: str) -> None:
        deaths.append(line.split(maxsplit=1)[0])
        if deaths.count("worker") == 1:
            # The web goes, and what comes back waits for a file that is no longer there.
            begin.unlink(missing_ok=True)
            assert web.running is not None
            web.running.kill()
        if deaths.count("worker") == 2:
            _stop()

    _supervise(web, engine, worker, say=say)
    assert deaths.count("worker") == 2
    assert not answers(web.ready)


@pytest.mark.ci
def test_what_needs_the_first_step_alone_starts_while_the_second_is_done(worker: Process) -> None:
    seen: list[str] = []

    def first() -> None:
        time.sleep(0.5)
        assert worker.running is None
        seen.append("first")

    def second() -> None:
        _until(lambda: worker.running is not None)
        seen.append("second")

    def ready(_: float) -> None:
        seen.append("ready")
        _stop()

    assert _supervise(worker, prepare=first, then=second, worker=ready) == 0
    assert seen == ["first", "second", "ready"]


def test_what_preparing_raises_ends_whatever_started(web: Process, worker: Process) -> None:
    def fails() -> None:
        _until(lambda: web.running is not None)
        msg = "no disk"
        raise OSError(msg)

    with pytest.raises(OSError, match="no disk"):
        _supervise(web, worker, prepare=fails)
    assert _ended(web)
    assert worker.running is None


@pytest.mark.ci
def test_a_signal_while_something_is_prepared_lets_it_finish_and_begins_nothing_more(
    web: Process, worker: Process
) -> None:
    finished: list[bool] = []

    def prepare() -> None:
        _until(lambda: web.running is not None)
        _stop()
        time.sleep(0.5)
        finished.append(True)

    def then() -> None:
        finished.append(False)

    assert _supervise(web, worker, prepare=prepare, then=then, web=lambda _: finished.append(False)) == 0
    assert finished == [True]
    assert _ended(web)
    assert worker.running is None


#: Answers well once, and then that it cannot; how often it was asked, a file counts.
_ANSWERS_THAT_IT_CANNOT = """
import http.server, pathlib, sys
class Answer(http.server.BaseHTTPRequestHandler):
    asked = 0
    def do_GET(self):
        self.send_response(503 if Answer.asked else 200); self.end_headers()
        Answer.asked += 1
        pathlib.Path(sys.argv[2]).write_text("x" * Answer.asked)
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What answered once is asked without a pause."""
    monkeypatch.setattr(pulse, "ASK_SECONDS", 0.05)
    monkeypatch.setattr(pulse, "ANSWER_SECONDS", 0.3)


@pytest.mark.ci
@pytest.mark.usefixtures("impatient")
def test_one_that_served_and_answers_no_more_is_ended_and_started_again_also_where_it_is_halted(
    begin: Path, web: Process
) -> None:
    begin.touch()
    said: list[str] = []
    halted: list[subprocess.Popen[bytes]] = []

    def look() -> None:
        _until(lambda: web.answered > 0)
        assert web.running is not None
        halted.append(web.running)
        web.running.send_signal(signal.SIGSTOP)
        _until(lambda: web.running not in (None, halted[0]) and web.answered > 0)
        assert answers(web.ready)
        _stop()

    _supervise(web, prepare=look, say=said.append)
    assert len(said) == 2, "that it does not answer, and that it is started again"
    assert all(line.startswith("web") for line in said)
    assert halted[0].returncode == -signal.SIGKILL


@pytest.mark.ci
@pytest.mark.usefixtures("impatient")
def test_one_that_answers_that_its_database_is_away_is_left_alone(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    port = str(free_port())
    command = [sys.executable, "-c", _ANSWERS_THAT_IT_CANNOT, port, str(asked)]
    web = Process("web", command, os.environ, ready=f"http://127.0.0.1:{port}/")
    said: list[str] = []

    def look() -> None:
        _until(lambda: asked.exists() and len(asked.read_text()) > 3 * pulse.MOST_UNHEARD)
        _stop()

    _supervise(web, prepare=look, say=said.append)
    assert said == []


def test_what_a_web_waits_for_itself_is_over_before_it_counts_as_silent() -> None:
    """A database that hangs: the web says so after its own wait, and goes on by itself."""
    assert pulse.ANSWER_SECONDS > database.WAIT_FOR_CONNECTION_SECONDS


#: Says where it is by a file, and would go on for a minute.
_AT_IT = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).touch(); time.sleep(60)"
_STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + _AT_IT


@pytest.mark.wide(8)
@pytest.mark.parametrize("does", [_AT_IT, _STUBBORN])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_breaks_off_the_process_of_a_step_and_none_after_it_begins(
    tmp_path: Path, web: Process, does: str, number: int
) -> None:
    begun, then = tmp_path / "begun", list[str]()

    def prepare() -> None:
        assert run_step([sys.executable, "-c", does, str(begun)], os.environ) == 0

    def signalled() -> None:
        _until(begun.exists)
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)

    asked = time.monotonic()
    signalling = threading.Thread(target=signalled)
    signalling.start()
    assert _supervise(web, prepare=prepare, then=lambda: then.append("begun")) == 0
    assert time.monotonic() - asked < 50, "it would have gone on for a minute"
    assert then == []
    assert _ended(web)
    signalling.join()


def test_a_step_that_fails_is_told_apart_from_one_that_was_broken_off() -> None:
    assert run_step([sys.executable, "-c", "raise SystemExit(3)"], os.environ) == 3


#: Told to end, asks for help where it needs some, and says in a file whether it was there.
_ASKS_AT_THE_END = """
import pathlib, signal, sys, time, urllib.request
def end(*_):
    time.sleep(0.3)
    try:
        urllib.request.urlopen(sys.argv[1], timeout=5).close()
        pathlib.Path(sys.argv[2]).write_text("helped")
    except OSError:
        pathlib.Path(sys.argv[2]).write_text("alone")
    sys.exit()
signal.signal(signal.SIGTERM, end)
pathlib.Path(sys.argv[2]).write_text("at work")
time.sleep(60)
"""


@pytest.mark.ci
def test_what_others_finish_with_ends_after_them(tmp_path: Path, begin: Path) -> None:
    begin.touch()
    engine, said = _answering("engine", begin), tmp_path / "said"
    engine.outlives = True
    worker = Process("worker", [sys.executable, "-c", _ASKS_AT_THE_END, engine.ready, str(said)], os.environ)
    engine.start()
    worker.start()
    _until(lambda: said.exists() and said.read_text() == "at work" and answers(engine.ready))
    end([engine, worker])
    assert said.read_text() == "helped"
    assert _ended(engine)
    assert _ended(worker)


#: As Prefect's server: told to end before it serves, it says at length that it cannot.
_FAILS_AT_ITS_END_WHILE_IT_STARTS = """
import pathlib, signal, sys, time
def end(*_):
    pathlib.Path(sys.argv[1]).write_text("Traceback")
    sys.exit(1)
signal.signal(signal.SIGTERM, end)
pathlib.Path(sys.argv[1]).write_text("starting")
time.sleep(60)
"""


@pytest.mark.parametrize("answered_seconds_ago", [None, 1.0])
def test_what_still_starts_is_ended_without_a_word(tmp_path: Path, answered_seconds_ago: float | None) -> None:
    said = tmp_path / "said"
    command = [sys.executable, "-c", _FAILS_AT_ITS_END_WHILE_IT_STARTS, str(said)]
    engine = Process("engine", command, os.environ, ready=f"http://127.0.0.1:{free_port()}/", settles=30)
    engine.start()
    _until(lambda: said.exists() and said.read_text() == "starting")
    if answered_seconds_ago is not None:
        engine.answered = time.monotonic() - answered_seconds_ago
    end([engine])
    assert _ended(engine)
    assert said.read_text() == "starting"


@pytest.mark.ci
def test_what_has_something_in_hand_is_asked_to_finish(tmp_path: Path, begin: Path) -> None:
    said = tmp_path / "said"
    begin.touch()
    serving = _answering("web", begin)
    web = Process(
        "web", [sys.executable, "-c", _ASKS_AT_THE_END, serving.ready, str(said)], os.environ, ready=serving.ready
    )
    serving.start()
    web.start()
    _until(lambda: said.exists() and said.read_text() == "at work" and answers(serving.ready))
    web.ask()
    end([web])
    assert said.read_text() == "helped"
    end([serving])


def test_prefect_is_there_until_the_worker_has_finished(tmp_path: Path) -> None:
    processes = as_started({"SPHERES_DATA": str(tmp_path)})
    assert [name for name, one in processes.items() if one.outlives] == ["prefect"]
    assert processes["prefect"].settles > 0, "its services start after it answers"


#: Keeps one process alive, as `spheres up` does.
_KEEPS_ALIVE = """
import os, sys, time
from api.cli.supervise import Process, tied
Process("web", tied("http.server", sys.argv[1], "--bind", "127.0.0.1"), os.environ).start()
time.sleep(600)
"""


def test_what_a_killed_supervisor_kept_alive_ends_with_it_and_leaves_its_port(tmp_path: Path) -> None:
    port = free_port()
    keeping = subprocess.Popen([sys.executable, "-c", _KEEPS_ALIVE, str(port)], cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        _until(lambda: answers(f"http://127.0.0.1:{port}/"))
    finally:
        keeping.kill()
        keeping.wait()

    def is_free() -> bool:
        with socket.socket() as asked:
            return asked.connect_ex(("127.0.0.1", port)) != 0

    _until(is_free)
    assert {tuple(one.command[:4]) for one in as_started({"SPHERES_DATA": str(tmp_path)}).values()} == {
        (sys.executable, "-m", "api.cli.tied", str(os.getpid()))
    }


def test_what_is_started_by_one_that_is_gone_already_does_nothing() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "api.cli.tied", str(os.getpid() + 1), "this"],
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (said.returncode, said.stdout, said.stderr) == (1, b"", b"")


def test_what_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervising, "FAREWELL_SECONDS", 0.2)
    begun = tmp_path / "begun"
    stubborn = Process("web", [sys.executable, "-c", _STUBBORN, str(begun)], os.environ)
    stubborn.start()
    _until(begun.exists)
    end([stubborn])
    assert _ended(stubborn)


def test_what_is_waited_for_at_the_end_is_over_within_eight_seconds() -> None:
    """A second and a half are left for the database, which breaks off what it does."""
    in_the_worker = workers.FAREWELL_SECONDS + 2 * workers.BREAKING_OFF_SECONDS + workers.MEND_SECONDS
    assert in_the_worker <= supervising.FAREWELL_SECONDS
    assert supervising.FAREWELL_SECONDS + supervising.LAST_FAREWELL_SECONDS <= 6.5


def test_a_ctrl_c_at_the_terminal_is_the_supervisors_alone(engine: Process) -> None:
    """Else the worker and its engine end at the same moment, and the web with an error of its own."""
    engine.start()
    assert engine.running is not None
    try:
        assert os.getpgid(engine.running.pid) == engine.running.pid != os.getpgrp()
    finally:
        end([engine])


_HEEDS = "from api.cli import stopping as s; before = s.is_asked(); s.heed(); print(before, s.is_asked())"
#: A program that holds signals back, is signalled, and gives its place to one that heeds them.
_HOLDS_BACK = f"""
import os, signal, sys
from api.cli import stopping
stopping.hold_back()
os.kill(os.getpid(), int(sys.argv[1]))
os.execv(sys.executable, [sys.executable, "-c", {_HEEDS!r}])
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_comes_before_all_is_read_is_heeded_once_it_is(number: int) -> None:
    said = subprocess.run(
        [sys.executable, "-c", _HOLDS_BACK, str(int(number))], capture_output=True, check=False, timeout=60
    )
    assert (said.returncode, said.stdout, said.stderr) == (0, b"False True\n", b"")


def test_under_nohup_a_terminal_that_closes_stops_nothing() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    stopping.heed()
    os.kill(os.getpid(), signal.SIGHUP)
    assert not stopping.is_asked()


def started_with(*arguments: str, **settings: str) -> subprocess.CompletedProcess[bytes]:
    """What a start over these settings says that cannot go on."""
    ports = {"SPHERES_PORT": str(free_port()), "SPHERES_PREFECT_PORT": str(free_port())}
    return subprocess.run(
        [sys.executable, "-m", "api.cli.installation", *arguments],
        env={**os.environ, **ports, "SPHERES_LANG": "en", **settings},
        capture_output=True,
        check=False,
        timeout=60,
    )


@pytest.mark.ci
def test_a_data_folder_that_cannot_be_written_is_one_sentence_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    data = tmp_path / "file" / "data"
    said = started_with(SPHERES_DATA=str(data))
    assert (said.returncode, said.stdout) == (2, b"")
    (line,) = said.stderr.decode().splitlines()
    assert str(data) in line
    assert "SPHERES_DATA" in line


@pytest.mark.ci
def test_a_second_start_over_the_same_data_is_refused_whatever_its_ports(tmp_path: Path) -> None:
    with data_folder(tmp_path / "data"):
        said = started_with(SPHERES_DATA=str(tmp_path / "data"))
        assert said.returncode == 2
        (line,) = said.stderr.decode().splitlines()
        assert "already runs" in line
        assert str(tmp_path / "data") in line
    assert not (tmp_path / "data" / "postgres").exists()
    with data_folder(tmp_path / "data"):
        pass  # and it is free again


@pytest.mark.ci
@pytest.mark.parametrize("setting", ["SPHERES_PORT", "SPHERES_PREFECT_PORT"])
def test_where_another_answers_already_nothing_is_started_and_one_sentence_says_so(
    tmp_path: Path, setting: str
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        ports = {"SPHERES_PORT": str(free_port()), "SPHERES_PREFECT_PORT": str(free_port()), setting: port}
        said = subprocess.run(
            [sys.executable, "-m", "api.cli.installation"],
            env={**os.environ, **ports, "SPHERES_DATA": str(tmp_path / "data"), "SPHERES_LANG": "en"},
            capture_output=True,
            check=False,
            timeout=60,
        )
    assert said.returncode == 2
    assert said.stdout == b""
    (line,) = said.stderr.decode().splitlines()
    assert port in line
    assert setting in line
    assert not (tmp_path / "data" / "postgres").exists()


def test_our_own_processes_are_asked_without_the_proxy_that_leads_outside(
    web: Process, begin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    begin.touch()
    web.start()
    try:
        until = time.monotonic() + 20
        while not answers(web.ready):
            assert time.monotonic() < until, "it was asked through a proxy that is not there"
            time.sleep(0.05)
    finally:
        end([web])


def as_started(settings: Mapping[str, str], *, join: bool = False) -> dict[str, Process]:
    """The processes of an installation with these settings, none of them started."""
    read = Settings.from_env(settings)
    urls = DatabaseUrls(owner="", app="", prefect="", admin="")
    return {one.name: one for one in _processes(read, urls, dict(settings), join=join)}


def test_none_of_our_processes_speaks_to_another_through_a_proxy(tmp_path: Path) -> None:
    processes = as_started(
        {"SPHERES_DATA": str(tmp_path), "https_proxy": "http://proxy.example", "NO_PROXY": "agency.example"}
    )
    assert set(processes) == {"web", "prefect", "worker"}
    for one in processes.values():
        assert one.environment["https_proxy"] == "http://proxy.example", "what is outside is reached as the others do"
        assert one.environment["no_proxy"] == one.environment["NO_PROXY"] == "agency.example,localhost,127.0.0.1"


@pytest.mark.parametrize(
    ("host", "asked"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),  # noqa: S104  # as an operator may write it
        ("::", "[::1]"),
        ("10.0.0.5", "10.0.0.5"),
    ],
)
def test_the_web_is_asked_where_it_listens(tmp_path: Path, host: str, asked: str) -> None:
    processes = as_started(
        {"SPHERES_DATA": str(tmp_path), "SPHERES_HOST": host, "SPHERES_BASE_URL": "https://spheres.example"}
    )
    assert processes["web"].ready == f"http://{asked}:8400/healthz"


def test_the_web_opens_no_socket_that_its_headers_are_not_on(tmp_path: Path) -> None:
    """A request for a web socket would else be turned away by the server itself."""
    command = as_started({"SPHERES_DATA": str(tmp_path)})["web"].command
    assert command[command.index("--ws") + 1] == "none"


@pytest.mark.ci
def test_a_start_without_a_database_for_the_engine_is_one_sentence_that_names_it(tmp_path: Path) -> None:
    """Else its server is started again and again, and says of what it lacks only where it failed."""
    said = subprocess.run(
        [sys.executable, "-m", "api.cli.installation"],
        env={
            **{name: value for name, value in os.environ.items() if name != "PREFECT_DATABASE_URL"},
            "DATABASE_URL": "postgresql://spheres_app:x@127.0.0.1/spheres",
            "SPHERES_DATA": str(tmp_path / "data"),
            "SPHERES_LANG": "en",
        },
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (said.returncode, said.stdout) == (2, b"")
    (line,) = said.stderr.decode().splitlines()
    assert line.startswith("PREFECT_DATABASE_URL is needed")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("given", [{}, {"MALLOC_ARENA_MAX": "4"}])
def test_each_process_has_one_heap_for_all_its_threads_unless_the_operator_says_otherwise(
    given: dict[str, str], tmp_path: Path
) -> None:
    started = as_started({"SPHERES_DATA": str(tmp_path), **given})
    heaps = {name: one.environment["MALLOC_ARENA_MAX"] for name, one in started.items()}
    assert heaps == dict.fromkeys(("web", "prefect", "worker"), given.get("MALLOC_ARENA_MAX", "1"))
