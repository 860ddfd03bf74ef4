"""What a committee will discuss: items drawn by rule or requested, and the agendas that were sent.

An item names a participant by number alone, in `subject`; no column of these tables may hold a name.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field

from models.base import InProgram, moment, one_of, structure, to, together
from models.lifecycles import AGENDA_ITEM

PURPOSES = ("information", "discussion", "decision")
#: Who may read an item: everyone who is invited, those who hold a seat, or the program's own partners alone.
AUDIENCES = ("invited", "seats", "partners")
#: What became of an item in the meeting.
OUTCOMES = ("", "treated", "decided", "carried", "referred", "withdrawn")


class AgendaItem(InProgram, table=True):
    """One item: in the committee's pool, or on the agenda of one meeting, and what became of it.

    `kind` and `subject` say what it is about ("decision" and its id). While it is open a committee has only one of
    them, with every reason for it in `reasons`. `task_id` is the task that a decision on it completes.
    """

    __table_args__ = (
        one_of("state", AGENDA_ITEM.states),
        one_of("purpose", PURPOSES),
        one_of("audience", AUDIENCES),
        one_of("outcome", OUTCOMES),
        CheckConstraint("minutes between 0 and 600", name="minutes"),
        CheckConstraint("times_seen >= 0", name="times_seen"),
        CheckConstraint("state <> 'pool' or meeting_id is null", name="pool"),
        CheckConstraint("state not in ('scheduled', 'settled') or meeting_id is not null", name="scheduled"),
        CheckConstraint("(number is null) = (frozen_at is null)", name="numbered_when_frozen"),
        CheckConstraint("not late or late_reason <> ''", name="late"),
        together("settled", "settled_at", "settled_as"),
        Index(
            "one_open_item",
            "program_id",
            "committee_id",
            "kind",
            "subject",
            unique=True,
            postgresql_where=text("state in ('pool', 'scheduled')"),
        ),
        Index("ix_agenda_item_meeting", "program_id", "meeting_id"),
        UniqueConstraint("program_id", "meeting_id", "number", name="one_number_a_meeting"),
    )

    committee_id: UUID = to("committee")
    meeting_id: UUID | None = to("meeting", default=None)
    kind: str
    subject: str = ""  # what it is about, within its kind: an id, a number such as #2019-02, a seat's key
    rule: str = ""  # the declared rule's key; empty where it was asked for
    reasons: list[dict[str, Any]] = structure(default_factory=list)  # the facts that put it there, as codes and values
    section_fr: str = ""
    section_en: str = ""
    title_fr: str
    title_en: str = ""
    purpose: str = PURPOSES[1]
    audience: str = AUDIENCES[0]
    minutes: int = 5
    presenter_seat_id: UUID | None = to("seat", default=None)
    task_id: UUID | None = to("task", default=None)
    position: int = 0
    number: str | None = None
    frozen_at: datetime | None = moment(default=None)
    late: bool = False
    late_reason: str = ""
    times_seen: int = 0  # meetings that it was on and that did not reach it
    carried_from_id: UUID | None = to("agenda_item", default=None)
    referred_to_id: UUID | None = to("committee", default=None)
    state: str = AGENDA_ITEM.initial
    outcome: str = ""
    note: bytes | None = Field(default=None, sa_type=LargeBinary)  # what was said, in both languages, sealed
    asked_by: UUID | None = to("person", default=None)
    asked_at: datetime = moment()
    settled_at: datetime | None = moment(default=None)
    settled_as: str | None = None
    version: int = 1


class AgendaVersion(InProgram, table=True):
    """An agenda as it was sent: frozen whole, or an addendum to it. Written once."""

    __table_args__ = (UniqueConstraint("program_id", "meeting_id", "n"), one_of("kind", ("agenda", "addendum")))

    meeting_id: UUID = to("meeting")
    n: int
    kind: str
    content: dict[str, Any] = structure()
    digest: str
    made_at: datetime = moment()
