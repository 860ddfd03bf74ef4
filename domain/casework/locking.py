"""A case and a task locked for the length of a transaction: how they are locked and changed, and what follows from it.

The verbs in `tasks` and `acts` are written with these. The case is locked first. Of two who complete different steps at
the same instant, the second sees what the first did, and opens what both had to be done for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Executable, Update, Uuid, any_, bindparam, literal_column, text, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, case

from domain.casework import scheduling, wakeups, words
from domain.casework.lateness import keep_lateness
from domain.kernel import (
    ENGINE,
    Actor,
    Refusal,
    changes,
    col,
    every,
    first,
    hold_row,
    in_program,
    joins,
    local_day,
    of,
    only,
    program_of,
    replaced,
    rewrite,
    run,
    scalars,
    select,
    title_of,
)
from domain.record import events
from locales import N_
from models.casework import SETTLED, UNSETTLED, Case, Task, TaskNeed
from models.lifecycles import ACT, CASE, TASK

# What completing a task asks, built once. States are literals, so that the database can plan with its partial indexes
# once for all; other values are named here as in the functions below.
_here = bindparam("here", type_=Uuid())
_task_id = bindparam("task_id", type_=Uuid())
_this_task = and_(in_program(Task), Task.id == _task_id)
_this_case = and_(in_program(Task), col(Task.case_id) == bindparam("case_id", type_=Uuid()))
_needed = aliased(Task)

_UNKNOWN: Final = N_("There is no such case.")
_CHANGED: Final = N_("This case was changed by someone else or in another window. Nothing was saved; look again.")

_CASE_TO_HOLD = (
    of(Case).where(col(Case.id) == select(Task.case_id).where(_this_task).scalar_subquery()).with_for_update(of=Case)
)
_TASK_TO_HOLD = of(Task).where(col(Task.id) == _task_id).with_for_update(of=Task)
_CHANGE = update(Task).where(_this_task, col(Task.version) == bindparam("seen")).values(version=col(Task.version) + 1)
_WAITING = only(TaskNeed.task_id).where(TaskNeed.needs_id == _task_id)
_WAITS = (
    only(TaskNeed.needs_id)
    .join(_needed, joins(TaskNeed.needs_id, _needed))
    .where(TaskNeed.task_id == Task.id, col(_needed.state).not_in([literal_column(f"'{state}'") for state in SETTLED]))
    .exists()
)
_these = col(Task.id) == any_(bindparam("candidates", type_=ARRAY(Uuid())))
_THESE_THAT_WAIT = of(Task).where(_these, _WAITS).order_by(col(Task.position))
_UNSETTLED = select(Task.id).where(_this_case, text(UNSETTLED)).limit(1)
_ACT_ASKED = select(Task.id).where(_this_case, text("act_state in ('wanted', 'undo_wanted')")).limit(1)


@cache
def _opening() -> Update:
    """Opens the planned tasks that wait for nothing more."""
    return (
        changes(Task)
        .where(
            col(Task.state) == literal_column("'planned'"),
            # What is still to be undone is undone before it is done again.
            col(Task.act_state) != literal_column("'undo_wanted'"),
            ~_WAITS,
        )
        .values(
            state=TASK.after("planned", "open"),
            opened_at=bindparam("moment"),
            rung=0,
            next_check=text("(task.ladder->>0)::date"),
            act_state=case((col(Task.action) != "", ACT.moved(col(Task.act_state), "want")), else_=col(Task.act_state)),
            version=col(Task.version) + 1,
        )
        .returning(col(Task.id), col(Task.step), col(Task.item), col(Task.due_on))
    )


@cache
def _opening_these() -> Update:
    return _opening().where(_these)


@cache
def _opening_waiting() -> Update:
    return _opening().where(col(Task.id).in_(_WAITING))


def hold_case(session: Session, case_id: UUID, *, seen: int | None) -> Case:
    """Lock a case and read it. Raises Refusal: no such case, or not the version `seen`."""
    return hold_row(session, Case, case_id, seen, "case", _UNKNOWN, _CHANGED)


def hold_cases(session: Session, case_ids: Iterable[UUID]) -> None:
    """Lock several cases in the order of their ids: two who lock the same ones then do not wait for each other."""
    run(session, only(Case.id).where(col(Case.id).in_(list(case_ids))).order_by(col(Case.id)).with_for_update())


def change_case(session: Session, held: Case, **values: Any) -> None:
    """Write columns of a locked case, and raise its version."""
    rewrite(session, Case, held.id, **values)


def refuse_ended(held: Case | None) -> None:
    """Refuse a change of a case that is no longer open. Raises Refusal."""
    if held is not None and held.state != "open":
        raise Refusal("case.not_open", N_("This case is no longer open. Reopen it to change its tasks."))


@dataclass(frozen=True)
class TaskOutcome:
    """What a verb did: the task's new state, the tasks that it opened, and whether it closed the case.

    `version` is the task's own version now, where the task was settled; None where what followed may have changed it.
    """

    task_id: UUID
    state: str
    case_id: UUID | None = None
    opened: tuple[UUID, ...] = ()
    case_closed: bool = False
    version: int | None = None


@dataclass
class LockedTask:
    """A task and its case, locked until the transaction ends."""

    task: Task
    case: Case | None
    at: datetime
    by: Actor

    @property
    def id(self) -> UUID:
        """The task's id."""
        return self.task.id

    @property
    def case_id(self) -> UUID | None:
        """The case's id, where there is a case."""
        return self.task.case_id


