"""Pictures of numbers over time, drawn as SVG without any words in it: what is read stands around it as text.

A picture fills the width that it is given, so that it is legible on a telephone as on a desk. What it shows also stands
in a table. No two things in it differ by colour alone: one is above the other, or inside it, or hollow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from markupsafe import Markup

WIDE: Final = 1000
HIGH: Final = 100
_MOST_TICKS: Final = 6
_DAY: Final = timedelta(days=1)
#: No mark stands so far to the right that its name would not fit.
_LAST_TICK: Final = 0.86
#: From so many days on, the axis tells years, and not months; and months, and not weeks.
_OF_YEARS: Final = 500
_OF_MONTHS: Final = 75


@dataclass(frozen=True)
class Span:
    """The days from one to before another, as one bar has them."""

    first: date
    after: date
    name: str


@dataclass(frozen=True)
class Tick:
    """A mark under a picture, at so many percent of its width."""

    at: str
    name: str


@dataclass(frozen=True)
class Axis:
    """The days that a picture shows, both inclusive."""

    first: date
    last: date

    def x(self, day: date) -> int:
        """Where a day begins."""
        whole = (self.last - self.first).days + 1
        return round(min(max((day - self.first).days / whole, 0), 1) * WIDE)

    def ticks(self) -> list[Tick]:
        """The marks under it: few enough for a telephone."""
        days = (self.last - self.first).days
        if days >= _OF_YEARS:
            found = [(date(year, 1, 1), str(year)) for year in range(self.first.year, self.last.year + 1)]
        elif days >= _OF_MONTHS:
            found = [(day, f"{day:%b %Y}") for day in months_between(self.first, self.last)]
        else:
            weeks = (self.first + timedelta(days=7 * n) for n in range(days // 7 + 1))
            found = [(day, f"{day.day} {day:%b}") for day in weeks]
        inside = [(day, name) for day, name in found if day >= self.first and self.x(day) <= _LAST_TICK * WIDE]
        each = -(-len(inside) // _MOST_TICKS) or 1
        return [Tick(f"{self.x(day) * 100 / WIDE:.1f}", name) for day, name in inside[::each]]


def months_between(first: date, last: date) -> list[date]:
    """The first days of the months from that of one day to that of another."""
    counts = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [date(count // 12, count % 12 + 1, 1) for count in counts]


def month_after(day: date) -> date:
    """The first day of the month after that of a day."""
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)


# ------------------------------------------------------------------------------------------------------- what is drawn


def steps(axis: Axis, layers: Sequence[tuple[str, Sequence[tuple[date, float]]]], most: float, says: str) -> Markup:
    """How things stood: each layer from the bottom, with what it is called in the style sheet; a part after its whole.

    A value holds until the next one.
    """
    drawn = (f'<path class="{name}" d="{_stairs(axis, points, most)}"/>' for name, points in layers if points)
    return _svg("".join(drawn), says)


def _stairs(axis: Axis, points: Sequence[tuple[date, float]], most: float) -> str:
    """A staircase from the bottom and back to it; a day on which nothing changed adds nothing."""
    told = [f"M{axis.x(points[0][0])} {HIGH}"]
    before = HIGH
    for day, value in points:
        y = _y(value, most)
        if y != before:
            told.append(f"H{axis.x(day)}V{y}")
            before = y
    return "".join([*told, f"H{WIDE}V{HIGH}Z"])


def bars(
    axis: Axis, spans: Sequence[Span], layers: Sequence[tuple[str, Sequence[float]]], most: float, says: str
) -> Markup:
    """What happened in each span: the layers upon each other, the first at the bottom."""
    drawn = []
    below = [0.0] * len(spans)
    for name, values in layers:
        parts = []
        for place, (span, value) in enumerate(zip(spans, values, strict=True)):
            if value:
                parts.append(_bar(axis, span, _y(below[place] + value, most), _y(below[place], most)))
                below[place] += value
        if parts:
            drawn.append(f'<path class="{name}" d="{"".join(parts)}"/>')
    return _svg("".join(drawn), says)


def up_and_down(
    axis: Axis, spans: Sequence[Span], ups: Sequence[float], downs: Sequence[float], most: float, says: str
) -> Markup:
    """What came and what went in each span: above the line in the middle, and below it."""
    middle = HIGH // 2
    up = "".join(
        _bar(axis, span, middle - round(value / most * middle), middle)
        for span, value in zip(spans, ups, strict=True)
        if value
    )
    down = "".join(
        _bar(axis, span, middle, middle + round(value / most * middle))
        for span, value in zip(spans, downs, strict=True)
        if value
    )
    line = f'<path class="middle" d="M0 {middle}H{WIDE}"/>'
    return _svg(f'<path class="first" d="{up}"/><path class="part" d="{down}"/>{line}', says)


def _bar(axis: Axis, span: Span, top: int, bottom: int) -> str:
    left, right = axis.x(span.first), axis.x(span.after)
    gap = min(4, (right - left) // 4)
    return f"M{left + gap} {bottom}V{min(top, bottom - 1)}H{max(right - gap, left + gap + 1)}V{bottom}Z"


def _y(value: float, most: float) -> int:
    return HIGH - round(value / most * HIGH)


def _svg(drawn: str, says: str) -> Markup:
    return Markup(  # noqa: S704 - paths of numbers, and class names of ours
        f'<svg viewBox="0 0 {WIDE} {HIGH}" preserveAspectRatio="none" role="img" aria-label="{{}}">{drawn}</svg>'
    ).format(says)


def ceiling(values: Sequence[float]) -> float:
    """A round number that none of them is above: 1, 2 or 5, and noughts."""
    highest = max(values, default=0)
    if highest <= 1:
        return 1
    unit = 10 ** (len(str(int(highest))) - 1)
    return next(float(step * unit) for step in (1, 2, 3, 4, 5, 6, 8, 10, 20) if step * unit >= highest)
