"""Carrying a case within the caller's own transaction: for a history that is loaded, where no engine is awaited."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlmodel import Session

from domain.casework import acts, wakeups
from domain.kernel.actors import ENGINE, Actor
from domain.kernel.scope import many, one, program_of
from flows import departing
from flows.agenda_points import put_on_agendas
from flows.engine import Act
from flows.gates import announce_gates
from flows.protocols import action
from models.base import table_of
from models.casework import Case, Task

_task = table_of(Task)
_case = table_of(Case)


def carry_at_once(session: Session, case_id: UUID, *, at: datetime) -> int:
    """Do what the engine would do for a case now, step after step, and return how many acts that was.

    The case then waits for no engine.

    Raises LookupError for an action that the protocol does not have, and whatever the action raises.
    """
    by = Actor.system(ENGINE)
    key = session.scalar(
        select(_case.c.protocol).where(_case.c.program_id == program_of(session), _case.c.id == case_id)
    )
    done = 0
    while waiting := many(
        session,
        select(_task)
        .where(
            _task.c.program_id == program_of(session),
            _task.c.case_id == case_id,
            _task.c.act_state.in_(["wanted", "undo_wanted"]),
        )
        .order_by(_task.c.position)
        .limit(1),
    ):
        task = waiting[0]
        undo = task["act_state"] == "undo_wanted"
        name = task["undo"] if undo else task["action"]
        found = action(key or "", name)
        if found is None:
            msg = f"the protocol has no action {name}"
            raise LookupError(msg)
        found.do(session, Act(program_of(session), case_id, task["id"], task["step"], name, undo), by, at)
        acts.record_act(session, task["id"], undone=undo, by=by, at=at)
        done += 1
    case = one(session, select(_case).where(_case.c.program_id == program_of(session), _case.c.id == case_id))
    if case is not None:
        announce_gates(session, case, at=at)
        put_on_agendas(session, case, at=at)
        departing.follow(session, case, at=at)
        wakeups.settle(session, case_id, at=at)
    return done
