"""One person with all that is theirs, and the forms on their page: details, roles and absences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Final, TypeVar
from uuid import UUID

from fastapi import Form, Request, Response
from fastapi.responses import HTMLResponse

from api.access.people import companions_of, to_contact, to_person, watches_over
from api.access.permissions import Action, Forbidden, asks, is_allowed, require, to_program
from api.access.session import InContext, RequestContext
from api.acts.people import ABSENCES, PERSON, ROLES
from api.pages import holdings
from api.pages.act_routes import act_pages
from api.pages.choices import roles_to_give
from api.pages.forms import Text, Typed
from api.pages.frame import framed_pages, may_go, page, see_other
from api.views.departures import to_departure
from api.views.languages import names_of
from api.views.names import names_by_id, people_by_id, present, titles_of_roles
from api.web.readers import day_of
from domain.accompaniment import asked_today
from domain.departure import Foreseen, departures, foresee_end, unopened
from domain.kernel import Refusal, col, first, in_program, of, program_of, scalars, select
from domain.people import absences, calendar_readers, privacy_officers
from domain.roles import calls_who_barred
from locales import N_, gettext
from models.program import ABSENCE_KINDS, Absence, Person, Tenure

router = framed_pages()

R = TypeVar("R", Tenure, Absence)

#: How a calendar takes the news of one date of a season, as people know theirs by.
CALENDARS: Final[Mapping[str, tuple[str, str]]] = {
    "unknown": (N_("Not known yet"), N_("Treated as the next kind until one of its answers shows another.")),
    "merge": (N_("Outlook, Google, Apple or another that takes one date by itself"), ""),
    "replace": (N_("Nextcloud, ownCloud or another that takes every message for the whole season"), ""),
}


@router.get("/people/{person_id}", name="person")
@asks(Action.SEE_PEOPLE)
def show_person(context: InContext, request: Request, person_id: UUID) -> HTMLResponse:
    """One person: roles past, present and to come, absences, and what they have in hand."""
    require(Action.SEE_PEOPLE, to_program(context.asker))
    return _person_page(context, request, person_id, Typed())


@router.post("/people/{person_id}/roles/{tenure_id}/end")
@asks(Action.END_TENURE)
def end_tenure(
    context: InContext,
    request: Request,
    person_id: UUID,
    tenure_id: UUID,
    seen: Annotated[int | None, Form()] = None,
    ends_on: Text = "",
    really: Text = "",
) -> Response:
    """End a role on a last day, or take it back before it begins; first only to see what that does."""
    held = _row(context, Tenure, tenure_id, person_id)
    by = require(Action.END_TENURE, to_program(context.asker, organizations=[held.organization_id]))
    found: list[Foreseen] = []

    def act() -> None:
        day = day_of(ends_on)
        if really:
            departures.end_role(context.session, tenure_id, ends_on=day, by=by, at=context.at, seen=seen)
        else:
            found.append(foresee_end(context.session, tenure_id, ends_on=day, by=by, at=context.at, seen=seen))

    refusal = context.attempt(act)
    if found:
        return _foreseen_page(context, request, held, found[0])
    return _after(context, request, person_id, f"end-{tenure_id}", refusal, {"ends_on": ends_on}, anchor="roles")


@router.post("/people/{person_id}/absences/{absence_id}/cancel")
@asks(Action.CANCEL_ABSENCE)
def cancel_absence(context: InContext, request: Request, person_id: UUID, absence_id: UUID) -> Response:
    """Call an absence off."""
    _row(context, Absence, absence_id, person_id)
    by = require(Action.CANCEL_ABSENCE, to_person(context.asker, person_id))

    def act() -> None:
        absences.cancel_absence(context.session, absence_id, by=by, at=context.at)
        asked_today.ask_who_acts_now(context.session, person_id, by=by, at=context.at)

    refusal = context.attempt(act)
    return _after(context, request, person_id, "absences", refusal, {})


def _foreseen_page(context: RequestContext, request: Request, held: Tenure, foreseen: Foreseen) -> HTMLResponse:
    """What ending a role would do, and the form that does it."""
    names = names_by_id(context.session, present(context))
    kept = calls_who_barred(context.session, context.asker.person_id)
    shown = [one for one in foreseen.in_hand if not kept(one.title.en)]
    return page(
        context,
        request,
        "end_role.html",
        shown=context.session.get(Person, (program_of(context.session), held.person_id)),
        tenure_id=held.id,
        seen=held.version,
        day=context.day,
        notice=unopened.NOTICE.days,
        foreseen=foreseen,
        in_hand=shown,
        keeps_back=len(shown) < len(foreseen.in_hand),
        names=names,
        told=[names[one] for one in foreseen.told],
    )


def _person_page(context: RequestContext, request: Request, person_id: UUID, typed: Typed) -> HTMLResponse:
    person = context.session.get(Person, (program_of(context.session), person_id))
    if person is None:
        raise Forbidden
    given = to_person(context.asker, person_id)
    everyone = people_by_id(context, present(context))
    titles = titles_of_roles(context)
    may_update = is_allowed(Action.UPDATE_PERSON, given)
    watched = watches_over(context.asker, person_id)
    roles, cases = _roles(context, person_id, titles, watched=watched), holdings.cases_about(context, person_id)
    return page(
        context,
        request,
        "person.html",
        typed=typed,
        shown=person,
        spoken=", ".join(names_of(person.spoken, context.language)),
        day=context.day,
        is_self=person_id == context.asker.person_id,
        calendar=calendar_readers.readers_of(context.session, [person_id])[person_id],
        calendars=_calendars(),
        roles=roles,
        begins_on=context.asker.standing.from_day(person_id),
        leaves_from=_leaves_from(context, person_id, roles, watched=watched),
        away=context.asker.standing.absences.get(person_id),
        acting_for=[everyone[a.person_id] for a in context.asker.standing.acting_for(person_id)],
        absences=holdings.absences_of(context, person_id),
        deputies=_deputies(context, person_id, everyone),
        kinds=[(kind, gettext(holdings.COVERS[kind])) for kind in ABSENCE_KINDS],
        seats=holdings.seats_of(context, person_id),
        cases=cases,
        work=holdings.work_of(context, person_id) if may_update else [],
        equipment=holdings.equipment_of(context, person_id) if may_update else [],
        accounts=holdings.accounts_of(context, person_id) if may_update else [],
        places=roles_to_give(context),
        may_update=may_update,
        sees_contact=is_allowed(
            Action.SEE_CONTACT, to_contact(context.asker, person_id, companions_of(context.session, context.asker))
        ),
        may_see_access=is_allowed(Action.SEE_ACCESS, given),
        sees_activity=may_go(context, Action.SEE_ACTIVITY),
        sees_readings=may_go(context, Action.SEE_PRIVACY),
        may_record_absence=is_allowed(Action.RECORD_ABSENCE, given) and not watched,
        watched=watched,
        is_officer=any(_watches(one) and one.time != "past" for one in roles),
        may_open_case=is_allowed(Action.OPEN_CASE, given),
    )


def _roles(
    context: RequestContext, person_id: UUID, titles: Mapping[str, str], *, watched: bool
) -> list[holdings.AppointmentLine]:
    """The person's roles; where the asker is `watched` by them as the privacy officer, that role is not to be ended."""
    roles = holdings.roles_of(context, person_id, titles)
    return [replace(one, may_end=one.may_end and not (watched and _watches(one))) for one in roles]


