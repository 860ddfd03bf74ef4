"""Departures over JSON: opening one, what is left in the leaver's hands, settling it, and the marks of interviews."""

from __future__ import annotations

from datetime import date
from typing import Annotated, cast
from uuid import UUID

from fastapi import Response
from pydantic import AwareDatetime, Field

from api.access.cases import SeenCase
from api.access.permissions import Action, asks
from api.access.session import InContext, RequestContext
from api.access.tasks import actor_for
from api.acts.declaring import On
from api.acts.departures import DEPARTURES, OFFERED, OFFERS, RECRUITING, OffersMade
from api.acts.tasks import THING
from api.json.act_routes import act_resources
from api.json.described import api_routes
from api.json.idempotent_requests import AtOnce, IfMatch, seen_version
from api.json.shapes import MovedShown, NewPersonGiven, Shown, of_columns
from api.json.tasks import moved_shown
from api.views import departures as at_departures
from api.views.left import left_of
from api.web.given import ActInput, Day, Key
from domain.casework import TaskOutcome
from domain.departure import hiring, interviews
from domain.people import PersonWritten
from domain.roles import calls_who_barred
from models.departure import Departure

router = api_routes("departures")


class HiredGiven(ActInput):
    """The person that a recruiting found: an applicant, known or new; their role there, and first day."""

    applicant: Annotated[int, Field(ge=1, le=99)]
    person_id: UUID | None = None
    new: NewPersonGiven | None = None
    role: Key
    starts_on: Day


class HiredShown(Shown):
    """Who was taken on, and the case that welcomes them, where their role has a welcome."""

    person_id: UUID
    onboarding_id: UUID | None


class HandOverOfferShown(Shown):
    """One follow-up: the worker it is offered to and what speaks for them, or the code of why to none.

    `reasons` are those of workers who may be named for a candidate: met, knew, language, area, no_room.
    """

    task_id: UUID
    to_id: UUID | None
    reasons: list[str]
    refused: str


class LeftShown(Shown):
    """One thing that is still in a leaver's hands, and the task that asks about it, if one does, and its doer."""

    kind: str
    title: str
    task_id: UUID | None
    due_on: date | None
    settled_by: list[str]
    goes_to: list[str]
    missing_since: AwareDatetime | None


@of_columns(Departure, "case_id person_id organization_id last_day planned ended_at called_off_at")
class DepartureShown(Shown):
    """A departure, and all that is left: nothing of one that was called off, whose last day was only foreseen."""

    state: str
    left: list[LeftShown]


class MarkShown(Shown):
    """An applicant's mark: null until two interviewers gave theirs."""

    applicant: int
    interviewers: int
    mark: float | None
    passes: bool


@router.get("/departures/{case_id}")
@asks(Action.SEE_CASE)
def get_departure(case_id: UUID, context: InContext) -> DepartureShown:
    """One departure with what is left."""
    return _shown(context, case_id)


def _offered(on: On[None], made: OffersMade) -> list[HandOverOfferShown]:
    kept = calls_who_barred(on.session, on.context.asker.person_id)
    return [
        HandOverOfferShown.about(line, reasons=line.proposal.reasons if line.proposal else ())
        for line in made.lines
        if not kept(line.title_en)
    ]


def _opened(on: On[None], case_id: UUID) -> DepartureShown:
    return _shown(on.context, case_id)


def _accepted(_: On[None], moved: TaskOutcome) -> MovedShown:
    return MovedShown.model_validate(moved)


def _marked(on: On[SeenCase], _: None) -> list[MarkShown]:
    return [MarkShown.about(one, interviewers=len(one.sheets)) for one in interviews.marks_of(on.session, on.id)]


act_resources(router, DEPARTURES, _opened)
act_resources(router, THING, moved_shown)
act_resources(router, OFFERS, _offered)
act_resources(router, OFFERED, _accepted)
act_resources(router, RECRUITING, _marked)


@router.post("/tasks/{task_id}/hiring", status_code=201)
@asks(Action.HIRE)
def hire(
    task_id: UUID, body: HiredGiven, context: InContext, once: AtOnce, response: Response, if_match: IfMatch = ""
) -> HiredShown:
    """Name who is hired: they are appointed, and what welcomes them opens in the same act."""
    if (before := once.again(body)) is not None:
        return before  # type: ignore[return-value]  # an answer given again, as it stands
    hired = hiring.hire(
        context.session,
        task_id,
        applicant=body.applicant,
        role=body.role,
        starts_on=body.starts_on,
        person_id=body.person_id,
        new=cast("PersonWritten", body.new.model_dump()) if body.new is not None else None,
        by=actor_for(context.session, context.asker, Action.HIRE, task_id),
        at=context.at,
        seen=seen_version(if_match),
    )
    once.done(response, 201, f"/api/v1/people/{hired.person_id}")
    return HiredShown(person_id=hired.person_id, onboarding_id=hired.welcome_id)


def _shown(context: RequestContext, case_id: UUID) -> DepartureShown:
    departure, case = at_departures.find_departure(context.session, context.asker, case_id)
    left = (
        []
        if departure.called_off_at
        else left_of(context.session, case, context.at, context.language, may_settle=False, asker=context.asker)
    )
    return DepartureShown.about(
        departure,
        state=case.state,
        left=[
            LeftShown.about(
                one,
                task_id=one.task.id if one.task else None,
                due_on=one.task.due_on if one.task else None,
                goes_to=one.next_ones,
            )
            for one in left
        ],
    )
