"""What of somebody's readings another person hears of, and that a hard week is none: on weeks that are made up.

`Weeks` makes a program of thirty people work for a week from a seed: sittings, triage, visits, calls at night, some who
stand in for others, hand-overs. What they do besides reading makes their habit; what they read is looked at as the
watch does.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Final
from uuid import UUID

import pytest
from sqlmodel import Session

from adapters.database import program_session
from demo.loading import Demonstration
from domain.declarations.program import Rate, Rates
from domain.kernel.rows import col, every, of, replaced, surely
from domain.participants.patterns import Distance, Habit, Kind, Look, patterns_in
from domain.participants.watching import looks_of
from locales import ZONE
from models.base import table_of
from models.record import Event
from tests.cast import KEYS, letter_templates
from tests.conftest import Copies

_event = table_of(Event)

MONDAY: Final = datetime(2026, 11, 23)  # noqa: DTZ001 - local time, as the patterns are of
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
COORDINATOR: Final = Rates().rate_of("coordinator")
WORKER: Final = Rates().rate_of("youth_worker")
ALWAYS: Final = MONDAY - timedelta(days=400)


def _works(day: date) -> bool:
    return day.weekday() < 5


#: Somebody who works from nine to five, and has for months.
BY_DAY: Final = Habit.of(
    [
        MONDAY - timedelta(days=7 * week + day) + HOUR * hour
        for week in range(12)
        for day in (3, 4, 5, 6, 7)
        for hour in range(9, 17)
    ],
    _works,
)


def _looks(
    count: int,
    *,
    at: datetime = MONDAY + 10 * HOUR,
    every: timedelta = timedelta(minutes=2),
    distance: Distance = "usual",
) -> list[Look]:
    return [Look(at + every * n, UUID(int=n), distance, _works(at.date())) for n in range(count)]


def _told(
    looks: Sequence[Look], rate: Rate = WORKER, habit: Habit = BY_DAY, heard_at: datetime | None = None
) -> list[Kind]:
    return [one.kind for one in patterns_in(looks, rate, lambda: habit, since=ALWAYS, heard_at=heard_at)]


# --------------------------------------------------------------------------------------------------- what is a pattern


@pytest.mark.parametrize(
    ("looks", "rate", "expected"),
    [
        (_looks(20, distance="near"), COORDINATOR, []),
        (_looks(14), COORDINATOR, []),
        (_looks(15), COORDINATOR, ["many"]),
        (_looks(45, every=timedelta(minutes=1), distance="near"), COORDINATOR, ["many"]),
        (_looks(15, every=timedelta(seconds=30), distance="near"), COORDINATOR, ["many"]),
        (_looks(4), WORKER, []),
        (_looks(5), WORKER, ["many"]),
        (_looks(14, distance="near", every=timedelta(minutes=4)), WORKER, []),
        (_looks(2, distance="far"), WORKER, []),
        (_looks(3, distance="far"), WORKER, ["far"]),
        (_looks(5, distance="far", every=3 * HOUR), WORKER, ["far"]),
        (_looks(9, distance="far", every=16 * HOUR), WORKER, []),
        (_looks(1, at=MONDAY + 27 * HOUR, distance="far"), WORKER, []),
        (_looks(2, at=MONDAY + 27 * HOUR, distance="far"), WORKER, ["hours"]),
        (_looks(2, at=MONDAY + 27 * HOUR), WORKER, []),
        (_looks(3, at=MONDAY + 27 * HOUR), WORKER, ["hours"]),
        (_looks(3, at=MONDAY + 27 * HOUR, distance="near"), WORKER, []),
        (_looks(6, at=MONDAY + 27 * HOUR, distance="near"), WORKER, ["hours"]),
        (_looks(3, at=MONDAY + 5 * DAY + 10 * HOUR), WORKER, ["hours"]),
    ],
)
def test_a_pattern_is_many_files_unusual_hours_or_files_far_from_ones_work(
    looks: list[Look], rate: Rate, expected: list[Kind]
) -> None:
    assert _told(looks, rate) == expected


@pytest.mark.parametrize(("rate", "an_hour"), [(WORKER, 4), (COORDINATOR, 14)])
def test_who_stays_just_below_the_hour_is_heard_of_the_same_day_and_across_midnight(rate: Rate, an_hour: int) -> None:
    """A drip, each hour one file fewer than is told: in working hours, and around midnight by who works then."""
    every = HOUR / an_hour + timedelta(seconds=1)
    assert _told(_looks(an_hour, every=every), rate) == []
    assert _told(_looks(3 * an_hour, every=every), rate) == ["steady"]
    owl = Habit.of([MONDAY - DAY * day + HOUR * hour for day in range(1, 60) for hour in (21, 22, 23, 0, 1)], _works)
    assert "steady" in _told(_looks(3 * an_hour, at=MONDAY + 22 * HOUR, every=every), rate, owl)


def test_a_few_every_day_that_are_nobodys_part_are_heard_of_within_the_week() -> None:
    by_day = [
        Look(look.at + DAY * day, UUID(int=day * 100 + n), "usual", True)
        for day in range(5)
        for n, look in enumerate(_looks(6, every=HOUR))
    ]
    assert _told(by_day[:24]) == []
    assert _told(by_day) == ["steady"]


def test_an_hour_is_unusual_for_that_person_and_not_for_another() -> None:
    by_night = Habit.of(
        [MONDAY - timedelta(days=day) + HOUR * hour for day in range(1, 60) for hour in (22, 23, 1, 2)], _works
    )
    night, morning = _looks(3, at=MONDAY + 23 * HOUR), _looks(3, at=MONDAY + 10 * HOUR)
    assert (_told(night, habit=BY_DAY), _told(morning, habit=BY_DAY)) == (["hours"], [])
    assert (_told(night, habit=by_night), _told(morning, habit=by_night)) == ([], ["hours"])


def test_of_somebody_new_only_the_night_and_closed_days_are_unusual() -> None:
    assert _told(_looks(3, at=MONDAY + 19 * HOUR), habit=Habit()) == []
    assert _told(_looks(3, at=MONDAY + 22 * HOUR), habit=Habit()) == ["hours"]


def test_the_same_file_again_and_again_is_one_file() -> None:
    again = [Look(MONDAY + 10 * HOUR + timedelta(minutes=n), UUID(int=7), "far") for n in range(40)]
    assert _told(again) == []


def test_what_was_told_before_counts_no_more() -> None:
    looks = _looks(9)
    assert _told(looks, heard_at=looks[4].at) == []
    assert _told(looks, heard_at=looks[3].at) == ["many"]


def test_what_was_looked_at_before_is_no_news() -> None:
    looks = _looks(5)
    assert patterns_in(looks, WORKER, lambda: BY_DAY, since=looks[-1].at) == []


# ---------------------------------------------------------------------------------------------------- made-up weeks


@dataclass
class Person:
    """Somebody of the made-up program, and what they did: moments of acts, and what they read."""

    rate: Rate
    starts: int
    ends: int
    acts: list[datetime] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)


class Weeks:
    """A busy program, from a seed. Every reading is an act as well."""

    WORKERS = 18
    SITTING = 6
    MANAGERS = 5

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - what is made up is to be the same again
        self.files = [UUID(int=self.chance.getrandbits(128)) for _ in range(160)]
        self.coordinator = Person(COORDINATOR, 7, 19)
        self.workers = [self._person(WORKER) for _ in range(self.WORKERS)]
        self.sitting = [self._person(WORKER) for _ in range(self.SITTING)]
        self.managers = [self._person(WORKER) for _ in range(self.MANAGERS)]
        self.follows = {id(one): self.chance.sample(self.files, self.chance.randint(4, 11)) for one in self.workers}

    def _person(self, rate: Rate) -> Person:
        starts = self.chance.randint(7, 10)
        return Person(rate, starts, starts + self.chance.randint(7, 10))

    @property
    def people(self) -> list[Person]:
        """Everyone."""
        return [self.coordinator, *self.workers, *self.sitting, *self.managers]

    def live(self, monday: datetime) -> None:
        """One week, in which everyone is busy."""
        on_the_agenda = self.chance.sample(self.files, self.chance.randint(12, 24))
        for day in range(5):
            today = monday + DAY * day
            for one in self.people:
                self._day(one, today)
            self._coordinates(today, on_the_agenda if day == 1 else [])
            if day == 2:
                self._sits(today, on_the_agenda)
            for one in self.workers:
                self._accompanies(one, today)
        self._on_call(monday)
        self._stands_in(monday)
        self._hands_over(monday)

    def _moment(self, one: Person, day: datetime) -> datetime:
        ends = one.ends + (self.chance.choice([2, 3]) if self.chance.random() < 0.08 else 0)  # an evening now and then
        return day + timedelta(seconds=self.chance.randint(one.starts * 3600, ends * 3600))

    def _day(self, one: Person, day: datetime) -> None:
        one.acts += [self._moment(one, day) for _ in range(self.chance.randint(12, 40))]

    def _read(self, one: Person, at: datetime, files: Sequence[UUID], distance: Distance, seconds: int = 150) -> None:
        for file in files:
            at += timedelta(seconds=self.chance.randint(seconds // 3, seconds * 2))
            one.looks.append(Look(at, file, distance, _works(at.date())))
            one.acts.append(at)

    def _coordinates(self, day: datetime, prepares: Sequence[UUID]) -> None:
        me, some = self.coordinator, self.chance.randint
        for _ in range(some(2, 5)):  # the triage, a call of a worker, a question of a partner
            self._read(me, self._moment(me, day), self.chance.sample(self.files, some(1, 3)), "usual")
        for _ in range(some(0, 4)):
            self._read(me, self._moment(me, day), self.chance.sample(self.files, 1), "near")
        if self.chance.random() < 0.3:  # somebody of before calls back, or their worker asks
            self._read(me, self._moment(me, day), self.chance.sample(self.files, some(1, 2)), "far")
        if prepares:
            self._read(me, day + HOUR * 13, prepares, "near", seconds=120)

    def _sits(self, day: datetime, on_the_agenda: Sequence[UUID]) -> None:
        for one in self.sitting:
            read = self.chance.sample(list(on_the_agenda), min(len(on_the_agenda), self.chance.randint(4, 14)))
            self._read(one, day + timedelta(hours=9.5), read, "near", seconds=360)

    def _accompanies(self, one: Person, day: datetime) -> None:
        own = self.follows[id(one)]
        for _ in range(self.chance.randint(1, 4)):
            self._read(one, self._moment(one, day), self.chance.sample(own, self.chance.randint(1, 3)), "near")
        if self.chance.random() < 0.08:  # a colleague's participant calls
            self._read(one, self._moment(one, day), self.chance.sample(self.files, 1), "usual")

    def _on_call(self, monday: datetime) -> None:
        """Somebody is on call at night and at the weekend, and looks up whoever calls."""
        one = self.chance.choice(self.workers)
        for night in range(7):
            if self.chance.random() < 0.5:
                at = monday + DAY * night + HOUR * self.chance.choice([20, 22, 23, 26, 29])
                self._read(one, at, self.chance.sample(self.follows[id(one)], self.chance.randint(1, 2)), "near")
        if self.chance.random() < 0.2:
            at = monday + DAY * 5 + HOUR * 11
            self._read(one, at, self.chance.sample(self.files, 1), "usual")

    def _stands_in(self, monday: datetime) -> None:
        """A worker stands in for another, and reads all of theirs in one morning."""
        one, other = self.chance.sample(self.workers, 2)
        self._read(one, monday + HOUR * 9.5, self.follows[id(other)], "near", seconds=240)

    def _hands_over(self, monday: datetime) -> None:
        """Whoever takes over a part of a leaver's follow-ups reads them before they are theirs."""
        one, other = self.chance.sample(self.workers, 2)
        taken = self.chance.sample(self.follows[id(other)], min(4, len(self.follows[id(other)])))
        self._read(one, monday + DAY * self.chance.randint(0, 4) + HOUR * 14, taken, "usual", seconds=400)


