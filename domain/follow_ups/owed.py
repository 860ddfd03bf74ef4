"""The weekly notes that are owed: for which follow-up and week, and by which worker. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import starmap
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid5

from sqlalchemy import Date, bindparam
from sqlmodel import Session

from domain.follow_ups.weeks import monday_of, sunday_of, weeks_ended
from domain.kernel import AnySelect, Question, among, ask_ahead, built, col, only, same, scalars, tuples
from domain.terms import PRIMARY
from models.departure import Settlement
from models.follow_up import Assignment, FollowUp, FollowUpBreak, WeeklyNote

#: The worker's task while a note of a week that is over is not complete: one a worker and week.
WRITE: Final = "follow_up.note"
#: Notes are asked for over this many past weeks; an older one that was never written is for the coordinator to see.
WEEKS_ASKED: Final = 4
#: A departure asks for each that may still be written: it ends over none because time passed.
WEEKS_WRITTEN: Final = 10


@dataclass(frozen=True)
class Missing:
    """A note that is missing or not complete, of a week that is over, and the worker who owes it."""

    follow_up_id: UUID
    week: date
    person_id: UUID
    organization_id: UUID


def missing(
    session: Session,
    day: date,
    *,
    people: Iterable[UUID] | None = None,
    last_day: date | None = None,
    back: int = WEEKS_ASKED,
) -> list[Missing]:
    """The notes that are owed on a local day: of each week that is over, by its primary worker at the week's end.

    They are looked for `back` so many weeks.

    Only for follow-ups that are active, and weeks on whose last day they were: a break owes none of its weeks, nor does
    one that is over. What was owed before a break is owed again after it. A note that its leaving worker was let leave
    unfinished is no longer owed. For a worker who leaves on `last_day`, the week of that day is over with it.
    """
    leaves_on = last_day if last_day is not None and day >= last_day else None
    over = day if leaves_on is None else max(day, sunday_of(leaves_on) + timedelta(days=1))
    first = monday_of(day) - timedelta(weeks=back)
    of_whom, written, settled, away = asked_of_missing(day, people=people, back=back)
    ask_ahead(session, of_whom, written, settled, away)
    complete, stated = set(tuples(session, *written)), set(scalars(session, *settled))
    breaks = list(starmap(_Break, tuples(session, *away)))
    return [
        Missing(part.follow_up_id, week, part.person_id, part.organization_id)
        for part in starmap(_Part, tuples(session, *of_whom))
        for week in weeks_ended(first, over)
        if part.owes_of(sunday_of(week) if leaves_on is None else min(sunday_of(week), leaves_on), breaks)
        and (part.follow_up_id, week) not in complete
        and owed_id(part.follow_up_id, week, part.person_id) not in stated
    ]


class _Break(NamedTuple):
    """A break that ended."""

    follow_up_id: UUID
    starts_on: date
    ended_on: date


class _Part(NamedTuple):
    """The part of a primary worker in a follow-up that is active."""

    follow_up_id: UUID
    person_id: UUID
    organization_id: UUID
    starts_on: date
    ends_on: date | None

    def owes_of(self, last: date, breaks: Iterable[_Break]) -> bool:
        """Whether the worker had it on the last day of a week, and it was on no break then."""
        theirs = self.starts_on <= last <= (self.ends_on or date.max)
        mine = (one for one in breaks if one.follow_up_id == self.follow_up_id)
        return theirs and not any(one.starts_on <= last < one.ended_on for one in mine)


def asked_of_missing(
    day: date, *, people: Iterable[UUID] | None = None, back: int = WEEKS_ASKED
) -> tuple[Question[Any], ...]:
    """What `missing` asks: who accompanies whom, what is complete, what was left unfinished, and which breaks ended."""
    first = monday_of(day) - timedelta(weeks=back)
    return (
        Question(_accompanied(of_people=False))
        if people is None
        else Question(_accompanied(of_people=True), {"writers": list(people)}),
        Question(_COMPLETE, {"first_week": first}),
        Question(_LEFT_UNFINISHED),
        Question(_BREAKS, {"first_week": first}),
    )


@cache
def _accompanied(*, of_people: bool) -> AnySelect:
    narrowed = [among(Assignment.person_id, "writers")] if of_people else []
    return built(
        only(FollowUp.id, Assignment.person_id, Assignment.organization_id, Assignment.starts_on, Assignment.ends_on)
        .join(Assignment, same(Assignment, FollowUp) & (col(Assignment.follow_up_id) == col(FollowUp.id)))
        .where(
            FollowUp.state == "active", Assignment.kind == PRIMARY, col(Assignment.withdrawn_at).is_(None), *narrowed
        )
        .order_by(col(FollowUp.opened_at), col(FollowUp.id))
    )


_COMPLETE: Final = built(
    only(WeeklyNote.follow_up_id, WeeklyNote.week).where(
        col(WeeklyNote.week) >= bindparam("first_week", type_=Date()), col(WeeklyNote.is_complete)
    )
)
_BREAKS: Final = built(
    only(FollowUpBreak.follow_up_id, FollowUpBreak.starts_on, FollowUpBreak.ended_on).where(
        col(FollowUpBreak.ended_on) >= bindparam("first_week", type_=Date())
    )
)
_LEFT_UNFINISHED: Final = built(
    only(Settlement.holding_id).where(Settlement.kind == "note", Settlement.ended_as == "left_unfinished")
)


def owed_id(follow_up_id: UUID, week: date, person_id: UUID) -> UUID:
    """The id of an owed note, begun or not: always the same."""
    return uuid5(follow_up_id, f"{week.isoformat()}/{person_id}")
