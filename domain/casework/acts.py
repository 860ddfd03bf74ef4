"""What the engine tells of an automatic step: that it was done, undone, or cannot be done for now.

Where a day moves that a step depends on, the engine checks what it did, while the step stays done. Where what a step
tells of has changed, it is done again.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from domain.casework.locking import (
    Held,
    Moved,
    change,
    close_if_settled,
    hold,
    open_those_ready,
    settle,
    tell,
    wait_again,
    wake,
)
from domain.kernel.actors import Actor
from models.lifecycles import ACT, TASK


def record_act(session: Session, task_id: UUID, *, undone: bool, by: Actor, at: datetime) -> Moved:
    """Record that the engine verified a step's action as done, or undone. Idempotent: a second call changes nothing.

    Where the case was cancelled, or the step fell back, while the action was under way, what was done is marked to be
    undone.
    """
    held = hold(session, task_id, by=by, at=at, seen=None)
    act = held.task.act_state
    if undone:
        if act == "undo_wanted":
            change(session, held, act_state=ACT.after(act, "undo"))
            tell(session, held, "act.undone", step=held.task.step, action=held.task.undo)
            opened = open_those_ready(session, held, [held.id])
            closed = False
            if held.case is not None and held.case.state == "open" and not opened:
                closed = close_if_settled(session, held.case.id, by=by, at=at)
            return Moved(held.id, held.task.state, held.case_id, opened, closed)
        return Moved(held.id, held.task.state, held.case_id)
    if act == "done":
        return Moved(held.id, held.task.state, held.case_id)
    if held.task.state == "done" and ACT.allows(act, "perform"):
        return _seen_to_again(session, held)
    still_asked = act in ("wanted", "stuck") and held.task.state == "open"
    if not still_asked:
        # It was cancelled while the engine was doing it: what was done must be undone.
        change(session, held, act_state=ACT.after(act, "perform_late" if held.task.undo else "let_go"))
        tell(session, held, "act.done_too_late", step=held.task.step, action=held.task.action)
        return Moved(held.id, held.task.state, held.case_id)
    state = TASK.after("open", "complete")
    change(
        session,
        held,
        state=state,
        act_state=ACT.after(act, "perform"),
        done_at=at,
        done_by=None,
        done_as=by.role,
        next_check=None,
    )
    tell(session, held, "act.done", step=held.task.step, action=held.task.action)
    return settle(session, held, state)


def do_again(session: Session, task_id: UUID, *, by: Actor, at: datetime) -> None:
    """Have the engine do an automatic step of an open case again, and carry the case also where the step was not done.

    A step that was not done still waits, and is done by what holds then; one that failed is tried again.
    """
    held = hold(session, task_id, by=by, at=at, seen=None)
    if held.task.state == "done":
        wait_again(session, held.task, by=by, at=at)
        open_those_ready(session, held, [held.id])
    wake(session, held)


def _seen_to_again(session: Session, held: Held) -> Moved:
    """Record that the engine adjusted what it had done to a day that moved since."""
    change(session, held, act_state=ACT.after(held.task.act_state, "perform"))
    tell(session, held, "act.done_again", step=held.task.step, action=held.task.action)
    closed = False
    if held.case is not None and held.case.state == "open":
        closed = close_if_settled(session, held.case.id, by=held.by, at=held.at)
    return Moved(held.id, held.task.state, held.case_id, case_closed=closed)


def record_trouble(
    session: Session, task_id: UUID, *, code: str, by: Actor, at: datetime, needs_people: bool = False
) -> None:
    """Record that the engine cannot do a step's action for now. The record has the code; people see it; it is retried.

    `needs_people`: a rule refused it, so that nothing changes until a person acts. The act is then stuck.
    """
    held = hold(session, task_id, by=by, at=at, seen=None)
    if needs_people and held.task.act_state == "wanted":
        change(session, held, act_state=ACT.after("wanted", "fail"))
    tell(session, held, "act.trouble", step=held.task.step, action=held.task.action, code=code)