def letters_about(one: Person, since: datetime) -> Iterator[datetime]:
    """When a letter about somebody is written: at the first reading that makes a pattern, once an hour at most."""
    looks = sorted(one.looks, key=lambda look: look.at)
    habit = cache(lambda: Habit.of([at for at in one.acts if at < since], _works))
    heard_at: datetime | None = None
    for place, look in enumerate(looks):
        if look.at < since or (heard_at is not None and look.at < heard_at + HOUR):
            continue
        before = [seen for seen in looks[: place + 1] if seen.at > look.at - 7 * DAY]
        begins = look.at - HOUR if heard_at is None else max(heard_at, look.at - HOUR)
        if patterns_in(before, one.rate, habit, since=begins, heard_at=heard_at):
            heard_at = look.at
            yield look.at


def _lived(seed: int, weeks: int) -> tuple[Weeks, datetime]:
    """A program that has worked for twelve weeks, and then for the weeks that are measured; and when these begin."""
    made_up = Weeks(seed)
    for week in range(-12, weeks):
        made_up.live(MONDAY + DAY * 7 * week)
    return made_up, MONDAY


def _letters_and_readings(seed: int, weeks: int) -> tuple[int, int]:
    """How many letters there would be, and how many readings: fewer than all acts, so that it is measured strictly."""
    made_up, since = _lived(seed, weeks)
    letters = sum(len(list(letters_about(one, since))) for one in made_up.people)
    return letters, sum(1 for one in made_up.people for look in one.looks if look.at >= since)


