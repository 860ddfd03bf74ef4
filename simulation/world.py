"""One simulated installation: a database, the web, the engine, the mail and the keys, with one clock and one chance.

Everything is in one process but the database, which is a real one. What is outside the program (the mail server, the
keys' store) is in memory.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql
from psycopg._preparing import PrepareManager
from sqlalchemy import Engine, event, make_url
from sqlmodel import Session

import domain.joined  # noqa: F401 - every room that registers, as each process has them
from adapters.addresses import conninfo_of
from adapters.closing import write_apart
from adapters.database import make_engine, migrate, open_session, program_session
from adapters.keys import FileSealKeys, make_seal_key
from adapters.ledger import FileLedger, make_ledger
from adapters.postgres import OWNER, DatabaseUrls, EmbeddedPostgres
from api.access.session import Installation
from api.app import create_app
from domain.declarations import ProgramFile, Protocol
from domain.declared import Declared
from domain.mail import LetterTemplates, Mailbox, stationery_for
from domain.participants import names_known
from domain.restoring import finding, redoing, refuse_another_epoch
from flows.engine import Means
from flows.protocols import declared_protocols, letter_folders
from models.ports import Ledger
from simulation.chance import Chance
from simulation.hands import HOST, Desk
from simulation.journal import Journal
from simulation.keepers import PeopleKeys, Post, SealKey

#: Where memory is a folder, databases that are forgotten afterwards lie there.
MEMORY: Final = Path("/dev/shm")  # noqa: S108 - the folder made there is ours alone
ENOUGH_BYTES: Final = 2 << 30

#: What the database itself would say of the time, and draw by chance, as the simulation has it.
_SIMULATED: Final = """
create schema simulated;
create table simulated.moment (now timestamptz not null);
insert into simulated.moment values ('2000-01-01');
create function simulated.clock_timestamp() returns timestamptz language sql security definer volatile
    as 'select now from simulated.moment';
create sequence simulated.drawn;
create function simulated.gen_random_uuid() returns uuid language sql security definer volatile
    as 'select md5(nextval(''simulated.drawn'')::text)::uuid';
grant usage on schema simulated to public;
alter table event alter recorded_at set default simulated.clock_timestamp();
"""


_IS_BLOCKED: Final = """
select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
    and state = 'active' and pid <> pg_backend_pid())
