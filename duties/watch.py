"""What the engine is doing, as people see it: whether it lives, what waits for it, and how its rounds stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session

from duties.here import many, program_of
from models.base import table_of
from models.casework import Task
from models.engine import Beat, RoundMark, WakeUp

#: The worker gives a sign of life every few seconds; after this long without one it counts as stopped.
SILENT_AFTER = timedelta(seconds=30)
#: A change that the engine has not dealt with for so long means that it is behind.
BEHIND_AFTER = timedelta(minutes=1)

_beat = table_of(Beat)
_wake_up = table_of(WakeUp)
_mark = table_of(RoundMark)
_task = table_of(Task)


@dataclass(frozen=True)
class EngineState:
    """The engine at one moment, for one program. Times are UTC moments.

    `seen_at` is the last sign of life, None where there never was one. `waiting` counts this program's cases that
    changed and were not carried since, the oldest of them since `waiting_since`. `stuck` counts the automatic steps
    that were given up and need somebody.
    """

    at: datetime
    seen_at: datetime | None
    prefect_up: bool
    waiting: int
    waiting_since: datetime | None
    stuck: int
    rounds: list[dict[str, Any]]

    @property
    def is_silent(self) -> bool:
        """Whether no worker gives a sign of life."""
        return self.seen_at is None or self.at - self.seen_at > SILENT_AFTER

    @property
    def is_behind(self) -> bool:
        """Whether something has waited for the engine for longer than it should."""
        return self.waiting_since is not None and self.at - self.waiting_since > BEHIND_AFTER


def engine_state(session: Session, at: datetime) -> EngineState:
    """The engine as it stands at the moment `at`."""
    here = program_of(session)
    beat = session.execute(select(_beat.c.at, _beat.c.prefect_up).order_by(_beat.c.at.desc()).limit(1)).first()
    waiting, since = session.execute(
        select(func.count(), func.min(_wake_up.c.wanted_at)).where(
            _wake_up.c.program_id == here, _wake_up.c.want > _wake_up.c.have
        )
    ).one()
    stuck = session.scalar(select(func.count()).where(_task.c.program_id == here, _task.c.act_state == "stuck"))
    rounds = many(session, select(_mark).where(_mark.c.program_id == here).order_by(_mark.c.key))
    return EngineState(
        at=at,
        seen_at=beat.at if beat else None,
        prefect_up=bool(beat and beat.prefect_up),
        waiting=waiting,
        waiting_since=since,
        stuck=stuck or 0,
        rounds=rounds,
    )
