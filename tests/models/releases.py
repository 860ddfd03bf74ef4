"""What earlier releases left behind: the tables as their migrations made them, and rows that their own verbs wrote."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final

import psycopg
from alembic import command
from alembic.config import Config
from psycopg import sql
from sqlalchemy import NullPool, Text, column, create_engine, func, literal_column, make_url, select, table, text

from adapters.addresses import conninfo_of
from adapters.database import open_session
from models.base import table_of
from models.program import Organization, Person, Program
from tests.cast import Cast, Member
from tests.conftest import Copies, Database
from tests.models.conftest import as_superuser

#: Rows, table by table as COPY writes them. Being what a release left, they do not change.
LEFT: Final = Path(__file__).parent / "upgrade"

Rows = dict[str, list[str]]


def make_at(database: Database, revision: str) -> None:
    """The tables and walls of an earlier release: its migrations, and no later one."""
    engine = create_engine(database.owner_url, poolclass=NullPool)
    with engine.connect() as connection, as_file(files("models.migrations")) as scripts:
        connection.execute(text("create extension if not exists btree_gist"))
        connection.commit()
        config = Config()
        config.set_main_option("script_location", str(scripts).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()
    engine.dispose()


def fill(database: Database, copied: Path) -> None:
    """Put the rows in, as a restored backup does: without foreign keys, the counters where they had come to."""
    with (
        psycopg.connect(conninfo_of(database.admin_url)) as connection,
        gzip.open(copied, "rt", encoding="utf-8") as lines,
    ):
        connection.execute("set session_replication_role = replica")
        for line in lines:
            name, _, columns = line.removeprefix("copy ").strip().partition(" ")
            into = sql.SQL("copy {} ({}) from stdin").format(
                sql.Identifier(name), sql.SQL(", ").join(map(sql.Identifier, columns.strip("()").split(", ")))
            )
            with connection.cursor().copy(into) as rows:
                for row in lines:
                    if row == "\\.\n":
                        break
                    rows.write(row)
        for name in ("event", "notice"):
            connection.execute(
                sql.SQL("select setval(pg_get_serial_sequence({}, 'n'), (select max(n) from {}))").format(
                    sql.Literal(name), sql.Identifier(name)
                )
            )


@contextmanager
def left_by(copies: Copies, revision: str, copied: Path) -> Iterator[str]:
    """The name of a database as the release at a revision left it, which nobody is signed in to."""
    with copies.of("template0") as made:
        make_at(made, revision)
        fill(made, copied)
        made.engine.dispose()
        name = make_url(made.url).database
        assert name is not None
        yield name


def cast_of(database: Database, key: str, members: Mapping[str, Member]) -> Cast:
    """The people of one program as they stand in the rows."""
    program, organization, person = table_of(Program), table_of(Organization), table_of(Person)
    with open_session(database.engine) as session:
        program_id = session.execute(select(program.c.id).where(program.c.key == key)).scalar_one()
    cast = Cast(database, program_id, {}, {}, members)
    with cast.session() as session:
        organizations = dict(tuple(row) for row in session.execute(select(organization.c.key, organization.c.id)))
        people = dict(tuple(row) for row in session.execute(select(person.c.key, person.c.id)))
    return Cast(database, program_id, organizations, people, cast.members)


def columns_of(connection: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, one in connection.execute(
        text(
            "select table_name::text, column_name::text from information_schema.columns"
            " where table_schema = 'public' and table_name <> 'alembic_version' order by 1, 2"
        )
    ):
        found.setdefault(name, []).append(one)
    return found


def rows_of(database: Database, columns: dict[str, list[str]] | None = None) -> Rows:
    """Every row of every table as JSON, with these columns alone where they are named."""
    with as_superuser(database) as connection:
        wanted = columns or columns_of(connection)
        return {
            name: sorted(
                connection.execute(
                    select(func.row_to_json(literal_column("x")).cast(Text)).select_from(
                        select(*(column(one) for one in named)).select_from(table(name)).subquery("x")
                    )
                ).scalars()
            )
            for name, named in wanted.items()
        }


def differing(stood: list[str], stands: list[str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows that only the one has, and those that only the other has, by their ids."""

    def only(here: list[str], there: list[str]) -> list[dict[str, Any]]:
        return sorted((json.loads(row) for row in set(here) - set(there)), key=lambda row: str(row["id"]))

    return only(stood, stands), only(stands, stood)
