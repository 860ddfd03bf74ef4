"""An obligation as it is owed: its clause, version by version, and a period of it to be judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from domain.declarations.checks.judging import Judging
from domain.declarations.checks.records import Records
from domain.declarations.checks.rule import CheckRule
from domain.declarations.checks.watch import silence
from domain.declarations.checks.windows import BindingWindow, Window, windows
from domain.declarations.role_keys import COORDINATOR
from domain.kernel import Span, joined


@dataclass(frozen=True)
class VersionClause:
    """An obligation as one version of an agreement has it."""

    id: UUID
    key: str
    owed_by: str
    period: str
    rule: CheckRule
    text_fr: str
    text_en: str
    endorsed_by: str = ""  # the committee that must have endorsed what it asks for

    @property
    def fact(self) -> str:
        """The clause without the role that owes it: AG-X1 for AG-X1:manager."""
        return self.key.partition(":")[0]

    @property
    def served_as(self) -> frozenset[str]:
        """What a step that serves it names: the clause with the role that owes it or, for every role, without one."""
        return frozenset({self.key, self.fact})

    @property
    def kind(self) -> str:
        """The kind of check that it is judged by."""
        return self.rule.key

    @property
    def looks_at(self) -> str:
        """What its check looks at: its kind, and the committee or what is counted."""
        return f"{self.rule.key} {self.rule.looks_at()}".strip()

    @property
    def is_of_coordination(self) -> bool:
        """Whether the coordinator owes it."""
        return self.owed_by == COORDINATOR


@dataclass(frozen=True)
class OwedClause:
    """One obligation of one organization through every version that had it; `since` is the agreement's first day."""

    agreement_id: UUID
    organization_id: UUID
    key: str
    since: date
    bounds: tuple[BindingWindow, ...]
    clauses: Mapping[UUID, VersionClause]

    def windows(self, until: date) -> tuple[Window, ...]:
        """Its windows that have begun by the local day `until`, in order."""
        return windows(self.bounds, until=until, since=self.since)

    def clause_of(self, window: Window) -> VersionClause:
        """The text by which a window is judged."""
        return self.clauses[window.obligation_id]

    def rule_on(self, window: Window) -> Callable[[date], Any] | None:
        """The rule of the text that bound the partner on a day of a window; None where the last text did on all."""
        last = self.clause_of(window).rule
        earlier = [
            (bound.days, rule)
            for bound in self.bounds
            if any(bound.days.within(span) is not None for span in window.spans)
            and (rule := self.clauses[bound.obligation_id].rule) != last
        ]
        if not earlier:
            return None
        return lambda day: next((rule for days, rule in earlier if days.holds(day)), last)


@dataclass(frozen=True)
class PeriodOwed:
    """One window of an obligation as it is judged: by its last text or, with `rule_on`, by the text of each day.

    `waived` are the days on which the partner is freed of the clause; `was_late`, the steps with their due days that
    were found late by the same text before; `period_id` is the row of the period, where it was judged before.
    """

    records: Records
    one: OwedClause
    window: Window
    clause: VersionClause
    waived: Sequence[Span] = ()
    period_id: UUID | None = None
    was_late: tuple[tuple[str, date], ...] = ()
    rule_on: Callable[[date], Any] | None = None

    @property
    def judging(self) -> Judging:
        """What it is judged by, whatever the kind of check."""
        records = self.records
        means = silence(self.window, self.clause.rule.at_risk, records.watch, records.new_until(self.one.since))
        return Judging(self.window, records.on, means, self.waived, self.rule_on)

    @property
    def binding(self) -> list[Span]:
        """The days on which some version bound the partner, those left out on which they are freed of the clause."""
        days = joined(bound.days for bound in self.one.bounds)
        return [part for span in days for part in span.without(self.waived)]
