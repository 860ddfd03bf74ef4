"""The database of the tests: one server for the run, migrated once, and a copy of it for each test.

Tests sign in as `spheres_app`, as the web and the worker do, so that every policy and grant is felt.
"""

import itertools
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest
from hypothesis import settings
from psycopg import sql
from sqlalchemy import Engine, QueuePool, make_url
from sqlmodel import Session

from adapters.database import make_engine, migrate, open_session, program_session
from adapters.postgres import OWNER, DatabaseUrls, EmbeddedPostgres

#: The people of the tests, and the program in which they work.
pytest_plugins = ["tests.cast"]

# A shared machine is slow at times: no test fails on time.
settings.register_profile("spheres", deadline=None)
settings.load_profile("spheres")

TEMPLATE = "spheres_template"

#: Copying a database is copying some three hundred files: 18 ms in memory, up to 400 ms on a slow disk.
MEMORY = Path("/dev/shm")  # noqa: S108 - the folder made there is ours alone
ENOUGH_MEMORY_BYTES = 1 << 30

_number = itertools.count(1)

#: Opens a session on the test's database: of one program, or of none before a program is known.
Sessions = Callable[[UUID | None], Session]


@dataclass(frozen=True)
class Database:
    """One test's own database. `engine` and `url` are those of `spheres_app`."""

    engine: Engine
    url: str = field(repr=False)
    owner_url: str = field(repr=False)
    admin_url: str = field(repr=False)


def short_folder() -> Path:
    """A new private folder, in memory where there is room, whose path leaves room for a socket's name."""
    in_memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ENOUGH_MEMORY_BYTES
    return Path(tempfile.mkdtemp(prefix="spheres-tests-", dir=MEMORY if in_memory else None))


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
def copies(postgres: EmbeddedPostgres) -> Iterator["Copies"]:
    """Makes and drops the databases of the tests."""
    with psycopg.connect(_bare(postgres.urls().admin), autocommit=True) as admin:
        yield Copies(postgres.urls(), admin)


@pytest.fixture(scope="session")
def template(copies: "Copies") -> str:
    """The name of a database migrated to head, which nobody is signed in to, so that it can be copied."""
    copies.run("create database {} owner {}", TEMPLATE, OWNER)
    migrate(_in_database(copies.urls.owner, TEMPLATE))
    return TEMPLATE


@pytest.fixture
def database(copies: "Copies", template: str) -> Iterator[Database]:
    """A migrated database with no row in it, for one test."""
    with copies.of(template) as made:
        yield made


@pytest.fixture
def empty_database(copies: "Copies") -> Iterator[Database]:
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


@dataclass(frozen=True)
class Copies:
    """The superuser's connection, kept for the run, by which databases come and go."""

    urls: DatabaseUrls
    admin: psycopg.Connection[Any]

    @contextmanager
    def of(self, template: str) -> Iterator[Database]:
        """A copy of `template` under a name of its own, gone afterwards whoever still uses it."""
        name = f"spheres_test_{next(_number)}"
        self.run("create database {} template {} owner {} strategy file_copy", name, template, OWNER)
        url = _in_database(self.urls.app, name)
        engine = make_engine(url)
        try:
            yield Database(engine, url, _in_database(self.urls.owner, name), _in_database(self.urls.admin, name))
        finally:
            _all_back(engine)
            engine.dispose()
            self.run("drop database {} with (force)", name)

    def run(self, statement: LiteralString, *names: str) -> None:
        """Run one statement about databases, which no transaction may hold."""
        self.admin.execute(sql.SQL(statement).format(*(sql.Identifier(name) for name in names)))


def _all_back(engine: Engine) -> None:
    """Wait a little for connections that a thread of the test, or a server in it, is just giving back.

    One that comes back to a pool that was disposed of is closed by nobody, and fails whichever test runs by then.
    """
    deadline = time.monotonic() + 5
    while isinstance(engine.pool, QueuePool) and engine.pool.checkedout() and time.monotonic() < deadline:
        time.sleep(0.01)


def _in_database(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _bare(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
