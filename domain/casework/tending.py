"""What who runs the installation sees of the engine's cases in a program, and what they do: have one tried again.

They see no case. A case is its opaque id and its protocol here, its trouble is a code, and nothing tells about which
person it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, case, func, text
from sqlalchemy.orm import aliased
from sqlmodel import Session

from domain.casework.wakeups import wake, wake_all
from domain.kernel import (
    Actor,
    Refusal,
    col,
    every,
    first,
    in_program,
    joins,
    of,
    only,
    run,
    scalar,
    select,
    there_is,
    value_of,
)
from domain.record import events
from locales import N_
from models.casework import Case
from models.engine import EngineRun, WakeUp

#: So many cases of a kind are shown; the counts beside them are of all.
MOST: Final = 100

_other = aliased(EngineRun)
#: When a case last went well: later runs all failed.
_went_well: Final = (
    select(value_of(func.max(col(_other.ended_at))))
    .where(col(_other.program_id) == col(WakeUp.program_id), col(_other.case_id) == col(WakeUp.case_id))
    .where(col(_other.outcome) != "trouble")
    .scalar_subquery()
)
_failed_first: Final = (
    select(value_of(func.min(col(EngineRun.ended_at))))
    .where(col(EngineRun.program_id) == col(WakeUp.program_id), col(EngineRun.case_id) == col(WakeUp.case_id))
    .where(
        col(EngineRun.outcome) == "trouble", col(EngineRun.ended_at) > func.coalesce(_went_well, text("'-infinity'"))
    )
    .correlate(WakeUp)
    .scalar_subquery()
)
#: Since when a case is held up; where no run of it was kept, since when it waits.
_SINCE: Final = func.coalesce(_failed_first, col(WakeUp.wanted_at))
_HELD: Final = of(WakeUp).where(in_program(WakeUp))
#: Since when a worker has a case in hand; where that was not kept, since when it waited.
_HAD_SINCE: Final = func.coalesce(col(WakeUp.taken_at), col(WakeUp.wanted_at))
_NEXT_TRY: Final = case((col(WakeUp.want) > col(WakeUp.have), col(WakeUp.not_before)))


#: Of a run that had its effect.
_WAS_CARRIED: Final = col(EngineRun.outcome) != "trouble"


@dataclass(frozen=True)
class CaseInHand:
    """A case that a worker has in hand: since when, at which try, and since when it waited before."""

    case_id: UUID
    protocol: str
    worker: str
    taken_at: datetime | None
    wanted_at: datetime
    attempts: int


@dataclass(frozen=True)
class StuckCase:
    """A case that the engine could not carry as it was asked: the code, since when, and when it is tried next.

    `next_try` is None where it waits for people, and is tried now and then.
    """

    case_id: UUID
    protocol: str
    code: str
    since: datetime
    next_try: datetime | None


@dataclass(frozen=True)
class PlainRun:
    """A case that was carried without Prefect, and why: away, busy, slow, failed, or "" where that is not known."""

    case_id: UUID
    protocol: str
    ended_at: datetime
    outcome: str
    why: str


@dataclass(frozen=True)
class RunCounts:
    """How often cases were carried, shown by Prefect, and plainly by why."""

    by_prefect: int
    plainly: Mapping[str, int]


def in_hand(session: Session, at: datetime) -> list[CaseInHand]:
    """The cases that a worker has in hand at a moment, the longest first; where that is unknown, since they waited."""
    rows = run(
        session,
        only(WakeUp.case_id, Case.protocol, WakeUp.leased_by, WakeUp.taken_at, WakeUp.wanted_at, WakeUp.attempts)
        .join(Case, joins(WakeUp.case_id, Case))
        .where(col(WakeUp.leased_until) > at)
        .order_by(_HAD_SINCE, col(WakeUp.case_id))
        .limit(MOST),
    )
    return [CaseInHand(*row) for row in rows]


def count_in_hand(session: Session, at: datetime) -> int:
    """How many cases workers have in hand at a moment."""
    asked = select(func.count()).select_from(WakeUp).where(in_program(WakeUp), col(WakeUp.leased_until) > at)
    return scalar(session, asked) or 0


def stuck(session: Session) -> list[StuckCase]:
    """The cases that are held up, those that are so for longest first."""
    rows: Any = run(
        session,
        only(WakeUp.case_id, Case.protocol, WakeUp.trouble, value_of(_SINCE), value_of(_NEXT_TRY))
        .join(Case, joins(WakeUp.case_id, Case))
        .where(WakeUp.trouble != "")
        .order_by(_SINCE, col(WakeUp.case_id))
        .limit(MOST),
    )
    return [StuckCase(*row) for row in rows]


def stuck_by_code(session: Session) -> dict[str, int]:
    """How many cases are held up by each code, the most frequent first."""
    count = func.count().label("cases")
    asked = only(WakeUp.trouble, count).where(WakeUp.trouble != "").group_by(col(WakeUp.trouble))
    return {row.trouble: row.cases for row in run(session, asked.order_by(count.desc(), col(WakeUp.trouble)))}


def plain_runs(session: Session, since: datetime, *, most: int) -> list[PlainRun]:
    """The last cases since a moment that were carried without Prefect. What went wrong was carried by none."""
    rows = run(
        session,
        only(EngineRun.case_id, Case.protocol, EngineRun.ended_at, EngineRun.outcome, EngineRun.why_plain)
        .join(Case, joins(EngineRun.case_id, Case))
        .where(col(EngineRun.ended_at) > since, col(EngineRun.flow_run_id).is_(None), _WAS_CARRIED)
        .order_by(col(EngineRun.ended_at).desc(), col(EngineRun.id))
        .limit(most),
    )
    return [PlainRun(*row) for row in rows]


def count_runs(session: Session, since: datetime) -> RunCounts:
    """How often cases were carried since a moment, and which way. What went wrong was carried by none."""
    plainly = col(EngineRun.flow_run_id).is_(None)
    rows: Any = run(
        session,
        select(value_of(plainly), EngineRun.why_plain, value_of(func.count()))
        .where(in_program(EngineRun), col(EngineRun.ended_at) > since, _WAS_CARRIED)
        .group_by(plainly, col(EngineRun.why_plain)),
    )
    counted = [tuple(row) for row in rows]
    return RunCounts(
        sum(count for is_plain, _, count in counted if not is_plain),
        {why: count for is_plain, why, count in sorted(counted) if is_plain},
    )


def is_known(session: Session, case_id: UUID) -> bool:
    """Whether the engine ever had to do with a case, and it is of this program."""
    return there_is(session, only(WakeUp.case_id).where(WakeUp.case_id == case_id))


def try_again(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> int:
    """Have the engine carry a held-up case now. Asked a second time it is being tried, and nothing is written.

    Returns how many cases were woken: one or none. Raises Refusal where nothing holds the case up.
    """
    held = first(session, _HELD.where(WakeUp.case_id == case_id).with_for_update())
    if held is None or not held.trouble:
        raise Refusal("engine.not_stuck", N_("Nothing holds this case up any more."))
    if held.want > held.have and held.not_before <= at:
        return 0
    wake(session, case_id, at=at)
    events.write(session, "case.tried_again", "case", case_id, by=by, at=at, case_id=case_id, code=held.trouble)
    return 1


def try_all_again(session: Session, code: str, *, by: Actor, at: datetime) -> int:
    """Have the engine carry now every case that a code holds up, once each; how many were woken."""
    is_due = and_(col(WakeUp.want) > col(WakeUp.have), col(WakeUp.not_before) <= at)
    held = every(
        session,
        _HELD.where(WakeUp.trouble == code, WakeUp.trouble != "", ~is_due)
        .order_by(col(WakeUp.case_id))
        .with_for_update(),
    )
    if not held:
        return 0
    woken = {row.case_id: row.case_id for row in held}
    wake_all(session, woken, at=at)
    told: list[tuple[UUID, dict[str, events.Fact]]] = [(case_id, {"code": code}) for case_id in woken]
    events.write_many(session, "case.tried_again", "case", told, by=by, at=at, case_of=woken)
    return len(woken)
