"""People and roles: who holds what on a day, what is vacant and who is away; and the form for someone new."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Final, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Query, Request, Response
from fastapi.responses import HTMLResponse

from api.access.permissions import Action, Forbidden, allows, asks, is_allowed, require, to_program
from api.access.session import InContext, RequestContext
from api.pages.choices import roles_to_give
from api.pages.forms import Detailed, Text, Typed
from api.pages.frame import around, framed_pages, page, see_other
from api.pages.idempotent_forms import AtOnce
from api.views.names import people_by_id, places_by_id, titles_of_roles
from api.web.readers import day_of, day_or_none, role_and_organization
from domain.casework import vacancies
from domain.kernel import Actor, Refusal, col, every, of
from domain.obligations import entering_late
from domain.people import people
from domain.roles import DayTenures, HeldRole, standing
from models.program import Absence, Organization, Person

router = framed_pages()

#: How far ahead the page of people shows absences.
SOON = timedelta(days=60)


#: People of one page of the list of everyone.
A_PAGE: Final = 50


@router.get("/people", name="people")
@asks(Action.SEE_PEOPLE)
def list_people(context: InContext, request: Request, on: str = "") -> HTMLResponse:
    """Every organization's people on a day, with its vacant roles. Who is not there then is found by their name."""
    require(Action.SEE_PEOPLE, to_program(context.asker))
    wrong = None
    try:
        day = day_or_none(on) or context.day
    except Refusal as refusal:
        day, wrong = context.day, refusal
    held = context.asker.standing if day == context.day else standing(context.session, day)
    away = _absent(context, day)
    everyone = people_by_id(context, _concerned(held, away))
    return page(
        context,
        request,
        "people.html",
        typed_on=on if wrong else day.isoformat(),
        refused=wrong,
        on=day,
        is_today=day == context.day,
        organizations=_by_organization(context, held, everyone),
        absences=[_away_shown(row, everyone, day) for row in away],
        may_add=_may_add(context) is not None,
    )


@router.get("/people/by-name", name="people_by_name")
@asks(Action.SEE_PEOPLE)
def list_by_name(
    context: InContext, request: Request, q: Annotated[str, Query(max_length=200)] = "", after: UUID | None = None
) -> HTMLResponse:
    """Everyone who is or ever was in the program, by name, with what they hold today; or those of a part of a name."""
    require(Action.SEE_PEOPLE, to_program(context.asker))
    part = people.BY_NAME.part(context.session, of(Person).where(people.named_like(q)), after=after, most=A_PAGE)
    return page(
        context,
        request,
        "people_by_name.html",
        q=q,
        people=[_named_line(context, row) for row in part.rows],
        parts=around(part, after, "/people/by-name" + (f"?{urlencode({'q': q})}" if q else "")),
    )


class NamedLine(NamedTuple):
    """A person by name: what they hold today, and from which day on where they are to begin."""

    person: Person
    roles: list[str]
    begins_on: date | None


def _named_line(context: RequestContext, person: Person) -> NamedLine:
    titles, places, today = titles_of_roles(context), places_by_id(context), context.asker.standing
    held = today.roles_of(person.id)
    roles = [f"{titles[one.role]}, {places[one.organization_id]}" for one in held]
    return NamedLine(person, sorted(roles), today.from_day(person.id))


@router.get("/people/new", name="new_person")
@asks(Action.ADD_PERSON)
def new_person(context: InContext, request: Request) -> HTMLResponse:
    """The form for someone new."""
    if _may_add(context) is None:
        raise Forbidden
    return _new_person_page(context, request, Typed())


@router.post("/people")
@asks(Action.ADD_PERSON)
def add_person(
    context: InContext,
    request: Request,
    once: AtOnce,
    typed: Detailed,
    place: Text = "",
    starts_on: Text = "",
    late: Text = "",
) -> Response:
    """Add someone with their first role, in one act. The coordinator may leave the role for later."""

    def act() -> str:
        role, organization = role_and_organization(place)
        by = require(Action.ADD_PERSON, to_program(context.asker, organizations=[organization] if organization else []))
        person_id = people.add_person(context.session, **typed.meant, by=by, at=context.at)
        if organization is not None:
            first = day_of(starts_on)
            entering_late.refuse_unseen(context.session, organization, role, first, seen=bool(late), at=context.at)
            people.appoint(
                context.session,
                person_id=person_id,
                role=role,
                organization_id=organization,
                starts_on=first,
                by=by,
                at=context.at,
            )
        return f"/people/{person_id}"

    if _may_add(context) is None:
        raise Forbidden
    done = once.attempt(act)
    if isinstance(done, str):
        return see_other(done)
    values = {**typed.fields, "place": place, "starts_on": starts_on}
    return _new_person_page(context, request, Typed("person", done, values))


# The page of everyone.


@dataclass(frozen=True)
class RoleHolderLine:
    """A person who holds a role on the day: those they act for, and until when they are away or hold it."""

    person: Person
    acting_for: str
    away_until: date | None
    deputy: Person | None
    ends_on: date | None


class RoleComing(NamedTuple):
    """A person who is to hold a role or a seat, from a local day on."""

    person: Person
    starts_on: date


