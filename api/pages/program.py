"""The program as it is agreed, on one page: its partners, committees and seats, coordination, closed days and area."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, time, timedelta
from typing import Any, Final
from uuid import UUID

from fastapi import Request
from fastapi.responses import HTMLResponse
from sqlalchemy import or_, select

from api.access.permissions import Action, asks, require, to_program
from api.access.session import AtDesk, Desk
from api.pages.frame import framed_pages, page
from api.views.names import people_by_id, titles_of_roles
from api.views.states import state_of_version
from domain.kernel.program_calendar import calendar_of
from domain.kernel.scope import many, one, program_of
from locales import N_, current_language, pick, say, say_n, show_clock
from meetings import endorsements
from meetings.committees import ALTERNATE, PRINCIPAL, memberships
from models.agreement import Agreement, AgreementVersion
from models.base import refers, table_of
from models.committee import Committee, Seat
from models.program import Closure, Organization

router = framed_pages()

#: How far ahead the closed days are listed.
AHEAD: Final = timedelta(days=365)

_organization = table_of(Organization)
_agreement = table_of(Agreement)
_version = table_of(AgreementVersion)
_committee = table_of(Committee)
_seat = table_of(Seat)
_closure = table_of(Closure)

KINDS: Final[Mapping[str, str]] = {
    "health_agency": N_("Health agency"),
    "community": N_("Community organization"),
    "police": N_("Police service"),
    "specialized": N_("Specialized organization"),
    "research": N_("Research body"),
    "outside": N_("Outside the program"),
}
STRUCTURES: Final[Mapping[str, str]] = {
    "hosted": N_("One position, in one organization"),
    "secondment": N_("One position, shared by two organizations"),
    "joint": N_("One position, funded by several organizations"),
}
_WEEKDAYS: Final[Mapping[str, str]] = {
    "monday": N_("every Monday at %(at)s"),
    "tuesday": N_("every Tuesday at %(at)s"),
    "wednesday": N_("every Wednesday at %(at)s"),
    "thursday": N_("every Thursday at %(at)s"),
    "friday": N_("every Friday at %(at)s"),
    "saturday": N_("every Saturday at %(at)s"),
    "sunday": N_("every Sunday at %(at)s"),
}


@router.get("/program", name="program")
@asks(Action.SEE_PROGRAM)
def show_program(desk: AtDesk, request: Request) -> HTMLResponse:
    """The program on one page."""
    require(Action.SEE_PROGRAM, to_program(desk.asker))
    organizations = _organizations(desk)
    return page(
        desk,
        request,
        "program.html",
        day=desk.day,
        organizations=organizations,
        kinds=KINDS,
        committees=_committees(desk),
        coordination=_coordination(desk, {row["id"]: row for row in organizations}),
        closed=_closed_days(desk),
        until=desk.day + AHEAD,
        area=desk.program.area,
        governance=STRUCTURES[desk.program.governance],
    )


def rhythm_in_words(rhythm: Mapping[str, Any]) -> str:
    """How often a committee meets, as people say it; "" where it has no rhythm yet."""
    language = current_language()
    if not rhythm:
        return ""
    if rhythm["per"] == "week":
        at = show_clock(language, time.fromisoformat(rhythm["at"]))
        weekly = _WEEKDAYS[rhythm["weekday"]]
        return say(language, weekly, at=at)
    return say_n(language, "%(n)s time a year", "%(n)s times a year", rhythm["times"])


def _organizations(desk: Desk) -> list[dict[str, Any]]:
    """Each organization with the `versions` of its agreement that count: in force that day, and the latest.

    The partners come first. The latest may only be a draft, or begin later: it does not hide what holds until then.
    """
    versions: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for version in many(
        desk.session,
        select(_version).where(_version.c.program_id == program_of(desk.session)).order_by(_version.c.n),
    ):
        kept = [one for one in versions[version["agreement_id"]] if _is_in_force(one, desk.day)]
        versions[version["agreement_id"]] = [*kept, version]
    rows = many(
        desk.session,
        select(
            _organization,
            _organization.c[f"name_{desk.language}"].label("name"),
            _agreement.c.id.label("agreement_id"),
        )
        .outerjoin(_agreement, refers(_agreement.c.organization_id, _organization))
        .where(_organization.c.program_id == program_of(desk.session))
        .order_by(_organization.c.kind == "outside", _organization.c.short_name),
    )
    return [{**row, "versions": versions.get(row["agreement_id"], [])} for row in rows]


def _is_in_force(version: Mapping[str, Any], day: date) -> bool:
    return state_of_version(version["state"], version["starts_on"], version["ends_on"], day) == "in_force"


def _committees(desk: Desk) -> list[dict[str, Any]]:
    """Each committee with its seats and who sits on them today. A derived one has the seats of others."""
    here = program_of(desk.session)
    language = desk.language
    rows = many(desk.session, select(_committee).where(_committee.c.program_id == here).order_by(_committee.c.key))
    seats = many(
        desk.session,
        select(
            _seat.c.id,
            _seat.c.committee_id,
            _seat.c.voting,
            _seat.c.role,
            _seat.c[f"title_{language}"].label("title"),
            _organization.c.short_name,
        )
        .join(_organization, refers(_seat.c.organization_id, _organization))
        .where(
            _seat.c.program_id == here,
            or_(_seat.c.ends_on.is_(None), _seat.c.ends_on >= desk.day),
        )
        .order_by(_seat.c.voting.desc(), _organization.c.short_name, _seat.c.key),
    )
    people, members = people_by_id(desk), memberships(desk.session)
    titles = {row["key"]: row[f"title_{language}"] for row in rows}
    roles = titles_of_roles(desk)
    # The ones that meet most often first, those made of others last.
    rows.sort(key=lambda row: (bool(row["derived_from"]), -_meetings_a_year(row["rhythm"]), titles[row["key"]]))
    return [
        {
            **row,
            "title": titles[row["key"]],
            "meets": rhythm_in_words(row["rhythm"]),
            "derives": [titles[key] for key in row["derived_from"] if key in titles],
            "seats": [
                {
                    **seat,
                    "role": roles.get(seat["role"], seat["role"]),
                    "principal": next(
                        map(people.get, members[row["id"]].holders(seat["id"], desk.day, PRINCIPAL)), None
                    ),
                    "to_come": [
                        (people[one.person_id], one.starts_on)
                        for one in members[row["id"]].to_hold(seat["id"], desk.day)
                    ],
                    "alternates": [people[one] for one in members[row["id"]].holders(seat["id"], desk.day, ALTERNATE)],
                }
                for seat in seats
                if seat["committee_id"] == row["id"]
            ],
        }
        for row in rows
    ]


def _meetings_a_year(rhythm: Mapping[str, Any]) -> int:
    times: int = rhythm.get("times", 0)
    return times * (52 if rhythm.get("per") == "week" else 1)


def _coordination(desk: Desk, organizations: Mapping[UUID, Mapping[str, Any]]) -> dict[str, Any]:
    """How the coordination position is set up: where, with whose share, its support, and to whom it reports."""
    declared = desk.program.coordination
    structure = declared.get(desk.program.governance) or {}
    names = {row["key"]: row["short_name"] for row in organizations.values()}
    committee = one(
        desk.session,
        select(_committee.c[f"title_{desk.language}"].label("title")).where(
            _committee.c.program_id == program_of(desk.session), _committee.c.key == declared.get("reports_to", "")
        ),
    )
    titles = titles_of_roles(desk)
    host = structure.get("host") or structure.get("administrative_manager")
    return {
        "source": structure.get("source", ""),
        "host": names.get(host, ""),
        "unit": pick(desk.language, structure["unit"]) if structure.get("unit") else "",
        "shares": [
            (names.get(share["organization"], share["organization"]), share["percent"])
            for share in structure.get("shares") or structure.get("funders") or ()
        ],
        "reports_to": committee["title"] if committee else "",
        "endorsed": endorsements.declared(desk.session),
        "support": [titles.get(role, role) for role in declared.get("support", ())],
    }


def _closed_days(desk: Desk) -> list[dict[str, Any]]:
    """The days of the year ahead on which the program or an organization does not work, beside the weekends."""
    last = desk.day + AHEAD
    holidays = calendar_of(desk.session).public_holidays(desk.day, last, desk.language)
    closures = many(
        desk.session,
        select(
            _closure.c.starts_on.label("first"),
            _closure.c.ends_on.label("last"),
            _closure.c[f"reason_{desk.language}"].label("why"),
            _organization.c.short_name.label("organization"),
        )
        .outerjoin(_organization, refers(_closure.c.organization_id, _organization))
        .where(
            _closure.c.program_id == program_of(desk.session),
            _closure.c.ends_on >= desk.day,
            _closure.c.starts_on <= last,
        ),
    )
    public = [{"first": day, "last": day, "why": why, "organization": None} for day, why in holidays.items()]
    return sorted([*public, *closures], key=lambda one: (one["first"], one["organization"] or ""))
