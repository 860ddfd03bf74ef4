"""Meetings as they are held, over JSON: opening and closing, attendance, what becomes of the items."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from api.access.meetings import find_meeting
from api.access.permissions import Action, asks, require
from api.access.session import InContext, RequestContext
from api.access.sittings import read_open, read_sitting
from api.acts.declaring import On
from api.acts.minutes import Row
from api.acts.sittings import CASES, ITEMS, MEETING, SEATS
from api.json.act_routes import act_resources
from api.json.described import api_routes
from api.json.idempotent_requests import IfMatch, etag, must_have_seen
from api.json.sitting_shapes import (
    AttendanceGiven,
    AttendanceShown,
    CaseLineShown,
    ItemTreated,
    QuorumShown,
    RaisedShown,
    SeatFilled,
    StateShown,
)
from api.views.in_sitting import opened_under
from domain.kernel import Actor, surely
from meetings import attendance, running
from meetings.agenda_items import items_of
from meetings.committees import committees
from meetings.locking import read_meeting

router = api_routes("meetings")


@router.get("/meetings/{meeting_id}/attendance")
@asks(Action.SEE_MEETING)
def get_attendance(meeting_id: UUID, context: InContext) -> AttendanceShown:
    """How each seat was filled, and how the committee stands against its quorum by what is recorded now."""
    find_meeting(context.session, context.asker, meeting_id)
    return _attendance(context, meeting_id)


@router.put("/meetings/{meeting_id}/attendance")
@asks(Action.RUN_MEETING)
def record_attendance(
    meeting_id: UUID, body: AttendanceGiven, context: InContext, if_match: IfMatch = ""
) -> AttendanceShown:
    """Say how one seat was filled, or correct it.

    The version of the seat that was read is needed: in `seen`, or in If-Match.
    """
    by = _as(context, Action.RUN_MEETING, meeting_id)
    attendance.record(
        context.session,
        meeting_id,
        body.seat_id,
        body.state,
        person_id=body.person_id,
        is_remote=body.is_remote,
        arrived_at=body.arrived_at,
        left_at=body.left_at,
        by=by,
        at=context.at,
        seen=must_have_seen(if_match) if body.seen is None else body.seen,
    )
    return _attendance(context, meeting_id)


@router.get("/meetings/{meeting_id}/outcomes")
@asks(Action.RUN_MEETING)
def list_outcomes(meeting_id: UUID, context: InContext) -> list[ItemTreated]:
    """What became of each item of a meeting, in their order, with its notes: for the person who runs it."""
    _as(context, Action.RUN_MEETING, meeting_id)
    return _items(context, meeting_id)


def _as(context: RequestContext, action: Action, meeting_id: UUID) -> Actor:
    """The actor who does this in a meeting that the asker may see. Raises Forbidden."""
    _, _, given = find_meeting(context.session, context.asker, meeting_id)
    return require(action, given)


def _state(on: On[Row], _: None, response: Response) -> StateShown:
    row = read_meeting(on.session, on.id)
    response.headers["ETag"] = etag(row.version)
    return StateShown(id=row.id, state=row.state, version=row.version)


def _seats(on: On[Row], _: None) -> AttendanceShown:
    return _attendance(on.context, on.id)


def _item(on: On[Row], item_id: UUID, response: Response) -> ItemTreated:
    shown = next(one for one in _items(on.context, on.id) if one.id == item_id)
    response.headers["ETag"] = etag(shown.version)
    return shown


act_resources(router, MEETING, _state)
act_resources(router, SEATS, _seats)


@router.get("/meetings/{meeting_id}/cases")
@asks(Action.RUN_MEETING)
def list_cases(meeting_id: UUID, context: InContext) -> list[CaseLineShown]:
    """What becomes of each case before the Clinical Committee, by number, without what people wrote of it."""
    _as(context, Action.RUN_MEETING, meeting_id)
    return _cases(context, meeting_id)


@router.get("/meetings/{meeting_id}/sitting/raised/{item_id}")
@asks(Action.SIT_IN)
def read_raised(meeting_id: UUID, item_id: UUID, context: InContext) -> list[RaisedShown]:
    """What workers raise of the cases under an item, for who sits while it sits: each reading is on record."""
    opened = opened_under(context, read_open(context, meeting_id), item_id)
    return [
        RaisedShown(
            follow_up_id=one.case.row.id,
            number=one.case.row.number,
            urgent=surely(one.case.brought).urgent,
            words=one.words,
        )
        for one in opened
    ]


def _case(on: On[Row], follow_up_id: UUID, response: Response) -> CaseLineShown:
    shown = next(one for one in _cases(on.context, on.id) if one.follow_up_id == follow_up_id)
    response.headers["ETag"] = etag(shown.version)
    return shown


act_resources(router, CASES, _case, found_at=lambda on, _: f"/meetings/{on.id}/cases")
act_resources(router, ITEMS, _item, found_at=lambda on, _: f"/meetings/{on.id}/outcomes")


def _attendance(context: RequestContext, meeting_id: UUID) -> AttendanceShown:
    stood = attendance.quorum_now(context.session, meeting_id, context.at)
    return AttendanceShown(
        quorum=QuorumShown.about(stood),
        seats=[
            SeatFilled.about(one, seat_id=one.seat.id, key=one.seat.key)
            for one in attendance.attendance_of(context.session, meeting_id)
        ],
    )


def _cases(context: RequestContext, meeting_id: UUID) -> list[CaseLineShown]:
    meeting, members, _ = find_meeting(context.session, context.asker, meeting_id)
    read = read_sitting(context.session, meeting, members, [context.asker.person_id])
    sight = read.seen_by(context.asker)
    return [CaseLineShown.of_line(line) for line in read.lines if line.row.id in sight.cases]


def _items(context: RequestContext, meeting_id: UUID) -> list[ItemTreated]:
    rows = items_of(context.session, meeting_id)
    named = committees(context.session)
    used = running.minutes_used(read_meeting(context.session, meeting_id), rows, context.at)
    return [
        ItemTreated.about(
            row,
            number=row.number or str(place),
            referred_to=named[row.referred_to_id].key if row.referred_to_id else "",
            minutes_used=used.get(row.id),
        )
        for place, row in enumerate(rows, start=1)
    ]