"""


class _Keeping(PrepareManager):
    """Keeps statements prepared after a rollback: no table is made or changed while a program is lived through."""

    prepare_threshold = 1
    prepared_max = 4000

    def clear(self) -> bool:
        """Clear nothing."""
        return False


def keep_prepared(connection: Any, _record: object) -> None:
    """Have a connection ask the database to plan each statement once: there are few, and they are asked for years."""
    connection._prepared = _Keeping()  # noqa: SLF001 - psycopg has no other place for it


@dataclass
class Clock:
    """The simulated moment, with its offset. It moves when it is told to, and what reads it may be a thread."""

    now: datetime

    def __call__(self) -> datetime:
        """The moment."""
        return self.now


@contextmanager
def server_of_ones_own() -> Iterator[Server]:
    """A database server for simulations, in a folder that goes with it."""
    is_roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ENOUGH_BYTES
    folder = Path(tempfile.mkdtemp(prefix="spheres-simulated-", dir=MEMORY if is_roomy else None))
    embedded = EmbeddedPostgres(folder / "postgres", fast=True)
    try:
        embedded.start()
        yield Server(embedded.urls(), folder, embedded)
    finally:
        embedded.stop()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Server:
    """A database server, and a folder for what lies beside its databases."""

    urls: DatabaseUrls
    folder: Path
    embedded: EmbeddedPostgres | None = None
    #: How the names of its databases begin: two may share a server.
    names: str = "simulated"
    _made: int = 0
    _has_template: bool = False

    @contextmanager
    def database(self) -> Iterator[str]:
        """A migrated database of its own, by its name, which is dropped afterwards."""
        if not self._has_template:
            self.copy("template0", self._template)
            migrate(in_database(self.urls.owner, self._template))
            with psycopg.connect(conninfo_of(in_database(self.urls.admin, self._template)), autocommit=True) as admin:
                admin.execute(_SIMULATED)
            self._has_template = True
        self._made += 1
        name = f"{self.names}_{self._made}"
        self.copy(self._template, name)
        try:
            yield name
        finally:
            self.drop(name)

    @property
    def _template(self) -> str:
        return f"{self.names}_template"

    def copy(self, source: str, name: str) -> None:
        """Copy a database in which nobody is."""
        self._run(
            sql.SQL("create database {} template {} owner {} strategy file_copy").format(
                *map(sql.Identifier, (name, source, OWNER))
            )
        )
        if source != "template0":
            self._hide(name)

    def has(self, name: str) -> bool:
        """Whether there is a database of this name."""
        with psycopg.connect(conninfo_of(self.urls.admin), autocommit=True) as admin:
            return admin.execute("select from pg_database where datname = %s", (name,)).fetchone() is not None

    def _hide(self, name: str) -> None:
        """Have what a database says of the time and of chance come from us: its own functions are behind ours."""
        self._run(
            sql.SQL("alter database {} set search_path = simulated, pg_catalog, public").format(sql.Identifier(name))
        )
        self._run(sql.SQL("alter database {} set plan_cache_mode = force_generic_plan").format(sql.Identifier(name)))

    def drop(self, name: str) -> None:
        """Drop a database, whoever is in it."""
        self._run(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(conninfo_of(self.urls.admin), autocommit=True) as admin:
            admin.execute(statement)


def in_database(url: str, name: str) -> str:
    """The same server and role, in another database."""
    return make_url(url).set(database=name).render_as_string(hide_password=False)


@dataclass
class World:
    """What a simulated program lives in. `program_id` is known once its people are there."""

    server: Server
    database: str
    folder: Path
    chance: Chance
    file: Declared[ProgramFile]
    clock: Clock
    loop: asyncio.AbstractEventLoop
    keys: PeopleKeys
    post: Post
    seal_key: SealKey
    ledger: Ledger
    program_id: UUID = field(default_factory=lambda: UUID(int=0))
    protocols: list[Declared[Protocol]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.zone = ZoneInfo(self.file.value.program.time_zone)
        self.calendar = self.file.value.calendar()
        self.templates = _stationery()
        self.protocols = declared_protocols(self.file.value)
        self.engine: Engine = self._engine("spheres web")
        #: Of who looks on, and of the operator: no fault of the program's own connections reaches them.
        self.observing: Engine = self._engine("spheres observer")

    def _engine(self, name: str) -> Engine:
        engine = make_engine(
            in_database(self.server.urls.app, self.database),
            application_name=name,
            ledger=self.ledger,
            agree=refuse_another_epoch,
        )
        event.listen(engine, "connect", keep_prepared)
        return engine

    def start(self) -> str:
        """What a start does before anything is served: compare the database and the ledger. What was found.

        Raises Disagrees, NoLedger.
        """
        owner = make_engine(in_database(self.server.urls.owner, self.database), pool_size=1)
        try:
            with open_session(owner) as session:
                redoing.lock(session)
                found, at = finding.look(session, self.ledger), self.clock()
                kind = found.verdict.kind
                if kind in ("restored", "moved"):
                    redoing.redo(session, self.ledger, self.keys, found, at=at)
                else:
                    redoing.destroy_keys(found.lines, self.keys, not_done=found.verdict.undone)
                redoing.put_voided_destructions_before_people(session, found)
                if kind == "new":
                    redoing.begin(session, self.ledger, found, at=at)
                elif kind == "crashed":
                    redoing.put_aside(session, self.ledger, found, at=at)
                session.commit()
        finally:
            owner.dispose()
        return str(kind)

    def connect_anew(self) -> None:
        """Forget every connection and all that was known of the database, as a process that starts."""
        for engine in (self.engine, self.observing):
            engine.dispose()
            write_apart(engine, self.ledger, refuse_another_epoch)

    def break_connections(self) -> None:
        """End every connection of ours from the other side, as a restart of the database does."""
        self._admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = %s and application_name = 'spheres web'",
            (self.database,),
        )

    def is_anybody_blocked(self) -> bool:
        """Whether a transaction waits for another one to let something go."""
        row = self._admin.execute(_IS_BLOCKED).fetchone()
        return row is not None and bool(row[0])

    def keep_copy(self) -> None:
        """Make a copy of the database, in the place of the one before."""
        self._leave()
        self.server.drop(self._copy)
        self.server.copy(self.database, self._copy)

    def put_copy_back(self) -> bool:
        """Have the copy in the place of the database; whether there is one."""
        self._leave()
        if not self.server.has(self._copy):
            return False
        self.server.drop(self.database)
        self.server.copy(self._copy, self.database)
        self.tell_time()
        return True

    @property
    def _copy(self) -> str:
        return f"{self.database}_copy"

    def end(self) -> None:
        """Leave the database and its copy for good."""
        self._leave()
        self.server.drop(self._copy)

    def _leave(self) -> None:
        self.engine.dispose()
        self.observing.dispose()
        if "_admin" in self.__dict__:
            self.__dict__.pop("_admin").close()

    def session(self) -> Session:
        """A session of the program, with all that its processes have, for who looks on and for the operator."""
        return self._of_program(self.program_id, self.observing)

    def _of_program(self, program_id: UUID, engine: Engine | None = None) -> Session:
        session = program_session(engine or self.engine, program_id)
        session.info.update(
            letter_templates=self.templates, keys=self.keys, time_zone=self.zone.key, seal_keys=self.seal_key
        )
        return session

    def installation(self) -> Installation:
        """The web's means."""
        return Installation(
            self.engine, self.templates, f"http://{HOST}", demonstration=True, clock=self.clock, keys=self.keys
        )

    def desk(self, journal: Journal) -> Desk:
        """A web process."""
        installation = self.installation()
        return Desk(create_app(installation), installation, self.program_id, self.loop, journal)

    def means(self) -> Means:
        """A worker's means."""
        return Means(
            self._of_program,
            lambda: open_session(self.engine),
            self.clock,
            self.post,
            self.seal_key,
            base_url=f"http://{HOST}",
        )

    def moment(self, day: date, hour: int, minute: int = 0) -> datetime:
        """A local time of a day, in UTC."""
        return datetime.combine(day, time(hour, minute), self.zone).astimezone(UTC)

    @property
    def today(self) -> date:
        """The local day."""
        return self.clock.now.astimezone(self.zone).date()

    def tell_time(self) -> None:
        """Have the database's own clock say the simulated moment."""
        self._admin.execute("update simulated.moment set now = %s", (self.clock.now,))

    def last_line(self) -> int:
        """The number of the newest line of the record."""
        row = self._admin.execute("select coalesce(max(n), 0) from event").fetchone()
        return int(row[0]) if row else 0

    @cached_property
    def _admin(self) -> psycopg.Connection[Any]:
        return self.reading()

    def superuser(self) -> psycopg.Connection[Any]:
        """The superuser's connection that is kept: another one after the database was put back."""
        return self._admin

    def reading(self) -> psycopg.Connection[Any]:
        """A connection of the superuser's, for who looks at everything."""
        return psycopg.connect(conninfo_of(in_database(self.server.urls.admin, self.database)), autocommit=True)


def _stationery() -> LetterTemplates:
    return stationery_for(
        sender=Mailbox("spheres@program.example", "SPHÈRES"),
        base_url=f"http://{HOST}",
        folders=letter_folders(),
        known=names_known,
    )


@contextmanager
def world_of(server: Server, seed: int, file: Declared[ProgramFile], begins: datetime) -> Iterator[World]:
    """An empty installation on a server, at a moment, with everything drawn from a seed."""
    chance = Chance(seed)
    clock = Clock(begins)
    marks, seal = (chance.stream("keys", name).randbytes(32) for name in ("marks", "seal"))
    with server.database() as name:
        folder = server.folder / name
        make_seal_key(folder / "keys" / "seal.json")
        make_ledger(folder / "ledger")
        ledger = FileLedger(folder / "ledger", FileSealKeys(folder / "keys" / "seal.json"))
        loop = asyncio.new_event_loop()
        world = World(
            server,
            name,
            folder,
            chance,
            file,
            clock,
            loop,
            keys=PeopleKeys(clock, marks),
            post=Post(clock),
            seal_key=SealKey(seal),
            ledger=ledger,
        )
        try:
            world.start()
            yield world
        finally:
            world.end()
            loop.close()
            shutil.rmtree(folder, ignore_errors=True)
