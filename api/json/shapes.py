"""What the JSON window takes and gives: strict in, small out."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Generic, Literal, Protocol, Self, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictBool, StringConstraints, model_validator
from sqlmodel import SQLModel

from api.web.given import ActInput, Day, Key, PlainText
from api.web.referral_shapes import with_fields
from domain.follow_ups import Awaited
from domain.kernel import Part
from domain.mail import Attachment
from models.casework import Case, Task
from models.equipment import Equipment
from models.record import Event

T = TypeVar("T")
Row = TypeVar("Row")

#: How many of a list are asked for, and after which of its rows.
Limit = Annotated[int, Query(ge=1, le=200)]
After = Annotated[UUID | None, Query(description="The `next` of the part before.")]


class Shown(BaseModel):
    """An answer."""

    model_config = ConfigDict(from_attributes=True, defer_build=True)

    @classmethod
    def about(cls, row: object, **more: Any) -> Self:
        """The answer about a row: what it says under the fields' names, but for what is told as `more`."""
        return cls.model_validate({name: getattr(row, name) for name in cls.model_fields if name not in more} | more)

    @classmethod
    def each(cls, rows: Iterable[object]) -> list[Self]:
        """The answers about rows, which say it under the fields' names."""
        return [cls.model_validate(row) for row in rows]


Shape = TypeVar("Shape", bound=Shown)

#: Of what a restore brought back.
UndecidedWords = Annotated[
    list[str], Field(description="What it counts as since a restore, until someone decides; empty otherwise.")
]


def of_columns(model: type[SQLModel], names: str) -> Callable[[type[Shape]], type[Shape]]:
    """Give an answer these columns of a row, each of the type that its model declares, behind its own fields.

    Only what is named is told. Raises KeyError, when the program starts, at a name that the model has not.
    """
    return with_fields({name: (model.model_fields[name].annotation, ...) for name in names.split()})


class AwaitedShown(Shown):
    """A step of an onboarding that is to be done before its worker follows anybody, and who has it in hand."""

    case_id: UUID
    step: str
    title: str
    who: str

    @classmethod
    def in_language(cls, waits_for: Sequence[Awaited], language: str) -> list[AwaitedShown]:
        """What a worker's onboarding waits for, in the reader's language."""
        return [
            cls(
                case_id=one.case_id,
                step=one.step,
                title=one.title.in_language(language),
                who=one.who.in_language(language),
            )
            for one in waits_for
        ]


