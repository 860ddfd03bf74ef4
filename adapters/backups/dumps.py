"""The database as one stream: what it holds at one moment, written by pg_dump, and taken into an empty one."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql
from pyrage import x25519

from adapters.addresses import conninfo_of
from adapters.backups.faults import BackupError
from adapters.backups.manifest import Content, HeadOf, ServerOf
from adapters.backups.sealed import Sealed, seal, unseal
from adapters.backups.tools import Tools, for_server, reached, running
from models.ledger import RESTORING

#: Held while a copy of this database is made, or one is brought back: of two machines, one does. Only we use it.
_COPYING: Final = 0x5F4E5246

_TABLES: Final = """
select relname from pg_class
where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition order by relname
"""
_RIGHTS: Final = """
select (select count(*) from pg_policies where schemaname = 'public'),
    (select count(*) from information_schema.role_column_grants where grantee = 'spheres_app')
"""
#: What makes a row the same text on every server.
_ALIKE: Final = (
    "-c timezone=UTC -c datestyle=ISO -c intervalstyle=postgres -c bytea_output=hex -c extra_float_digits=1"
    " -c statement_timeout=0 -c idle_in_transaction_session_timeout=0 -c lock_timeout=0"
)
_IS_OWNER: Final = """
select pg_has_role(datdba, 'usage') from pg_database where datname = current_database()
"""
_SAID: Final = """
select coalesce(shobj_description(oid, 'pg_database'), '') from pg_database where datname = current_database()
"""
#: Any object of ours, or of another: an empty database has none but its extensions'.
_ANY: Final = """
select exists (select from pg_class c where relnamespace = 'public'::regnamespace
    and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e'))
    or exists (select from pg_namespace where nspname not in ('public', 'information_schema')
        and nspname not like 'pg\\_%')
"""


@dataclass(frozen=True)
class Moment:
    """The database as it stood at one moment, for as long as a transaction holds that moment fast."""

    snapshot: str
    tools: Tools
    content: Content
    schema: str
    zone: str
    size: int
    server: ServerOf
    heads: Mapping[str, HeadOf]
    url: str = field(repr=False)

    def dump(self, path: Path, to: list[x25519.Recipient]) -> Sealed:
        """Write all of it into an encrypted file. Raises BackupError."""
        way = reached(self.url)
        options = ["--format=custom", "--compress=1", "--no-owner", "--no-comments", f"--snapshot={self.snapshot}"]
        command = [self.tools.program("pg_dump"), *options, f"--dbname={way.conninfo}"]
        with running(command, way, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as dumping:
            assert dumping.stdout is not None  # noqa: S101  # asked for above
            return seal(dumping.stdout, path, to)


@contextmanager
def alone(url: str) -> Iterator[bool]:
    """Whether no other process copies this database or brings it back, and none may until the end."""
    with signed_in(url) as connection:
        row = connection.execute("select pg_try_advisory_lock(%s)", [_COPYING]).fetchone()
        yield bool(row and row[0])


@contextmanager
def moment_of(url: str) -> Iterator[Moment]:
    """The database at this moment, as its owner sees it. Raises BackupError."""
    with signed_in(url) as connection:
        connection.execute("begin isolation level repeatable read, read only")
        tools = for_server(connection.info.server_version)
        # What is asked first fixes the moment, and the dump sees no other.
        snapshot = _value(connection, "select pg_export_snapshot()")
        zone = connection.execute("select time_zone from program order by key limit 1").fetchone()
        yield Moment(
            snapshot=str(snapshot),
            tools=tools,
            content=content_of(connection),
            schema=str(_value(connection, "select version_num from alembic_version")),
            zone=str(zone[0]) if zone else "America/Toronto",
            size=int(_value(connection, "select pg_database_size(current_database())")),
            server=_server_of(connection, tools.major),
            heads=_heads(connection),
            url=url,
        )


@contextmanager
def signed_in(url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection of its own, which says every value in one way. Raises BackupError where the database is away."""
    try:
        connection = psycopg.connect(conninfo_of(url, options=_ALIKE), autocommit=True, connect_timeout=10)
    except psycopg.OperationalError:
        raise BackupError("database_away", "The database does not answer, or its connection broke.") from None
    with connection:
        try:
            yield connection
        except psycopg.errors.UndefinedTable:
            raise BackupError("database_away", "The database is not up to date; run: spheres migrate") from None
        except psycopg.OperationalError as lost:
            if isinstance(lost, psycopg.errors.DiskFull):
                raise BackupError(
                    "disk_full", "There is no room left on the disk of the database. Nothing half done was kept."
                ) from None
            raise BackupError("database_away", "The database does not answer, or its connection broke.") from None


def content_of(connection: psycopg.Connection[Any]) -> Content:
    """What the database holds: of each table its rows, and a digest of them that does not hang on their order."""
    tables = {}
    one = sql.SQL("select count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text from public.{} t")
    for (name,) in connection.execute(_TABLES).fetchall():
        count, digest = connection.execute(one.format(sql.Identifier(name))).fetchall()[0]
        tables[str(name)] = [int(count), str(digest)]
    policies, rights = connection.execute(_RIGHTS).fetchall()[0]
    return Content(tables, int(policies), int(rights))


def compare(url: str, content: Content) -> int:
    """Hold a database against what was to be in it; returns its rows. Raises BackupError where anything differs."""
    with signed_in(url) as connection:
        found = content_of(connection)
    wrong = sorted(
        name for name in {*found.tables, *content.tables} if found.tables.get(name) != content.tables.get(name)
    )
    if wrong:
        raise BackupError(
            "not_verified", "What came back is not what was copied. Tables that differ: %(tables)s.",
            tables=", ".join(wrong),
        )  # fmt: skip
    if (found.policies, found.rights) != (content.policies, content.rights):
        raise BackupError("not_verified", "The walls of the database did not come back as they were.")
    return sum(int(one[0]) for one in found.tables.values())


def count(url: str) -> int:
    """The rows of a database. Raises BackupError."""
    with signed_in(url) as connection:
        return sum(int(one[0]) for one in content_of(connection).tables.values())


def which(url: str) -> str:
    """By what one database is told from another, also from one of the same name. Raises BackupError."""
    with signed_in(url) as connection:
        number = _value(connection, "select oid from pg_database where datname = current_database()")
        info = connection.info
        return f"{info.host}:{info.port}/{info.dbname} {number} {_server_of(connection, 0).system}"


def is_empty(url: str) -> bool:
    """Whether nothing lies in a database but its extensions. Raises BackupError."""
    with signed_in(url) as connection:
        return not _value(connection, _ANY)


def may_mark(url: str) -> bool:
    """Whether who signs in owns the database, so that it can say that a restore is at work in it."""
    with signed_in(url) as connection:
        return bool(_value(connection, _IS_OWNER))


def mark(url: str) -> None:
    """Have the database say that a restore is at work, before what its comment says; where it is the caller's own."""
    _comment(url, lambda said: said if said.startswith(RESTORING) else f"{RESTORING}. {said}")


def unmark(url: str) -> None:
    """Have it say that no longer, and what its comment said before."""
    _comment(url, lambda said: said.removeprefix(RESTORING).removeprefix(". "))


def _comment(url: str, change: Callable[[str], str]) -> None:
    with signed_in(url) as connection:
        if not _value(connection, _IS_OWNER):
            return
        said = change(str(_value(connection, _SAID)))
        named = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("comment on database {} is {}").format(named, sql.Literal(said or None)))


