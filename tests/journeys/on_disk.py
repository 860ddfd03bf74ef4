"""What a database leaves on disk: its files with rows that were taken back, the log of its changes, what it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.databases import bare

#: Folders of the server: of rows, by database, and of the log of changes; and where it says what happened to it.
_ROWS, _CHANGES = "base", "pg_wal"
_SAID = ("start.log", "log/*")

_COMPRESSED = """
select class.relname, attname from pg_attribute join pg_class class on class.oid = attrelid
where relnamespace = 'public'::regnamespace and relkind = 'r' and attnum > 0
    and attstorage = 'x' and not attisdropped
"""


@dataclass(frozen=True)
class OnDisk:
    """The files of one database since a moment; the server is shared, and what others wrote before is left out."""

    connection: psycopg.Connection[Any]
    server: Path
    rows: Path
    change: str  # the file of the log of changes that was written then, and how far
    changed_at: int
    said: Mapping[Path, int]  # how long each file of what the server said was then

    def written(self) -> Iterator[tuple[Path, bytes]]:
        """Every file with what is in it now; what the server still had in memory is written down first."""
        self.connection.execute("checkpoint")
        (last,) = _one(self.connection, "select pg_walfile_name(pg_current_wal_lsn())")
        for file in sorted(one for one in self.server.rglob("*") if one.is_file()):
            part = file.relative_to(self.server).parts
            if part[0] == _ROWS and not (self.rows in file.parents or part[1] == "pgsql_tmp"):
                continue
            if part[0] == _CHANGES and not self.change <= file.name <= last:
                continue
            since = self.changed_at if file.name == self.change else self.said.get(file, 0)
            yield file, file.read_bytes()[since:]


@contextmanager
def on_disk(admin_url: str) -> Iterator[OnDisk]:
    """The files of a database from here on. The server compresses none of what it stores, so that it can be read."""
    with psycopg.connect(bare(admin_url), autocommit=True) as connection:
        for table, column in connection.execute(_COMPRESSED).fetchall():
            plainly = sql.SQL("alter table {} alter column {} set storage external")
            connection.execute(plainly.format(sql.Identifier(table), sql.Identifier(column)))
        server, own = _one(
            connection,
            "select current_setting('data_directory'), oid::text from pg_database where datname = current_database()",
        )
        change, changed_at = _one(
            connection, "select file_name, file_offset from pg_walfile_name_offset(pg_current_wal_lsn())"
        )
        folder = Path(server)
        said = {file: file.stat().st_size for place in _SAID for file in folder.glob(place)}
        yield OnDisk(connection, folder, folder / _ROWS / own, change, changed_at, said)


def _one(connection: psycopg.Connection[Any], query: str) -> tuple[Any, ...]:
    found = connection.execute(query.encode()).fetchone()
    assert found is not None
    return tuple(found)
