"""By completed tasks: how many of the steps that serve the clause were late."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AfterValidator, Field

from domain.declarations.checks.facts import STEP
from domain.declarations.checks.judging import PeriodFinding
from domain.declarations.checks.lateness import LateRule, ServingTask
from domain.declarations.checks.owed import PeriodOwed, VersionClause
from domain.declarations.checks.records import Records
from domain.declared import Key, each_once
from domain.kernel import col, in_program, joins, run, select, value_of
from domain.record import events
from locales import N_, Counted, say_n
from models.casework import Case, Lateness, Task

#: The lines of the record by which the steps of cases come, go, or have other days.
OF_STEPS: Final = frozenset(
    {
        "case.opened",
        "case.cancelled",
        "case.reopened",
        "case.day_moved",
        "case.rescheduled",
        "case.version_taken",
        events.CLAUSE_SERVED,
    }
)


class TasksRule(LateRule):
    """How many of the steps that serve this clause may be done late in the period, in these protocols."""

    protocols: Annotated[tuple[Key, ...], Field(min_length=1), AfterValidator(each_once)]

    key = "tasks"
    words = N_("by completed tasks")
    facts = (STEP,)
    touched_by = OF_STEPS
    is_judged_with_cases = True

    def protocols_named(self) -> tuple[str, ...]:
        """Those in which the steps stand."""
        return self.protocols

    def in_words(self, language: str, names: Mapping[str, str]) -> str:  # noqa: ARG002 - it names no committee or role
        """At most so many that are late by so many working days."""
        return say_n(
            language,
            "at most %(n)s task more than %(days)s late",
            "at most %(n)s tasks more than %(days)s late",
            self.at_most_late,
            days=Counted("%(n)s working day", "%(n)s working days", self.late_after_working_days),
        )

    def found(self, period: PeriodOwed) -> PeriodFinding:
        """By the steps at the partner; what the coordinator owes they owe to every partner."""
        judging = period.judging
        was_late = [ServingTask(task_id, due_on, late_until=date.max) for task_id, due_on in period.was_late]
        where = None if period.clause.is_of_coordination else period.one.organization_id
        steps = self.steps(period.records, where, period.clause, judging.rule_on)
        return self.judge(judging, [*steps, *was_late], period.records.calendar)

    def steps(
        self,
        records: Records,
        organization_id: UUID | None,
        clause: VersionClause,
        rule_on: Callable[[date], TasksRule] | None = None,
    ) -> list[ServingTask]:
        """The tasks that serve a clause by this rule or that of their due day: at one organization, or everywhere.

        One comes once more for each due day that it lost after it had passed.
        """

        def serves(row: Any) -> bool:
            return (
                row.clause in clause.served_as
                and row.protocol in (rule_on(row.due_on) if rule_on else self).protocols
                and organization_id in (None, row.organization_id)
            )

        due = [
            ServingTask(
                str(row.id),
                row.due_on,
                records.local_day(row.done_at) if row.state in ("done", "submitted") else None,
                called_off=row.state in ("waived", "cancelled"),
            )
            for row in records.read(_tasks)
            if serves(row)
        ]
        lost = [
            ServingTask(str(row.id), row.due_on, late_until=row.until) for row in records.read(_lateness) if serves(row)
        ]
        return due + lost


def _tasks(records: Records) -> Sequence[Any]:
    return run(
        records.session,
        select(Task.id, Task.clause, Task.due_on, Task.done_at, Task.state, Case.protocol, Case.organization_id)
        .join(Case, joins(Task.case_id, Case))
        .where(in_program(Task), Task.clause != "", col(Task.due_on).is_not(None)),
    ).all()


def _lateness(records: Records) -> Sequence[Any]:
    """The due days that had passed undone when a step lost them."""
    task_id = value_of(col(Lateness.task_id).label("id"))
    return run(
        records.session,
        select(Lateness.clause, Lateness.due_on, Lateness.until, task_id, Case.protocol, Case.organization_id)
        .join(Task, joins(Lateness.task_id, Task))
        .join(Case, joins(Task.case_id, Case))
        .where(in_program(Lateness), Lateness.clause != ""),
    ).all()
