"""Posts that an agreement promises, and how many days of them were vacant: pure values, no session.

A day on which one of two promised people is missing is one person-day. An absence empties no post: its holder has a
deputy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from domain.kernel import Span


@dataclass(frozen=True)
class Promise:
    """How many people are promised for a role, on the days on which one version of an agreement is in force."""

    days: Span
    headcount: int


@dataclass(frozen=True)
class PersonDays:
    """How many person-days were promised, and on how many of these the role was not held."""

    promised: int
    empty: int


def person_days(promises: Sequence[Promise], held: Iterable[Span], within: Sequence[Span]) -> PersonDays:
    """The calendar days of a role, over the days `within`; `held` are the tenures of all its holders.

    More people than promised make up for no other day. Raises ValueError where `within` has no end.
    """
    tenures = list(held)
    promised = empty = 0
    for day in _days(within):
        wanted = sum(promise.headcount for promise in promises if promise.days.holds(day))
        there = sum(tenure.holds(day) for tenure in tenures)
        promised += wanted
        empty += max(0, wanted - there)
    return PersonDays(promised, empty)


def _days(spans: Sequence[Span]) -> Iterator[date]:
    for span in spans:
        if span.ends_on is None:
            raise ValueError("days without an end cannot be counted")
        for n in range((span.ends_on - span.starts_on).days + 1):
            yield span.starts_on + timedelta(days=n)
