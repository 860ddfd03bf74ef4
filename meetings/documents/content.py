"""What the documents of a meeting say, in both languages at once, so that their numbering cannot differ.

Everything here is plain data that survives JSON: it is kept as it was when a document went out. It knows a participant
only by a number such as #2019-02; names are those of staff.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, TypeAdapter
from pydantic.dataclasses import dataclass

from domain.kernel import Refusal
from locales import N_, ZONE

Purpose = Literal["information", "discussion", "decision"]
Outcome = Literal["", "treated", "decided", "carried", "referred", "withdrawn"]
SeatState = Literal["unrecorded", "present", "remote", "alternate", "excused", "absent"]
DecisionState = Literal["open", "standing", "done", "withdrawn", "pending", "objected", "no_quorum", "undecided"]
MinutesState = Literal["draft", "circulated", "approved"]
Audience = Literal["invited", "seats", "partners"]

_FROZEN: Final = ConfigDict(extra="forbid", defer_build=True)


_LAST_TWO_OF_A_PLANE: Final = 0xFFFE


def plain(text: str) -> str:
    """`text` as it may be printed: composed, without control characters and without what turns or hides letters.

    Line breaks stay, a tab is a blank. A right-to-left override would show #2019-02 as another number.
    """
    text = unicodedata.normalize("NFC", re.sub("\r\n|[\r\u2028\u2029]", "\n", text))
    if not text.replace("\n", "").replace("\u00a0", "").isprintable():  # else no letter of it is such a one
        text = "".join(letter if letter == "\n" else _printed(letter) for letter in text)
    # From the first blank of a run alone: of a hundred thousand, each would be tried to the end.
    return re.sub(r"(?<! ) *+\n[ \n]*\n *", "\n\n", text).strip()


def _printed(letter: str) -> str:
    category = unicodedata.category(letter)
    if category == "Cc":
        return " "
    # No format character prints anything; surrogates and the last two of a plane are no text.
    is_text = category not in ("Cf", "Cs") and ord(letter) & _LAST_TWO_OF_A_PLANE != _LAST_TWO_OF_A_PLANE
    return letter if is_text else ""


def _wall_time(at: datetime) -> datetime:
    if at.tzinfo is not None:
        raise ValueError("a meeting's hour is wall time; its zone stands beside it")
    return at


#: The zones of this machine, read from its disk once.
_zones: Final = cache(available_timezones)


def _known_zone(name: str) -> str:
    if name not in _zones():
        raise ValueError("no such time zone")
    return name


Words = Annotated[str, AfterValidator(plain)]
Number = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,3}(\.[0-9]{1,3}){0,2}$")]
"""An item's number: "7", or "7.1" for one that came later, so that printed copies stay right."""

DecisionNumber = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{1,8}(-[A-Z0-9]{1,8}){1,3}$")]
Minutes = Annotated[int, Field(ge=0, le=6000)]


@dataclass(frozen=True, config=_FROZEN)
class Both:
    """A text in French and in English. Both are blank where there is nothing to say."""

    fr: Words = ""
    en: Words = ""

    def __bool__(self) -> bool:
        """Whether it says anything, in any language."""
        return bool(self.fr or self.en)


NOTHING: Final = Both()


@dataclass(frozen=True, kw_only=True, config=_FROZEN)
class MeetingHeading:
    """Which meeting a document is of. `starts` is the local wall time, in `time_zone`."""

    program: Both
    committee: Both
    number: Words = ""  # the meeting's own, where the committee counts them: "12"
    starts: Annotated[datetime, AfterValidator(_wall_time)]
    time_zone: Annotated[str, AfterValidator(_known_zone)] = ZONE.key
    minutes: Minutes
    place: Words = ""
    online: Words = ""
    chair: Both = NOTHING  # the seat that chairs, never a person
    host: Both = NOTHING

    @property
    def ends(self) -> datetime:
        """The local wall time of its end, also on a night on which the clocks change."""
        zone = ZoneInfo(self.time_zone)
        end = self.starts.replace(tzinfo=zone).astimezone(UTC) + timedelta(minutes=self.minutes)
        return end.astimezone(zone).replace(tzinfo=None)


@dataclass(frozen=True, kw_only=True, config=_FROZEN)
class AgendaLine:
    """One item of an agenda. `why` is the fact that put it there; `times_seen` counts the meetings that left it.

    `points` are what is gone through under it.
    """

    number: Number
    section: Both = NOTHING
    title: Both
    points: tuple[Both, ...] = ()
    presenter: Both = NOTHING  # a seat
    minutes: Minutes
    purpose: Purpose
    why: Both = NOTHING
    times_seen: Annotated[int, Field(ge=0)] = 0
    late: bool = False
    late_reason: Both = NOTHING


@dataclass(frozen=True, kw_only=True, config=_FROZEN)
class AgendaContent:
    """An agenda; with `addendum` from 1 on, that addendum to it, whose items are those that came after the freeze.

    `overrun_minutes` is what all items of the meeting take beyond its length.
    """

    kind: Literal["agenda"] = "agenda"
    head: MeetingHeading
    addendum: Annotated[int, Field(ge=0)] = 0
    items: tuple[AgendaLine, ...]
    overrun_minutes: Minutes = 0

    def __post_init__(self) -> None:
        """Refuses two items under one number."""
        _each_once("item", [item.number for item in self.items])


