"""The lists of words that are the rows of a registry: the database takes each row as the program has it.

A further row so needs no migration: each upgrade writes the list anew. A row that is gone is refused where a record
still has it.
"""

import re
from typing import Final

from sqlalchemy import CheckConstraint, Connection, text

from models.tables import metadata

_WORD: Final = re.compile(r"'([^']*)'")
_DEFINITION: Final = text("select pg_get_constraintdef(oid) from pg_constraint where conname = :name")


def write_growing_lists(connection: Connection) -> None:
    """Have each check that grows with a registry list what that has now; one that lists it already is left alone."""
    prepared = connection.dialect.identifier_preparer
    for table in metadata.sorted_tables:
        for check in table.constraints:
            if not isinstance(check, CheckConstraint) or not check.info.get("grows"):
                continue
            name = str(prepared.format_constraint(check))
            wanted = str(check.sqltext)
            if _WORD.findall(connection.scalar(_DEFINITION, {"name": name}) or "") == _WORD.findall(wanted):
                continue
            connection.exec_driver_sql(
                f"alter table {prepared.format_table(table)} drop constraint if exists {name},"
                f" add constraint {name} check ({wanted})"
            )
