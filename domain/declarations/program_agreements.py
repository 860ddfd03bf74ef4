"""The grammar of an agreement: the roles it creates, who owes what, how that is checked, and its clauses."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated, Final, Literal, get_args

from pydantic import AfterValidator, Field, model_validator

from domain.declared.guide_ids import GUIDE_IDS
from domain.declared.problems import Wrong
from domain.declared.reading import Bilingual, GuideId, Key, Part, each_once
from locales import N_

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

ROLE_KEYS: Final[tuple[RoleKey, ...]] = get_args(RoleKey)
CHECK_KINDS: Final[tuple[CheckKind, ...]] = get_args(CheckKind)


def fact_of(value: str) -> str:
    """The guide's fact in an obligation's key: AG-X2 for AG-X2 and for AG-X2.replacement."""
    return value.partition(".")[0]


def clause_without_role(key: str) -> str:
    """The clause as the agreement numbers it, without the role that owes it: AG-X1 for AG-X1:manager."""
    return key.partition(":")[0]


def _obligation_key(value: str) -> str:
    fact, dot, word = value.partition(".")
    if fact not in GUIDE_IDS or (dot and not word.isidentifier()):
        raise Wrong(N_("An obligation is named by its fact of the guide, such as AG-M1 or AG-X2.replacement."))
    return value


ObligationKey = Annotated[str, AfterValidator(_obligation_key)]


class AtRisk(Part):
    """When silence about an obligation becomes a risk: a part of its period before its last day, and no fewer days.

    It is never in the first half of the period: by then nothing can be told of a month without a record.
    """

    percent: Annotated[int, Field(ge=0, le=50, strict=True)] = 25
    at_least_days: Annotated[int, Field(ge=0, le=366, strict=True)] = 30

    def from_day(self, first: date, last: date) -> date:
        """The first local day of the risk, of a period from `first` to `last`, both inclusive."""
        days = (last - first).days + 1
        before = max(days * self.percent // 100, self.at_least_days)
        return max(last - timedelta(days=before), first + timedelta(days=days // 2))


#: The recipients of a reminder: the one who owes it, their director, the coordinator.
Hearer = Literal["owner", "director", "coordinator"]


class Asked(Part):
    """A time at which people are asked for what they owe: how many working days before its last day, and the
    recipients.
    """

    working_days: Annotated[int, Field(ge=0, le=250, strict=True)]
    to: Annotated[tuple[Hearer, ...], Field(min_length=1), AfterValidator(each_once)]


class Watch(Part):
    """How a program watches what its partners owe: when silence is a risk, when people are asked, how long all is new.

    In the first working days of an agreement nothing that is missing is a miss yet. `asked` comes in the order of time;
    the one who owes it is asked first.
    """

    at_risk: AtRisk = AtRisk()
    asked: Annotated[tuple[Asked, ...], Field(min_length=1)] = (
        Asked(working_days=60, to=("owner",)),
        Asked(working_days=20, to=("owner", "director")),
        Asked(working_days=5, to=("owner", "director", "coordinator")),
    )
    first_working_days: Annotated[int, Field(ge=0, le=120, strict=True)] = 20

    @model_validator(mode="after")
    def _in_time(self) -> Watch:
        days = [one.working_days for one in self.asked]
        for place, (before, after) in enumerate(pairwise(days), start=1):
            if after >= before:
                raise Wrong(
                    N_("Each time people are asked is nearer to the last day than the one before."),
                    at=("asked", place, "working_days"),
                )
        if "owner" not in self.asked[0].to:
            raise Wrong(N_("Who owes it is asked first."), at=("asked", 0, "to"))
        return self


class _Watched(Part):
    """What every rule may say: when its silence becomes a risk, instead of the program's own days."""

    # Left out where it is not said: a rule that was signed before it could be said reads the same.
    at_risk: AtRisk | None = None


