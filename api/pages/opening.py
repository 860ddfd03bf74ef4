"""The form that opens a case: who it is about, then what it would ask and when, and only then the case itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import Depends, Form, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import Date, cast, func
from sqlalchemy.orm import aliased
from sqlmodel import and_, or_

from api.access.permissions import Action, Forbidden, asks, is_allowed, require, to_program
from api.access.session import InContext, RequestContext
from api.pages import other_openings
from api.pages.forms import Detailed, Text, Typed
from api.pages.frame import framed_pages, page, see_other
from api.pages.idempotent_forms import FIELD, AtOnce
from api.views.tasks import TaskCase, TaskLine, lines_of
from api.web.readers import day_of, id_or_none
from domain.casework import ROLE_OF_WORKER, cases, scheduling, versions
from domain.declarations import PlanLine, Protocol, planning
from domain.kernel import (
    SHAPE,
    Actor,
    Refusal,
    also,
    col,
    every,
    joins,
    lasts,
    local_day,
    of,
    only,
    program,
    program_of,
    run,
    surely,
)
from domain.obligations import StaysVacant, stays_vacant
from domain.people import people
from domain.terms import created_roles, creates_from
from locales import N_
from models.agreement import AgreementRole
from models.casework import Case, Task
from models.program import Organization, Person, Tenure

router = framed_pages()
_earlier = aliased(Tenure)

#: The protocol that the form opens for a person: that of people who begin.
OPENED_BY_FORM: Final = "onboarding"


@dataclass(frozen=True)
class OpeningForm:
    """What the form says: who holds the role (`worker`, as person/organization), someone new, or something else.

    Something else is `other`, as `api.pages.other_openings` writes it.
    """

    form: Annotated[Literal["known", "new", "other"], Form()]
    details: Detailed
    worker: Text = ""
    organization: Text = ""
    starts_on: Text = ""
    other: Text = ""
    once: Text = ""

    @property
    def fields(self) -> dict[str, str]:
        """The fields by name, as they were typed, and the key that the form was shown with."""
        apart = {name: getattr(self, name) for name in ("form", "worker", "organization", "other", "starts_on")}
        return {**apart, **self.details.fields, FIELD: self.once}


Filled = Annotated[OpeningForm, Depends()]


@router.get("/cases/new", name="new_case")
@asks(Action.OPEN_CASE)
def new_case(context: InContext, request: Request) -> HTMLResponse:
    """The form: someone who was appointed and has no open case, or someone new."""
    if not may_open(context):
        raise Forbidden
    return _form_page(context, request, Typed())


@router.post("/cases/new")
@asks(Action.OPEN_CASE)
def preview(context: InContext, request: Request, given: Filled) -> Response:
    """What the case would ask, who would do it and when. It is truly opened, looked at, and undone again."""
    if not may_open(context):
        raise Forbidden
    found: list[Plan] = []

    def look() -> None:
        stays = _stays_vacant(context, given)
        found.append(_plan(context, _open(context, given), stays))

    refusal = context.attempt(look)
    if refusal is not None:
        return _form_page(context, request, Typed(given.form, refusal, given.fields))
    context.session.rollback()
    return page(context, request, "open_case.html", given=given, plan=found[0])


@router.post("/cases")
@asks(Action.OPEN_CASE)
def open_case(context: InContext, request: Request, once: AtOnce, given: Filled) -> Response:
    """Open the case; someone new is added and appointed in the same act."""
    if not may_open(context):
        raise Forbidden
    done = once.attempt(lambda: f"/cases/{_open(context, given)}")
    if isinstance(done, str):
        return see_other(done)
    return _form_page(context, request, Typed(given.form, done, given.fields))


def may_open(context: RequestContext) -> bool:
    """Whether the reader may open a case at some organization."""
    managed = context.asker.organizations_as("manager")
    return is_allowed(Action.OPEN_CASE, to_program(context.asker, organizations=managed))


# Opening.


def _open(context: RequestContext, given: OpeningForm) -> UUID:
    """Open the case that the form asks for. Raises Refusal, and Forbidden for an organization that is not theirs."""
    if given.form == "other":
        return _open_other(context, given.other)
    if given.form == "known":
        person_id, organization_id = _known_worker(given.worker)
        by = _opener(context, organization_id)
    else:
        place = id_or_none(given.organization)
        if place is None:
            raise Refusal("organization.missing", N_("Choose the organization."))
        organization_id, by = place, _opener(context, place)
        person_id = people.add_person(context.session, **given.details.meant, by=by, at=context.at)
        people.appoint(
            context.session,
            person_id=person_id,
            role=ROLE_OF_WORKER,
            organization_id=organization_id,
            starts_on=day_of(given.starts_on),
            by=by,
            at=context.at,
        )
    return cases.open_case(
        context.session, OPENED_BY_FORM, subject_id=person_id, organization_id=organization_id, by=by, at=context.at
    )


def _stays_vacant(context: RequestContext, given: OpeningForm) -> StaysVacant | None:
    """What goes on being counted as vacant, though a new holder begins on a day that is past (AG-X2)."""
    place = id_or_none(given.organization)
    if given.form != "new" or place is None:
        return None
    return stays_vacant(context.session, place, ROLE_OF_WORKER, day_of(given.starts_on), at=context.at)


def _open_other(context: RequestContext, value: str) -> UUID:
    key, subject = other_openings.chosen(value)
    place = subject.organization_id
    return cases.open_case(
        context.session,
        key,
        organization_id=place,
        agreement_version_id=subject.agreement_version_id,
        period=subject.period,
        by=require(Action.OPEN_CASE, to_program(context.asker, organizations=[place] if place else [])),
        at=context.at,
    )


def _opener(context: RequestContext, organization_id: UUID) -> Actor:
    return require(Action.OPEN_CASE, to_program(context.asker, organizations=[organization_id]))


def _known_worker(text: str) -> tuple[UUID, UUID]:
    person, _, place = text.partition("/")
    found = id_or_none(person), id_or_none(place)
    if found[0] is None or found[1] is None:
        raise Refusal("worker.missing", N_("Choose a person, or add someone new."))
    return found[0], found[1]


@dataclass(frozen=True)
class StageShown:
    """A stage of a case as it would be: a line for each task, with what the calendar did to its day."""

    title: str
    lines: Sequence[tuple[TaskLine, PlanLine | None]]


@dataclass(frozen=True)
class Plan:
    """A case as it would be: its stages, the days that it hangs on, and what is unusual about it.

    `vacant` are roles without a holder. `late` and `short` count the tasks that would have been due before, and those
    that leave less time than is meant; `lapsed` are the steps that are not asked.
    """

    about: TaskCase
    protocol: str
    stages: Sequence[StageShown]
    days: Sequence[tuple[str, date]]
    vacant: Sequence[str]
    late: int
    short: int
    lapsed: Sequence[str]
    stays: StaysVacant | None


def _plan(context: RequestContext, case_id: UUID, stays: StaysVacant | None) -> Plan:
    """The case that was just opened, as it would be."""
    case = surely(context.session.get(Case, (program_of(context.session), case_id)))
    protocol = scheduling.protocol_of(versions.current_protocol(context.session, case.protocol))
    tasks = of(Task).where(Task.case_id == case_id).order_by(col(Task.position), col(Task.item))
    lines = lines_of(context, every(context.session, tasks))
    plan = _planned(context, case, protocol)
    return Plan(
        about=surely(lines[0].about),
        protocol=protocol.title.in_language(context.language),
        stages=_stages(protocol, lines, plan, context.language),
        days=_days(case, protocol, context.language),
        vacant=sorted({line.vacant for line in lines if line.vacant}),
        late=sum(one.before_opening and not one.is_lapsed for one in plan),
        short=sum(one.is_short for one in plan),
        lapsed=list(dict.fromkeys(one.step.title.in_language(context.language) for one in plan if one.is_lapsed)),
        stays=stays,
    )


def _stages(protocol: Protocol, lines: Sequence[TaskLine], plan: Sequence[PlanLine], language: str) -> list[StageShown]:
    planned = {(one.step.id, one.item.id if one.item else ""): one for one in plan}
    of_stage: dict[str, list[tuple[TaskLine, PlanLine | None]]] = defaultdict(list)
    for line in lines:
        of_stage[line.task.stage].append((line, planned.get((line.task.step, line.task.item))))
    return [StageShown(stage.title.in_language(language), of_stage[stage.id]) for stage in protocol.stages]


def _days(case: Case, protocol: Protocol, language: str) -> list[tuple[str, date]]:
    """The days that the case hangs on, each with what it is called."""
    known = ((anchor, case.anchors.get(key)) for key, anchor in protocol.anchors.items())
    return [(anchor.title.in_language(language), day) for anchor, day in known if day is not None]


def _planned(context: RequestContext, case: Case, protocol: Protocol) -> list[PlanLine]:
    return planning.plan(
        protocol,
        scheduling.named_days(context.session, case, protocol),
        scheduling.calendar_for(context.session, protocol, case.organization_id),
        opened_on=local_day(context.session, case.opened_at),
        meant_on=scheduling.meant_on(case, protocol),
    )


def _form_page(context: RequestContext, request: Request, typed: Typed) -> HTMLResponse:
    return page(
        context,
        request,
        "new_case.html",
        typed=typed,
        workers=_workers(context),
        places=_places(context),
        others=other_openings.choices(context),
    )


def _allowed(context: RequestContext, organization_id: UUID) -> bool:
    return is_allowed(Action.OPEN_CASE, to_program(context.asker, organizations=[organization_id]))


class WorkerToOpen(Tenure):
    """A role that a person holds, with their name and place."""

    model_config = SHAPE

    given_name: str = also(Person.given_name)
    family_name: str = also(Person.family_name)
    short_name: str = also(Organization.short_name)


def _workers(context: RequestContext) -> list[WorkerToOpen]:
    """Those who hold the role now or soon and had no case for it that is not cancelled, the latest first.

    Who comes back after a time away is welcomed anew: the case of when they were there before is not counted.
    """
    opened_on = cast(func.timezone(program(context.session).time_zone, col(Case.opened_at)), Date)
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
        context.session,
        of(WorkerToOpen)
        .join(Person, joins(Tenure.person_id, Person))
        .join(Organization, joins(Tenure.organization_id, Organization))
        .where(Tenure.role == ROLE_OF_WORKER, lasts(Tenure, context.day), ~had)
        .order_by(col(Tenure.starts_on).desc(), col(Person.sort_key)),
    )
    return [row for row in rows if _allowed(context, row.organization_id)]


def _places(context: RequestContext) -> list[tuple[str, str]]:
    """The organizations whose agreement creates the role, and at which the reader may open a case."""
    rows = run(
        context.session,
        created_roles(
            col(Organization.id),
            col(Organization.short_name),
            col(getattr(Organization, f"name_{context.language}")).label("name"),
        )
        .where(AgreementRole.role == ROLE_OF_WORKER, creates_from(context.day))
        .distinct()
        .order_by(col(Organization.short_name)),
    ).all()
    return [
        (str(row.id), " – ".join(dict.fromkeys((row.short_name, row.name))))
        for row in rows
        if _allowed(context, row.id)
    ]
