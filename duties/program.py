"""A program as data: the grammar of its declared file, and what can be read off it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Annotated, Final, Literal, TypeVar, get_args
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from duties.calendars import Calendar, Closure
from duties.declared import (
    Bilingual,
    GuideId,
    Key,
    Part,
    PathOf,
    Text,
    Wrong,
)
from duties.guide_ids import GUIDE_IDS
from locales import N_

T = TypeVar("T")

Language = Literal["fr", "en"]
OrganizationKind = Literal["health_agency", "community", "police", "specialized", "research", "outside"]
Regime = Literal["R-22.1", "A-2.1", "P-39.1"]
RoleKey = Literal[
    "director",
    "manager",
    "youth_worker",
    "second_representative",
    "coordinator",
    "administrative_officer",
    "administrative_manager",
    "petty_cash_holder",
    "it_contact",
    "police_representative",
    "specialized_resource",
    "researcher",
    "research_coordinator",
    "administrator",  # runs the installation, and sees no case
    "privacy_officer",  # answers for the protection of personal information, as the law has it
]
"""The roles that an agreement may create; a program declares the ones that it has."""

Owner = Literal["organization", RoleKey]
Period = Literal["calendar_year", "agreement_year", "quarter", "month", "once", "continuous"]
CheckKind = Literal["attendance", "tasks", "document", "attestation", "count"]
Structure = Literal["hosted", "secondment", "joint"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

ROLE_KEYS: Final[tuple[RoleKey, ...]] = get_args(RoleKey)
CHECK_KINDS: Final[tuple[CheckKind, ...]] = get_args(CheckKind)

STRUCTURES: Final[Mapping[Structure, str]] = {"hosted": "GV-1", "secondment": "GV-2", "joint": "GV-3"}
"""The three structures of coordination that the guide proposes, and the fact that each comes from."""


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (
        KeyError,
        ValueError,
        OSError,
    ) as error:  # KeyError: ZoneInfoNotFoundError; OSError: a folder's name
        raise Wrong(N_("This is not a time zone, such as America/Toronto.")) from error
    return value


def fact_of(value: str) -> str:
    """The guide's fact under an obligation's key: AG-X2 for AG-X2 and for AG-X2.replacement."""
    return value.partition(".")[0]


def _obligation_key(value: str) -> str:
    fact, dot, word = value.partition(".")
    if fact not in GUIDE_IDS or (dot and not word.isidentifier()):
        raise Wrong(N_("An obligation is named by its fact of the guide, such as AG-M1 or AG-X2.replacement."))
    return value


def _each_once(values: tuple[T, ...]) -> tuple[T, ...]:
    for place, value in enumerate(values):
        if value in values[:place]:
            raise Wrong(N_("This stands here a second time."), at=(place,))
    return values


def _of_committees(value: str) -> str:
    if not value.startswith("CM-"):
        raise Wrong(N_("A committee's source is its fact of the guide, such as CM-S."))
    return value


ObligationKey = Annotated[str, AfterValidator(_obligation_key)]


class ClosedDays(Part):
    """Days, first to last inclusive, on which the program or an organization does not work."""

    first: date
    last: date | None = None
    reason: Bilingual

    @model_validator(mode="after")
    def _in_order(self) -> ClosedDays:
        if self.last is not None and self.last < self.first:
            raise Wrong(N_("The last closed day is before the first."), at=("last",))
        return self

    def closure(self) -> Closure:
        """The same as a calendar counts it; one day where no last day is given."""
        return Closure(self.first, self.last or self.first, self.reason)


class ProgramCalendar(Part):
    """Where the public holidays come from, and the program's other closed days."""

    country: Text
    subdivision: Text
    closed: tuple[ClosedDays, ...] = ()

    @model_validator(mode="after")
    def _known_place(self) -> ProgramCalendar:
        try:
            self.calendar()
        except ValueError as error:
            raise Wrong(N_("No public holidays are known for this country and subdivision.")) from error
        return self

    def calendar(self) -> Calendar:
        """The program's working days, as local dates of its zone."""
        closures = tuple(days.closure() for days in self.closed)
        return Calendar(self.country, self.subdivision, closures)


