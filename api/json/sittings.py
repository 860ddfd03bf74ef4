"""Meetings as they are held, over JSON: opening and closing, attendance, what becomes of the items."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from fastapi import Response

from api.access.meetings import find_meeting
from api.access.permissions import Action, Forbidden, asks, require
from api.access.session import AtDesk, Desk
from api.json.described import api_routes
from api.json.idempotent_requests import AtOnce, IfMatch, etag, seen_version
from api.json.sitting_shapes import (
    AdditionGiven,
    AttendanceGiven,
    AttendanceShown,
    ClosingGiven,
    ItemTreated,
    OutcomeGiven,
    QuorumShown,
    SeatFilled,
    StateShown,
)
from domain.kernel.actors import Actor
from meetings import attendance, running
from meetings.agenda_items import items_of
from meetings.committees import committees
from meetings.locking import read_meeting

router = api_routes("meetings")


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


@router.post("/meetings/{meeting_id}/putting-back")
@asks(Action.RUN_MEETING)
def put_back(meeting_id: UUID, desk: AtDesk, response: Response, if_match: IfMatch = "") -> StateShown:
    """Take back that a meeting was opened, while nothing is recorded in it."""
    by, seen = _as(desk, Action.RUN_MEETING, meeting_id), seen_version(if_match)
    running.put_back(desk.session, meeting_id, by=by, at=desk.at, seen=seen)
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


@router.post("/meetings/{meeting_id}/attendance/rest")
@asks(Action.RUN_MEETING)
def record_rest(meeting_id: UUID, desk: AtDesk) -> AttendanceShown:
    """Record as present every principal of whose seat nothing is recorded yet, and who did not answer otherwise.

    Again: nothing is left to record.
    """
    by = _as(desk, Action.RUN_MEETING, meeting_id)
    attendance.record_rest(desk.session, meeting_id, by=by, at=desk.at)
    return _attendance(desk, meeting_id)


@router.get("/meetings/{meeting_id}/outcomes")
@asks(Action.RUN_MEETING)
def list_outcomes(meeting_id: UUID, desk: AtDesk) -> list[ItemTreated]:
    """What became of each item of a meeting, in their order, with its notes: for whoever runs it."""
    _as(desk, Action.RUN_MEETING, meeting_id)
    return _items(desk, meeting_id)


@router.put("/meetings/{meeting_id}/outcomes/{item_id}")
@asks(Action.RUN_MEETING)
def treat_item(
    meeting_id: UUID, item_id: UUID, body: OutcomeGiven, desk: AtDesk, response: Response, if_match: IfMatch = ""
) -> ItemTreated:
    """Say what becomes of an item of a meeting under way, or correct it."""
    by, seen = _as(desk, Action.RUN_MEETING, meeting_id), seen_version(if_match)
    if item_id not in {row["id"] for row in items_of(desk.session, meeting_id)}:
        raise Forbidden
    running.treat(
        desk.session,
        item_id,
        body.outcome,
        note_fr=body.note_fr,
        note_en=body.note_en,
        refer_to=body.refer_to,
        by=by,
        at=desk.at,
        seen=seen,
    )
    shown = next(one for one in _items(desk, meeting_id) if one.id == item_id)
    response.headers["ETag"] = etag(shown.version)
    return shown


@router.post("/meetings/{meeting_id}/additions", status_code=201)
@asks(Action.RUN_MEETING)
def add_item(
    meeting_id: UUID,
    body: AdditionGiven,
    desk: AtDesk,
    once: AtOnce,
    response: Response,
) -> ItemTreated:
    """Put on the agenda what comes up while the meeting is under way."""
    if (before := once.again(body)) is not None:
        return before  # type: ignore[return-value]  # an answer given again, as it stands
    by = _as(desk, Action.RUN_MEETING, meeting_id)
    item_id = running.add_item(
        desk.session,
        meeting_id,
        title_fr=body.title_fr,
        title_en=body.title_en,
        minutes=body.minutes,
        reason=body.reason,
        by=by,
        at=desk.at,
    )
    once.done(response, 201, f"/api/v1/meetings/{meeting_id}/outcomes")
    return next(one for one in _items(desk, meeting_id) if one.id == item_id)


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


_OF_ITEM: Final = ("id", "outcome", "note_fr", "note_en", "minutes", "times_seen", "settled_at", "version")


def _items(desk: Desk, meeting_id: UUID) -> list[ItemTreated]:
    rows = items_of(desk.session, meeting_id)
    named = committees(desk.session)
    used = running.minutes_used(read_meeting(desk.session, meeting_id), rows, desk.at)
    return [
        ItemTreated(
            **{name: row[name] for name in _OF_ITEM},
            number=row["number"] or str(place),
            referred_to=named[row["referred_to_id"]]["key"] if row["referred_to_id"] else "",
            minutes_used=used.get(row["id"]),
        )
        for place, row in enumerate(rows, start=1)
    ]