def lock_task(session: Session, task_id: UUID, *, by: Actor, at: datetime, seen: int | None) -> LockedTask:
    """Lock the task's case, then the task, and read both. Raises Refusal: no such task, or not the version `seen`."""
    asked = {"here": program_of(session), "task_id": task_id}
    case = first(session, _CASE_TO_HOLD, asked)
    task = first(session, _TASK_TO_HOLD, asked)
    if task is None:
        raise Refusal("task.unknown", N_("There is no such task."))
    if seen is not None and task.version != seen:
        raise task_changed_meanwhile()
    return LockedTask(task, case, at, by)


def task_changed_meanwhile() -> Refusal:
    """The refusal of a change by a person who looked at an older version of a task."""
    return Refusal(
        "task.changed", N_("This task was changed by someone else or in another window. Nothing was saved; look again.")
    )


def change_task(session: Session, held: LockedTask, **values: Any) -> None:
    """Write columns of the locked task, and raise its version. Words about a participant are sealed (`words`)."""
    said: dict[str, str] = {name: values.pop(name) for name in words.IN_TASK if name in values}
    if said:
        values |= words.kept(session, held.task, held.case, said)
    known = {"here": program_of(session), "task_id": held.id, "seen": held.task.version}
    done = run(session, _CHANGE, {**values, **known})
    if done.rowcount != 1:
        msg = "a locked task changed under its lock"
        raise RuntimeError(msg)
    held.task = replaced(held.task, version=held.task.version + 1)


def write_task_event(session: Session, held: LockedTask, verb: str, **facts: events.Fact) -> None:
    """Write the event of what was done to the locked task. At commit, what it touches is judged."""
    if held.task.clause or held.task.dates_hang:
        events.also(session, events.CLAUSE_SERVED, "task", held.id)
    events.write(session, verb, "task", held.id, by=held.by, at=held.at, case_id=held.case_id, **facts)


def wake(session: Session, held: LockedTask) -> None:
    """Ask the engine to carry the case."""
    # The engine goes on with the case in hand: its own acts do not call it again.
    if held.case_id is not None and held.by.role != ENGINE:
        wakeups.wake(session, held.case_id, at=held.at)