@dataclass(frozen=True)
class RoleOfDay:
    """A role at an organization: who holds it, who is to, and what of it is vacant."""

    role: str
    people: Sequence[RoleHolderLine]
    to_come: Sequence[RoleComing]
    vacant: vacancies.Vacancy | None


@dataclass(frozen=True)
class OrganizationShown:
    """An organization with its roles on the day, and its vacant seats."""

    place: Organization
    name: str
    rows: Sequence[RoleOfDay]
    seats: Sequence[vacancies.Vacancy]


@dataclass(frozen=True)
class AwayShown:
    """An absence, now or soon: whose, and who acts meanwhile."""

    row: Absence
    person: Person
    deputy: Person | None
    now: bool


def _by_organization(
    context: RequestContext, held: DayTenures, everyone: Mapping[UUID, Person]
) -> list[OrganizationShown]:
    titles = titles_of_roles(context)
    vacant: dict[tuple[UUID, str], list[vacancies.Vacancy]] = defaultdict(list)
    for vacancy in vacancies.find(context.session, held):
        vacant[vacancy.organization_id, vacancy.kind].append(vacancy)
    places = every(
        context.session, of(Organization).order_by(col(Organization.kind) == "outside", col(Organization.short_name))
    )
    shown = (
        OrganizationShown(
            place,
            place.name_fr if context.language == "fr" else place.name_en,
            _roles_shown(place.id, vacant[place.id, "role"], held, everyone, titles, context.day),
            vacant[place.id, "seat"],
        )
        for place in places
    )
    return [one for one in shown if one.rows or one.seats]


def _roles_shown(
    place: UUID,
    vacancies: Sequence[vacancies.Vacancy],
    held: DayTenures,
    everyone: Mapping[UUID, Person],
    titles: Mapping[str, str],
    today: date,
) -> list[RoleOfDay]:
    """Each role of an organization once: those who hold it beside each other, who is to come, and what is vacant."""
    people: dict[str, list[RoleHolderLine]] = defaultdict(list)
    for tenure in sorted(held.tenures, key=lambda one: everyone[one.person_id].sort_key):
        if tenure.organization_id == place:
            people[tenure.role].append(_holder_shown(tenure, held, everyone, today))
    coming = {one.role: held.to_hold(one.role, place) for one in held.coming if one.organization_id == place}
    to_come = {
        role: [RoleComing(everyone[one.person_id], one.starts_on) for one in them]
        for role, them in coming.items()
        if them
    }
    vacant = {one.role: one for one in reversed(vacancies)}
    return [
        RoleOfDay(titles[role], people.get(role, []), to_come.get(role, []), vacant.get(role))
        for role in _in_order({*people, *to_come, *vacant}, titles)
    ]


def _holder_shown(tenure: HeldRole, held: DayTenures, everyone: Mapping[UUID, Person], today: date) -> RoleHolderLine:
    absence = held.absences.get(tenure.person_id)
    return RoleHolderLine(
        everyone[tenure.person_id],
        acting_for=", ".join(everyone[a.person_id].name for a in held.acting_for(tenure.person_id)),
        away_until=absence.ends_on if absence else None,
        deputy=everyone.get(absence.deputy_id) if absence and absence.deputy_id else None,
        ends_on=tenure.ends_on if tenure.ends_on and tenure.ends_on >= today else None,
    )


def _concerned(held: DayTenures, away: Iterable[Absence]) -> set[UUID | None]:
    """Those that the page of a day speaks of: who holds something or is to, who is away, and who acts for them."""
    there: set[UUID | None] = {one.person_id for one in (*held.tenures, *held.coming)}
    there |= {one for row in away for one in (row.person_id, row.deputy_id)}
    return there | {one for row in held.absences.values() for one in (row.person_id, row.deputy_id)}


def _absent(context: RequestContext, day: date) -> Sequence[Absence]:
    return every(
        context.session,
        of(Absence)
        .where(col(Absence.cancelled_at).is_(None), col(Absence.ends_on) >= day, col(Absence.starts_on) <= day + SOON)
        .order_by(col(Absence.starts_on), col(Absence.ends_on)),
    )


def _away_shown(row: Absence, everyone: Mapping[UUID, Person], day: date) -> AwayShown:
    deputy = everyone.get(row.deputy_id) if row.deputy_id else None
    return AwayShown(row, everyone[row.person_id], deputy, now=row.starts_on <= day)


def _in_order(roles: Iterable[str], titles: Mapping[str, str]) -> list[str]:
    """Those who decide first, then the others by title."""
    first = ("director", "manager", "coordinator", "youth_worker")
    return sorted(roles, key=lambda role: (first.index(role) if role in first else len(first), titles[role]))


# The form.


def _new_person_page(context: RequestContext, request: Request, typed: Typed) -> HTMLResponse:
    return page(
        context,
        request,
        "new_person.html",
        typed=typed,
        day=context.day,
        places=roles_to_give(context),
        role_required=not is_allowed(Action.ADD_PERSON, to_program(context.asker)),
    )


def _may_add(context: RequestContext) -> Actor | None:
    managed = context.asker.organizations_as("manager")
    return allows(Action.ADD_PERSON, to_program(context.asker, organizations=managed))
