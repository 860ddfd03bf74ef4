"""Meetings as they are held, over JSON: agenda, opening and closing, attendance, decisions, endorsements, minutes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from api.at_meetings import find_meeting, to_committee
from api.json.once import IdempotencyKey, IfMatch, Once, etag, seen_version
from api.json.sitting_shapes import (
    AssembledShown,
    AttendanceGiven,
    AttendanceShown,
    ClosingGiven,
    DecisionGiven,
    DecisionShown,
    EndorsementGiven,
    EndorsementShown,
    MinutesShown,
    QuorumShown,
    SeatFilled,
    StateShown,
)
from api.permissions import Action, Forbidden, asks, require, to_program
from api.session import AtDesk, Desk
from duties.actors import Actor
from meetings import assembling, attendance, decisions, minutes, running
from meetings.committees import committees, membership
from meetings.documents.content import as_json
from meetings.holding import read_meeting

router = APIRouter(tags=["meetings"])


@router.post("/meetings/{meeting_id}/agenda/assembly")
@asks(Action.KEEP_AGENDA)
def assemble_agenda(meeting_id: UUID, desk: AtDesk) -> AssembledShown:
    """Draw a meeting's agenda anew by the committee's rules. What was changed by hand stays."""
    by = _as(desk, Action.KEEP_AGENDA, meeting_id)
    done = assembling.assemble(desk.session, meeting_id, by=by, at=desk.at)
    return AssembledShown(added=list(done.added), removed=list(done.removed), changed=list(done.changed))


@router.post("/meetings/{meeting_id}/opening")
@asks(Action.RUN_MEETING)
def open_meeting(meeting_id: UUID, desk: AtDesk, response: Response, if_match: IfMatch = "") -> StateShown:
    """Begin a meeting, on its day or afterwards."""
    by, seen = _as(desk, Action.RUN_MEETING, meeting_id), seen_version(if_match)
    running.open_meeting(desk.session, meeting_id, by=by, at=desk.at, seen=seen)
    return _state(desk, meeting_id, response)


@router.post("/meetings/{meeting_id}/closing")
@asks(Action.RUN_MEETING)
def close_meeting(
    meeting_id: UUID, body: ClosingGiven, desk: AtDesk, response: Response, if_match: IfMatch = ""
) -> StateShown:
    """End a meeting: what it did not reach is carried over, and its minutes are drafted."""
    by, seen = _as(desk, Action.RUN_MEETING, meeting_id), seen_version(if_match)
    running.close_meeting(desk.session, meeting_id, carry_rest=body.carry_rest, by=by, at=desk.at, seen=seen)
    return _state(desk, meeting_id, response)


@router.get("/meetings/{meeting_id}/attendance")
@asks(Action.SEE_MEETING)
def get_attendance(meeting_id: UUID, desk: AtDesk) -> AttendanceShown:
    """How each seat was filled, and how the committee stands against its quorum by what is recorded now."""
    find_meeting(desk.session, desk.asker, meeting_id)
    return _attendance(desk, meeting_id)


@router.put("/meetings/{meeting_id}/attendance")
@asks(Action.RUN_MEETING)
def record_attendance(meeting_id: UUID, body: AttendanceGiven, desk: AtDesk) -> AttendanceShown:
    """Say how one seat was filled, or correct it."""
    by = _as(desk, Action.RUN_MEETING, meeting_id)
    attendance.record(
        desk.session,
        meeting_id,
        body.seat_id,
        body.state,
        person_id=body.person_id,
        is_remote=body.is_remote,
        arrived_at=body.arrived_at,
        left_at=body.left_at,
        by=by,
        at=desk.at,
        seen=body.seen,
    )
    return _attendance(desk, meeting_id)


@router.get("/meetings/{meeting_id}/decisions")
@asks(Action.SEE_MEETING)
def list_decisions(meeting_id: UUID, desk: AtDesk) -> list[DecisionShown]:
    """What a meeting decided, in the order of the numbers."""
    find_meeting(desk.session, desk.asker, meeting_id)
    return [_decision(desk, row) for row in decisions.decisions_of(desk.session, meeting_id)]


@router.post("/meetings/{meeting_id}/decisions", status_code=201)
@asks(Action.RUN_MEETING)
def decide(
    meeting_id: UUID,
    body: DecisionGiven,
    desk: AtDesk,
    request: Request,
    response: Response,
    idempotency_key: IdempotencyKey = "",
) -> DecisionShown:
    """Record a decision of a meeting under way; with a role that owes it, its task opens."""
    once = Once.of(desk, request, idempotency_key)
    if (before := once.again(body)) is not None:
        return before  # type: ignore[return-value]  # an answer given again, as it stands
    by = _as(desk, Action.RUN_MEETING, meeting_id)
    decision_id = decisions.decide(
        desk.session,
        meeting_id,
        body.item_id,
        text_fr=body.text_fr,
        text_en=body.text_en,
        kind=body.kind,
        owner_role=body.owner_role,
        owner_organization_id=body.owner_organization_id,
        due_on=body.due_on,
        by=by,
        at=desk.at,
    )
    once.done(response, 201, f"/api/v1/meetings/{meeting_id}/decisions")
    return _decision(desk, decisions.decision_of(desk.session, decision_id))


@router.get("/committees/{key}/decisions")
@asks(Action.SEE_MEETING)
def read_register(
    key: Annotated[str, Path(max_length=61)],
    desk: AtDesk,
    year: Annotated[int | None, Query(ge=2000, le=2100, description="This year without it.")] = None,
) -> list[DecisionShown]:
    """A committee's register of decisions of a year, for those who sit on it and for the coordinator."""
    row = next((one for one in committees(desk.session).values() if one["key"] == key), None)
    if row is None:
        raise Forbidden
    require(Action.SEE_MEETING, to_committee(desk.asker, membership(desk.session, row["id"])))
    found = decisions.register(desk.session, row["id"], year or desk.day.year)
    return [_decision(desk, one) for one in found]