def settle_task(session: Session, held: LockedTask, state: str) -> TaskOutcome:
    """After a task is settled: open what waited for it, close the case if it was the last, and wake the engine."""
    if held.case_id is None:
        return TaskOutcome(held.id, state, version=held.task.version)
    if held.task.dates_hang:
        scheduling.reschedule(session, held.case_id, at=held.at)
    opened: tuple[UUID, ...] = ()
    if held.case is not None and held.case.state == "open":
        opened = _open(session, _opening_waiting(), {"task_id": held.id}, held.case_id, by=held.by, at=held.at)
    closed = False
    if not opened:
        closed = close_if_settled(session, held.case_id, by=held.by, at=held.at)
    wake(session, held)
    return TaskOutcome(held.id, state, held.case_id, opened, closed, held.task.version)


def open_those_ready(session: Session, held: LockedTask, candidates: Sequence[UUID]) -> tuple[UUID, ...]:
    """Open those of `candidates` that wait for nothing more, if the case is open."""
    if held.case is None or held.case.state != "open" or not candidates:
        return ()
    return _open(session, _opening_these(), {"candidates": list(candidates)}, held.case_id, by=held.by, at=held.at)


def _open(
    session: Session, opening: Executable, which: Mapping[str, object], case_id: UUID | None, *, by: Actor, at: datetime
) -> tuple[UUID, ...]:
    """Open those of the tasks `which` that are planned and wait for nothing more, and write an event for each."""
    rows = run(session, opening, {"here": program_of(session), "moment": at, **which}).all()
    if rows:
        events.write_many(
            session,
            "task.opened",
            "task",
            [(row.id, {"step": row.step, "item": row.item}) for row in rows],
            by=by,
            at=at,
            case_id=case_id,
        )
        _remind_from_now(session, case_id, rows, at)
    return tuple(row.id for row in rows)


def _remind_from_now(session: Session, case_id: UUID | None, opened: Sequence[Any], at: datetime) -> None:
    """Count reminders from now for tasks opened after their due day, or everyone up the ladder would hear at once."""
    # Most open in time. Only near the due day is it asked which local day it is.
    near = [row for row in opened if row.due_on is not None and row.due_on <= at.date()]
    if case_id is None or not near:
        return
    today = local_day(session, at)
    late = [row.id for row in near if row.due_on < today]
    if late:
        scheduling.remind_anew(session, case_id, late, on=today)


def titles(rows: Iterable[Task]) -> dict[str, str]:
    """The titles of tasks as a refusal lists them, in both languages, each once."""
    kept = list(rows)
    return {language: ", ".join(dict.fromkeys(title_of(row, language) for row in kept)) for language in ("fr", "en")}


def fall_back(session: Session, held: LockedTask) -> None:
    """Make what `held` had opened wait again, and have the engine undo what it did because of it."""
    reached = _opened_by(session, held.id)
    in_the_way = [row for row in reached if not row.action and row.state in ("done", "submitted")]
    if in_the_way:
        raise Refusal(
            "task.others_followed",
            N_("Later steps depend on this one and are done: %(steps)s. Undo them first."),
            steps=titles(sorted(in_the_way, key=lambda row: row.position)),
        )
    for row in reached:
        if row.state in ("open", "done"):
            wait_again(session, row, by=held.by, at=held.at)


def _opened_by(session: Session, task_id: UUID) -> list[Task]:
    """The tasks that wait for a task, and those that wait for the automatic ones among them, and so on."""
    reached: dict[UUID, Task] = {}
    frontier = [task_id]
    while frontier:
        rows = every(
            session,
            select(Task)
            .join(TaskNeed, joins(TaskNeed.task_id, Task))
            .where(in_program(TaskNeed), col(TaskNeed.needs_id).in_(frontier), col(Task.id).not_in(list(reached))),
        )
        found = {row.id: row for row in rows}
        reached.update(found)
        frontier = [row.id for row in found.values() if row.action]
    return list(reached.values())


def postpone_those_waiting(session: Session, candidates: Sequence[UUID], *, by: Actor, at: datetime) -> None:
    """Make those of these open tasks wait again that now wait for another, which came with a version or a thing."""
    asked = {"here": program_of(session), "candidates": list(candidates)}
    for row in every(session, _THESE_THAT_WAIT, asked):
        wait_again(session, row, by=by, at=at)