class AttendanceRule(_Watched):
    """How often the organization's seat on a committee may stay empty in the period, of the meetings held.

    An alternate's presence counts, or does not, or counts up to a cap: `at_most_by_alternates` meetings of the period,
    and any more as absences. A meeting that was adjourned without its quorum counts for no one or, with
    `without_quorum`, for those who came: no one is absent from it.
    """

    committee: Key
    at_most_absences: Annotated[int, Field(ge=0)]
    alternates: Literal["count", "cap", "no"] = "count"
    at_most_by_alternates: Annotated[int, Field(ge=1)] | None = None
    excused: Literal["neutral", "absent"] = "neutral"
    # Left out where it is not said: a rule that was signed before it could be said reads the same.
    without_quorum: Literal["counts_for_who_came"] | None = None
    grace_days: Annotated[int, Field(ge=0)] = 10  # for the secretary to record the attendance

    @model_validator(mode="after")
    def _capped(self) -> AttendanceRule:
        if (self.alternates == "cap") != (self.at_most_by_alternates is not None):
            raise Wrong(
                N_("A cap of alternates says at most how many meetings, and only a cap does."),
                at=("at_most_by_alternates",),
            )
        return self


class TasksRule(_Watched):
    """How many of the steps that serve this clause may be done late in the period, in these protocols."""

    protocols: Annotated[tuple[Key, ...], Field(min_length=1), AfterValidator(each_once)]
    late_after_working_days: Annotated[int, Field(ge=0)] = 0  # after the due date
    at_most_late: Annotated[int, Field(ge=0)]


class DocumentRule(_Watched):
    """How many documents of a kind the period must bring."""

    kind: Key
    at_least: Annotated[int, Field(ge=1)] = 1
    grace_days: Annotated[int, Field(ge=0)] = 0  # after the period's end


class AttestationRule(_Watched):
    """What the holder of a role states in writing, once a period.

    That it held can be stated after the period has had its time: from its middle on, or from its first or its last day
    where the rule says so. That it did not can be stated at any time of it.
    """

    statement: Bilingual
    by: RoleKey
    stated_from: Literal["start", "middle", "end"] = "middle"
    grace_days: Annotated[int, Field(ge=0)] = 0  # after the period's end

    def from_day(self, first: date, last: date | None) -> date:
        """The first local day on which it can be stated that it held, of a period from `first` to `last`, inclusive."""
        if last is None or self.stated_from == "start":
            return first
        return last if self.stated_from == "end" else first + (last - first + timedelta(days=1)) / 2

    def has_somebody(self, roles: Container[str]) -> bool:
        """Whether anyone can state it, at a partner whose agreement creates these roles.

        The holder of the role there; the coordinator states it of every partner.
        """
        return self.by == "coordinator" or self.by in roles


class CountRule(_Watched):
    """What the program's own records must add up to.

    `referrals` made by the organization in the period; `alternates`: for each committee named, the people who may sit
    for the organization's principals; `vacant_working_days` of the role with the longest vacancy, among those named.
    """

    of: Literal["referrals", "alternates", "vacant_working_days"]
    committees: Annotated[tuple[Key, ...], AfterValidator(each_once)] = ()
    roles: Annotated[tuple[RoleKey, ...], AfterValidator(each_once)] = ()
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
        """The rule of the one check that is set."""
        rule: Rule = getattr(self, self.kind)
        return rule


class Obligation(Part):
    """A duty under a clause: who owes it, over which period, and how it is checked.

    Where several roles owe it, each one that the agreement creates owes it separately. `sources` are facts of the guide
    besides the one that names the obligation; `endorsed_by` is the committee that must approve.
    """

    text: Bilingual
    owed_by: Annotated[tuple[Owner, ...], Field(min_length=1), AfterValidator(each_once)]
    period: Period
    check: Check
    sources: Annotated[tuple[GuideId, ...], AfterValidator(each_once)] = ()
    endorsed_by: Key | None = None


class Clause(Part):
    """A clause that creates no duty of its own: how long, how it ends, who holds the information."""

    title: Bilingual
    text: Bilingual
    sources: tuple[GuideId, ...] = ()


