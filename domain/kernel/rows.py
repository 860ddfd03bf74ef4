"""Rows with types: what a statement reads, as objects whose columns the type checker knows.

To the type checker a row is its model: a column that was renamed is found wherever it is read. When it runs, a row is
a named tuple: a snapshot that no later statement changes. The condition that a row is of the session's program
stands here alone; behind it are the database's policies.
"""

from __future__ import annotations

import collections
from collections.abc import Sequence
from functools import cache
from typing import Any, Final, Protocol, Self, TypeVar, TypeVarTuple, cast, overload
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    CursorResult,
    Delete,
    Executable,
    ScalarResult,
    Select,
    Table,
    Update,
    Uuid,
    and_,
    any_,
    bindparam,
    inspect,
    literal_column,
    null,
)
from sqlalchemy.sql.selectable import TypedReturnsRows
from sqlmodel import Session, SQLModel
from sqlmodel.sql.expression import Select as Picked
from sqlmodel.sql.expression import SelectOfScalar

from domain.kernel.asking import Values as Given
from domain.kernel.asking import ask
from models.base import CURRENT_PROGRAM, InProgram, table_of

#: The configuration of a shape: a model with further columns, and no table of its own.
SHAPE: Final[Any] = {"table": False, "defer_build": True}

T = TypeVar("T")
R = TypeVar("R", bound=SQLModel)
P = TypeVar("P", bound=InProgram)
V = TypeVar("V")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
F = TypeVar("F")
Ts = TypeVarTuple("Ts")


class OfProgram(Protocol):
    """A model with rows of a program, whether or not a policy keeps them there."""

    program_id: UUID


_HERE: Final[ColumnElement[Any]] = literal_column(CURRENT_PROGRAM)


# ------------------------------------------------------------------------------------------------- what is asked


def of(shape: type[R], *, without: tuple[Any, ...] = ()) -> SelectOfScalar[R]:
    """The rows of a model, or of a shape on one, in the session's program: narrow, join, order or lock it.

    Columns named `without` are not read, and are None in each row: what is sealed or large, where it is not shown.
    """
    return cast("SelectOfScalar[R]", _of(shape, tuple(column.key for column in without)))


def in_program(model: type[OfProgram] | Table) -> ColumnElement[bool]:
    """The condition that a row of a model or its table, or of an alias of one, is of the session's program."""
    column = model.c.program_id if isinstance(model, Table) else model.program_id
    return cast("ColumnElement[bool]", column == _HERE)


def same(model: type[OfProgram], other: type[OfProgram]) -> ColumnElement[bool]:
    """The condition that two rows, of models or aliases of them, are of one program."""
    return cast("ColumnElement[bool]", model.program_id == other.program_id)


@overload
def only(a: type[R], /) -> SelectOfScalar[R]: ...
@overload
def only(a: ColumnElement[A], /) -> SelectOfScalar[A]: ...
@overload
def only(a: A, /) -> SelectOfScalar[A]: ...
@overload
def only(a: ColumnElement[A], b: ColumnElement[B], /) -> Picked[A, B]: ...
@overload
def only(a: ColumnElement[A], b: B, /) -> Picked[A, B]: ...
@overload
def only(a: A, b: ColumnElement[B], /) -> Picked[A, B]: ...
@overload
def only(a: A, b: B, /) -> Picked[A, B]: ...
@overload
def only(a: A, b: B, c: C, /) -> Picked[A, B, C]: ...
@overload
def only(a: A, b: B, c: C, d: D, /) -> Picked[A, B, C, D]: ...
@overload
def only(a: A, b: B, c: C, d: D, e: E, /) -> Picked[A, B, C, D, E]: ...
@overload
def only(a: A, b: B, c: C, d: D, e: E, f: F, /) -> Picked[A, B, C, D, E, F]: ...
@overload
def only(a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, /, *more: Any) -> AnySelect: ...
def only(*columns: Any) -> Any:
    """Some columns of rows in the session's program: those of the model that the first column is of."""
    return select(*columns).where(in_program(columns[0].class_))


