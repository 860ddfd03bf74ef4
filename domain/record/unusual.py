"""What is unusual in how people read: each pattern with its reason in words, for the privacy officer to look at.

A pattern is a hint and no verdict: a person on call reads at night, a new coordinator reads a lot. What is usual is
derived from the record itself: a person's own days, the program's own hours and calendar.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from statistics import median
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Date, cast, distinct, func
from sqlmodel import Session

from domain.kernel import Calendar, calendar_of, col, every, inside, of, only, program, run, surely, tuples, value_of
from domain.record.readings import files_of
from domain.record.reads import EXPORTED, READ
from domain.record.turned_away import REFUSED
from domain.roles import never_began
from locales import N_
from models.program import Tenure
from models.record import Event

#: How far back one looks for what is unusual, and how far for what is usual.
WINDOW: Final = timedelta(days=30)
HABIT: Final = timedelta(days=90)
#: A day of so many readings or fewer is never too many; above it, three times a person's usual is. What is read in one
#: act, such as a page that shows several files, is one reading.
NEVER_TOO_MANY: Final = 10
TIMES_THE_USUAL: Final = 3
#: Local times between which no one is expected to read.
EVENING: Final = time(21, 0)
MORNING: Final = time(6, 0)
#: For this long after a refusal to the same person and thing, reading it counts as insisted on.
INSISTING: Final = timedelta(days=7)
#: One who leaves within this many days has little need to read more.
LEAVING: Final = timedelta(days=14)


@dataclass(frozen=True)
class UnusualReading:
    """Why a reading stands out. `sentence` is a msgid with its facts."""

    code: str
    sentence: str
    facts: Mapping[str, str | int | date]


@dataclass(frozen=True)
class Unusual:
    """One act of reading that stands out, with all its reasons, however many lines it wrote.

    `line` is that of its lines of the record which has most reasons; `by_line` has those of each, by its number.
    """

    line: Event
    reasons: tuple[UnusualReading, ...]
    by_line: Mapping[int, tuple[UnusualReading, ...]]


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
    last_days = _last_days(session, lines)
    acts: dict[tuple[UUID, int | None], list[Event]] = defaultdict(list)
    for line in lines:
        acts[surely(line.actor_id), line.xid].append(line)
    last_of_day = {(line.actor_id, line.at.astimezone(zone).date()): line.xid for line in lines}
    found = []
    for (actor_id, xid), act in acts.items():
        by_line = {}
        for line in act:
            there = line.at.astimezone(zone)
            is_last = last_of_day[actor_id, there.date()] == xid
            by_line[surely(line.n)] = (
                # Once for the whole day: twelve readings that say the same would hide the one beside them.
                *(_too_many(there.date(), counted[actor_id]) if is_last else ()),
                *_odd_hour(there, calendar),
                *_outside(line),
                *refused.insisted(line),
                *_leaving(line, there.date(), last_days),
            )
        every = {reason.code: reason for reasons in by_line.values() for reason in reasons}
        if every:
            shown = max(act, key=lambda line: (len(by_line[n := surely(line.n)]), -n))
            found.append(Unusual(shown, tuple(every.values()), by_line))
    return sorted(found, key=lambda one: (-len(one.reasons), -surely(one.line.n)))


def _lines(session: Session, *, since: datetime, to: datetime) -> list[Event]:
    return every(
        session,
        of(Event)
        .where(col(Event.verb).in_([READ, EXPORTED]), col(Event.at) > since, col(Event.at) <= to)
        .order_by(col(Event.n)),
    )


def _by_day(session: Session, zone: ZoneInfo, *, since: datetime, to: datetime) -> Mapping[UUID, Mapping[date, int]]:
    """How often each person read on each local day, by the acts in which they did."""
    day = cast(func.timezone(zone.key, col(Event.at)), Date).label("day")
    rows = run(
        session,
        only(Event.actor_id, day, value_of(func.count(distinct(col(Event.xid))).label("reads")))
        .where(col(Event.verb).in_([READ, EXPORTED]), col(Event.at) > since, col(Event.at) <= to)
        .group_by(col(Event.actor_id), day),
    )
    found: dict[UUID, dict[date, int]] = defaultdict(dict)
    for row in rows:
        found[row.actor_id][row.day] = row.reads
    return found


class _Refusals:
    """When each person was refused what: by the thing, and by the participant's file that it belongs to."""

    def __init__(self, session: Session, lines: list[Event], *, since: datetime, to: datetime) -> None:
        rows = tuples(
            session,
            only(surely(Event.n), surely(Event.actor_id), inside(Event.facts)["asked"].astext, Event.at)
            .where(
                Event.verb == REFUSED,
                inside(Event.facts)["asked"].astext.is_not(None),
                col(Event.at) > since,
                col(Event.at) <= to,
            )
            .order_by(col(Event.n)),
        )
        asked = {UUID(thing) for _, _, thing, _ in rows}
        self._files = files_of(session, asked.union(*(_things(line) for line in lines))) if rows else {}
        self._found: dict[tuple[UUID, UUID], list[tuple[int, datetime]]] = defaultdict(list)
        for n, actor_id, asked_for, moment in rows:
            for thing in self._and_files({UUID(asked_for)}):
                self._found[actor_id, thing].append((n, moment))

    def insisted(self, line: Event) -> list[UnusualReading]:
        """A reading after a refusal: of the thing itself, its case, or anything else of the same file."""
        times = {
            n
            for thing in self._and_files(_things(line))
            for n, moment in self._found.get((surely(line.actor_id), thing), ())
            if line.at - INSISTING <= moment < line.at
        }
        if not times:
            return []
        sentence = N_("after being refused it (refusals before: %(times)s)")
        return [UnusualReading("insisted", sentence, {"times": len(times)})]

    def _and_files(self, things: Collection[UUID]) -> set[UUID]:
        return {*things, *(self._files[thing] for thing in things if thing in self._files)}


