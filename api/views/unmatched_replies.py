"""The mails that came as answers and were not taken, as the windows show them: of which meeting and seat, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

from api.access.session import Desk
from api.views.meetings import ANSWERS
from domain.kernel.rows import col, every, frozen, of
from locales import N_
from meetings import unmatched_replies
from meetings.committees import Membership, committees, memberships, title_of
from meetings.invitees import invitees_of
from models.invitation import StrayReply
from models.meeting import Meeting, MeetingSeries

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
    no invited person is known to have sent it, or the sender has none.
    """

    row: StrayReply
    title: str = ""
    starts: datetime | None = None
    seat: str = ""

    @property
    def why(self) -> str:
        """Why it was not taken, as an English msgid."""
        return unmatched_replies.REASONS[self.row.reason]


def lines_of(desk: Desk, rows: Sequence[StrayReply]) -> list[StrayLine]:
    """These mails as they are shown, in their order."""
    meetings = _by_id(desk, Meeting, [row.meeting_id for row in rows])
    seasons = _by_id(desk, MeetingSeries, [row.series_id for row in rows])
    named = committees(desk.session)
    things = [_thing_of(row, meetings, seasons) for row in rows]
    members = memberships(desk.session, {thing.committee_id for thing in things if thing})
    found = []
    for row, thing in zip(rows, things, strict=True):
        if thing is None:
            found.append(StrayLine(row))
        else:
            starts = thing.starts if isinstance(thing, frozen(Meeting)) else None  # a season has none
            seat = _seat(desk, members[thing.committee_id], row.person_id, starts)
            found.append(StrayLine(row, title_of(named[thing.committee_id], desk.language), starts, seat))
    return found


T = TypeVar("T", Meeting, MeetingSeries)


def _by_id(desk: Desk, model: type[T], ids: Iterable[UUID | None]) -> dict[UUID, T]:
    return {one.id: one for one in every(desk.session, of(model).where(col(model.id).in_({*ids} - {None})))}


def may_answer(desk: Desk, meetings: Sequence[Meeting]) -> set[UUID]:
    """Everyone invited to one of these meetings."""
    return set(invitees_of(desk.session, meetings).by_person(meetings))


def _seat(desk: Desk, members: Membership, person_id: UUID | None, starts: datetime | None) -> str:
    seat = members.seat_of(person_id, starts.date() if starts else desk.day) if person_id else None
    return "" if seat is None else title_of(seat, desk.language)


def _thing_of(
    row: StrayReply, meetings: Mapping[UUID, Meeting], seasons: Mapping[UUID, MeetingSeries]
) -> Meeting | MeetingSeries | None:
    """The meeting that a mail is about; else the season."""
    if row.meeting_id is not None and row.meeting_id in meetings:
        return meetings[row.meeting_id]
    return seasons.get(row.series_id) if row.series_id is not None else None