@router.put("/endorsements")
@asks(Action.ENDORSE)
def endorse(body: EndorsementGiven, desk: AtDesk) -> list[EndorsementShown]:
    """Say for one's organization that it endorses a decision on management, or objects to it, with the reason."""
    by = require(Action.ENDORSE, to_program(desk.asker, organizations=[body.organization_id]))
    decisions.endorse(
        desk.session,
        body.decision_id,
        body.organization_id,
        body.said,
        reason=body.reason,
        by=by,
        at=desk.at,
        seen=body.seen,
    )
    return _endorsements(desk, body.decision_id)


@router.get("/meetings/{meeting_id}/minutes")
@asks(Action.SEE_MEETING)
def get_minutes(meeting_id: UUID, desk: AtDesk, response: Response) -> MinutesShown:
    """The minutes of a meeting that was held, in both languages, and whether they are approved."""
    find_meeting(desk.session, desk.asker, meeting_id)
    row = minutes.minutes_of(desk.session, meeting_id)
    response.headers["ETag"] = etag(row["version"])
    return MinutesShown(
        id=row["id"], state=row["state"], version=row["version"], content=as_json(minutes.content_of(row))
    )


def _as(desk: Desk, action: Action, meeting_id: UUID) -> Actor:
    """Under whom the asker does this in a meeting that they may see. Raises Forbidden."""
    _, _, given = find_meeting(desk.session, desk.asker, meeting_id)
    return require(action, given)


def _state(desk: Desk, meeting_id: UUID, response: Response) -> StateShown:
    row = read_meeting(desk.session, meeting_id)
    response.headers["ETag"] = etag(row["version"])
    return StateShown(id=row["id"], state=row["state"], version=row["version"])


_OF_SEAT: Final = ("state", "person_id", "is_remote", "arrived_at", "left_at", "version")
_OF_DECISION: Final = (
    *("id", "number", "kind", "text_fr", "text_en", "state", "decided_at", "meeting_id", "item_id", "task_id"),
    *("owner_role", "owner_organization_id", "due_on", "needs_endorsement"),
)


def _attendance(desk: Desk, meeting_id: UUID) -> AttendanceShown:
    stood = attendance.quorum_now(desk.session, meeting_id, desk.at)
    return AttendanceShown(
        quorum=QuorumShown(**{name: getattr(stood, name) for name in QuorumShown.model_fields}),
        seats=[
            SeatFilled(seat_id=one.seat.id, key=one.seat.key, **{name: getattr(one, name) for name in _OF_SEAT})
            for one in attendance.attendance_of(desk.session, meeting_id)
        ],
    )


def _decision(desk: Desk, row: Mapping[str, Any]) -> DecisionShown:
    return DecisionShown(**{name: row[name] for name in _OF_DECISION}, endorsements=_endorsements(desk, row["id"]))


def _endorsements(desk: Desk, decision_id: UUID) -> list[EndorsementShown]:
    return [
        EndorsementShown(**{name: getattr(one, name) for name in EndorsementShown.model_fields})
        for one in decisions.endorsements_of(desk.session, decision_id)
    ]