def wait_again(session: Session, task: Task, *, by: Actor, at: datetime) -> None:
    """Put a locked open or done task back to planned, and cancel what the engine does for it."""
    columns = {**act_called_off(task), **not_done(), "next_check": None, "opened_at": None}
    rewrite(session, Task, task.id, state=TASK.after(task.state, "postpone"), **columns)
    events.write(session, "task.postponed", "task", task.id, by=by, at=at, case_id=task.case_id, step=task.step)


def act_called_off(task: Task) -> dict[str, object]:
    """The column of a task's act when it is no longer asked for: dropped, or to be taken back where it was done."""
    act = task.act_state
    if task.state == "done" and ACT.allows(act, "want_undo"):
        return {"act_state": ACT.after(act, "want_undo" if task.undo else "let_go")}
    return {"act_state": ACT.after(act, "drop")} if ACT.allows(act, "drop") else {}


def of_case(case_id: UUID | None) -> Any:
    """The condition that a task is one of the case's."""
    return and_(in_program(Task), Task.case_id == case_id)


def to_do_again(session: Session, held: LockedTask) -> dict[str, object]:
    """The columns of a task to be done again: what was recorded of its doing is removed, and its ladder starts anew."""
    return {**not_done(), **in_new_hands(session, held)}


def in_new_hands(session: Session, held: LockedTask) -> dict[str, object]:
    """The columns of a task that a person gets, now or again: theirs from now on, with its ladder starting anew."""
    today = local_day(session, held.at)
    return {"opened_at": held.at, **scheduling.ladder_from(session, held.task, held.case, on=today)}


def not_done() -> dict[str, object]:
    """The columns of a task's doing, emptied."""
    return {"done_at": None, "done_by": None, "done_as": None, "done_for": None}


def cancel_unfinished(session: Session, case_id: UUID, *, at: datetime) -> None:
    """End the unfinished tasks of a case with it. They are kept, and so is that they were late; no act is asked for."""
    keep_lateness(session, of_case(case_id), at=at)
    unfinished, act_state = col(Task.state).in_(TASK.open_to("cancel")), col(Task.act_state)
    change_tasks(
        session,
        of_case(case_id),
        unfinished,
        state=TASK.moved(col(Task.state), "cancel"),
        act_state=ACT.moved(act_state, "drop", others_stay=True),
        next_check=None,
    )


def change_tasks(session: Session, *which: ColumnElement[bool], **values: Any) -> Sequence[UUID]:
    """Write columns of the tasks of a locked case that conditions choose, and raise their versions; returns them."""
    changed = changes(Task).where(*which).values(**values, version=col(Task.version) + 1)
    return scalars(session, changed.returning(col(Task.id))).all()


def open_ready(session: Session, case: Case, *, by: Actor, at: datetime) -> tuple[UUID, ...]:
    """Open every planned task of a case whose needs are settled, after the case was opened, reopened or moved on."""
    planned = scalars(session, select(Task.id).where(of_case(case.id), Task.state == "planned").order_by(col(Task.id)))
    return _open(session, _opening_these(), {"candidates": list(planned)}, case.id, by=by, at=at)


def close_if_settled(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> bool:
    """Close the case if nothing required is unsettled, and nothing waits for the engine to do or undo it."""
    asked = {"here": program_of(session), "case_id": case_id}
    if run(session, _UNSETTLED, asked).first() is not None or run(session, _ACT_ASKED, asked).first() is not None:
        return False
    closed = run(
        session,
        changes(Case)
        .where(Case.id == case_id, Case.state == "open")
        .values(
            state=CASE.after("open", "close"),
            ended_at=at,
            ended_by=by.person_id,
            ended_reason="",
            version=col(Case.version) + 1,
        ),
    )
    if closed.rowcount == 0:
        return False
    cancel_unfinished(session, case_id, at=at)  # what is not required and was never done
    events.write(session, "case.closed", "case", case_id, by=by, at=at, case_id=case_id)
    return True
