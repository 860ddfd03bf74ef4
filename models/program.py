"""A program, its organizations and people, and who holds which role on which day."""

from datetime import date, datetime
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field

from models.base import (
    InProgram,
    Table,
    found_by,
    in_order,
    moment,
    never_twice,
    one_of,
    structure,
    to,
    together,
    words,
)
from models.stored import InBoth, JsonObject, Stored, stored

STRUCTURES = ("hosted", "secondment", "joint")  # GV-1, GV-2, GV-3
ORGANIZATION_KINDS = ("health_agency", "community", "police", "specialized", "research", "outside")
REGIMES = ("R-22.1", "A-2.1", "P-39.1")
LANGUAGES = ("fr", "en")
ABSENCE_KINDS = ("tasks", "approvals", "seats")


class HolidaysOf(Stored):
    """Where the public holidays that count come from."""

    country: str
    subdivision: str


class PositionShare(Stored):
    """What one organization, by its key, carries of the coordination position, in percents."""

    organization: str
    percent: int


class Position(Stored):
    """The coordination position in one of the three structures; each has its own of these."""

    source: str = ""
    host: str = ""
    unit: InBoth | None = None
    administrative_manager: str = ""
    shares: list[PositionShare] = Field(default_factory=list)
    funders: list[PositionShare] = Field(default_factory=list)


class EndorsedBy(Stored):
    """How partners endorse decisions on coordination; the file's grammar reads the rest."""

    committee: str


class Coordination(Stored):
    """The coordination: its position, support and committee. `organizations` are the ids of where it works."""

    hosted: Position | None = None
    secondment: Position | None = None
    joint: Position | None = None
    support: list[str] = Field(default_factory=list)
    reports_to: str
    decisions: EndorsedBy
    organizations: list[str]


class Program(Table, table=True):
    """One regional implementation. Its row is readable before a program is chosen, and holds nothing nominative."""

    __table_args__ = (UniqueConstraint("key"), one_of("governance", STRUCTURES))

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    key: str
    title_fr: str
    title_en: str
    time_zone: str
    languages: list[str] = words()
    calendar: HolidaysOf = stored(HolidaysOf)
    area: list[dict[str, str]] = structure(default_factory=list)
    retention: JsonObject = structure()  # how long participants' files are kept (domain.declarations.Retention)
    reading: JsonObject = structure()  # how many files a role may open (domain.declarations.Rates)
    self_reports: JsonObject = structure()  # when questionnaires are due (domain.declarations.SelfReports)
    research: JsonObject = structure()  # what protects who is in it (domain.declarations.ResearchRules)
    rights: JsonObject = structure()  # by when a person’s own request is answered (domain.declarations.Rights)
    obligations: JsonObject = structure()  # when silence is a risk and people are asked (domain.declarations.Watch)
    governance: str  # GV-1 hosted, GV-2 secondment, GV-3 joint
    coordination: Coordination = stored(Coordination)
    is_demonstration: bool = False
    year_written_at: datetime | None = moment(default=None)  # of a demonstration: when the year behind it was there
    source: str = ""  # the program's file as it was last loaded
    digest: str = ""
    loaded_at: datetime | None = moment(default=None)
    version: int = 1


class Organization(InProgram, table=True):
    """A partner, or an outside body that sits on a committee. It ends by a day, and is never deleted."""

    __table_args__ = (
        UniqueConstraint("program_id", "key"),
        one_of("kind", ORGANIZATION_KINDS),
        one_of("regime", REGIMES),
        in_order(),
    )

    key: str
    name_fr: str
    name_en: str
    short_name: str
    kind: str
    regime: str
    starts_on: date | None = None
    ends_on: date | None = None


class Closure(InProgram, table=True):
    """Days on which an organization, or where none is named the whole program, does not work."""

    __table_args__ = (in_order(),)

    organization_id: UUID | None = to("organization", default=None)
    starts_on: date
    ends_on: date
    reason_fr: str
    reason_en: str


class Role(InProgram, table=True):
    """What an agreement creates; duties belong to it, and a person only holds it for a while."""

    __table_args__ = (UniqueConstraint("program_id", "key"),)

    key: str
    title_fr: str
    title_en: str
    single_holder: bool = False


class Person(InProgram, table=True):
    """A member of an organization's staff, never a participant. Never deleted: their past acts keep their name."""

    __table_args__ = (
        one_of("language", LANGUAGES),
        UniqueConstraint("program_id", "key"),
        CheckConstraint("email is null or email like '%_@_%'", name="email"),
        Index("ix_person_sort_key", "program_id", "sort_key", "id"),
    )

    key: str  # a stable handle for files, never shown in a URL
    given_name: str
    family_name: str
    sort_key: str  # folded; the embedded database has no ICU collations
    email: str | None = None
    phone: str | None = None
    language: str = "fr"
    spoken: list[str] = words()  # the languages they speak, by code; none where not recorded
    version: int = 1

    @property
    def name(self) -> str:
        """The name as it is shown."""
        return f"{self.given_name} {self.family_name}".strip()


class Tenure(InProgram, table=True):
    """A person's hold of a role at an organization from a day to a day, both inclusive; open where no end is known.

    One that was withdrawn before it began ends before its first day: its person held the role on no day.
    """

    __table_args__ = (
        # By key, and not id: who held what stays readable in the row itself.
        CheckConstraint("(ends_on < starts_on) is not true or taken_back_at is not null", name="in_order"),
        CheckConstraint("taken_back_at is null or (ends_on < starts_on) is true", name="taken_back_whole"),
        never_twice("one_tenure_at_a_time", "person_id", "role", "organization_id", where="taken_back_at is null"),
        never_twice("one_holder", "role", "organization_id", where="single_holder and taken_back_at is null"),
        together("ended", "ended_by", "ended_at"),
        Index("ix_tenure_held", "program_id", "organization_id", "role", "ends_on"),
        Index("ix_tenure_ends_on", "program_id", "ends_on"),
    )

    person_id: UUID = to("person", index=True)
    role: str
    organization_id: UUID = to("organization")
    single_holder: bool = False
    starts_on: date
    ends_on: date | None = None
    ended_by: UUID | None = None
    ended_at: datetime | None = moment(default=None)
    entered_late: list[str] = words()  # days of it that were over when they were entered: first/last, ISO 8601
    taken_back_at: datetime | None = moment(default=None)  # before its first day: it never began
    version: int = 1


class Absence(InProgram, table=True):
    """A person is away from a day to a day, and a deputy, if named, acts for them. It ends automatically."""

    __table_args__ = (
        in_order(),
        never_twice("one_absence_at_a_time", "person_id", where="cancelled_at is null"),
        CheckConstraint("deputy_id is null or deputy_id <> person_id", name="not_own_deputy"),
        found_by("ix_absence_lasts", "ends_on", where="cancelled_at is null"),
    )

    person_id: UUID = to("person", index=True)
    deputy_id: UUID | None = to("person", default=None, index=True)
    kinds: list[str] = words()
    starts_on: date
    ends_on: date
    recorded_by: UUID | None = None
    recorded_at: datetime = moment()
    cancelled_at: datetime | None = moment(default=None)
