"""What a partner's yearly statement says, in both languages at once: plain data, as the documents of a meeting are."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from domain.declarations import FACTS
from domain.obligations import WORST_FIRST
from meetings.documents.content import NOTHING, Both, Content, DecisionNumber, DecisionState, Words
from meetings.documents.measures import MeasuresContent

_FROZEN: Final = ConfigDict(extra="forbid", defer_build=True)

Count = Annotated[int, Field(ge=0)]
if TYPE_CHECKING:
    PeriodState = str
    ProofKind = str
else:  # one of those that there are: an answer tells which
    PeriodState = Literal[WORST_FIRST]
    ProofKind = Literal[tuple(FACTS)]
ResourceKind = Literal["human", "material", "financial", "structure", "service"]
Said = Literal["", "endorsed", "objected", "settled"]
EndorsementState = Literal["", "pending", "endorsed", "objected", "earlier"]


@dataclass(frozen=True, kw_only=True, config=_FROZEN)
class Days:
    """Local days, both inclusive; without an end where it is open."""

    starts_on: date
    ends_on: date | None = None


@dataclass(frozen=True, kw_only=True, config=_FROZEN)
class SignedVersion:
    """A version of the agreement that was in force in the year, and who signed it for the organization."""

    n: Annotated[int, Field(ge=1)]
    days: Days
    signed_by: tuple[Words, ...] = ()
    signed_on: date | None = None  # the last of its signatures


@dataclass(frozen=True, kw_only=True, config=_FROZEN)
class SeatYear:
    """One seat on one committee, who held it, and how it was filled at the meetings that count.

    `held` meetings had their quorum; `not_counted` were cancelled or adjourned without one.
    """

    committee: Both
    seat: Both
    principals: tuple[Words, ...] = ()
    alternates: tuple[Words, ...] = ()
    held: Count = 0
    sat: Count = 0  # on site, or remotely
    alternate: Count = 0
    excused: Count = 0
    absent: Count = 0
    unrecorded: Count = 0
    not_counted: Count = 0


@dataclass(frozen=True, kw_only=True, config=_FROZEN)
class PostYear:
    """One role that the agreement creates: who held it when, and the person-days that stood empty of those promised."""

    role: Both
    headcount: Count
    hours_a_week: float | None = None
    holders: tuple[tuple[Words, Days], ...] = ()
    promised_days: Count = 0
    empty_days: Count = 0


@dataclass(frozen=True, kw_only=True, config=_FROZEN)
class StatementEvidence:
    """One thing on record that was looked at: what, of which day, whether it counts, and the code that says why.

    `hands` says who gave it and who accepted or returned it, and when; blank of what is not given by hand.
    """

    kind: ProofKind
    what: Both
    on: date | None = None
    counts: bool
    why: str
    hands: Both = NOTHING


@dataclass(frozen=True, kw_only=True, config=_FROZEN)
class ClausePeriod:
    """How a clause stood over one period, as found on the local day `found_on`, and by what.

    `is_apart` says that participants were counted: how it stands is told, and their number is not.
    """

    days: Days
    state: PeriodState
    found_on: date
    due_on: date | None = None
    numbers: dict[str, int] = Field(default_factory=dict)
    proofs: tuple[StatementEvidence, ...] = ()
    is_apart: bool = False


@dataclass(frozen=True, kw_only=True, config=_FROZEN)
class ClauseYear:
    """One obligation: its clause, its text as it was last in force, who owes it, and its periods in order."""

    clause: Annotated[str, Field(pattern=r"^[A-Z]{2,4}-[A-Z0-9]{1,8}(\.\w{1,60})?$")]
    duty: Both
    owner: Both
    periods: tuple[ClausePeriod, ...]


@dataclass(frozen=True, kw_only=True, config=_FROZEN)
class ResourceLine:
    """Something that the organization shares, as the agreement says."""

    kind: ResourceKind
    brings: Both


@dataclass(frozen=True, kw_only=True, config=_FROZEN)
class DecisionOwed:
    """A decision that the organization carries out, as it stood. A clinical one is known by its number alone."""

    number: DecisionNumber
    decided_on: date
    text: Both = NOTHING
    owner: Both
    due_on: date | None = None
    state: DecisionState
    closed_on: date | None = None


@dataclass(frozen=True, kw_only=True, config=_FROZEN)
class DecisionAsked:
    """A decision on management or coordination, and what the organization said of it (GV-4).

    One that is about a participant, whatever kind was chosen, is known by its number alone.
    """

    number: DecisionNumber
    decided_on: date
    text: Both = NOTHING
    said: Said = ""
    state: EndorsementState = ""  # what the partners made of it; empty in a statement from before they were asked so


@dataclass(frozen=True, kw_only=True, config=_FROZEN)
class PartnerStatement:
    """A partner's year: `covered` are its days under the agreement, up to the local day `on` as of which this stands.

    `is_final` says that no day of the year is left that could be added.
    """

    kind: Literal["statement"] = "statement"
    program: Both
    organization: Both
    short_name: Words
    year: Annotated[int, Field(ge=1000, le=9999)]
    on: date
    is_final: bool
    covered: tuple[Days, ...]
    versions: tuple[SignedVersion, ...]
    seats: tuple[SeatYear, ...] = ()
    posts: tuple[PostYear, ...] = ()
    clauses: tuple[ClauseYear, ...] = ()
    resources: tuple[ResourceLine, ...] = ()
    owed: tuple[DecisionOwed, ...] = ()
    asked: tuple[DecisionAsked, ...] = ()
    director: Words = ""  # who signs; empty where the role is vacant

    @property
    def covered_to(self) -> date:
        """The last day that it tells of."""
        return self.covered[-1].ends_on or self.on

    def states(self) -> dict[str, int]:
        """How many periods stand in each state, those with any."""
        return Counter(period.state for clause in self.clauses for period in clause.periods)


Printed = Content | PartnerStatement | MeasuresContent
"""Every document that is printed here."""
