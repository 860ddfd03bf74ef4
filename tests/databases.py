"""The databases of the tests: copied from a template, put back as they were after each test, and lent again.

To put back costs a tenth of dropping and copying, and the next test finds connections that know the tables. What a
test wrote is found by the newest transaction that wrote in each table. A database whose catalogue changed, which
somebody still uses, or which served long enough is dropped; so are all where a fault left any doubt.
"""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, LiteralString, TypeVar

import psycopg
from psycopg import sql
from sqlalchemy import Dialect, Engine, QueuePool, make_url
from sqlalchemy.util import LRUCache

from adapters.addresses import conninfo_of
from adapters.closing import write_apart
from adapters.database import make_engine
from adapters.postgres import OWNER, DatabaseUrls
from tests.fakes.ledger import LEDGER

T = TypeVar("T")

_number = itertools.count(1)

#: Times that a database is lent. Each leaves dead rows behind, which nobody clears away.
LOANS: Final = 40

#: How long a test's threads may take to let go of the database.
PATIENCE_SECONDS: Final = 5

#: Connections that a database keeps between two tests, of the hundred that the server has for all.
KEPT: Final = 3

#: Where the catalogue keeps what a test could change: tables, columns, rules, rights, functions, triggers, schemas.
_CATALOGUE: Final = (
    *("pg_class", "pg_attribute", "pg_attrdef", "pg_constraint", "pg_index", "pg_policy", "pg_proc", "pg_trigger"),
    *("pg_namespace", "pg_type", "pg_sequence", "pg_extension", "pg_default_acl", "pg_event_trigger", "pg_statistic"),
)

#: How many rows a table has, and the newest transaction that wrote one of them. Deleting lowers the first.
_Stand = tuple[int, int]


@dataclass(frozen=True)
class Database:
    """One test's own database. `engine` and `url` are those of `spheres_app`."""

    engine: Engine
    url: str = field(repr=False)
    owner_url: str = field(repr=False)
    admin_url: str = field(repr=False)


@dataclass(frozen=True)
class Copies:
    """The superuser's connection, kept for the run, by which databases come and go."""

    urls: DatabaseUrls
    admin: psycopg.Connection[Any]
    _free: dict[str, list[_Place]] = field(default_factory=lambda: defaultdict(list))
    _lent: dict[str, _Place] = field(default_factory=dict)
    _contents: dict[str, _Content] = field(default_factory=dict)
    _arranged: dict[Callable[[], Any], tuple[_Content, Any]] = field(default_factory=dict)

    @contextmanager
    def of(self, template: str) -> Iterator[Database]:
        """A database like `template`, of the caller's own. Afterwards nobody is in it, whoever still used it."""
        place = self._free[template].pop() if self._free[template] else self._copy(template)
        self._lent[place.name] = place
        lent = place.lend()
        try:
            yield Database(
                lent, place.url, *(in_database(url, place.name) for url in (self.urls.owner, self.urls.admin))
            )
        finally:
            del self._lent[place.name]
            self._forget(place.name)
            if place.take_back(lent):
                self._free[template].append(place)
            else:
                self._drop(place)

    def arrange(self, lent: Database, key: Callable[..., Any], build: Callable[[], T]) -> T:
        """Have `build` fill a database that nobody wrote to yet, or always the same key before, and what it answered.

        It is asked once a run for each `key`; from then on its rows are put in as they stood, which takes a tenth.
        """
        place = self._lent[str(make_url(lent.url).database)]
        if key in self._arranged:
            content, made = self._arranged[key]
            place.take_on(content)
            found: T = made
            return found
        found = build()
        self._arranged[key] = place.read(), found
        return found

    def put_back(self, lent: Database, written: Collection[str]) -> bool:
        """Put tables back as they were, in a database that stays lent: for who knows where alone something was written.

        That costs a third of giving it back and taking another. False where it served long enough: it is to be given
        back, and nothing was put back.
        """
        place = self._lent[str(make_url(lent.url).database)]
        if place.is_worn:
            return False
        place.put_back(written)
        return True

    def end(self) -> None:
        """Leave every database: the server ends with the run, and all of them with it."""
        for place in itertools.chain.from_iterable(self._free.values()):
            place.leave()

    def run(self, statement: LiteralString, *names: str) -> None:
        """Run one statement about databases, which no transaction may hold."""
        self.admin.execute(sql.SQL(statement).format(*(sql.Identifier(name) for name in names)))

    def copy(self, template: str, name: str) -> None:
        """Copy a database under another name. Who makes one drops it."""
        if template in self._lent:
            self._lent[template].leave()  # a database that somebody is in is not copied
        self.run("create database {} template {} owner {} strategy file_copy", name, template, OWNER)

    def _copy(self, template: str) -> _Place:
        name = f"spheres_test_{next(_number)}"
        self.copy(template, name)
        url, admin_url = in_database(self.urls.app, name), bare(in_database(self.urls.admin, name))
        place = _Place(name, url, admin_url, known=self.urls.app)
        if template not in self._contents:
            self._contents[template] = place.read()
        place.is_like(self._contents[template])
        return place

    def _forget(self, name: str) -> None:
        """Drop the copies of a database that is a template no longer, since it may become another one."""
        self._contents.pop(name, None)
        for place in self._free.pop(name, []):
            self._drop(place)

    def _drop(self, place: _Place) -> None:
        place.leave()
        self.run("drop database {} with (force)", place.name)


