"""The mails that came as answers and were not taken, as the windows show them: of which meeting and seat, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

from api.access.session import RequestContext
from api.views.meetings import ANSWERS
from domain.kernel import col, every, frozen, of
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
class UnmatchedReplyLine:
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


def lines_of(context: RequestContext, rows: Sequence[StrayReply]) -> list[UnmatchedReplyLine]:
    """These mails as they are shown, in their order."""
    meetings = _by_id(context, Meeting, [row.meeting_id for row in rows])
    seasons = _by_id(context, MeetingSeries, [row.series_id for row in rows])
    named = committees(context.session)
    things = [_thing_of(row, meetings, seasons) for row in rows]
    since = min((one.starts.date() for one in meetings.values()), default=context.day)
    members = memberships(
        context.session, {thing.committee_id for thing in things if thing}, since=min(since, context.day)
    )
    found = []
    for row, thing in zip(rows, things, strict=True):
        if thing is None:
            found.append(UnmatchedReplyLine(row))
        else:
            starts = thing.starts if isinstance(thing, frozen(Meeting)) else None  # a season has none
            seat = _seat(context, members[thing.committee_id], row.person_id, starts)
            found.append(UnmatchedReplyLine(row, title_of(named[thing.committee_id], context.language), starts, seat))
    return found


T = TypeVar("T", Meeting, MeetingSeries)


def _by_id(context: RequestContext, model: type[T], ids: Iterable[UUID | None]) -> dict[UUID, T]:
    return {one.id: one for one in every(context.session, of(model).where(col(model.id).in_({*ids} - {None})))}


def may_answer(context: RequestContext, meetings: Sequence[Meeting]) -> set[UUID]:
    """Everyone invited to one of these meetings."""
    return set(invitees_of(context.session, meetings).by_person(meetings))


def _seat(context: RequestContext, members: Membership, person_id: UUID | None, starts: datetime | None) -> str:
    seat = members.seat_of(person_id, starts.date() if starts else context.day) if person_id else None
    return "" if seat is None else title_of(seat, context.language)


def _thing_of(
    row: StrayReply, meetings: Mapping[UUID, Meeting], seasons: Mapping[UUID, MeetingSeries]
) -> Meeting | MeetingSeries | None:
    """The meeting that a mail is about; else the season."""
    if row.meeting_id is not None and row.meeting_id in meetings:
        return meetings[row.meeting_id]
    return seasons.get(row.series_id) if row.series_id is not None else None
