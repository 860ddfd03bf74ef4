"""A case that is opened anew after one about the same was cancelled: what that one had missed stays missed.

Calling a case off and opening another one gives nobody more time than taking the first one up again would.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, FromClause, and_, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased
from sqlmodel import Session

from domain.casework import scheduling
from domain.casework.subjects import same_subject
from domain.declarations.protocol import Protocol
from domain.kernel.scope import local_day, program_of
from models.base import refers, table_of
from models.casework import Case, Lateness, Task

_case = table_of(Case)
_task = table_of(Task)
_lateness = table_of(Lateness)


#: Whoever stayed for longer before they leave once more is asked about anew, with all the time that it takes.
OF_LATE: Final = timedelta(days=30)


class Missed(NamedTuple):
    """A step of a cancelled case that nobody had done, and its day, which was past when it was asked for anew."""

    task_id: UUID
    clause: str
    due_on: date


def counts_from(
    session: Session, key: str, columns: Mapping[str, Any], anchor: str, steps: Collection[str], at: datetime
) -> date:
    """The local day from which a case about somebody who leaves counts that is opened now.

    Where one about the same was cancelled of late, the time for which it had asked is over: it is counted again, and
    so is what the one before had asked for. Later than that, whoever leaves had stayed meanwhile. Nor is it where
    nothing was left of the `steps` that hang on the day: what was done in time makes nothing late.
    """
    today = local_day(session, at)
    was_left = (
        select(_task.c.id)
        .where(
            _task.c.program_id == _case.c.program_id,
            _task.c.case_id == _case.c.id,
            _task.c.step.in_(steps),
            _task.c.state == "cancelled",
            _task.c.done_at.is_(None),
        )
        .exists()
    )
    before = session.execute(
        select(_case.c.anchors, _case.c.ended_at, was_left.label("was_left"))
        .where(
            _case.c.program_id == program_of(session),
            _case.c.protocol == key,
            same_subject(columns),
            _case.c.state == "cancelled",
        )
        .order_by(_case.c.ended_at.desc())
        .limit(1)
    ).first()
    if before is None or not before.was_left or anchor not in before.anchors:
        return today
    ended = local_day(session, before.ended_at)
    return today if ended < today - OF_LATE else today - (ended - date.fromisoformat(before.anchors[anchor]))


def keep_missed(session: Session, case: Case, protocol: Protocol) -> None:
    """Write down what the cancelled cases about the same as this one had asked for, by a day that was past by now."""
    opened = local_day(session, case.opened_at)
    found = [
        {
            "program_id": case.program_id,
            "id": uuid4(),
            **one._asdict(),
            "until": opened,
            "recorded_at": case.opened_at,
        }
        for one in missed_before(session, case, protocol)
    ]
    if found:
        session.execute(
            insert(_lateness).on_conflict_do_nothing(index_elements=["program_id", "task_id", "due_on", "until"]),
            found,
        )


def missed_before(session: Session, case: Case, protocol: Protocol) -> Iterator[Missed]:
    """What cancelled cases about the same had asked for by a day before this case opened, which asks for it again.

    Of several cases it is the first one's step, so that one step is late once. One whose day hangs on another day by
    now, such as a later arrival, had no such day: the later one counts. What was handed in was not missed.
    """
    old, before = aliased(_task), aliased(_case)
    moved = aliased(_lateness)
    lost = (
        select(func.min(moved.c.due_on))
        .where(moved.c.program_id == old.c.program_id, moved.c.task_id == old.c.id)
        .scalar_subquery()
    )
    rows = session.execute(
        select(old.c.id, old.c.step, old.c.item, old.c.clause, func.least(old.c.due_on, lost).label("first"))
        .join(before, refers(old.c.case_id, before))
        .join(
            _task,
            and_(_task.c.program_id == old.c.program_id, _task.c.step == old.c.step, _task.c.item == old.c.item),
        )
        .where(
            _task.c.program_id == program_of(session),
            _task.c.case_id == case.id,
            before.c.protocol == case.protocol,
            _about_the_same(before, case),
            before.c.state == "cancelled",
            before.c.ended_at <= case.opened_at,
            old.c.state == "cancelled",
            old.c.done_at.is_(None),
            old.c.due_on.is_not(None),
        )
        .order_by("first", before.c.opened_at, old.c.id)
    ).all()
    if not rows:
        return
    opened = local_day(session, case.opened_at)
    calendar = scheduling.calendar_for(session, protocol, case.organization_id)
    days = scheduling.due_days(session, case, protocol, calendar)
    seen = set[tuple[str, str]]()
    for row in rows:
        day = days.get(row.step)
        if (row.step, row.item) in seen or day is None:
            continue
        seen.add((row.step, row.item))
        if (due_on := max(row.first, day.meant)) < opened:
            yield Missed(row.id, row.clause, due_on)


def _about_the_same(before: FromClause, case: Case) -> ColumnElement[bool]:
    return and_(
        *(
            before.c[name].is_(None) if (value := getattr(case, name)) is None else before.c[name] == value
            for name in ("subject_id", "organization_id", "agreement_version_id", "participant_id")
        ),
        before.c.period == case.period,
    )
