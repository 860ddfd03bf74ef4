"""The steps of a departure that ask for a thing: settled, asked again, done again, and let go of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Text, cast, func
from sqlmodel import Session, and_, or_

from domain.casework import (
    LockedTask,
    TaskOutcome,
    change_task,
    fall_back,
    hold_case,
    is_this,
    keep_lateness,
    of_case,
    settle_task,
    to_do_again,
    wake,
    words,
    write_task_event,
)
from domain.departure.settlements import BY_ITSELF, ON_THE_LAST_DAY, was_said
from domain.holdings import ACCOUNT, FOLLOW_UP, Holding
from domain.kernel import Actor, Refusal, add_row, col, every, first, joins, of, only, program_of, select, surely
from models.casework import Task
from models.departure import Settlement
from models.follow_up import Assignment, FollowUp
from models.lifecycles import TASK


def ask_again(session: Session, asked: Sequence[Task], unsettled: Sequence[Holding], *, by: Actor, at: datetime) -> int:
    """Reopen the steps whose thing left the person's hands automatically, and is back in them.

    For example an approval that was sent back and handed in again, or a task whose other holder has left too.
    """
    back = {(one.kind, one.item) for one in unsettled if not one.goes_to}
    count = 0
    for row in asked:
        if row.state != "done" or (row.holding, row.item) not in back:
            continue
        held = _held_anew(session, row, by=by, at=at)
        # In a departure that was opened again the last check may be done: it stays so, and this one is asked for.
        with suppress(Refusal):
            fall_back(session, held)
        change_task(session, held, state=TASK.after(held.task.state, "undo"), **to_do_again(session, held))
        write_task_event(session, held, "holding.back", step=row.step, item=row.item, kind=row.holding)
        wake(session, held)
        count += 1
    return count


def settle_again(
    session: Session, asked: Sequence[Task], settled: set[tuple[str, UUID]], *, by: Actor, at: datetime
) -> int:
    """Settle again, as they were, the steps whose thing is again settled by what a person had said of it.

    As where a successor in a role was given it anew, after their appointment was withdrawn by mistake.
    """
    count = 0
    for row in asked:
        if row.holding not in ON_THE_LAST_DAY or row.state != "open" or (row.holding, UUID(row.item)) not in settled:
            continue
        last = of(Settlement).where(Settlement.task_id == row.id, was_said())
        said = first(session, last.order_by(col(Settlement.settled_at).desc()).limit(1))
        if said is None:
            continue  # it was settled by another step, or another was given the seat
        held = _held_anew(session, row, by=by, at=at)
        keep_lateness(session, is_this(held.id), at=at)
        done = {"done_at": said.settled_at, "done_by": said.settled_by, "done_as": said.settled_as}
        _complete(session, held, said.successor_id, said.ended_as, **done)
        count += 1
    return count


def come_to_rest(session: Session, asked: Sequence[Task], found: Sequence[Holding], *, by: Actor, at: datetime) -> int:
    """Settle the steps whose thing is out of the person's hands, or passes to another automatically."""
    held = {(one.kind, one.item) for one in found if not one.goes_to}
    count = 0
    for row in asked:
        if not row.holding or row.state != "open" or (row.holding, row.item) in held:
            continue
        record(session, row, ended_as=BY_ITSELF, by=by, at=at)
        count += 1
    return count


