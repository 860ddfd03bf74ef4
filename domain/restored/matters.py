"""The matters that a restore left: read, and whom each concerns."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session

from domain.kernel import Question, built, col, every, first, in_program, of, scalar, select
from models.ledger import Restoration, RestoredMatter

#: The kinds that who answers for privacy decides. The coordination decides the others.
FOR_PRIVACY: Final = frozenset({"consent", "restriction", "redaction"})


def waiting(session: Session) -> list[RestoredMatter]:
    """What waits for a decision, in the order in which it was done."""
    asked = of(RestoredMatter).where(col(RestoredMatter.decided_at).is_(None))
    return every(session, asked.order_by(col(RestoredMatter.at), col(RestoredMatter.ledger_n)))


_IS_WAITING: Final = col(RestoredMatter.decided_at).is_(None)
_COUNT: Final = built(select(func.count()).select_from(RestoredMatter).where(in_program(RestoredMatter), _IS_WAITING))
#: What `count_waiting` asks.
ASKED_OF_WAITING: Final[Question[Any]] = Question(_COUNT)


def count_waiting(session: Session) -> int:
    """How much waits for a decision."""
    return scalar(session, _COUNT) or 0


def decided(session: Session) -> list[RestoredMatter]:
    """What was decided, the last one first."""
    asked = of(RestoredMatter).where(col(RestoredMatter.decided_at).is_not(None))
    return every(session, asked.order_by(col(RestoredMatter.decided_at).desc(), col(RestoredMatter.ledger_n)))


def find(session: Session, matter_id: UUID) -> RestoredMatter | None:
    """One matter; None where there is none."""
    return first(session, of(RestoredMatter).where(RestoredMatter.id == matter_id))


def last_restoration(session: Session) -> Restoration | None:
    """The last time that the program was restored; None where it never was."""
    return first(session, of(Restoration).order_by(col(Restoration.epoch).desc()).limit(1))


def concerned(matter: RestoredMatter) -> frozenset[UUID]:
    """The people whose access, role or part it is: none of them decides it."""
    named = {matter.person_id, *(id_in(matter, fact) for fact in ("person", "worker"))}
    return frozenset(one for one in named if one is not None)


def id_in(matter: RestoredMatter, fact: str) -> UUID | None:
    """The id that a matter names as this fact; None where it names none."""
    said = matter.facts.get(fact)
    return UUID(str(said)) if said else None
