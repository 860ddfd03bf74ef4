"""Keeps what a cancelled case had missed, when a case about the same is opened anew.

Cancelling a case and opening another gives no one more time than reopening the first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_

from domain.casework import scheduling
from domain.casework.subjects import CaseSubject, same_subject
from domain.declarations import Protocol
from domain.kernel import col, in_program, joins, local_day, only, run, same, select, value_of
from models.casework import Case, Lateness, Task

#: One who stayed for longer before leaving again is asked about anew, with all the time that it takes.
OF_LATE: Final = timedelta(days=30)


class Missed(NamedTuple):
    """A step of a cancelled case that was not done, and its day, which was past when it was asked for anew."""

    task_id: UUID
    clause: str
    due_on: date


def counts_from(
    session: Session, key: str, about: CaseSubject, anchor: str, steps: Collection[str], at: datetime
) -> date:
    """The local day from which a case about a leaver counts that is opened now.

    Where one about the same was cancelled of late, the time that it had asked for is over, and counts again, with that
    of the one before it. Where it was longer ago, the leaver had stayed meanwhile. Nor does it count where none of the
    `steps` that depend on the day was left: what was done in time makes nothing late.
    """
    today = local_day(session, at)
    was_left = (
        select(Task.id)
        .where(
            joins(Task.case_id, Case), col(Task.step).in_(steps), Task.state == "cancelled", col(Task.done_at).is_(None)
        )
        .exists()
    )
    before = run(
        session,
        only(Case.anchors, Case.ended_at, value_of(was_left.label("was_left")))
        .where(Case.protocol == key, same_subject(about), Case.state == "cancelled")
        .order_by(col(Case.ended_at).desc())
        .limit(1),
    ).first()
    if before is None or not before.was_left or anchor not in before.anchors:
        return today
    ended = local_day(session, before.ended_at)
    return today if ended < today - OF_LATE else today - (ended - before.anchors[anchor])


def keep_missed(session: Session, case: Case, protocol: Protocol) -> None:
    """Record as late what cancelled cases about the same as this one had asked for by a day that is past."""
    opened = local_day(session, case.opened_at)
    found = [
        {"program_id": case.program_id, "id": uuid4(), **one._asdict(), "until": opened, "recorded_at": case.opened_at}
        for one in missed_before(session, case, protocol)
    ]
    if found:
        run(
            session,
            insert(Lateness).on_conflict_do_nothing(index_elements=["program_id", "task_id", "due_on", "until"]),
            found,
        )


def missed_before(session: Session, case: Case, protocol: Protocol) -> Iterator[Missed]:
    """What cancelled cases about the same had asked for by a day before this case opened, which asks for it again.

    Of several cases the first one's step counts, so that one step is late once. A step whose day by now depends on
    another day, such as a later arrival, did not have its old day: the later one counts. What was handed in was not
    missed.
    """
    old, before = aliased(Task), aliased(Case)
    moved = aliased(Lateness)
    lost = select(func.min(col(moved.due_on))).where(joins(moved.task_id, old)).scalar_subquery()
    rows = run(
        session,
        select(old.id, old.step, old.item, old.clause, value_of(func.least(col(old.due_on), lost).label("first")))
        .join(before, joins(old.case_id, before))
        .join(Task, and_(same(Task, old), Task.step == old.step, Task.item == old.item))
        .where(
            in_program(Task),
            Task.case_id == case.id,
            before.protocol == case.protocol,
            same_subject(case, before),
            before.state == "cancelled",
            col(before.ended_at) <= case.opened_at,
            old.state == "cancelled",
            col(old.done_at).is_(None),
            col(old.due_on).is_not(None),
        )
        .order_by("first", col(before.opened_at), col(old.id)),
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
