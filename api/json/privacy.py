"""The privacy officer's window over JSON: who read what, who was turned away, and the register of incidents."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Response
from pydantic import AwareDatetime, StrictBool, StrictInt
from sqlalchemy import func, select

from api.access.permissions import Action, Forbidden, asks, require, to_program
from api.access.session import AtDesk, Desk
from api.json.described import api_routes
from api.json.idempotent_requests import AtOnce, IfMatch, etag, seen_version
from api.json.shapes import EventShown, Limit, Offset, Page, Shown
from api.web.given import Day, Given, PlainText
from domain.kernel.scope import many, one, program_of
from domain.record import incidents, readings
from domain.record.incidents import Entry, Telling
from domain.record.readings import LONGEST_FILE, Asked
from domain.record.unusual import unusual_reads
from models.base import table_of
from models.record import Incident

router = api_routes("privacy", prefix="/privacy")

_incident = table_of(Incident)

Before = Annotated[int, Query(ge=1, le=2**62, description="Lines older than this number.")]


async def _sought(
    by: Annotated[UUID | None, Query(description="The person who read, or was turned away.")] = None,
    on: Annotated[Day | None, Query(description="A local day of the program.")] = None,
    thing: Annotated[
        UUID | None,
        Query(description="What was read or asked for, or the case or the participant that it belongs to."),
    ] = None,
    file: Annotated[
        str,
        Query(max_length=LONGEST_FILE, description="In the file of the participant with this number or reference."),
    ] = "",
) -> Asked:
    return Asked(by, on, thing, file)


Sought = Annotated[Asked, Depends(_sought)]


class UnusualShown(Shown):
    """A reading that stands out, and why: `many`, `night`, `closed`, `outside`, `insisted` or `leaving`.

    `lines` are the numbers of every line that the same act wrote.
    """

    line: EventShown
    reasons: list[str]
    lines: list[int]


class IncidentGiven(Given):
    """What is known of an incident. What is missing is not known yet."""

    organization_id: UUID
    information: PlainText
    circumstances: PlainText
    known_on: Day
    happened_from: Day | None = None
    happened_to: Day | None = None
    people_concerned: StrictInt | None = None
    measures: PlainText = ""

    def entry(self) -> Entry:
        """The entry of the register."""
        return Entry(
            organization_id=self.organization_id,
            information=self.information,
            circumstances=self.circumstances,
            known_on=self.known_on,
            happened_from=self.happened_from,
            happened_to=self.happened_to,
            people_concerned=self.people_concerned,
            measures=self.measures,
        )


class CompletedGiven(IncidentGiven):
    """As an incident that is entered. `known_on_reason` says why the day since which it is known moves."""

    known_on_reason: PlainText = ""


class AssessmentGiven(Given):
    """Whether there is a risk of serious harm, and what leads to that."""

    serious_risk: StrictBool
    risk_reasons: PlainText


class TellingGiven(Given):
    """Who was told, and on which day."""

    commission_told_on: Day | None = None
    people_told_on: Day | None = None
    public_notice: PlainText = ""


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
def list_readings(desk: AtDesk, asked: Sought, limit: Limit = 50, before: Before = 2**62) -> Page[EventShown]:
    """Who was given what of people, the newest first; the next part with the last line's number as `before`."""
    return _lines(desk, readings.READINGS, asked, limit, before)


@router.get("/refusals")
@asks(Action.SEE_PRIVACY)
def list_refusals(desk: AtDesk, asked: Sought, limit: Limit = 50, before: Before = 2**62) -> Page[EventShown]:
    """Who was turned away, the newest first."""
    return _lines(desk, readings.REFUSALS, asked, limit, before)


@router.get("/unusual-readings")
@asks(Action.SEE_PRIVACY)
def list_unusual(desk: AtDesk) -> list[UnusualShown]:
    """The readings of the last 30 days that stand out, those with most reasons first."""
    require(Action.SEE_PRIVACY, to_program(desk.asker))
    return [
        UnusualShown(
            line=EventShown(**found.line),
            reasons=[reason.code for reason in found.reasons],
            lines=sorted(found.by_line),
        )
        for found in unusual_reads(desk.session, at=desk.at)
    ]


@router.get("/incidents")
@asks(Action.SEE_INCIDENTS)
def list_incidents(desk: AtDesk, limit: Limit = 50, offset: Offset = 0) -> Page[IncidentShown]:
    """The register, in the order of its numbers."""
    require(Action.SEE_INCIDENTS, to_program(desk.asker))
    mine = _incident.c.program_id == program_of(desk.session)
    total = desk.session.scalar(select(func.count()).select_from(_incident).where(mine)) or 0
    rows = many(desk.session, select(_incident).where(mine).order_by(_incident.c.number).limit(limit).offset(offset))
    return Page(
        items=[IncidentShown(**incidents.opened(desk.session, row)) for row in rows],
        total=total,
        limit=limit,
        offset=offset,
    )


