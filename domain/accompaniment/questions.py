"""What is asked about a person, by number or reference: of the coordination, or of a worker before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from domain.casework import BY_ITS_ACT, asking
from domain.kernel import Actor
from domain.mail import coordination_chain
from domain.participants import known_as
from domain.roles import Link


@dataclass(frozen=True)
class QuestionAbout:
    """A question about a person, asked once while it is open. `title` names them as its subject."""

    step: str
    title: str
    working_days: int  # how soon it is due
    evidence: str = BY_ITS_ACT

    def ask(
        self, session: Session, participant_id: UUID, *, worker: Link | None = None, by: Actor, at: datetime
    ) -> UUID | None:
        """Ask the coordination, or this worker before it; None where it is asked already."""
        coordination = coordination_chain(session)
        return asking.ask(
            session,
            self.step,
            participant_id,
            self.title,
            chain=coordination if worker is None else [worker, *coordination],
            working_days=self.working_days,
            by=by,
            at=at,
            evidence=self.evidence,
            subject=known_as(session, participant_id),
        )
