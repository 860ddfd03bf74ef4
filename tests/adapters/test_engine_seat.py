"""The seat of Prefect's server: one session has it, and who loses it is sure to have ended before another serves."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters import engine_seat
from adapters.engine_seat import SeatLost, keep, take
from adapters.engine_settings import SERVER_NAME
from adapters.engine_word import NoWord, word_of
from bench.processes import free_port
from tests.conftest import Database
from tests.databases import bare

SOON_SECONDS = 60
#: As they are, before the tests hurry them.
_LOOK, _ANSWER = engine_seat.LOOK_SECONDS, engine_seat.ANSWER_SECONDS
_GRACE, _SILENT = engine_seat.GRACE_SECONDS, engine_seat.SILENT_SECONDS


def as_prefect(database: Database) -> str:
    """The test's database as Prefect's server is told of its own: by the other driver."""
    return database.owner_url.replace("postgresql+psycopg", "postgresql+asyncpg")


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_seat, "TRY_SECONDS", 0.05)
    monkeypatch.setattr(engine_seat, "LOOK_SECONDS", 0.2)
    monkeypatch.setattr(engine_seat, "GRACE_SECONDS", 0.6)


def nothing() -> None:
    """Where there is nothing to be told of."""


async def seat_of(database: Database, told: list[str] | None = None) -> AsyncConnection:
    said = told if told is not None else []
    return await take(as_prefect(database), waits=lambda: said.append("waits"), away=lambda: said.append("away"))


def session_ended(database: Database, name: str) -> int:
    """End the sessions of a name, as a failover does."""
    with psycopg.connect(bare(database.admin_url), autocommit=True) as admin:
        ended = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = %s and datname = %s"
        return len(admin.execute(ended, [name, admin.info.dbname]).fetchall())


@pytest.mark.ci
def test_the_first_has_the_seat_at_once_and_the_second_waits_until_the_first_is_gone(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    async def both() -> tuple[float, bool]:
        begun = time.monotonic()
        monkeypatch.setattr(engine_seat, "GRACE_SECONDS", 30.0)
        first = await seat_of(empty_database)
        assert time.monotonic() - begun < 30.0, "nobody was before it"
        monkeypatch.setattr(engine_seat, "GRACE_SECONDS", 0.6)
        waiting = asyncio.create_task(seat_of(empty_database, told))
        await asyncio.sleep(0.5)
        waited = not waiting.done()
        left_at = time.monotonic()
        await first.close()
        second = await asyncio.wait_for(waiting, SOON_SECONDS)
        took = time.monotonic() - left_at
        await second.close()
        return took, waited

    took, waited = asyncio.run(both())
    assert waited
    assert told == ["waits"], "and it is said once"
    assert took >= 0.6, "what the first still did is over by then"


def test_who_has_the_seat_knows_at_once_when_its_session_has_ended(empty_database: Database) -> None:
    async def lose() -> None:
        seat = await seat_of(empty_database)
        keeping = asyncio.create_task(keep(seat))
        await asyncio.sleep(0.3)
        assert not keeping.done()
        assert await asyncio.to_thread(session_ended, empty_database, "spheres engine seat") == 1
        with pytest.raises(SeatLost):
            await asyncio.wait_for(keeping, SOON_SECONDS)
        await engine_seat._close(seat)

    asyncio.run(lose())


def test_a_database_that_says_nothing_more_has_ended_the_seat_before_it_lets_another_have_it() -> None:
    """Read from the code, since minutes of silence are not for a test: each wait is shorter than the next one's."""
    noticed = _LOOK + _ANSWER
    assert noticed < _GRACE, "also where the lock was let go at once, as by a failover"
    assert noticed < _SILENT


