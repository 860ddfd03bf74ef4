"""The database of the tests: one server for the run, migrated once, and a copy of it for each test.

Tests sign in as `spheres_app`, as the web and the worker do, so that every policy and grant is felt.
"""

import gc
import os
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID
from zlib import crc32

import psycopg
import pytest
from anyio.from_thread import start_blocking_portal
from fastapi.testclient import TestClient
from hypothesis import settings
from sqlmodel import Session

import domain.joined  # noqa: F401 - a test of one module needs every room that registers, as each process has them
from adapters.database import migrate, open_session, program_session
from adapters.postgres import OWNER, EmbeddedPostgres
from tests.databases import Copies, Database, bare, in_database

__all__ = ["Copies", "Database"]

#: The people of the tests and the program in which they work; a browser; a terminal; readers of calendars; whole
#: installations; the world in which every route is asked.
pytest_plugins = [
    *("tests.cast", "tests.browser", "tests.terminal"),
    *("tests.meetings.readers.ready", "tests.journeys.demonstrated", "tests.matrix.fixtures"),
    "tests.shuffled",
]

# In the background of a shell, or under nohup, signals come ignored, and what a test starts would ignore them too.
for number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)

# Nothing of what is imported and collected becomes garbage: looking for some takes a fifth of that time.
gc.disable()

# A shared machine is slow at times: no test fails on time.
settings.register_profile("spheres", deadline=None)
settings.load_profile("spheres")

TEMPLATE = "spheres_template"

#: Copying a database is copying some three hundred files: 18 ms in memory, up to 400 ms on a slow disk.
MEMORY = Path("/dev/shm")  # noqa: S108 - the folder made there is ours alone
ENOUGH_MEMORY_BYTES = 1 << 30

#: Of a test that says how old a file is: `run.py test --day` moves the program's clock, and not that of its files.
FILES_AGE = pytest.mark.skipif("FAKETIME" in os.environ, reason="the clock of files stays true")

#: Folders of files with few tests that each take long: they ask every route, start processes, live through days.
HEAVY = ("hardening", "matrix", "journeys", "flows", "simulation")

#: Opens a session on the test's database: of one program, or of none before a program is known.
Sessions = Callable[[UUID | None], Session]


def short_folder() -> Path:
    """A new private folder, in memory where there is room, whose path leaves room for a socket's name."""
    in_memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ENOUGH_MEMORY_BYTES
    return Path(tempfile.mkdtemp(prefix="spheres-tests-", dir=MEMORY if in_memory else None))


#: Of a wide table of cases one in so many is tried at each change, where it names no other share.
ONE_OF_A_WIDE_TABLE = 16


@pytest.hookimpl(tryfirst=True)  # before the tests of other tiers are sorted out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Share wide tables of cases out among the tiers.

    And put the files that take minutes first, so that of two cores none is left with one of them at the end.
    """
    seen: Counter[str] = Counter()
    for item in items:
        if wide := item.get_closest_marker("wide"):
            table = item.nodeid.partition("[")[0]
            if later := _later_tier(seen[table], wide.args[0] if wide.args else ONE_OF_A_WIDE_TABLE, table):
                item.add_marker(later)
            seen[table] += 1
    heavy = {item.path for item in items if item.path.parent.name in HEAVY or item.get_closest_marker("browser")}
    items.sort(key=lambda item: item.path not in heavy)


def _later_tier(place: int, one_in: int, table: str) -> str | None:
    """The tier of the case at a place of a wide table; None where it stays with its test.

    CI takes another share as large, and not of every table the same: so tables with the same cases meet more of them.
    """
    share = place % one_in
    if share == 0:
        return None
    return "ci" if share == 1 + crc32(table.encode()) % (one_in - 1) else "nightly"


def pytest_collection_finish() -> None:
    """Leave what was imported and collected alone: looking through it over and over takes a seventh of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def one_loop() -> Iterator[None]:
    """One loop for what the tests ask the web: else each request starts one, with threads of its own, and ends it."""
    with start_blocking_portal() as portal, pytest.MonkeyPatch.context() as patch:
        patch.setattr(TestClient, "portal", portal)
        yield


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """Signals are heard after each test as before it: what begins an installation in this process holds them back."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The server of this run, in a folder that goes with it."""
    folder = short_folder()
    server = EmbeddedPostgres(folder / "postgres", fast=True)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def copies(postgres: EmbeddedPostgres) -> Iterator[Copies]:
    """Makes and drops the databases of the tests."""
    with psycopg.connect(bare(postgres.urls().admin), autocommit=True) as admin:
        made = Copies(postgres.urls(), admin)
        yield made
        made.end()


@pytest.fixture(scope="session")
def template(copies: Copies) -> str:
    """The name of a database migrated to head, which nobody is signed in to, so that it can be copied."""
    copies.run("create database {} owner {}", TEMPLATE, OWNER)
    migrate(in_database(copies.urls.owner, TEMPLATE))
    return TEMPLATE


@pytest.fixture
def database(copies: Copies, template: str) -> Iterator[Database]:
    """A migrated database with no row in it, for one test."""
    with copies.of(template) as made:
        yield made


@pytest.fixture
def empty_database(copies: Copies) -> Iterator[Database]:
    """A database with nothing in it, not even tables: for tests of migrations."""
    with copies.of("template0") as made:
        yield made


@pytest.fixture
def session(database: Database) -> Iterator[Sessions]:
    """Opens sessions on the test's database, and closes those that the test left open."""
    opened: list[Session] = []

    def opening(program_id: UUID | None) -> Session:
        session = program_session(database.engine, program_id) if program_id else open_session(database.engine)
        opened.append(session)
        return session

    yield opening
    for session in opened:
        session.close()
