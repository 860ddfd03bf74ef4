"""What the windows ask of a verb on a task: one shape, whatever its own form, body or options have said already."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlmodel import Session

from domain.casework import TaskOutcome
from domain.kernel import Actor


class TaskVerb(Protocol):
    """A verb of `domain.casework.tasks`, with all that only this act says (a note, a reason, its evidence) given."""

    def __call__(
        self, session: Session, task_id: UUID, /, *, by: Actor, at: datetime, seen: int | None = None
    ) -> TaskOutcome:
        """Do it. Where a version was `seen`, only if it is still the task's. Raises Refusal."""
        ...
