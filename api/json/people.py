"""People, roles and absences over JSON."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from sqlalchemy import and_

from api.access.people import companions_of, to_contact, to_person
from api.access.permissions import Action, Forbidden, allows, asks, require, to_program
from api.access.session import InContext, RequestContext
from api.acts.declaring import On
from api.acts.people import ABSENCES, ACCESS, PERSON, ROLES
from api.json.act_routes import act_resources
from api.json.described import api_routes
from api.json.idempotent_requests import AtOnce, IfMatch, etag, seen_version
from api.json.shapes import AbsenceShown, After, LastDay, Limit, Page, PersonGiven, PersonShown, RoleShown, Shown
from api.views.undecided import Undecided
from api.web.given import Day
from domain.accompaniment import asked_today
from domain.departure import departures, foreseeing
from domain.kernel import col, every, first, in_program, of, program_of, select
from domain.obligations import entering_late
from domain.people import absences, calendar_readers, people
from domain.roles import DayTenures, HeldRole, calls_who_barred, standing
from models.program import Absence, Person, Tenure

router = api_routes("people")


class EndForeseen(Shown):
    """What ending a tenure would do. `told` are the people to whom a letter would go at once.

    `never_begins` says that the day comes before the first: the appointment is taken back.
    """

    never_begins: bool
    departure_opens: bool
    departure_opens_on: date | None
    departure_is_open: bool
    in_hand: list[str]
    called_off: list[UUID]
    seats: list[str]
    told: list[UUID]
    stays: bool
    loses_access: bool
    vacant_on: date | None


@router.get("/people")
@asks(Action.SEE_PEOPLE)
def list_people(
    context: InContext,
    on: Annotated[Day | None, Query(description="Who held which role on this day; today where it is missing.")] = None,
    q: Annotated[str, Query(max_length=200, description="A part of a name; accents and capitals do not matter.")] = "",
    limit: Limit = 50,
    after: After = None,
) -> Page[PersonShown]:
    """The staff of the program's organizations, also who left, with what each held on a day. They are not counted."""
    require(Action.SEE_PEOPLE, to_program(context.asker))
    mine = and_(in_program(Person), people.named_like(q))
    part = people.BY_NAME.part(context.session, select(Person).where(mine), after=after, most=limit)
    held = context.asker.standing if on is None else standing(context.session, on)
    companions = companions_of(context.session, context.asker)
    ids = [row.id for row in part.rows]
    absences, readers = _absences(context, ids, held.day), calendar_readers.readers_of(context.session, ids)

    def draw(rows: Sequence[Person]) -> list[PersonShown]:
        return [_shown(context, row, held, companions, absences[row.id], readers[row.id]) for row in rows]

    return Page[PersonShown].of(part, draw, limit)


@router.post("/people", status_code=201)
@asks(Action.ADD_PERSON)
def add_person(body: PersonGiven, context: InContext, once: AtOnce, response: Response) -> PersonShown:
    """Add a member of staff and appoint them to their first role."""
    if (before := once.again(body)) is not None:
        return before  # type: ignore[return-value]  # an answer given again, as it stands
    by = require(Action.ADD_PERSON, to_program(context.asker, organizations=[body.organization_id]))
    place = (body.organization_id, body.role, body.starts_on)
    entering_late.refuse_unseen(context.session, *place, seen=body.late_seen, at=context.at)
    person_id = people.add_person(
        context.session,
        given_name=body.given_name,
        family_name=body.family_name,
        email=body.email or None,
        phone=body.phone or None,
        language=body.language,
        spoken=body.spoken,
        by=by,
        at=context.at,
    )
    people.appoint(
        context.session,
        person_id=person_id,
        role=body.role,
        organization_id=body.organization_id,
        starts_on=body.starts_on,
        by=by,
        at=context.at,
    )
    once.done(response, 201, f"/api/v1/people/{person_id}")
    return _one(context, person_id)


@router.get("/people/{person_id}")
@asks(Action.SEE_PEOPLE)
def get_person(person_id: UUID, context: InContext) -> PersonShown:
    """One member of staff."""
    require(Action.SEE_PEOPLE, to_program(context.asker))
    return _one(context, person_id)


@router.post("/tenures/{tenure_id}/ending")
@asks(Action.END_TENURE)
def end_tenure(
    tenure_id: UUID, body: LastDay, context: InContext, response: Response, if_match: IfMatch = ""
) -> PersonShown:
    """End a person's hold of a role on a last day; one that begins after that day, and not yet, is taken back."""
    asked = of(Tenure).where(Tenure.id == tenure_id)
    held = first(context.session, asked)
    if held is None:
        raise Forbidden
    by = require(Action.END_TENURE, to_program(context.asker, organizations=[held.organization_id]))
    departures.end_role(
        context.session, tenure_id, ends_on=body.ends_on, by=by, at=context.at, seen=seen_version(if_match)
    )
    ended = first(context.session, asked)
    response.headers["ETag"] = etag(ended.version if ended else held.version)
    return _one(context, held.person_id)


