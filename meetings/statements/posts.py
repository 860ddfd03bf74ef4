"""A partner’s roles in its year: who held each, and the days that stood empty; and who signs for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.kernel.rows import col, every, of, only, scalar
from domain.kernel.spans import Span
from domain.roles.roles import never_began
from domain.terms.posts import Promise, person_days
from meetings.documents.content import Both
from meetings.documents.statement import PostYear
from meetings.statements.naming import days_of, title_of
from meetings.statements.year import CoveredYear
from models.agreement import AgreementRole
from models.program import Tenure

_DIRECTOR: Final = "director"


def posts_of(
    session: Session, year: CoveredYear, people: Mapping[UUID, str], roles: Mapping[str, Both]
) -> Iterable[PostYear]:
    """Each role that a version in force creates, as the last of them has it, and each that people held besides."""
    promises: dict[str, list[Promise]] = defaultdict(list)
    last: dict[str, AgreementRole] = {}
    rows = every(
        session,
        of(AgreementRole).where(col(AgreementRole.agreement_version_id).in_([one.id for one in year.versions])),
    )
    for version in year.versions:
        for row in rows:
            if row.agreement_version_id == version.id:
                days = Span(version.begins_on, version.ends_on)
                promises[row.role].append(Promise(days, row.headcount))
                last[row.role] = row
    tenures: dict[str, list[Tenure]] = defaultdict(list)
    for held in every(
        session,
        of(Tenure)
        .where(Tenure.organization_id == year.organization_id, ~never_began())
        .order_by(col(Tenure.starts_on), col(Tenure.person_id)),
    ):
        if year.touches(Span(held.starts_on, held.ends_on)):
            tenures[held.role].append(held)
    for role in sorted({*promises, *tenures}, key=lambda key: (key not in promises, title_of(roles, key).fr)):
        spans = [Span(tenure.starts_on, tenure.ends_on) for tenure in tenures[role]]
        counted = person_days(promises[role], spans, year.covered)
        yield PostYear(
            role=title_of(roles, role),
            headcount=last[role].headcount if role in last else 0,
            hours_a_week=last[role].hours_a_week if role in last else None,
            holders=tuple(
                (people[tenure.person_id], days_of(part))
                for tenure in tenures[role]
                for part in year.parts_of(Span(tenure.starts_on, tenure.ends_on))
            ),
            promised_days=counted.promised,
            empty_days=counted.empty,
        )


def director_on(session: Session, organization_id: UUID, day: date, people: Mapping[UUID, str]) -> str:
    """Who signs: the holder of the role of director on a local day."""
    person: UUID | None = scalar(
        session,
        only(Tenure.person_id)
        .where(
            Tenure.organization_id == organization_id,
            Tenure.role == _DIRECTOR,
            col(Tenure.starts_on) <= day,
            col(Tenure.ends_on).is_(None) | (col(Tenure.ends_on) >= day),
            ~never_began(),
        )
        .order_by(col(Tenure.starts_on).desc())
        .limit(1),
    )
    return people[person] if person is not None else ""
