"""The quarters and calendar years that some procedures are for: their days, and their names."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from locales import N_, say

Each = Literal["quarter", "calendar_year"]

_KEY: Final = re.compile(r"(?P<year>[1-9]\d{3})(?:-Q(?P<quarter>[1-4]))?")
_MONTHS: Final = 3


@dataclass(frozen=True, order=True)
class Period:
    """A quarter or a calendar year, as local days, both inclusive."""

    starts_on: date
    ends_on: date

    @property
    def key(self) -> str:
        """The key as it is stored: 2026-Q3 for a quarter, 2026 for a year."""
        if self._is_quarter:
            return f"{self.starts_on.year}-Q{self.ends_on.month // _MONTHS}"
        return str(self.starts_on.year)

    def in_words(self, language: str) -> str:
        """The period as people say it, within a sentence."""
        sentence = _QUARTERS[self.ends_on.month // _MONTHS] if self._is_quarter else _YEAR
        return say(language, sentence, year=str(self.starts_on.year))

    @property
    def _is_quarter(self) -> bool:
        return self.ends_on.month - self.starts_on.month < _MONTHS


_YEAR = N_("year %(year)s")
_QUARTERS: Final = {
    1: N_("1st quarter of %(year)s"),
    2: N_("2nd quarter of %(year)s"),
    3: N_("3rd quarter of %(year)s"),
    4: N_("4th quarter of %(year)s"),
}


def period(key: str) -> Period | None:
    """The period with this `key`; None where it is no such key, the empty one among them."""
    match = _KEY.fullmatch(key)
    if match is None:
        return None
    year = int(match["year"])
    if match["quarter"] is None:
        return Period(date(year, 1, 1), date(year, 12, 31))
    last = int(match["quarter"]) * _MONTHS
    return Period(date(year, last - _MONTHS + 1, 1), date(year, last, monthrange(year, last)[1]))


def is_of(key: str, each: Each) -> bool:
    """Whether a key names a period of this length."""
    return period(key) is not None and ("Q" in key) == (each == "quarter")


def containing(each: Each, day: date) -> Period:
    """The period of this length that a local day lies in."""
    key = str(day.year) if each == "calendar_year" else f"{day.year}-Q{(day.month - 1) // _MONTHS + 1}"
    found = period(key)
    if found is None:
        msg = "this day lies in no period"
        raise ValueError(msg)
    return found


def overlapping(each: Each, first: date, last: date) -> Iterator[Period]:
    """Every period of this length with a day from `first` to `last`, both inclusive, the earliest first."""
    one = containing(each, first)
    while one.starts_on <= last:
        yield one
        one = containing(each, one.ends_on + timedelta(days=1))


def in_words(key: str, language: str) -> str:
    """The period with this `key`, as people say it; "" where there is none."""
    found = period(key)
    return found.in_words(language) if found else ""
