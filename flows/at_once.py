"""Carries a case within the caller's own transaction: for a history that is loaded, which waits for no engine."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from domain.casework import acts, wakeups
from domain.kernel import ENGINE, Actor, col, every, first, of, only, program_of, scalar
from flows import departing
from flows.agenda_points import put_on_agendas
from flows.engine import DueAction
from flows.gates import announce_gates
from flows.protocols import action
from models.casework import Case, Task


def carry_at_once(session: Session, case_id: UUID, *, at: datetime) -> int:
    """Do what the engine would do for a case now, step after step, and return how many acts that was.

    The case then waits for no engine. Raises LookupError for an action that the protocol does not have, and whatever
    the action raises.
    """
    by = Actor.system(ENGINE)
    key = scalar(session, only(Case.protocol).where(Case.id == case_id))
    done = 0
    while waiting := every(
        session,
        of(Task)
        .where(Task.case_id == case_id, col(Task.act_state).in_(["wanted", "undo_wanted"]))
        .order_by(col(Task.position))
        .limit(1),
    ):
        task = waiting[0]
        undo = task.act_state == "undo_wanted"
        name = task.undo if undo else task.action
        found = action(key or "", name)
        if found is None:
            msg = f"the protocol has no action {name}"
            raise LookupError(msg)
        found.do(session, DueAction(program_of(session), case_id, task.id, task.step, name, undo), by, at)
        acts.record_act(session, task.id, undone=undo, by=by, at=at)
        done += 1
    case = first(session, of(Case).where(Case.id == case_id))
    if case is not None:
        announce_gates(session, case, at=at)
        put_on_agendas(session, case, at=at)
        departing.follow(session, case, at=at)
        wakeups.settle(session, case_id, at=at)
    return done
