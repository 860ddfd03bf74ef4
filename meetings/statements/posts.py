"""A partner’s roles in its year: who held each, and the days that stood empty; and who signs for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.declarations import grouped
from domain.kernel import Span, col, every, lasts, of, only, scalar
from domain.roles import never_began
from domain.terms import Promise, person_days
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
    created = _created(session, year)
    tenures = _tenures(session, year)
    for role in sorted({*created, *tenures}, key=lambda key: (key not in created, title_of(roles, key).fr)):
        promises = [promise for _, promise in created.get(role, ())]
        last = created[role][-1][0] if role in created else None
        spans = [Span(tenure.starts_on, tenure.ends_on) for tenure in tenures[role]]
        counted = person_days(promises, spans, year.covered)
        yield PostYear(
            role=title_of(roles, role),
            headcount=last.headcount if last is not None else 0,
            hours_a_week=last.hours_a_week if last is not None else None,
            holders=tuple(
                (people[tenure.person_id], days_of(part))
                for tenure, span in zip(tenures[role], spans, strict=True)
                for part in year.parts_of(span)
            ),
            promised_days=counted.promised,
            empty_days=counted.empty,
        )


def _created(session: Session, year: CoveredYear) -> Mapping[str, list[tuple[AgreementRole, Promise]]]:
    """Each role as each version in force has it, in their order, with what it promises."""
    ids = [version.id for version in year.versions]
    rows = every(session, of(AgreementRole).where(col(AgreementRole.agreement_version_id).in_(ids)))
    found: dict[str, list[tuple[AgreementRole, Promise]]] = defaultdict(list)
    for version in year.versions:
        days = Span(version.begins_on, version.ends_on)
        for row in rows:
            if row.agreement_version_id == version.id:
                found[row.role].append((row, Promise(days, row.headcount)))
    return found


def _tenures(session: Session, year: CoveredYear) -> Mapping[str, list[Tenure]]:
    """Who held each role on some covered day."""
    began = of(Tenure).where(Tenure.organization_id == year.organization_id, ~never_began())
    rows = every(session, began.order_by(col(Tenure.starts_on), col(Tenure.person_id)))
    return grouped((row for row in rows if year.touches(Span(row.starts_on, row.ends_on))), lambda row: row.role)


def director_on(session: Session, organization_id: UUID, day: date, people: Mapping[UUID, str]) -> str:
    """Who signs: the holder of the role of director on a local day."""
    directors = only(Tenure.person_id).where(Tenure.organization_id == organization_id, Tenure.role == _DIRECTOR)
    on_day = directors.where(col(Tenure.starts_on) <= day, lasts(Tenure, day), ~never_began())
    person = scalar(session, on_day.order_by(col(Tenure.starts_on).desc()).limit(1))
    return people[person] if person is not None else ""
