"""The round of agreements that end: a warning 90, 60 and 30 days before the last day, and a word when one has lapsed.

Each rung warns once. Where the round was away for a while, or the last day was settled late, only the nearest rung is
said. A version that waits only for the signature of a former director is signed here too. On the day after their last
one no one acts on it. Lapsing itself needs no round: what an agreement allows follows from its days whenever it is
asked (`domain.terms.days`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.agreements import complete_signatures, letters, signed_in_part
from domain.kernel import col, local_day, only, scalar, surely
from domain.record import events
from domain.terms import PartnerVersion, without_successor
from flows.marks import due_on_working_day
from flows.turns import BY_ROUNDS, as_a_whole
from models.record import Event

#: The local hour at which letters go out, on working days.
CRON: Final = "0 8 * * *"
#: How many days before the last one is warned, the first warning first.
RUNGS: Final = (90, 60, 30)


@as_a_whole("agreements", CRON, due_on_working_day)
def warn(session: Session, at: datetime) -> int:
    """Warn of every agreement of one program that ends or has lapsed; how many were told of, or are signed by it."""
    found = sum(complete_signatures(session, version_id, by=BY_ROUNDS, at=at) for version_id in signed_in_part(session))
    return found + sum(_tell(session, row, at) for row in without_successor(session, local_day(session, at)))


def _tell(session: Session, version: PartnerVersion, at: datetime) -> bool:
    """Tell what is to be told of one version today; returns whether there was anything."""
    ends_on = surely(version.ends_on)
    days = (ends_on - local_day(session, at)).days
    rung = min((rung for rung in RUNGS if days <= rung), default=None)
    if rung is None:
        return False
    facts: dict[str, events.Fact] = {"ends_on": ends_on.isoformat()}
    verb = "agreement.lapsed" if days < 0 else "agreement.running_out"
    if days >= 0:
        facts["rung"] = rung
    if _is_told(session, verb, version.id, facts):
        return False
    if days < 0:
        letters.lapsed(session, version, at=at)
    else:
        letters.running_out(session, version, rung=rung, days=days, at=at)
    line = (version.id, {**facts, "number": version.n})
    events.write_many(session, verb, "agreement_version", [line], by=BY_ROUNDS, at=at)
    return True


def _is_told(session: Session, verb: str, version_id: UUID, facts: Mapping[str, events.Fact]) -> bool:
    """Whether the record tells of it already: of this last day, and of this rung."""
    told = (Event.subject_id == version_id, Event.verb == verb, col(Event.facts).contains(facts))
    return scalar(session, only(Event.id).where(*told).limit(1)) is not None
