"""Conditions on rows with a first and a last day, both inclusive, of which the last may not be known yet."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import or_

from domain.kernel.rows import col


def lasts(row: Any, day: date | ColumnElement[date]) -> ColumnElement[bool]:
    """The condition on a row of a model, or of an alias of one, that it is not over before a local day."""
    return or_(col(row.ends_on).is_(None), col(row.ends_on) >= day)


def lasts_beyond(row: Any, day: Any) -> ColumnElement[bool]:
    """The condition on such a row that it goes on after a local day, or after the last day of another row."""
    return or_(col(row.ends_on).is_(None), col(row.ends_on) > day)