@pytest.mark.ci
def test_a_busy_week_raises_fewer_than_one_letter_in_a_thousand_acts() -> None:
    letters, readings = _letters_and_readings(20261123, weeks=2)
    assert readings > 1_000
    assert letters * 1_000 < readings, f"{letters} letters in {readings} readings"


@pytest.mark.ci
@pytest.mark.parametrize("seed", range(3))
def test_busy_weeks_of_any_seed_raise_fewer_than_one_letter_in_a_thousand_acts(seed: int) -> None:
    letters, readings = _letters_and_readings(seed, weeks=8)
    assert letters * 1_000 < readings, f"{letters} letters in {readings} readings"


@pytest.mark.parametrize("seed", range(3))
def test_a_coordinator_who_reads_twenty_files_before_a_sitting_is_no_pattern(seed: int) -> None:
    made_up, since = _lived(seed, weeks=1)
    me = made_up.coordinator
    me.looks = [look for look in me.looks if look.at < since]
    made_up._coordinates(since + DAY, made_up.files[:20])
    assert list(letters_about(me, since)) == []


@pytest.mark.parametrize("kind", ["at once", "at night", "one after another", "by and by"])
def test_somebody_who_takes_files_away_in_a_busy_week_is_heard_of(kind: str) -> None:
    """A worker in the midst of the same busy week, who copies what is not theirs."""
    made_up, since = _lived(7, weeks=1)
    one = made_up.workers[0]
    others = [file for file in made_up.files if file not in made_up.follows[id(one)]]
    plans: dict[str, tuple[datetime, timedelta, int, Distance]] = {
        "at once": (since + 10 * HOUR, timedelta(minutes=2), 12, "usual"),
        "at night": (since + 26 * HOUR, timedelta(minutes=5), 3, "far"),
        "one after another": (since + 11 * HOUR, timedelta(minutes=15), 4, "far"),
        "by and by": (since + 10 * HOUR, timedelta(hours=12), 12, "far"),
    }
    begins, every, count, distance = plans[kind]
    for n in range(count):
        at = begins + every * n
        one.looks.append(Look(at, others[n], distance, _works(at.date())))
    assert list(letters_about(one, since))


