"""The walls between programs: that they stand on every table, and are felt by a query of the application's own role."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from uuid import uuid4

from sqlalchemy import Connection, text

from api.cli.checkup.finding import Check, Finding, Group, named, words
from api.cli.checkup.house import House
from locales import N_
from models.base import PROGRAM_SETTING
from models.tables import metadata
from models.walls import ADDED_BY_OWN, APPEND_ONLY, CHOSEN_FROM, DELETABLE, WITHOUT_POLICY

STAND: Final = Check("walls.stand", N_("Row-level security stands on each table of a program"))
HOLD: Final = Check("walls.hold", N_("No row of a program shows where it should not"))
GRANTS: Final = Check("walls.grants", N_("The application may delete and rewrite only what it should"))

_PUT_UP: Final = N_("Stop the installation, and look at who changed the database. Then put the wall up again: %(how)s")
_ALL: Final = tuple(table.name for table in metadata.sorted_tables)
_WALLED: Final = tuple(name for name in _ALL if name not in WITHOUT_POLICY)
#: Rows of these are found before a program is known, by ids and digests alone.
_FOUND_FIRST: Final = frozenset({*ADDED_BY_OWN, *CHOSEN_FROM})

_STANDING: Final = text(
    "select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relrowsecurity"
    " and exists (select from pg_policy p where p.polrelid = c.oid)"
)
_MAY: Final = text(
    "select c.relname, has_table_privilege(c.oid, 'DELETE'), has_table_privilege(c.oid, 'UPDATE'),"
    " has_table_privilege(c.oid, 'TRUNCATE')"
    " from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'"
)


def look(house: House) -> Iterator[Finding]:
    """Look at what is declared in the database, then try it."""
    with house.engine.connect() as connection:
        there = set(connection.scalars(text("select tablename from pg_tables where schemaname = 'public'")))
        missing = [name for name in _ALL if name not in there]
        if missing:
            why = words(N_("Tables are missing: %(tables)s."), tables=named(missing))
            yield from (one.not_asked(why) for one in GROUP.checks)
            return
        yield _stand(connection)
        yield _hold(connection)
        yield _grants(connection)


def _stand(connection: Connection) -> Finding:
    standing = set(connection.scalars(_STANDING))
    open_ones = [name for name in _WALLED if name not in standing]
    if open_ones:
        return STAND.wrong(
            words(N_("No wall stands on: %(tables)s."), tables=named(open_ones)),
            words(_PUT_UP, how="alter table … enable row level security"),
        )
    return STAND.ok(N_("Tables with a wall: %(count)s."), count=len(_WALLED))


def _hold(connection: Connection) -> Finding:
    """Ask for any row, before a program is said and as a program that there is not."""
    seen_by_none = _shown(connection, [name for name in _WALLED if name not in _FOUND_FIRST], program="")
    seen_by_another = _shown(connection, _WALLED, program=str(uuid4()))
    shown = sorted({*seen_by_none, *seen_by_another})
    if shown:
        return HOLD.wrong(
            words(N_("Rows show that are of no program of the asker, in: %(tables)s."), tables=named(shown)),
            words(_PUT_UP, how="alter table … enable row level security"),
        )
    return HOLD.ok(N_("Tried as the application, on each table."))


def _shown(connection: Connection, tables: Sequence[str], *, program: str) -> list[str]:
    """The tables that show a row to a transaction that says this program, or none."""
    quoted = connection.dialect.identifier_preparer.quote
    asked = ", ".join(f"exists (select from {quoted(name)})" for name in tables)
    with connection.begin_nested():
        connection.execute(text(f"select set_config('{PROGRAM_SETTING}', :program, true)"), {"program": program})
        found = connection.execute(text(f"select {asked}")).one()
    return [name for name, shows in zip(tables, found, strict=True) if shows]


def _grants(connection: Connection) -> Finding:
    too_much = sorted(_beyond(connection.execute(_MAY).all()))
    if too_much:
        return GRANTS.wrong(
            words(N_("The application may do more than it should: %(what)s."), what=named(too_much)),
            words(_PUT_UP, how="revoke … on … from spheres_app"),
        )
    return GRANTS.ok(N_("What is written once can be neither changed nor deleted."))


def _beyond(may: Iterable[Sequence[object]]) -> Iterator[str]:
    for name, delete, update, truncate in may:
        if name not in _ALL:
            continue
        if delete and name not in DELETABLE:
            yield f"delete {name}"
        if update and (name in APPEND_ONLY or name in ADDED_BY_OWN):
            yield f"update {name}"
        if truncate:
            yield f"truncate {name}"


GROUP: Final = Group("walls", N_("Walls between programs"), (STAND, HOLD, GRANTS), look, needs_database=True)
