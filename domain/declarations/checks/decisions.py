"""By decisions: how many of those that are to be carried out were late. Guide: CM-S, GV-5."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AfterValidator, Field
from sqlmodel import Session

from domain.declarations.checks.facts import KindOfFact, Title
from domain.declarations.checks.judging import PeriodFinding
from domain.declarations.checks.lateness import LateRule, ServingTask
from domain.declarations.checks.owed import PeriodOwed
from domain.declarations.checks.records import Records, grouped
from domain.declared import Key, PathOf, each_once
from domain.endorsement import it_counts
from domain.kernel import col, in_program, joins, only, run, select, tuples, value_of
from locales import N_, Counted, say_n, show_list
from models.casework import Task
from models.committee import Committee
from models.decision_kinds import CLINICAL
from models.minutes import Decision


def _numbers(session: Session, ids: Collection[UUID]) -> Mapping[str, Title]:
    """A decision is called by its number: what it says may be for few."""
    rows = tuples(session, only(Decision.id, Decision.number).where(col(Decision.id).in_(list(ids))))
    return {str(decision_id): Title(number, number) for decision_id, number in rows}


_CLINICAL: Final = CLINICAL.key
DECISION: Final = KindOfFact("decision", N_("Decision"), page="decisions", titles=_numbers)


class DecisionsRule(LateRule):
    """How many decisions of these committees may be carried out late in the period.

    Of a partner those count that it is to carry out, by the role that owes the clause or, where the organization owes
    it, by any role; of the coordination, which follows up what is decided, those of everyone. Clinical ones are about
    participants and left out. One that holds no more, or not yet, is no occasion.
    """

    committees: Annotated[tuple[Key, ...], Field(min_length=1), AfterValidator(each_once)]

    key = "decisions"
    words = N_("by decisions carried out")
    facts = (DECISION,)
    touched_by = frozenset({"decision.made"})  # that one is carried out is seen by the round of the day

    def committees_named(self) -> Iterator[tuple[PathOf, str]]:
        """Those that decide."""
        for place, committee in enumerate(self.committees):
            yield ("committees", place), committee

    def in_words(self, language: str, names: Mapping[str, str]) -> str:
        """At most so many that are late by so many working days."""
        return say_n(
            language,
            "at most %(n)s decision more than %(days)s late, of: %(committees)s",
            "at most %(n)s decisions more than %(days)s late, of: %(committees)s",
            self.at_most_late,
            days=Counted("%(n)s working day", "%(n)s working days", self.late_after_working_days),
            committees=show_list(language, [names.get(key, key) for key in self.committees]),
        )

    def found(self, period: PeriodOwed) -> PeriodFinding:
        """By the decisions that are to be carried out by a day of the period."""
        was_late = [ServingTask(decision_id, due_on, late_until=date.max) for decision_id, due_on in period.was_late]
        return self.judge(period.judging, [*self._steps(period), *was_late], period.records.calendar)

    def _steps(self, period: PeriodOwed) -> Iterator[ServingTask]:
        owed_by, decided = period.clause.owed_by, period.records.read(_decided)
        for row in (row for committee in self.committees for row in decided[committee]):
            is_theirs = row.owner_organization_id == period.one.organization_id
            if period.clause.is_of_coordination or (is_theirs and owed_by in ("organization", row.owner_role)):
                done_on = period.records.local_day(row.done_at) if row.state == "done" else None
                is_off = not row.counts or row.state in ("waived", "cancelled")
                yield ServingTask(str(row.id), row.due_on, done_on, called_off=is_off)


def _decided(records: Records) -> Mapping[str, list[Any]]:
    """What each committee decided that somebody is to carry out, and how its task stands."""
    rows = run(
        records.session,
        select(
            Decision.id,
            Decision.owner_role,
            Decision.owner_organization_id,
            Task.state,
            Task.due_on,
            Task.done_at,
            value_of(it_counts().label("counts")),
            value_of(col(Committee.key).label("committee")),
        )
        .join(Task, joins(Decision.task_id, Task))
        .join(Committee, joins(Decision.committee_id, Committee))
        .where(in_program(Decision), Decision.kind != _CLINICAL, col(Task.due_on).is_not(None)),
    )
    return grouped(rows, lambda row: row.committee)
