"""The privacy officer's window over JSON: who read what, who was turned away, and the register of incidents."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response
from pydantic import AwareDatetime

from api.access.permissions import Action, asks, require, to_program
from api.access.privacy import look_without
from api.access.session import InContext, RequestContext
from api.acts.declaring import On
from api.acts.incidents import INCIDENT, REGISTER, Row, find_incident
from api.json.act_routes import act_resources
from api.json.described import api_routes
from api.json.idempotent_requests import etag
from api.json.shapes import EventShown, Latest, Limit, Shown
from api.web.given import Day
from domain.kernel import col, every, of
from domain.record import LONGEST_FILE, RecordQuery, incident_versions, readings, unusual_reads
from models.record import Incident

router = api_routes("privacy", prefix="/privacy", of_acts=True)

Before = Annotated[int, Query(ge=1, le=2**62, description="Lines older than this number.")]


async def _sought(
    by: Annotated[UUID | None, Query(description="The person who read, or was turned away.")] = None,
    on: Annotated[Day | None, Query(description="A local day of the program.")] = None,
    thing: Annotated[
        UUID | None, Query(description="What was read or asked for, or the case or the participant that it belongs to.")
    ] = None,
    file: Annotated[
        str, Query(max_length=LONGEST_FILE, description="In the file of the participant with this number or reference.")
    ] = "",
) -> RecordQuery:
    return RecordQuery(by, on, thing, file)


Sought = Annotated[RecordQuery, Depends(_sought)]


class UnusualShown(Shown):
    """A reading that stands out, and why: `many`, `night`, `closed`, `outside`, `insisted` or `leaving`.

    `lines` are the numbers of every line that the same act wrote.
    """

    line: EventShown
    reasons: list[str]
    lines: list[int]


class IncidentShown(Shown):
    """An incident as the register holds it."""

    id: UUID
    number: int
    organization_id: UUID
    information: str
    circumstances: str
    happened_from: date | None
    happened_to: date | None
    known_on: date
    people_concerned: int | None
    serious_risk: bool | None
    risk_reasons: str
    commission_told_on: date | None
    people_told_on: date | None
    public_notice: str
    measures: str
    recorded_at: AwareDatetime
    closed_at: AwareDatetime | None
    version: int


@router.get("/readings")
@asks(Action.SEE_PRIVACY)
def list_readings(context: InContext, asked: Sought, limit: Limit = 50, before: Before = 2**62) -> Latest[EventShown]:
    """Who was given what of people, the newest first; the next part with `older` as `before`."""
    return _lines(context, readings.READINGS, asked, limit, before)


@router.get("/refusals")
@asks(Action.SEE_PRIVACY)
def list_refusals(context: InContext, asked: Sought, limit: Limit = 50, before: Before = 2**62) -> Latest[EventShown]:
    """Who was turned away, the newest first."""
    return _lines(context, readings.REFUSALS, asked, limit, before)


@router.get("/unusual-readings")
@asks(Action.SEE_PRIVACY)
def list_unusual(context: InContext) -> list[UnusualShown]:
    """The readings of the last 30 days that stand out, those with most reasons first."""
    without = look_without(context.asker)
    return [
        UnusualShown(
            line=EventShown.model_validate(found.line),
            reasons=[reason.code for reason in found.reasons],
            lines=sorted(found.by_line),
        )
        for found in unusual_reads(context.session, at=context.at)
        if found.line.actor_id != without
    ]


@router.get("/incidents")
@asks(Action.SEE_INCIDENTS)
def list_incidents(
    context: InContext,
    limit: Limit = 50,
    before: Annotated[int, Query(ge=1, le=2**31 - 1, description="Incidents of lower numbers.")] = 2**31 - 1,
) -> Latest[IncidentShown]:
    """The register, the newest first; the next part with `older` as `before`."""
    require(Action.SEE_INCIDENTS, to_program(context.asker))
    in_order = of(incident_versions.OpenedIncident).order_by(col(Incident.number).desc())
    rows = every(context.session, in_order.where(Incident.number < before).limit(limit + 1))
    shown = rows[:limit]
    return Latest(
        items=[IncidentShown.model_validate(incident_versions.opened(context.session, row)) for row in shown],
        limit=limit,
        older=shown[-1].number if len(rows) > limit else None,
    )


@router.get("/incidents/{incident_id}")
@asks(Action.SEE_INCIDENTS)
def get_incident(incident_id: UUID, context: InContext, response: Response) -> IncidentShown:
    """One incident."""
    require(Action.SEE_INCIDENTS, to_program(context.asker))
    return _one(context, incident_id, response)


def _lines(
    context: RequestContext, verbs: tuple[str, ...], asked: RecordQuery, limit: int, before: int
) -> Latest[EventShown]:
    asked = replace(asked, without=look_without(context.asker))
    rows = readings.find(context.session, verbs, asked, before=before, limit=limit + 1)
    return Latest.of(rows, EventShown.each, limit)


def _one(context: RequestContext, incident_id: UUID, response: Response) -> IncidentShown:
    shown = IncidentShown.model_validate(find_incident(context.session, incident_id))
    response.headers["ETag"] = etag(shown.version)
    return shown


def _entered(on: On[None], incident_id: UUID, response: Response) -> IncidentShown:
    return _one(on.context, incident_id, response)


def _acted_on(on: On[Row], _: None, response: Response) -> IncidentShown:
    return _one(on.context, on.id, response)


act_resources(router, REGISTER, _entered)
act_resources(router, INCIDENT, _acted_on)
