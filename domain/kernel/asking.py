"""Statements that are built once, and what a request that changes nothing reads by them: once, and several at a time.

`built` marks a statement of a module, whose values have names. In a session that `remembers`, the rows that it found
are kept for whoever asks it again with the same values; `ask_ahead` asks several in one statement, for those who ask
each of them next. In any other session each is asked when it is asked: verbs read what they wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from functools import cache
from types import MappingProxyType
from typing import Any, Final, Generic, NamedTuple, TypeVar, cast
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    CompoundSelect,
    Date,
    DateTime,
    Executable,
    IteratorResult,
    Label,
    LargeBinary,
    Null,
    Numeric,
    Result,
    Select,
    Time,
    TypeDecorator,
    Uuid,
    func,
    literal_column,
    select,
)
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.exc import DataError
from sqlalchemy.types import NullType, TypeEngine
from sqlmodel import Session

from domain.kernel.typed_words import not_text

S = TypeVar("S", bound=Executable)
T = TypeVar("T")

Q = TypeVar("Q")
#: The values of a statement, by their names.
Values = Mapping[str, object]


class Question(NamedTuple, Generic[Q]):
    """A built statement, and the values of its names."""

    statement: Q
    values: Values = MappingProxyType({})


_BUILT: Final = "built"
_KEPT: Final = "rows_kept"


def built(statement: S) -> S:
    """Mark a statement that stands in a module, and whose values all have names."""
    return statement.execution_options(**{_BUILT: True})


def remember(session: Session) -> None:
    """Have a session keep the rows that built statements find: of a request that changes nothing."""
    session.info[_KEPT] = {}


def ask(session: Session, statement: Executable, values: Any) -> Result[Any]:
    """What a statement finds, on the session's connection, or found before in a session that remembers."""
    kept = session.info.get(_KEPT)
    if kept is None or _BUILT not in statement.get_execution_options():
        return _executed(session, statement, values)
    key = (statement, _frozen(values or {}))
    rows = kept.get(key)
    if rows is None:
        rows = kept[key] = [tuple(row) for row in _executed(session, statement, values)]
    return IteratorResult(_names_of(statement), iter(rows))


def _executed(session: Session, statement: Executable, values: Any) -> Result[Any]:
    """Raises Refusal where a text that was typed holds a NUL, which no column takes nor is compared with."""
    try:
        return cast("Result[Any]", session.connection().execute(statement, values))
    except DataError as error:
        if "NUL" in str(error.orig):
            raise not_text() from None
        raise


def kept(session: Session, key: tuple[object, ...], make: Callable[[], T]) -> T:
    """What `make` makes of what it reads; in a session that remembers, what it made before under the same key."""
    known = session.info.get(_KEPT)
    if known is None:
        return make()
    if key not in known:
        known[key] = make()
    return cast("T", known[key])


def kept_by_id(
    session: Session, name: object, ids: Iterable[UUID], read: Callable[[list[UUID]], Mapping[UUID, T]]
) -> dict[UUID, T]:
    """What `read` finds by these ids; in a session that remembers, none of them is read a second time for `name`."""
    known: dict[UUID, T] = kept(session, (kept_by_id, name), dict)
    wanted = sorted(set(ids))
    new = [one for one in wanted if one not in known]
    if new:
        known.update(read(new))
    return {one: known[one] for one in wanted if one in known}


def ask_ahead(session: Session, *questions: Question[Any]) -> None:
    """Ask several built statements in one, where the session remembers: each is answered from it when it is asked."""
    kept = session.info.get(_KEPT)
    if kept is None:
        return
    wanted = [one for one in questions if (one.statement, _frozen(one.values)) not in kept]
    for part in _without_conflicts(wanted):
        statements = tuple(statement for statement, _ in part)
        together = {name: value for _, values in part for name, value in values.items()}
        answer = session.connection().execute(_together(statements), together).one()
        for (statement, values), rows in zip(part, answer, strict=True):
            kept[statement, _frozen(values)] = list(_typed(statement, rows))


