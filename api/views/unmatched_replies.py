"""The mails that came as answers and were not taken, as the windows show them: of which meeting and seat, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from api.access.session import Desk
from api.views.meetings import ANSWERS, title_of
from domain.kernel.scope import many, program_of
from locales import N_
from meetings import invitations, unmatched_replies
from meetings.committees import Membership, committees, memberships
from models.base import table_of
from models.meeting import Meeting, MeetingSeries

_meeting = table_of(Meeting)
_series = table_of(MeetingSeries)

#: What a mail claims, or is taken to say: the shape and the word that show it.
CLAIMS: Final[Mapping[str, tuple[str, str]]] = {
    **{answer: shown for answer, shown in ANSWERS.items() if answer},
    "delegated": ("ask", N_("Someone else comes")),
}

OUTCOMES: Final[Mapping[str, tuple[str, str]]] = {
    unmatched_replies.SET_ASIDE: ("skip", N_("Left aside")),
    unmatched_replies.TAKEN: ("full", N_("Taken as an answer")),
}


@dataclass(frozen=True)
class StrayLine:
    """One mail: its row, the committee's title, the local time of the one meeting that it is about, and the seat.

    `title` is "" where it names no meeting of the program; `starts` is None of a whole season; `seat` is "" where
    nobody of those invited is known to have sent it, or they have none.
    """

    row: Mapping[str, Any]
    title: str = ""
    starts: datetime | None = None
    seat: str = ""

    @property
    def why(self) -> str:
        """Why it was not taken, as an English msgid."""
        return unmatched_replies.REASONS[self.row["reason"]]


def lines_of(desk: Desk, rows: Sequence[Mapping[str, Any]]) -> list[StrayLine]:
    """These mails as they are shown, in their order."""
    here = program_of(desk.session)
    meetings = _by_id(
        desk, select(_meeting).where(_meeting.c.program_id == here, _meeting.c.id.in_(_ids(rows, "meeting_id")))
    )
    seasons = _by_id(
        desk, select(_series).where(_series.c.program_id == here, _series.c.id.in_(_ids(rows, "series_id")))
    )
    named = committees(desk.session)
    things = [meetings.get(row["meeting_id"]) or seasons.get(row["series_id"]) for row in rows]
    members = memberships(desk.session, {thing["committee_id"] for thing in things if thing})
    found = []
    for row, thing in zip(rows, things, strict=True):
        if thing is None:
            found.append(StrayLine(row))
            continue
        starts = thing.get("starts")  # a season has none
        seat = _seat(desk, members[thing["committee_id"]], row["person_id"], starts)
        found.append(StrayLine(row, title_of(named[thing["committee_id"]], desk.language), starts, seat))
    return found


def may_answer(desk: Desk, meetings: Iterable[Mapping[str, Any]]) -> set[UUID]:
    """Everyone whom one of these meetings invites."""
    found: set[UUID] = set()
    members = memberships(desk.session, {one["committee_id"] for one in meetings})
    extra = invitations.others(desk.session, [one["id"] for one in meetings])
    for one in meetings:
        found |= {*members[one["committee_id"]].invited(one["starts"].date()), *extra[one["id"]]}
    return found


def _seat(desk: Desk, members: Membership, person_id: UUID | None, starts: datetime | None) -> str:
    seat = members.seat_of(person_id, starts.date() if starts else desk.day) if person_id else None
    return "" if seat is None else seat.title_fr if desk.language == "fr" else seat.title_en


def _ids(rows: Iterable[Mapping[str, Any]], name: str) -> list[UUID]:
    return [row[name] for row in rows if row[name] is not None]


def _by_id(desk: Desk, query: Any) -> dict[UUID, dict[str, Any]]:
    return {row["id"]: row for row in many(desk.session, query)}
