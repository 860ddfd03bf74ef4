"""What every table shares: the program it belongs to, its opaque id, and how it refers to another table.

Everything belongs to one program and nothing crosses. Primary, unique and foreign keys all begin with `program_id`, so
a row of one program cannot name, nor collide with, a row of another. Only what is looked up before a program is known
has a random key (`models.access`).
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Never
from uuid import UUID, uuid4

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    DateTime,
    ForeignKeyConstraint,
    MetaData,
    Text,
    and_,
    literal_column,
    text,
)
from sqlalchemy import Table as SqlTable
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, ExcludeConstraint
from sqlmodel import Field, SQLModel

metadata: MetaData = SQLModel.metadata
metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

#: The transaction's own setting that says its program; empty, or never given, it says none.
PROGRAM_SETTING = "spheres.program_id"
#: The program of the running transaction, as the policies read it.
CURRENT_PROGRAM = f"nullif(current_setting('{PROGRAM_SETTING}', true), '')::uuid"


class Table(SQLModel):
    """A table of ours: its name is the class's own, in the words of the program."""

    # Pydantic's checks and writers for a row are made when first asked for, which never happens: rows are made as they
    # are given. Otherwise every process would make them for each of a hundred tables.
    model_config = {"defer_build": True}
    __tablename__: ClassVar[Any]

    if TYPE_CHECKING:

        def __setattr__(self, name: str, value: Never) -> None:
            """Refuse a name that no column has: SQLModel's own lets the type checker pass any."""


class InProgram(Table):
    """A row of one program. `id` is random, so it tells neither order nor number; it is what URLs carry."""

    program_id: UUID = Field(primary_key=True, foreign_key="program.id")
    id: UUID = Field(default_factory=uuid4, primary_key=True)


def to(table: str, *columns: str) -> ForeignKeyConstraint:
    """A reference to a row of the same program. It never cascades: people and their work are not deleted.

    Each of `columns` is the referring column; give one.
    """
    (column,) = columns
    return ForeignKeyConstraint(["program_id", column], [f"{table}.program_id", f"{table}.id"])


def refers(column: ColumnElement[Any], table: SqlTable | Any) -> ColumnElement[bool]:
    """The join from a column made by `to` to the row of the same program that it names.

    `table` is a table, an alias of one, or a subquery with its `program_id` and `id`.
    """
    return and_(table.c.program_id == column.table.c.program_id, table.c.id == column)


def one_of(
    column: str, values: tuple[str, ...] | list[str], *, name: str | None = None, grows: bool = False
) -> CheckConstraint:
    """The values a word may take. A CHECK and not an enum, so that adding one is a plain migration.

    Where they are the rows of a registry, the list `grows` with it, and no migration names it (`models.registries`).
    """
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} in ({listed})", name=name or column, info={"grows": grows})


def together(name: str, *columns: str) -> CheckConstraint:
    """Columns that are all set or all empty: who acted, and when."""
    return CheckConstraint(f"num_nulls({', '.join(columns)}) in (0, {len(columns)})", name=name)


def never_twice(name: str, *equal: str, where: str | None = None) -> ExcludeConstraint:
    """No two rows that agree on `equal` share a day of `starts_on` to `ends_on` (inclusive, or open)."""
    same: list[tuple[ColumnElement[Any], str]] = [(literal_column(column), "=") for column in ("program_id", *equal)]
    span: ColumnElement[Any] = literal_column("daterange(starts_on, ends_on, '[]')")
    return ExcludeConstraint(*same, (span, "&&"), name=name, using="gist", where=text(where) if where else None)


def in_order() -> CheckConstraint:
    """A span of days does not end before it starts."""
    return CheckConstraint("ends_on is null or ends_on >= starts_on", name="in_order")


def moment(**kwargs: Any) -> Any:
    """An instant, stored in UTC. A naive datetime is refused."""
    return Field(sa_type=DateTime(timezone=True), **kwargs)


def words(**kwargs: Any) -> Any:
    """A list of short texts, such as the guide's ids that a step comes from."""
    return Field(default_factory=list, sa_type=ARRAY(Text), **kwargs)


def structure(**kwargs: Any) -> Any:
    """A structure kept whole, as JSON: declared things, never anything nominative."""
    kwargs.setdefault("default_factory", dict)
    return Field(sa_type=JSONB, **kwargs)


def utc(value: datetime) -> datetime:
    """`value` in UTC. Raises ValueError where it has no offset: a naive time means nothing here."""
    if value.tzinfo is None:
        msg = "a moment needs its offset"
        raise ValueError(msg)
    return value.astimezone(UTC)


def table_of(model: type[SQLModel]) -> SqlTable:
    """The SQL table behind a model, for the statements that read and write rows without objects."""
    table: SqlTable = model.__table__  # type: ignore[attr-defined]
    return table
