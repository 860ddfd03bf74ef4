"""What a period is judged by whatever its kind of check, and what is found: pure values, without clock and session."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Annotated, Any, Final, TypeVar

from pydantic import BeforeValidator, TypeAdapter

from domain.declarations.checks.watch import Silence
from domain.declarations.checks.windows import Window
from domain.kernel import Span
from models.obligation import Found, FoundFact

R = TypeVar("R")

#: States that nothing can make good any more.
LOST: Final = frozenset({"missed", "cannot_be_met"})
#: The state of proof that was given, and of a period it would suffice for, until one who does not owe it accepts.
GIVEN: Final = "given"


@dataclass(frozen=True)
class Fact:
    """One thing on record that was looked at: what it is, of which local day, and whether it counts and why.

    `kind` is the key of a `KindOfFact`, and `why` a code of its kind of check; `id` opens it.
    """

    kind: str
    id: str
    on: Annotated[date | None, BeforeValidator(lambda kept: kept or None)]
    counts: bool
    why: str

    def as_json(self) -> FoundFact:
        """The fact as it is stored."""
        on = self.on.isoformat() if self.on else ""
        return {"kind": self.kind, "id": self.id, "on": on, "counts": self.counts, "why": self.why}


_FACTS: Final = TypeAdapter(list[Fact])


def facts_of(found: Found) -> list[Fact]:
    """The facts of a finding, as it is kept."""
    return _FACTS.validate_python(found["facts"])


@dataclass(frozen=True)
class PeriodFinding:
    """How a period stands: its state, the numbers and facts behind it, and the last day for proof, if it has one.

    `missing` are the ids of meetings with attendance that was not recorded in time.
    """

    state: str
    numbers: Mapping[str, int] = field(default_factory=dict)
    facts: tuple[Fact, ...] = ()
    due_on: date | None = None
    missing: tuple[str, ...] = ()

    def as_json(self) -> Found:
        """The finding as it is stored beside the state."""
        return {"numbers": dict(self.numbers), "facts": [fact.as_json() for fact in self.facts]}


@dataclass(frozen=True)
class Judging:
    """One window, the local day as of which it is judged, what silence means, and the days that are waived.

    A rule judges by the window's last text. With `rule_on`, the rule of the text of a day, each fact is judged by that
    of its own day, and is one too many only where it is by both.
    """

    window: Window
    on: date
    silence: Silence
    waived: Sequence[Span] = ()
    rule_on: Callable[[date], Any] | None = None

    @property
    def has_begun(self) -> bool:
        """Whether the window has a day by now."""
        return self.window.starts_on <= self.on

    @property
    def is_over(self) -> bool:
        """Whether its last day is past."""
        return self.window.ends_on is not None and self.on > self.window.ends_on

    @property
    def is_waived(self) -> bool:
        """Whether no day of the window is left without the waived ones; of an open one, whether today is waived."""
        if self.window.ends_on is None:
            return self.frees(self.on)
        return bool(self.waived) and not any(span.without(self.waived) for span in self.window.spans)

    def frees(self, day: date) -> bool:
        """Whether the partner is freed of the clause on a day."""
        return any(span.holds(day) for span in self.waived)

    def rule_of(self, day: date, rule: R) -> R:
        """The rule that a fact of a day is judged by: `rule`, or that of the text of the day."""
        return rule if self.rule_on is None else self.rule_on(day)

    def lost(self) -> str:
        """How a window stands that nothing can make good any more."""
        return "missed" if self.is_over else "cannot_be_met"

    def last_day_for_proof(self, grace_days: int) -> date | None:
        """The last day of the window and the days of grace after it; None of an open one."""
        return None if self.window.ends_on is None else self.window.ends_on + timedelta(days=grace_days)

    def by_day(self, due: date | None, *, done: bool, given: bool, is_on_record: bool) -> str:
        """How something stands that has to be there by the day `due`.

        `given` says that it is there and waits to be accepted; `is_on_record`, that some of it is on record.
        """
        if done:
            return "met"
        if self.window.ends_on is not None and self.frees(self.window.ends_on):
            return "waived"
        if not self.has_begun:
            return "not_yet"
        if given:
            return GIVEN
        if due is not None and self.on > due:
            return self._after_last_day(is_on_record=is_on_record)
        if self.silence.is_risk(self.on):
            return "at_risk"
        return "on_track" if is_on_record else "nothing_recorded"

    def _after_last_day(self, *, is_on_record: bool) -> str:
        if is_on_record or not self.silence.had_no_time(self.window):
            return "missed"
        return "nothing_recorded" if self.silence.is_new(self.on) else "no_occasion"