def test_who_cannot_ask_the_database_any_more_has_lost_the_seat(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the network is cut without a word: nothing comes back."""

    async def hears_nothing(*_: object, **__: object) -> object:
        raise TimeoutError

    async def lose() -> None:
        seat = await seat_of(empty_database)
        monkeypatch.setattr(engine_seat, "_scalar", hears_nothing)
        with pytest.raises(SeatLost):
            await asyncio.wait_for(keep(seat), SOON_SECONDS)
        await seat.close()

    asyncio.run(lose())


def test_who_takes_the_seat_ends_what_a_server_before_it_left_in_the_database(empty_database: Database) -> None:
    """Its machine slept while the database gave its seat to another: once it wakes, it gets no further."""
    left = psycopg.connect(bare(empty_database.owner_url), autocommit=True, application_name=SERVER_NAME)
    other = psycopg.connect(bare(empty_database.owner_url), autocommit=True, application_name="an operator")

    async def take_it() -> float:
        begun = time.monotonic()
        seat = await seat_of(empty_database)
        took = time.monotonic() - begun
        await seat.close()
        return took

    assert asyncio.run(take_it()) >= 0.6, "it is left time to end by itself"
    with pytest.raises(psycopg.OperationalError):
        left.execute("select 1")
    assert other.execute("select 1").fetchone() == (1,), "nobody else is sent away"
    left.close()
    other.close()


def test_a_database_that_does_not_answer_is_asked_until_it_does_and_that_is_said_once(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    real, tries = engine_seat._connect, 0

    async def refusing(url: str) -> AsyncConnection:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise ConnectionRefusedError
        return await real(url)

    monkeypatch.setattr(engine_seat, "_connect", refusing)

    async def take_it() -> None:
        await (await seat_of(empty_database, told)).close()

    asyncio.run(take_it())
    assert told == ["away"]
    assert tries == 3


def test_the_database_gives_up_the_seat_of_a_machine_that_fell_silent() -> None:
    """The session asks for it as it begins; a session of the same machine has no network to be silent on."""
    asked: dict[str, str] = {}

    def connecting(_: str, **settings: object) -> object:
        asked.update(settings["connect_args"]["server_settings"])  # type: ignore[index]
        raise ConnectionRefusedError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_seat, "create_async_engine", connecting)
        with pytest.raises(ConnectionRefusedError):
            asyncio.run(engine_seat._connect(""))
    idle, interval, count = (int(asked[f"tcp_keepalives_{name}"]) for name in ("idle", "interval", "count"))
    assert idle + interval * count <= engine_seat.SILENT_SECONDS
    assert int(asked["tcp_user_timeout"]) <= engine_seat.SILENT_SECONDS * 1000


# ---------------------------------------------------------------------------------------------- the process that serves

#: The process as it is, with another server in the place of Prefect's: it says by a file that it is there, and answers
#: until another file is, and then nothing.
_SERVES = """
import http.server, sys, time
from pathlib import Path
from adapters import engine_seat
from api.cli import engine_server
engine_seat.TRY_SECONDS, engine_seat.LOOK_SECONDS, engine_seat.GRACE_SECONDS = 0.05, 0.2, 0.2
*sys.argv[1:], file, hurried = sys.argv[1:]
if hurried:
    engine_server.ASK_SECONDS, engine_server.ANSWER_SECONDS = 0.1, 0.3
    engine_server.MOST_UNHEARD_AT_FIRST = int(hurried)
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        while Path(file).with_suffix(".hangs").exists():
            time.sleep(0.05)
        self.send_response(200 if self.path == "/api/health" else 404); self.end_headers()
        Path(file).with_suffix(".asked").touch()
    def log_message(self, *_): pass
def serve(host, port):
    server = http.server.HTTPServer((host, port), Answer)
    Path(file).touch()
    server.serve_forever()
engine_server._serve = serve
engine_server.main()
"""


@contextmanager
def serving(database: Database, file: Path, hurried: str = "") -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVES, "127.0.0.1", str(free_port()), str(file), hurried],
        env={**os.environ, "PREFECT_SERVER_DATABASE_CONNECTION_URL": as_prefect(database), "SPHERES_LANG": "en"},
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.communicate()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON_SECONDS
    while not true():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.02)


@pytest.mark.ci
def test_of_two_servers_one_serves_and_where_it_is_killed_the_other_does(
    empty_database: Database, tmp_path: Path
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    with serving(empty_database, one) as first:
        until(one.exists)
        with serving(empty_database, two) as second:
            assert second.stderr is not None
            assert b"runs on another machine" in second.stderr.readline()
            assert not two.exists()
            first.kill()
            until(two.exists)
            # What waits needs nothing to end well: it ends at once.
            second.terminate()
            assert second.wait(SOON_SECONDS) == -signal.SIGTERM


@pytest.mark.ci
def test_a_server_that_lost_its_seat_ends_at_once_whatever_it_is_at(empty_database: Database, tmp_path: Path) -> None:
    file = tmp_path / "one"
    with serving(empty_database, file) as server:
        until(file.exists)
        session_ended(empty_database, "spheres engine seat")
        assert server.wait(SOON_SECONDS) == 75
        assert server.stderr is not None
        assert b"lost its seat" in server.stderr.read()


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("since", ["its start", "a while"])
def test_a_server_that_hangs_ends_and_leaves_its_seat_to_another(
    empty_database: Database, tmp_path: Path, since: str
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    hangs = one.with_suffix(".hangs")
    if since == "its start":
        hangs.touch()
    with serving(empty_database, one, hurried="600" if since == "a while" else "2") as first:
        until(one.exists)
        with serving(empty_database, two, hurried="600") as second:
            if since == "a while":
                until(one.with_suffix(".asked").exists)
                assert first.poll() is None
                hangs.touch()
            assert first.wait(SOON_SECONDS) == 70
            assert first.stderr is not None
            assert b"does not answer" in first.stderr.read()
            until(two.with_suffix(".asked").exists)
            assert second.poll() is None, "one that answers goes on"


# ---------------------------------------------------------------------------------------------------------- its word


def test_machines_that_make_the_word_at_once_have_the_same_and_no_one_else_may_read_it(tmp_path: Path) -> None:
    file, words = tmp_path / "engine-word", list[str]()
    threads = [threading.Thread(target=lambda: words.append(word_of(file))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(words) == 8
    assert set(words) == {word_of(file)}
    assert file.stat().st_mode & 0o077 == 0
    assert [*tmp_path.iterdir()] == [file]


@pytest.mark.parametrize("content", ["", "spheres:", "spheres:short", "another:0123456789abcdef0123456789"])
def test_a_word_that_is_empty_or_cut_short_is_refused_and_not_served_with(tmp_path: Path, content: str) -> None:
    """A server whose word is empty asks nobody for one."""
    file = tmp_path / "engine-word"
    file.write_text(content)
    with pytest.raises(NoWord, match="damaged"):
        word_of(file)
    assert file.read_text() == content


def test_a_word_that_cannot_be_kept_is_one_sentence_that_names_its_file(tmp_path: Path) -> None:
    with pytest.raises(NoWord, match=str(tmp_path / "nowhere")):
        word_of(tmp_path / "nowhere" / "engine-word")


@pytest.mark.ci
def test_prefect_s_server_looks_at_the_queue_of_its_own_tasks_once_a_second(tmp_path: Path) -> None:
    asked = (
        "from docket import Docket; from prefect.server.api import background_workers; from api.cli import engine_app; "
        "engine_app.create_app(); own = background_workers.Worker(Docket('own', url='memory://')); "
        "print(own.minimum_check_interval, own.scheduling_resolution)"
    )
    environment = {**os.environ, "PREFECT_HOME": str(tmp_path)}
    said = subprocess.run([sys.executable, "-c", asked], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["0:00:01", "0:00:01"]
