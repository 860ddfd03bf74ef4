"""The program's statement for those who fund it (GV-6): counts over a closed year or quarter. Looked at, then released.

What was released is kept word for word in the record, and is all that ever leaves of its period: made anew after a
correction, it could be subtracted from the first.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func
from sqlmodel import Session

from domain.kernel import (
    Actor,
    Period,
    Refusal,
    col,
    in_program,
    inside,
    local_day,
    only,
    overlapping,
    period,
    program,
    program_of,
    run,
    scalar,
    select,
    tuples,
)
from domain.record import events
from locales import N_
from meetings.documents.content import Both
from meetings.statements.counting import open_tables
from meetings.statements.participants import participant_tables
from meetings.statements.tables import ProgramStatement, as_json, from_json
from models.agreement import AgreementVersion
from models.casework import Case
from models.meeting import Meeting
from models.record import Event

RELEASED: Final = "statement.released"


@dataclass(frozen=True)
class Release:
    """A statement as it left: when, who released it, and its digest."""

    statement: ProgramStatement
    at: datetime
    by_id: UUID | None
    digest: str


def periods(session: Session, on: date) -> list[Period]:
    """The years and quarters that are over by the local day `on` and of which something is on record, the newest first.

    Each year stands before its quarters.
    """
    first = _first_day(session)
    if first is None:
        return []
    found = [one for each in ("calendar_year", "quarter") for one in overlapping(each, first, on) if one.ends_on < on]
    return sorted(found, key=lambda one: (one.ends_on, one.ends_on - one.starts_on), reverse=True)


def look(session: Session, key: str, *, at: datetime) -> ProgramStatement:
    """The statement of a closed period as it would leave now: hidden counts are hidden here too. Raises Refusal."""
    on = local_day(session, at)
    asked, here = _closed(session, key, on), program(session)
    return ProgramStatement(
        program=Both(fr=here.title_fr, en=here.title_en),
        period=asked.key,
        starts_on=asked.starts_on,
        ends_on=asked.ends_on,
        on=on,
        tables=(*open_tables(session, asked, on), *participant_tables(session, asked)),
    )


def release(session: Session, key: str, *, digest: str, by: Actor, at: datetime) -> Release:
    """Let the statement of a period leave, as it was looked at: `digest` is of what was seen.

    Once a period, and for good. Raises Refusal: as `look`, released before, or no longer what was seen.
    """
    run(session, select(func.pg_advisory_xact_lock(func.hashtextextended(f"statement/{program_of(session)}", 0))))
    statement = look(session, key, at=at)
    if released(session, key) is not None:
        raise Refusal(
            "statement.released_already",
            N_("This statement was already released, and does not change: two of one period could be subtracted."),
        )
    if digest_of(statement) != digest:
        raise Refusal(
            "statement.changed",
            N_("Some counts have changed since you looked. Nothing was released: check them again."),
        )
    facts = {
        "period": key,
        "digest": digest,
        "content": json.dumps(as_json(statement), ensure_ascii=False, separators=(",", ":")),
    }
    events.write(session, "statement.released", "program", program_of(session), by=by, at=at, case_id=None, **facts)
    return Release(statement, at, by.person_id, digest)


_PERIOD: Final = inside(Event.facts)["period"].astext


def released(session: Session, key: str) -> Release | None:
    """What left of a period; None where nothing did."""
    return next(iter(_releases(session, key == _PERIOD)), None)


def released_days(session: Session, keys: Collection[str]) -> dict[str, datetime]:
    """When the statements of these periods left, of those that did."""
    left = only(Event.at, _PERIOD).where(
        Event.verb == RELEASED, Event.subject_id == program_of(session), _PERIOD.in_(keys)
    )
    return {key: at for at, key in tuples(session, left)}


def require_released(session: Session, key: str, on: date) -> Release:
    """What left of a period. Raises Refusal where nothing did yet, or never can."""
    found = released(session, key)
    if found is None:
        _closed(session, key, on)
        raise Refusal("statement.not_released", N_("The coordinator has not released this statement yet."))
    return found


def digest_of(statement: ProgramStatement) -> str:
    """A digest of the counts, on any day the same."""
    counts = {**as_json(statement), "on": ""}
    return hashlib.sha256(json.dumps(counts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _releases(session: Session, *conditions: ColumnElement[bool]) -> list[Release]:
    events_of = only(Event.at, Event.actor_id, Event.facts).where(Event.verb == RELEASED, *conditions)
    rows = tuples(session, events_of.where(Event.subject_id == program_of(session)).order_by(col(Event.n)))
    return [Release(from_json(json.loads(facts["content"])), at, by, facts["digest"]) for at, by, facts in rows]


def _closed(session: Session, key: str, on: date) -> Period:
    asked = period(key)
    if asked is None:
        raise Refusal("statement.no_period", N_("A statement is of a year, such as 2026, or of a quarter: 2026-Q3."))
    if asked.ends_on >= on:
        raise Refusal(
            "statement.not_over",
            N_("This period is not over on %(day)s: its counts are released only once it is."),
            day=on.isoformat(),
        )
    first = _first_day(session)
    if first is None or asked.ends_on < first:
        raise Refusal("statement.nothing", N_("Nothing is recorded for this period."))
    return asked


def _first_day(session: Session) -> date | None:
    """The first local day of which there is anything to count."""
    in_force = in_program(AgreementVersion), col(AgreementVersion.state).in_(["in_force", "ended"])
    begun = scalar(session, select(func.min(col(AgreementVersion.starts_on))).where(*in_force))
    met = scalar(session, select(func.min(col(Meeting.starts))).where(in_program(Meeting)))
    opened = scalar(session, select(func.min(col(Case.opened_at))).where(in_program(Case)))
    days = (begun, met.date() if met else None, local_day(session, opened) if opened else None)
    return min((day for day in days if day is not None), default=None)
