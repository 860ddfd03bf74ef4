"""The round of agreements that end: a warning 90, 60 and 30 days before the last day, and a word once one has lapsed.

Each rung warns once, whatever became of the round in between: where it was away for a while, or the last day was
settled late, only the nearest rung is said. What waits for the signature of somebody who no longer directs is signed
here too: on the day after their last one nobody does anything to it. Lapsing itself needs no round: what an agreement
allows follows from its days whenever it is asked (`domain.terms.days`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlmodel import Session

from domain.agreements import letters
from domain.agreements.agreements import complete_signatures, signed_in_part
from domain.kernel import program_calendar
from domain.kernel.actors import ROUNDS, Actor
from domain.kernel.scope import local_day, program, program_of
from domain.record import events
from domain.terms.days import without_successor
from flows.engine import Means
from flows.marks import alone, mark_of, set_mark
from models.base import table_of
from models.record import Event

KEY: Final = "agreements"
#: The local hour at which letters go out, on working days.
HOUR: Final = time(8, 0)
#: How many days before the last one is warned, the first warning first.
RUNGS: Final = (90, 60, 30)

BY_ROUNDS: Final = Actor.system(ROUNDS)

_event = table_of(Event)


def due_at(session: Session, at: datetime) -> datetime | None:
    """When today's round was due: 8:00 in the program's zone, on a working day; None before that."""
    zone, day = ZoneInfo(program(session).time_zone), local_day(session, at)
    if at.astimezone(zone).time() < HOUR or not program_calendar.calendar_of(session).is_working_day(day):
        return None
    return datetime.combine(day, HOUR, tzinfo=zone)


def warn(means: Means, program_id: UUID, ran_by: str) -> int:
    """Warn of every agreement of one program that ends or has lapsed; how many were told of, or are signed by it.

    Blocks for as long as it takes; run it in a thread. Running it again, late or twice at once changes nothing.
    """
    at = means.clock()
    with alone(means, program_id, KEY) as mine:
        if not mine:
            return 0
        with means.sessions(program_id) as session:
            due, done = due_at(session, at), mark_of(session, KEY)
            if due is None or (done is not None and done >= due):
                return 0
            found = sum(
                complete_signatures(session, version_id, by=BY_ROUNDS, at=at) for version_id in signed_in_part(session)
            )
            found += sum(_tell(session, row, at) for row in without_successor(session, local_day(session, at)))
            set_mark(session, KEY, at, ran_by, found)
            session.commit()
    return found


def _tell(session: Session, version: Mapping[str, Any], at: datetime) -> bool:
    """Tell what is to be told of one version today; whether there was anything."""
    days = (version["ends_on"] - local_day(session, at)).days
    facts: dict[str, events.Fact] = {"ends_on": version["ends_on"].isoformat()}
    if days < 0:
        if _is_told(session, "agreement.lapsed", version["id"], facts):
            return False
        letters.lapsed(session, version, at=at)
        events.write_many(session, "agreement.lapsed", "agreement_version", _line(version, facts), by=BY_ROUNDS, at=at)
        return True
    rung = min((rung for rung in RUNGS if days <= rung), default=None)
    if rung is None or _is_told(session, "agreement.running_out", version["id"], facts | {"rung": rung}):
        return False
    letters.running_out(session, version, rung=rung, days=days, at=at)
    facts |= {"rung": rung}
    events.write_many(session, "agreement.running_out", "agreement_version", _line(version, facts), by=BY_ROUNDS, at=at)
    return True


def _line(version: Mapping[str, Any], facts: Mapping[str, events.Fact]) -> list[tuple[UUID, dict[str, events.Fact]]]:
    return [(version["id"], {**facts, "number": version["n"]})]


def _is_told(session: Session, verb: str, version_id: UUID, facts: Mapping[str, events.Fact]) -> bool:
    """Whether the record tells of it already: of this last day, and of this rung."""
    found = session.scalar(
        select(_event.c.id)
        .where(
            _event.c.program_id == program_of(session),
            _event.c.subject_id == version_id,
            _event.c.verb == verb,
            _event.c.facts.contains(facts),
        )
        .limit(1)
    )
    return found is not None