def _things(line: Event) -> set[UUID]:
    """The things that a line of a reading is about: the thing itself, and its case."""
    case = line.facts.get("case")
    return {line.subject_id, *([UUID(case)] if case else [])}


def _last_days(session: Session, lines: Collection[Event]) -> Mapping[UUID, date]:
    """The last day in the program of those readers of these lines who have one: each of their roles has an end."""
    rows = run(
        session,
        only(Tenure.person_id, func.max(col(Tenure.ends_on)).label("last_day"))
        .where(col(Tenure.person_id).in_({line.actor_id for line in lines}), ~never_began())
        .group_by(col(Tenure.person_id))
        .having(func.count() == func.count(col(Tenure.ends_on))),
    )
    return {row.person_id: row.last_day for row in rows}


def _too_many(day: date, days: Mapping[date, int]) -> list[UnusualReading]:
    """Many more that day than this person's usual: the median of their other days with any reading."""
    count = days.get(day, 0)
    others = [reads for other, reads in days.items() if other != day]
    usual = int(median(others)) if others else 0
    if count <= NEVER_TOO_MANY or count <= TIMES_THE_USUAL * usual:
        return []
    return [
        UnusualReading(
            "many",
            N_("readings that day: %(count)s; usual for this person: %(usual)s"),
            {"count": count, "usual": usual},
        )
    ]


def _odd_hour(there: datetime, calendar: Calendar) -> list[UnusualReading]:
    if there.time() >= EVENING or there.time() < MORNING:
        return [UnusualReading("night", N_("at night"), {})]
    return (
        [] if calendar.seems_worked(there.date()) else [UnusualReading("closed", N_("on a day that is not worked"), {})]
    )


def _outside(line: Event) -> list[UnusualReading]:
    if line.facts.get("ground") != "purpose":
        return []
    return [UnusualReading("outside", N_("outside the reader’s own follow-ups"), {})]


def _leaving(line: Event, day: date, last_days: Mapping[UUID, date]) -> list[UnusualReading]:
    last = last_days.get(surely(line.actor_id))
    if last is None or not day <= last <= day + LEAVING:
        return []
    return [UnusualReading("leaving", N_("the reader’s last day is %(day)s"), {"day": last})]
