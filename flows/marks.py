"""How far each round of a program has come, that only one process runs it, and how it does its parts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from cronsim import CronSim
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from domain.kernel.program_calendar import calendar_of
from domain.kernel.refusals import Refusal
from domain.kernel.rows import only, run, scalar
from domain.kernel.scope import local_day, program, program_of
from flows.engine import Means
from models.engine import RoundMark

#: Any number that no other lock of ours uses; the round and its program stand beside it.
_LOCKS: Final = 0x524F

_log = logging.getLogger(__name__)


def last_of(cron: str, at: datetime) -> datetime:
    """The last moment of a schedule in the zone of `at`: this one, or one before it."""
    # It looks before the second that it is given.
    return next(CronSim(cron, at.replace(microsecond=0) + timedelta(seconds=1), reverse=True))


def last_due(cron: str, session: Session, at: datetime) -> datetime:
    """When a schedule was last due in the program's zone, `at` this moment or before it."""
    return last_of(cron, at.astimezone(ZoneInfo(program(session).time_zone)))


def due_on_working_day(cron: str, session: Session, at: datetime) -> datetime | None:
    """When a schedule was last due, where that is today and today is worked; else None."""
    due = last_due(cron, session, at)
    is_today = due.date() == local_day(session, at)
    return due if is_today and calendar_of(session).is_working_day(due.date()) else None


def mark_of(session: Session, key: str) -> datetime | None:
    """How far a round of this program has come, or None where it never ran."""
    found: datetime | None = scalar(session, only(RoundMark.done_up_to).where(RoundMark.key == key))
    return found


def set_mark(session: Session, key: str, at: datetime, ran_by: str, found: int = 0) -> None:
    """Note that a round has dealt with everything up to `at`."""
    call = insert(RoundMark).values(
        program_id=program_of(session), key=key, done_up_to=at, ran_at=at, ran_by=ran_by, found=found
    )
    run(
        session,
        call.on_conflict_do_update(
            index_elements=["program_id", "key"],
            set_={name: call.excluded[name] for name in ("done_up_to", "ran_at", "ran_by", "found")},
        ),
    )


@contextmanager
def alone(means: Means, program_id: UUID, key: str) -> Iterator[bool]:
    """Whether no other process runs this round of the program now. The database lets go where a process dies."""
    with means.sessions(program_id) as session:
        # This transaction only waits, and holds no row: it may lie idle for as long as the round takes.
        run(session, text("set local idle_in_transaction_session_timeout = 0"))
        lock = text("select pg_try_advisory_xact_lock(:ours, hashtext(:round))")
        yield bool(scalar(session, lock, {"ours": _LOCKS, "round": f"{key}:{program_id}"}))


def in_its_own(means: Means, program_id: UUID, key: str, do: Callable[[Session], int]) -> int:
    """Do one part of a round in a transaction of its own; returns how much it did.

    A refusal, since it was done, moved or resumed meanwhile, is logged, and holds up nothing else.
    """
    try:
        with means.sessions(program_id) as session:
            found = do(session)
            session.commit()
    except Refusal as refusal:
        _log.warning(
            "a rule refused a part of a round", extra={"part": key, "program": program_id, "code": refusal.code}
        )
        return 0
    return found
