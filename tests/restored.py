"""An installation of the tests with a ledger and keys on the disk, whose database can be copied and put back."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session

from adapters.database import make_engine, migrate, open_session, program_session
from adapters.keys import FileSealKeys, make_seal_key
from adapters.ledger import FileLedger, make_ledger
from adapters.people_keys import FilePeopleKeys, make_people_keys
from adapters.postgres import OWNER
from adapters.settings import Settings
from api.cli.ledgers import compare_with_ledger
from domain.kernel import Actor
from domain.restoring import redoing, refuse_another_epoch
from flows.engine import Means
from models.ports import NoLedger
from tests.cast import AT, Cast, letter_templates
from tests.databases import Copies, in_database
from tests.flows.support import Mailbag
from tests.raw_rows import many

_number = itertools.count(1)


@dataclass
class Installed:
    """One program's people, in a database of their own, with all that lies outside of it."""

    copies: Copies
    cast: Cast
    settings: Settings
    name: str
    kept: list[str] = field(default_factory=list)
    mailbag: Mailbag = field(default_factory=Mailbag)
    _engine: Engine | None = None

    @property
    def owner_url(self) -> str:
        return in_database(self.copies.urls.owner, self.name)

    @property
    def ledger(self) -> FileLedger:
        return FileLedger(self.settings.ledger, FileSealKeys(self.settings.seal_keys))

    @property
    def keys(self) -> FilePeopleKeys:
        return FilePeopleKeys(self.settings.people_keys)

    @property
    def engine(self) -> Engine:
        """As the web and the worker have it."""
        if self._engine is None:
            url = in_database(self.copies.urls.app, self.name)
            self._engine = make_engine(url, ledger=self.ledger, agree=refuse_another_epoch)
        return self._engine

    def start(self) -> None:
        """What `spheres up` does before anything is served."""
        self.stop()
        with self.as_owner() as session:
            compare_with_ledger(session, self.settings)

    def accept(self) -> None:
        """What `spheres ledger accept` does."""
        self.stop()
        with suppress(NoLedger):
            make_ledger(self.settings.ledger)
        with self.as_owner() as session:
            redoing.lock(session)
            redoing.accept(session, self.ledger, self.keys, at=AT)

    def empty(self) -> None:
        """A database of nobody, as one that was made anew."""
        self.stop()
        self.copies.run("drop database {} with (force)", self.name)
        self.copies.run("create database {} owner {}", self.name, OWNER)
        migrate(self.owner_url)

    @contextmanager
    def as_owner(self) -> Iterator[Session]:
        engine = make_engine(self.owner_url, pool_size=1)
        try:
            with open_session(engine) as session:
                yield session
                session.commit()
        finally:
            engine.dispose()

    def stop(self) -> None:
        """Nothing of it is in the database any more."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session of the program, committed at the end."""
        with self._session() as session:
            yield session
            session.commit()

    @property
    def means(self) -> Means:
        """What the worker works with, with a mailer that takes everything."""
        return Means(lambda _: self._session(), lambda: open_session(self.engine), lambda: AT, self.mailbag)

    def _session(self) -> Session:
        session = program_session(self.engine, self.cast.program_id)
        session.info.update(letter_templates=letter_templates(), keys=self.keys)
        return session

    def rows(self, statement: str, **values: object) -> list[dict[str, Any]]:
        """Rows of the database, as its owner sees them."""
        with self.as_owner() as session:
            return many(session, text(statement).bindparams(**values))

    def actor(self, name: str) -> Actor:
        return self.cast.actor(name)

    def person(self, name: str) -> UUID:
        return self.cast.people[name]

    def copy(self) -> str:
        """Copy the database as it stands; what to put back."""
        self.stop()
        made = f"spheres_copy_{next(_number)}"
        self.copies.copy(self.name, made)
        self.kept.append(made)
        return made

    def put_back(self, copy: str) -> None:
        """Put a copy in the place of the database, which is gone: under its name, it is another one."""
        self.stop()
        self.copies.run("drop database {} with (force)", self.name)
        self.copies.copy(copy, self.name)


@pytest.fixture
def installed(copies: Copies, cast_template: tuple[str, Cast], tmp_path: Path) -> Iterator[Installed]:
    """The cast's program, on the disk, begun with a ledger of its own."""
    template, cast = cast_template
    name = f"spheres_installed_{next(_number)}"
    copies.copy(template, name)
    settings = Settings(tmp_path, "127.0.0.1", 8400, 8401, "http://localhost:8400", demo=False)
    make_seal_key(settings.seal_keys)
    make_people_keys(settings.people_keys)
    made = Installed(copies, cast, settings, name, [name])
    with made.as_owner() as session:
        session.execute(text("delete from ledger_seen"))  # the cast was written with another ledger
    made.start()
    try:
        yield made
    finally:
        made.stop()
        for kept in made.kept:
            copies.run("drop database if exists {} with (force)", kept)


def kept_aside(folder: Path) -> Callable[[], None]:
    """Copy a folder as it stands; what puts it back."""
    aside = folder.with_name(f"{folder.name}.{next(_number)}")
    shutil.copytree(folder, aside)

    def put_back() -> None:
        shutil.rmtree(folder)
        shutil.copytree(aside, folder)

    return put_back
