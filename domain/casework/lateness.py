"""Keeps lateness: a due day that passed undone is recorded before a step loses it.

A step that is cancelled, waived or given another day is no longer asked for by its old day. An obligation, or the
program's statement, later reads here how it was. It is written once and never changed.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Date, cast, func, literal
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, case

from domain.kernel import col, local_day, only, program, program_of, run, value_of
from models.casework import Lateness, Task
from models.lifecycles import TASK

#: Done, a step keeps its due day and the day on which it was done: what was late is told by these.
_NOT_AT_REST = [state for state in TASK.states if state not in ("done", "waived", "cancelled")]


def keep_lateness(session: Session, which: ColumnElement[bool], *, at: datetime) -> None:
    """Record which of these steps of cases were not done by their due day, as of the local day of `at`.

    What was handed in late was late until then. Call it before the steps change, in the same transaction.
    """
    today = local_day(session, at)
    handed_in = cast(func.timezone(program(session).time_zone, col(Task.done_at)), Date)
    until = case((col(Task.state) == "submitted", handed_in), else_=literal(today, Date()))
    late = run(
        session,
        only(Task.id, Task.clause, Task.due_on, value_of(until.label("until"))).where(
            col(Task.case_id).is_not(None), col(Task.state).in_(_NOT_AT_REST), col(Task.due_on) < until, which
        ),
    ).all()
    if late:
        run(
            session,
            insert(Lateness).on_conflict_do_nothing(index_elements=["program_id", "task_id", "due_on", "until"]),
            [
                {
                    "program_id": program_of(session),
                    "id": uuid4(),
                    "task_id": row.id,
                    "clause": row.clause,
                    "due_on": row.due_on,
                    "until": row.until,
                    "recorded_at": at,
                }
                for row in late
            ],
        )


def is_this(task_id: UUID) -> ColumnElement[bool]:
    """The condition that a task is this one."""
    return col(Task.id) == task_id


def had_passed(due_on: date | None, on: date) -> bool:
    """Whether a due day is before a local day: only then can anything be late by it."""
    return due_on is not None and due_on < on
