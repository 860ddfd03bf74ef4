"""People and roles: who holds what on a day, what is vacant, who is away; and one person with all that is theirs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import or_, select

from api.answers import sentence_of, status_of
from api.pages.forms import Typed, day_of, day_or_none, id_or_none
from api.pages.frame import page, see_other, titles_of_roles
from api.permissions import Action, Forbidden, allows, asks, require, to_person, to_program, visible_cases
from api.session import AtDesk, Desk
from duties import board, people
from duties.actors import Actor
from duties.here import many, one, program_of
from duties.refusals import Refusal
from duties.roles import HeldRole, Standing, standing
from locales import N_, gettext
from models.agreement import Agreement, AgreementRole, AgreementVersion
from models.base import refers, table_of
from models.casework import Account, Case, Equipment, Loan, ProtocolVersion, Task
from models.committee import Committee, Seat, SeatHolder
from models.program import ABSENCE_KINDS, Absence, Organization, Person, Tenure

router = APIRouter()

#: How far ahead the page of people shows absences.
SOON = timedelta(days=60)

_person = table_of(Person)
_tenure = table_of(Tenure)
_absence = table_of(Absence)
_organization = table_of(Organization)
_agreement = table_of(Agreement)
_version = table_of(AgreementVersion)
_created = table_of(AgreementRole)
_seat = table_of(Seat)
_holder = table_of(SeatHolder)
_committee = table_of(Committee)
_loan = table_of(Loan)
_equipment = table_of(Equipment)
_account = table_of(Account)
_case = table_of(Case)
_protocol = table_of(ProtocolVersion)
_task = table_of(Task)

#: What a deputy may act for, as people say it.
COVERS: Final[Mapping[str, str]] = {
    "tasks": N_("tasks"),
    "approvals": N_("approvals"),
    "seats": N_("seats on committees"),
}

Text = Annotated[str, Form()]


@router.get("/people", name="people")
@asks(Action.SEE_PEOPLE)
def list_people(desk: AtDesk, request: Request, on: str = "") -> HTMLResponse:
    """Every organization's people on a day, with the roles that nobody holds."""
    require(Action.SEE_PEOPLE, to_program(desk.asker))
    wrong = None
    try:
        day = day_or_none(on) or desk.day
    except Refusal as refusal:
        day, wrong = desk.day, refusal
    held = desk.asker.standing if day == desk.day else standing(desk.session, day)
    everyone = _everyone(desk)
    return page(
        desk,
        request,
        "people.html",
        status=status_of(wrong) if wrong else 200,
        wrong=sentence_of(wrong) if wrong else "",
        on=day,
        typed_on=on if wrong else day.isoformat(),
        is_today=day == desk.day,
        organizations=_by_organization(desk, held, everyone),
        without=[everyone[one] for one in everyone if one not in held.live],
        absences=_absences(desk, everyone, day),
        may_add=_may_add(desk) is not None,
    )


@router.get("/people/new", name="new_person")
@asks(Action.ADD_PERSON)
def new_person(desk: AtDesk, request: Request) -> HTMLResponse:
    """The form for someone new."""
    if _may_add(desk) is None:
        raise Forbidden
    return _new_person_page(desk, request, Typed())


@router.post("/people")
@asks(Action.ADD_PERSON)
def add_person(
    desk: AtDesk,
    request: Request,
    given_name: Text = "",
    family_name: Text = "",
    email: Text = "",
    phone: Text = "",
    language: Text = "fr",
    place: Text = "",
    starts_on: Text = "",
) -> Response:
    """Add someone with their first role, in one act. The coordinator may leave the role for later."""
    added: list[UUID] = []

    def act() -> None:
        role, organization = _place(place)
        by = require(Action.ADD_PERSON, to_program(desk.asker, organizations=[organization] if organization else []))
        person_id = people.add_person(
            desk.session,
            given_name=given_name,
            family_name=family_name,
            email=email,
            phone=phone,
            language=language,
            by=by,
            at=desk.at,
        )
        if organization is not None:
            people.appoint(
                desk.session,
                person_id=person_id,
                role=role,
                organization_id=organization,
                starts_on=day_of(starts_on),
                by=by,
                at=desk.at,
            )
        added.append(person_id)

    if _may_add(desk) is None:
        raise Forbidden
    refusal = desk.attempt(act)
    if refusal is None:
        return see_other(f"/people/{added[0]}")
    values = {
        "given_name": given_name,
        "family_name": family_name,
        "email": email,
        "phone": phone,
        "language": language,
        "place": place,
        "starts_on": starts_on,
    }
    return _new_person_page(desk, request, Typed("person", refusal, values))


