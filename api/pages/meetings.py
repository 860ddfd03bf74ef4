"""The calendar: what is mine first, a month of the program's meetings, and my private calendar addresses."""

from __future__ import annotations

import calendar
import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import Query, Request, Response
from fastapi.responses import HTMLResponse

from api.access import meetings as at_meetings
from api.access.permissions import Action, asks, is_allowed, require, to_program
from api.access.session import InContext, RequestContext
from api.pages.frame import framed_pages, page, see_other
from api.views.meetings import ANSWERS, STATES, ListedMeeting, asked_between, lines_of
from domain.kernel import Refusal, ask_ahead, every
from meetings import feeds
from meetings import unmatched_replies as strays
from meetings.committees import ASKED_OF_COMMITTEES, committees, title_of

router = framed_pages()

#: How far ahead, and how many, "my meetings" are.
AHEAD: Final = timedelta(days=90)
MINE: Final = 8

_SUNDAY: Final = 6
_MONTH: Final = re.compile(r"(20[0-9]{2}|2100)-(0[1-9]|1[0-2])")

Asked = Annotated[str, Query(max_length=80)]


@dataclass(frozen=True)
class MonthDay:
    """One day of the month's table, of this month or of the one beside it."""

    day: date
    is_of_month: bool
    lines: tuple[ListedMeeting, ...]


@router.get("/meetings", name="meetings")
@asks(Action.SEE_CALENDAR)
def show_calendar(context: InContext, request: Request, month: Asked = "", committee: Asked = "") -> HTMLResponse:
    """My meetings, and those of one month; with `committee`, of that one alone."""
    return _page(context, request, month=month, committee=committee)


@router.post("/my-calendar")
@asks(Action.KEEP_FEED)
def make_feed(context: InContext, request: Request) -> Response:
    """A new private address, shown on the page that answers and never again."""
    by = require(Action.KEEP_FEED, to_program(context.asker))
    try:
        path = feeds.make(context.session, context.asker.person_id, by=by, at=context.at)
    except Refusal as refusal:
        context.session.rollback()
        return _page(context, request, refusal=refusal)
    return _page(context, request, made=context.installation.base_url + path)


@router.post("/my-calendar/{feed_id}/end")
@asks(Action.END_FEED)
def end_feed(context: InContext, feed_id: UUID) -> Response:
    """End one of one's own addresses, for good."""
    at_meetings.end_feed(context, feed_id)
    return see_other("/meetings#my-calendar")


def _page(
    context: RequestContext,
    request: Request,
    *,
    month: str = "",
    committee: str = "",
    made: str = "",
    refusal: Refusal | None = None,
) -> HTMLResponse:
    require(Action.SEE_CALENDAR, to_program(context.asker))
    first = date.fromisoformat(f"{month}-01") if _MONTH.fullmatch(month) else context.day.replace(day=1)
    last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    ahead = (context.day, context.day + AHEAD)
    month_and_ahead = asked_between((first, last), ahead)
    keeps_strays = is_allowed(Action.KEEP_STRAYS, to_program(context.asker))
    asked_of_strays = [strays.ASKED_OF_WAITING] if keeps_strays else []
    me = context.asker.person_id
    ask_ahead(
        context.session,
        ASKED_OF_COMMITTEES,
        month_and_ahead,
        feeds.asked_of_feeds(me),
        feeds.asked_of_voided(me, context.at),
        *asked_of_strays,
    )
    known = {row.key: row for row in committees(context.session).values()}
    chosen = known[committee].id if committee in known else None
    found = lines_of(context, every(context.session, *month_and_ahead))
    lines = [line for line in _within(found, first, last) if chosen in (None, line.meeting.committee_id)]
    mine = _mine(_within(found, *ahead))
    return page(
        context,
        request,
        "meetings.html",
        refused=refusal,
        mine=mine[:MINE],
        left_off=len(mine[MINE:]),
        month=first,
        before=(first - timedelta(days=1)).strftime("%Y-%m"),
        after=(last + timedelta(days=1)).strftime("%Y-%m"),
        weeks=_weeks(first, lines),
        lines=lines,
        chosen=committee if chosen else "",
        committees=sorted((title_of(row, context.language), row.key) for row in known.values()),
        answers=ANSWERS,
        states=STATES,
        feeds=feeds.feeds_of(context.session, me),
        calendar_stopped=feeds.voided_on(context.session, me, at=context.at),
        most_feeds=feeds.MOST,
        made=made,
        strays=strays.count(context.session) if keeps_strays else None,
        day=context.day,
    )


def _mine(lines: list[ListedMeeting]) -> list[ListedMeeting]:
    return [line for line in lines if line.is_mine and line.is_to_come]


def _within(lines: list[ListedMeeting], first: date, last: date) -> list[ListedMeeting]:
    return [line for line in lines if first <= line.day <= last]


def _weeks(first: date, lines: list[ListedMeeting]) -> list[list[MonthDay]]:
    """The weeks that a month touches, each from its Sunday, as calendars here are printed."""
    of_day: dict[date, list[ListedMeeting]] = defaultdict(list)
    for line in lines:
        of_day[line.day].append(line)
    return [
        [MonthDay(day, day.month == first.month, tuple(of_day[day])) for day in week]
        for week in calendar.Calendar(_SUNDAY).monthdatescalendar(first.year, first.month)
    ]