@dataclass(frozen=True, kw_only=True, config=_FROZEN)
class AttendanceLine:
    """How one seat was filled. `person` is the member of staff who sat, or who was expected; no seat is a guest."""

    seat: Both = NOTHING
    organization: Both
    person: Words = ""
    state: SeatState
    remote: bool = False  # of an alternate
    arrived: time | None = None  # local, where not from the beginning
    left: time | None = None  # local, where before the end


@dataclass(frozen=True, kw_only=True, config=_FROZEN)
class DecisionLine:
    """A decision, who owes it and until when, and the quorum of that instant. Without an owner `owner` is blank."""

    number: DecisionNumber
    text: Both
    owner: Both = NOTHING  # a role
    due_on: date | None = None
    has_quorum: bool
    quorum: Both = NOTHING  # what was counted
    endorsement: Both = NOTHING  # what the partners made of it on the day of the draft


@dataclass(frozen=True, kw_only=True, config=_FROZEN)
class MinutesItem:
    """An item of the agenda as the meeting treated it: what was said, what became of it, what was decided.

    `referred_to` is the committee to which it was referred; minutes that were drafted before it was kept say none.
    `audience` is who may read it: a print for others leaves it out.
    """

    line: AgendaLine
    audience: Audience = "partners"
    said: Both = NOTHING
    outcome: Outcome = ""
    referred_to: Both = NOTHING
    decisions: tuple[DecisionLine, ...] = ()


@dataclass(frozen=True, kw_only=True, config=_FROZEN)
class MinutesContent:
    """The minutes of a meeting. `approved_on` is the local day of the meeting that approved them."""

    kind: Literal["minutes"] = "minutes"
    head: MeetingHeading
    attendance: tuple[AttendanceLine, ...]
    has_quorum: bool
    quorum: Both = NOTHING
    items: tuple[MinutesItem, ...]
    decisions: tuple[DecisionLine, ...] = ()  # those that were taken outside any item
    state: MinutesState = "draft"
    approved_on: date | None = None

    def __post_init__(self) -> None:
        """Refuses two items, or two decisions, under one number; and an approval without its day."""
        _each_once("item", [item.line.number for item in self.items])
        _each_once(
            "decision",
            [line.number for lines in (*(i.decisions for i in self.items), self.decisions) for line in lines],
        )
        if (self.state == "approved") != (self.approved_on is not None):
            raise ValueError("minutes are approved on a day, and on no day before")


@dataclass(frozen=True, kw_only=True, config=_FROZEN)
class RegisterLine:
    """A decision as the register has it: where it stands, since when, and whether it was taken with a quorum."""

    number: DecisionNumber
    decided_on: date
    text: Both
    state: DecisionState
    owner: Both = NOTHING
    due_on: date | None = None
    closed_on: date | None = None
    endorsement: Both = NOTHING  # what the partners made of it, or why they were not asked
    has_quorum: bool = True

    def is_late(self, on: date) -> bool:
        """Whether it is still owed after its last day."""
        return self.state == "open" and self.due_on is not None and self.due_on < on


@dataclass(frozen=True, kw_only=True, config=_FROZEN)
class RegisterContent:
    """A committee's decisions as they stand on a local day."""

    kind: Literal["register"] = "register"
    program: Both
    committee: Both
    on: date
    decisions: tuple[RegisterLine, ...]

    def __post_init__(self) -> None:
        """Refuses two decisions under one number."""
        _each_once("decision", [line.number for line in self.decisions])


Content = AgendaContent | MinutesContent | RegisterContent

_CONTENT: Final[TypeAdapter[Content]] = TypeAdapter(Annotated[Content, Field(discriminator="kind")])


#: A content as it is kept in a row: JSON's own kinds of value.
Kept = dict[str, Any]


def as_json(content: Content) -> Kept:
    """`content` as JSON's own kinds of value, to be kept in a row. `from_json` gives back its equal."""
    written: Kept = _CONTENT.dump_python(content, mode="json")
    return written


def from_json(kept: Kept) -> Content:
    """What `as_json` wrote. Raises pydantic's ValidationError for anything else."""
    return _CONTENT.validate_python(kept)


def minutes_from(kept: Kept) -> MinutesContent:
    """As `from_json`, of what `as_json` wrote of minutes."""
    content = from_json(kept)
    assert isinstance(content, MinutesContent)  # noqa: S101 - minutes were written
    return content


def untranslated(content: object, language: str) -> tuple[str, ...]:
    """Where a document's content says something, but not in `language`: paths such as "items.3.title"."""
    return tuple(_gaps(content, language, ""))


def refuse_untranslated(content: object, language: str) -> None:
    """Raises Refusal where a text is missing in `language`, so that no reader gets half a document."""
    gaps = untranslated(content, language)
    if gaps:
        raise Refusal(
            "document.untranslated",
            N_("This document is not complete in this language: texts that are missing: %(n)s."),
            n=len(gaps),
            where=gaps[0],
        )


def _gaps(part: object, language: str, path: str) -> Iterator[str]:
    if isinstance(part, Both):
        if part and not getattr(part, language):
            yield path
    elif isinstance(part, tuple):
        for place, element in enumerate(part):
            yield from _gaps(element, language, f"{path}.{getattr(element, 'number', place + 1)}")
    elif is_dataclass(part):
        for field in fields(part):
            yield from _gaps(getattr(part, field.name), language, f"{path}.{field.name}".lstrip("."))


def _each_once(what: str, numbers: list[str]) -> None:
    if len(set(numbers)) != len(numbers):
        raise ValueError(f"one number, one {what}")