@router.get("/people/{person_id}", name="person")
@asks(Action.SEE_PEOPLE)
def show_person(desk: AtDesk, request: Request, person_id: UUID) -> HTMLResponse:
    """One person: roles past, present and to come, absences, and what they have in hand."""
    require(Action.SEE_PEOPLE, to_program(desk.asker))
    return _person_page(desk, request, person_id, Typed())


@router.post("/people/{person_id}")
@asks(Action.UPDATE_PERSON)
def update_person(
    desk: AtDesk,
    request: Request,
    person_id: UUID,
    seen: Annotated[int, Form()],
    given_name: Text = "",
    family_name: Text = "",
    email: Text = "",
    phone: Text = "",
    language: Text = "",
) -> Response:
    """Change a person's name, addresses and language."""
    by = require(Action.UPDATE_PERSON, to_person(desk.asker, _known(desk, person_id)))
    values = {
        "given_name": given_name,
        "family_name": family_name,
        "email": email,
        "phone": phone,
        "language": language,
    }
    refusal = desk.attempt(
        lambda: people.update_person(desk.session, person_id, by=by, at=desk.at, seen=seen, **values)
    )
    return _after(desk, request, person_id, "details", refusal, values)


@router.post("/people/{person_id}/roles")
@asks(Action.APPOINT)
def appoint(
    desk: AtDesk, request: Request, person_id: UUID, place: Text = "", starts_on: Text = "", ends_on: Text = ""
) -> Response:
    """Give a person a role at an organization, from a day on."""
    _known(desk, person_id)

    def act() -> None:
        role, organization = _place(place)
        if organization is None:
            raise Refusal("role.missing", N_("Choose a role."))
        people.appoint(
            desk.session,
            person_id=person_id,
            role=role,
            organization_id=organization,
            starts_on=day_of(starts_on),
            ends_on=day_or_none(ends_on),
            by=require(Action.APPOINT, to_program(desk.asker, organizations=[organization])),
            at=desk.at,
        )

    if not _places(desk):
        raise Forbidden
    values = {"place": place, "starts_on": starts_on, "ends_on": ends_on}
    return _after(desk, request, person_id, "roles", desk.attempt(act), values)


@router.post("/people/{person_id}/roles/{tenure_id}/end")
@asks(Action.END_TENURE)
def end_tenure(desk: AtDesk, request: Request, person_id: UUID, tenure_id: UUID, ends_on: Text = "") -> Response:
    """End a person's hold of a role on a last day."""
    held = _row(desk, _tenure, tenure_id, person_id)
    by = require(Action.END_TENURE, to_program(desk.asker, organizations=[held["organization_id"]]))
    refusal = desk.attempt(
        lambda: people.end_tenure(desk.session, tenure_id, ends_on=day_of(ends_on), by=by, at=desk.at)
    )
    return _after(desk, request, person_id, f"end-{tenure_id}", refusal, {"ends_on": ends_on}, anchor="roles")


