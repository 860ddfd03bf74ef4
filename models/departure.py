"""Departures: who leaves an organization and from when, what became of each thing in hand, and the summaries."""

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field

from models.base import InProgram, at_most_one, found_by, moment, one_of, structured, to

#: How a thing can end without a successor. `domain.departure.settling` says what each of them means.
ENDINGS = (
    "with_the_role",
    "left_vacant",
    "nobody_deputizes",
    "not_invited",
    "returned",
    "lost",
    "closed",
    "recruiting",
    "not_replaced",
    "by_itself",
    "left_unfinished",
    "thrown_away",
    "to_the_coordinator",
)

#: What becomes of a follow-up that is offered to another worker, and how it is handed over.
HAND_OVERS = ("proposed", "accepted", "refused", "withdrawn")
WAYS = ("call", "meeting")


def _read_ends(kept: Mapping[str, str | None]) -> dict[UUID, date | None]:
    return {UUID(tenure_id): date.fromisoformat(day) if day else None for tenure_id, day in kept.items()}


def _written_ends(ends: Mapping[UUID, date | None]) -> dict[str, str | None]:
    return {str(tenure_id): day.isoformat() if day else None for tenure_id, day in ends.items()}


class Departure(InProgram, table=True):
    """A person's departure from an organization: its case, their last day there, and when their access ended.

    `planned` says that they still work until that day; else they had gone when it was opened. `was_to_end` keeps the
    former last days of their roles, so that a cancelled departure restores them.
    """

    __table_args__ = (
        UniqueConstraint("program_id", "case_id"),
        found_by("ix_departure_not_ended", "last_day", where="ended_at is null"),
    )

    case_id: UUID = to("case")
    person_id: UUID = to("person", index=True)
    organization_id: UUID = to("organization")
    last_day: date  # inclusive, local
    planned: bool = True
    was_to_end: dict[UUID, date | None] = structured(_read_ends, _written_ends, default_factory=dict)  # by tenure
    ended_at: datetime | None = moment(default=None)  # access was closed, and what is held by days ended
    called_off_at: datetime | None = moment(default=None)
    version: int = 1


class Settlement(InProgram, table=True):
    """What became of one thing that a leaver had in hand: who has it now, or how it ended. For good."""

    __table_args__ = (
        one_of("ended_as", ("", *ENDINGS)),
        CheckConstraint("(successor_id is null) = (ended_as <> '')", name="successor_or_end"),
    )

    case_id: UUID = to("case", index=True)
    task_id: UUID = to("task")
    kind: str  # of the holding: domain.holdings
    holding_id: UUID
    successor_id: UUID | None = to("person", default=None)
    ended_as: str = ""
    note: str = ""
    settled_at: datetime = moment()
    settled_by: UUID | None = to("person", default=None)
    settled_as: str = ""


class Interview(InProgram, table=True):
    """What one of two interviewers found of an applicant, by number: leadership and clinical skill, out of 100 (GV-8).

    The applicant's identity is in the employer's own file, and nowhere here.
    """

    __table_args__ = (
        UniqueConstraint("program_id", "case_id", "applicant", "interviewer_id"),
        CheckConstraint("applicant between 1 and 99", name="applicant"),
        CheckConstraint("leadership between 0 and 100", name="leadership"),
        CheckConstraint("clinical between 0 and 100", name="clinical"),
    )

    case_id: UUID = to("case")
    applicant: int
    interviewer_id: UUID = to("person")
    leadership: int
    clinical: int
    note: str = ""
    recorded_at: datetime = moment()
    version: int = 1


class HandOver(InProgram, table=True):
    """The offer of one follow-up of a leaver to a worker, until they accept or refuse it.

    `way` is how the participant wants it: a call from the new worker, or a meeting with both (DP-04). It is empty while
    that is not agreed with them. `answer_by` is the last local day to answer; `lapsed_at` says that it passed in
    silence, which the coordinator is then told.
    """

    __table_args__ = (
        one_of("state", HAND_OVERS),
        one_of("way", ("", *WAYS)),
        CheckConstraint("(state = 'proposed') = (answered_at is null)", name="answered"),
        Index("ix_hand_over_follow_up", "program_id", "follow_up_id"),
        at_most_one("one_hand_over_at_a_time", "follow_up_id", "from_id", where="state = 'proposed'"),
    )

    case_id: UUID = to("case", index=True)
    task_id: UUID = to("task")
    follow_up_id: UUID = to("follow_up")
    from_id: UUID = to("person")
    to_id: UUID = to("person", index=True)
    way: str = ""
    state: str = HAND_OVERS[0]
    proposed_at: datetime = moment()
    proposed_by: UUID | None = to("person", default=None)
    answer_by: date
    answered_at: datetime | None = moment(default=None)
    reason: str = ""
    lapsed_at: datetime | None = moment(default=None)
    version: int = 1


class FollowUpSummary(InProgram, table=True):
    """What the Clinical Committee and the successor learn of a follow-up that is handed over (DP-06), in two parts.

    One for each task that asks for it. It is complete while its task is done: it stores no second mark of that.
    """

    __table_args__ = (UniqueConstraint("program_id", "task_id"),)

    follow_up_id: UUID = to("follow_up", index=True)
    task_id: UUID = to("task")
    words: bytes = Field(sa_type=LargeBinary)  # sealed: the participant's situation, and the steps that they took
    written_by: UUID = to("person")
    written_at: datetime = moment()
    version: int = 1