@dataclass(frozen=True)
class _Content:
    """What a template holds, as it is put back: the rows of each table by COPY, and how its sequences stand."""

    columns: Mapping[str, sql.Composed]
    rows: Mapping[str, bytes]
    sequences: Mapping[str, tuple[int, bool]]
    stands: Mapping[str, _Stand]
    catalogue: Mapping[str, _Stand]


class _Place:
    """A database that tests use one after another, and the superuser's connection to it."""

    def __init__(self, name: str, url: str, admin_url: str, known: str) -> None:
        self.name = name
        self.url = url
        self._admin_url = admin_url
        self._admin: psycopg.Connection[Any] | None = None
        self._engine = make_engine(url)
        self._dialect, self._compiled = _known(known)
        self._content: _Content | None = None
        self._stands: dict[str, _Stand] = {}
        self._loans = 0

    def is_like(self, content: _Content) -> None:
        """Say what the database was copied from, and is put back to."""
        self._content = content
        self._stands = dict(content.stands)

    def lend(self) -> Engine:
        """An engine for one test: what listens to it ends with it; connections and compiled statements stay."""
        lent = Engine(self._engine.pool, self._dialect, self._engine.url, hide_parameters=True)
        write_apart(lent, LEDGER)
        lent._compiled_cache = self._compiled
        return lent

    def leave(self) -> None:
        """Be in the database no longer."""
        self._engine.pool.dispose()
        if self._admin is not None:
            self._admin.close()
            self._admin = None

    def read(self) -> _Content:
        """All that is in the database."""
        at = self._superuser()
        columns: dict[str, sql.Composed] = {}
        rows: dict[str, bytes] = {}
        for name, of_table in at.execute(_TABLES).fetchall():
            columns[name] = sql.SQL(", ").join(sql.Identifier(column) for column in of_table)
            sending = sql.SQL("copy {} ({}) to stdout (format binary)").format(sql.Identifier(name), columns[name])
            with at.cursor().copy(sending) as sent:
                rows[name] = b"".join(bytes(part) for part in sent)
        return _Content(columns, rows, self._sequences(), self._look(columns), self._look(_CATALOGUE))

    def take_on(self, content: _Content) -> None:
        """Hold what another database of the same tables held, in the place of what is there."""
        assert self._content is not None
        self._put_in(content, [name for name, rows in content.rows.items() if rows != self._content.rows[name]])

    @property
    def is_worn(self) -> bool:
        """Whether so many served themselves of it that another one is made."""
        return self._loans >= LOANS

    def put_back(self, written: Collection[str]) -> None:
        """Put these tables back as they were, for one more to use the database."""
        assert self._content is not None
        self._loans += 1
        self._put_in(self._content, written)
        self._stands |= self._look(written)

    def take_back(self, lent: Engine) -> bool:
        """Put everything back as it was. False where the database has to go, which loses a little time and no more."""
        is_quiet = _all_back(lent)
        own, lent.pool = lent.pool, QueuePool(_refuse)  # a thread that lives on does not reach into the next test
        if own is not self._engine.pool:
            own.dispose()  # a test that disposed of its engine got another pool
            return False
        if self.is_worn or self._content is None or not is_quiet:
            return False
        try:
            self._send_away()
            if self._look(_CATALOGUE) != self._content.catalogue:
                return False
            stands = self._look(self._content.columns)
            self.put_back([name for name in stands if stands[name] != self._stands[name]])
        except psycopg.Error:
            return False
        return True

    def _superuser(self) -> psycopg.Connection[Any]:
        """A connection for which no trigger and no foreign key stands in the way."""
        if self._admin is None:
            no_rules = f"-c session_replication_role=replica -c lock_timeout={PATIENCE_SECONDS}s"
            self._admin = psycopg.connect(self._admin_url, autocommit=True, options=no_rules)
        return self._admin

    def _look(self, tables: Collection[str]) -> dict[str, _Stand]:
        rows = self._superuser().execute(_stands_of(tuple(tables)), prepare=True) if tables else ()
        return {name: (count, newest) for name, count, newest in rows}

    def _sequences(self) -> dict[str, tuple[int, bool]]:
        at = self._superuser()
        stands: dict[str, tuple[int, bool]] = {}
        for (name,) in at.execute(_SEQUENCES).fetchall():
            ((last, is_called),) = at.execute(
                sql.SQL("select last_value, is_called from {}").format(sql.Identifier(name))
            )
            stands[name] = (last, is_called)
        return stands

    def _send_away(self) -> None:
        """End every connection but ours and the few that the next test takes over."""
        at, pool = self._superuser(), self._engine.pool
        assert isinstance(pool, QueuePool)
        if pool.checkedin() > KEPT:
            pool.dispose()
        held = [record.dbapi_connection for record in list(pool._pool.queue)]  # type: ignore[attr-defined]
        kept = [one.info.backend_pid for one in held if isinstance(one, psycopg.Connection)]
        until = time.monotonic() + PATIENCE_SECONDS
        while at.execute(_OTHERS, {"kept": kept}).fetchall():
            if time.monotonic() > until:
                msg = "somebody stays in the database"
                raise psycopg.OperationalError(msg)
            time.sleep(0.002)

    def _put_in(self, content: _Content, tables: Collection[str]) -> None:
        at = self._superuser()
        with at.transaction():
            for name in tables:
                at.execute(sql.SQL("delete from {}").format(sql.Identifier(name)))
                taking = sql.SQL("copy {} ({}) from stdin (format binary)")
                with at.cursor().copy(taking.format(sql.Identifier(name), content.columns[name])) as taken:
                    taken.write(content.rows[name])
            for name, (last, is_called) in content.sequences.items():
                at.execute("select setval(%s::regclass, %s, %s)", [sql.Identifier(name).as_string(), last, is_called])


