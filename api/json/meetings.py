"""Meetings over JSON: lists and single ones, moving and cancelling, guests, answers and calendar addresses."""

from __future__ import annotations

from datetime import date, time, timedelta
from operator import attrgetter
from typing import Annotated, Final
from uuid import UUID

from fastapi import Query, Response

from api.access import meetings as at_meetings
from api.access.meetings import find_meeting
from api.access.permissions import Action, asks, require, to_program
from api.access.session import InContext, RequestContext
from api.acts.declaring import On
from api.acts.invitations import INVITED
from api.acts.meetings import DATES, GUESTS
from api.acts.minutes import Row
from api.json.act_routes import act_resources
from api.json.described import api_routes
from api.json.idempotent_requests import AtOnce, IfMatch, etag, seen_version
from api.json.meeting_shapes import (
    FeedMade,
    FeedShown,
    HourGiven,
    InvitedShown,
    MeetingChangeShown,
    MeetingLine,
    MeetingShown,
)
from api.json.previewed_acts import Preview, changed, previewed_resources
from api.json.shapes import After, Limit, Page
from api.views.meetings import ListedMeeting, between, lines_of
from api.views.names import people_by_id
from api.web.given import Day
from domain.kernel import Part, Refusal
from locales import N_
from meetings import answers, feeds, schedule
from meetings.committees import Membership, committees
from meetings.invitations import PersonalNews
from meetings.invitees import guests_of, invited_to
from meetings.locking import lock_meeting, original_of, read_meeting
from models.meeting import Meeting

router = api_routes("meetings")

#: How far ahead a list goes that says no last day, and how long one is at most.
AHEAD: Final = timedelta(days=90)
LONGEST: Final = timedelta(days=800)
_DAY: Final = timedelta(days=1)


@router.get("/meetings")
@asks(Action.SEE_CALENDAR)
def list_meetings(
    context: InContext,
    since: Annotated[Day | None, Query(alias="from", description="The first local day; today without it.")] = None,
    until: Annotated[Day | None, Query(alias="to", description="The last local day; 90 days later without it.")] = None,
    committee: Annotated[str, Query(max_length=61, description="Of this committee alone.")] = "",
    mine: Annotated[bool, Query(description="Only those that invite the asker.")] = False,
    limit: Limit = 50,
    after: After = None,
) -> Page[MeetingLine]:
    """The meetings of the program between two local days, both inclusive, cancelled ones too, in order."""
    require(Action.SEE_CALENDAR, to_program(context.asker))
    first, last = _span(since, until, context.day)
    chosen = next((one for one, row in committees(context.session).items() if row.key == committee), None)
    nothing = (committee and chosen is None) or last < first
    lines = [] if nothing else between(context, first, min(last, date.max - _DAY), committee_id=chosen)
    lines = [line for line in lines if line.is_mine or not mine]
    part = Part.among(lines, after, limit, attrgetter("meeting.id"))
    return Page[MeetingLine].of(part, lambda shown: [_line(line) for line in shown], limit, len(lines))


def _span(since: date | None, until: date | None, today: date) -> tuple[date, date]:
    """The days that a list is asked for. Raises Refusal where they are too many."""
    first = since or today
    last = until or min(first, date.max - AHEAD) + AHEAD
    if last - first > LONGEST:
        raise Refusal("meetings.too_long", N_("Ask for fewer days at once: at most %(days)s."), days=LONGEST.days)
    return first, last


@router.get("/meetings/{meeting_id}")
@asks(Action.SEE_MEETING)
def get_meeting(meeting_id: UUID, context: InContext, response: Response) -> MeetingShown:
    """One meeting, the people invited and what they answered."""
    row, members, _ = find_meeting(context.session, context.asker, meeting_id)
    response.headers["ETag"] = etag(row.version)
    return _meeting(context, row, members)


def _version(on: On[Row]) -> int:
    return read_meeting(on.session, on.id).version


previewed_resources(router, DATES, version=_version)


