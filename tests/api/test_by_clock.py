"""What runs at a time of day: once at the start and once a day, an hour after a fault, whatever the clock does."""

from __future__ import annotations

import sys
import time as clock
from datetime import datetime, time, timedelta

import pytest

from adapters.time_of_day import last_at, next_at
from api.cli import by_clock
from api.cli.by_clock import AtATimeOfDay
from tests.flows.support import eventually

HALF_PAST_TWO = time(2, 30)


def _runs(status: int) -> AtATimeOfDay:
    return AtATimeOfDay("copies", [sys.executable, "-c", f"raise SystemExit({status})"], {}, at=HALF_PAST_TWO)


def _ended(one: AtATimeOfDay) -> None:
    def is_over() -> bool:
        one.look(print)
        return one.running is None

    eventually(is_over)


def test_it_runs_at_the_start_and_then_at_its_hour() -> None:
    one = _runs(0)
    one.look(print)
    assert one.running is not None
    _ended(one)
    assert datetime.fromtimestamp(one.start_at, datetime.now().astimezone().tzinfo).time() == HALF_PAST_TWO
    assert one.start_at > clock.time()


def test_after_a_fault_it_is_looked_again_in_an_hour() -> None:
    one = _runs(1)
    one.look(print)
    before = clock.time()
    _ended(one)
    assert before < one.start_at <= clock.time() + by_clock.AGAIN_SECONDS


def test_it_is_started_at_its_hour_and_not_before() -> None:
    early, due = _runs(0), _runs(0)
    early.start_at, due.start_at = clock.time() + 100, clock.time()
    for one in (early, due):
        one.look(print)
    assert early.running is None
    assert due.running is not None
    due.running.wait()


def test_a_clock_that_goes_back_by_days_holds_nothing_up() -> None:
    one = _runs(0)
    one.start_at = clock.time() + 3 * 86_400
    one.look(print)
    assert one.running is not None
    one.running.wait()


@pytest.mark.parametrize("hour", range(0, 24, 5))
def test_the_last_and_the_next_time_are_a_day_apart_with_now_between(hour: int) -> None:
    now = datetime(2026, 11, 30, hour, 30).astimezone()
    last, coming = last_at(HALF_PAST_TWO, now), next_at(HALF_PAST_TWO, now)
    assert last <= now < coming
    assert coming - last == timedelta(days=1)
