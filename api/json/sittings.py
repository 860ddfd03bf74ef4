"""Meetings as they are held, over JSON: agenda, opening and closing, attendance."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Response

from api.at_meetings import find_meeting
from api.json.once import IfMatch, etag, seen_version
from api.json.sitting_shapes import (
    AssembledShown,
    AttendanceGiven,
    AttendanceShown,
    ClosingGiven,
    QuorumShown,
    SeatFilled,
    StateShown,
)
from api.permissions import Action, asks, require
from api.session import AtDesk, Desk
from duties.actors import Actor
from meetings import assembling, attendance, running
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


def _as(desk: Desk, action: Action, meeting_id: UUID) -> Actor:
    """Under whom the asker does this in a meeting that they may see. Raises Forbidden."""
    _, _, given = find_meeting(desk.session, desk.asker, meeting_id)
    return require(action, given)


def _state(desk: Desk, meeting_id: UUID, response: Response) -> StateShown:
    row = read_meeting(desk.session, meeting_id)
    response.headers["ETag"] = etag(row["version"])
    return StateShown(id=row["id"], state=row["state"], version=row["version"])


_OF_SEAT: Final = ("state", "person_id", "is_remote", "arrived_at", "left_at", "version")


def _attendance(desk: Desk, meeting_id: UUID) -> AttendanceShown:
    stood = attendance.quorum_now(desk.session, meeting_id, desk.at)
    return AttendanceShown(
        quorum=QuorumShown(**{name: getattr(stood, name) for name in QuorumShown.model_fields}),
        seats=[
            SeatFilled(seat_id=one.seat.id, key=one.seat.key, **{name: getattr(one, name) for name in _OF_SEAT})
            for one in attendance.attendance_of(desk.session, meeting_id)
        ],
    )