class SharingTerms(Part):
    """What may be shared with the other partners, why, in which committees, and how it is protected. Guide: AG-IS.

    `starts_on` and `ends_on` are local days, both inclusive; without them it is shared as long as the agreement is in
    force. What the program itself shares goes by the keys in `domain.terms.days`; a program may add
    others.
    """

    source: Literal["AG-IS"]
    purposes: Annotated[dict[Key, Bilingual], Field(min_length=1)]
    information: Annotated[dict[Key, Bilingual], Field(min_length=1)]
    bodies: Annotated[tuple[Key, ...], Field(min_length=1), AfterValidator(each_once)]
    safeguards: Annotated[tuple[Bilingual, ...], Field(min_length=1)]
    starts_on: date | None = None
    ends_on: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> SharingTerms:
        if self.starts_on is not None and self.ends_on is not None and self.ends_on < self.starts_on:
            raise Wrong(N_("The last day comes before the first."), at=("ends_on",))
        return self


class CreatedRole(Part):
    """How many people a partner promises for a role, and each one's hours, where that is known.

    Fewer is a vacancy. More is no breach: a leaver and their successor hold the role together for a while (DP-01,
    DP-04). A role that only one may hold says so where the program declares it.
    """

    headcount: Annotated[int, Field(ge=1)] = 1
    hours_a_week: Annotated[float, Field(gt=0, le=60)] | None = None


Majority = Literal["more_than_half", "two_thirds", "three_quarters"]


class Decisions(Part):
    """Which majority of the partners suffices to endorse a decision. Guide: GV-4.

    A partner whose agreement is without it is bound by no majority: each decision then needs its own word.
    """

    majority: Majority
    source: Literal["GV-4"]


class Resource(Part):
    """What an organization brings to the program."""

    kind: Literal["human", "material", "financial", "structure", "service"]
    text: Bilingual
    sources: tuple[GuideId, ...] = ()


class Oversight(Part):
    """Who judges what this agreement obliges to, where that is not the default.

    `waivers` is the committee whose decision waives a clause; by default, the one that takes decisions on coordination
    (GV-4). `proof` is the partner whose manager accepts proof that the coordinator may not accept, since the
    coordination owes or gave it; by default, the first of the other partners whose manager may.
    """

    waivers: Key | None = None
    proof: Key | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Oversight:
        if self.waivers is None and self.proof is None:
            raise Wrong(N_("Name the committee that grants waivers, or the partner whose manager accepts proof."))
        return self


Obligations = dict[ObligationKey, Obligation]
Clauses = dict[Key, Clause]


class Agreement(Part):
    """The agreement that one organization would sign. `clauses` and `obligations` name groups that agreements share."""

    title: Bilingual
    notice_days: Annotated[int, Field(ge=0)] = 90
    roles: Annotated[dict[RoleKey, CreatedRole], Field(min_length=1)]
    resources: tuple[Resource, ...] = ()
    clauses: Annotated[tuple[Key, ...], AfterValidator(each_once)] = ()
    own_clauses: Clauses = Field(default_factory=dict)
    obligations: Annotated[tuple[Key, ...], AfterValidator(each_once)] = ()
    own_obligations: Obligations = Field(default_factory=dict)
    information_sharing: Key | None = None
    oversight: Oversight | None = None
    decisions: Decisions | None = None


@dataclass(frozen=True)
class Owed:
    """One obligation as one agreement has it: owed by one role, or by the organization itself.

    `key` is the declared one, with the role after a colon where several roles owe the same.
    """

    key: str
    owner: Owner
    obligation: Obligation
    sources: tuple[str, ...]


def owed_under(key: str, obligation: Obligation, agreement: Agreement) -> Iterator[Owed]:
    """`obligation` once for each role that owes it and that `agreement` creates, or for the organization."""
    several = len(obligation.owed_by) > 1
    for owner in obligation.owed_by:
        if owner == "organization" or owner in agreement.roles:
            name = f"{key}:{owner}" if several else key
            yield Owed(name, owner, obligation, (fact_of(key), *obligation.sources))
