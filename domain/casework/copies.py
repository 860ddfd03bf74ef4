"""The copies of the installation, as people see them: when the last good one was, and what is late or went wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, func
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import Session

from domain.kernel import Question, ask_ahead, built, col, run, scalar, select
from models.backups import BACKUP_MADE, BackupRun

#: Nothing is made so far ahead of now: it was noted by a clock that went wrong, and does not count.
_AHEAD: Final = timedelta(hours=1)
#: A run by schedule has so long to end before it counts as late.
GRACE: Final = timedelta(hours=2)
#: How often a trial of the copies is made by schedule.
DRILL_EVERY: Final = timedelta(days=7)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class RunsOfKind:
    """One kind of run at a moment: when the last good one ended, with what code the last one failed, and lateness.

    A copy that lacks keys counts as one that was made. `is_late`: a schedule asked for another one, which did not end.
    """

    kind: str
    last_good: datetime | None
    code: str
    is_late: bool

    @property
    def wants_attention(self) -> bool:
        """Whether a person has to look at it."""
        return self.is_late or self.code != ""


@dataclass(frozen=True)
class CopySchedule:
    """When copies are asked for: `last_due` says when one last was, by a moment; with `tries` one is tried each week.

    `since` is when there was first a look at it, if that is known: the first copy has as long as any other.
    """

    last_due: Callable[[datetime], datetime]
    tries: bool
    since: datetime | None = None


def copies_state(session: Session, at: datetime, schedule: CopySchedule | None) -> list[RunsOfKind]:
    """Each kind that ever ran, or should have, as it stands at the moment `at`.

    Of a kind that is not asked for here, but maybe by another machine, the last run says when the next was to end.
    """
    ask_ahead(session, *asked_of_copies(at))
    values = _counting_at(at)
    goods = {row.kind: row.ended_at for row in run(session, _LAST_GOOD, values)}
    last = {row.kind: row for row in run(session, _LAST, values)}
    late = {row.kind for row in last.values() if row.next_by is not None and row.next_by < at}
    if schedule is not None:
        late -= {"backup", "drill"} if schedule.tries else {"backup"}
        late |= _late_by(session, schedule, goods, at)
    codes = dict.fromkeys(late, "") | {kind: row.code for kind, row in last.items()}
    return [RunsOfKind(kind, goods.get(kind), code, is_late=kind in late) for kind, code in sorted(codes.items())]


def _late_by(session: Session, schedule: CopySchedule, goods: Mapping[str, datetime], at: datetime) -> set[str]:
    """The kinds of which the schedule asked for a good run, which did not end in time, or at all."""
    settled, good, tried = at - GRACE, goods.get("backup"), goods.get("drill")
    if good is not None:
        is_late = good < schedule.last_due(settled)
    else:
        is_late = schedule.since is None or schedule.since < settled
    late = {"backup"} if is_late else set()
    if schedule.tries:
        due = tried + DRILL_EVERY if tried else scalar(session, _FIRST_GOOD, _counting_at(at))
        if due is not None and due < settled - _DAY:  # after the copy of the day on which it comes
            late.add("drill")
    return late


def asked_of_copies(at: datetime) -> tuple[Question[Any], ...]:
    """What `copies_state` asks."""
    return tuple(Question[Any](one, _counting_at(at)) for one in (_LAST, _LAST_GOOD))


def is_due(session: Session, kind: str, *, since: datetime, at: datetime) -> bool:
    """Whether a run is due at `at`: none ended well since the moment `since`, when the last one was to begin."""
    goods = {row.kind: row.ended_at for row in run(session, _LAST_GOOD, _counting_at(at))}
    return kind not in goods or goods[kind] < since


def _counting_at(at: datetime) -> dict[str, datetime]:
    return {"before": at + _AHEAD}


_CREDIBLE: Final = col(BackupRun.ended_at) < bindparam("before")
_IN_ORDER: Final = (col(BackupRun.kind), col(BackupRun.ended_at).desc())
_LAST: Final = built(
    select(BackupRun.kind, BackupRun.code, BackupRun.next_by)
    .where(_CREDIBLE)
    .ext(distinct_on(col(BackupRun.kind)))
    .order_by(*_IN_ORDER)
)
_MADE: Final = (_CREDIBLE, col(BackupRun.code).in_(BACKUP_MADE))
_LAST_GOOD: Final = built(
    select(BackupRun.kind, BackupRun.ended_at).where(*_MADE).ext(distinct_on(col(BackupRun.kind))).order_by(*_IN_ORDER)
)
#: Of the copies: from then on there was one to try.
_FIRST_GOOD: Final = built(select(func.min(BackupRun.ended_at)).where(*_MADE, col(BackupRun.kind) == "backup"))