def _without_conflicts(wanted: Iterable[Question[Any]]) -> Iterator[list[Question[Any]]]:
    """The questions in as few parts as can be, in each of which one name has one value."""
    parts: list[tuple[dict[str, object], list[Question[Any]]]] = []
    for one in wanted:
        for known, part in parts:
            if all(known.get(name, value) == value for name, value in one.values.items()):
                known.update(one.values)
                part.append(one)
                break
        else:
            parts.append((dict(one.values), [one]))
    return (part for _, part in parts)


def _frozen(values: Values) -> tuple[Any, ...]:
    return tuple((name, _fixed(value)) for name, value in values.items())


def _fixed(value: Any) -> Any:
    if isinstance(value, UUID):
        return value.int  # known by its number at once: a page asks for the same hundred ids over and over
    if isinstance(value, Mapping):
        return tuple((name, _fixed(one)) for name, one in sorted(value.items()))
    if isinstance(value, (list, set, frozenset)):
        return tuple(_fixed(one) for one in value)
    return value


# ------------------------------------------------------------------------------------------------- several in one


@cache
def _together(statements: tuple[Executable, ...]) -> Select[Any]:
    """One statement that finds the rows of each of these, in their order, as a list of lists. Raises TypeError."""
    for one in statements:
        _readers(one)
    return select(*(_as_list(cast("Select[Any] | CompoundSelect[Any]", one)) for one in statements))


def _as_list(statement: Select[Any] | CompoundSelect[Any]) -> Any:
    rows = statement.subquery()
    row = func.json_build_array(*rows.c)
    return select(func.coalesce(func.json_agg(row), literal_column("'[]'::json"))).select_from(rows).scalar_subquery()


def _typed(statement: Executable, rows: Sequence[Sequence[Any]]) -> Iterator[tuple[Any, ...]]:
    readers = _readers(statement)
    for row in rows:
        made = list(row)
        for place, read in readers:
            if made[place] is not None:
                made[place] = read(made[place])
        yield tuple(made)


@cache
def _readers(statement: Executable) -> tuple[tuple[int, Callable[[Any], Any]], ...]:
    """What reads each column from JSON that is no value of its type there. Raises TypeError."""
    found = (
        (place, None if _is_null(column) else _reader(column.type)) for place, column in enumerate(_columns(statement))
    )
    return tuple((place, read) for place, read in found if read is not None)


def _columns(statement: Executable) -> list[ColumnElement[Any]]:
    return list(cast("Select[Any]", statement).selected_columns)


def _is_null(column: ColumnElement[Any]) -> bool:
    return isinstance(column.element if isinstance(column, Label) else column, Null)


def _reader(kind: TypeEngine[Any]) -> Callable[[Any], Any] | None:
    """What makes a value of this type of its JSON; None where it is that already. Raises TypeError."""
    if isinstance(kind, (LargeBinary, NullType)) or (isinstance(kind, Numeric) and kind.asdecimal):
        msg = f"a column of type {kind!r} is not read ahead"
        raise TypeError(msg)
    if isinstance(kind, TypeDecorator) and "process_result_value" in vars(type(kind)):  # a type of ours
        return lambda found: kind.process_result_value(found, cast("Any", None))
    if isinstance(kind, ARRAY):
        return _of_each(_reader(kind.item_type))
    return next((read for known, read in _READERS if isinstance(kind, known)), None)


def _of_each(read: Callable[[Any], Any] | None) -> Callable[[Any], Any] | None:
    return None if read is None else lambda found: [None if one is None else read(one) for one in found]


_READERS: Final[Sequence[tuple[type[TypeEngine[Any]], Callable[[Any], Any]]]] = (
    (Uuid, UUID),
    (DateTime, datetime.fromisoformat),
    (Date, date.fromisoformat),
    (Time, time.fromisoformat),
)


@cache
def _names_of(statement: Executable) -> SimpleResultMetaData:
    names = [getattr(column, "name", str(place)) for place, column in enumerate(_columns(statement))]
    return SimpleResultMetaData(names)
