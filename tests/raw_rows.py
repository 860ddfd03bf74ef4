"""Rows as the tables have them, by their columns' names: what a test looks at beside the product's own reading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Executable
from sqlmodel import Session


def one(session: Session, statement: Executable, values: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """The first row that a statement finds, or None."""
    return next(iter(many(session, statement, values)), None)


def many(session: Session, statement: Executable, values: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Every row that a statement finds."""
    found = session.connection().execute(statement, values).mappings()
    return [{str(name): value for name, value in row.items()} for row in found]
