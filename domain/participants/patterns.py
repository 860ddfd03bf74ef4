"""Finds the patterns in one person's readings of files that another person is told of. Pure, one reader at a time.

There are four: many files in a short time, many little by little, reading at hours unusual for that person, and files
far from their work. A pattern is a hint and no verdict. The bounds are set so that a hard week is none: a coordinator
reads twenty files before a meeting, a worker on call looks up a telephone at night, a committee member reads those on
the agenda. What a person follows themselves, or what the committee is about to discuss, is near, and counts little.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from domain.declarations import Rate

#: A file's distance from its reader: their own part, or on an agenda of these days; of daily work; or far from it.
Distance = Literal["near", "usual", "far"]
Kind = Literal["many", "steady", "hours", "far", "stopped"]

HOUR: Final = timedelta(hours=1)
#: How far back the longest of the windows looks.
LOOKS_BACK: Final = timedelta(days=7)

#: Parts of what a role may open in an hour (`Rate.an_hour`) from which it is told: of files not near, and of all.
_MANY_NOT_NEAR: Final = 4
_MANY: Final = (3, 4)
#: No one reads that many files in so short a time.
_HARVEST: Final = timedelta(minutes=10)
_HARVESTED: Final = 15
#: Parts of what a role may open in an hour from which files that are not near are told, in longer windows: one who
#: stays just below what is told of an hour would have the whole program in a week, unnoticed.
_STEADY: Final[Mapping[timedelta, tuple[int, int]]] = {timedelta(days=1): (1, 2), LOOKS_BACK: (5, 4)}
#: Files far from somebody's work, in each of these windows.
_FAR: Final[Mapping[timedelta, int]] = {HOUR: 3, timedelta(days=1): 5, LOOKS_BACK: 10}
#: Files at an unusual hour, within one: by how far they are. One file alone is no pattern, whatever the hour.
_AT_ODD_HOURS: Final[Mapping[Distance, int]] = {"far": 2, "usual": 3, "near": 6}

#: A habit is one of at least so many days, and an hour belongs to it that was worked, give or take one, on two of them.
_DAYS_OF_A_HABIT: Final = 10
_DAYS_OF_AN_HOUR: Final = 2
#: Where no habit is known yet: local hours in which no one is expected, from the first to before the second.
_NIGHT: Final = (21, 6)


@dataclass(frozen=True)
class Look:
    """One reading of a file by a person, at a local moment."""

    at: datetime
    file: UUID
    distance: Distance = "usual"
    worked: bool = True  # whether the local day is one that is worked


@dataclass(frozen=True)
class Pattern:
    """What stands out: how many files, in how long a time."""

    kind: Kind
    files: int
    within: timedelta


@dataclass(frozen=True)
class Habit:
    """When a person works: the days on which they acted, for each hour of working days and of others."""

    days: int = 0
    hours: Mapping[tuple[bool, int], int] = field(default_factory=dict)

    @classmethod
    def of(cls, moments: Iterable[datetime], is_worked: Callable[[date], bool]) -> Habit:
        """The habit that a person's acts show, by their local moments."""
        days: set[date] = set()
        hours: dict[tuple[bool, int], set[date]] = defaultdict(set)
        for moment in moments:
            day = moment.date()
            days.add(day)
            for near in (-1, 0, 1):
                hours[is_worked(day), (moment.hour + near) % 24].add(day)
        return cls(len(days), {hour: len(on) for hour, on in hours.items()})

    def is_unusual(self, look: Look) -> bool:
        """Whether a person with this habit does not work at such an hour."""
        if self.days < _DAYS_OF_A_HABIT:
            return not look.worked or look.at.hour >= _NIGHT[0] or look.at.hour < _NIGHT[1]
        return self.hours.get((look.worked, look.at.hour), 0) < _DAYS_OF_AN_HOUR


def patterns_in(
    looks: Sequence[Look], rate: Rate, habit: Callable[[], Habit], *, since: datetime, heard_at: datetime | None = None
) -> list[Pattern]:
    """The patterns that a person's `looks`, the first first, reached at some moment after `since`; each kind once.

    What was told before no longer counts: only looks after `heard_at` do. `habit` is asked where it decides something.
    """
    after = [look for look in looks if heard_at is None or look.at > heard_at]
    found: dict[Kind, Pattern] = {}
    for place, look in enumerate(after):
        if look.at <= since:
            continue
        for pattern in _at(after[: place + 1], look.at, rate, habit):
            if pattern.kind not in found or pattern.files > found[pattern.kind].files:
                found[pattern.kind] = pattern
    return [found[kind] for kind in sorted(found)]


def _at(looks: Sequence[Look], at: datetime, rate: Rate, habit: Callable[[], Habit]) -> Iterable[Pattern]:
    hour = _within(looks, at, HOUR)
    every, least = _MANY
    far = _first_window("far", [look for look in looks if look.distance == "far"], at, _FAR)
    found = (
        _many(hour, at, rate, rate.an_hour * every / least),
        _first_window(
            "steady",
            [look for look in looks if look.distance != "near"],
            at,
            {span: rate.an_hour * every / least for span, (every, least) in _STEADY.items()},
        ),
        far,
        _at_odd_hours(hour, habit),
    )
    return [pattern for pattern in found if pattern is not None]


def _many(hour: Sequence[Look], at: datetime, rate: Rate, most: float) -> Pattern | None:
    """Many files in a short time: of all, of those that are not near, or as quickly as no one reads."""
    files, not_near = _files(hour), _files(look for look in hour if look.distance != "near")
    if len(files) >= most:
        return Pattern("many", len(files), HOUR)
    if len(not_near) * _MANY_NOT_NEAR >= rate.an_hour:
        return Pattern("many", len(not_near), HOUR)
    quick = _files(_within(hour, at, _HARVEST))
    return Pattern("many", len(quick), _HARVEST) if len(quick) >= _HARVESTED else None


def _first_window(
    kind: Kind, looks: Sequence[Look], at: datetime, windows: Mapping[timedelta, float]
) -> Pattern | None:
    """The shortest of these windows in which there are as many files as are told."""
    for span, most in windows.items():
        files = _files(_within(looks, at, span))
        if len(files) >= most:
            return Pattern(kind, len(files), span)
    return None


def _at_odd_hours(hour: Sequence[Look], habit: Callable[[], Habit]) -> Pattern | None:
    """Files at hours that are unusual for the reader; their habit is asked only where there are enough files."""
    if not any(_enough(hour, distance) for distance in _AT_ODD_HOURS):
        return None
    works = habit()
    odd = [look for look in hour if works.is_unusual(look)]
    enough = any(_enough(odd, distance) for distance in _AT_ODD_HOURS)
    return Pattern("hours", len(_files(odd)), HOUR) if enough else None


def _enough(looks: Sequence[Look], distance: Distance) -> bool:
    """Whether there are enough files of this distance, or farther, for an unusual hour to be told."""
    order: tuple[Distance, ...] = ("near", "usual", "far")
    farther = order[order.index(distance) :]
    return len(_files(look for look in looks if look.distance in farther)) >= _AT_ODD_HOURS[distance]


def _within(looks: Sequence[Look], at: datetime, span: timedelta) -> list[Look]:
    return [look for look in looks if look.at > at - span]


def _files(looks: Iterable[Look]) -> frozenset[UUID]:
    return frozenset(look.file for look in looks)
