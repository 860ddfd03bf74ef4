"""What is unusual in how people read: each pattern with its reason in words, for the privacy officer to look at.

A pattern is a hint and no verdict: someone on call reads at night, a new coordinator reads a lot. What is usual is
reckoned from the record itself: a person's own days, the program's own hours and calendar.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from statistics import median
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Date, cast, func, select
from sqlmodel import Session

from duties.calendars import Calendar, UnknownYear
from duties.here import many, program, program_of
from duties.reads import EXPORTED, READ
from duties.scheduling import calendar_of
from duties.turned_away import REFUSED
from locales import N_
from models.base import table_of
from models.program import Tenure
from models.record import Event

#: How far back one looks for what is unusual, and how far for what is usual.
WINDOW: Final = timedelta(days=30)
HABIT: Final = timedelta(days=90)
#: A day of so many readings or fewer is never too many; above it, three times a person's usual is.
NEVER_TOO_MANY: Final = 10
TIMES_THE_USUAL: Final = 3
#: Local times between which nobody is expected to read.
EVENING: Final = time(21, 0)
MORNING: Final = time(6, 0)
#: So long after a refusal to the same person and thing, reading it counts as insisted on.
INSISTING: Final = timedelta(days=7)
#: Who leaves within so many days has little need to read more.
LEAVING: Final = timedelta(days=14)

_event = table_of(Event)
_tenure = table_of(Tenure)


@dataclass(frozen=True)
class Reason:
    """Why a reading stands out. `sentence` is a msgid with its facts."""

    code: str
    sentence: str
    facts: Mapping[str, str | int | date]


@dataclass(frozen=True)
class Unusual:
    """One reading that stands out, by its line of the record, with every reason that there is."""

    line: Mapping[str, Any]
    reasons: tuple[Reason, ...]


def unusual_reads(session: Session, *, at: datetime) -> list[Unusual]:
    """The readings of the last 30 days that stand out: those with most reasons first, then the newest.

    Reads the record as it stands at `at`; moments are judged in the program's own time zone and calendar.
    """
    zone = ZoneInfo(program(session).time_zone)
    lines = _lines(session, since=at - WINDOW, to=at)
    if not lines:
        return []
    calendar = calendar_of(session)
    counted = _by_day(session, zone, since=at - HABIT, to=at)
    refused = _refusals(session, since=at - WINDOW - INSISTING, to=at)
    last_days = _last_days(session)
    found = []
    last_of_day = {(line["actor_id"], line["at"].astimezone(zone).date()): line["n"] for line in lines}
    for line in lines:
        there = line["at"].astimezone(zone)
        is_last = last_of_day[line["actor_id"], there.date()] == line["n"]
        reasons = [
            # Once for the whole day: twelve lines that say the same would hide the one beside them.
            *(_too_many(there.date(), counted[line["actor_id"]]) if is_last else ()),
            *_odd_hour(there, calendar),
            *_outside(line),
            *_insisted(line, refused),
            *_leaving(line, there.date(), last_days),
        ]
        if reasons:
            found.append(Unusual(line, tuple(reasons)))
    return sorted(found, key=lambda one: (-len(one.reasons), -one.line["n"]))


def _lines(session: Session, *, since: datetime, to: datetime) -> list[dict[str, Any]]:
    return many(
        session,
        select(_event)
        .where(
            _event.c.program_id == program_of(session),
            _event.c.verb.in_([READ, EXPORTED]),
            _event.c.at > since,
            _event.c.at <= to,
        )
        .order_by(_event.c.n),
    )


def _by_day(session: Session, zone: ZoneInfo, *, since: datetime, to: datetime) -> Mapping[UUID, Mapping[date, int]]:
    """How much each person read on each local day."""
    day = cast(func.timezone(zone.key, _event.c.at), Date).label("day")
    rows = session.execute(
        select(_event.c.actor_id, day, func.count().label("reads"))
        .where(
            _event.c.program_id == program_of(session),
            _event.c.verb.in_([READ, EXPORTED]),
            _event.c.at > since,
            _event.c.at <= to,
        )
        .group_by(_event.c.actor_id, day)
    )
    found: dict[UUID, dict[date, int]] = defaultdict(dict)
    for row in rows:
        found[row.actor_id][row.day] = row.reads
    return found


def _refusals(session: Session, *, since: datetime, to: datetime) -> Mapping[tuple[UUID, str], Sequence[datetime]]:
    """When each person was refused each thing."""
    rows = session.execute(
        select(_event.c.actor_id, _event.c.facts["asked"].astext.label("asked"), _event.c.at)
        .where(
            _event.c.program_id == program_of(session),
            _event.c.verb == REFUSED,
            _event.c.facts["asked"].astext.is_not(None),
            _event.c.at > since,
            _event.c.at <= to,
        )
        .order_by(_event.c.n)
    )
    found: dict[tuple[UUID, str], list[datetime]] = defaultdict(list)
    for row in rows:
        found[row.actor_id, row.asked].append(row.at)
    return found


def _last_days(session: Session) -> Mapping[UUID, date]:
    """The last day in the program of everyone whose last day is known: none of their roles is open to the end."""
    rows = session.execute(
        select(_tenure.c.person_id, func.max(_tenure.c.ends_on).label("last_day"))
        .where(_tenure.c.program_id == program_of(session))
        .group_by(_tenure.c.person_id)
        .having(func.count() == func.count(_tenure.c.ends_on))
    )
    return {row.person_id: row.last_day for row in rows}


def _too_many(day: date, days: Mapping[date, int]) -> list[Reason]:
    """Many more that day than this person's usual: the middle of their other days with any reading."""
    count = days.get(day, 0)
    others = [reads for other, reads in days.items() if other != day]
    usual = int(median(others)) if others else 0
    if count <= NEVER_TOO_MANY or count <= TIMES_THE_USUAL * usual:
        return []
    return [
        Reason(
            "many",
            N_("readings that day: %(count)s; usual for this person: %(usual)s"),
            {"count": count, "usual": usual},
        )
    ]


def _odd_hour(there: datetime, calendar: Calendar) -> list[Reason]:
    if there.time() >= EVENING or there.time() < MORNING:
        return [Reason("night", N_("at night"), {})]
    try:
        worked = calendar.is_working_day(there.date())
    except UnknownYear:
        worked = there.weekday() < 5  # noqa: PLR2004  # Saturday
    return [] if worked else [Reason("closed", N_("on a day that is not worked"), {})]


def _outside(line: Mapping[str, Any]) -> list[Reason]:
    if line["facts"].get("ground") != "purpose":
        return []
    return [Reason("outside", N_("outside the reader’s own follow-ups"), {})]


def _insisted(line: Mapping[str, Any], refused: Mapping[tuple[UUID, str], Sequence[datetime]]) -> list[Reason]:
    """Refused first, and read afterwards: the thing itself, or the case that it belongs to."""
    things = {str(line["subject_id"]), line["facts"].get("case", "")}
    times = sum(
        line["at"] - INSISTING <= moment < line["at"]
        for thing in things
        for moment in refused.get((line["actor_id"], thing), ())
    )
    if not times:
        return []
    return [Reason("insisted", N_("after being refused it (refusals before: %(times)s)"), {"times": times})]


def _leaving(line: Mapping[str, Any], day: date, last_days: Mapping[UUID, date]) -> list[Reason]:
    last = last_days.get(line["actor_id"])
    if last is None or not day <= last <= day + LEAVING:
        return []
    return [Reason("leaving", N_("the reader’s last day is %(day)s"), {"day": last})]
