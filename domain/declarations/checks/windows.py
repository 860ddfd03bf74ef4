"""Over which periods an obligation is checked, and on which days of each its clause binds: pure values, no session.

All days are local dates of the program's zone, and every span is inclusive.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Final, Literal, NamedTuple
from uuid import UUID

from domain.kernel import Span, joined

Period = Literal["calendar_year", "agreement_year", "quarter", "month", "once", "continuous"]
_DAY = timedelta(days=1)


class BindingWindow(NamedTuple):
    """The days on which one version of an agreement is in force with the clause, its text, and its period.

    `looks_at` says what its check looks at; what proves a clause that looks at one thing proves none that looks at
    another.
    """

    days: Span
    obligation_id: UUID
    period: Period
    looks_at: str = ""


@dataclass(frozen=True)
class Window:
    """One period of an obligation: the whole of it, and the days of it on which the clause binds.

    Several versions that follow each other with the clause, its period and the same thing to look at are one window.
    `obligation_id` is the last one's text. Days on which none was in force are in no span.
    """

    period: Span
    spans: tuple[Span, ...]
    obligation_id: UUID

    @property
    def starts_on(self) -> date:
        """The first day that counts."""
        return self.spans[0].starts_on

    @property
    def ends_on(self) -> date | None:
        """The last day that counts; None where it is open."""
        return self.spans[-1].ends_on

    @property
    def last_day(self) -> date:
        """The last day that counts; of one that is open, that of its first year."""
        return self.ends_on or _years_after(self.starts_on, 1) - _DAY

    def holds(self, day: date) -> bool:
        """Whether what happens on `day` counts."""
        return any(span.holds(day) for span in self.spans)


@dataclass(frozen=True)
class Touched:
    """What changed on record: the local days it is about, now or before, and the facts themselves by their ids."""

    days: tuple[Span, ...] = ()
    ids: frozenset[str] = frozenset()

    def reaches(self, window: Window, counted: Iterable[str]) -> bool:
        """Whether any of it is of the window, or among the ids of the facts by which the window was judged."""
        is_of_it = any(span.within(days) is not None for span in window.spans for days in self.days)
        return is_of_it or not self.ids.isdisjoint(counted)


def windows(bounds: Sequence[BindingWindow], *, until: date, since: date | None = None) -> tuple[Window, ...]:
    """The windows of an obligation that have begun by the local day `until`, in order.

    An agreement signed in July has a first calendar year from July on. A year of the agreement runs from the day on
    which it was first in force, `since`, also for a clause that a later version brought; without it, from the first day
    of the clause. From 29 February it runs to 28 February. `bounds` do not overlap: two versions are never in force on
    one day.

    Each version has its own period and its own check. Where the next one checks the clause more often or less often, or
    looks at something else (attendance, then a document), what was checked before stays as it was: the window that the
    change falls into is cut, ends on the last day of the version before and is judged by its text, and the first window
    of the next version begins on the day that it takes effect. Where only what is allowed or wanted changes, nothing is
    cut: the window is judged by the last text, and never as lost where the text of each fact's own day allowed it
    (`domain.obligations.projection.judge`).
    """
    found: list[Window] = []
    in_order = sorted(bound for bound in bounds if bound.days.starts_on <= until)
    for same, versions in groupby(in_order, key=lambda bound: (bound.period, bound.looks_at)):
        run, first = list(versions), in_order[0].days.starts_on
        if same[0] == "agreement_year" and since is not None:
            first = min(first, since)
        found += _windows_of(run, first, until, is_first=run[0] is in_order[0])
    return tuple(found)


def _windows_of(run: Sequence[BindingWindow], first: date, until: date, *, is_first: bool) -> Iterator[Window]:
    """The windows of versions that follow each other with one period and check; periods are counted from `first`.

    After a change the first one begins with its version, also where its month or year had begun before. The days until
    then are another window's, and no two begin on one day.
    """
    begins = run[0].days.starts_on
    last = max((bound.days.ends_on or date.max) for bound in run)
    for whole in _periods(run[0].period, first, min(last, until)):
        inside = [(part, bound.obligation_id) for bound in run if (part := bound.days.within(whole)) is not None]
        if inside and inside[0][0].starts_on <= until:
            starts = whole.starts_on if is_first else max(whole.starts_on, begins)
            yield Window(Span(starts, whole.ends_on), joined(part for part, _ in inside), inside[-1][1])


def year_begun(since: date, day: date) -> date:
    """The first day of the year in which a local day is, of an agreement in force since the day `since`."""
    return max(year.starts_on for year in _periods("agreement_year", since, day))


def _periods(period: Period, first: date, until: date) -> Iterator[Span]:
    """The whole periods from the one that holds `first` to the one that holds `until`."""
    if period in ("once", "continuous"):
        yield Span(first, None)
        return
    starts, n = _start_after(period, first, 0), 0
    while starts <= until:
        n += 1
        following = _start_after(period, first, n)
        yield Span(starts, following - _DAY)
        starts = following


#: How many months each period has that begins with a month; the others begin with the agreement.
_MONTHS: Final[Mapping[str, int]] = {"calendar_year": 12, "quarter": 3, "month": 1}


def _start_after(period: Period, first: date, n: int) -> date:
    """The first day of the `n`th period after the one that holds `first`; of that one itself, where `n` is 0."""
    if period not in _MONTHS:
        return _years_after(first, n)
    each = _MONTHS[period]
    months = ((12 * first.year + first.month - 1) // each + n) * each
    return date(months // 12, months % 12 + 1, 1)


def _years_after(day: date, n: int) -> date:
    try:
        return day.replace(year=day.year + n)
    except ValueError:  # 29 February
        return date(day.year + n, 3, 1)
