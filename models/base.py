"""What every table shares: the program it belongs to, its opaque id, and how it refers to another table.

Everything belongs to one program and nothing crosses. Primary, unique and foreign keys all begin with `program_id`, so
a row of one program cannot name, nor collide with, a row of another. Only what is looked up before a program is known
has a random key (`models.access`).
"""

import re
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any, Never, cast
from uuid import UUID, uuid4

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    DateTime,
    Dialect,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    Text,
    TypeDecorator,
    event,
    literal_column,
    text,
)
from sqlalchemy import Table as SqlTable
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, ExcludeConstraint
from sqlalchemy.orm import declared_attr
from sqlalchemy.sql.operators import OperatorType
from sqlmodel import Field, SQLModel

metadata: MetaData = SQLModel.metadata
metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

#: By this a column says, in what it has along, to which table it refers.
_REFERS_TO = "refers_to"

#: The transaction's own setting that says its program; empty, or never given, it says none.
PROGRAM_SETTING = "spheres.program_id"
#: The program of the running transaction, as the policies read it.
CURRENT_PROGRAM = f"nullif(current_setting('{PROGRAM_SETTING}', true), '')::uuid"


class Table(SQLModel):
    """A table of ours: its name is the class's own, in the words of the program."""

    # Pydantic's checks and writers for a row are made when first asked for, which never happens: rows are made as they
    # are given. Otherwise every process would make them for each of a hundred tables.
    model_config = {"defer_build": True}

    @declared_attr.directive
    def __tablename__(cls) -> str:  # noqa: N805 - asked of a class
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    if TYPE_CHECKING:

        def __setattr__(self, name: str, value: Never) -> None:
            """Refuse a name that no column has: SQLModel's own lets the type checker pass any."""


class InProgram(Table):
    """A row of one program. `id` is random, so it tells neither order nor number; it is what URLs carry."""

    program_id: UUID = Field(primary_key=True, foreign_key="program.id")
    id: UUID = Field(default_factory=uuid4, primary_key=True)


def to(table: str, *columns: str, **field: Any) -> Any:
    """A column that refers to a row of the same program: `to("person", default=None)` where the column is declared.

    It never cascades: people and their work are not deleted. With the name of a column it is the constraint alone, for
    `__table_args__`: of a column that is declared elsewhere, as `id` is.
    """
    if columns:
        return _reference(table, *columns)
    return Field(sa_column_kwargs={"info": {_REFERS_TO: table}}, **field)


def _reference(table: str, column: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["program_id", column], [f"{table}.program_id", f"{table}.id"])


@event.listens_for(SqlTable, "after_parent_attach")
def _add_references(table: SqlTable, _: object) -> None:
    for column in table.columns:
        if _REFERS_TO in column.info:
            table.append_constraint(_reference(column.info[_REFERS_TO], column.name))


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


def answered_by_another(*, unless: str) -> CheckConstraint:
    """Another answers than the one who asked, in any role, `unless` none has answered: only who asked takes it back."""
    return CheckConstraint(
        f"{unless} or (settled_by is not null and settled_by <> asked_by"
        " and settled_by is distinct from asked_for and settled_for is distinct from asked_by"
        " and (settled_for is null or asked_for is null or settled_for <> asked_for))",
        name="by_two",
    )


def never_twice(name: str, *equal: str, where: str | None = None) -> ExcludeConstraint:
    """No two rows that agree on `equal` share a day of `starts_on` to `ends_on` (inclusive, or open)."""
    same: list[tuple[ColumnElement[Any], str]] = [(literal_column(column), "=") for column in ("program_id", *equal)]
    span: ColumnElement[Any] = literal_column("daterange(starts_on, ends_on, '[]')")
    return ExcludeConstraint(*same, (span, "&&"), name=name, using="gist", where=text(where) if where else None)


def at_most_one(name: str, *equal: str, where: str, empty_is_alike: bool = False) -> Index:
    """No two rows agree on `equal`, of a program's of which `where` holds; `empty_is_alike` says of empty too."""
    return Index(
        name,
        "program_id",
        *equal,
        unique=True,
        postgresql_where=text(where),
        postgresql_nulls_not_distinct=empty_is_alike,
    )


def found_by(name: str, *columns: str, where: str) -> Index:
    """Rows of a program are looked for by these columns, among those of which `where` holds."""
    return Index(name, "program_id", *columns, postgresql_where=text(where))


def is_digest(column: str, *, or_empty: bool = False) -> CheckConstraint:
    """Only a SHA-256 is stored here, in hexadecimal: never the token, the cookie or the address that it is of."""
    empty = f"{column} = '' or " if or_empty else ""
    return CheckConstraint(f"{empty}{column} ~ '^[0-9a-f]{{64}}$'", name=column)


def in_order() -> CheckConstraint:
    """A span of days does not end before it starts."""
    return CheckConstraint("ends_on is null or ends_on >= starts_on", name="in_order")


def moment(**kwargs: Any) -> Any:
    """An instant, stored in UTC. A naive datetime is refused."""
    return Field(sa_type=DateTime(timezone=True), **kwargs)


def blob() -> Any:
    """Bytes that open with a key outside the database alone, or that are large: empty where there are none."""
    return Field(default=None, sa_type=LargeBinary)


def words(**kwargs: Any) -> Any:
    """A list of short texts, such as the guide's ids that a step comes from."""
    return Field(default_factory=list, sa_type=ARRAY(Text), **kwargs)


def structure(**kwargs: Any) -> Any:
    """A structure kept whole, as JSON: declared things, never anything nominative."""
    kwargs.setdefault("default_factory", dict)
    return Field(sa_type=JSONB, **kwargs)


def structured(read: Callable[[Any], Any], written: Callable[[Any], Any], **kwargs: Any) -> Any:
    """A structure kept as JSON and read as what `read` makes of it, which `written` makes the same JSON again."""
    return Field(sa_type=cast("Any", Structured(read, written)), **kwargs)


def days(**kwargs: Any) -> Any:
    """A list of local days, kept as ISO dates."""
    return structured(_read_days, _written_days, default_factory=list, **kwargs)


def _read_days(kept: list[str]) -> list[date]:
    return [date.fromisoformat(day) for day in kept]


def _written_days(read: list[date]) -> list[str]:
    return [day.isoformat() for day in read]


class Structured(TypeDecorator[Any]):
    """The type of a column that is `structured`: what asks for columns of JSON by their type asks for this one too."""

    impl = JSONB
    cache_ok = True

    def __init__(self, read: Callable[[Any], Any], written: Callable[[Any], Any]) -> None:
        super().__init__()
        self.read, self.written = read, written

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002 - as SQLAlchemy calls it
        """What the database keeps."""
        return None if value is None else self.written(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002 - as SQLAlchemy calls it
        """What is read; None where a row is joined that is not there."""
        return None if value is None else self.read(value)

    def coerce_compared_value(self, op: OperatorType | None, value: Any) -> Any:
        """What stands beside the column in a condition is JSON's own: a key, a place in a list, a part of it."""
        return self.impl_instance.coerce_compared_value(op, value)


def table_of(model: type[SQLModel]) -> SqlTable:
    """The SQL table behind a model, for the statements that read and write rows without objects."""
    table: SqlTable = model.__table__  # type: ignore[attr-defined]
    return table
