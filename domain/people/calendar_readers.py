"""How a person's calendar takes news of one date of a season: said on their page, or learned from its answers.

"merge" takes the date by itself. "replace" takes every message for the whole season, and loses its other dates where it
is told of one alone. What is "unknown" is treated as "merge", and learned from the first answer that gives it away.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from domain.kernel import Actor, Refusal, col, only, program_of, run, scalar
from domain.record import events
from locales import N_
from models.invitation import DIALECTS, CalendarReader

UNKNOWN: Final = "unknown"
REPLACE: Final = "replace"


def readers_of(session: Session, people: Collection[UUID]) -> dict[UUID, str]:
    """How the calendar of each of these people takes news: one of `DIALECTS`."""
    found = dict.fromkeys(people, UNKNOWN)
    for person_id, dialect in run(
        session, only(CalendarReader.person_id, CalendarReader.dialect).where(col(CalendarReader.person_id).in_(people))
    ):
        found[person_id] = dialect
    return found


def keep(session: Session, person_id: UUID, dialect: str) -> bool:
    """Record how a person's calendar takes news from now on; whether that is new. Raises Refusal for no such way."""
    if dialect not in DIALECTS:
        raise Refusal("calendar.malformed", N_("Choose from the list."))
    if readers_of(session, [person_id])[person_id] == dialect:
        return False
    _write(session, person_id, dialect, over=DIALECTS)
    return True


def learn(session: Session, person_id: UUID, *, by: Actor, at: datetime) -> None:
    """Record that a person's calendar takes every message for the whole, as its answer shows. What was said stays."""
    if _write(session, person_id, REPLACE, over=(UNKNOWN,)):
        events.write(session, "person.updated", "person", person_id, by=by, at=at, changed=["calendar"])


def _write(session: Session, person_id: UUID, dialect: str, *, over: Collection[str]) -> bool:
    """Record it, where the present value is one of `over` or there is none; returns whether it was written."""
    wanted = insert(CalendarReader).values(
        program_id=program_of(session), id=uuid4(), person_id=person_id, dialect=dialect, version=1
    )
    written = scalar(
        session,
        wanted.on_conflict_do_update(
            index_elements=["program_id", "person_id"],
            set_={"dialect": dialect, "version": col(CalendarReader.version) + 1},
            where=col(CalendarReader.dialect).in_(over),
        ).returning(col(CalendarReader.id)),
    )
    return written is not None
