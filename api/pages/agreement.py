"""One agreement as people read it: the roles it creates, who owes what, its resources and who signed it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import select

from api.pages.frame import page, titles_of_roles
from api.permissions import Action, Forbidden, asks, require, to_program
from api.session import AtDesk, Desk
from duties.here import many, one, program_of
from locales import N_, Counted, current_language, say, say_n, show_list
from models.agreement import Agreement, AgreementRole, AgreementVersion, Obligation, Signature
from models.base import refers, table_of
from models.committee import Committee
from models.program import Organization, Person

router = APIRouter()

_organization = table_of(Organization)
_agreement = table_of(Agreement)
_version = table_of(AgreementVersion)
_created = table_of(AgreementRole)
_obligation = table_of(Obligation)
_signature = table_of(Signature)
_committee = table_of(Committee)
_person = table_of(Person)

PERIODS: Final[Mapping[str, str]] = {
    "calendar_year": N_("each calendar year"),
    "agreement_year": N_("each year of the agreement"),
    "quarter": N_("each quarter"),
    "month": N_("each month"),
    "once": N_("once"),
    "continuous": N_("at all times"),
}
CHECKS: Final[Mapping[str, str]] = {
    "attendance": N_("by attendance"),
    "tasks": N_("by completed tasks"),
    "document": N_("by a document"),
    "attestation": N_("by attestation"),
    "count": N_("by a count"),
}
RESOURCES: Final[Mapping[str, str]] = {
    "human": N_("People"),
    "material": N_("Equipment and premises"),
    "financial": N_("Money"),
    "structure": N_("Structure"),
    "service": N_("Services"),
}


@router.get("/program/agreements/{agreement_id}", name="agreement")
@asks(Action.SEE_PROGRAM)
def show_agreement(desk: AtDesk, request: Request, agreement_id: UUID, n: int | None = None) -> HTMLResponse:
    """One agreement: the roles it creates, who owes what, and its other clauses. `n` names an earlier version."""
    require(Action.SEE_PROGRAM, to_program(desk.asker))
    here = program_of(desk.session)
    found = one(
        desk.session,
        select(_agreement, _organization.c.short_name, _organization.c[f"name_{desk.language}"].label("organization"))
        .join(_organization, refers(_agreement.c.organization_id, _organization))
        .where(_agreement.c.program_id == here, _agreement.c.id == agreement_id),
    )
    versions = many(
        desk.session,
        select(_version)
        .where(_version.c.program_id == here, _version.c.agreement_id == agreement_id)
        .order_by(_version.c.n.desc()),
    )
    shown = next((version for version in versions if n is None or version["n"] == n), None)
    if found is None or shown is None:
        raise Forbidden
    titles = titles_of_roles(desk)
    return page(
        desk,
        request,
        "agreement.html",
        agreement=found,
        shown=shown,
        versions=versions,
        roles=[
            {**row, "title": titles.get(row["role"], row["role"])}
            for row in _parts(desk, _created, shown["id"], "role")
        ],
        obligations=_obligations(desk, shown["id"], titles),
        signatures=_signatures(desk, shown["id"]),
        terms=shown["terms"],
        resources=_resources(shown["terms"]),
    )


def in_words(kind: str, rule: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """The rule of an obligation, as people read it. `names` gives committees and roles their titles."""
    language = current_language()

    def listed(keys: list[str]) -> str:
        return show_list(language, [names.get(key, key) for key in keys])

    if kind == "attendance":
        return say_n(
            language,
            "at most %(n)s absence from: %(committee)s",
            "at most %(n)s absences from: %(committee)s",
            rule["at_most_absences"],
            committee=names.get(rule["committee"], rule["committee"]),
        )
    if kind == "tasks":
        return say_n(
            language,
            "at most %(n)s task more than %(days)s late",
            "at most %(n)s tasks more than %(days)s late",
            rule["at_most_late"],
            days=Counted("%(n)s working day", "%(n)s working days", rule.get("late_after_working_days", 0)),
        )
    if kind == "document":
        return say_n(language, "%(n)s document", "%(n)s documents", rule.get("at_least", 1))
    if kind == "attestation":
        return say(
            language,
            N_("stated in writing by: %(role)s"),
            role=names.get(rule["by"], rule["by"]),
        )
    return _count_in_words(language, rule, listed)


def _count_in_words(language: str, rule: Mapping[str, Any], listed: Any) -> str:
    n = rule.get("at_least", rule.get("at_most", 0))
    if rule["of"] == "referrals":
        return say_n(language, "at least %(n)s referral", "at least %(n)s referrals", n)
    if rule["of"] == "alternates":
        return say_n(
            language,
            "at least %(n)s alternate for each: %(committees)s",
            "at least %(n)s alternates for each: %(committees)s",
            n,
            committees=listed(rule["committees"]),
        )
    return say_n(
        language,
        "vacant for at most %(n)s working day: %(roles)s",
        "vacant for at most %(n)s working days: %(roles)s",
        n,
        roles=listed(rule["roles"]),
    )


def _parts(desk: Desk, table: Any, version_id: UUID, order: str) -> list[dict[str, Any]]:
    return many(
        desk.session,
        select(table)
        .where(table.c.program_id == program_of(desk.session), table.c.agreement_version_id == version_id)
        .order_by(table.c[order]),
    )


def _obligations(desk: Desk, version_id: UUID, titles: Mapping[str, str]) -> list[dict[str, Any]]:
    """What is owed, by whom: the organization first, then each role."""
    committees = desk.session.execute(
        select(_committee.c.key, _committee.c[f"title_{desk.language}"].label("title")).where(
            _committee.c.program_id == program_of(desk.session)
        )
    )
    names = {**titles, **{row.key: row.title for row in committees}}
    by_owner: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in _parts(desk, _obligation, version_id, "key"):
        by_owner[row["owed_by"]].append(
            {
                **row,
                "clause": row["key"].partition(":")[0],
                "text": row[f"text_{desk.language}"],
                "period_words": PERIODS[row["period"]],
                "check_words": CHECKS[row["check_kind"]],
                "rule_words": in_words(row["check_kind"], row["rule"], names),
            }
        )
    owners = sorted(by_owner, key=lambda owner: (owner != "organization", titles.get(owner, owner)))
    return [{"owner": titles.get(owner, ""), "rows": by_owner[owner]} for owner in owners]


def _signatures(desk: Desk, version_id: UUID) -> list[dict[str, Any]]:
    return many(
        desk.session,
        select(
            _signature.c.signed_on,
            _person.c.id.label("person_id"),
            _person.c.given_name,
            _person.c.family_name,
            _organization.c.short_name,
        )
        .join(_person, refers(_signature.c.person_id, _person))
        .join(_organization, refers(_signature.c.organization_id, _organization))
        .where(_signature.c.program_id == program_of(desk.session), _signature.c.agreement_version_id == version_id)
        .order_by(_signature.c.signed_on, _organization.c.short_name),
    )


def _resources(terms: Mapping[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """What the organization brings, by kind."""
    by_kind: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for resource in terms.get("resources", ()):
        by_kind[resource["kind"]].append(resource)
    return [(RESOURCES[kind], by_kind[kind]) for kind in RESOURCES if kind in by_kind]