def _watches(one: holdings.AppointmentLine) -> bool:
    return one.row.role == privacy_officers.PRIVACY_OFFICER


def _calendars() -> list[tuple[str, str, str]]:
    """The kinds of calendar, as choices with their hints."""
    return [(key, gettext(label), gettext(hint) if hint else "") for key, (label, hint) in CALENDARS.items()]


def _deputies(context: RequestContext, person_id: UUID, everyone: Mapping[UUID, Person]) -> list[Person]:
    """The people who may act in a role that this person holds today: for a person without a role, all of them."""
    today = context.asker.standing
    wanted = {held.role for held in today.roles_of(person_id)}
    return [
        one
        for one in everyone.values()
        if one.id in today.live
        and one.id != person_id
        and (not wanted or any(today.may_act_as(one.id, role) for role in wanted))
    ]


def _watched_from(held: Sequence[holdings.AppointmentLine]) -> set[UUID]:
    """The organizations for which a person is the privacy officer: they say themselves that they leave."""
    return {one.row.organization_id for one in held if _watches(one)}


def _leaves_from(
    context: RequestContext, person_id: UUID, roles: Sequence[holdings.AppointmentLine], *, watched: bool
) -> list[tuple[UUID, str]]:
    """The organizations whose departure of this person the asker may open, and has not been opened yet."""
    mine = (in_program(Tenure), col(Tenure.person_id) == person_id)
    said = set(scalars(context.session, select(Tenure.id).where(*mine, unopened.is_seen_to())))
    held_now = [one for one in roles if one.time != "past"]
    kept = _watched_from(held_now) if watched else set()
    held = {one.row.organization_id: one.row.short_name for one in held_now if one.row.id not in said}
    return [
        (place, name)
        for place, name in held.items()
        if is_allowed(Action.OPEN_DEPARTURE, to_departure(context.asker, person_id, place)) and place not in kept
    ]


def _after(
    context: RequestContext,
    request: Request,
    person_id: UUID,
    form: str,
    refusal: Refusal | None,
    values: dict[str, str],
    *,
    anchor: str = "",
) -> Response:
    """To the part of the person's page that shows what was done, or the page again with what was typed."""
    if refusal is None:
        return see_other(f"/people/{person_id}#{anchor or form}")
    return _person_page(context, request, person_id, Typed(form, refusal, values))


def _row(context: RequestContext, table: type[R], row_id: UUID, person_id: UUID) -> R:
    """A row that belongs to this person. Raises Forbidden."""
    found = first(context.session, of(table).where(table.id == row_id, table.person_id == person_id))
    if found is None:
        raise Forbidden
    return found


for subject in (PERSON, ROLES, ABSENCES):
    act_pages(
        router, subject, lambda on, request, typed: _person_page(on.context, request, on.id, typed), must_have_seen=True
    )
