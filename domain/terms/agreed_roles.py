"""The roles that agreements create, and which version says, on a day, what roles there are at its organization."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, func
from sqlalchemy.orm import aliased
from sqlmodel import or_

from domain.kernel import AnySelect, col, in_program, joins, same, select
from models.agreement import Agreement, AgreementRole, AgreementVersion
from models.program import Organization

#: The states of a version that is in force on some days, past or to come.
BEGUN: Final = ("in_force", "ended")


def created_roles(*columns: ColumnElement[Any]) -> AnySelect:
    """For each role that a version of an agreement creates, these `columns` of it, the version or the organization."""
    asked: AnySelect = select(*columns)
    return (
        asked.select_from(AgreementRole)
        .join(AgreementVersion, joins(AgreementRole.agreement_version_id, AgreementVersion))
        .join(Agreement, joins(AgreementVersion.agreement_id, Agreement))
        .join(Organization, joins(Agreement.organization_id, Organization))
        .where(in_program(AgreementRole))
    )


def creates_on(day: date | ColumnElement[date]) -> ColumnElement[bool]:
    """The condition on a version that the roles of its organization, on a local day, are those of its text.

    The version in force on that day; else the last one that was, also where the agreement has lapsed, or the first one
    that will be. A draft says nothing beside a text that was signed; where none is yet, only the drafts say it, as they
    were loaded.
    """
    other = aliased(AgreementVersion, name="other")
    begins = (
        select(
            func.coalesce(
                func.max(col(other.starts_on)).filter(col(other.starts_on) <= day), func.min(col(other.starts_on))
            )
        )
        .where(
            same(other, AgreementVersion),
            other.agreement_id == AgreementVersion.agreement_id,
            col(other.state).in_(BEGUN),
        )
        .scalar_subquery()
    )
    # A version has a first day once it is to be in force, and none before.
    return col(AgreementVersion.starts_on).is_not_distinct_from(begins)


def creates_from(day: date) -> ColumnElement[bool]:
    """As `creates_on`, on the local day or on a later one for which a beginning is settled."""
    return or_(creates_on(day), col(AgreementVersion.starts_on) > day)