@router.post("/tenures/{tenure_id}/ending/preview")
@asks(Action.END_TENURE)
def foresee_end(tenure_id: UUID, body: LastDay, context: InContext) -> EndForeseen:
    """What ending a tenure would do: what opens, what is called off, and who is written to. Nothing is changed."""
    asked = of(Tenure).where(Tenure.id == tenure_id)
    held = first(context.session, asked)
    if held is None:
        raise Forbidden
    by = require(Action.END_TENURE, to_program(context.asker, organizations=[held.organization_id]))
    found = foreseeing.foresee_end(context.session, tenure_id, ends_on=body.ends_on, by=by, at=context.at)
    kept = calls_who_barred(context.session, context.asker.person_id)
    return EndForeseen.about(
        found,
        departure_opens=found.opens,
        departure_opens_on=found.opens_on,
        departure_is_open=found.is_open,
        in_hand=[one.title.in_language(context.language) for one in found.in_hand if not kept(one.title.en)],
        called_off=[one.id for one in found.called_off],
        seats=[one.title.in_language(context.language) for one in found.seats],
    )


@router.delete("/absences/{absence_id}", status_code=204)
@asks(Action.CANCEL_ABSENCE)
def cancel_absence(absence_id: UUID, context: InContext) -> None:
    """Call an absence off."""
    held = first(context.session, of(Absence).where(Absence.id == absence_id))
    if held is None:
        raise Forbidden
    by = require(Action.CANCEL_ABSENCE, to_person(context.asker, held.person_id))
    absences.cancel_absence(context.session, absence_id, by=by, at=context.at)
    asked_today.ask_who_acts_now(context.session, held.person_id, by=by, at=context.at)


def _changed(on: On[UUID], _: None, response: Response) -> PersonShown:
    on.session.expire_all()
    shown = _one(on.context, on.id)
    response.headers["ETag"] = etag(shown.version)
    return shown


def _acted_on(on: On[UUID], _: None) -> PersonShown:
    return _one(on.context, on.id)


act_resources(router, PERSON, _changed)
for subject in (ROLES, ABSENCES, ACCESS):
    act_resources(router, subject, _acted_on)


def _one(context: RequestContext, person_id: UUID) -> PersonShown:
    found = context.session.get(Person, (program_of(context.session), person_id))
    if found is None:
        raise Forbidden
    day: date = context.day
    absences = _absences(context, [person_id], day)[person_id]
    reader = calendar_readers.readers_of(context.session, [person_id])[person_id]
    return _shown(
        context, found, standing(context.session, day), companions_of(context.session, context.asker), absences, reader
    )


def _absences(context: RequestContext, people: Collection[UUID], day: date) -> dict[UUID, list[AbsenceShown]]:
    """The absences of each of these people that are not over on a day, the next one first."""
    found: dict[UUID, list[AbsenceShown]] = {person_id: [] for person_id in people}
    waits = Undecided(context)
    for row in every(
        context.session,
        of(Absence)
        .where(col(Absence.person_id).in_(found), col(Absence.cancelled_at).is_(None), col(Absence.ends_on) >= day)
        .order_by(col(Absence.starts_on)),
    ):
        said = [*waits.of("absence", row.id), *waits.of("deputy", row.id, instead_of=row.deputy_id)]
        found[row.person_id].append(AbsenceShown.about(row, undecided=waits.words_of(said)))
    return found


def _shown(
    context: RequestContext,
    person: Person,
    held: DayTenures,
    companions: Collection[UUID],
    absences: list[AbsenceShown],
    calendar: str,
) -> PersonShown:
    sees_contact = allows(Action.SEE_CONTACT, to_contact(context.asker, person.id, companions)) is not None
    return PersonShown.about(
        person,
        email=person.email if sees_contact else None,
        calendar=calendar if sees_contact else None,
        roles=shown_roles(held.roles_of(person.id)),
        roles_to_come=shown_roles([tenure for tenure in held.coming if tenure.person_id == person.id]),
        away=held.is_away(person.id),
        absences=absences,
    )


def shown_roles(held: Iterable[HeldRole]) -> list[RoleShown]:
    """Roles that a person holds, or is to hold, as they are shown."""
    return [RoleShown.about(tenure, tenure_id=tenure.id) for tenure in held]
