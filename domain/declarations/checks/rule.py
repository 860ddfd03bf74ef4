"""What a kind of check has to say: the base of every rule by which an obligation is judged.

CONTRIBUTING.md tells how a kind is added. `attendance.py` is a plain one, `attestation.py` one with a form.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, ClassVar, Final, Protocol

from domain.declarations.checks.facts import KindOfFact
from domain.declarations.checks.forms import Form, Proof
from domain.declarations.checks.judging import GIVEN, Fact, PeriodFinding
from domain.declarations.checks.watch import AtRisk
from domain.declared import Bilingual, GrammarPart, PathOf

if TYPE_CHECKING:  # a period has a clause, and a clause its rule
    from domain.declarations.checks.owed import PeriodOwed

#: In these states something is missing that can still be brought.
LACKS: Final = frozenset({"nothing_recorded", "on_track", "at_risk", "awaiting_record", "missed"})

#: The steps of the tasks that ask for it: to state, to give a document, to see to what is counted, to sit.
ATTEST: Final = "obligation.attest"
GIVE: Final = "obligation.give"
SEE_TO: Final = "obligation.see_to"
SIT: Final = "obligation.sit"


@dataclass(frozen=True)
class ProofDeadline:
    """What is asked of people: the last day, by which the times to ask are counted, and the last day for proof.

    With `stays` it is not asked anew where these days move: they are counted from the day on which it was asked.
    """

    step: str
    last: date
    due: date
    sentence: str
    stays: bool = False


class AttestedDuty(Protocol):
    """What is stated in writing: the sentence, the role that states it, and from when it can be stated that it held."""

    @property
    def statement(self) -> Bilingual:
        """The sentence."""

    @property
    def by(self) -> str:
        """The role whose holder states it."""

    def from_day(self, first: date, last: date | None) -> date:
        """The first local day on which it can be stated that it held, of a period from `first` to `last`, inclusive."""

    def has_somebody(self, roles: Container[str]) -> bool:
        """Whether there can be somebody to state it, at a partner whose agreement creates these roles."""


class CheckRule(GrammarPart):
    """How an obligation is checked, by one kind of check: the class is the kind, and its fields are its grammar.

    A kind says its key, its words, what it looks at, which lines of the record touch it, how it judges, what it asks of
    people, and the proof that they give. Where it says nothing, what stands here holds.
    """

    # Left out where it is not said: a rule that was signed before it could be said reads the same.
    at_risk: AtRisk | None = None  # when its silence turns into a risk, where not as the program has it

    # -------------------------------------------------------------------------------------------------------- its words

    key: ClassVar[str]  # as the program's file and the database name the kind
    words: ClassVar[str]  # a msgid: "by attendance"
    facts: ClassVar[tuple[KindOfFact, ...]]  # what it looks at
    why: ClassVar[Mapping[str, str]]  # the msgid of each code by which a fact counts, or counts neither way
    adds_up: ClassVar[Mapping[str, str]] = {}  # the msgid that says what the facts add up to, by a number of them

    def in_words(self, language: str, names: Mapping[str, str]) -> str:
        """The rule as people read it; `names` gives committees and roles their titles."""
        raise NotImplementedError

    def named_by(self, fact: Fact) -> str:  # noqa: ARG002 - for the kinds that look at it
        """The key of the committee or role whose title names a fact; "" where none does."""
        return ""

    # ----------------------------------------------------------------------------------------------- the program's file

    needs_seat: ClassVar[bool] = False  # whether only who has a seat on its committees can fulfil it

    def committees_named(self) -> Iterator[tuple[PathOf, str]]:
        """The committees that the rule names, each with where it stands in the rule."""
        yield from ()

    def looks_at(self) -> str:
        """What is looked at, beside the kind: what proves one thing proves nothing of another."""
        return ""

    # ---------------------------------------------------------------------------------------------------------- judging

    touched_by: ClassVar[frozenset[str]]  # the verbs of the record that have it judged again at once
    is_judged_with_cases: ClassVar[bool] = False  # whether the engine has it judged where it carried a case
    awaits_secretary: ClassVar[bool] = False  # whether it may lack what the coordinator has to record

    def found(self, period: PeriodOwed) -> PeriodFinding:
        """How a period stands by the records."""
        raise NotImplementedError

    # ----------------------------------------------------------------------------------------------------- what it asks

    asks_by: ClassVar[str] = ""  # the step of the tasks by which it asks people; "" where it asks for nothing
    asks_in: ClassVar[frozenset[str]] = LACKS  # the states in which it asks

    def asks(self, period: PeriodOwed, found: PeriodFinding) -> ProofDeadline | None:  # noqa: ARG002 - for the kinds that ask
        """What is asked of people for a period that stands in one of these states, whether or not it is time yet."""
        return None

    def is_done(self, period: PeriodOwed, found: PeriodFinding) -> bool:  # noqa: ARG002 - for the kinds that look at it
        """Whether what was asked was done: the clause is met or on its way again."""
        return found.state in ("met", "on_track", GIVEN)

    # ------------------------------------------------------------------------------------------------------------ proof

    proof: ClassVar[Proof | None] = None  # what people give for it

    def stated(self) -> AttestedDuty | None:
        """What is stated in writing, where that is its proof."""
        return None

    def document(self) -> str:
        """The kind of document that is given, where that is its proof; "" where it is not."""
        return ""

    def form(self, first: date, last: date | None, on: date) -> Form | None:  # noqa: ARG002 - for those with one
        """The form by which the proof of a period from `first` to `last` is given on the local day `on`."""
        return None

    # ------------------------------------------------------------------------------------------ what it tells of others

    @property
    def counts_participants(self) -> bool:
        """Whether it counts people who were referred: of one partner they are mostly few."""
        return False

    def protocols_named(self) -> tuple[str, ...]:
        """The protocols whose cases it looks at."""
        return ()

    def vacancy_allowed(self, role: str) -> int | None:  # noqa: ARG002 - for the kind that counts them
        """For how many working days a role may stand vacant; None where vacancies of this role are not counted."""
        return None
