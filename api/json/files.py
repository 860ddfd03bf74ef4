"""What is kept beside the admissions over JSON: consents to research, activities, and the text of the consent form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import Query, Response
from pydantic import Field, PlainSerializer, StringConstraints, WithJsonSchema

from api.access.activities import caller_off, planner, taker_out, whom_to_plan_with
from api.access.permissions import Action, Forbidden, asks, require, to_program
from api.access.session import AtDesk
from api.json.described import api_routes
from api.json.idempotent_requests import AtOnce
from api.json.shapes import Limit, Offset, Page, Shown
from api.web.given import Day, Given, PlainText
from domain.follow_ups import activities
from domain.kernel.refusals import Refusal
from domain.participants import research
from domain.participants.consent_text import CURRENT, text_of
from domain.roles.sight import who_barred

router = api_routes("files")


class ResearchGiven(Given):
    """A signed consent to research, by the number on its form."""

    number: PlainText
    signed_on: Day


class ResearchShown(Shown):
    """A consent to research."""

    participant_id: UUID
    number: str
    signed_on: date
    withdrawn_on: date | None


#: A local hour, as HH:MM.
_HOUR: Final = r"^([01]\d|2[0-3]):[0-5]\d$"
Hour = Annotated[str, StringConstraints(pattern=_HOUR)]
#: A local hour as it is shown. What JSON Schema calls "time" always has its offset.
HourShown = Annotated[
    time,
    PlainSerializer(lambda hour: hour.strftime("%H:%M"), return_type=str),
    WithJsonSchema({"type": "string", "pattern": _HOUR}),
]


class ActivityMoved(Given):
    """When and where an activity is: a local day and hour, how many minutes, and the place."""

    held_on: Day
    begins: Hour
    minutes: Annotated[int, Field(ge=1, le=10_000)]
    place: PlainText


class ActivityGiven(ActivityMoved):
    """An activity to plan with some whom the asker follows."""

    kind: Literal["outing", "workshop", "meal", "errand", "other"]
    follow_up_ids: Annotated[list[UUID], Field(min_length=1, max_length=100)]


class ActivityShown(Shown):
    """An activity that is planned, with the numbers of those who take part."""

    id: UUID
    held_on: date
    begins: HourShown | None
    minutes: int | None
    place: str | None
    kind: str
    numbers: list[str]
    alone: bool
    is_allowed: bool  # false: it would bring somebody of AD-C4 together with others, as was found after it was planned


class ConsentFormShown(Shown):
    """The text of the consent form in one language, whole; whether a lawyer validated it."""

    version: int
    language: str
    text: str
    digest: str
    validated: bool


@router.get("/research-consents")
@asks(Action.KEEP_RESEARCH_CONSENTS)
def get_research_consents(desk: AtDesk, limit: Limit = 50, offset: Offset = 0) -> Page[ResearchShown]:
    """The consents to research that stand, and those that were taken back, by number."""
    require(Action.KEEP_RESEARCH_CONSENTS, to_program(desk.asker))
    return Page[ResearchShown].of(research.research_consents(desk.session), _shown_consents, limit, offset)


@router.post("/research-consents", status_code=201)
@asks(Action.KEEP_RESEARCH_CONSENTS)
def keep_research_consent(body: ResearchGiven, desk: AtDesk, once: AtOnce, response: Response) -> list[ResearchShown]:
    """Record a consent to research that was signed (FU-9)."""
    if (before := once.again(body)) is not None:
        return before  # type: ignore[return-value]  # an answer given again, as it stands
    by = require(Action.KEEP_RESEARCH_CONSENTS, to_program(desk.asker))
    participant_id = research.of_number(desk.session, body.number)
    research.keep_research_consent(desk.session, participant_id, body.signed_on, by=by, at=desk.at)
    once.done(response, 201, "/api/v1/research-consents")
    return _shown_consents(research.research_consents(desk.session))


@router.post("/research-consents/{participant_id}/withdrawal", status_code=204)
@asks(Action.KEEP_RESEARCH_CONSENTS)
def withdraw_research_consent(participant_id: UUID, desk: AtDesk) -> None:
    """The participant takes it back; nothing else changes for them."""
    by = require(Action.KEEP_RESEARCH_CONSENTS, to_program(desk.asker))
    research.withdraw_research_consent(desk.session, participant_id, by=by, at=desk.at)


@router.get("/activities")
@asks(Action.PLAN_ACTIVITIES)
def get_activities(desk: AtDesk, limit: Limit = 50, offset: Offset = 0) -> Page[ActivityShown]:
    """What is planned from today on with those whom the asker follows; for the coordinator with anyone."""
    ids = [row["id"] for row in whom_to_plan_with(desk)]
    kept_from = who_barred(desk.session, desk.asker.person_id)
    planned = activities.planned(desk.session, ids, desk.day, kept_from=kept_from)
    return Page[ActivityShown].of(
        planned, lambda part: [ActivityShown.model_validate(one) for one in part], limit, offset
    )


@router.post("/activities", status_code=201)
@asks(Action.PLAN_ACTIVITIES)
def plan_activity(body: ActivityGiven, desk: AtDesk, once: AtOnce, response: Response) -> ActivityShown:
    """Plan an activity. Whoever also recruits others is never brought together with another (AD-C4)."""
    if (before := once.again(body)) is not None:
        return before  # type: ignore[return-value]  # an answer given again, as it stands
    by = planner(desk, body.follow_up_ids)
    activity_id = activities.plan_activity(
        desk.session, body.follow_up_ids, kind=body.kind, by=by, at=desk.at, **_whereabouts(body)
    )
    once.done(response, 201, "/api/v1/activities")
    planned = activities.planned(desk.session, body.follow_up_ids, desk.day)
    return ActivityShown.model_validate(next(one for one in planned if one["id"] == activity_id))


@router.put("/activities/{activity_id}", status_code=204)
@asks(Action.CALL_OFF_ACTIVITY)
def move_activity(activity_id: UUID, body: ActivityMoved, desk: AtDesk) -> None:
    """Have an activity be at another place, day or hour: as whoever may call it off."""
    by = caller_off(desk, activity_id)
    activities.move_activity(desk.session, activity_id, by=by, at=desk.at, **_whereabouts(body))


@router.delete("/activities/{activity_id}", status_code=204)
@asks(Action.CALL_OFF_ACTIVITY)
def call_off_activity(activity_id: UUID, desk: AtDesk) -> None:
    """Call an activity off: by whoever follows one of those who take part, or the coordinator."""
    by = caller_off(desk, activity_id)
    activities.call_off(desk.session, activity_id, by=by, at=desk.at)


@router.delete("/activities/{activity_id}/parts/{follow_up_id}", status_code=204)
@asks(Action.CALL_OFF_ACTIVITY)
def take_out(activity_id: UUID, follow_up_id: UUID, desk: AtDesk) -> None:
    """Take a participant out of an activity that goes on with the others."""
    by = taker_out(desk, activity_id, follow_up_id)
    activities.take_out(desk.session, activity_id, follow_up_id, by=by, at=desk.at)


@router.get("/consent-form")
@asks(Action.SEE_CONSENT_FORM)
def get_consent_form(
    desk: AtDesk,
    language: Annotated[Literal["fr", "en"] | None, Query()] = None,
    version: Annotated[int, Query(ge=1, le=10_000)] = CURRENT,
) -> ConsentFormShown:
    """The text that is explained and signed."""
    require(Action.SEE_CONSENT_FORM, to_program(desk.asker))
    try:
        return ConsentFormShown.model_validate(text_of(version, language or desk.language))
    except Refusal:
        raise Forbidden from None


def _whereabouts(body: ActivityMoved) -> dict[str, Any]:
    return {
        "held_on": body.held_on,
        "begins": time.fromisoformat(body.begins),
        "minutes": body.minutes,
        "place": body.place,
    }


def _shown_consents(rows: Sequence[Mapping[str, Any]]) -> list[ResearchShown]:
    return [ResearchShown.model_validate(row) for row in rows]
