"""What the cases of a procedure did for a clause: the steps that serve it, and the document that they brought."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func
from sqlmodel import case, or_

from domain.declarations.checks.facts import WORD, stands_of
from domain.declarations.checks.judging import GIVEN
from domain.declarations.checks.owed import VersionClause
from domain.declarations.checks.records import Records, grouped
from domain.endorsement import it_counts
from domain.kernel import Span, col, in_program, joins, periods, run, same, select, value_of
from models.agenda import AgendaItem
from models.casework import Case, Evidence, Task
from models.committee import Committee
from models.minutes import Decision


@dataclass(frozen=True)
class Procedure:
    """What a case did for a clause: the task that brought its document, when it was done, the days that it is for.

    `decided_by` are the committees that decided on one of its steps, with a quorum. `lacks` is of the document itself:
    that nobody accepted it yet, or that it was returned.
    """

    task_id: str
    organization_id: UUID | None
    on: date
    covers: Span
    is_done: bool
    decided_by: frozenset[str]
    lacks: str


class Procedures:
    """Every procedure of a program, by the clauses that its steps serve."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._of_clause: dict[str, list[Procedure]] = {}

    def of(self, clause: VersionClause) -> list[Procedure]:
        """What each procedure did for a clause: the steps that name it, with the role that owes it or without one."""
        if clause.key not in self._of_clause:
            self._of_clause[clause.key] = list(self._read(clause))
        return self._of_clause[clause.key]

    def _read(self, clause: VersionClause) -> Iterator[Procedure]:
        serving = [row for name in sorted(clause.served_as) for row in self._records.read(_serving)[name]]
        in_order = sorted(serving, key=lambda row: (row.case_id, row.position, row.id))
        for steps in grouped(in_order, lambda row: row.case_id).values():
            brought = [row for row in steps if row.document_is is not None]
            if brought:
                yield self._procedure(steps, brought[-1])

    def _procedure(self, steps: Sequence[Any], brought: Any) -> Procedure:
        done = [row for row in steps if row.state == "done"]
        last = max((self._records.local_day(row.done_at) for row in done), default=self._records.on)
        whole = periods.period(brought.period)
        return Procedure(
            str(brought.id),
            brought.organization_id,
            last,
            Span(whole.starts_on, whole.ends_on) if whole is not None else Span(last, last),
            is_done=len(done) == len(steps),
            decided_by=frozenset(row.decided_by for row in done if row.decided_by),
            lacks=brought.document_is,
        )


_IS_LACKING: Final = ((col(WORD.said).is_(None), GIVEN), (col(WORD.said) == "returned", "returned"))


def _serving(records: Records) -> Mapping[str, list[Any]]:
    """The steps of procedures that serve a clause and were not cancelled, by the clause as they name it."""
    # Of several documents one that was accepted is enough, and one to be looked at comes before one returned.
    document_is = (
        select(func.min(case(*_IS_LACKING, else_="")))
        .select_from(Evidence)
        .outerjoin(WORD, stands_of(col(WORD.evidence_id), Evidence))
        .where(joins(Evidence.task_id, Task), Evidence.kind == "document", col(Evidence.withdrawn_at).is_(None))
        .scalar_subquery()
    )
    decided_by = (
        select(func.max(col(Committee.key)))
        .select_from(Decision)
        .join(AgendaItem, joins(Decision.item_id, AgendaItem))
        .join(Committee, joins(Decision.committee_id, Committee))
        .where(
            same(Decision, Task),
            AgendaItem.task_id == Task.id,
            # Another decision taken under the same item endorses nothing.
            col(Decision.grants),
            it_counts(),
            # Those from before a quorum was asked for endorse as they did.
            or_(col(Decision.has_quorum).is_(True), Decision.endorsement == "earlier"),
        )
        .scalar_subquery()
    )
    rows = run(
        records.session,
        select(
            Task.id,
            Task.clause,
            Task.state,
            Task.done_at,
            Task.position,
            Case.organization_id,
            Case.period,
            value_of(col(Case.id).label("case_id")),
            value_of(document_is.label("document_is")),
            value_of(decided_by.label("decided_by")),
        )
        .join(Case, joins(Task.case_id, Case))
        .where(
            in_program(Task),
            Task.clause != "",
            col(Task.state).not_in(["cancelled", "waived"]),
            Case.state != "cancelled",
        ),
    )
    return grouped(rows, lambda row: row.clause)