def load(path: Path, key: x25519.Identity, url: str, *, written_by: int) -> None:
    """Take a copy into an empty database, all of it or nothing, as its owner. Raises BackupError.

    `written_by` is the major version of the program that wrote it.
    """
    way = reached(url)
    with signed_in(url) as connection:
        version = connection.info.server_version
    tools = for_server(version, at_least=written_by)
    options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-comments"]
    command = [tools.program("pg_restore"), *options, f"--dbname={way.conninfo}"]
    with running(command, way, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as loading:
        assert loading.stdin is not None  # noqa: S101  # asked for above
        unseal(path, key, loading.stdin)
    with signed_in(url) as connection:
        connection.execute("analyze")


def empty_again(url: str) -> None:
    """Take out of a database what was just put into an empty one: all tables, to which all else belongs."""
    with signed_in(url) as connection, connection.transaction():
        for (name,) in connection.execute(_TABLES).fetchall():
            connection.execute(sql.SQL("drop table if exists public.{} cascade").format(sql.Identifier(name)))


def _heads(connection: psycopg.Connection[Any]) -> dict[str, HeadOf]:
    found = connection.execute(
        "select distinct on (program.key) program.key, number, signature from seal"
        " join program on program.id = seal.program_id order by program.key, number desc"
    ).fetchall()
    return {str(key): HeadOf(int(number), str(signature)) for key, number, signature in found}


def _server_of(connection: psycopg.Connection[Any], tools: int) -> ServerOf:
    """Which server it is, as far as its owner may know."""
    version = connection.info.server_version
    if not _value(connection, "select has_function_privilege('pg_control_system()', 'execute')"):
        return ServerOf(version, tools)
    return ServerOf(
        version,
        tools,
        str(_value(connection, "select system_identifier from pg_control_system()")),
        _value(connection, "select timeline_id from pg_control_checkpoint()"),
    )


def _value(connection: psycopg.Connection[Any], statement: LiteralString) -> Any:
    row = connection.execute(statement).fetchone()
    return None if row is None else row[0]
