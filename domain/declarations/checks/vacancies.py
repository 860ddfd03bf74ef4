"""How long a role stood vacant, in working days: pure functions, without clock and session."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

from domain.declarations.checks.windows import Window
from domain.kernel import Calendar, Span, joined
from domain.terms import Promise

_DAY: Final = timedelta(days=1)


def longest_vacancy(
    window: Window,
    binding: Sequence[Span],
    held: Collection[Span],
    calendar: Calendar,
    on: date,
    promised: Sequence[Promise] = (),
    *,
    at_most: int | None = None,
    allowed_on: Callable[[date], int | None] | None = None,
) -> int:
    """The working days of a role's longest vacancy, up to the day `on` or the window's last.

    A vacancy is whole: it counts from its first day on which the clause bound the partner (`binding`: the days of every
    version, less those waived), also where that lies before the window. So New Year cuts no vacancy in two. One that
    had lasted longer than `at_most` before the window began was counted there: of it the window's own days count. With
    `allowed_on`, what the text of a day allows at most, a vacancy does not count that lasted no longer than the text of
    its last day allowed, though longer than `at_most`.

    A role is short on a day on which fewer hold it than the agreement promises (one, where it says nothing) and than
    held it together at some time before. Where no one had come yet, no one had left who would be replaced. More people
    than promised, as while a successor overlaps, are no breach, and one of them who leaves leaves no gap.
    """
    longest = 0
    for first, last in _stretches(window, binding, _gaps(held, on, promised)):
        days = calendar.working_days_between(first - _DAY, last)
        if at_most is not None and first < window.starts_on:
            before = calendar.working_days_between(first - _DAY, window.starts_on - _DAY)
            days -= before if before > at_most else 0
        allowed = allowed_on(last) if allowed_on is not None else None
        if at_most is None or allowed is None or not at_most < days <= allowed:
            longest = max(longest, days)
    return longest


def vacant_since(
    binding: Sequence[Span], held: Collection[Span], on: date, promised: Sequence[Promise] = ()
) -> date | None:
    """The first day of a role's present vacancy on the day `on`; None where there is none.

    Counted as `longest_vacancy` counts it, from the first day on which the clause bound the partner.
    """
    for gap in _gaps(held, on, promised):
        for span in binding:
            empty = span.within(gap)
            if empty is not None and empty.holds(on):
                return empty.starts_on
    return None


def _stretches(window: Window, binding: Sequence[Span], gaps: Sequence[Span]) -> Iterator[tuple[date, date]]:
    """The first and the last day of each gap that reaches into the window: whole before it, and cut at its end."""
    for gap in gaps:
        for span in binding:
            empty = span.within(gap)
            if empty is not None and any(empty.within(days) is not None for days in window.spans):
                assert empty.ends_on is not None  # noqa: S101 - a gap ends on the day that is judged at the latest
                yield empty.starts_on, min(empty.ends_on, window.ends_on or empty.ends_on)


def _gaps(held: Collection[Span], on: date, promised: Sequence[Promise]) -> tuple[Span, ...]:
    """The stretches up to the day `on` on which the role was short of a holder."""
    most, gaps = 0, []
    for first, following in pairwise(_turns([*held, *(promise.days for promise in promised)], on)):
        there = sum(one.holds(first) for one in held)
        most = max(most, there)
        if there < min(_wanted(promised, first), most):
            gaps.append(Span(first, following - _DAY))
    return joined(gaps)


def _turns(spans: Collection[Span], on: date) -> list[date]:
    """The days up to the one after `on` on which some of these spans begin, or are over, in order."""
    begin = {one.starts_on for one in spans}
    over = {one.ends_on + _DAY for one in spans if one.ends_on is not None}
    return sorted(turn for turn in begin | over | {on + _DAY} if turn <= on + _DAY)


def _wanted(promised: Sequence[Promise], day: date) -> int:
    """How many people the agreement promises on a day; one, where it says nothing."""
    return sum(promise.headcount for promise in promised if promise.days.holds(day)) if promised else 1