class Problem(BaseModel):
    """An error, as RFC 9457 writes it. `code` names the rule that refused, `source` the guide's fact behind it."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str | None = None
    source: str | None = None
    errors: list[dict[str, object]] | None = None


class Page(BaseModel, Generic[T]):
    """A part of a list, and how long the whole is: null of one that grows with the years, which is not counted.

    `next` is what to ask for as `after` to get the next part; null where nothing follows. What stays in the list while
    it is read in parts, and where it is, is in one of them, whatever leaves and comes meanwhile.
    """

    model_config = ConfigDict(defer_build=True)

    items: list[T]
    total: int | None = None
    limit: int
    next: str | None

    @classmethod
    def of(
        cls, part: Part[Row], draw: Callable[[Sequence[Row]], list[T]], limit: int, total: int | None = None
    ) -> Page[T]:
        """A part as `draw` shows its rows."""
        return cls(items=draw(part.rows), total=total, limit=limit, next=part.next or None)


class Numbered(Protocol):
    """A row of a list that only grows."""

    @property
    def n(self) -> int | None:
        """Its number: a later row has a larger one."""


Line = TypeVar("Line", bound=Numbered)


class Latest(BaseModel, Generic[T]):
    """A part of a list that grows for ever, the newest first, which is not counted.

    `older` is what to ask for as `before` to get the next part; null where nothing is older.
    """

    model_config = ConfigDict(defer_build=True)

    items: list[T]
    limit: int
    older: int | None

    @classmethod
    def of(cls, rows: Sequence[Line], draw: Callable[[Sequence[Line]], list[T]], limit: int) -> Latest[T]:
        """The first `limit` of rows, of which one more was read; each has its number as `n`."""
        shown = rows[:limit]
        return cls(items=draw(shown), limit=limit, older=shown[-1].n if len(rows) > limit else None)


class ChoiceShown(Shown):
    """One thing that may be asked for."""

    id: str
    title: str


class AskedShown(Shown):
    """One part of what is filled in as a task is handed in. An amount is in dollars, at most so many."""

    id: str
    title: str
    kind: Literal["words", "amount", "one", "several"]
    choices: list[ChoiceShown] = []
    at_most: int | None = None
    required: bool = True


@of_columns(Equipment, "kind serial label to_check state reason")
class EquipmentShown(Shown):
    """A thing of the inventory. `person_id` is who has it in hand; `last_id` who had it last, where no one has it now.

    `to_check` where it has the same number as another of its kind, both from before there was an inventory.
    """

    id: UUID
    person_id: UUID | None
    lent_at: AwareDatetime | None
    missing_since: AwareDatetime | None
    last_id: UUID | None
    version: int


class CaseGiven(ActInput):
    """A case to open: what its protocol is about, and the quarter or the year, where it is for one.

    `subject_id` is a person, at `organization_id`; with `starts_on` they are first appointed there from that day.
    """

    protocol: Key
    subject_id: UUID | None = None
    organization_id: UUID | None = None
    agreement_version_id: UUID | None = None
    period: Annotated[str, StringConstraints(max_length=7, pattern=r"^([1-9][0-9]{3}(-Q[1-4])?)?$")] = ""
    starts_on: Day | None = None

    @model_validator(mode="after")
    def _who_starts(self) -> CaseGiven:
        if self.starts_on is not None and (self.subject_id is None or self.organization_id is None):
            msg = "starts_on goes with subject_id and organization_id"
            raise ValueError(msg)
        return self


class NewPersonGiven(ActInput):
    """What is written of a new member of an organization's staff. `spoken` are codes of languages."""

    given_name: PlainText
    family_name: PlainText
    email: Annotated[PlainText, StringConstraints(max_length=300)] = ""
    phone: Annotated[PlainText, StringConstraints(max_length=40)] = ""
    language: Literal["fr", "en"] = "fr"
    spoken: Annotated[list[Key], Field(max_length=20)] = Field(default_factory=list)


class PersonGiven(NewPersonGiven):
    """A new member of an organization's staff, with the first role there.

    `late_seen` says of a first day in the past that what the record showed as vacant stays counted.
    """

    organization_id: UUID
    role: Key
    starts_on: Day
    late_seen: StrictBool = False


class LastDay(ActInput):
    """A last day, inclusive."""

    ends_on: Day


class HolderShown(Shown):
    """A person who owes something, and the one they act for."""

    person_id: UUID
    name: str
    role: str
    acting_for: str | None = None


class ComingShown(Shown):
    """A person who is to begin in a role, from a day on."""

    person_id: UUID
    name: str
    role: str
    starts_on: date


class BesideShown(Shown):
    """Words of others that belong to a task: of the person who offered a follow-up, or of one who refused it."""

    what: Literal["offered", "refused"]
    words: str
    by: UUID | None
    to: UUID
    at: AwareDatetime


@of_columns(
    Task,
    "case_id step item stage state sources clause evidence required due_on handed_back_at opened_at "
    "done_at done_as settled_at",
)
class TaskShown(Shown):
    """A task. `waits_on` is empty where it waits on no one; `vacant` where its own role has no holder, now or to come.

    `waits_for` are those who begin in that role in time for it.

    `asks` is what is filled in as it is handed in, and `given` what was, the last time: what is approved. `note`,
    `reason` and `given` are null for a reader of the case who has no part in it. What was written about a candidate or
    participant is for the keepers of that file alone, and of one task at a time: null in lists. So is what stands
    `beside`, as why a worker refused to take a follow-up over.
    """

    id: UUID
    title: str
    late: bool
    waits_on: list[HolderShown] = []
    vacant: bool = False
    asks: list[AskedShown] = []
    given: dict[str, str | list[str]] | None = None
    waits_for: list[ComingShown] = []
    needs_approval: bool
    automatic: bool
    note: str | None
    reason: str | None
    beside: list[BesideShown] | None
    version: int


