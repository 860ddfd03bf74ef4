"""Meetings as lists and pages show them: committee, hours, state, who may open them, and what the asker answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final, TypedDict
from uuid import UUID

from sqlalchemy import DateTime, bindparam
from sqlmodel import and_, or_
from sqlmodel.sql.expression import SelectOfScalar

from api.access.permissions import Action, Relation, is_allowed, themselves, to_program
from api.access.session import RequestContext
from domain.kernel import Question, built, col, every, of
from locales import N_
from meetings import answers
from meetings.committees import committees, title_of
from meetings.drafting import in_the_readers_words
from meetings.invitees import invitees_of
from meetings.local_times import local_of
from meetings.wording import when
from models.committee import Committee
from models.meeting import Meeting

#: What a meeting's state looks like, and the word for it.
STATES: Final[Mapping[str, tuple[str, str]]] = {
    "planned": ("empty", N_("Planned")),
    "under_way": ("half", N_("Under way now")),
    "held": ("full", N_("Held")),
    "cancelled": ("stop", N_("Meeting cancelled")),
}

#: What somebody answers, the shape and the word that show it.
ANSWERS: Final[Mapping[str, tuple[str, str]]] = {
    "accepted": ("full", N_("Will come")),
    "tentative": ("half", N_("May come")),
    "declined": ("stop", N_("Cannot come")),
    "": ("wait", N_("No answer yet")),
}


@dataclass(frozen=True)
class ListedMeeting:
    """One meeting in a list. `answer` is the asker's own, "" where they gave none; `may_open` whether its page is
    theirs to see."""

    meeting: Meeting
    committee: Committee
    title: str
    is_mine: bool
    answer: str
    may_open: bool

    @property
    def day(self) -> date:
        """The local day."""
        return self.meeting.starts.date()

    @property
    def hours(self) -> tuple[time, time]:
        """When it begins and ends, local."""
        return hours_of(self.meeting)

    @property
    def is_off(self) -> bool:
        """Whether it was cancelled."""
        return self.meeting.state == "cancelled"

    @property
    def is_held(self) -> bool:
        """Whether it was closed, be it today or before its hour."""
        return self.meeting.state == "held"

    @property
    def is_to_come(self) -> bool:
        """Whether people are awaited there: it was neither cancelled nor closed."""
        return not self.is_off and not self.is_held


def hours_of(meeting: Meeting) -> tuple[time, time]:
    """When a meeting begins and ends, local."""
    return meeting.starts.time(), local_of(meeting.ends_at, meeting.time_zone).time()


class MeetingHead(TypedDict):
    """What a page says of the meeting that it is about."""

    meeting: Meeting
    committee: Committee
    title: str
    when: str
    hours: tuple[time, time]
    state: tuple[str, str]


def heading_of(context: RequestContext, meeting: Meeting) -> MeetingHead:
    """What a page says of the meeting that it is about."""
    committee = committees(context.session)[meeting.committee_id]
    return MeetingHead(
        meeting=meeting,
        committee=committee,
        title=title_of(committee, context.language),
        when=when(context.language, meeting.starts),
        hours=hours_of(meeting),
        state=STATES[meeting.state],
    )


def between(
    context: RequestContext, first: date, last: date, *, committee_id: UUID | None = None
) -> list[ListedMeeting]:
    """The meetings from a local day to another, both inclusive, in order: of the program, or of one committee."""
    statement = of(Meeting).where(
        col(Meeting.starts) >= datetime.combine(first, time.min),
        col(Meeting.starts) < datetime.combine(last + timedelta(days=1), time.min),
        *([col(Meeting.committee_id) == committee_id] if committee_id is not None else []),
    )
    rows = every(context.session, statement.order_by(col(Meeting.starts_at), col(Meeting.id)))
    return lines_of(context, rows)


def asked_between(*spans: tuple[date, date]) -> Question[SelectOfScalar[Meeting]]:
    """What asks for the meetings on the days of any of two spans of local days, both ends inclusive."""
    values: dict[str, Any] = {}
    for place, (first, last) in enumerate(spans):
        values[f"from_{place}"] = datetime.combine(first, time.min)
        values[f"before_{place}"] = datetime.combine(last + timedelta(days=1), time.min)
    return Question(_BETWEEN, values)


_BETWEEN: Final = built(
    of(Meeting)
    .where(
        or_(
            *(
                and_(
                    col(Meeting.starts) >= bindparam(f"from_{place}", type_=DateTime()),
                    col(Meeting.starts) < bindparam(f"before_{place}", type_=DateTime()),
                )
                for place in range(2)
            )
        )
    )
    .order_by(col(Meeting.starts_at), col(Meeting.id))
)


def lines_of(context: RequestContext, rows: Sequence[Meeting]) -> list[ListedMeeting]:
    """Each of these meetings as a line."""
    named = committees(context.session)
    invitees = invitees_of(context.session, rows)
    said = answers_of(context, (row.id for row in rows))
    me = context.asker.person_id
    found = []
    for row in in_the_readers_words(context.session, rows, context.language):
        is_mine = me in invitees.of(row)
        given = to_program(context.asker)
        if invitees.members[row.committee_id].seat_of(me, context.day) is not None:
            given[Relation.SITS] = themselves(context.asker)
        if is_mine:
            given[Relation.INVITED] = themselves(context.asker)
        committee = named[row.committee_id]
        found.append(
            ListedMeeting(
                row,
                committee,
                title_of(committee, context.language),
                is_mine,
                said.get(row.id, ""),
                is_allowed(Action.SEE_MEETING, given),
            )
        )
    return found


def answers_of(context: RequestContext, meeting_ids: Iterable[UUID]) -> dict[UUID, str]:
    """What the asker answered to each of these meetings, where they did."""
    rows = answers.given(context.session, list(meeting_ids), person_id=context.asker.person_id)
    return {row.meeting_id: row.answer for row in rows}