@router.post("/people/{person_id}/absences")
@asks(Action.RECORD_ABSENCE)
def record_absence(
    desk: AtDesk,
    request: Request,
    person_id: UUID,
    starts_on: Text = "",
    ends_on: Text = "",
    deputy: Text = "",
    kinds: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Record that a person is away, and who acts for them."""
    by = require(Action.RECORD_ABSENCE, to_person(desk.asker, _known(desk, person_id)))

    def act() -> None:
        people.record_absence(
            desk.session,
            person_id=person_id,
            starts_on=day_of(starts_on),
            ends_on=day_of(ends_on),
            deputy_id=id_or_none(deputy),
            kinds=kinds or [],
            by=by,
            at=desk.at,
        )

    values = {"starts_on": starts_on, "ends_on": ends_on, "deputy": deputy, "kinds": kinds or []}
    return _after(desk, request, person_id, "absences", desk.attempt(act), values)


@router.post("/people/{person_id}/absences/{absence_id}/cancel")
@asks(Action.CANCEL_ABSENCE)
def cancel_absence(desk: AtDesk, request: Request, person_id: UUID, absence_id: UUID) -> Response:
    """Call an absence off."""
    _row(desk, _absence, absence_id, person_id)
    by = require(Action.CANCEL_ABSENCE, to_person(desk.asker, person_id))
    refusal = desk.attempt(lambda: people.cancel_absence(desk.session, absence_id, by=by, at=desk.at))
    return _after(desk, request, person_id, "absences", refusal, {})


# The page of everyone.


def _everyone(desk: Desk) -> dict[UUID, Person]:
    """The program's people by id, in the order of their names."""
    found = desk.session.scalars(
        select(Person).where(_person.c.program_id == program_of(desk.session)).order_by(_person.c.sort_key)
    )
    return {person.id: person for person in found}


def _by_organization(desk: Desk, held: Standing, everyone: Mapping[UUID, Person]) -> list[dict[str, Any]]:
    titles = titles_of_roles(desk)
    vacant: dict[UUID, list[board.Vacancy]] = defaultdict(list)
    for vacancy in board.vacancies(desk.session, held):
        vacant[vacancy.organization_id].append(vacancy)
    places = many(
        desk.session,
        select(_organization)
        .where(_organization.c.program_id == program_of(desk.session))
        .order_by(_organization.c.kind == "outside", _organization.c.short_name),
    )
    shown = []
    for place in places:
        tenures = [tenure for tenure in held.tenures if tenure.organization_id == place["id"]]
        # A role once: the people who hold it beside each other, then the ones that nobody holds.
        rows = [
            {
                "role": titles[role],
                "people": [
                    _holder_shown(tenure, held, everyone, desk.day)
                    for tenure in sorted(tenures, key=lambda t: everyone[t.person_id].sort_key)
                    if tenure.role == role
                ],
                "vacant": next((v for v in vacant[place["id"]] if v.kind == "role" and v.role == role), None),
            }
            for role in _in_order(
                {t.role for t in tenures} | {v.role for v in vacant[place["id"]] if v.kind == "role"}, titles
            )
        ]
        seats = [v for v in vacant[place["id"]] if v.kind == "seat"]
        if rows or seats:
            shown.append({**place, "name": place[f"name_{desk.language}"], "rows": rows, "seats": seats})
    return shown


def _holder_shown(tenure: HeldRole, held: Standing, everyone: Mapping[UUID, Person], today: date) -> dict[str, Any]:
    absence = held.absences.get(tenure.person_id)
    deputy = everyone.get(absence.deputy_id) if absence and absence.deputy_id else None
    return {
        "person": everyone[tenure.person_id],
        "acting_for": ", ".join(everyone[a.person_id].name for a in held.acting_for(tenure.person_id)),
        "away_until": absence.ends_on if absence else None,
        "deputy": deputy,
        "ends_on": tenure.ends_on if tenure.ends_on and tenure.ends_on >= today else None,
    }


def _absences(desk: Desk, everyone: Mapping[UUID, Person], day: date) -> list[dict[str, Any]]:
    rows = many(
        desk.session,
        select(_absence)
        .where(
            _absence.c.program_id == program_of(desk.session),
            _absence.c.cancelled_at.is_(None),
            _absence.c.ends_on >= day,
            _absence.c.starts_on <= day + SOON,
        )
        .order_by(_absence.c.starts_on, _absence.c.ends_on),
    )
    return [
        {
            **row,
            "person": everyone[row["person_id"]],
            "deputy": everyone.get(row["deputy_id"]),
            "now": row["starts_on"] <= day,
        }
        for row in rows
    ]


def _in_order(roles: Iterable[str], titles: Mapping[str, str]) -> list[str]:
    """Those who decide first, then the others by title."""
    first = ("director", "manager", "coordinator", "youth_worker")
    return sorted(roles, key=lambda role: (first.index(role) if role in first else len(first), titles[role]))


# The page of one person.


def _person_page(desk: Desk, request: Request, person_id: UUID, typed: Typed) -> HTMLResponse:
    person = desk.session.get(Person, (program_of(desk.session), person_id))
    if person is None:
        raise Forbidden
    given = to_person(desk.asker, person_id)
    everyone = _everyone(desk)
    titles = titles_of_roles(desk)
    may_update = allows(Action.UPDATE_PERSON, given) is not None
    return page(
        desk,
        request,
        "person.html",
        status=status_of(typed.refusal) if typed.refusal else 200,
        shown=person,
        typed=typed,
        refusal=sentence_of(typed.refusal) if typed.refusal else "",
        day=desk.day,
        is_self=person_id == desk.asker.person_id,
        roles=_roles_of(desk, person_id, titles),
        away=desk.asker.standing.absences.get(person_id),
        acting_for=[everyone[a.person_id] for a in desk.asker.standing.acting_for(person_id)],
        absences=_absences_of(desk, person_id, everyone),
        deputies=[one for one in everyone.values() if one.id in desk.asker.standing.live and one.id != person_id],
        kinds=[(kind, gettext(COVERS[kind])) for kind in ABSENCE_KINDS],
        seats=_seats_of(desk, person_id),
        cases=_cases_about(desk, person_id),
        work=_work_of(desk, person_id) if may_update else [],
        equipment=_equipment_of(desk, person_id) if may_update else [],
        accounts=_accounts_of(desk, person_id) if may_update else [],
        places=_places(desk),
        everyone=everyone,
        may_update=may_update,
        may_record_absence=allows(Action.RECORD_ABSENCE, given) is not None,
        may_open_case=allows(Action.OPEN_CASE, given) is not None,
    )


def _roles_of(desk: Desk, person_id: UUID, titles: Mapping[str, str]) -> list[dict[str, Any]]:
    """What the person held, holds and will hold, the present first, each with whether the asker may end it."""
    rows = many(
        desk.session,
        select(_tenure, _organization.c.short_name)
        .join(_organization, refers(_tenure.c.organization_id, _organization))
        .where(_tenure.c.program_id == program_of(desk.session), _tenure.c.person_id == person_id)
        .order_by(_tenure.c.starts_on.desc(), _tenure.c.role),
    )
    when = {"present": 0, "future": 1, "past": 2}
    shown = []
    for row in rows:
        is_past = row["ends_on"] is not None and row["ends_on"] < desk.day
        time = "past" if is_past else "future" if row["starts_on"] > desk.day else "present"
        given = to_program(desk.asker, organizations=[row["organization_id"]])
        may_end = not is_past and allows(Action.END_TENURE, given) is not None
        shown.append({**row, "title": titles[row["role"]], "time": time, "may_end": may_end})
    return sorted(shown, key=lambda row: when[row["time"]])


def _absences_of(desk: Desk, person_id: UUID, everyone: Mapping[UUID, Person]) -> list[dict[str, Any]]:
    rows = many(
        desk.session,
        select(_absence)
        .where(_absence.c.program_id == program_of(desk.session), _absence.c.person_id == person_id)
        .order_by(_absence.c.starts_on.desc()),
    )
    return [
        {
            **row,
            "deputy": everyone.get(row["deputy_id"]),
            "covers": [gettext(COVERS[kind]) for kind in row["kinds"]],
            "is_over": row["ends_on"] < desk.day,
            "is_now": row["cancelled_at"] is None and row["starts_on"] <= desk.day <= row["ends_on"],
        }
        for row in rows
    ]


def _seats_of(desk: Desk, person_id: UUID) -> list[dict[str, Any]]:
    language = desk.language
    return many(
        desk.session,
        select(
            _holder.c.kind,
            _holder.c.starts_on,
            _holder.c.ends_on,
            _seat.c[f"title_{language}"].label("title"),
            _committee.c[f"title_{language}"].label("committee"),
        )
        .join(_seat, refers(_holder.c.seat_id, _seat))
        .join(_committee, refers(_seat.c.committee_id, _committee))
        .where(
            _holder.c.program_id == program_of(desk.session),
            _holder.c.person_id == person_id,
            or_(_holder.c.ends_on.is_(None), _holder.c.ends_on >= desk.day),
        )
        .order_by(_committee.c.key, _seat.c.key),
    )


def _cases_about(desk: Desk, person_id: UUID) -> list[dict[str, Any]]:
    """The cases about this person that the asker may see."""
    hats = board.hats_of(desk.session, desk.asker.standing, desk.asker.person_id)
    return many(
        desk.session,
        select(
            _case.c.id,
            _case.c.state,
            _case.c.opened_at,
            _case.c.ended_at,
            _protocol.c[f"title_{desk.language}"].label("title"),
        )
        .join(_protocol, refers(_case.c.protocol_version_id, _protocol))
        .where(
            _case.c.program_id == program_of(desk.session),
            _case.c.subject_id == person_id,
            visible_cases(desk.asker, hats),
        )
        .order_by(_case.c.opened_at.desc()),
    )


def _work_of(desk: Desk, person_id: UUID) -> list[dict[str, Any]]:
    """What is now for this person to do or approve, of what the asker may see."""
    tasks = board.work(desk.session, board.hats_of(desk.session, desk.asker.standing, person_id), limit=50)
    hats = board.hats_of(desk.session, desk.asker.standing, desk.asker.person_id)
    seen = set(
        desk.session.scalars(
            select(_case.c.id).where(
                _case.c.program_id == program_of(desk.session),
                _case.c.id.in_({task["case_id"] for task in tasks if task["case_id"]}),
                visible_cases(desk.asker, hats),
            )
        )
    )
    return [
        {**task, "title": task[f"title_{desk.language}"], "is_late": task["due_on"] and task["due_on"] < desk.day}
        for task in tasks
        if task["case_id"] in seen
    ]


def _equipment_of(desk: Desk, person_id: UUID) -> list[dict[str, Any]]:
    return many(
        desk.session,
        select(
            _equipment.c.kind,
            _equipment.c.serial,
            _loan.c.lent_at,
            _loan.c.task_id,
            _task.c[f"title_{desk.language}"].label("title"),
        )
        .join(_equipment, refers(_loan.c.equipment_id, _equipment))
        .outerjoin(_task, refers(_loan.c.task_id, _task))
        .where(
            _loan.c.program_id == program_of(desk.session),
            _loan.c.person_id == person_id,
            _loan.c.returned_at.is_(None),
        )
        .order_by(_loan.c.lent_at),
    )


def _accounts_of(desk: Desk, person_id: UUID) -> list[dict[str, Any]]:
    return many(
        desk.session,
        select(_account, _task.c[f"title_{desk.language}"].label("title"))
        .outerjoin(_task, refers(_account.c.task_id, _task))
        .where(
            _account.c.program_id == program_of(desk.session),
            _account.c.person_id == person_id,
            _account.c.closed_at.is_(None),
        )
        .order_by(_account.c.system, _account.c.user_name),
    )


# The forms.


def _new_person_page(desk: Desk, request: Request, typed: Typed) -> HTMLResponse:
    return page(
        desk,
        request,
        "new_person.html",
        status=status_of(typed.refusal) if typed.refusal else 200,
        typed=typed,
        refusal=sentence_of(typed.refusal) if typed.refusal else "",
        day=desk.day,
        places=_places(desk),
        role_required=allows(Action.ADD_PERSON, to_program(desk.asker)) is None,
    )


def _after(
    desk: Desk,
    request: Request,
    person_id: UUID,
    form: str,
    refusal: Refusal | None,
    values: dict[str, Any],
    *,
    anchor: str = "",
) -> Response:
    """To the part of the person's page that shows what was done, or the page again with what was typed."""
    if refusal is None:
        return see_other(f"/people/{person_id}#{anchor or form}")
    return _person_page(desk, request, person_id, Typed(form, refusal, values))


def _may_add(desk: Desk) -> Actor | None:
    managed = desk.asker.organizations_as("manager")
    return allows(Action.ADD_PERSON, to_program(desk.asker, organizations=managed))


def _places(desk: Desk) -> list[tuple[str, str]]:
    """Each role at each organization that the asker may give someone, as choices of a list."""
    titles = titles_of_roles(desk)
    rows = desk.session.execute(
        select(_organization.c.id, _organization.c.short_name, _created.c.role)
        .select_from(_created)
        .join(_version, refers(_created.c.agreement_version_id, _version))
        .join(_agreement, refers(_version.c.agreement_id, _agreement))
        .join(_organization, refers(_agreement.c.organization_id, _organization))
        .where(_created.c.program_id == program_of(desk.session), _version.c.state != "ended")
        .distinct()
        .order_by(_organization.c.short_name)
    ).all()
    allowed = {
        place
        for place in {row.id for row in rows}
        if allows(Action.APPOINT, to_program(desk.asker, organizations=[place])) is not None
    }
    mine = [row for row in rows if row.id in allowed]
    return [
        (f"{row.role}:{row.id}", f"{row.short_name} – {titles[row.role]}")
        for row in sorted(mine, key=lambda row: (row.short_name, titles[row.role]))
    ]


def _place(text: str) -> tuple[str, UUID | None]:
    """A role and its organization as the list of choices sends them."""
    role, _, organization = text.partition(":")
    return role, id_or_none(organization)


def _known(desk: Desk, person_id: UUID) -> UUID:
    if desk.session.get(Person, (program_of(desk.session), person_id)) is None:
        raise Forbidden
    return person_id


def _row(desk: Desk, table: Any, row_id: UUID, person_id: UUID) -> dict[str, Any]:
    """A row that belongs to this person. Raises Forbidden."""
    found = one(
        desk.session,
        select(table).where(
            table.c.program_id == program_of(desk.session), table.c.id == row_id, table.c.person_id == person_id
        ),
    )
    if found is None:
        raise Forbidden
    return found
