"""What had ended, came back with a restore, and waits for a person to decide: it counts as ended until then.

Asked in the one place where each rule is asked. Of a program that was never restored there are no such rows.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from sqlalchemy import Date, ScalarSelect, Text, cast, func
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import Session, select

from domain.kernel.rows import col, in_program, inside, only, there_is
from models.ledger import RestoredMatter

#: The matter, in the conditions that say what it is about.
MATTER: Final = RestoredMatter


def undecided(kind: str, *about: Any) -> ColumnElement[bool]:
    """The condition that a matter of this kind, about what these conditions say, waits for a decision."""
    return select(RestoredMatter.id).where(*_open(kind), *about).exists()


def is_undecided(session: Session, kind: str, *about: Any) -> bool:
    """Whether there is such a matter."""
    return there_is(session, only(RestoredMatter.id).where(*_open(kind), *about))


def fact_of_matter(name: str) -> ColumnElement[str | None]:
    """What a matter says of one thing, as text; null where it says nothing."""
    said: ColumnElement[str | None] = inside(RestoredMatter.facts)[name].astext
    return said


def last_day_of_matter() -> ColumnElement[date]:
    """The last day of what had ended: the one that was said, else the day before it was done."""
    done = cast(func.timezone("UTC", col(RestoredMatter.at)), Date) - 1
    said: ColumnElement[date] = func.coalesce(cast(func.nullif(fact_of_matter("day"), ""), Date), done)
    return said


def last_day_undecided(kind: str, *about: Any) -> ScalarSelect[date | None]:
    """The first last day of what had ended, of the matters of this kind that wait; null where there is none."""
    first: ScalarSelect[date | None] = (
        select(func.min(last_day_of_matter())).where(*_open(kind), *about).scalar_subquery()
    )
    return first


def as_said(column: Any) -> ColumnElement[str]:
    """An id as a matter says it."""
    return cast(col(column), Text)


def _open(kind: str) -> tuple[ColumnElement[bool], ...]:
    return (in_program(RestoredMatter), col(RestoredMatter.decided_at).is_(None), col(RestoredMatter.kind) == kind)
