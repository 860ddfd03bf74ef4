"""A program as data: the grammar of its declared file, and what can be derived from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from domain.declarations.checks.watch import Watch
from domain.declarations.program_agreements import (
    Clauses,
    DeclaredAgreement,
    DeclaredClause,
    DeclaredDuty,
    DeclaredObligation,
    Obligations,
    SharingTerms,
    clause_without_role,
    fact_of,
    owed_under,
)
from domain.declarations.program_committees import DeclaredCommittee, DeclaredSeat
from domain.declarations.role_keys import RoleKey
from domain.declared import GUIDE_IDS, Bilingual, GrammarPart, Key, PathOf, Text, Wrong, each_once
from domain.kernel import Calendar, ClosedSpan, Language
from locales import N_

OrganizationKind = Literal["health_agency", "community", "police", "specialized", "research", "outside"]
Regime = Literal["R-22.1", "A-2.1", "P-39.1"]
#: On what ground a disclosure is made without consent (`models.consent.DISCLOSURE_GROUNDS`).
DisclosureGround = Literal["ypa_38d", "ypa_39_1", "ypa_72_6", "danger_to_life", "court_order", "other_law"]
Structure = Literal["hosted", "secondment", "joint"]

STRUCTURES: Final[Mapping[Structure, str]] = {"hosted": "GV-1", "secondment": "GV-2", "joint": "GV-3"}
"""The three structures of coordination that the guide proposes, and the fact that each comes from."""


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:  # KeyError: ZoneInfoNotFoundError; OSError: a folder's name
        raise Wrong(N_("This is not a time zone, such as America/Toronto.")) from error
    return value


class ClosedDays(GrammarPart):
    """Days, first to last inclusive, on which the program or an organization does not work."""

    first: date
    last: date | None = None
    reason: Bilingual

    @model_validator(mode="after")
    def _in_order(self) -> ClosedDays:
        if self.last is not None and self.last < self.first:
            raise Wrong(N_("The last closed day is before the first."), at=("last",))
        return self

    def closure(self) -> ClosedSpan:
        """The same as a calendar counts it; one day where no last day is given."""
        return ClosedSpan(self.first, self.last or self.first, self.reason)


class ProgramCalendar(GrammarPart):
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


#: How a file ends: the gains are consolidated; the follow-up is inactive; no admission came of it.
Ended = Literal["completed", "inactive", "not_admitted"]


class RetentionTerm(GrammarPart):
    """For how long a file is kept after its end, in whole years and months."""

    years: Annotated[int, Field(ge=0, le=100, strict=True)] = 0
    months: Annotated[int, Field(ge=0, le=1200, strict=True)] = 0

    @model_validator(mode="after")
    def _some_time(self) -> RetentionTerm:
        if not (self.years or self.months):
            raise Wrong(N_("Say for how many years or months a file is kept."))
        return self


class Retention(GrammarPart):
    """The retention calendar of participants' files: how long after which end, and how they are destroyed then.

    `asked`: on the day after the last one the coordinator is asked to request it. `by_itself`: the program requests it
    on that day. Either way another person confirms it, from so many days after the request until it lapses.
    """

    completed: RetentionTerm = RetentionTerm(years=5)
    inactive: RetentionTerm = RetentionTerm(years=5)
    not_admitted: RetentionTerm = RetentionTerm(years=1)
    destruction: Literal["asked", "by_itself"] = "asked"
    confirmed_after_days: Annotated[int, Field(ge=1, le=90, strict=True)] = 7
    lapses_after_days: Annotated[int, Field(ge=2, le=365, strict=True)] = 60

    @model_validator(mode="after")
    def _time_to_confirm(self) -> Retention:
        if self.lapses_after_days <= self.confirmed_after_days:
            raise Wrong(N_("A request would lapse before anyone may confirm it."), at=("lapses_after_days",))
        return self


class Rate(GrammarPart):
    """How many files of participants one person opens at most in any hour, and in any 24 hours."""

    an_hour: Annotated[int, Field(ge=1, le=200, strict=True)]
    a_day: Annotated[int, Field(ge=1, le=1000, strict=True)]

    @model_validator(mode="after")
    def _in_order(self) -> Rate:
        if self.a_day < self.an_hour:
            raise Wrong(N_("Fewer files a day than in one hour."), at=("a_day",))
        return self


#: Before a meeting the coordinator reads some twenty files, and more on the days around it.
_PROPOSED_RATES: Final[Mapping[RoleKey, Rate]] = {"coordinator": Rate(an_hour=60, a_day=150)}


class Rates(GrammarPart):
    """How many files people may open to see identities, by their role."""

    roles: dict[RoleKey, Rate] = Field(default_factory=lambda: dict(_PROPOSED_RATES))
    others: Rate = Rate(an_hour=20, a_day=60)

    def rate_of(self, role: str) -> Rate:
        """The rate of a role."""
        return next((rate for key, rate in self.roles.items() if key == role), self.others)


class SelfReports(GrammarPart):
    """When the self-report questionnaires of the research are due: time 1 after entry, time 2 after time 1."""

    first_within_weeks: Annotated[int, Field(ge=1, le=52, strict=True)] = 8
    second_after_months: Annotated[int, Field(ge=1, le=36, strict=True)] = 6
    second_within_weeks: Annotated[int, Field(ge=1, le=52, strict=True)] = 8


#: A group of four or fewer tells of each of its people.
_FEWEST: Final = 5
#: Who asks for an export, and who receives it: neither approves one.
_IN_RESEARCH: Final = frozenset({"research_coordinator", "researcher"})


class ResearchRules(GrammarPart):
    """What protects who is in the research: the smallest group, and who approves that an export is made.

    `expected`: how many participants the program expects to recruit, by calendar year (ER-1).
    """

    smallest_group: Annotated[int, Field(ge=_FEWEST, le=50, strict=True)] = _FEWEST
    approved_by: Annotated[tuple[RoleKey, ...], Field(min_length=1), AfterValidator(each_once)] = ("privacy_officer",)
    expected: dict[Annotated[int, Field(ge=2000, le=2199)], Annotated[int, Field(ge=1, le=10_000, strict=True)]] = (
        Field(default_factory=dict)
    )

    @model_validator(mode="after")
    def _by_somebody_else(self) -> ResearchRules:
        for place, role in enumerate(self.approved_by):
            if role in _IN_RESEARCH:
                raise Wrong(N_("No one in the research approves its exports."), at=("approved_by", place))
        return self


class Rights(GrammarPart):
    """By when a person's request about their own data is answered, and for how long what they are given is kept.

    Days are calendar days. The law's for a public body: 20, and 10 more with a notice (Quebec's Access Act, A-2.1,
    section 98). `not_told` are grounds on which a disclosure without consent is told to no one, also not that there
    was one: who reported to youth protection is never revealed (Youth Protection Act, section 44).
    """

    answered_in_days: Annotated[int, Field(ge=1, le=30, strict=True)] = 20
    extended_by_days: Annotated[int, Field(ge=0, le=30, strict=True)] = 10
    package_kept_days: Annotated[int, Field(ge=1, le=90, strict=True)] = 30
    not_told: tuple[DisclosureGround, ...] = ("ypa_38d", "ypa_39_1")


class ProgramIdentity(GrammarPart):
    """The program's name, its languages, where it is, and on which days it works."""

    key: Key
    title: Bilingual
    languages: Annotated[tuple[Language, ...], Field(min_length=1), AfterValidator(each_once)]
    time_zone: Annotated[str, AfterValidator(_zone)]
    calendar: ProgramCalendar
    area: Annotated[tuple[Bilingual, ...], Field(min_length=1)]
    retention: Retention = Retention()
    reading: Rates = Field(default_factory=Rates)
    self_reports: SelfReports = SelfReports()
    research: ResearchRules = Field(default_factory=ResearchRules)
    rights: Rights = Rights()
    obligations: Watch = Watch()