class Identity(Part):
    """What the program is, in which languages it speaks, where and on which days it works."""

    key: Key
    title: Bilingual
    languages: Annotated[tuple[Language, ...], Field(min_length=1), AfterValidator(_each_once)]
    time_zone: Annotated[str, AfterValidator(_zone)]
    calendar: ProgramCalendar
    area: Annotated[tuple[Bilingual, ...], Field(min_length=1)]


class Share(Part):
    """What one organization carries of the coordination position, in whole percents."""

    organization: Key
    percent: Annotated[int, Field(ge=1, le=99)]


_ALL: Final = 100  # percent


def _whole(shares: tuple[Share, ...]) -> tuple[Share, ...]:
    total = sum(share.percent for share in shares)
    if total != _ALL:
        raise Wrong(N_("The shares come to %(total)d percent, not to 100."), total=total)
    names = [share.organization for share in shares]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise Wrong(N_("This organization has its share already."), at=(place, "organization"))
    return shares


class Hosted(Part):
    """One position, in one organization. Guide: GV-1."""

    host: Key
    unit: Bilingual | None = None
    source: Literal["GV-1"]


class Secondment(Part):
    """The position split between a health agency and a community partner. Guide: GV-2."""

    shares: Annotated[tuple[Share, ...], Field(min_length=2, max_length=2), AfterValidator(_whole)]
    source: Literal["GV-2"]


class Joint(Part):
    """The position funded by partners, one of whom administers it and answers to them. Guide: GV-3."""

    administrative_manager: Key
    funders: Annotated[tuple[Share, ...], Field(min_length=2), AfterValidator(_whole)]
    source: Literal["GV-3"]


class Endorsement(Part):
    """Where the decisions on coordination are endorsed, by all partners. Guide: GV-4."""

    committee: Key
    source: Literal["GV-4"]


class Coordination(Part):
    """The coordination position: one of three structures, its support, and to whom it reports."""

    hosted: Hosted | None = None
    secondment: Secondment | None = None
    joint: Joint | None = None
    support: Annotated[tuple[RoleKey, ...], AfterValidator(_each_once)] = ()
    reports_to: Key
    decisions: Endorsement

    @model_validator(mode="after")
    def _one_structure(self) -> Coordination:
        if sum(getattr(self, name) is not None for name in STRUCTURES) != 1:
            raise Wrong(N_("Exactly one structure must stand here: hosted, secondment or joint."))
        return self

    @property
    def structure(self) -> Structure:
        """Which of the three structures this is."""
        return next(name for name in STRUCTURES if getattr(self, name) is not None)

    def organizations(self) -> tuple[tuple[PathOf, str], ...]:
        """Where the coordinator works, each with its place in the file, the first place first."""
        if self.hosted:
            return ((("hosted", "host"), self.hosted.host),)
        if self.joint:
            return ((("joint", "administrative_manager"), self.joint.administrative_manager),)
        shares = self.secondment.shares if self.secondment else ()
        return tuple(
            (("secondment", "shares", place, "organization"), share.organization) for place, share in enumerate(shares)
        )


class Role(Part):
    """A role of this program, under the name that people read."""

    title: Bilingual
    single_holder: bool = False


class Organization(Part):
    """A partner, or an outside body with a seat. Its name is public, and may differ in English."""

    name: Text
    name_en: Text | None = None
    short_name: Text
    kind: OrganizationKind
    regime: Regime
    closures: tuple[ClosedDays, ...] = ()

    def name_in(self, language: str) -> str:
        """The name in "fr" or "en"."""
        return Bilingual(fr=self.name, en=self.name_en or self.name).in_language(language)


class AttendanceRule(Part):
    """How often the organization's seat on a committee may stay empty in the period, of the meetings held."""

    committee: Key
    at_most_absences: Annotated[int, Field(ge=0)]
    alternates: Literal["count", "no"] = "count"
    excused: Literal["neutral", "absent"] = "neutral"
    grace_days: Annotated[int, Field(ge=0)] = 10  # for the secretary to record the attendance


