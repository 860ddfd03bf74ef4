"""What is told of a restore: from when to when something is missing, and what was found and done, by count."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session

from domain.kernel import col, in_program, scalar, select
from domain.restored.matters import last_restoration
from models.ledger import NumberGiven, Restoration, SentBefore
from models.record import Event


@dataclass(frozen=True)
class Report:
    """One restore of a program, and by count what was done at once."""

    restoration: Restoration
    destroyed: int  # files that were destroyed before, and are again
    letters: int  # that were sent before, and are not sent again
    series: int  # of numbers, which go on after the last that was given


def report(session: Session, *, unseen: frozenset[UUID] = frozenset()) -> Report | None:
    """The report of the last restore; None where the program never was restored.

    Files that are `unseen`, as those of participants who barred the reader, are not counted.
    """
    restoration = last_restoration(session)
    if restoration is None:
        return None
    return Report(
        restoration, _destroyed(session, restoration, unseen), _count(session, SentBefore), _count(session, NumberGiven)
    )


def _count(session: Session, table: type[SentBefore | NumberGiven]) -> int:
    return scalar(session, select(func.count()).select_from(table).where(in_program(table))) or 0


def _destroyed(session: Session, restoration: Restoration, unseen: frozenset[UUID]) -> int:
    again = select(func.count()).where(
        in_program(Event),
        Event.verb == "participant.destroyed_again",
        Event.at == restoration.found_at,
        col(Event.subject_id).not_in(unseen),
    )
    return scalar(session, again) or 0