@router.put("/meetings/{meeting_id}/hour")
@asks(Action.PLAN_MEETINGS)
def change_hour(
    meeting_id: UUID,
    body: HourGiven,
    context: InContext,
    response: Response,
    preview: Preview = False,
    if_match: IfMatch = "",
) -> MeetingChangeShown:
    """Have a meeting and every later one of its season at another hour. What was moved stays where it was moved to."""
    _, _, given = find_meeting(context.session, context.asker, meeting_id)
    by, seen = require(Action.PLAN_MEETINGS, given), seen_version(if_match)

    def change() -> tuple[PersonalNews, ...]:
        row = lock_meeting(context.session, meeting_id, seen=seen)
        season_id = schedule.season_of(row)
        since, hour = original_of(row).date(), time.fromisoformat(body.hour)
        return schedule.change_hour(
            context.session, season_id, since=since, hour=hour, minutes=body.minutes, by=by, at=context.at
        )

    shown = changed(context, change, preview=preview)
    response.headers["ETag"] = etag(read_meeting(context.session, meeting_id).version)
    return shown


previewed_resources(router, GUESTS)


def _answered(on: On[Row], _: None, response: Response) -> MeetingShown:
    return get_meeting(on.id, on.context, response)


act_resources(router, INVITED, _answered)


@router.get("/calendar-feeds")
@asks(Action.KEEP_FEED)
def list_feeds(context: InContext) -> list[FeedShown]:
    """The asker's private calendar addresses that are open."""
    require(Action.KEEP_FEED, to_program(context.asker))
    return FeedShown.each(feeds.feeds_of(context.session, context.asker.person_id))


@router.post("/calendar-feeds", status_code=201)
@asks(Action.KEEP_FEED)
def make_feed(context: InContext, once: AtOnce, response: Response) -> FeedMade:
    """A new private calendar address. Its secret is in this answer alone, and in no repetition of it."""
    if (before := once.again(None)) is not None:
        return before  # type: ignore[return-value]  # an answer given again, as it stands
    by = require(Action.KEEP_FEED, to_program(context.asker))
    path = feeds.make(context.session, context.asker.person_id, by=by, at=context.at)
    once.done(response, 201, "/api/v1/calendar-feeds")
    return FeedMade(address=context.installation.base_url + path)


@router.post("/calendar-feeds/{feed_id}/ending", status_code=204)
@asks(Action.END_FEED)
def end_feed(feed_id: UUID, context: InContext) -> None:
    """End one of the asker's own addresses, at once and for good."""
    at_meetings.end_feed(context, feed_id)


def _line(line: ListedMeeting) -> MeetingLine:
    return MeetingLine.about(line.meeting, **_beside_its_row(line))


def _beside_its_row(line: ListedMeeting) -> dict[str, object]:
    return {"committee": line.committee.key, "title": line.title, "mine": line.is_mine, "answer": line.answer}


def _meeting(context: RequestContext, row: Meeting, members: Membership) -> MeetingShown:
    # Read again after an act.
    row = read_meeting(context.session, row.id)
    (line,) = lines_of(context, [row])
    return MeetingShown.about(
        line.meeting,
        **_beside_its_row(line),
        season=row.series_id,
        invited=_invited(context, row, members),
        alternates=members.instead_of(context.asker.person_id, row.starts.date()),
    )


def _invited(context: RequestContext, row: Meeting, members: Membership) -> list[InvitedShown]:
    said = {one.person_id: one for one in answers.given(context.session, [row.id])}
    guests = guests_of(context.session, row.id)
    invited = invited_to(context.session, row)
    found = []
    for person_id, person in people_by_id(context, invited).items():
        seat, answer = members.seat_of(person_id, row.starts.date()), said.get(person_id)
        shown = InvitedShown(
            person_id=person_id,
            name=person.name,
            seat_id=seat.id if seat else None,
            guest=person_id in guests,
            answer=answer.answer if answer else "",
            by=answer.by if answer else "",
            alternate_id=answer.alternate_id if answer else None,
            answered_at=answer.answered_at if answer else None,
        )
        found.append(shown)
    return found
