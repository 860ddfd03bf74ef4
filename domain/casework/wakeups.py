"""Tells the engine that a case changed; the engine takes a case, keeps it and lets it go.

A wake-up counts changes (`want`) and what was dealt with (`have`), so that a change made while the case is being
carried is not lost. A second carry of the same change does nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import case, text, update
from sqlmodel import Session

from domain.kernel import changes, col, program_of, run
from models.base import table_of
from models.engine import WakeUp

#: The channel on which the worker is told that a case changed, so that no one polls fast.
WAKE_CHANNEL = "spheres_wake"

#: After a failed carry, the next try waits twice as long, up to this.
LONGEST_WAIT = timedelta(minutes=5)

#: No wait and no lease is as long. What ends later was written by a clock that was put back since, and binds no one.
BEYOND = timedelta(minutes=10)

#: After a run that did as much as one may, the rest waits so long: a case that goes round in a circle is not carried
#: all the time.
REST_AFTER = timedelta(seconds=30)


@dataclass(frozen=True)
class Claim:
    """A case taken by one worker until the lease ends, with the number of the change that it will have dealt with."""

    program_id: UUID
    case_id: UUID
    want: int
    attempts: int
    worker: str


def wake(session: Session, case_id: UUID, *, at: datetime) -> None:
    """Ask that the case be carried as soon as this transaction commits."""
    run(session, _WAKE, {"program_id": program_of(session), "case_id": case_id, "at": at, "channel": WAKE_CHANNEL})


def wake_all(session: Session, cases: Collection[UUID], *, at: datetime) -> None:
    """Ask that cases which were woken before be carried as soon as this transaction commits, in one statement."""
    run(
        session,
        changes(WakeUp)
        .where(col(WakeUp.case_id).in_(cases))
        .values(want=col(WakeUp.want) + 1, not_before=at, wanted_at=_wanted_at(at)),
    )
    run(session, text("select pg_notify(:channel, '')"), {"channel": WAKE_CHANNEL})


def _wanted_at(at: datetime) -> Any:
    """Since when a case waits that is woken at a moment, as `_WAKE` has it: of several changes the oldest counts."""
    return case((col(WakeUp.want) > col(WakeUp.have), col(WakeUp.wanted_at)), else_=at)


#: The oldest change that still waits tells how far behind the engine is. One statement with its news: people wait.
_WAKE = text(
    """
    with woken as (
        insert into wake_up
            (program_id, case_id, want, have, wanted_at, not_before, leased_by, attempts, trouble, shown)
        values (:program_id, :case_id, 1, 0, :at, :at, '', 0, '', '')
        on conflict (program_id, case_id) do update set
            want = wake_up.want + 1,
            not_before = excluded.not_before,
            wanted_at = case when wake_up.want > wake_up.have then wake_up.wanted_at else excluded.wanted_at end)
    select pg_notify(:channel, '')
    """
)


def claim(session: Session, *, worker: str, at: datetime, lease: timedelta) -> Claim | None:
    """Take the next case that wants carrying, of any program, or None. The caller commits at once."""
    row: Any = run(
        session,
        text(
            """
            update wake_up set leased_until = :until, leased_by = :worker, taken_at = :at, attempts = attempts + 1
            where (program_id, case_id) = (
                select program_id, case_id from wake_up
                where want > have
                    and (not_before <= :at or not_before > :beyond)
                    and (leased_until is null or leased_until <= :at or leased_until > :beyond)
                order by not_before limit 1 for update skip locked)
            returning program_id, case_id, want, attempts, leased_by
            """
        ),
        {"until": at + lease, "worker": worker, "at": at, "beyond": at + BEYOND},
    ).first()
    return Claim(*row) if row else None


def renew(session: Session, *, worker: str, at: datetime, lease: timedelta) -> int:
    """Keep the cases that a worker has in hand for another while, in one statement; how many. The caller commits.

    A lease that ended meanwhile, as where the worker was halted, is not taken up again: another may have the case.
    """
    theirs = (col(WakeUp.leased_by) == worker, col(WakeUp.leased_until) > at)
    return run(session, update(WakeUp).where(*theirs).values(leased_until=at + lease)).rowcount


def wake_by_id(session: Session, case_id: UUID, *, at: datetime) -> bool:
    """Ask that a case of any program be carried, known by its id alone. Whether there is one; the caller commits."""
    woken = run(
        session,
        update(WakeUp)
        .where(col(WakeUp.case_id) == case_id)
        .values(want=col(WakeUp.want) + 1, not_before=at, wanted_at=_wanted_at(at)),
    )
    run(session, text("select pg_notify(:channel, '')"), {"channel": WAKE_CHANNEL})
    return bool(woken.rowcount)


def acknowledge(session: Session, taken: Claim, *, at: datetime, trouble: str = "", more: bool = False) -> bool:
    """Record that the case was carried as far as `taken.want`. A change made meanwhile keeps it due.

    `trouble` is the code of what was refused and waits for people: the case is tried again now and then. With `more`
    the run did as much as one may, and the case is due again after a while. Returns False, and writes nothing, where
    the lease ended before and another worker has the case.
    """
    rest = {"want": col(WakeUp.want) + 1, "not_before": _unless_woken(taken, at + REST_AFTER)} if more else {}
    done = run(
        session,
        update(WakeUp)
        .where(*_still_mine(taken))
        .values(have=taken.want, leased_until=None, leased_by="", attempts=0, trouble=trouble, wanted_at=at, **rest),
    )
    return bool(done.rowcount)


def _unless_woken(taken: Claim, moment: datetime) -> Any:
    """A moment before which a case is not carried again, unless it changed while it was in hand: then it is due."""
    return case((col(WakeUp.want) > taken.want, col(WakeUp.not_before)), else_=moment)


def settle(session: Session, case_id: UUID, *, at: datetime) -> None:
    """Record that everything a case wanted of the engine was done in this very transaction."""
    run(session, changes(WakeUp).where(WakeUp.case_id == case_id).values(have=col(WakeUp.want), wanted_at=at))


def put_back(session: Session, taken: Claim, *, trouble: str, at: datetime) -> bool:
    """Record that the carry failed with the code `trouble`: retry after a doubled wait. False as in `acknowledge`.

    Where the case changed meanwhile, or "try again" was said, it is carried at once: who acted does not wait for what
    failed before.
    """
    wait = min(LONGEST_WAIT, timedelta(seconds=2 ** min(taken.attempts, 9)))
    done = run(
        session,
        update(WakeUp)
        .where(*_still_mine(taken))
        .values(leased_until=None, leased_by="", not_before=_unless_woken(taken, at + wait), trouble=trouble),
    )
    return bool(done.rowcount)


def let_go(session: Session, taken: Claim) -> bool:
    """Give the case back as it was taken, such as when the worker stops. False as in `acknowledge`."""
    done = run(
        session,
        update(WakeUp).where(*_still_mine(taken)).values(leased_until=None, leased_by="", attempts=taken.attempts - 1),
    )
    return bool(done.rowcount)


def _still_mine(taken: Claim) -> tuple[Any, ...]:
    """The condition that the lease has not passed to another, nor to a later try of the same worker.

    A worker takes cases of any program: its session is of none, and the claim says which.
    """
    row = table_of(WakeUp).c
    return (
        row.program_id == taken.program_id,
        row.case_id == taken.case_id,
        row.leased_by == taken.worker,
        row.attempts == taken.attempts,
    )
