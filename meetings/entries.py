"""What one person is to see in their calendar under one UID: a meeting, or a season of weekly ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Final, NamedTuple

from domain.kernel import Refusal
from locales import N_
from meetings.local_times import moment_of
from meetings.zones import canonical

WEEK: Final = timedelta(days=7)
SHORTEST: Final = 15
LONGEST: Final = 600
#: A season is a year and some days at most.
LONGEST_SEASON: Final = timedelta(days=400)
LONGEST_UID: Final = 255


class Occurrence(NamedTuple):
    """One meeting of an entry as it will take place. `original` is what calendars know it by (RECURRENCE-ID), local."""

    original: datetime
    starts: datetime
    minutes: int
    place: str
    online_url: str

    @property
    def ends(self) -> datetime:
        """The local time, by the clock on the wall, after so many minutes."""
        return self.starts + timedelta(minutes=self.minutes)

    @property
    def hours(self) -> tuple[datetime, int]:
        """When it is, and for how long."""
        return self.starts, self.minutes

    @property
    def usual(self) -> tuple[int, str, str]:
        """What it has in common with most of its season: how long it is, and where."""
        return self.minutes, self.place, self.online_url


@dataclass(frozen=True, slots=True)
class EntryException:
    """How one meeting of a season differs from the others. `starts` is local, in the entry's zone."""

    starts: datetime
    minutes: int
    place: str = ""
    online_url: str = ""


@dataclass(frozen=True, kw_only=True)
class CalendarEntry:
    """A meeting (`last_on` is None), or one every week on the weekday of `starts` up to and including `last_on`.

    `starts`, `cancelled` and the keys of `moved` are naive local times in `zone`; of an hour that comes twice in autumn
    the first is meant. A meeting lasts `minutes` as a clock in the hand counts them. `cancelled` are those originals
    that the person does not come to, for whatever reason; `called_off`, of what was told, are originals beyond the
    season that were cancelled while it reached them. Raises Refusal where a time does not exist on its night,
    where a length is out of bounds, or where a moved meeting passes or touches its neighbours or shares their day
    (Exchange has no way to keep that); ValueError where our own values are malformed.
    """

    uid: str
    zone: str
    starts: datetime
    minutes: int
    title: str
    last_on: date | None = None
    cancelled: frozenset[datetime] = frozenset()
    moved: Mapping[datetime, EntryException] = field(default_factory=dict, hash=False)
    called_off: frozenset[datetime] = frozenset()
    description: str = ""
    place: str = ""
    online_url: str = ""
    url: str = ""

    def __post_init__(self) -> None:
        _check_uid(self.uid)
        local = {
            "zone": canonical(self.zone),
            "starts": _local(self.starts),
            "cancelled": frozenset(map(_local, self.cancelled)),
            "moved": {
                _local(one): EntryException(_local(how.starts), how.minutes, how.place, how.online_url)
                for one, how in self.moved.items()
            },
        }
        for name, value in local.items():
            object.__setattr__(self, name, value)
        _refuse_length([self.minutes, *(how.minutes for how in self.moved.values())])
        self._check_season()
        # The original of a moved or cancelled meeting is written down too, and is looked up by every reader.
        for one in (*self.originals, *(how.starts for how in self.moved.values())):
            moment_of(one, self.zone)
        if self.moved:
            refuse_crossing((one.starts, one.ends) for one in self.occurrences())

    @property
    def is_season(self) -> bool:
        """Whether it recurs."""
        return self.last_on is not None

    @cached_property
    def originals(self) -> tuple[datetime, ...]:
        """Every original time, cancelled and moved ones included, in order."""
        if self.last_on is None:
            return (self.starts,)
        weeks = (self.last_on - self.starts.date()) // WEEK
        return tuple(self.starts + week * WEEK for week in range(weeks + 1))

    def at(self, original: datetime) -> Occurrence:
        """The meeting of that original time as it takes place, or would without its cancellation."""
        how = self.moved.get(original, EntryException(original, self.minutes, self.place, self.online_url))
        return Occurrence(original, how.starts, how.minutes, how.place, how.online_url)

    @property
    def usual(self) -> tuple[int, str, str]:
        """How long its meetings are and where, but for those that were moved."""
        return self.minutes, self.place, self.online_url

    def held(self, original: datetime) -> Occurrence | None:
        """The meeting of that original time, where it takes place."""
        return next((one for one in self.occurrences() if one.original == original), None)

    def occurrences(self) -> list[Occurrence]:
        """The meetings that take place, in order."""
        return [self.at(one) for one in self.originals if one not in self.cancelled]

    def utc(self) -> list[tuple[datetime, datetime]]:
        """When each meeting begins and ends, in UTC, by the zone database alone."""
        starts = [(moment_of(one.starts, self.zone), one.minutes) for one in self.occurrences()]
        return [(moment, moment + timedelta(minutes=minutes)) for moment, minutes in starts]

    def _check_season(self) -> None:
        if self.last_on is not None and not timedelta(0) <= self.last_on - self.starts.date() <= LONGEST_SEASON:
            raise ValueError("a season ends on or after its first day, and within some 13 months")
        excepted = {*self.cancelled, *self.moved}
        if self.last_on is None and excepted:
            raise ValueError("a single meeting has no exceptions: it is itself moved, or cancelled as a whole")
        if not excepted <= set(self.originals):
            raise ValueError("only a meeting of the season can be moved or cancelled")
        if self.cancelled & set(self.moved):
            raise ValueError("a meeting is moved or cancelled, not both: readers disagree about it")


def refuse_crossing(hours: Iterable[tuple[datetime, datetime]]) -> None:
    """Refuse that a meeting of a season passes or touches another, or shares its day: some calendars lose one of them.

    `hours` are when each begins and ends, local, in the order of the original times.
    """
    for (starts, ends), (next_starts, _) in pairwise(hours):
        if starts.date() >= next_starts.date() or ends >= next_starts:
            raise Refusal(
                "meeting.crosses_neighbour",
                N_("A meeting of a season cannot pass or touch the next one: cancel it, and add a meeting instead."),
            )


def _check_uid(uid: str) -> None:
    if not (0 < len(uid) <= LONGEST_UID and uid.isascii() and uid.isprintable()) or " " in uid:
        raise ValueError("a UID is short printable ASCII without spaces")


def _refuse_length(lengths: Iterable[int]) -> None:
    """Refuse a meeting that is too short or too long, in minutes. Raises Refusal."""
    if not all(SHORTEST <= minutes <= LONGEST for minutes in lengths):
        raise Refusal(
            "meeting.length",
            N_("The length of a meeting, in minutes, is from %(shortest)s to %(longest)s."),
            shortest=SHORTEST,
            longest=LONGEST,
        )


def _local(moment: datetime) -> datetime:
    if moment.tzinfo is not None:
        raise ValueError("a local time has no offset")
    if moment.second or moment.microsecond:
        raise ValueError("a meeting begins on a minute")
    return moment.replace(fold=0)
