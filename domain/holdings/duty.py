"""Open tasks, approvals that wait, and decisions to carry out: what falls on a person by a role that they hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, func, or_, select

from domain.casework import board
from domain.follow_ups.owed import WRITE
from domain.holdings.holding import Holding, Leaving, goes_to, is_of
from domain.kernel.bilingual import titled
from domain.kernel.scope import many, program_of
from domain.roles.roles import Holder
from domain.terms.admission import ADMISSION, TRIAGE
from models.base import refers, table_of
from models.casework import Case, Task
from models.minutes import Decision

TASK: Final = "task"
APPROVAL: Final = "approval"
DECISION: Final = "decision"

_task = table_of(Task)
_case = table_of(Case)
_decision = table_of(Decision)


def tasks_of(leaving: Leaving) -> list[Holding]:
    """The tasks that are theirs to do, but those by which their own departure is seen to.

    A referral to triage and a note to write are kinds of their own, each by its reference or number.
    """
    apart = or_(_task.c.step == WRITE, and_(_case.c.protocol == ADMISSION, _task.c.step == TRIAGE))
    rows = _owed(leaving, and_(_decision.c.id.is_(None), func.coalesce(apart, false()).is_(false())))
    return _holdings(leaving, TASK, rows, chain="owed_by_id")


def approvals_of(leaving: Leaving) -> list[Holding]:
    """What others did and they are to approve."""
    hats = board.hats_of(leaving.session, leaving.standing, leaving.person_id).alone
    theirs = _theirs(leaving, hats)
    waits = and_(_task.c.state == "submitted", leaving.had_by_then(_task.c.done_at))
    rows = _rows(leaving, and_(waits, _task.c.id.in_(theirs)))
    return _holdings(leaving, APPROVAL, rows, chain="approved_by_id", kind="approvals")


def decisions_of(leaving: Leaving) -> list[Holding]:
    """The decisions of committees that are theirs to carry out."""
    rows = _owed(leaving, _decision.c.id.is_not(None))
    found = _holdings(leaving, DECISION, rows, chain="owed_by_id")
    pages = {row["id"]: f"/decisions/{row['decision_id']}" for row in rows}
    return [replace(one, href=pages[one.id]) for one in found]


def _owed(leaving: Leaving, which: ColumnElement[bool]) -> list[dict[str, Any]]:
    hats = board.hats_of(leaving.session, leaving.standing, leaving.person_id).tasks
    is_open = and_(_task.c.state == "open", leaving.had_by_then(_task.c.opened_at))
    return _rows(leaving, and_(is_open, _task.c.owed_by_id.in_(_theirs(leaving, hats)), which))


def _theirs(leaving: Leaving, hats: Mapping[UUID, Holder]) -> list[UUID]:
    return [chain for chain, hat in hats.items() if is_of(leaving, hat)]


def _rows(leaving: Leaving, which: ColumnElement[bool]) -> list[dict[str, Any]]:
    """The tasks of which this holds. What settles a holding is none: two who leave would never come to an end."""
    session = leaving.session
    own = and_(_case.c.gathers, _case.c.subject_id == leaving.person_id)
    return many(
        session,
        select(_task, _decision.c.number, _decision.c.id.label("decision_id"))
        .outerjoin(_case, refers(_task.c.case_id, _case))
        .outerjoin(_decision, and_(_decision.c.program_id == _task.c.program_id, _decision.c.task_id == _task.c.id))
        .where(
            _task.c.program_id == program_of(session),
            _task.c.holding == "",
            or_(_task.c.case_id.is_(None), ~own),
            which,
        )
        .order_by(_task.c.due_on.asc().nulls_last(), _task.c.id),
    )


def _holdings(
    leaving: Leaving, holding: str, rows: Iterable[Mapping[str, Any]], *, chain: str, kind: str = "tasks"
) -> list[Holding]:
    links = board.chains(leaving.session, (row[chain] for row in rows))
    gone = leaving.without_them()
    return [
        Holding(holding, row["id"], titled(row), f"/tasks/{row['id']}", goes_to(gone, links[row[chain]], kind=kind))
        for row in rows
    ]
