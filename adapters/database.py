"""How our processes speak to the database: engines, sessions bound to one program, notifications, migrations."""

import logging
import re
import time
from contextlib import suppress
from enum import Enum, auto
from importlib.resources import as_file, files
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    NullPool,
    Text,
    cast,
    create_engine,
    event,
    func,
    literal_column,
    text,
)
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.orm import SessionTransaction
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from sqlmodel import Session

from adapters.addresses import conninfo_of, parts_of
from adapters.closing import Agree, told_of, write_apart
from locales import N_
from models.base import PROGRAM_SETTING
from models.ledger import IS_BEING_RESTORED
from models.ports import Ledger
from models.tables import metadata

_log = logging.getLogger(__name__)

STATEMENT_SECONDS: Final = 30
IDLE_IN_TRANSACTION_SECONDS: Final = 60
WAIT_FOR_CONNECTION_SECONDS: Final = 10

#: A machine that lost its power says nothing more, and what it has locked stays locked until the database gives it up:
#: without this after two hours. Of a socket of the same machine nothing is asked.
_GIVES_UP_THE_SILENT: Final = (
    "-c tcp_keepalives_idle=15 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 -c tcp_user_timeout=30s"
)

#: A connection unused for longer is asked whether it still lives; in daily work none is, so no answer waits for it.
QUIET_SECONDS: Final = 1.0

#: The revisions of trial versions, from before the first migration of a release. Nothing leads from them to here.
OF_TRIALS: Final = frozenset(f"{number:04}" for number in range(1, 35))

#: What is said where a migration is yet to come.
BEHIND: Final = N_("The database is not up to date; bring it there with: spheres migrate")

#: Two processes that start together must not both migrate. The number means nothing; only we use it.
_MIGRATION_LOCK: Final = 0x5F4E5245


def make_engine(
    url: str,
    *,
    pool_size: int = 10,
    in_a_rush: int | None = None,
    application_name: str = "spheres",
    ledger: Ledger | None = None,
    agree: Agree | None = None,
) -> Engine:
    """An engine for one process, thread-safe. Times come and go in UTC; a statement may take 30 s.

    `pool_size` connections are kept, and as many more, or `in_a_rush`, are opened in a rush and closed again. A caller
    who gets none in 10 s gets sqlalchemy's TimeoutError. After a restart of the database, a connection that lay unused
    is replaced unseen. Parameters are left out of errors: they may be nominative.

    What its sessions close is written to `ledger`; without one, they can close nothing. `agree` is asked before the
    first session is opened, in the first transaction on each new connection, before anything is closed, and now and
    then: a database that is put back breaks connections, and no process. What it raises is raised there.
    """
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size if in_a_rush is None else in_a_rush,
        pool_timeout=WAIT_FOR_CONNECTION_SECONDS,
        pool_recycle=3600,
        pool_use_lifo=True,  # a quiet hour lets the spare connections go stale together, and one serves
        hide_parameters=True,
        connect_args={
            "application_name": application_name,
            "connect_timeout": WAIT_FOR_CONNECTION_SECONDS,
            "options": _options(
                url,
                f"-c timezone=UTC -c statement_timeout={STATEMENT_SECONDS}s "
                f"-c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_SECONDS}s {_GIVES_UP_THE_SILENT}",
            ),
        },
    )
    _ask_the_quiet(engine)
    if ledger is not None:
        write_apart(engine, ledger, agree)
    return engine


def reading_engine(url: str, seconds: int) -> Engine:
    """An engine for who looks and changes nothing: a connection and a statement may take so long, and none is kept.

    The database itself refuses to write for it.
    """
    reads = f"-c timezone=UTC -c statement_timeout={seconds}s -c default_transaction_read_only=on"
    return create_engine(
        url,
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={
            "application_name": "spheres doctor",
            "connect_timeout": seconds,
            "options": _options(url, reads),
        },
    )


def program_session(engine: Engine, program_id: UUID) -> Session:
    """A session whose every transaction sees and writes the rows of `program_id` and of no other."""
    return _ProgramSession(engine, expire_on_commit=False, info={"program_id": program_id, **told_of(engine)})