class TasksRule(Part):
    """How many of the steps that serve this clause may be done late in the period, in these protocols."""

    protocols: Annotated[tuple[Key, ...], Field(min_length=1), AfterValidator(_each_once)]
    late_after_working_days: Annotated[int, Field(ge=0)] = 0  # after the due date
    at_most_late: Annotated[int, Field(ge=0)]


class DocumentRule(Part):
    """How many documents of a kind the period must bring."""

    kind: Key
    at_least: Annotated[int, Field(ge=1)] = 1
    grace_days: Annotated[int, Field(ge=0)] = 0  # after the period's end


class AttestationRule(Part):
    """What the holder of a role states in writing, once a period."""

    statement: Bilingual
    by: RoleKey
    grace_days: Annotated[int, Field(ge=0)] = 0  # after the period's end


class CountRule(Part):
    """What the program's own records must add up to.

    `referrals` made by the organization in the period; `alternates`: for each committee named, the people
    who may sit for the organization's principals; `vacant_working_days` of the role that stands vacant the
    longest, among those named.
    """

    of: Literal["referrals", "alternates", "vacant_working_days"]
    committees: Annotated[tuple[Key, ...], AfterValidator(_each_once)] = ()
    roles: Annotated[tuple[RoleKey, ...], AfterValidator(_each_once)] = ()
    at_least: Annotated[int, Field(ge=1)] | None = None
    at_most: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _complete(self) -> CountRule:
        if (self.at_least is None) == (self.at_most is None):
            raise Wrong(N_("A count has either at_least or at_most."))
        if bool(self.committees) != (self.of == "alternates"):
            raise Wrong(N_("Alternates are counted for named committees, and only they are."), at=("committees",))
        if bool(self.roles) != (self.of == "vacant_working_days"):
            raise Wrong(N_("Vacant days are counted for named roles, and only they are."), at=("roles",))
        return self


Rule = AttendanceRule | TasksRule | DocumentRule | AttestationRule | CountRule


class Check(Part):
    """How an obligation is checked: one kind of check, with its rule."""

    attendance: AttendanceRule | None = None
    tasks: TasksRule | None = None
    document: DocumentRule | None = None
    attestation: AttestationRule | None = None
    count: CountRule | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Check:
        if sum(getattr(self, name) is not None for name in CHECK_KINDS) != 1:
            raise Wrong(N_("Exactly one check must stand here: attendance, tasks, document, attestation or count."))
        return self

    @property
    def kind(self) -> CheckKind:
        """Which check this is."""
        return next(name for name in CHECK_KINDS if getattr(self, name) is not None)

    @property
    def rule(self) -> Rule:
        """The rule of the one check that stands here."""
        rule: Rule = getattr(self, self.kind)
        return rule


class Obligation(Part):
    """A duty under a clause: who owes it, over which period, and how it is checked.

    Where several roles owe it, each role that the agreement creates owes it for itself. `sources` are facts
    of the guide besides the one that names the obligation; `endorsed_by` is the committee that must approve.
    """

    text: Bilingual
    owed_by: Annotated[tuple[Owner, ...], Field(min_length=1), AfterValidator(_each_once)]
    period: Period
    check: Check
    sources: Annotated[tuple[GuideId, ...], AfterValidator(_each_once)] = ()
    endorsed_by: Key | None = None


class Clause(Part):
    """A clause that creates no duty of its own: how long, how it ends, who holds the information."""

    title: Bilingual
    text: Bilingual
    sources: tuple[GuideId, ...] = ()


class SharingTerms(Part):
    """What may be shared with the other partners, why, and how it is protected. Guide: AG-IS."""

    source: Literal["AG-IS"]
    purposes: Annotated[dict[Key, Bilingual], Field(min_length=1)]
    information: Annotated[dict[Key, Bilingual], Field(min_length=1)]
    safeguards: Annotated[tuple[Bilingual, ...], Field(min_length=1)]


class CreatedRole(Part):
    """How many people hold a role under an agreement, and each one's hours, where that is known."""

    headcount: Annotated[int, Field(ge=1)] = 1
    hours_a_week: Annotated[float, Field(gt=0, le=60)] | None = None


class Resource(Part):
    """What an organization brings to the program."""

    kind: Literal["human", "material", "financial", "structure", "service"]
    text: Bilingual
    sources: tuple[GuideId, ...] = ()


