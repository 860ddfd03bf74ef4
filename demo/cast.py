"""A demonstration as data: fictitious people and history for one program, in days counted from the day it loads."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Final, Literal, get_args

from pydantic import AfterValidator, Field, PlainValidator, model_validator

from domain.declarations import RoleKey
from domain.declared import Bilingual, GrammarPart, Key, Text, Wrong
from domain.kernel import Calendar, Language
from locales import N_

Verb = Literal["done", "approved", "rejected", "handed_back", "waived", "undone"]
VERBS: Final[tuple[Verb, ...]] = get_args(Verb)

_DAYS: Final = re.compile(r"(?P<count>[+-]?[0-9]{1,4}) (?P<working>working )?days?")
_NEVER_A_MAILBOX: Final = ".example"  # reserved: no mail of a demonstration can reach anyone


@dataclass(frozen=True)
class RelativeDay:
    """A day counted from the one on which the demonstration is loaded, negative before it."""

    count: int
    working: bool

    def on(self, today: date, calendar: Calendar) -> date:
        """The local date that this is on `today`. Raises UnknownYear where the calendar does not reach."""
        if self.working:
            return calendar.add_working_days(today, self.count)
        return today + timedelta(days=self.count)


def _relative_day(value: object) -> RelativeDay:
    if value == "today":
        return RelativeDay(0, working=False)
    match = _DAYS.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise Wrong(N_("A day is expected here, written as today, -30 days or 10 working days."))
    count, working = int(match["count"]), match["working"] is not None
    if working and count == 0:
        raise Wrong(N_("0 working days from today is no day of its own; write today."))
    return RelativeDay(count, working)


def _past_working_day(value: RelativeDay) -> RelativeDay:
    if not value.working or value.count >= 0:
        raise Wrong(N_("What was done was done on a working day before today, written as -12 working days."))
    return value


def _fictitious(value: str) -> str:
    name, at, host = value.rpartition("@")
    if not (name and at and host.endswith(_NEVER_A_MAILBOX) and value.isascii() and " " not in value):
        raise Wrong(N_("A demonstration's addresses end in .example, where no mail can arrive."))
    return value


def _rings_nowhere(value: str) -> str:
    if not re.fullmatch(r"[0-9]{3}-555-01[0-9]{2}", value):
        raise Wrong(N_("A demonstration's telephone numbers are made up, written as 514-555-0123."))
    return value


def _text_file(value: str) -> str:
    if not re.fullmatch(r"[\w-]{1,60}\.txt", value):
        raise Wrong(N_("A document's name is a short name that ends in .txt."))
    return value


Day = Annotated[RelativeDay, PlainValidator(_relative_day)]
PastWorkingDay = Annotated[RelativeDay, PlainValidator(_relative_day), AfterValidator(_past_working_day)]
Address = Annotated[str, AfterValidator(_fictitious)]
Phone = Annotated[str, AfterValidator(_rings_nowhere)]
FileName = Annotated[str, AfterValidator(_text_file)]


class DemoPerson(GrammarPart):
    """Someone who does not exist; one without address shows what happens to people whom no mail reaches."""

    given_name: Text
    family_name: Text
    language: Language
    spoken: tuple[Key, ...] = ()
    email: Address | None = None
    phone: Phone | None = None


class DemoTenure(GrammarPart):
    """Who holds a role where, first to last day inclusive; without `ends`, until further notice."""

    person: Key
    role: RoleKey
    organization: Key
    starts: Day
    ends: Day | None = None


class DemoVacancy(GrammarPart):
    """A role that nobody holds today, on purpose."""

    role: RoleKey
    organization: Key


class DemoAbsence(GrammarPart):
    """Who is away, first to last day inclusive, and who acts for them meanwhile, in what."""

    person: Key
    deputy: Key | None = None
    kinds: tuple[Literal["tasks", "approvals", "seats"], ...] = ("tasks", "approvals", "seats")
    starts: Day
    ends: Day


class DemoSignature(GrammarPart):
    """The director's signature under an organization's agreement, and the day from which it is in force."""

    organization: Key
    director: Key
    signed: Day
    starts: Day


class DemoSeat(GrammarPart):
    """Who sits on a seat as principal and as alternate, first to last day inclusive."""

    committee: Key
    seat: Key
    principal: Key | None = None
    alternate: Key | None = None
    starts: Day
    ends: Day | None = None

    @model_validator(mode="after")
    def _somebody(self) -> DemoSeat:
        if self.principal is None and self.alternate is None:
            raise Wrong(N_("A principal or an alternate must stand here; leave an empty seat out."))
        return self


class DemoEquipment(GrammarPart):
    """A thing that the program lends."""

    kind: Key
    serial: Text
    label: Text


class DemoClosure(GrammarPart):
    """Days on which an organization does not work, first to last inclusive."""

    organization: Key
    starts: Day
    ends: Day
    reason: Bilingual


class DemoDocument(GrammarPart):
    """A document handed in as evidence: its file name and its plain text."""

    name: FileName
    text: Text


class Act(GrammarPart):
    """What a person did on a day with one step, or with several at once: exactly one verb, with its day.

    `note` goes with what is done or approved, `reason` with all else. `given` is what is filled in of what each step
    that is done asks, by step and part. The evidence (`serial`, `account`: a
    user name and never a secret, `document`) goes with a single step that is done.
    """

    steps: Annotated[tuple[Key, ...], Field(min_length=1)]
    item: Key | None = None
    by: Key
    done: PastWorkingDay | None = None
    approved: PastWorkingDay | None = None
    rejected: PastWorkingDay | None = None
    handed_back: PastWorkingDay | None = None
    waived: PastWorkingDay | None = None
    undone: PastWorkingDay | None = None
    note: Text | None = None
    reason: Text | None = None
    serial: Text | None = None
    account: Text | None = None
    document: DemoDocument | None = None
    given: dict[Key, dict[Key, Text | tuple[Key, ...]]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_act(self) -> Act:
        if sum(getattr(self, verb) is not None for verb in VERBS) != 1:
            raise Wrong(N_("Exactly one act must stand here: done, approved, rejected, handed_back, waived or undone."))
        if (self.reason is None) != (self.verb in ("done", "approved")):
            raise Wrong(N_("Whoever rejects, hands back, waives or undoes gives a reason, and nobody else."))
        if self.note is not None and self.reason is not None:
            raise Wrong(N_("A note goes with what is done or approved."), at=("note",))
        if self.evidence is not None and (self.verb != "done" or len(self.steps) > 1):
            raise Wrong(N_("Evidence goes with one step that is done."), at=(self.evidence,))
        return self

    @property
    def verb(self) -> Verb:
        """What was done."""
        return next(verb for verb in VERBS if getattr(self, verb) is not None)

    @property
    def day(self) -> RelativeDay:
        """When it was done."""
        day: RelativeDay = getattr(self, self.verb)
        return day

    @property
    def evidence(self) -> Literal["serial", "account", "document"] | None:
        """Which kind of evidence it brings, if any."""
        kinds: tuple[Literal["serial", "account", "document"], ...] = ("serial", "account", "document")
        return next((kind for kind in kinds if getattr(self, kind) is not None), None)

    def filled_in(self, step: str) -> dict[str, str | list[str]]:
        """What is filled in of what one of its steps asks, by part."""
        given = self.given.get(step, {})
        return {part: value if isinstance(value, str) else list(value) for part, value in given.items()}


class DemoCase(GrammarPart):
    """One case and what people did in it, in order; `ends` says how it must stand once all is replayed.

    The named days of the protocol come from the worker's tenure at the organization.
    """

    protocol: Key
    worker: Key
    organization: Key
    opened: PastWorkingDay
    opened_by: Key
    ends: Literal["open", "closed", "cancelled"]
    cancelled: PastWorkingDay | None = None
    cancelled_by: Key | None = None
    reason: Text | None = None
    acts: tuple[Act, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> DemoCase:
        given = {self.cancelled is None, self.cancelled_by is None, self.reason is None}
        if given != {self.ends != "cancelled"}:
            raise Wrong(N_("A cancelled case says when, by whom and why, and no other case does."))
        before = self.opened.count
        for place, act in enumerate(self.acts):
            if act.day.count < before:
                raise Wrong(N_("This comes before what stands above it."), at=("acts", place, act.verb))
            before = act.day.count
        if self.cancelled is not None and self.cancelled.count < before:
            raise Wrong(N_("This comes before what stands above it."), at=("cancelled",))
        return self


class DemonstrationFile(GrammarPart):
    """People and history for one program, all of them made up."""

    program: Key
    people: Annotated[dict[Key, DemoPerson], Field(min_length=1)]
    tenures: Annotated[tuple[DemoTenure, ...], Field(min_length=1)]
    vacant: tuple[DemoVacancy, ...] = ()
    absences: tuple[DemoAbsence, ...] = ()
    closures: tuple[DemoClosure, ...] = ()
    signatures: tuple[DemoSignature, ...] = ()
    seats: tuple[DemoSeat, ...] = ()
    equipment: tuple[DemoEquipment, ...] = ()
    cases: dict[Key, DemoCase] = Field(default_factory=dict)
