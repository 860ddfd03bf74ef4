"""The year behind the demonstration, as it is planned before anything is written: it holds on every day of four years.

Loading it takes seconds, so that no test can load it on each day. What a rule refuses there is held here as well: who
is given a participant is far enough in their onboarding, holds the role, and does not leave soon.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session

from demo.cast import DemonstrationFile
from demo.loading import DEMONSTRATION_FILE, PROGRAM_FILE
from demo.people import Happening
from demo.year import Year
from domain.declarations.program_check import read_program
from domain.declarations.protocol import Protocol
from domain.declared.reading import load_declared
from domain.follow_ups.assigning import LEAVING
from flows.protocols import declared_protocols
from tests.cast import KEYS

PROGRAM: Final = read_program(PROGRAM_FILE).value
DEMO: Final = load_declared(DEMONSTRATION_FILE, DemonstrationFile).value
PROTOCOLS: Final = tuple(one.value for one in declared_protocols(PROGRAM))
CALENDAR: Final = PROGRAM.calendar()
ZONE: Final = ZoneInfo(PROGRAM.program.time_zone)

#: Four years hold a leap day, eight clock changes, and each holiday on several days of the week.
YEARS: Final = (2026, 2027, 2028, 2029)


@pytest.mark.ci
@pytest.mark.parametrize("year", YEARS)
def test_it_holds_on_every_day_of_the_year_on_which_it_is_loaded(year: int) -> None:
    first, last = date(year, 1, 1), date(year, 12, 31)
    wrong = [
        f"{day}: {fault}"
        for day in (first + timedelta(days=n) for n in range((last - first).days + 1))
        for fault in faults(day, plan(day))
    ]
    assert wrong == []


def test_a_follow_up_that_is_given_before_its_workers_onboarding_is_far_enough_would_be_seen() -> None:
    saturday = date(2026, 11, 28)
    planned = plan(saturday)
    before = [one for one in planned if ("emile", "confirm_notebook_and_guide") not in one[1].settles]
    assert any("emile" in fault for fault in faults(saturday, before))


def test_a_worker_who_leaves_soon_or_is_none_would_be_seen() -> None:
    day = date(2026, 11, 25)
    at = plan(day)[-1][0]
    late = Happening(at.astimezone(ZONE).date(), lambda _: None, takes_on=("elodie", "celeste"))
    found = list(faults(day, [*plan(day), (at, late)]))
    assert any("elodie" in fault for fault in found)
    assert any("celeste" in fault for fault in found)


# ------------------------------------------------------------------------------------------------- what must hold


def plan(today: date) -> list[tuple[datetime, Happening]]:
    """The year as it would be written on a day. Nothing of it happens: the session is of no database."""
    with Session(info={"keys": KEYS}) as session:
        return list(Year(session, PROGRAM, DEMO, PROTOCOLS, today).plan())


def faults(today: date, planned: list[tuple[datetime, Happening]]) -> Iterator[str]:
    """What a rule would refuse, or nobody would believe."""
    settled: set[tuple[str, str]] = set()
    moments = [at for at, _ in planned]
    if moments != sorted(set(moments)):
        yield "two things happen at once, or one before what stands above it"
    for at, one in planned:
        if at.astimezone(ZONE).date() != one.day or not one.day < today:
            yield f"what happens on {one.day} would be written at {at}"
        settled |= set(one.settles)
        for worker in one.takes_on:
            yield from _unfit(worker, one.day, today, settled)


def _unfit(worker: str, day: date, today: date, settled: set[tuple[str, str]]) -> Iterator[str]:
    held = [
        (one.starts.on(today, CALENDAR), one.ends.on(today, CALENDAR) if one.ends else date.max)
        for one in DEMO.tenures
        if (one.person, one.role) == (worker, "youth_worker")
    ]
    if not any(first <= day and day + LEAVING < last for first, last in held):
        yield f"{worker} is given a participant on {day}, and is no youth worker who stays"
    for away in DEMO.absences:
        if away.person == worker and away.starts.on(today, CALENDAR) <= day <= away.ends.on(today, CALENDAR):
            yield f"{worker} is given a participant on {day}, and is away"
    for case in DEMO.cases.values():
        if case.worker == worker:
            left = sorted(step for step in _gate(case.protocol) if (worker, step) not in settled)
            if left:
                yield f"{worker} is given a participant on {day}, before {', '.join(left)}"


def _gate(protocol: str) -> Iterator[str]:
    """The steps by people that a protocol's gates wait for: what the engine does, it does as soon as it may."""
    declared: Protocol = next(one for one in PROTOCOLS if one.protocol == protocol)
    for gate in declared.gates.values():
        yield from (step for step in gate.steps if declared.by_id[step].action is None)
