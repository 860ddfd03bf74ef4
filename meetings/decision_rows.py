"""The rows of decisions: holding one while it is changed, and writing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import Session

from domain.kernel.refusals import Refusal
from domain.kernel.scope import one, program_of
from locales import N_
from meetings.locking import changed_meanwhile
from models.base import refers, table_of
from models.casework import SETTLED, Task
from models.lifecycles import DECISION
from models.minutes import Decision

_decision = table_of(Decision)
_task = table_of(Task)


def lock_decision(session: Session, decision_id: UUID, *, seen: int | None = None) -> dict[str, Any]:
    """A decision's stored row, locked, with the state of its task as `task_state`.

    Raises Refusal: there is none, or not in the version `seen`.
    """
    row = one(
        session,
        select(_decision, _task.c.state.label("task_state"))
        .outerjoin(_task, refers(_decision.c.task_id, _task))
        .where(_decision.c.program_id == program_of(session), _decision.c.id == decision_id)
        .with_for_update(of=_decision),
    )
    if row is None:
        raise Refusal("decision.unknown", N_("There is no such decision."))
    if seen is not None and row["version"] != seen:
        raise changed_meanwhile("decision")
    return row


def change_decision(session: Session, row: Mapping[str, Any], **values: Any) -> None:
    """Write columns of a held decision, and count its version up."""
    session.execute(
        update(_decision)
        .where(_decision.c.program_id == row["program_id"], _decision.c.id == row["id"])
        .values(**values, version=_decision.c.version + 1)
    )


def read_state(row: Mapping[str, Any]) -> str:
    """The state of a decision's row by the state of its task, `task_state`: done while the task is."""
    stored: str = row["state"]
    return DECISION.after(stored, "complete") if stored == "open" and row["task_state"] in SETTLED else stored


def count_of(number: str) -> tuple[int, int]:
    """The year and the count of a number, so that -1000 follows -999."""
    _, year, count = number.rsplit("-", 2)
    return int(year), int(count)
