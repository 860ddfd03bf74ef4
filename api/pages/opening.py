"""The form that opens a case: who it is about, then what it would ask and when, and only then the case itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import Depends, Form, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import Date, cast, func
from sqlalchemy.orm import aliased
from sqlmodel import and_, or_

from api.access.permissions import Action, Forbidden, allows, asks, require, to_program
from api.access.session import AtDesk, Desk
from api.pages import other_openings
from api.pages.forms import Detailed, Details, Text, Typed
from api.pages.frame import framed_pages, page, see_other
from api.pages.idempotent_forms import FIELD, AtOnce
from api.views.tasks import lines_of
from api.web.readers import day_of, id_or_none
from domain.casework import cases, scheduling, versions
from domain.casework.steps import ROLE_OF_SUBJECT
from domain.declarations import planning
from domain.declarations.planning import Planned
from domain.declarations.protocol import Protocol
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.rows import SHAPE, also, col, every, joins, of, only, run
from domain.kernel.scope import local_day, program, program_of
from domain.obligations.entering_late import StaysVacant, stays_vacant
from domain.people import people
from domain.terms.agreed_roles import created_roles, creates_from
from locales import N_
from models.agreement import AgreementRole
from models.casework import Case, Task
from models.program import Organization, Person, Tenure

router = framed_pages()
_earlier = aliased(Tenure)

#: The protocol that the form opens for a person: that of people who begin.
OPENED_BY_FORM: Final = "onboarding"


@dataclass(frozen=True)
class Given:
    """What the form says: who holds the role (`worker`, as person/organization), someone new, or something else.

    Something else is `other`, as `api.pages.other_openings` writes it.
    """

    form: str
    worker: str
    details: Details
    organization: str
    starts_on: str
    other: str
    once: str

    @property
    def fields(self) -> dict[str, str]:
        """The fields by name, as they were typed, and the key that the form was shown with."""
        apart = {"form": self.form, "worker": self.worker, "organization": self.organization, "other": self.other}
        return {**apart, **self.details.fields, "starts_on": self.starts_on, FIELD: self.once}


def filled(
    form: Annotated[Literal["known", "new", "other"], Form()],
    details: Detailed,
    worker: Text = "",
    organization: Text = "",
    starts_on: Text = "",
    other: Text = "",
    once: Text = "",
) -> Given:
    """The form as it was typed."""
    return Given(form, worker, details, organization, starts_on, other, once)


Filled = Annotated[Given, Depends(filled)]


@router.get("/cases/new", name="new_case")
@asks(Action.OPEN_CASE)
def new_case(desk: AtDesk, request: Request) -> HTMLResponse:
    """The form: someone who was appointed and has no open case, or someone new."""
    if not may_open(desk):
        raise Forbidden
    return _form_page(desk, request, Typed())


@router.post("/cases/new")
@asks(Action.OPEN_CASE)
def preview(
    desk: AtDesk,
    request: Request,
    given: Filled,
) -> Response:
    """What the case would ask, who would do it and when. It is truly opened, looked at, and undone again."""
    if not may_open(desk):
        raise Forbidden
    found: list[dict[str, Any]] = []

    def look() -> None:
        stays = _stays_vacant(desk, given)
        found.append({**_plan(desk, _open(desk, given)), "stays": stays})

    refusal = desk.attempt(look)
    if refusal is not None:
        return _form_page(desk, request, Typed(given.form, refusal, given.fields))
    desk.session.rollback()
    return page(desk, request, "open_case.html", given=given, day=desk.day, **found[0])


@router.post("/cases")
@asks(Action.OPEN_CASE)
def open_case(
    desk: AtDesk,
    request: Request,
    once: AtOnce,
    given: Filled,
) -> Response:
    """Open the case; someone new is added and appointed in the same act."""
    if not may_open(desk):
        raise Forbidden
    done = once.attempt(lambda: f"/cases/{_open(desk, given)}")
    if isinstance(done, str):
        return see_other(done)
    return _form_page(desk, request, Typed(given.form, done, given.fields))


def may_open(desk: Desk) -> bool:
    """Whether the reader may open a case at some organization."""
    managed = desk.asker.organizations_as("manager")
    return allows(Action.OPEN_CASE, to_program(desk.asker, organizations=managed)) is not None


# Opening.


def _open(desk: Desk, given: Given) -> UUID:
    """Open the case that the form asks for. Raises Refusal, and Forbidden for an organization that is not theirs."""
    if given.form == "other":
        return _open_other(desk, given.other)
    if given.form == "known":
        person_id, organization_id = _known_worker(given.worker)
        by = _opener(desk, organization_id)
    else:
        place = id_or_none(given.organization)
        if place is None:
            raise Refusal("organization.missing", N_("Choose the organization."))
        organization_id, by = place, _opener(desk, place)
        person_id = people.add_person(desk.session, **given.details.meant, by=by, at=desk.at)
        people.appoint(
            desk.session,
            person_id=person_id,
            role=ROLE_OF_SUBJECT["worker"],
            organization_id=organization_id,
            starts_on=day_of(given.starts_on),
            by=by,
            at=desk.at,
        )
    return cases.open_case(
        desk.session,
        OPENED_BY_FORM,
        subject_id=person_id,
        organization_id=organization_id,
        by=by,
        at=desk.at,
    )


def _stays_vacant(desk: Desk, given: Given) -> StaysVacant | None:
    """What goes on being counted as vacant, though a new holder begins on a day that is past (AG-X2)."""
    place = id_or_none(given.organization)
    if given.form != "new" or place is None:
        return None
    return stays_vacant(desk.session, place, ROLE_OF_SUBJECT["worker"], day_of(given.starts_on), at=desk.at)


def _open_other(desk: Desk, value: str) -> UUID:
    key, subject = other_openings.chosen(value)
    place = subject.organization_id
    return cases.open_case(
        desk.session,
        key,
        organization_id=place,
        agreement_version_id=subject.agreement_version_id,
        period=subject.period,
        by=require(Action.OPEN_CASE, to_program(desk.asker, organizations=[place] if place else [])),
        at=desk.at,
    )


def _opener(desk: Desk, organization_id: UUID) -> Actor:
    return require(Action.OPEN_CASE, to_program(desk.asker, organizations=[organization_id]))


def _known_worker(text: str) -> tuple[UUID, UUID]:
    person, _, place = text.partition("/")
    found = id_or_none(person), id_or_none(place)
    if found[0] is None or found[1] is None:
        raise Refusal("worker.missing", N_("Choose a person, or add someone new."))
    return found[0], found[1]


def _plan(desk: Desk, case_id: UUID) -> dict[str, Any]:
    """The case as it would be: its stages with a line for each task, and what the calendar did to each day."""
    case = desk.session.get(Case, (program_of(desk.session), case_id))
    assert case is not None  # noqa: S101  # just opened in this transaction
    protocol = scheduling.protocol_of(versions.current_protocol(desk.session, case.protocol))
    lines = lines_of(
        desk,
        every(
            desk.session,
            of(Task).where(Task.case_id == case_id).order_by(col(Task.position), col(Task.item)),
        ),
    )
    plan = _planned(desk, case, protocol)
    planned = {one.key: one for one in plan}
    return {
        "about": lines[0].about,
        "protocol": protocol.title.in_language(desk.language),
        "stages": [
            {
                "title": stage.title.in_language(desk.language),
                "lines": [
                    (line, planned.get((line.task.step, line.task.item)))
                    for line in lines
                    if line.task.stage == stage.id
                ],
            }
            for stage in protocol.stages
        ],
        "vacant": sorted({line.vacant for line in lines if line.vacant}),
        "moved": [line for line in lines if (one := planned.get((line.task.step, line.task.item))) and one.moved_from],
        "late": sum(one.before_opening and not one.is_lapsed for one in plan),
        "short": sum(one.is_short for one in plan),
        "lapsed": list(dict.fromkeys(one.step.title.in_language(desk.language) for one in plan if one.is_lapsed)),
        "days": [
            (anchor.title.in_language(desk.language), date.fromisoformat(case.anchors[key]))
            for key, anchor in protocol.anchors.items()
            if key in case.anchors
        ],
    }


def _planned(desk: Desk, case: Case, protocol: Protocol) -> list[Planned]:
    return planning.plan(
        protocol,
        scheduling.named_days(desk.session, case, protocol),
        scheduling.calendar_for(desk.session, protocol, case.organization_id),
        opened_on=local_day(desk.session, case.opened_at),
        meant_on=scheduling.meant_on(case, protocol),
    )


def _form_page(desk: Desk, request: Request, typed: Typed) -> HTMLResponse:
    return page(
        desk,
        request,
        "new_case.html",
        refused=typed.refusal,
        typed=typed,
        workers=_workers(desk),
        places=_places(desk),
        others=other_openings.choices(desk),
    )


def _allowed(desk: Desk, organization_id: UUID) -> bool:
    return allows(Action.OPEN_CASE, to_program(desk.asker, organizations=[organization_id])) is not None


class WorkerToOpen(Tenure):
    """A role that a person holds, with their name and place."""

    model_config = SHAPE

    given_name: str = also(Person.given_name)
    family_name: str = also(Person.family_name)
    short_name: str = also(Organization.short_name)


def _workers(desk: Desk) -> list[WorkerToOpen]:
    """Those who hold the role now or soon and had no case for it that is not cancelled, the latest first.

    Who comes back after a time away is welcomed anew: the case of when they were there before is not counted.
    """
    opened_on = cast(func.timezone(program(desk.session).time_zone, col(Case.opened_at)), Date)
    of_before = (
        only(_earlier.id)
        .where(
            _earlier.person_id == Tenure.person_id,
            _earlier.organization_id == Tenure.organization_id,
            _earlier.role == Tenure.role,
            col(_earlier.ends_on) >= opened_on,
            col(_earlier.ends_on) < col(Tenure.starts_on) - 1,
        )
        .correlate(Case, Tenure)
        .exists()
    )
    had = (
        only(Case.id)
        .where(
            Case.protocol == OPENED_BY_FORM,
            Case.subject_id == Tenure.person_id,
            Case.organization_id == Tenure.organization_id,
            or_(Case.state == "open", and_(Case.state == "closed", ~of_before)),
        )
        .exists()
    )
    rows = every(
        desk.session,
        of(WorkerToOpen)
        .join(Person, joins(Tenure.person_id, Person))
        .join(Organization, joins(Tenure.organization_id, Organization))
        .where(
            Tenure.role == ROLE_OF_SUBJECT["worker"],
            or_(col(Tenure.ends_on).is_(None), col(Tenure.ends_on) >= desk.day),
            ~had,
        )
        .order_by(col(Tenure.starts_on).desc(), col(Person.sort_key)),
    )
    return [row for row in rows if _allowed(desk, row.organization_id)]


def _places(desk: Desk) -> list[tuple[str, str]]:
    """The organizations whose agreement creates the role, and at which the reader may open a case."""
    rows = run(
        desk.session,
        created_roles(
            col(Organization.id),
            col(Organization.short_name),
            col(getattr(Organization, f"name_{desk.language}")).label("name"),
        )
        .where(AgreementRole.role == ROLE_OF_SUBJECT["worker"], creates_from(desk.day))
        .distinct()
        .order_by(col(Organization.short_name)),
    ).all()
    return [
        (str(row.id), " – ".join(dict.fromkeys((row.short_name, row.name)))) for row in rows if _allowed(desk, row.id)
    ]
