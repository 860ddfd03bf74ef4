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
from api.access.permissions import Action, allows, asks, require, to_program
from api.access.session import AtDesk, Desk
from api.pages.frame import framed_pages, page, see_other
from api.views.meetings import ANSWERS, STATES, Line, asked_between, lines_of
from domain.kernel.asking import ask_ahead
from domain.kernel.refusals import Refusal
from domain.kernel.rows import every
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
class Day:
    """One day of the month's table, of this month or of the one beside it."""

    day: date
    is_of_month: bool
    lines: tuple[Line, ...]


@router.get("/meetings", name="meetings")
@asks(Action.SEE_CALENDAR)
def show_calendar(desk: AtDesk, request: Request, month: Asked = "", committee: Asked = "") -> HTMLResponse:
    """My meetings, and those of one month; with `committee`, of that one alone."""
    return _page(desk, request, month=month, committee=committee)


@router.post("/my-calendar")
@asks(Action.KEEP_FEED)
def make_feed(desk: AtDesk, request: Request) -> Response:
    """A new private address, shown on the page that answers and never again."""
    by = require(Action.KEEP_FEED, to_program(desk.asker))
    try:
        path = feeds.make(desk.session, desk.asker.person_id, by=by, at=desk.at)
    except Refusal as refusal:
        desk.session.rollback()
        return _page(desk, request, refusal=refusal)
    return _page(desk, request, made=desk.office.base_url + path)


@router.post("/my-calendar/{feed_id}/end")
@asks(Action.END_FEED)
def end_feed(desk: AtDesk, feed_id: UUID) -> Response:
    """End one of one's own addresses, for good."""
    at_meetings.end_feed(desk, feed_id)
    return see_other("/meetings#my-calendar")


def _page(
    desk: Desk,
    request: Request,
    *,
    month: str = "",
    committee: str = "",
    made: str = "",
    refusal: Refusal | None = None,
) -> HTMLResponse:
    require(Action.SEE_CALENDAR, to_program(desk.asker))
    first = date.fromisoformat(f"{month}-01") if _MONTH.fullmatch(month) else desk.day.replace(day=1)
    last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    month_and_ahead = asked_between((first, last), (desk.day, desk.day + AHEAD))
    keeps_strays = allows(Action.KEEP_STRAYS, to_program(desk.asker)) is not None
    me = desk.asker.person_id
    ask_ahead(
        desk.session,
        ASKED_OF_COMMITTEES,
        month_and_ahead,
        feeds.asked_of_feeds(me),
        *((strays.ASKED_OF_WAITING,) if keeps_strays else ()),
    )
    known = committees(desk.session)
    chosen = next((row.id for row in known.values() if row.key == committee), None)
    found = lines_of(desk, every(desk.session, *month_and_ahead))
    lines = [line for line in found if first <= line.day <= last and chosen in (None, line.meeting.committee_id)]
    ahead = [line for line in found if desk.day <= line.day <= desk.day + AHEAD]
    mine = [line for line in ahead if line.is_mine and line.is_to_come]
    return page(
        desk,
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
        committees=sorted((title_of(row, desk.language), row.key) for row in known.values()),
        answers=ANSWERS,
        states=STATES,
        feeds=feeds.feeds_of(desk.session, me),
        most_feeds=feeds.MOST,
        made=made,
        strays=strays.count(desk.session) if keeps_strays else None,
        day=desk.day,
    )


def _weeks(first: date, lines: list[Line]) -> list[list[Day]]:
    """The weeks that a month touches, each from its Sunday, as calendars here are printed."""
    of_day: dict[date, list[Line]] = defaultdict(list)
    for line in lines:
        of_day[line.day].append(line)
    return [
        [Day(day, day.month == first.month, tuple(of_day[day])) for day in week]
        for week in calendar.Calendar(_SUNDAY).monthdatescalendar(first.year, first.month)
    ]
