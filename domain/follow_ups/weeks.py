"""Weeks of a follow-up: each is known by its Monday, as a local day. No clock times, so no question of summer time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

WEEK = timedelta(days=7)


def monday_of(day: date) -> date:
    """The Monday of the week in which a local day falls."""
    return day - timedelta(days=day.weekday())


def sunday_of(week: date) -> date:
    """The last day of the week that begins on the Monday `week`."""
    return week + timedelta(days=6)


def weeks_between(first: date, last: date) -> Iterator[date]:
    """The Mondays of each week that has a day from `first` to `last`, both inclusive, in order."""
    week = monday_of(first)
    while week <= last:
        yield week
        week += WEEK


def weeks_ended(since: date, day: date) -> Iterator[date]:
    """The Mondays of the weeks that have a day from `since` on, and that are over on `day`."""
    return weeks_between(since, monday_of(day) - timedelta(days=1))
