"""The processes of motivational interviewing that the work of a week was about, case by case (CM-C)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Date, bindparam
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from domain.follow_ups.locking import lock_follow_up, write_follow_up_event
from domain.follow_ups.weeks import monday_of, sunday_of
from domain.kernel import Actor, Refusal, among, built, changes, col, every, first, of, program_of, run
from locales import N_
from models.discussion import PROCESSES, ProcessMark


def mark_processes(
    session: Session,
    follow_up_id: UUID,
    week: date,
    processes: Collection[str],
    *,
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> int:
    """Say which processes the work of the week of the Monday `week` was about; returns the version that it is now.

    None of them is an answer too. `seen` is the version that was looked at, 0 where the week had no mark. Raises
    Refusal: a week that is not this follow-up's or has not begun, or no such process.
    """
    held = lock_follow_up(session, follow_up_id, by=by, at=at)
    if week != monday_of(week) or week > held.day or sunday_of(week) < held.row.opened_on:
        raise Refusal(
            "week.malformed", N_("Choose a week of this follow-up that has begun; it is known by its Monday.")
        )
    if not set(processes) <= set(PROCESSES):
        raise Refusal("process.malformed", N_("Choose from the list."), source="CM-C")
    once = insert(ProcessMark).on_conflict_do_nothing(index_elements=["program_id", "follow_up_id", "week"])
    made = ProcessMark(
        program_id=program_of(session),
        id=uuid4(),
        follow_up_id=follow_up_id,
        week=week,
        marked_by=by.person_id,  # type: ignore[arg-type]  # a person marks
        marked_at=at,
        version=0,
    )
    run(session, once, [made.model_dump()])
    row = first(session, of(ProcessMark).where(ProcessMark.follow_up_id == follow_up_id, ProcessMark.week == week))
    assert row is not None  # noqa: S101 - it was made a moment ago
    if seen not in (None, row.version):
        raise Refusal(
            "process.changed",
            N_("This week was marked by someone else or in another window. Nothing was saved; look again."),
        )
    run(
        session,
        changes(ProcessMark)
        .where(ProcessMark.id == row.id)
        .values(
            relationship="relationship" in processes,
            focus="focus" in processes,
            evocation="evocation" in processes,
            planning="planning" in processes,
            marked_by=by.person_id,
            marked_at=at,
            version=row.version + 1,
        ),
    )
    write_follow_up_event(
        session,
        held,
        "follow_up.processes_marked",
        week=week.isoformat(),
        processes=[one for one in PROCESSES if one in processes],
    )
    return row.version + 1


def marks_of(session: Session, follow_up_ids: Iterable[UUID], *, since: date) -> list[ProcessMark]:
    """The marks of follow-ups from the week of `since` on, the oldest week first."""
    return every(session, _SINCE, {"follow_ups": list(follow_up_ids), "first_week": monday_of(since)})


_SINCE: Final = built(
    of(ProcessMark)
    .where(
        among(ProcessMark.follow_up_id, "follow_ups"), col(ProcessMark.week) >= bindparam("first_week", type_=Date())
    )
    .order_by(col(ProcessMark.week))
)
