"""The grammar of an agreement: the roles it creates, who owes what, how that is checked, and its clauses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, create_model, model_validator

from domain.declarations.checks import KINDS
from domain.declarations.checks.rule import CheckRule
from domain.declarations.checks.windows import Period
from domain.declarations.role_keys import RoleKey
from domain.declared import GUIDE_IDS, Bilingual, GrammarPart, GuideId, Key, Wrong, each_once
from locales import N_
from models.agreement import ResourceKind

Owner = Literal["organization", RoleKey]


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


class _OneCheck(GrammarPart):
    """How an obligation is checked: one kind of check, with its rule."""

    @model_validator(mode="after")
    def _one_kind(self) -> _OneCheck:
        if len(self._rules()) != 1:
            *kinds, last = KINDS
            raise Wrong(
                N_("Exactly one check must stand here: %(kinds)s or %(last)s."), kinds=", ".join(kinds), last=last
            )
        return self

    def _rules(self) -> list[CheckRule]:
        return [rule for kind in KINDS if (rule := getattr(self, kind)) is not None]

    @property
    def rule(self) -> CheckRule:
        """The rule of the one check that is set."""
        return self._rules()[0]

    @property
    def kind(self) -> str:
        """Which check this is."""
        return self.rule.key


if TYPE_CHECKING:
    Check = _OneCheck
else:  # a field for each kind of check, by its key
    Check = create_model("Check", __base__=_OneCheck, **{key: (rule | None, None) for key, rule in KINDS.items()})


class DeclaredObligation(GrammarPart):
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


class DeclaredClause(GrammarPart):
    """A clause that creates no duty of its own: how long, how it ends, who holds the information."""

    title: Bilingual
    text: Bilingual
    sources: tuple[GuideId, ...] = ()


class SharingTerms(GrammarPart):
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


class CreatedRole(GrammarPart):
    """How many people a partner promises for a role, and each one's hours, where that is known.

    Fewer is a vacancy. More is no breach: a leaver and their successor hold the role together for a while (DP-01,
    DP-04). A role that only one may hold says so where the program declares it.
    """

    headcount: Annotated[int, Field(ge=1)] = 1
    hours_a_week: Annotated[float, Field(gt=0, le=60)] | None = None


Majority = Literal["more_than_half", "two_thirds", "three_quarters"]


class Decisions(GrammarPart):
    """Which majority of the partners suffices to endorse a decision. Guide: GV-4.

    A partner whose agreement is without it is bound by no majority: each decision then needs its own word.
    """

    majority: Majority
    source: Literal["GV-4"]


class Resource(GrammarPart):
    """What an organization brings to the program."""

    kind: ResourceKind
    text: Bilingual
    sources: tuple[GuideId, ...] = ()


class Oversight(GrammarPart):
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


Obligations = dict[ObligationKey, DeclaredObligation]
Clauses = dict[Key, DeclaredClause]


class DeclaredAgreement(GrammarPart):
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
class DeclaredDuty:
    """One obligation as one agreement has it: owed by one role, or by the organization itself.

    `key` is the declared one, with the role after a colon where several roles owe the same.
    """

    key: str
    owner: Owner
    obligation: DeclaredObligation
    sources: tuple[str, ...]


def owed_under(key: str, obligation: DeclaredObligation, agreement: DeclaredAgreement) -> Iterator[DeclaredDuty]:
    """`obligation` once for each role that owes it and that `agreement` creates, or for the organization."""
    several = len(obligation.owed_by) > 1
    for owner in obligation.owed_by:
        if owner == "organization" or owner in agreement.roles:
            name = f"{key}:{owner}" if several else key
            yield DeclaredDuty(name, owner, obligation, (fact_of(key), *obligation.sources))
