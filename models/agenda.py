"""What a committee will discuss: items drawn by rule or requested, and the agendas that were sent.

An item names a participant by number alone, in `subject`; no column of these tables may hold a name.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field

from models.base import InProgram, moment, one_of, structured, to, together
from models.lifecycles import AGENDA_ITEM
from models.stored import JsonObject, Stored, stored

PURPOSES = ("information", "discussion", "decision")
#: Who may read an item: everyone who is invited, those who hold a seat, or the program's own partners alone.
AUDIENCES = ("invited", "seats", "partners")
#: What became of an item in the meeting.
OUTCOMES = ("", "treated", "decided", "carried", "referred", "withdrawn")

#: The reasons that an item has by what became of it. The first two are what people did, and are told to no one.
EDITED = "edited"
TAKEN_OFF = "taken_off"
LATE_REQUEST = "late_request"
REFERRED = "referred"
RETURNED = "returned"
CARRIED = "carried"
THREE_TIMES = "three_times"
STANDING_THREE_TIMES = "standing_three_times"
ENDED = "ended"
#: What the passing of time adds to a reason, and is none by itself.
_AGES = (CARRIED, THREE_TIMES, STANDING_THREE_TIMES, RETURNED)

Fact = str | int | Mapping[str, str] | Sequence[str]


@dataclass(frozen=True)
class ItemReason:
    """A reason why an item is on an agenda: a code, an N_() sentence with %(named)s facts, and the facts.

    `sentence` is empty where `meetings.reasons` words the code. `rule` is the key of the declared rule that drew the
    item. Facts are days, counts, numbers such as #2019-02, names of organizations, and declared texts in both
    languages: never a person's name, never typed words.
    """

    code: str
    sentence: str = ""
    facts: Mapping[str, Fact] = field(default_factory=dict)
    rule: str = ""

    @property
    def meeting(self) -> str:
        """The id of the meeting that it is about; "" where it is about none."""
        return str(self.facts.get("meeting", ""))

    @property
    def columns(self) -> Sequence[str]:
        """The columns that it is about: those that people changed by hand."""
        columns = self.facts.get("columns")
        return columns if isinstance(columns, list) else ()


class Reasons(tuple[ItemReason, ...]):
    """The reasons of an item in their order, each once, with what people did to it among them."""

    __slots__ = ()

    def without(self, *codes: str) -> Self:
        """The reasons but those of these codes."""
        return type(self)(reason for reason in self if reason.code not in codes)

    def and_also(self, more: Iterable[ItemReason]) -> Self:
        """The reasons, and those of `more` that are not among them."""
        return type(self)((*self, *(reason for reason in more if reason not in self)))

    def with_edited(self, columns: Iterable[str]) -> Self:
        """The reasons, with these columns as well among those changed by hand."""
        every = sorted(self.edited | set(columns))
        return type(self)((*self.without(EDITED), ItemReason(EDITED, facts={"columns": every}))) if every else self

    @property
    def edited(self) -> frozenset[str]:
        """The columns that people changed by hand, and that no rule may change back."""
        return frozenset(name for reason in self if reason.code == EDITED for name in reason.columns)

    @property
    def taken_off(self) -> frozenset[str]:
        """The ids of the meetings from whose agendas people took the item off."""
        return frozenset(reason.meeting for reason in self if reason.code == TAKEN_OFF)

    @property
    def is_drawn(self) -> bool:
        """Whether a rule alone put the item there, untouched since."""
        return any(reason.rule for reason in self) and all(reason.rule or reason.code in _AGES for reason in self)

    @property
    def is_over(self) -> bool:
        """Whether the fact that put the item there holds no more: it stays as printed, and is on no other agenda."""
        return any(reason.code == ENDED for reason in self)

    @property
    def speak_for_it(self) -> bool:
        """Whether any is a reason to talk about the item, and not only what became of it meanwhile."""
        return bool(self.without(EDITED, TAKEN_OFF, ENDED, LATE_REQUEST, *_AGES))


def _kept(reason: ItemReason) -> dict[str, object]:
    kept = {"code": reason.code, "facts": reason.facts, "sentence": reason.sentence, "rule": reason.rule}
    return {name: value for name, value in kept.items() if value or name == "facts"}


def _kept_reasons(reasons: Iterable[ItemReason]) -> list[dict[str, object]]:
    return [_kept(reason) for reason in reasons]


def _read_reasons(kept: Iterable[Mapping[str, Any]]) -> Reasons:
    return Reasons(ItemReason(**reason) for reason in kept)


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
    reasons: Reasons = structured(_read_reasons, _kept_reasons, default_factory=Reasons)
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
    taken_up_at: datetime | None = moment(default=None)  # when the sitting came to it, where that was said
    settled_at: datetime | None = moment(default=None)
    settled_as: str | None = None
    version: int = 1

    @property
    def key(self) -> tuple[str, str]:
        """What it is about: of one subject a committee has one open item."""
        return self.kind, self.subject


class KeptPaper(Stored):
    """An agenda as it was written down: what it says, and beside each of its items the row's id and its audience."""

    agenda: JsonObject
    audiences: list[str]
    items: list[str]


class AgendaVersion(InProgram, table=True):
    """An agenda as it was sent: frozen whole, or an addendum to it. Written once."""

    __table_args__ = (UniqueConstraint("program_id", "meeting_id", "n"), one_of("kind", ("agenda", "addendum")))

    meeting_id: UUID = to("meeting")
    n: int
    kind: str
    content: KeptPaper = stored(KeptPaper)
    digest: str
    made_at: datetime = moment()
