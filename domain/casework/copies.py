"""The copies of the installation, as people see them: when the last good one was, and what is late or went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import Session

from domain.kernel import Question, ask_ahead, built, col, run, select
from models.backups import BackupRun

#: Nothing is made so far ahead of now: it was noted by a clock that went wrong, and does not count.
_AHEAD: Final = timedelta(hours=1)
#: A run by schedule has so long to end before it counts as late.
GRACE: Final = timedelta(hours=2)
#: How often a trial of the copies is made by schedule.
DRILL_EVERY: Final = timedelta(days=7)


@dataclass(frozen=True)
class RunsOfKind:
    """One kind of run at a moment: when the last good one ended, with what code the last one failed, and lateness.

    `is_late` says that a schedule asked for another one, which did not end.
    """

    kind: str
    last_good: datetime | None
    code: str
    is_late: bool

    @property
    def wants_attention(self) -> bool:
        """Whether a person has to look at it."""
        return self.is_late or self.code != ""


def copies_state(session: Session, at: datetime) -> list[RunsOfKind]:
    """Each kind that ever ran, as it stands at the moment `at`."""
    ask_ahead(session, *asked_of_copies(at))
    values = _counting_at(at)
    goods = {row.kind: row.ended_at for row in run(session, _LAST_GOOD, values)}
    return [
        RunsOfKind(kind, goods.get(kind), code, is_late=next_by is not None and next_by < at)
        for kind, code, next_by in run(session, _LAST, values)
    ]


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
_LAST_GOOD: Final = built(
    select(BackupRun.kind, BackupRun.ended_at)
    .where(_CREDIBLE, col(BackupRun.code) == "")
    .ext(distinct_on(col(BackupRun.kind)))
    .order_by(*_IN_ORDER)
)
