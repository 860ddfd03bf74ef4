"""Looking in the record for who read what, and who was turned away: by person, by day, by the thing read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import false, func, or_, select
from sqlalchemy.sql.expression import ColumnElement
from sqlmodel import Session

from duties.here import many, moments_of, program_of
from duties.reads import EXPORTED, READ
from duties.turned_away import LEFT_OUT, REFUSED
from models.base import table_of
from models.record import Event, Seal, SentHead

READINGS: Final = (READ, EXPORTED)
REFUSALS: Final = (REFUSED, LEFT_OUT)

#: The years of which there may be a record.
_EARLIEST, _LATEST = 2000, 2100

_event = table_of(Event)
_seal = table_of(Seal)
_sent = table_of(SentHead)


@dataclass(frozen=True)
class Asked:
    """What one looks for. `thing` is what was read, or the case that it belongs to; `on` is a local day."""

    person_id: UUID | None = None
    on: date | None = None
    thing: UUID | None = None


@dataclass(frozen=True)
class Sealed:
    """How far the record is sealed: the last seal, and the last one that went out by letter."""

    number: int
    sealed_at: datetime
    mailed_on: date | None
    mailed_number: int | None


def find(
    session: Session, verbs: tuple[str, ...], asked: Asked, *, before: int, limit: int
) -> tuple[list[dict[str, Any]], int]:
    """The lines of these verbs that are asked for, older than line `before`, the newest first; and how many in all."""
    wanted = _wanted(session, verbs, asked)
    rows = many(session, select(_event).where(*wanted, _event.c.n < before).order_by(_event.c.n.desc()).limit(limit))
    total = session.execute(select(func.count()).select_from(_event).where(*wanted)).scalar_one()
    return rows, total


def sealed(session: Session) -> Sealed | None:
    """How far the record is sealed, or None where nothing is yet."""
    last = session.execute(
        select(_seal.c.number, _seal.c.sealed_at)
        .where(_seal.c.program_id == program_of(session))
        .order_by(_seal.c.number.desc())
        .limit(1)
    ).first()
    if last is None:
        return None
    mailed = session.execute(
        select(_sent.c.sent_on, _sent.c.number)
        .where(_sent.c.program_id == program_of(session))
        .order_by(_sent.c.sent_on.desc())
        .limit(1)
    ).first()
    return Sealed(last.number, last.sealed_at, mailed.sent_on if mailed else None, mailed.number if mailed else None)


def _wanted(session: Session, verbs: tuple[str, ...], asked: Asked) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [_event.c.program_id == program_of(session), _event.c.verb.in_(verbs)]
    if asked.person_id is not None:
        whose = [_event.c.actor_id == asked.person_id, _event.c.actor_for == asked.person_id]
        if verbs == REFUSALS:
            whose.append(_event.c.subject_id == asked.person_id)  # the round that counts the rest acts for nobody
        wanted.append(or_(*whose))
    if asked.thing is not None:
        named = [_event.c.facts[name].astext == str(asked.thing) for name in ("case", "asked")]
        wanted.append(or_(_event.c.subject_id == asked.thing, *named))
    if asked.on is not None and not _EARLIEST <= asked.on.year <= _LATEST:
        wanted.append(false())  # nothing was read then, and no moment is that far away
    elif asked.on is not None:
        first, after = moments_of(session, asked.on)
        wanted += [_event.c.at >= first, _event.c.at < after]
    return wanted
