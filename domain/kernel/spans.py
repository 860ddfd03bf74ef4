"""Spans of local days, both ends inclusive: what two share, what one has without another, what follows on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import NamedTuple

_DAY = timedelta(days=1)


class Span(NamedTuple):
    """Days from the first to the last, or without an end."""

    starts_on: date
    ends_on: date | None

    def holds(self, day: date) -> bool:
        """Whether `day` is one of them."""
        return self.starts_on <= day and (self.ends_on is None or day <= self.ends_on)

    def within(self, other: Span) -> Span | None:
        """The days that are in both; None where there are none."""
        starts = max(self.starts_on, other.starts_on)
        ends = min((end for end in (self.ends_on, other.ends_on) if end is not None), default=None)
        return Span(starts, ends) if ends is None or starts <= ends else None

    def nearest(self, day: date) -> date:
        """`day` where it is one of them, else the nearest of them."""
        day = max(day, self.starts_on)
        return day if self.ends_on is None else min(day, self.ends_on)

    def without(self, others: Iterable[Span]) -> tuple[Span, ...]:
        """The days that are in none of `others`, in order."""
        left = [self]
        for other in others:
            left = [part for span in left for part in _cut(span, other)]
        return tuple(left)


def _cut(span: Span, other: Span) -> Iterator[Span]:
    """The part of a span that another does not cover."""
    if span.within(other) is None:
        yield span
        return
    if span.starts_on < other.starts_on:
        yield Span(span.starts_on, other.starts_on - _DAY)
    if other.ends_on is not None and (span.ends_on is None or other.ends_on < span.ends_on):
        yield Span(other.ends_on + _DAY, span.ends_on)


def joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Spans that follow each other without a day between them, joined into one."""
    found: list[Span] = []
    for span in spans:
        if found and found[-1].ends_on is not None and found[-1].ends_on + _DAY == span.starts_on:
            found[-1] = Span(found[-1].starts_on, span.ends_on)
        else:
            found.append(span)
    return tuple(found)