class Share(GrammarPart):
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


class Hosted(GrammarPart):
    """One position, in one organization. Guide: GV-1."""

    host: Key
    unit: Bilingual | None = None
    source: Literal["GV-1"]


class Secondment(GrammarPart):
    """The position split between a health agency and a community partner. Guide: GV-2."""

    shares: Annotated[tuple[Share, ...], Field(min_length=2, max_length=2), AfterValidator(_whole)]
    source: Literal["GV-2"]


class Joint(GrammarPart):
    """The position funded by partners, one of which administers it and answers to them. Guide: GV-3."""

    administrative_manager: Key
    funders: Annotated[tuple[Share, ...], Field(min_length=2), AfterValidator(_whole)]
    source: Literal["GV-3"]


class EndorsementRules(GrammarPart):
    """How partners endorse decisions on management and coordination. Guide: GV-4.

    They have `days` working days to say so. A silent partner is asked again, for `days_again` working days. The
    `committee` then has it on its agenda, as it has each objection, and settles those.
    """

    committee: Key
    days: Annotated[int, Field(ge=1, le=120, strict=True)] = 10
    days_again: Annotated[int, Field(ge=1, le=120, strict=True)] = 5
    source: Literal["GV-4"]


class Coordination(GrammarPart):
    """The coordination position: one of three structures, its support, and the committee it reports to."""

    hosted: Hosted | None = None
    secondment: Secondment | None = None
    joint: Joint | None = None
    support: Annotated[tuple[RoleKey, ...], AfterValidator(each_once)] = ()
    reports_to: Key
    decisions: EndorsementRules

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
        """The organizations where the coordinator works, each with its place in the file, the first place first."""
        if self.hosted:
            return ((("hosted", "host"), self.hosted.host),)
        if self.joint:
            return ((("joint", "administrative_manager"), self.joint.administrative_manager),)
        shares = self.secondment.shares if self.secondment else ()
        return tuple(
            (("secondment", "shares", place, "organization"), share.organization) for place, share in enumerate(shares)
        )