def let_go(session: Session, case_id: UUID, over: Mapping[str, str], *, by: Actor, at: datetime) -> int:
    """Waive what is left to do of a follow-up that ended meanwhile, or of an account that was closed elsewhere.

    No one takes it over any more. A participant who cannot be reached is not told that their worker leaves. No summary
    is written of what is completed, and no access to what is closed is handed over. For a follow-up that is left
    vacant, no way of handing it over is agreed with the participant: there is no successor.
    """
    ended = (
        only(Assignment.id)
        .join(FollowUp, joins(Assignment.follow_up_id, FollowUp))
        .where(col(FollowUp.state).in_(_ENDED), _as_item(col(Assignment.id)) == col(Task.item))
        .exists()
    )

    def settled(kind: str, ended_as: str) -> ColumnElement[bool]:
        return (
            only(Settlement.id)
            .where(
                Settlement.case_id == case_id,
                Settlement.kind == kind,
                Settlement.ended_as == ended_as,
                _as_item(col(Settlement.holding_id)) == col(Task.item),
            )
            .exists()
        )

    steps = {kind: [step for step, of in over.items() if of == kind] for kind in (FOLLOW_UP, ACCOUNT)}
    rows = every(
        session,
        select(Task)
        .where(
            of_case(case_id),
            Task.holding == "",
            col(Task.state).in_(TASK.open_to("waive")),
            or_(
                and_(col(Task.step).in_(steps[FOLLOW_UP]), ended),
                and_(col(Task.step).in_(steps[FOLLOW_UP]), Task.evidence == "way", settled(FOLLOW_UP, "left_vacant")),
                and_(col(Task.step).in_(steps[ACCOUNT]), settled(ACCOUNT, BY_ITSELF)),
            ),
        )
        .order_by(col(Task.position), col(Task.item)),
    )
    for waits in rows:
        # Anew: what one of them was holding up opened meanwhile.
        held = _held_anew(session, waits, by=by, at=at)
        state = TASK.after(held.task.state, "waive")
        keep_lateness(session, is_this(held.id), at=at)
        change_task(session, held, state=state, settled_at=at, settled_as=by.role, next_check=None)
        write_task_event(session, held, "task.let_go", step=waits.step, item=waits.item)
        settle_task(session, held, state)
    return len(rows)


def _as_item(thing_id: ColumnElement[UUID]) -> ColumnElement[str]:
    """A thing's id in the form that a task's `item` has."""
    return func.replace(cast(thing_id, Text), "-", "")


#: A follow-up in this state has no worker, and needs no successor.
_ENDED: Final = ("inactive", "completed")


def record(
    session: Session,
    task: Task,
    *,
    by: Actor,
    at: datetime,
    successor_id: UUID | None = None,
    ended_as: str = "",
    note: str = "",
) -> TaskOutcome:
    """Record what became of a thing, and settle the step that asks for it. The case is locked."""
    held = _held_anew(session, task, by=by, at=at)
    is_about_somebody = bool(words.about(session, [task]))
    settlement = Settlement(
        program_id=program_of(session),
        case_id=surely(task.case_id),
        task_id=task.id,
        kind=task.holding,
        holding_id=UUID(task.item),
        successor_id=successor_id,
        ended_as=ended_as,
        note="" if is_about_somebody else note,  # it stands with the task then, sealed
        settled_at=at,
        settled_by=by.person_id,
        settled_as=by.role,
    )
    add_row(session, settlement)
    done = {"done_at": at, "done_by": by.person_id, "done_as": by.role, "done_for": by.acting_for}
    return _complete(session, held, successor_id, ended_as, note=note, **done)


def _complete(session: Session, held: LockedTask, successor_id: UUID | None, ended_as: str, **done: Any) -> TaskOutcome:
    """Have a held step be done, and tell what became of its thing. `done` says when it was, and who did it."""
    state = TASK.after(held.task.state, "complete")
    change_task(session, held, state=state, next_check=None, **done)
    successor = str(successor_id) if successor_id else None
    facts = {"step": held.task.step, "kind": held.task.holding, "successor": successor, "ended_as": ended_as}
    write_task_event(session, held, "holding.settled", **facts)
    return settle_task(session, held, state)


def _held_anew(session: Session, task: Task, *, by: Actor, at: datetime) -> LockedTask:
    """A task of a locked case, read anew: what was settled before may have changed it."""
    fresh = first(session, of(Task).where(Task.id == task.id))
    assert fresh is not None  # noqa: S101 - it was read under the case's lock
    return LockedTask(fresh, hold_case(session, surely(task.case_id), seen=None), at, by)