@overload
def select(a: type[R], /) -> SelectOfScalar[R]: ...
@overload
def select(a: ColumnElement[A], /) -> SelectOfScalar[A]: ...
@overload
def select(a: A, /) -> SelectOfScalar[A]: ...
@overload
def select(a: ColumnElement[A], b: ColumnElement[B], /) -> Picked[A, B]: ...
@overload
def select(a: ColumnElement[A], b: B, /) -> Picked[A, B]: ...
@overload
def select(a: A, b: ColumnElement[B], /) -> Picked[A, B]: ...
@overload
def select(a: A, b: B, /) -> Picked[A, B]: ...
@overload
def select(a: A, b: B, c: C, /) -> Picked[A, B, C]: ...
@overload
def select(a: A, b: B, c: C, d: D, /) -> Picked[A, B, C, D]: ...
@overload
def select(a: A, b: B, c: C, d: D, e: E, /) -> Picked[A, B, C, D, E]: ...
@overload
def select(a: A, b: B, c: C, d: D, e: E, f: F, /) -> Picked[A, B, C, D, E, F]: ...
@overload
def select(a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, /, *more: Any) -> AnySelect: ...
def select(*columns: Any) -> Any:
    """Some columns of rows, with no condition: beside `only`, or where no program is known yet."""
    return SelectOfScalar(*columns) if len(columns) == 1 else Picked(*columns)


def col(column: V) -> ColumnElement[V]:
    """A model's column as a part of a statement, where the type checker would take it for a value."""
    return cast("ColumnElement[V]", column)


def inside(column: object) -> Any:
    """A model's structure as a part of a statement, with the operators that structures and lists have."""
    return column


def among(column: UUID | None, name: str) -> ColumnElement[bool]:
    """The condition that a column names one of the ids that are given with the statement under `name`."""
    return col(column) == any_(bindparam(name, type_=ARRAY(Uuid())))


def value_of(expression: ColumnElement[V]) -> V:
    """An expression among the columns of `only` or `select`, as the value that is read."""
    return cast("V", expression)


class RowsChange(Update):
    """A change of rows whose conditions may be comparisons of a model's columns, as the type checker sees them."""

    inherit_cache = True

    def where(self, *conditions: Any) -> Self:
        """Narrow the statement."""
        return super().where(*conditions)


class Removal(Delete):
    """A removal of rows, likewise."""

    inherit_cache = True

    def where(self, *conditions: Any) -> Self:
        """Narrow the statement."""
        return super().where(*conditions)


def changes(model: type[OfProgram]) -> RowsChange:
    """A change of a model's rows in the session's program: narrow it, and give it its values."""
    return RowsChange(cast("Any", model)).where(in_program(model))


def removes(model: type[OfProgram]) -> Removal:
    """A removal of a model's rows in the session's program: narrow it."""
    return Removal(cast("Any", model)).where(in_program(model))


def joins(column: Any, model: Any) -> ColumnElement[bool]:
    """The join from a column that refers to another table to the row of `model`, or of an alias, that it names."""
    of_it, other = column.expression.table.c, inspect(model).selectable.c
    return and_(other.program_id == of_it.program_id, other.id == column)


def also(column: V) -> V:
    """A further column of a shape, beside those of its model."""
    return column


def surely(column: V | None) -> V:
    """A further column of a shape that may be empty in its table, and never is where the shape is read."""
    return cast("V", column)


# -------------------------------------------------------------------------------------------------- what is read


#: A statement of columns that are not told apart.
AnySelect = Picked[*tuple[Any, ...]]
Values = Given | Sequence[Given] | None


@overload
def run(  # type: ignore[overload-overlap]  # the first that fits
    session: Session, statement: TypedReturnsRows[*Ts], /, values: Values = None
) -> CursorResult[*Ts]: ...
@overload
def run(session: Session, statement: Executable, /, values: Values = None) -> CursorResult[Any]: ...
def run(session: Session, statement: Executable, /, values: Values = None) -> CursorResult[Any]:
    """Execute a statement in the session's transaction, beside its objects: none is made, changed or flushed."""
    return cast("CursorResult[Any]", ask(session, statement, values))