_TABLES: Final = """
select class.relname, array_agg(attname::text order by attnum)
from pg_class class join pg_attribute on attrelid = class.oid
where relnamespace = 'public'::regnamespace and relkind = 'r'
    and attnum > 0 and not attisdropped and attgenerated = ''
group by class.relname order by class.relname
"""
_SEQUENCES: Final = "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'S'"
_OTHERS: Final = """
select pg_terminate_backend(pid) from pg_stat_activity
where datname = current_database() and backend_type = 'client backend'
    and pid <> pg_backend_pid() and pid <> all(%(kept)s::int[])
"""


@cache
def _stands_of(tables: tuple[str, ...]) -> sql.Composed:
    one = sql.SQL("select {}, count(*), coalesce(max(xmin::text::bigint), 0) from {}")
    return sql.SQL(" union all ").join(one.format(sql.Literal(name), sql.Identifier(name)) for name in tables)


@cache
def _known(url: str) -> tuple[Dialect, LRUCache[Any, Any]]:
    """One dialect and one store of compiled statements for all engines of the run: the statements are the same."""
    engine = make_engine(url)
    with engine.connect():  # what a dialect knows of the server it learns at its first connection
        pass
    engine.dispose()
    return engine.dialect, LRUCache(5000)


def _refuse() -> Any:
    msg = "this database was another test's"
    raise psycopg.OperationalError(msg)


def _all_back(engine: Engine) -> bool:
    """Wait a little for connections that a thread of the test, or a server in it, is just giving back.

    One that comes back to a pool that was disposed of is closed by nobody, and fails whichever test runs by then.
    """
    until = time.monotonic() + PATIENCE_SECONDS
    while isinstance(engine.pool, QueuePool) and engine.pool.checkedout():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def in_database(url: str, name: str) -> str:
    """The same server and role, in the database `name`."""
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def bare(url: str) -> str:
    """The address as libpq reads it."""
    return conninfo_of(url)
