"""One clock for all machines: the database's, whatever a machine's own says, and however often it is set."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, create_engine, text

from adapters.clock import AGAIN_SECONDS, LOOK_SECONDS, DatabaseClock, steady
from tests.conftest import Database


class Steady:
    """Seconds that go on as they are told to."""

    def __init__(self) -> None:
        self.now = 5000.0

    def __call__(self) -> float:
        return self.now


def said_by(engine: Engine) -> datetime:
    with engine.connect() as connection:
        said = connection.scalar(text("select clock_timestamp()"))
    assert isinstance(said, datetime)
    return said


def yesterday() -> datetime:
    """The machine's own clock, which somebody has put a day back."""
    return datetime.now(UTC) - timedelta(days=1)


def test_it_is_the_databases_whatever_the_machines_own_says(database: Database) -> None:
    clock = DatabaseClock(database.engine, own=yesterday)
    clock.look()
    before, seen, after = said_by(database.engine), clock(), said_by(database.engine)
    assert before - timedelta(seconds=1) <= seen <= after + timedelta(seconds=1)
    assert seen.tzinfo is UTC


def test_between_two_looks_it_goes_on_with_the_seconds_that_no_one_sets(database: Database) -> None:
    seconds = Steady()
    clock = DatabaseClock(database.engine, seconds=seconds)
    clock.look()
    first = clock()
    seconds.now += 12.5
    assert clock() - first == timedelta(seconds=12.5)


def test_who_asks_waits_for_no_database_and_it_is_looked_at_again_now_and_then(database: Database) -> None:
    seconds = Steady()
    clock = DatabaseClock(database.engine, seconds=seconds)
    begun = threading.Event()
    looks: list[str] = []
    real = clock.look

    def look() -> None:
        looks.append(threading.current_thread().name)
        begun.wait(60)
        real()
        looks.append("looked")

    clock.look = look  # type: ignore[method-assign]
    assert abs(clock() - datetime.now(UTC)) < timedelta(seconds=60), "its own, until the database was reached"
    clock()
    assert looks == ["clock"], "one look at a time, and by none of those who ask"
    begun.set()
    for thread in threading.enumerate():
        if thread.name == "clock":
            thread.join(60)
    assert looks == ["clock", "looked"]
    seconds.now += LOOK_SECONDS - 1
    clock()
    assert len(looks) == 2
    seconds.now += 1
    clock()
    for thread in threading.enumerate():
        if thread.name == "clock":
            thread.join(60)
    assert looks == ["clock", "looked"] * 2


def test_a_database_that_is_away_leaves_it_as_it_was_and_is_asked_again_soon(database: Database) -> None:
    seconds = Steady()
    clock = DatabaseClock(database.engine, seconds=seconds)
    clock.look()
    clock._engine = create_engine("postgresql+psycopg://nobody@/nothing?host=/nonexistent")
    first = clock()
    seconds.now += 3600
    clock.look()
    assert clock() - first == timedelta(hours=1)
    assert clock._look_at <= seconds.now + AGAIN_SECONDS


def test_a_database_that_another_serves_by_now_is_followed_wherever_its_clock_stands(database: Database) -> None:
    """As after a failover to a machine whose clock is an hour off: what all share is right, also where it jumps."""
    seconds = Steady()
    clock = DatabaseClock(database.engine, seconds=seconds)
    clock.look()
    seconds.now += 3600  # by which the database did not go on
    clock.look()
    assert abs(clock() - said_by(database.engine)) < timedelta(seconds=60)


def test_what_asking_took_does_not_have_it_jump_about(database: Database) -> None:
    seconds = Steady()
    clock = DatabaseClock(database.engine, seconds=seconds)
    clock.look()
    first = clock._last
    assert first is not None
    clock._last = type(first)(first.said, first.at, 120.0)  # a look for whose answer it waited two minutes
    clock.look()
    assert clock._last.took == 120.0, "within what it took, the new one says nothing better"


def test_the_steady_seconds_go_on() -> None:
    first = steady()
    assert steady() >= first
