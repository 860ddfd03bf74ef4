"""A partner’s roles in its year: who held each, and the days that stood empty; and who signs for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlmodel import Session

from domain.kernel.scope import many, program_of
from domain.kernel.spans import Span
from domain.roles.roles import never_began
from domain.terms.posts import Promise, person_days
from meetings.documents.content import Both
from meetings.documents.statement import PostYear
from meetings.statements.naming import days_of, title_of
from meetings.statements.year import CoveredYear
from models.agreement import AgreementRole
from models.base import table_of
from models.program import Tenure

_created = table_of(AgreementRole)
_tenure = table_of(Tenure)

_DIRECTOR: Final = "director"


def posts_of(
    session: Session, year: CoveredYear, people: Mapping[UUID, str], roles: Mapping[str, Both]
) -> Iterable[PostYear]:
    """Each role that a version in force creates, as the last of them has it, and each that somebody held besides."""
    here = program_of(session)
    promises: dict[str, list[Promise]] = defaultdict(list)
    last: dict[str, Mapping[str, Any]] = {}
    rows = many(
        session,
        select(_created).where(
            _created.c.program_id == here, _created.c.agreement_version_id.in_([one["id"] for one in year.versions])
        ),
    )
    for version in year.versions:
        for row in rows:
            if row["agreement_version_id"] == version["id"]:
                days = Span(version["starts_on"], version["ends_on"])
                promises[row["role"]].append(Promise(days, row["headcount"]))
                last[row["role"]] = row
    tenures: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in many(
        session,
        select(_tenure)
        .where(_tenure.c.program_id == here, _tenure.c.organization_id == year.organization_id, ~never_began())
        .order_by(_tenure.c.starts_on, _tenure.c.person_id),
    ):
        if year.touches(Span(row["starts_on"], row["ends_on"])):
            tenures[row["role"]].append(row)
    for role in sorted({*promises, *tenures}, key=lambda key: (key not in promises, title_of(roles, key).fr)):
        held = [Span(row["starts_on"], row["ends_on"]) for row in tenures[role]]
        counted = person_days(promises[role], held, year.covered)
        yield PostYear(
            role=title_of(roles, role),
            headcount=last[role]["headcount"] if role in last else 0,
            hours_a_week=last[role]["hours_a_week"] if role in last else None,
            holders=tuple(
                (people[row["person_id"]], days_of(part))
                for row in tenures[role]
                for part in year.parts_of(Span(row["starts_on"], row["ends_on"]))
            ),
            promised_days=counted.promised,
            empty_days=counted.empty,
        )


def director_on(session: Session, organization_id: UUID, day: date, people: Mapping[UUID, str]) -> str:
    """Who signs: whoever held the role of director on a local day."""
    person: UUID | None = session.scalar(
        select(_tenure.c.person_id)
        .where(
            _tenure.c.program_id == program_of(session),
            _tenure.c.organization_id == organization_id,
            _tenure.c.role == _DIRECTOR,
            _tenure.c.starts_on <= day,
            _tenure.c.ends_on.is_(None) | (_tenure.c.ends_on >= day),
            ~never_began(),
        )
        .order_by(_tenure.c.starts_on.desc())
        .limit(1)
    )
    return people[person] if person is not None else ""