class GateShown(Shown):
    """What may begin only once certain steps are settled, and the keys of those that are not."""

    key: str
    title: str
    is_open: bool
    waits_for: list[str]


@of_columns(
    Case, "protocol subject_kind subject_id organization_id agreement_version_id period state opened_at ended_at"
)
class CaseShown(Shown):
    """A case, and how far it is.

    `subject` says in words who or what it is about, of the kind `subject_kind`: `subject_id` is a worker's, and
    `organization_id` is null for a case of the program. `period` is 2026-Q3, 2026, or empty.
    """

    id: UUID
    subject: str
    organization: str
    anchors: dict[str, date]
    settled: int
    required: int
    late: int
    gates: list[GateShown]
    version: int


class VersionOfferShown(Shown):
    """A newer version of a case's protocol, and what it changes, one plain sentence each."""

    version_id: UUID
    number: int
    changes: list[str]


class CaseWhole(CaseShown):
    """A case by itself: also which version of its protocol it follows, and the newer one where there is one.

    `participant_id` is of the candidate's file that an admission is about: null for a reader who may not open it.
    """

    participant_id: UUID | None
    follows: int
    offer: VersionOfferShown | None


class MovedShown(Shown):
    """What an act on a task did."""

    task_id: UUID
    state: str
    opened: list[UUID]
    case_closed: bool


class AbsenceShown(Shown):
    """Days away, both inclusive, who acts meanwhile, and for what. It ends by itself."""

    id: UUID
    starts_on: date
    ends_on: date
    deputy_id: UUID | None
    kinds: list[str]
    undecided: UndecidedWords


class PersonShown(Shown):
    """A member of staff, with the roles that they hold on the day. An address is shown to those who work with it.

    So is `calendar`, how their calendar takes news of one date of a season: "unknown", "merge" or "replace".
    `roles_to_come` are those that begin on a later day: a person who has one is not without a role. `absences` are
    those that are not over, nor called off.
    """

    id: UUID
    name: str
    language: str
    spoken: list[str]
    email: str | None
    calendar: str | None
    roles: list[RoleShown]
    roles_to_come: list[RoleShown]
    away: bool
    absences: list[AbsenceShown]
    version: int


class RoleShown(Shown):
    """A role held at an organization."""

    tenure_id: UUID
    role: str
    organization_id: UUID
    starts_on: date
    ends_on: date | None
    version: int


class VacancyShown(Shown):
    """A vacant place, and how many open tasks first fall to it."""

    kind: str
    role: str
    title: str
    organization_id: UUID
    organization: str
    tasks: int


@of_columns(Event, "at actor_id actor_as actor_for verb subject_kind subject_id case_id facts")
class EventShown(Shown):
    """One line of the record."""

    n: int


class MeShown(Shown):
    """The asker, what they hold today, and those they act for."""

    id: UUID
    name: str
    program: str
    day: date
    roles: list[RoleShown]
    acting_for: list[UUID]


class ProtocolShown(Shown):
    """A protocol of the program, in its current version.

    `starts` says when a case begins by itself, as the file has it; null where a person opens it.
    """

    key: str
    number: int
    digest: str
    title: str
    subject_kind: str
    starts: dict[str, str | int] | None
    recorded_at: datetime


PersonShown.model_rebuild()


#: A language of the consent, which may be none of the program's.
TextLanguage = Annotated[str, Query(pattern=r"^([a-z]{2,3})?$")]


class FileShown(Shown):
    """A file of the program's own making: its name, its media type, and its bytes in base64."""

    name: str
    media_type: str
    content: str

    @classmethod
    def of(cls, file: Attachment) -> FileShown:
        """The file as it is shown."""
        return cls(name=file.name, media_type=file.media_type, content=b64encode(file.content).decode("ascii"))
