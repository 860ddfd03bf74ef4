"""The weekly notes that are owed: of which follow-up and week, and whose they are to write. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlmodel import Session

from domain.follow_ups.weeks import monday_of, sunday_of, weeks_ended
from domain.kernel.scope import many, program_of
from domain.terms.parts import PRIMARY
from models.base import table_of
from models.departure import Settlement
from models.follow_up import Assignment, FollowUp, WeeklyNote

#: The worker's task while a note of a week that is over is not complete: one a worker and week.
WRITE: Final = "follow_up.note"
#: Of so many past weeks a note is asked for; what was never written before that is the coordinator's to see.
WEEKS_ASKED: Final = 4

_note = table_of(WeeklyNote)
_follow_up = table_of(FollowUp)
_assignment = table_of(Assignment)
_settlement = table_of(Settlement)


@dataclass(frozen=True)
class Missing:
    """A note that is not there or not complete, of a week that is over, and whose it is to write."""

    follow_up_id: UUID
    week: date
    person_id: UUID
    organization_id: UUID


def missing(
    session: Session, day: date, *, people: Iterable[UUID] | None = None, last_day: date | None = None
) -> list[Missing]:
    """The notes that are owed on a local day: of each week that is over, by whoever was primary at its end.

    Only of follow-ups that are active and were on the week's last day: a break owes none, nor what is over. One of
    which it was stated, when its worker left, that it stays unfinished is owed no more. For whoever leaves on
    `last_day`, the week of that day is over with it.
    """
    leaves = last_day is not None and day >= last_day
    over = max(day, sunday_of(monday_of(last_day)) + timedelta(days=1)) if leaves and last_day else day
    here = program_of(session)
    first = monday_of(day) - timedelta(weeks=WEEKS_ASKED)
    narrowed = [] if people is None else [_assignment.c.person_id.in_(list(people))]
    rows = many(
        session,
        select(
            _follow_up.c.id,
            _follow_up.c.state_since,
            _assignment.c.person_id,
            _assignment.c.organization_id,
            _assignment.c.starts_on,
            _assignment.c.ends_on,
        )
        .join(
            _assignment,
            (_assignment.c.program_id == _follow_up.c.program_id) & (_assignment.c.follow_up_id == _follow_up.c.id),
        )
        .where(
            _follow_up.c.program_id == here,
            _follow_up.c.state == "active",
            _assignment.c.kind == PRIMARY,
            _assignment.c.withdrawn_at.is_(None),
            *narrowed,
        )
        .order_by(_follow_up.c.opened_at, _follow_up.c.id),
    )
    complete = {
        (row.follow_up_id, row.week)
        for row in session.execute(
            select(_note.c.follow_up_id, _note.c.week).where(
                _note.c.program_id == here, _note.c.week >= first, _note.c.is_complete
            )
        )
    }
    stated = set(
        session.scalars(
            select(_settlement.c.holding_id).where(
                _settlement.c.program_id == here,
                _settlement.c.kind == "note",
                _settlement.c.ended_as == "left_unfinished",
            )
        )
    )
    return [
        Missing(row["id"], week, row["person_id"], row["organization_id"])
        for row in rows
        for week in weeks_ended(max(first, row["state_since"]), over)
        if row["starts_on"] <= (end := min(sunday_of(week), last_day) if leaves and last_day else sunday_of(week))
        and (row["ends_on"] is None or row["ends_on"] >= end)
        and (row["id"], week) not in complete
        and owed_id(row["id"], week, row["person_id"]) not in stated
    ]


def owed_id(follow_up_id: UUID, week: date, person_id: UUID) -> UUID:
    """By what a note that somebody owes is known, whether it was begun or not: the same whenever it is asked."""
    return uuid5(follow_up_id, f"{week.isoformat()}/{person_id}")
