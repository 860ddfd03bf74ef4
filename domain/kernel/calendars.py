"""Which days are worked, and counting in working days: pure values, no clock and no session."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from calendar import isleap
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache, lru_cache
from typing import Final

import holidays

from domain.declared import Bilingual
from domain.kernel.refusals import Refusal
from locales import N_, say

# The library answers an unknown language in English, without a word: only these are ever asked of it.
_HOLIDAY_LANGUAGES: Final = {"fr": "fr", "en": "en_CA"}
_WEEKEND: Final = N_("weekend")
_SATURDAY: Final = 5
_DAY: Final = timedelta(days=1)


class UnknownYear(Refusal):
    """A day lies in a year for which no holidays are known, so whether it is worked cannot be said."""

    def __init__(self, year: int) -> None:
        super().__init__("day.out_of_reach", N_("No holidays are known for a day as far away as this one."))
        self.year = year


@dataclass(frozen=True)
class ClosedSpan:
    """Days without work, both inclusive, and why; a local holiday is a closure of one day."""

    first: date
    last: date
    reason: Bilingual

    def __post_init__(self) -> None:
        if self.last < self.first:
            msg = "a closure ends before it begins"
            raise ValueError(msg)

    def holds(self, day: date) -> bool:
        """Whether `day` is one of the closed days."""
        return self.first <= day <= self.last


@dataclass(frozen=True)
class Calendar:
    """The closed days of a program and, where they count too, of an organization.

    Closed are Saturdays and Sundays, the public holidays of the place (Québec's, where nothing else is said,
    the day that replaces one included), and the closures. The law's holidays are fewer than most
    organizations' own: Easter Monday, 2 January or 26 December come as closures.
    All days are local dates of the program's zone. Raises ValueError for a place without known holidays.
    """

    country: str = "CA"
    subdivision: str = "QC"
    closures: tuple[ClosedSpan, ...] = ()

    def __post_init__(self) -> None:
        _reach(self.country, self.subdivision)

    def closed_also(self, closures: Iterable[ClosedSpan]) -> Calendar:
        """This calendar with more closed days, such as those of the organization that a case is about."""
        return replace(self, closures=(*self.closures, *closures))

    def is_working_day(self, day: date) -> bool:
        """Whether `day` is worked. Raises UnknownYear where no holidays are known."""
        holiday = day in _public_holidays(self.country, self.subdivision, day.year, "fr")
        return not (holiday or day.weekday() >= _SATURDAY or any(c.holds(day) for c in self.closures))

    def seems_worked(self, day: date) -> bool:
        """As `is_working_day`; where no holidays are known, every day from Monday to Friday."""
        try:
            return self.is_working_day(day)
        except UnknownYear:
            return day.weekday() < _SATURDAY

    def why_closed(self, day: date, language: str) -> str | None:
        """Why `day` is not worked, in "fr" or "en"; None for a working day.

        Raises ValueError for any other language, and UnknownYear where no holidays are known.
        """
        if language not in _HOLIDAY_LANGUAGES:
            msg = "closed days are named in fr and in en"
            raise ValueError(msg)
        holiday = _public_holidays(self.country, self.subdivision, day.year, language).get(day)
        if holiday:
            return holiday
        for closure in self.closures:
            if closure.holds(day):
                return closure.reason.in_language(language)
        return say(language, _WEEKEND) if day.weekday() >= _SATURDAY else None

    def public_holidays(self, first: date, last: date, language: str) -> dict[date, str]:
        """The public holidays of the place from `first` to `last`, with their names in "fr" or "en", in order.

        Years without known holidays have none here: this is for showing, and never for counting.
        """
        found: dict[date, str] = {}
        for year in range(first.year, last.year + 1):
            if year in _reach(self.country, self.subdivision):
                found |= _public_holidays(self.country, self.subdivision, year, language)
        return {day: found[day] for day in sorted(found) if first <= day <= last}

    def next_working_day(self, day: date) -> date:
        """`day` itself where it is worked, else the first working day after it. Raises UnknownYear."""
        while not self.is_working_day(day):
            day = self._after(day, _DAY)
        return day

    def previous_working_day(self, day: date) -> date:
        """`day` itself where it is worked, else the last working day before it. Raises UnknownYear."""
        while not self.is_working_day(day):
            day = self._after(day, -_DAY)
        return day

    def add_working_days(self, day: date, n: int) -> date:
        """The `n`th working day after `day`, before it where `n` is negative; `day` itself is not counted.

        With 0, `day` itself where it is worked, else the next working day. Raises UnknownYear.
        """
        if n == 0:
            return self.next_working_day(day)
        year, worked = day.year, _working_days(self, day.year)
        place = bisect_right(worked, day) + n - 1 if n > 0 else bisect_left(worked, day) + n
        while place >= len(worked):
            place -= len(worked)
            year, worked = year + 1, _working_days(self, year + 1)
        while place < 0:
            year, worked = year - 1, _working_days(self, year - 1)
            place += len(worked)
        return worked[place]

    def working_days_between(self, first: date, last: date) -> int:
        """How many working days lead from `first` to `last`: those after the first, up to the last inclusive.

        Negative where `last` comes first. Raises UnknownYear.
        """
        if last < first:
            return -self.working_days_between(last, first)
        days = (first + timedelta(days=n) for n in range(1, (last - first).days + 1))
        return sum(self.is_working_day(day) for day in days)

    @staticmethod
    def _after(day: date, step: timedelta) -> date:
        try:
            return day + step
        except OverflowError as error:
            raise UnknownYear(day.year) from error


@lru_cache(128)
def _working_days(calendar: Calendar, year: int) -> tuple[date, ...]:
    """The working days of a year, in order: people count over months, and ask for each step of a case."""
    if year not in _reach(calendar.country, calendar.subdivision):
        raise UnknownYear(year)
    days = (date(year, 1, 1) + timedelta(days=n) for n in range(366 if isleap(year) else 365))
    return tuple(day for day in days if calendar.is_working_day(day))


@cache
def _reach(country: str, subdivision: str) -> range:
    try:
        of_place = holidays.country_holidays(country, subdiv=subdivision)
    except NotImplementedError as error:
        msg = "no holidays are known for this country and subdivision"
        raise ValueError(msg) from error
    return range(of_place.start_year, of_place.end_year + 1)


@cache
def _public_holidays(country: str, subdivision: str, year: int, language: str) -> dict[date, str]:
    """The public holidays of one year. Beyond its reach the library knows none, without saying so."""
    if year not in _reach(country, subdivision):
        raise UnknownYear(year)
    spoken = _HOLIDAY_LANGUAGES[language]
    of_place = holidays.country_holidays(country, subdiv=subdivision, years=year, language=spoken)
    if spoken not in of_place.supported_languages:
        msg = "this country's holidays are not named in both languages"
        raise ValueError(msg)
    return {day: of_place[day] for day in of_place if day.year == year}
