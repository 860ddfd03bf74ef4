"""The roles that agreements create, and which text of one says, on a day, what roles there are at its organization."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlmodel import Session

from domain.kernel.scope import program_of
from models.agreement import Agreement, AgreementRole, AgreementVersion
from models.base import refers, table_of
from models.program import Organization

_created = table_of(AgreementRole)
_version = table_of(AgreementVersion)
_agreement = table_of(Agreement)
_organization = table_of(Organization)

#: The states of a version that is in force on some days, past or to come.
BEGUN: Final = ("in_force", "ended")


def created_roles(session: Session, *columns: ColumnElement[Any]) -> Select[Any]:
    """What `columns` say of each role that a text of an agreement creates: of it, of the text or the organization."""
    return (
        select(*columns)
        .select_from(_created)
        .join(_version, refers(_created.c.agreement_version_id, _version))
        .join(_agreement, refers(_version.c.agreement_id, _agreement))
        .join(_organization, refers(_agreement.c.organization_id, _organization))
        .where(_created.c.program_id == program_of(session))
    )


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
