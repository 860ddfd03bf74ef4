"""What is unusual in how people read: each pattern with its reason in words, for the privacy officer to look at.

A pattern is a hint and no verdict: someone on call reads at night, a new coordinator reads a lot. What is usual is
reckoned from the record itself: a person's own days, the program's own hours and calendar.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from statistics import median
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Date, cast, distinct, func, select
from sqlmodel import Session

from domain.kernel.calendars import Calendar, UnknownYear
from domain.kernel.program_calendar import calendar_of
from domain.kernel.scope import many, program, program_of
from domain.record.readings import files_of
from domain.record.reads import EXPORTED, READ
from domain.record.turned_away import REFUSED
from domain.roles.roles import never_began
from locales import N_
from models.base import table_of
from models.program import Tenure
from models.record import Event

#: How far back one looks for what is unusual, and how far for what is usual.
WINDOW: Final = timedelta(days=30)
HABIT: Final = timedelta(days=90)
#: A day of so many readings or fewer is never too many; above it, three times a person's usual is. What is read in one
#: act, such as a page that shows several files, is one reading.
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
    """One reading that stands out, with every reason that there is: an act, whatever number of lines it wrote.

    `line` is that of its lines of the record which has most reasons; `by_line` has those of each, by its number.
    """

    line: Mapping[str, Any]
    reasons: tuple[Reason, ...]
    by_line: Mapping[int, tuple[Reason, ...]]


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
    refused = _Refusals(session, lines, since=at - WINDOW - INSISTING, to=at)
    last_days = _last_days(session)
    acts: dict[tuple[UUID, int], list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        acts[line["actor_id"], line["xid"]].append(line)
    last_of_day = {(line["actor_id"], line["at"].astimezone(zone).date()): line["xid"] for line in lines}
    found = []
    for (actor_id, xid), act in acts.items():
        by_line = {}
        for line in act:
            there = line["at"].astimezone(zone)
            is_last = last_of_day[actor_id, there.date()] == xid
            by_line[line["n"]] = (
                # Once for the whole day: twelve readings that say the same would hide the one beside them.
                *(_too_many(there.date(), counted[actor_id]) if is_last else ()),
                *_odd_hour(there, calendar),
                *_outside(line),
                *refused.insisted(line),
                *_leaving(line, there.date(), last_days),
            )
        every = {reason.code: reason for reasons in by_line.values() for reason in reasons}
        if every:
            shown = max(act, key=lambda line: (len(by_line[line["n"]]), -line["n"]))
            found.append(Unusual(shown, tuple(every.values()), by_line))
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
    """How often each person read on each local day, by the acts in which they did."""
    day = cast(func.timezone(zone.key, _event.c.at), Date).label("day")
    rows = session.execute(
        select(_event.c.actor_id, day, func.count(distinct(_event.c.xid)).label("reads"))
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


class _Refusals:
    """When each person was refused what: by the thing, and by the participant's file that it belongs to."""

    def __init__(self, session: Session, lines: list[dict[str, Any]], *, since: datetime, to: datetime) -> None:
        rows = many(
            session,
            select(_event.c.n, _event.c.actor_id, _event.c.facts["asked"].astext.label("asked"), _event.c.at)
            .where(
                _event.c.program_id == program_of(session),
                _event.c.verb == REFUSED,
                _event.c.facts["asked"].astext.is_not(None),
                _event.c.at > since,
                _event.c.at <= to,
            )
            .order_by(_event.c.n),
        )
        asked = {UUID(row["asked"]) for row in rows}
        self._files = files_of(session, asked.union(*(_things(line) for line in lines))) if rows else {}
        self._found: dict[tuple[UUID, UUID], list[tuple[int, datetime]]] = defaultdict(list)
        for row in rows:
            for thing in self._and_files({UUID(row["asked"])}):
                self._found[row["actor_id"], thing].append((row["n"], row["at"]))

    def insisted(self, line: Mapping[str, Any]) -> list[Reason]:
        """Refused first, and read afterwards: the thing itself, its case, or whatever else of the same file."""
        times = {
            n
            for thing in self._and_files(_things(line))
            for n, moment in self._found.get((line["actor_id"], thing), ())
            if line["at"] - INSISTING <= moment < line["at"]
        }
        if not times:
            return []
        sentence = N_("after being refused it (refusals before: %(times)s)")
        return [Reason("insisted", sentence, {"times": len(times)})]

    def _and_files(self, things: Collection[UUID]) -> set[UUID]:
        return {*things, *(self._files[thing] for thing in things if thing in self._files)}


def _things(line: Mapping[str, Any]) -> set[UUID]:
    """What a line of a reading is about: the thing, and the case that it is of."""
    case = line["facts"].get("case")
    return {line["subject_id"], *([UUID(case)] if case else [])}


def _last_days(session: Session) -> Mapping[UUID, date]:
    """The last day in the program of everyone whose last day is known: none of their roles is open to the end."""
    rows = session.execute(
        select(_tenure.c.person_id, func.max(_tenure.c.ends_on).label("last_day"))
        .where(_tenure.c.program_id == program_of(session), ~never_began())
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


def _leaving(line: Mapping[str, Any], day: date, last_days: Mapping[UUID, date]) -> list[Reason]:
    last = last_days.get(line["actor_id"])
    if last is None or not day <= last <= day + LEAVING:
        return []
    return [Reason("leaving", N_("the reader’s last day is %(day)s"), {"day": last})]
