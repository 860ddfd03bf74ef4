"""When people meet: a season of weekly meetings, and each meeting with its place, its hour and what became of it.

Local wall time and the name of its zone are the truth. The moment in UTC is derived from them and stored beside them so
that meetings can be found in order.
"""

from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, UniqueConstraint
from sqlmodel import Field

from models.base import InProgram, at_most_one, found_by, in_order, moment, one_of, structure, to, together
from models.lifecycles import MEETING


class MeetingSeries(InProgram, table=True):
    """A season of weekly meetings under one UID: from a first day to a last one, on the first one's weekday.

    A change of hour from a day on ends it before that day, and another series `follows_id` it.
    """

    __table_args__ = (
        UniqueConstraint("program_id", "uid"),
        in_order(),
        CheckConstraint("minutes between 15 and 600", name="minutes"),
    )

    committee_id: UUID = to("committee", index=True)
    follows_id: UUID | None = to("meeting_series", default=None)
    uid: str
    time_zone: str
    starts_on: date  # the first meeting's day, whatever became of that meeting
    ends_on: date  # the last day on which one may be
    at: time  # local
    minutes: int
    place: str = ""
    online_url: str = ""
    recorded_at: datetime = moment()
    version: int = 1


class Meeting(InProgram, table=True):
    """One meeting of a committee: of a series, known in it by its original local time, or alone under its own UID."""

    __table_args__ = (
        UniqueConstraint("program_id", "series_id", "original"),
        UniqueConstraint("program_id", "uid"),
        one_of("state", MEETING.states),
        CheckConstraint("(series_id is null) = (uid is not null)", name="one_uid"),
        CheckConstraint("(series_id is null) = (original is null)", name="original"),
        CheckConstraint("minutes between 15 and 600", name="minutes"),
        CheckConstraint("ends_at > starts_at", name="in_order"),
        CheckConstraint("(state = 'cancelled') = (cancelled_at is not null)", name="cancelled"),
        CheckConstraint("state not in ('under_way', 'held') or opened_at is not null", name="opened"),
        CheckConstraint("(state = 'held') = (closed_at is not null)", name="closed"),
        Index("ix_meeting_starts", "program_id", "starts"),
        Index("ix_meeting_starts_at", "program_id", "starts_at"),
        Index("ix_meeting_committee", "program_id", "committee_id", "starts_at"),
        found_by("ix_meeting_to_freeze", "starts_at", where="state = 'planned' and agenda_frozen_at is null"),
    )

    committee_id: UUID = to("committee")
    series_id: UUID | None = to("meeting_series", default=None)
    uid: str | None = None
    original: datetime | None = Field(default=None, sa_type=DateTime(timezone=False))
    starts: datetime = Field(sa_type=DateTime(timezone=False))  # local, in `time_zone`
    time_zone: str
    minutes: int
    starts_at: datetime = moment()
    ends_at: datetime = moment()
    place: str = ""
    online_url: str = ""
    state: str = MEETING.initial
    reason: str = ""  # of the last move or of the cancellation, as people typed it
    agenda_circulated_at: datetime | None = moment(default=None)
    agenda_frozen_at: datetime | None = moment(default=None)
    opened_at: datetime | None = moment(default=None)
    closed_at: datetime | None = moment(default=None)
    quorate: bool | None = None  # for one that was held: whether it ever had its quorum; None where no one can tell yet
    cancelled_at: datetime | None = moment(default=None)
    settled_by: UUID | None = to("person", default=None)
    recorded_at: datetime = moment()
    version: int = 1


class MeetingGuest(InProgram, table=True):
    """A person invited to one meeting without a seat. Withdrawing the invitation keeps the row."""

    __table_args__ = (
        together("withdrawn", "withdrawn_at", "withdrawn_by"),
        at_most_one("one_guest_a_meeting", "meeting_id", "person_id", where="withdrawn_at is null"),
    )

    meeting_id: UUID = to("meeting", index=True)
    person_id: UUID = to("person", index=True)
    invited_by: UUID | None = to("person", default=None)
    invited_at: datetime = moment()
    withdrawn_at: datetime | None = moment(default=None)
    withdrawn_by: str | None = None  # the role


class DraftedYear(InProgram, table=True):
    """A year whose dates were proposed for a committee and wait for the coordinator's yes. Nothing is sent meanwhile.

    `dates` are the proposals: local starts, and the reasons of each. Settled when they, or others in their place, were
    planned, or they were dismissed. `follows` is the local day of the last meeting that was planned before them, or
    where there was none the day on which they were drafted: they are drafted once for it.
    """

    __table_args__ = (
        one_of("settled_as", ("", "planned", "dismissed")),
        CheckConstraint("(settled_at is null) = (settled_as = '')", name="settled"),
        UniqueConstraint("program_id", "committee_id", "follows"),
    )

    committee_id: UUID = to("committee")
    year: int
    dates: list[dict[str, object]] = structure(default_factory=list)
    drafted_at: datetime = moment()
    settled_at: datetime | None = moment(default=None)
    settled_by: UUID | None = to("person", default=None)
    settled_as: str = ""
    follows: date