Obligations = dict[ObligationKey, Obligation]
Clauses = dict[Key, Clause]


class Agreement(Part):
    """What one organization would sign. `clauses` and `obligations` name groups that agreements share."""

    title: Bilingual
    notice_days: Annotated[int, Field(ge=0)] = 90
    roles: Annotated[dict[RoleKey, CreatedRole], Field(min_length=1)]
    resources: tuple[Resource, ...] = ()
    clauses: Annotated[tuple[Key, ...], AfterValidator(_each_once)] = ()
    own_clauses: Clauses = Field(default_factory=dict)
    obligations: Annotated[tuple[Key, ...], AfterValidator(_each_once)] = ()
    own_obligations: Obligations = Field(default_factory=dict)
    information_sharing: Key | None = None


class Rhythm(Part):
    """How often a committee meets. A weekly one has its weekday and local time, in the program's zone."""

    times: Annotated[int, Field(ge=1, le=52)]
    per: Literal["week", "year"]
    weekday: Weekday | None = None
    at: time | None = None

    @model_validator(mode="after")
    def _complete(self) -> Rhythm:
        weekly = self.per == "week"
        if weekly and self.times != 1:
            raise Wrong(N_("A weekly committee meets once a week."), at=("times",))
        for name in ("weekday", "at"):
            if (getattr(self, name) is not None) != weekly:
                raise Wrong(N_("A weekly committee has its weekday and time, and only a weekly one."), at=(name,))
        return self


class Seat(Part):
    """A place on a committee: it belongs to an organization, and whoever holds the role there sits on it."""

    organization: Key
    role: RoleKey
    title: Bilingual
    voting: bool = True
    source: GuideId | None = None  # the committee's own where none is given


class Alternates(Part):
    """The role whose holders sit when a principal cannot."""

    role: RoleKey
    source: GuideId


