"""Time zones as calendar files tell them: yearly rules, written by us from the zone database.

What the icalendar library writes is a list of dates, which several calendars misread by an hour. A yearly rule is read
alike by all that were tried.
"""

from __future__ import annotations

import calendar
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard

#: No rule is followed further back: before it, clocks of today's meetings do not matter.
EARLIEST: Final = 1970
#: So many years after the last one must follow a rule for it to be written as one.
YEARS_AHEAD: Final = 10
_WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_SEARCH: Final = timedelta(days=7)  # no zone changes its clocks twice within a week


_Kind = tuple[int, timedelta, timedelta, bool, str]
_Rule = tuple[int, int, int]
"""A yearly rule: which of the month, weekday, minute of the day."""


@dataclass(frozen=True, slots=True)
class _Change:
    """A change of the clocks: the naive local time before it, and the offsets on both sides."""

    local: datetime
    before: timedelta
    after: timedelta
    is_daylight: bool
    name: str

    @property
    def kind(self) -> _Kind:
        return (self.local.month, self.before, self.after, self.is_daylight, self.name)

    @property
    def rules(self) -> set[_Rule]:
        """The yearly rules that give this day."""
        day, weekday = self.local.day, self.local.weekday()
        minute = self.local.hour * 60 + self.local.minute
        last = calendar.monthrange(self.local.year, self.local.month)[1]
        found = {((day - 1) // 7 + 1, weekday, minute)}
        return found | ({(-1, weekday, minute)} if day > last - 7 else set())


def canonical(name: str) -> str:
    """The name by which calendars know a zone: an alias such as America/Montreal becomes America/Toronto.

    Raises ValueError for a name that is not in the zone database, and for UTC and fixed offsets: a place has a zone.
    """
    names, aliases = _database()
    found = aliases.get(name, name)
    if found not in names or "/" not in found or found.startswith("Etc/"):
        raise ValueError("a meeting's zone is one of a place, such as America/Toronto")
    return found


def vtimezone(name: str, first: date, last: date) -> Timezone:
    """The VTIMEZONE of a zone, right for every local time from `first` to `last`.

    A change of the clocks that follows one rule up to some years after `last` is written as a yearly rule, from when it
    began; a zone whose rules change within the span gets each change of the clocks by itself.
    """
    written = Timezone()
    written.add("tzid", name)
    for part in _parts(name, first.year - 1, last.year + 1):
        written.add_component(part.copy(recursive=True))
    return written


@lru_cache(maxsize=64)
def _parts(name: str, since: int, until: int) -> tuple[TimezoneStandard | TimezoneDaylight, ...]:
    zone = ZoneInfo(name)
    changes = list(_changes(zone, EARLIEST, until + YEARS_AHEAD))
    current = [one for one in changes if since <= one.local.year <= until]
    if current and (ruled := _rules(changes, {one.kind for one in current}, since, until)):
        return tuple(_part(change, rule) for change, rule in ruled)
    return tuple(_part(one, None) for one in (_at_first(zone, since), *current))


def _rules(changes: Sequence[_Change], kinds: Collection[_Kind], since: int, until: int) -> list[tuple[_Change, _Rule]]:
    """The yearly rules of these kinds of changes, each with its first one; none where not all of them follow one."""
    rules = [_yearly([one for one in changes if one.kind == kind], until) for kind in sorted(kinds, key=str)]
    ruled = [one for one in rules if one is not None and one[0].local.year <= since]
    return sorted(ruled, key=lambda one: one[0].local) if len(ruled) == len(kinds) else []


def _at_first(zone: ZoneInfo, since: int) -> _Change:
    """What holds at the beginning of a year: before its first change, or all the time where there is none."""
    offset, daylight, name = _clock(zone, datetime(since, 1, 1, tzinfo=UTC))
    local = datetime(EARLIEST, 1, 1)  # noqa: DTZ001 - a local time of the zone
    return _Change(local, offset, offset, bool(daylight), name or zone.key)


def _yearly(changes: Sequence[_Change], until: int) -> tuple[_Change, _Rule] | None:
    """The first of the changes from which one rule holds to the end, and the rule; None where none holds."""
    if not changes or changes[-1].local.year < until + YEARS_AHEAD:
        return None
    rules, first = changes[-1].rules, changes[-1]
    for before in reversed(changes[:-1]):
        shared = rules & before.rules
        if not shared or before.local.year != first.local.year - 1:
            break
        rules, first = shared, before
    return first, max(rules) if len(rules) == 1 else min(rules)


def _part(change: _Change, rule: _Rule | None) -> TimezoneStandard | TimezoneDaylight:
    part = TimezoneDaylight() if change.is_daylight else TimezoneStandard()
    part.add("dtstart", change.local)
    part.add("tzoffsetfrom", change.before)
    part.add("tzoffsetto", change.after)
    part.add("tzname", change.name)
    if rule is not None:
        which, weekday, _ = rule
        part.add("rrule", {"freq": "yearly", "bymonth": change.local.month, "byday": f"{which}{_WEEKDAYS[weekday]}"})
    return part


def _changes(zone: ZoneInfo, since: int, until: int) -> Iterator[_Change]:
    """Every change of offset or name from the year `since` to `until`, by looking at the zone week by week."""
    moment, end = datetime(since, 1, 1, tzinfo=UTC), datetime(until + 1, 1, 1, tzinfo=UTC)
    while moment < end:
        later = moment + _SEARCH
        if _clock(zone, moment) != _clock(zone, later):
            yield _change(zone, moment, later)
        moment = later


def _change(zone: ZoneInfo, early: datetime, late: datetime) -> _Change:
    while late - early > timedelta(seconds=1):
        middle = (early + (late - early) / 2).replace(microsecond=0)
        if _clock(zone, middle) == _clock(zone, early):
            early = middle
        else:
            late = middle
    before, after = _clock(zone, early), _clock(zone, late)
    return _Change((late + before[0]).replace(tzinfo=None), before[0], after[0], bool(after[1]), after[2])


def _clock(zone: ZoneInfo, moment: datetime) -> tuple[timedelta, timedelta, str]:
    there = moment.astimezone(zone)
    return there.utcoffset() or timedelta(0), there.dst() or timedelta(0), there.tzname() or ""


@cache
def _database() -> tuple[frozenset[str], dict[str, str]]:
    """The names of the zone database, and which of them are other names of which."""
    names, aliases = set(), {}
    for line in (files("tzdata") / "zoneinfo" / "tzdata.zi").read_text("ascii").splitlines():
        kind, *words = line.split(" ")
        if kind == "Z":
            names.add(words[0])
        elif kind == "L":
            aliases[words[1]] = words[0]
    return frozenset(names), aliases
