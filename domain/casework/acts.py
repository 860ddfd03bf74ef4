"""What the engine tells of an automatic step: that it was done, undone, or cannot be done for now.

Where a day moves that a step depends on, the engine checks what it did, while the step stays done. Where what a step
tells of has changed, it is done again.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from domain.casework.locking import (
    LockedTask,
    TaskOutcome,
    change_task,
    close_if_settled,
    lock_task,
    open_those_ready,
    settle_task,
    wait_again,
    wake,
    write_task_event,
)
from domain.kernel import Actor, surely
from models.lifecycles import ACT, TASK


def record_act(session: Session, task_id: UUID, *, undone: bool, by: Actor, at: datetime) -> TaskOutcome:
    """Record that the engine verified a step's action as done, or undone. Idempotent: a second call changes nothing.

    Where the case was cancelled, or the step fell back, while the action was under way, what was done is marked to be
    undone.
    """
    held = lock_task(session, task_id, by=by, at=at, seen=None)
    return (_taken_back if undone else _performed)(session, held)


def _taken_back(session: Session, held: LockedTask) -> TaskOutcome:
    act = held.task.act_state
    if act != "undo_wanted":
        return TaskOutcome(held.id, held.task.state, held.case_id)
    change_task(session, held, act_state=ACT.after(act, "undo"))
    write_task_event(session, held, "act.undone", step=held.task.step, action=held.task.undo)
    opened = open_those_ready(session, held, [held.id])
    closed = not opened and _close_if_settled(session, held)
    return TaskOutcome(held.id, held.task.state, held.case_id, opened, closed)


def _performed(session: Session, held: LockedTask) -> TaskOutcome:
    act, state = held.task.act_state, held.task.state
    if act == "done":
        return TaskOutcome(held.id, state, held.case_id)
    if state == "done" and ACT.allows(act, "perform"):
        return _seen_to_again(session, held)
    if act not in ("wanted", "stuck") or state != "open":
        # It was cancelled while the engine was doing it: what was done must be undone.
        change_task(session, held, act_state=ACT.after(act, "perform_late" if held.task.undo else "let_go"))
        write_task_event(session, held, "act.done_too_late", step=held.task.step, action=held.task.action)
        return TaskOutcome(held.id, state, held.case_id)
    state, done = TASK.after("open", "complete"), {"done_at": held.at, "done_by": None, "done_as": held.by.role}
    change_task(session, held, state=state, act_state=ACT.after(act, "perform"), next_check=None, **done)
    write_task_event(session, held, "act.done", step=held.task.step, action=held.task.action)
    return settle_task(session, held, state)


def do_again(session: Session, task_id: UUID, *, by: Actor, at: datetime) -> None:
    """Have the engine do an automatic step of an open case again, and carry the case also where the step was not done.

    A step that was not done still waits, and is done by what holds then; one that failed is tried again.
    """
    held = lock_task(session, task_id, by=by, at=at, seen=None)
    if held.task.state == "done":
        wait_again(session, held.task, by=by, at=at)
        open_those_ready(session, held, [held.id])
    wake(session, held)


def _seen_to_again(session: Session, held: LockedTask) -> TaskOutcome:
    """Record that the engine adjusted what it had done to a day that moved since."""
    change_task(session, held, act_state=ACT.after(held.task.act_state, "perform"))
    write_task_event(session, held, "act.done_again", step=held.task.step, action=held.task.action)
    return TaskOutcome(held.id, held.task.state, held.case_id, case_closed=_close_if_settled(session, held))


def _close_if_settled(session: Session, held: LockedTask) -> bool:
    is_open = held.case is not None and held.case.state == "open"
    return is_open and close_if_settled(session, surely(held.case_id), by=held.by, at=held.at)


def record_trouble(
    session: Session, task_id: UUID, *, code: str, by: Actor, at: datetime, needs_people: bool = False
) -> None:
    """Record that the engine cannot do a step's action for now. The record has the code; people see it; it is retried.

    `needs_people`: a rule refused it, so that nothing changes until a person acts. The act is then stuck.
    """
    held = lock_task(session, task_id, by=by, at=at, seen=None)
    if needs_people and held.task.act_state == "wanted":
        change_task(session, held, act_state=ACT.after("wanted", "fail"))
    write_task_event(session, held, "act.trouble", step=held.task.step, action=held.task.action, code=code)
