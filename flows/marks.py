"""When a schedule was last due, and how far each round of a program has come."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim
from sqlalchemy import text
from sqlmodel import Session

from domain.kernel import calendar_of, changes, col, local_day, only, program, program_of, put_row, run, scalar
from models.engine import RoundMark

#: A mark may be so far ahead: of a process that reads the time a little otherwise. Further, the clock was put back.
AHEAD: Final = timedelta(minutes=2)


def due_everywhere(cron: str, _: Session, at: datetime) -> datetime:
    """When a schedule was last due in every program at once, whatever its zone: `at` this moment or before it."""
    # It looks before the second that it is given.
    return next(CronSim(cron, at.replace(microsecond=0) + timedelta(seconds=1), reverse=True))


def last_due(cron: str, session: Session, at: datetime) -> datetime:
    """When a schedule was last due in the program's zone, `at` this moment or before it."""
    return due_everywhere(cron, session, at.astimezone(ZoneInfo(program(session).time_zone)))


def due_on_working_day(cron: str, session: Session, at: datetime) -> datetime | None:
    """When a schedule was last due, where that is today and today is worked; else None."""
    due = last_due(cron, session, at)
    is_today = due.date() == local_day(session, at)
    return due if is_today and calendar_of(session).is_working_day(due.date()) else None


def mark_of(session: Session, key: str) -> datetime | None:
    """How far a round of this program has come, or None where it never ran."""
    return scalar(session, only(RoundMark.done_up_to).where(RoundMark.key == key))


def is_ahead(mark: datetime | None, at: datetime) -> bool:
    """Whether a mark is of a clock that was put back since: it says nothing of how far a round came."""
    return mark is not None and mark > at + AHEAD


def is_done(done: datetime | None, due: datetime, at: datetime) -> bool:
    """Whether at this moment a round was `done` since it was last `due`."""
    return done is not None and done >= due and not is_ahead(done, at)


def set_trouble(session: Session, key: str, code: str, at: datetime) -> None:
    """Note that a round failed, by which code: since `at`, or since it first failed if it was not done after that."""
    run(session, _TROUBLED, {"program_id": program_of(session), "key": key, "code": code, "at": at})


_TROUBLED: Final = text(
    """
    insert into round_mark (program_id, key, ran_by, found, trouble, troubled_since)
    values (:program_id, :key, '', 0, :code, :at)
    on conflict (program_id, key) do update set
        trouble = excluded.trouble,
        troubled_since = coalesce(round_mark.troubled_since, excluded.troubled_since)
    """
)


def clear_trouble(session: Session, key: str) -> None:
    """Note that what failed goes well again, or is not done any more. Writes nothing where nothing failed."""
    run(
        session,
        changes(RoundMark)
        .where(RoundMark.key == key, col(RoundMark.trouble) != "")
        .values(trouble="", troubled_since=None),
    )


def set_mark(session: Session, key: str, at: datetime, ran_by: str, found: int = 0) -> None:
    """Note that a round has dealt with everything up to `at`, and is in no trouble."""
    here = program_of(session)
    put_row(session, RoundMark(program_id=here, key=key, done_up_to=at, ran_at=at, ran_by=ran_by, found=found))
