"""Which text of an agreement says, on a day, what roles there are at its organization."""

from __future__ import annotations

from datetime import date
from typing import Final

from sqlalchemy import ColumnElement, func, or_, select

from models.agreement import AgreementVersion
from models.base import table_of

_version = table_of(AgreementVersion)

#: The states of a version that is in force on some days, past or to come.
BEGUN: Final = ("in_force", "ended")


def creates_on(day: date) -> ColumnElement[bool]:
    """The condition on a version that the roles of its organization, on a local day, are those of its text.

    The version in force on that day; else the last one that was, also where the agreement has lapsed, or the first one
    that will be. A draft says nothing beside a text that was signed; where none is yet, the drafts alone say it, as
    they were loaded.
    """
    other = _version.alias("other")
    begins = (
        select(
            func.coalesce(
                func.max(other.c.starts_on).filter(other.c.starts_on <= day),
                func.min(other.c.starts_on),
            )
        )
        .where(
            other.c.program_id == _version.c.program_id,
            other.c.agreement_id == _version.c.agreement_id,
            other.c.state.in_(BEGUN),
        )
        .scalar_subquery()
    )
    # A version has a first day once it is to be in force, and none before.
    return _version.c.starts_on.is_not_distinct_from(begins)


def creates_from(day: date) -> ColumnElement[bool]:
    """As `creates_on`, on the local day or on a later one for which a beginning is settled."""
    return or_(creates_on(day), _version.c.starts_on > day)