def finding_session(engine: Engine) -> Session:
    """A session that finds out in its first transaction which program it is of: by a statement with `saying`.

    Until then only what lies open answers. With `session.info["program_id"]` set, each later transaction says it too.
    """
    return _ProgramSession(engine, expire_on_commit=False, info=told_of(engine))


def saying(program_id: ColumnElement[UUID]) -> ColumnElement[str]:
    """A column that says the program of the row found: the next statement of the transaction sees its rows.

    For a statement that finds one row at most. It saves each request a transaction, or a statement.
    """
    setting: ColumnElement[str] = literal_column(f"'{PROGRAM_SETTING}'", Text())
    return func.set_config(setting, cast(program_id, Text), literal_column("true"), type_=Text())


def open_session(engine: Engine) -> Session:
    """A session before the program is known: only what `models.walls` leaves open until then answers."""
    return Session(engine, expire_on_commit=False, info=told_of(engine))


class Listener:
    """Waits for notifications on `channels`, from one thread at a time, and repairs its own connection.

    Notifications sent while the connection was away are lost; a new connection therefore counts as news.
    """

    def __init__(self, url: str, *channels: str) -> None:
        self._address = conninfo_of(url)
        self._channels = channels
        self._connection: psycopg.Connection[Any] | None = None
        self._ended = False

    def wait(self, timeout_seconds: float) -> bool:
        """True when something may have happened; False when nothing was heard in `timeout_seconds`.

        A lost connection is replaced at once, and that is news. Where the database does not answer, waits the
        time out and returns False; the next call tries again.
        """
        deadline = time.monotonic() + timeout_seconds
        if self._connection is not None:
            try:
                return any(self._connection.notifies(timeout=timeout_seconds, stop_after=1))
            except psycopg.OperationalError:
                self.close()
        try:
            self._connect()
        except psycopg.OperationalError as refused:
            _log.warning("not listening: the database does not answer", extra={"error": type(refused).__name__})
            time.sleep(max(0.0, deadline - time.monotonic()))
            return False
        return True

    def close(self) -> None:
        """Give the connection back. A later `wait` opens another."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended = True
        self.close()

    def _connect(self) -> None:
        connection = psycopg.connect(
            self._address,
            autocommit=True,
            application_name="spheres listening",
            connect_timeout=WAIT_FOR_CONNECTION_SECONDS,
            # A silent network would leave us deaf: the kernel notices within a minute and a half.
            keepalives=1,
            keepalives_idle=30,
            keepalives_interval=15,
            keepalives_count=4,
        )
        try:
            for channel in self._channels:
                connection.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
        except psycopg.Error:
            connection.close()
            raise
        self._connection = connection
        if self._ended:
            # A wait in another thread connected just as this was ended: nothing else would close it.
            self.close()


def listen(url: str, *channels: str) -> Listener:
    """Start to listen on `channels`; the first `wait` returns at once, since nothing was heard before it."""
    return Listener(url, *channels)


def known_migrations() -> tuple[str, frozenset[str]]:
    """The newest migration that this program knows, and all of them: each is a file that begins with its number."""
    versions = files("models.migrations") / "versions"
    known = sorted(one.name.partition("_")[0] for one in versions.iterdir() if re.match(r"\d{4}_.*\.py$", one.name))
    return known[-1], frozenset(known)


class NewerDatabase(Exception):
    """The database stands at a migration that this program does not know: a newer one brought it there."""


class TrialDatabase(Exception):
    """A trial version made the database, before the first release. No migration leads from it to this program."""


def migrate(owner_url: str) -> None:
    """Bring the database to the newest migration, as its owner. A second process that starts meanwhile waits.

    Raises NewerDatabase or TrialDatabase, and changes nothing.
    """
    from alembic import command  # noqa: PLC0415  # a tenth of what the web reads to start, and it never migrates
    from alembic.config import Config  # noqa: PLC0415  # as the line above
    from alembic.script.revision import ResolutionError  # noqa: PLC0415  # as the line above
    from alembic.util import CommandError  # noqa: PLC0415  # as the line above

    engine = create_engine(owner_url, poolclass=NullPool)
    try:
        with engine.connect() as connection, as_file(files("models.migrations")) as scripts:
            # Held by the session, not the transaction: each migration commits its own.
            connection.execute(text("select pg_advisory_lock(:lock)"), {"lock": _MIGRATION_LOCK})
            _have_extensions(connection)
            connection.commit()
            config = Config()
            config.set_main_option("script_location", str(scripts).replace("%", "%%"))
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as failed:
                if not isinstance(failed.__cause__, ResolutionError):
                    raise
                connection.rollback()
                standing = connection.scalar(text("select version_num from alembic_version"))
                raise (TrialDatabase if standing in OF_TRIALS else NewerDatabase) from None
            connection.commit()
    finally:
        engine.dispose()


#: Whether the walls do not bind who asks.
PASSES_WALLS: Final = (
    "select r.rolsuper or r.rolbypassrls or exists (select from pg_class c"
    " where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')"
    " and pg_has_role(c.relowner, 'MEMBER')) from pg_roles r where r.rolname = current_user"
)


def knows_migration(revision: str) -> bool:
    """Whether a database at this migration is of this version of the program, or of one before it."""
    versions = files("models.migrations").joinpath("versions")
    return any(one.name.startswith(f"{revision}_") for one in versions.iterdir()) and revision.isalnum()


def passes_walls(url: str) -> bool:
    """Whether the role of this address is bound by no policy or may be the owner: as a superuser, or by what it holds.

    To such a role the walls between programs, and what is only ever added to, do not exist.
    """
    return _is_so(url, PASSES_WALLS)


def has_tables(url: str) -> bool:
    """Whether tables of the program are there, of any version: in an empty database there are none."""
    return _is_so(url, "select exists (select from pg_tables where schemaname = 'public' and tablename = 'program')")


def is_being_restored(url: str) -> bool:
    """Whether a copy is being brought back into this database, also by another machine, or that was cut off."""
    return _is_so(url, f"select {IS_BEING_RESTORED}")


def _is_so(url: str, question: str) -> bool:
    """What the database answers to one question, over a line of its own."""
    engine = create_engine(url, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            return bool(connection.scalar(text(question)))
    finally:
        engine.dispose()


class TablesStand(Enum):
    """How the tables of a database stand beside what this program works on."""

    BEHIND = auto()
    AS_NEEDED = auto()
    AHEAD = auto()


def tables_stand(url: str) -> TablesStand:
    """How the tables stand, by their columns, as the application's role sees them: it does not see the migrations."""
    engine = create_engine(url, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            seen = text("select table_name, column_name from information_schema.columns where table_schema = 'public'")
            there = {(row.table_name, row.column_name) for row in connection.execute(seen)}
    finally:
        engine.dispose()
    needed = {(table.name, column.name) for table in metadata.sorted_tables for column in table.columns}
    if needed - there:
        return TablesStand.BEHIND
    return TablesStand.AHEAD if there - needed else TablesStand.AS_NEEDED


class _ProgramSession(Session):
    """A session that says its program at the start of each transaction."""


@event.listens_for(_ProgramSession, "after_begin")
def _say_the_program(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    if transaction.nested or "program_id" not in session.info:
        return  # a savepoint keeps what its transaction said; a program not yet found is said where it is found
    # For this transaction alone: the connection goes back to the pool without a program.
    connection.exec_driver_sql(f"select set_config('{PROGRAM_SETTING}', %s, true)", (str(session.info["program_id"]),))


def _have_extensions(connection: Connection) -> None:
    """Add the extension for equality inside the exclusion constraints. It is a trusted one: the owner may add it."""
    connection.execute(text("create extension if not exists btree_gist"))


def _options(url: str, ours: str) -> str:
    """Our settings for each connection, then the caller's own from the URL, which therefore win."""
    return f"{ours} {parts_of(url).get('options', '')}".rstrip()


def _ask_the_quiet(engine: Engine) -> None:
    """Ask a connection whether it lives only after it lay unused: SQLAlchemy's own pre-ping asks each time."""

    def came_back(_: object, record: ConnectionPoolEntry) -> None:
        record.info["used_at"] = time.monotonic()

    def is_taken(connection: Any, record: ConnectionPoolEntry, _: PoolProxiedConnection) -> None:
        used_at = record.info.get("used_at")
        if used_at is None or time.monotonic() - used_at < QUIET_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except psycopg.Error as lost:
            raise InvalidatePoolError from lost

    event.listen(engine, "checkin", came_back)
    event.listen(engine, "checkout", is_taken)
