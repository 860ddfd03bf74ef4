"""What is told of a restore: from when to when something is missing, and what was found and done, by count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import Session

from domain.kernel import in_program, scalar, select
from domain.restored.matters import last_restoration
from models.ledger import NumberGiven, Restoration, RestoredMatter, SentBefore
from models.record import Event


@dataclass(frozen=True)
class Report:
    """One restore of a program, and by count: the matters of each kind, and what was done at once."""

    restoration: Restoration
    by_kind: Mapping[str, int]
    waiting: int
    destroyed: int  # files that were destroyed before, and are again
    letters: int  # that were sent before, and are not sent again
    series: int  # of numbers, which go on after the last that was given


def report(session: Session) -> Report | None:
    """The report of the last restore; None where the program never was restored."""
    restoration = last_restoration(session)
    if restoration is None:
        return None
    kinds = session.connection().execute(
        select(RestoredMatter.kind, RestoredMatter.decided_at).where(
            in_program(RestoredMatter), RestoredMatter.epoch == restoration.epoch
        )
    )
    rows = kinds.all()
    return Report(
        restoration,
        Counter(kind for kind, _ in rows),
        sum(decided is None for _, decided in rows),
        _destroyed(session, restoration),
        _count(session, SentBefore),
        _count(session, NumberGiven),
    )


def _count(session: Session, table: type[SentBefore | NumberGiven]) -> int:
    return scalar(session, select(func.count()).select_from(table).where(in_program(table))) or 0


def _destroyed(session: Session, restoration: Restoration) -> int:
    again = select(func.count()).where(
        in_program(Event), Event.verb == "participant.destroyed_again", Event.at == restoration.found_at
    )
    return scalar(session, again) or 0
