"""Writing rows: adding one, and writing one anew that a transaction holds, whose version counts it."""

from __future__ import annotations

from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import insert
from sqlmodel import Session

from domain.kernel.rows import changes, col, run
from models.base import InProgram


class Versioned(Protocol):
    """What has a version: those who saw an older one are told that it changed."""

    program_id: UUID
    id: UUID
    version: int


def add_row(session: Session, row: InProgram) -> None:
    """Write a new row of a model."""
    run(session, insert(type(row)).values({name: getattr(row, name) for name in type(row).model_fields}))


def rewrite(session: Session, model: type[Versioned], row_id: UUID, **values: Any) -> None:
    """Write columns of a row of a model in the session's program, and count its version up."""
    run(session, changes(model).where(model.id == row_id).values(**values, version=col(model.version) + 1))
