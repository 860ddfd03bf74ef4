"""A figure of the page: pictures side by side, what they mean, and their numbers as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

from markupsafe import Markup

from simulation import pictures
from simulation.counted import Week, Years
from simulation.pictures import Axis, Span, Tick

_DAY: Final = timedelta(days=1)
#: Up to so many days what happened is told by week, and above by month.
_BY_WEEK: Final = 190
#: A table has a row for each span, or where there are more, for each year.
_MOST_ROWS: Final = 24
_NONE: Final = "none"


@dataclass(frozen=True)
class Cell:
    """A cell of a table. `is_seconds`: what it took, which alone differs from run to run."""

    text: str
    is_seconds: bool = False


@dataclass(frozen=True)
class Table:
    """A table; the first cell of a row is its head."""

    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Cell | str]]
    words: int = 1  # how many of its columns hold words, and not numbers
    is_folded: bool = False


@dataclass(frozen=True)
class Panel:
    """One picture, with its name and its numbers in words."""

    name: str
    says: str
    most: str
    drawn: Markup


@dataclass(frozen=True)
class Legend:
    """What a part of a picture is called: the name of its look, and its own."""

    look: str
    name: str


@dataclass(frozen=True)
class Figure:
    """Pictures that are read together."""

    title: str
    says: str
    panels: Sequence[Panel] = ()
    legend: Sequence[Legend] = ()
    ticks: Sequence[Tick] = ()
    table: Table | None = None
    is_wide: bool = False


@dataclass(frozen=True)
class Chapter:
    """A part of the page."""

    id: str
    title: str
    says: str
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()


Count = Callable[[Week], float | None]


@dataclass(frozen=True)
class Series:
    """What is counted of each week, by name."""

    name: str
    count: Count


@dataclass
class Drawing:
    """Draws the figures of some years."""

    years: Years
    first: date
    last: date
    axis: Axis = field(init=False)
    spans: list[Span] = field(init=False)

    def __post_init__(self) -> None:
        self.axis = Axis(self.first, self.last)
        self.weeks: Sequence[Week] = self.years.weeks
        self.is_by_week = (self.last - self.first).days <= _BY_WEEK
        self.spans = self._weeks() if self.is_by_week else self.months

    @property
    def months(self) -> list[Span]:
        """The months of the years, each from its first day."""
        months = pictures.months_between(self.first, self.last)
        return [Span(day, pictures.month_after(day), f"{day:%b %Y}") for day in months]

    def _weeks(self) -> list[Span]:
        ends = [week.day for week in self.weeks]
        return [Span(a + _DAY, b + _DAY, f"to {b.day} {b:%b %Y}") for a, b in pairwise(ends)]

    @property
    def each(self) -> str:
        """How often a bar is, in a word."""
        return "week" if self.is_by_week else "month"

    # ------------------------------------------------------------------------------------------------- how it stood

    def stood(self, title: str, says: str, series: Sequence[Series], *, alike: bool = True) -> Figure:
        """How things stood at the end of each week, a picture each. `alike`: all on one scale."""
        top = pictures.ceiling([value for one in series for _, value in self._points(one.count)])
        panels = []
        for one in series:
            points, said = self._points(one.count), self._said(one.count)
            most = top if alike else pictures.ceiling([value for _, value in points])
            drawn = pictures.steps(self.axis, [("first", points)], most, f"{one.name}: {said}")
            panels.append(Panel(one.name, said, number(most), drawn if any(dict(points).values()) else Markup()))
        return Figure(title, says, panels, ticks=self.axis.ticks(), table=self._stood_table(title, series))

    def inside(self, title: str, says: str, whole: Series, part: Series, *, look: str = "part") -> Figure:
        """How something stood, and a part of it with a look of its own."""
        points = [self._points(whole.count), self._points(part.count)]
        most = pictures.ceiling([value for _, value in points[0]])
        said = "; ".join(f"{one.name}: {self._said(one.count)}" for one in (whole, part))
        drawn = pictures.steps(self.axis, [("first", points[0]), (look, points[1])], most, f"{title}. {said}")
        return Figure(
            title,
            says,
            [Panel("", said, number(most), drawn)],
            [Legend("first", whole.name), Legend(look, part.name)],
            self.axis.ticks(),
            self._stood_table(title, [whole, part]),
        )

    def _points(self, count: Count) -> list[tuple[date, float]]:
        """What is drawn: nothing where there is no number."""
        return [(week.day, count(week) or 0) for week in self.weeks]

    def _said(self, count: Count) -> str:
        return _span_of_values([value for week in self.weeks if (value := count(week)) is not None])

    def _stood_table(self, title: str, series: Sequence[Series]) -> Table:
        rows = [(name, *(number(one.count(week)) for one in series)) for name, week in self._ends()]
        return Table(f"{title}: as it stood", ("At the end of", *(one.name for one in series)), rows)

    def _ends(self) -> Iterator[tuple[str, Week]]:
        """The last reading of each span that a table has a row for."""
        kept: dict[str, Week] = {}
        for week in self.weeks:
            kept[self._row_of(week.day)] = week
        yield from kept.items()

    def _row_of(self, day: date) -> str:
        if len(self.spans) > _MOST_ROWS:
            return str(day.year)
        return f"{day.day} {day:%b %Y}" if self.is_by_week else f"{day:%b %Y}"

    # ------------------------------------------------------------------------------------------------ what happened

    def happened(self, title: str, says: str, series: Sequence[Series], *, alike: bool = False) -> Figure:
        """What happened in each span, a picture each."""
        values = {one.name: self._sums(one.count) for one in series}
        top = pictures.ceiling([value for sums in values.values() for value in sums])
        panels = []
        for name, sums in values.items():
            most = top if alike else pictures.ceiling(sums)
            said = f"{number(sum(sums))} in all"
            drawn = pictures.bars(self.axis, self.spans, [("first", sums)], most, f"{name}: {said}")
            panels.append(Panel(name, said, number(most), drawn if any(sums) else Markup()))
        return Figure(title, says, panels, ticks=self.axis.ticks(), table=self._sums_table(title, values))

    def together(self, title: str, says: str, series: Sequence[Series]) -> Figure:
        """What happened in each span, upon each other."""
        values = {one.name: self._sums(one.count) for one in series}
        looks = ("first", "third")
        return self.upon_each_other(
            title,
            says,
            [("", [(look, name, sums) for look, (name, sums) in zip(looks, values.items(), strict=False)])],
            self.spans,
            self._sums_table(title, values),
        )

    def upon_each_other(
        self,
        title: str,
        says: str,
        panels: Sequence[tuple[str, Sequence[tuple[str, str, Sequence[float]]]]],
        spans: Sequence[Span],
        table: Table,
    ) -> Figure:
        """Bars of several parts: of each picture its name, and of each part its look, its name and its numbers."""
        whole = [[sum(column) for column in zip(*(sums for _, _, sums in parts), strict=True)] for _, parts in panels]
        most = pictures.ceiling([value for sums in whole for value in sums])
        made: list[Panel] = []
        legend: dict[str, str] = {}
        for name, parts in panels:
            said = ", ".join(f"{number(sum(sums))} {part.lower()}" for _, part, sums in parts if any(sums)) or _NONE
            layers = [(look, sums) for look, _, sums in parts]
            drawn = pictures.bars(self.axis, spans, layers, most, f"{name or title}: {said}")
            made.append(Panel(name, said, number(most), drawn if said != _NONE else Markup()))
            legend |= {look: part for look, part, _ in parts}
        kept = [Legend(look, name) for look, name in legend.items()] if len(legend) > 1 else []
        return Figure(title, says, made, kept, self.axis.ticks(), table, is_wide=len(legend) > 1)

    def up_and_down(self, title: str, says: str, up: Series, down: Series) -> Figure:
        """What came and what went."""
        values = {up.name: self._sums(up.count), down.name: self._sums(down.count)}
        ups, downs = values.values()
        most = pictures.ceiling([*ups, *downs])
        said = ", ".join(f"{number(sum(sums))} {name.lower()}" for name, sums in values.items())
        drawn = pictures.up_and_down(self.axis, self.spans, ups, downs, most, f"{title}: {said}")
        return Figure(
            title,
            says,
            [Panel("", said, number(most), drawn if any((*ups, *downs)) else Markup())],
            [Legend("first", f"{up.name}, above the line"), Legend("part", f"{down.name}, below it")],
            self.axis.ticks(),
            self._sums_table(title, values),
        )

    def _sums(self, count: Count) -> list[float]:
        """What was counted in each span. The first reading is where counting begins: nothing is told of before it."""
        sums = [0.0] * len(self.spans)
        for place, week in enumerate(self.weeks[1:]):
            at = (
                place if self.is_by_week else (week.day.year - self.first.year) * 12 + week.day.month - self.first.month
            )
            sums[at] += count(week) or 0
        return sums

    def _sums_table(self, title: str, values: Mapping[str, Sequence[float]]) -> Table:
        return self.table_by_span(f"{title}: by {self.each_row}", self.spans, values)

    @property
    def each_row(self) -> str:
        """Of what a row of a table tells, in a word."""
        return "year" if len(self.spans) > _MOST_ROWS else self.each

    def table_by_span(self, caption: str, spans: Sequence[Span], values: Mapping[str, Sequence[float]]) -> Table:
        """Sums by span, or where there are many by year."""
        rows: dict[str, list[float]] = {}
        for place, span in enumerate(spans):
            name = str(span.first.year) if len(spans) > _MOST_ROWS else span.name
            row = rows.setdefault(name, [0.0] * len(values))
            for column, sums in enumerate(values.values()):
                row[column] += sums[place]
        told = [(name, *map(number, row)) for name, row in rows.items()]
        return Table(caption, ("When", *values), told)

    # ------------------------------------------------------------------------------------------------ what there is

    def names(self, of: Callable[[Week], Mapping[str, float]]) -> list[str]:
        """What is ever counted under a heading, in the order of the names."""
        return sorted({name for week in self.weeks for name, n in of(week).items() if n})

    def series(self, of: Callable[[Week], Mapping[str, float]], names: Sequence[str] | None = None) -> list[Series]:
        """A series for each name that is counted under a heading."""
        return [
            Series(in_words(name), lambda week, name=name: of(week).get(name, 0))  # type: ignore[misc]
            for name in (self.names(of) if names is None else names)
        ]


def number(value: float | None) -> str:
    """A number as it is read; a dash where there is none."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def in_words(key: str) -> str:
    """The key of a role, a state or a committee as words."""
    said = key.replace("_", " ")
    return said[:1].upper() + said[1:] if not said.startswith("it ") else f"IT{said[2:]}"


def _span_of_values(values: Sequence[float]) -> str:
    if not values:
        return _NONE
    low, high, now = min(values), max(values), values[-1]
    if low == high:
        return f"{number(now)} all the time"
    return f"{number(now)} at the end, between {number(low)} and {number(high)}"