@pytest.mark.nightly
def test_the_year_of_the_demonstration_raises_fewer_than_one_letter_in_a_thousand_acts(
    copies: Copies, template: str
) -> None:
    """Measured strictly: as if whoever did anything in a file had opened it too."""
    at = datetime(2027, 1, 4, 14, 0, tzinfo=UTC)
    with copies.of(template) as database:
        program_id = Demonstration(database.engine, letter_templates(), at=at, keys=KEYS).load()
        with program_session(database.engine, program_id) as session:
            session.info["keys"] = KEYS
            rows = every(
                session, of(Event).where(col(Event.actor_id).is_not(None)).order_by(col(Event.at), col(Event.n))
            )
            letters = sum(
                len(list(_letters_of_a_year(session, reader, rows)))
                for reader in {surely(row.actor_id) for row in rows}
            )
    assert len(rows) > 500
    assert letters * 1_000 < len(rows), f"{letters} letters in {len(rows)} acts"


def _letters_of_a_year(session: Session, reader: UUID, rows: Sequence[Event]) -> Iterator[datetime]:
    ground = {"youth_worker": "part", "coordinator": "role"}
    theirs = [
        replaced(row, facts={"ground": ground.get(row.actor_as, "committee")}) for row in rows if row.actor_id == reader
    ]
    for week in range(-55, 2):
        begins = datetime(2027, 1, 4, 5, 0, tzinfo=UTC) + DAY * 7 * week
        of_these_days = [row for row in theirs if begins - DAY * 7 <= row.at < begins + DAY * 7]
        if not any(row.at >= begins for row in of_these_days):
            continue
        ends = begins + DAY * 7
        one = Person(Rates().rate_of(of_these_days[-1].actor_as), 0, 0)
        one.looks = looks_of(session, reader, of_these_days, at=ends)
        one.acts = [row.at.astimezone(ZONE) for row in theirs]
        yield from letters_about(one, begins.astimezone(ZONE))
