"""Whether what a committee decided counts: the one question that is asked by what rests on a decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlmodel import Session

from duties.here import local_day, many, program_of
from models.base import table_of
from models.minutes import Decision

_decision = table_of(Decision)


@dataclass(frozen=True)
class Counted:
    """Whether a decision ever counted and, once it does no more, the last local day on which it did."""

    ever: bool
    until: date | None = None

    @property
    def now(self) -> bool:
        """Whether it counts now."""
        return self.ever and self.until is None


_NEVER: Final = Counted(ever=False)


def counted(session: Session, decision_ids: Iterable[UUID], *, quorum_asked: bool = True) -> Mapping[UUID, Counted]:
    """How long each of these decisions counts.

    A decision counts when it was taken with a quorum. One that a later decision withdrew counted to the day before.
    Without `quorum_asked`, as for what rested on a decision before the quorum was asked for. There is no word here of
    a decision that does not exist.
    """
    rows = many(
        session,
        select(*(_decision.c[name] for name in ("id", "state", "has_quorum", "closed_at"))).where(
            _decision.c.program_id == program_of(session), _decision.c.id.in_(set(decision_ids))
        ),
    )
    return {row["id"]: _counted(session, row, quorum_asked=quorum_asked) for row in rows}


def counts(session: Session, decision_id: UUID) -> bool:
    """Whether a decision counts now; False where there is none."""
    return counted(session, [decision_id]).get(decision_id, _NEVER).now


def _counted(session: Session, row: Mapping[str, Any], *, quorum_asked: bool) -> Counted:
    if quorum_asked and not row["has_quorum"]:
        return _NEVER
    if row["state"] == "withdrawn":
        return Counted(ever=True, until=local_day(session, row["closed_at"]) - timedelta(days=1))
    return Counted(ever=True)
