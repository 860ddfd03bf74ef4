"""Open tasks, approvals that wait, and decisions to carry out: what falls on a person by a role that they hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, false, func
from sqlmodel import and_, or_

from domain.casework import board
from domain.declared import Bilingual
from domain.follow_ups import WRITE
from domain.holdings.holding import Holding, Leaving, goes_to, is_of
from domain.kernel import SHAPE, also, col, every, joins, of, surely
from domain.roles import Holder
from domain.terms import ADMISSION, TRIAGE
from models.casework import Case, Task
from models.minutes import Decision

TASK: Final = "task"
APPROVAL: Final = "approval"
DECISION: Final = "decision"


def tasks_of(leaving: Leaving) -> list[Holding]:
    """The tasks that are theirs to do, without those of their own departure.

    A referral to triage and a note to write are kinds of their own, each by its reference or number.
    """
    apart = or_(Task.step == WRITE, and_(Case.protocol == ADMISSION, Task.step == TRIAGE))
    rows = _owed(leaving, and_(col(Decision.id).is_(None), func.coalesce(apart, false()).is_(false())))
    return _holdings(leaving, TASK, rows)


def approvals_of(leaving: Leaving) -> list[Holding]:
    """What others did and they are to approve."""
    hats = board.hats_of(leaving.session, leaving.standing, leaving.person_id).alone
    theirs = _theirs(leaving, hats)
    waits = and_(Task.state == "submitted", leaving.had_by_then(col(Task.done_at)))
    rows = _rows(leaving, and_(waits, col(Task.id).in_(theirs)))
    return _holdings(leaving, APPROVAL, rows, approval=True)


def decisions_of(leaving: Leaving) -> list[Holding]:
    """The decisions of committees that are theirs to carry out."""
    rows = _owed(leaving, col(Decision.id).is_not(None))
    found = _holdings(leaving, DECISION, rows)
    pages = {row.id: f"/decisions/{row.decision_id}" for row in rows}
    return [replace(one, href=pages[one.id]) for one in found]


def _owed(leaving: Leaving, which: ColumnElement[bool]) -> list[_Duty]:
    is_open = and_(Task.state == "open", leaving.had_by_then(col(Task.opened_at)))
    return _rows(leaving, and_(is_open, falls_on_them(leaving), which))


def falls_on_them(leaving: Leaving) -> ColumnElement[bool]:
    """The condition on an open task that they have it at the organization: by its chain, or until another begins."""
    hats = board.hats_of(leaving.session, leaving.standing, leaving.person_id)
    return or_(col(Task.owed_by_id).in_(_theirs(leaving, hats.tasks)), col(Task.id).in_(_theirs(leaving, hats.alone)))


def _theirs(leaving: Leaving, hats: Mapping[UUID, Holder]) -> list[UUID]:
    return [one for one, hat in hats.items() if is_of(leaving, hat)]


class _Duty(Task):
    """A task with the committee's decision that it carries out, where there is one."""

    model_config = SHAPE
    number: str | None = also(Decision.number)
    decision_id: UUID | None = also(Decision.id)


def _rows(leaving: Leaving, which: ColumnElement[bool]) -> list[_Duty]:
    """The tasks for which this holds, without those that settle a holding: two leavers would never come to an end."""
    own = and_(col(Case.gathers), Case.subject_id == leaving.person_id)
    return every(
        leaving.session,
        of(_Duty)
        .outerjoin(Case, joins(Task.case_id, Case))
        .outerjoin(Decision, joins(Decision.task_id, Task))
        .where(Task.holding == "", or_(col(Task.case_id).is_(None), ~own), which)
        .order_by(col(Task.due_on).asc().nulls_last(), col(Task.id)),
    )


def _holdings(leaving: Leaving, holding: str, rows: Sequence[_Duty], *, approval: bool = False) -> list[Holding]:
    owed = [(row, surely(row.approved_by_id if approval else row.owed_by_id)) for row in rows]
    links = board.chains(leaving.session, (chain for _, chain in owed))
    gone, kind = leaving.without_them(), "approvals" if approval else "tasks"
    return [
        Holding(
            holding,
            row.id,
            Bilingual(fr=row.title_fr, en=row.title_en or row.title_fr),
            f"/tasks/{row.id}",
            goes_to(gone, links[chain], kind=kind),
        )
        for row, chain in owed
    ]
