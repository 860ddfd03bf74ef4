"""What is kept beside the admissions over JSON: consents to research, activities, and the text of the consent form."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime, Field, PlainSerializer, WithJsonSchema

from api.access.activities import planned_with
from api.access.permissions import Action, Forbidden, asks, require, to_program
from api.access.session import InContext
from api.acts.activities import ACTIVITY, HOUR, PART, PLAN
from api.acts.declaring import On
from api.acts.participant_files import RESEARCH, RESEARCH_CONSENT
from api.json.act_routes import act_resources
from api.json.described import api_routes
from api.json.shapes import After, Limit, Page, Shown, TextLanguage
from domain.follow_ups import activities
from domain.kernel import Part, Refusal
from domain.participants import CURRENT, research, text_of
from domain.roles import who_barred

router = api_routes("files", of_acts=True)


class ResearchShown(Shown):
    """A consent to research."""

    id: UUID
    participant_id: UUID
    number: str
    signed_on: date
    kept_at: Annotated[AwareDatetime | None, Field(description="Null while one ticked on the consent form waits.")]
    withdrawn_on: date | None


#: A local hour as it is shown. What JSON Schema calls "time" always has its offset.
HourShown = Annotated[
    time,
    PlainSerializer(lambda hour: hour.strftime("%H:%M"), return_type=str),
    WithJsonSchema({"type": "string", "pattern": HOUR}),
]


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
def get_research_consents(
    context: InContext,
    limit: Limit = 50,
    after: After = None,
    number: Annotated[str, Query(max_length=20, description="Those of the participant with this number.")] = "",
) -> Page[ResearchShown]:
    """The consents to research that stand, and those that were taken back, the last recorded first. Not counted."""
    require(Action.KEEP_RESEARCH_CONSENTS, to_program(context.asker))
    part = research.research_consents(context.session, most=limit, after=after, number=number)
    return Page[ResearchShown].of(part, ResearchShown.each, limit)


def _kept(on: On[None], number: str) -> list[ResearchShown]:
    return ResearchShown.each(research.research_consents(on.session, most=1, number=number).rows)


act_resources(router, RESEARCH, _kept)
act_resources(router, RESEARCH_CONSENT)


@router.get("/activities")
@asks(Action.PLAN_ACTIVITIES)
def get_activities(context: InContext, limit: Limit = 50, after: After = None) -> Page[ActivityShown]:
    """What is planned from today on with those whom the asker follows; for the coordinator, with all."""
    ids = [row.id for row in planned_with(context)]
    kept_from = who_barred(context.session, context.asker.person_id)
    planned = activities.planned(context.session, ids, context.day, kept_from=kept_from)
    return Page[ActivityShown].of(Part.among(planned, after, limit), ActivityShown.each, limit, len(planned))


def _planned(_: On[None], done: object) -> ActivityShown:
    return ActivityShown.model_validate(done)


act_resources(router, PLAN, _planned)
act_resources(router, ACTIVITY)
act_resources(router, PART)


@router.get("/consent-form")
@asks(Action.SEE_CONSENT_FORM)
def get_consent_form(
    context: InContext, language: TextLanguage = "", version: Annotated[int, Query(ge=1, le=10_000)] = CURRENT
) -> ConsentFormShown:
    """The text that is explained and signed, in the asker's language unless one is named."""
    require(Action.SEE_CONSENT_FORM, to_program(context.asker))
    try:
        return ConsentFormShown.model_validate(text_of(version, language or context.language))
    except Refusal:
        raise Forbidden from None