class Committee(Part):
    """A committee of the program. One that is only recommended is not established: it has no rhythm yet."""

    title: Bilingual
    purpose: Bilingual
    source: Annotated[GuideId, AfterValidator(_of_committees)]
    established: bool = True
    rhythm: Rhythm | None = None
    minutes: Annotated[int, Field(ge=15, le=600)] | None = None
    seats: dict[Key, Seat] = Field(default_factory=dict)
    alternates: Alternates | None = None
    derived_from: Annotated[tuple[Key, ...], AfterValidator(_each_once)] = ()
    guests: tuple[Bilingual, ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> Committee:
        if self.established and self.rhythm is None:
            raise Wrong(N_("An established committee has its rhythm."))
        if self.established and self.minutes is None:
            raise Wrong(N_("An established committee has the length of its meetings, in minutes."))
        if self.established and not (self.seats or self.derived_from):
            raise Wrong(N_("An established committee has seats, or takes them from another."))
        return self


@dataclass(frozen=True)
class Owed:
    """One obligation as one agreement holds it: by one role, or by the organization itself.

    `key` is the declared one, with the role after a colon where several roles owe the same.
    """

    key: str
    owner: Owner
    obligation: Obligation
    sources: tuple[str, ...]


@dataclass(frozen=True)
class SeatIn:
    """A seat, and the committee that it belongs to; a derived committee has the seats of others."""

    committee: str
    key: str
    seat: Seat


class ProgramFile(Part):
    """A whole program, as its file declares it."""

    program: Identity
    coordination: Coordination
    roles: Annotated[dict[RoleKey, Role], Field(min_length=1)]
    organizations: Annotated[dict[Key, Organization], Field(min_length=1)]
    clause_groups: dict[Key, Clauses] = Field(default_factory=dict)
    obligation_groups: dict[Key, Obligations] = Field(default_factory=dict)
    sharing_terms: dict[Key, SharingTerms] = Field(default_factory=dict)
    agreements: Annotated[dict[Key, Agreement], Field(min_length=1)]
    committees: Annotated[dict[Key, Committee], Field(min_length=1)]

    def roles_at(self, organization: str) -> frozenset[RoleKey]:
        """The roles that exist at an organization: those its agreement creates; outside, those of its seats."""
        agreement = self.agreements.get(organization)
        if agreement:
            return frozenset(agreement.roles)
        return frozenset(
            seat.role
            for committee in self.committees.values()
            for seat in committee.seats.values()
            if seat.organization == organization
        )

    def headcount(self, role: RoleKey, organization: str) -> int | None:
        """How many people hold `role` at `organization` at most; None where no agreement says so."""
        agreement = self.agreements.get(organization)
        created = agreement.roles.get(role) if agreement else None
        return created.headcount if created else None

    def calendar(self, organization: str | None = None) -> Calendar:
        """The working days of the program, or of one organization: its own closures closed too."""
        here = self.organizations[organization].closures if organization else ()
        return self.program.calendar.calendar().closed_also(days.closure() for days in here)

    def roles_created(self) -> frozenset[RoleKey]:
        """Every role that exists somewhere in the program."""
        return frozenset(role for name in self.organizations for role in self.roles_at(name))

    def obligations_of(self, organization: str) -> tuple[Owed, ...]:
        """What the agreement of `organization` obliges to, in the file's order. Empty without agreement."""
        agreement = self.agreements.get(organization)
        if agreement is None:
            return ()
        groups = [self.obligation_groups[name] for name in agreement.obligations]
        return tuple(
            owed
            for group in (*groups, agreement.own_obligations)
            for key, obligation in group.items()
            for owed in owed_under(key, obligation, agreement)
        )

    def clauses_of(self, organization: str) -> Mapping[str, Clause]:
        """The clauses of the agreement of `organization`, in the order of the file."""
        agreement = self.agreements.get(organization)
        groups = [self.clause_groups[name] for name in agreement.clauses] if agreement else []
        own = agreement.own_clauses if agreement else {}
        return {key: clause for group in (*groups, own) for key, clause in group.items()}

    def clause_keys(self) -> frozenset[str]:
        """The keys of every obligation, such as AG-M4 or GV-5.workers: what a protocol's step may serve."""
        return frozenset(key for _, group in each_group_of_obligations(self) for key in group)

    def seats_of(self, committee: str) -> tuple[SeatIn, ...]:
        """The seats of a committee, those that it takes from others first."""
        here = self.committees[committee]
        derived = [seat for name in here.derived_from for seat in self.seats_of(name)]
        own = [SeatIn(committee, key, seat) for key, seat in here.seats.items()]
        return tuple(dict.fromkeys((*derived, *own)))

    def guide_ids(self) -> frozenset[str]:
        """Every fact of the guide that this file carries."""
        return frozenset(_guide_ids(self))


def owed_under(key: str, obligation: Obligation, agreement: Agreement) -> Iterator[Owed]:
    """`obligation` once for each role that owes it and that `agreement` creates, or for the organization."""
    several = len(obligation.owed_by) > 1
    for owner in obligation.owed_by:
        if owner == "organization" or owner in agreement.roles:
            name = f"{key}:{owner}" if several else key
            yield Owed(name, owner, obligation, (fact_of(key), *obligation.sources))


def each_group_of_obligations(program: ProgramFile) -> Iterator[tuple[PathOf, Obligations]]:
    """Every group of obligations with its place, those of one agreement alone included."""
    for name, group in program.obligation_groups.items():
        yield ("obligation_groups", name), group
    for name, agreement in program.agreements.items():
        yield ("agreements", name, "own_obligations"), agreement.own_obligations


def _guide_ids(program: ProgramFile) -> Iterator[str]:
    yield STRUCTURES[program.coordination.structure]
    yield program.coordination.decisions.source
    for _, group in each_group_of_obligations(program):
        for key, obligation in group.items():
            yield from (fact_of(key), *obligation.sources)
    for clauses in (*program.clause_groups.values(), *(a.own_clauses for a in program.agreements.values())):
        for clause in clauses.values():
            yield from clause.sources
    for terms in program.sharing_terms.values():
        yield terms.source
    for agreement in program.agreements.values():
        for resource in agreement.resources:
            yield from resource.sources
    for committee in program.committees.values():
        yield committee.source
        if committee.alternates:
            yield committee.alternates.source
        for seat in committee.seats.values():
            if seat.source:
                yield seat.source