class DeclaredRole(GrammarPart):
    """A role of this program, under the name that people read."""

    title: Bilingual
    single_holder: bool = False


class DeclaredOrganization(GrammarPart):
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


@dataclass(frozen=True)
class SeatIn:
    """A seat, and the committee that it belongs to; a derived committee has the seats of others."""

    committee: str
    key: str
    seat: DeclaredSeat


class ProgramFile(GrammarPart):
    """A whole program, as its file declares it."""

    program: ProgramIdentity
    coordination: Coordination
    roles: Annotated[dict[RoleKey, DeclaredRole], Field(min_length=1)]
    organizations: Annotated[dict[Key, DeclaredOrganization], Field(min_length=1)]
    clause_groups: dict[Key, Clauses] = Field(default_factory=dict)
    obligation_groups: dict[Key, Obligations] = Field(default_factory=dict)
    sharing_terms: dict[Key, SharingTerms] = Field(default_factory=dict)
    agreements: Annotated[dict[Key, DeclaredAgreement], Field(min_length=1)]
    committees: Annotated[dict[Key, DeclaredCommittee], Field(min_length=1)]

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

    def calendar(self, organization: str | None = None) -> Calendar:
        """The working days of the program, or of one organization: its own closures closed too."""
        here = self.organizations[organization].closures if organization else ()
        return self.program.calendar.calendar().closed_also(days.closure() for days in here)

    def roles_created(self) -> frozenset[RoleKey]:
        """Every role that exists somewhere in the program."""
        return frozenset(role for name in self.organizations for role in self.roles_at(name))

    def obligations_of(self, organization: str) -> tuple[DeclaredDuty, ...]:
        """The obligations under the agreement of `organization`, in the file's order. Empty without agreement."""
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

    def clauses_of(self, organization: str) -> Mapping[str, DeclaredClause]:
        """The clauses of the agreement of `organization`, in the order of the file."""
        agreement = self.agreements.get(organization)
        groups = [self.clause_groups[name] for name in agreement.clauses] if agreement else []
        own = agreement.own_clauses if agreement else {}
        return {key: clause for group in (*groups, own) for key, clause in group.items()}

    def clause_keys(self) -> frozenset[str]:
        """The clauses that a protocol's step may serve: each one of an agreement, such as AG-M4 or GV-5.workers.

        Where several roles owe it, there is also what each of them owes, such as AG-X1:manager.
        """
        owed = [one.key for organization in self.agreements for one in self.obligations_of(organization)]
        return frozenset(name for key in owed for name in (key, clause_without_role(key)))

    def agendas(self) -> frozenset[str]:
        """The kinds of items that committees are asked for, as COMMITTEE/KIND."""
        with_agenda = [(key, one.agenda) for key, one in self.committees.items() if one.agenda]
        rules = [(key, rule) for key, agenda in with_agenda for rule in agenda.rules.values()]
        return frozenset(f"{key}/{kind}" for key, rule in rules for kind in rule.kinds)

    def seats_of(self, committee: str) -> tuple[SeatIn, ...]:
        """The seats of a committee, those that it takes from others first."""
        here = self.committees[committee]
        derived = [seat for name in here.derived_from for seat in self.seats_of(name)]
        own = [SeatIn(committee, key, seat) for key, seat in here.seats.items()]
        return tuple(dict.fromkeys((*derived, *own)))

    def guide_ids(self) -> frozenset[str]:
        """Every fact of the guide that this file carries."""
        return frozenset(_sources(self)) & GUIDE_IDS.keys()  # the source of an agenda's rule is a kind of record


def each_group_of_obligations(program: ProgramFile) -> Iterator[tuple[PathOf, Obligations]]:
    """Every group of obligations with its place, those of one agreement alone included."""
    for name, group in program.obligation_groups.items():
        yield ("obligation_groups", name), group
    for name, agreement in program.agreements.items():
        yield ("agreements", name, "own_obligations"), agreement.own_obligations


def _sources(part: object) -> Iterator[str]:
    """What a part of the file comes from, with all that it contains; an obligation is also named by its fact."""
    for name, value in _named(part):
        if name == "sources" and isinstance(value, tuple):
            yield from value
        elif name == "source" and isinstance(value, str):
            yield value
        elif isinstance(value, DeclaredObligation):
            yield fact_of(name)
        yield from _sources(value)


def _named(part: object) -> Iterable[tuple[str, object]]:
    """What a part consists of, by its names; what is listed has none."""
    if isinstance(part, GrammarPart):
        return part
    if isinstance(part, Mapping):
        return part.items()
    return (("", one) for one in part) if isinstance(part, tuple) else ()
