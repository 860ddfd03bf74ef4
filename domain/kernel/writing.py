"""Writing rows: adding one, and writing one anew that a transaction holds, whose version counts it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar, cast
from uuid import UUID

from sqlalchemy import func, insert
from sqlalchemy.dialects.postgresql import insert as insert_or
from sqlmodel import Session, SQLModel

from domain.kernel.refusals import Refusal
from domain.kernel.rows import changes, col, first, in_program, of, run, scalar, select
from models.base import table_of


class Versioned(Protocol):
    """What has a version: those who saw an older one are told that it changed."""

    program_id: UUID
    id: UUID
    version: int


V = TypeVar("V", bound=Versioned)


def hold_row(
    session: Session, model: type[V], row_id: UUID, seen: int | None, code: str, unknown: str, changed: str
) -> V:
    """A row of a model, locked until the transaction ends.

    Raises Refusal, by its code with ".unknown" or ".changed": there is none, or it is not in the version that was seen.
    """
    found: Any = first(session, of(cast("Any", model)).where(model.id == row_id).with_for_update())
    if found is None:
        raise Refusal(f"{code}.unknown", unknown)
    if seen is not None and seen != found.version:
        raise Refusal(f"{code}.changed", changed)
    return cast("V", found)


def add_row(session: Session, row: SQLModel) -> None:
    """Write a new row of a model."""
    run(session, insert(type(row)).values({name: getattr(row, name) for name in type(row).model_fields}))


def add_rows(session: Session, rows: Sequence[SQLModel]) -> None:
    """Write several new rows of one model, in one statement."""
    if rows:
        model = type(rows[0])
        values = [{name: getattr(row, name) for name in model.model_fields} for row in rows]
        session.connection().execute(insert(table_of(model)), values)


def put_row(session: Session, row: SQLModel) -> None:
    """Write a row of a model, in place of the one with the same primary key where there is one."""
    table, values = table_of(type(row)), row.model_dump()
    changed = {column.name: values[column.name] for column in table.columns if not column.primary_key}
    adding = insert_or(table).values(values)
    run(session, adding.on_conflict_do_update(index_elements=[*table.primary_key.columns], set_=changed))


def next_number(session: Session, n: int, *which: Any) -> int:
    """The number after the last one of some rows of a model, by the column that counts them; the first is 1."""
    counted: Any = n
    last: int | None = scalar(session, select(func.max(col(n))).where(in_program(counted.class_), *which))
    return (last or 0) + 1


def rewrite(session: Session, model: type[Versioned], row_id: UUID, **values: Any) -> None:
    """Write columns of a row of a model in the session's program, and count its version up."""
    run(session, changes(model).where(model.id == row_id).values(**values, version=col(model.version) + 1))