@router.post("/incidents", status_code=201)
@asks(Action.KEEP_INCIDENTS)
def enter_incident(body: IncidentGiven, desk: AtDesk, once: AtOnce, response: Response) -> IncidentShown:
    """Enter an incident under the register's next number."""
    by = require(Action.KEEP_INCIDENTS, to_program(desk.asker))
    if (before := once.again(body)) is not None:
        return before  # type: ignore[return-value]  # an answer given again, as it stands
    incident_id = incidents.enter(desk.session, body.entry(), by=by, at=desk.at)
    once.done(response, 201, f"/api/v1/privacy/incidents/{incident_id}")
    return _one(desk, incident_id, response)


@router.get("/incidents/{incident_id}")
@asks(Action.SEE_INCIDENTS)
def get_incident(incident_id: UUID, desk: AtDesk, response: Response) -> IncidentShown:
    """One incident."""
    require(Action.SEE_INCIDENTS, to_program(desk.asker))
    return _one(desk, incident_id, response)


@router.put("/incidents/{incident_id}")
@asks(Action.KEEP_INCIDENTS)
def complete_incident(
    incident_id: UUID, body: CompletedGiven, desk: AtDesk, response: Response, if_match: IfMatch = ""
) -> IncidentShown:
    """Write what is known of an incident anew."""
    by = require(Action.KEEP_INCIDENTS, to_program(desk.asker))
    _find(desk, incident_id)
    incidents.complete(
        desk.session,
        incident_id,
        body.entry(),
        seen=seen_version(if_match),
        by=by,
        at=desk.at,
        known_on_reason=body.known_on_reason,
    )
    return _one(desk, incident_id, response)


@router.put("/incidents/{incident_id}/assessment")
@asks(Action.KEEP_INCIDENTS)
def assess_incident(
    incident_id: UUID, body: AssessmentGiven, desk: AtDesk, response: Response, if_match: IfMatch = ""
) -> IncidentShown:
    """Say whether an incident may do serious harm, and why."""
    by = require(Action.KEEP_INCIDENTS, to_program(desk.asker))
    _find(desk, incident_id)
    incidents.assess(
        desk.session,
        incident_id,
        serious_risk=body.serious_risk,
        reasons=body.risk_reasons,
        seen=seen_version(if_match),
        by=by,
        at=desk.at,
    )
    return _one(desk, incident_id, response)


@router.put("/incidents/{incident_id}/telling")
@asks(Action.KEEP_INCIDENTS)
def tell_of_incident(
    incident_id: UUID, body: TellingGiven, desk: AtDesk, response: Response, if_match: IfMatch = ""
) -> IncidentShown:
    """Write down who was told of an incident, and when."""
    by = require(Action.KEEP_INCIDENTS, to_program(desk.asker))
    _find(desk, incident_id)
    telling = Telling(body.commission_told_on, body.people_told_on, body.public_notice)
    seen = seen_version(if_match)
    incidents.note_telling(desk.session, incident_id, telling, seen=seen, by=by, at=desk.at)
    return _one(desk, incident_id, response)


@router.post("/incidents/{incident_id}/closing")
@asks(Action.KEEP_INCIDENTS)
def close_incident(incident_id: UUID, desk: AtDesk, response: Response, if_match: IfMatch = "") -> IncidentShown:
    """Close an incident in which nothing is left to do."""
    by = require(Action.KEEP_INCIDENTS, to_program(desk.asker))
    _find(desk, incident_id)
    incidents.close(desk.session, incident_id, seen=seen_version(if_match), by=by, at=desk.at)
    return _one(desk, incident_id, response)


@router.post("/incidents/{incident_id}/reopening")
@asks(Action.KEEP_INCIDENTS)
def reopen_incident(incident_id: UUID, desk: AtDesk, response: Response, if_match: IfMatch = "") -> IncidentShown:
    """Open a closed incident again."""
    by = require(Action.KEEP_INCIDENTS, to_program(desk.asker))
    _find(desk, incident_id)
    incidents.reopen(desk.session, incident_id, seen=seen_version(if_match), by=by, at=desk.at)
    return _one(desk, incident_id, response)


def _lines(desk: Desk, verbs: tuple[str, ...], asked: Asked, limit: int, before: int) -> Page[EventShown]:
    require(Action.SEE_PRIVACY, to_program(desk.asker))
    rows, total = readings.find(desk.session, verbs, asked, before=before, limit=limit)
    return Page(items=[EventShown(**row) for row in rows], total=total, limit=limit, offset=0)


def _one(desk: Desk, incident_id: UUID, response: Response) -> IncidentShown:
    shown = IncidentShown(**_find(desk, incident_id))
    response.headers["ETag"] = etag(shown.version)
    return shown


def _find(desk: Desk, incident_id: UUID) -> dict[str, Any]:
    found = one(
        desk.session,
        select(_incident).where(_incident.c.program_id == program_of(desk.session), _incident.c.id == incident_id),
    )
    if found is None:
        raise Forbidden
    return incidents.opened(desk.session, found)
