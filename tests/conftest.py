"""The database of the tests: one server for the run, migrated once, and a copy of it for each test.

Tests sign in as `spheres_app`, as the web and the worker do, so that every policy and grant is felt.
"""

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import LiteralString
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Engine, make_url
from sqlmodel import Session

from adapters.database import make_engine, migrate, open_session, program_session
from adapters.postgres import OWNER, EmbeddedPostgres

TEMPLATE = "spheres_template"
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


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The server of this run, in a folder that goes with it."""
    folder = Path(tempfile.mkdtemp(prefix="spheres-tests-"))
    server = EmbeddedPostgres(folder / "postgres", fast=True)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def template(postgres: EmbeddedPostgres) -> str:
    """The name of a database migrated to head, which nobody is signed in to, so that it can be copied."""
    urls = postgres.urls()
    _run_as_admin(urls.admin, "create database {} owner {}", TEMPLATE, OWNER)
    migrate(_in_database(urls.owner, TEMPLATE))
    return TEMPLATE


@pytest.fixture
def database(postgres: EmbeddedPostgres, template: str) -> Iterator[Database]:
    """A migrated database with no row in it, for one test."""
    with _copied(postgres, template) as made:
        yield made


@pytest.fixture
def empty_database(postgres: EmbeddedPostgres) -> Iterator[Database]:
    """A database with nothing in it, not even tables: for tests of migrations."""
    with _copied(postgres, "template0") as made:
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


@contextmanager
def _copied(postgres: EmbeddedPostgres, template: str) -> Iterator[Database]:
    urls = postgres.urls()
    name = f"spheres_test_{next(_number)}"
    _run_as_admin(urls.admin, "create database {} template {} owner {}", name, template, OWNER)
    url = _in_database(urls.app, name)
    engine = make_engine(url)
    try:
        yield Database(engine, url, _in_database(urls.owner, name), _in_database(urls.admin, name))
    finally:
        engine.dispose()
        _run_as_admin(urls.admin, "drop database {} with (force)", name)


def _in_database(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _run_as_admin(url: str, statement: LiteralString, *names: str) -> None:
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as admin:
        admin.execute(sql.SQL(statement).format(*(sql.Identifier(name) for name in names)))