def tuples(session: Session, statement: TypedReturnsRows[*Ts], /, values: Given | None = None) -> Sequence[tuple[*Ts]]:
    """Every row that a statement of picked columns finds."""
    return cast("Sequence[tuple[*Ts]]", ask(session, statement, values).all())


@overload
def scalars(session: Session, statement: TypedReturnsRows[T], /, values: Values = None) -> ScalarResult[T]: ...
@overload
def scalars(session: Session, statement: Executable, /, values: Values = None) -> ScalarResult[Any]: ...
def scalars(session: Session, statement: Executable, /, values: Values = None) -> ScalarResult[Any]:
    """The one picked column of every row that a statement finds."""
    return ask(session, statement, values).scalars()


@overload
def scalar(session: Session, statement: TypedReturnsRows[T], /, values: Values = None) -> T | None: ...
@overload
def scalar(session: Session, statement: Executable, /, values: Values = None) -> Any: ...
def scalar(session: Session, statement: Executable, /, values: Values = None) -> Any:
    """The one picked column of the first row that a statement finds, or None."""
    return ask(session, statement, values).scalar()


def there_is(session: Session, statement: Select[Any], /) -> bool:
    """Whether a statement finds a row."""
    return ask(session, statement.limit(1), None).first() is not None


def every(session: Session, statement: Select[R], /, values: Given | None = None) -> list[R]:
    """Every row that a statement made by `of` finds."""
    make = _maker(statement)
    return [make(row) for row in ask(session, statement, values)]


def first(session: Session, statement: Select[R], /, values: Given | None = None) -> R | None:
    """The first row that a statement made by `of` finds, or None."""
    row = ask(session, statement, values).first()
    return None if row is None else cast("R", _maker(statement)(row))


def replaced(row: R, **values: Any) -> R:
    """A row with other values in some of its columns."""
    return cast("R", cast("Any", row)._replace(**values))


# --------------------------------------------------------------------------------------------------------- behind


@cache
def frozen(shape: type[R]) -> type[R]:
    """The named tuple that rows of a model or shape are at run time."""
    plain: Any = collections.namedtuple(shape.__name__, list(_columns(shape)))  # type: ignore[misc]  # noqa: PYI024
    said = {**_said_by(shape), "__slots__": (), "__doc__": shape.__doc__}
    return cast("type[R]", type(shape.__name__, (plain,), said))


def _said_by(shape: type[SQLModel]) -> dict[str, object]:
    """The properties that a model gives its rows, such as a person's name."""
    known = [one for one in shape.__mro__ if issubclass(one, SQLModel) and one is not SQLModel]
    return {name: given for one in reversed(known) for name, given in vars(one).items() if isinstance(given, property)}


@cache
def _of(shape: type[SQLModel], without: tuple[str, ...]) -> Select[Any]:
    model, columns = _model(shape), _columns(shape)
    more = [column for name, column in columns.items() if name not in table_of(model).columns]
    read = [null().label(name) if name in without else column for name, column in columns.items()]
    found: Select[Any] = SelectOfScalar(*(read if without else (model, *more))).execution_options(shape=frozen(shape))
    return found.where(in_program(model)) if issubclass(model, InProgram) else found


def _maker(statement: Select[Any]) -> Any:
    shape = statement.get_execution_options().get("shape") or frozen(statement.column_descriptions[0]["type"])
    return cast("Any", shape)._make


def _columns(shape: type[SQLModel]) -> dict[str, object]:
    model = _model(shape)
    found = {column.name: getattr(model, column.name) for column in table_of(model).columns}
    return found | {name: given.default for name, given in shape.model_fields.items() if name not in found}


def _model(shape: type[SQLModel]) -> type[SQLModel]:
    return next(one for one in shape.__mro__ if "__table__" in vars(one))
