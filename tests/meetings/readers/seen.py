"""What a reader shows of a calendar file, and the days between which it was asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple

#: Readers cut their windows off in different manners (what begins before it, what ends with it): they are asked for
#: more, and `Days.of` cuts for all of them.
MARGIN: Final = timedelta(days=8)


class Seen(NamedTuple):
    """One occurrence as a reader shows it: its first and last moment, in UTC, and its title."""

    starts: datetime
    ends: datetime
    title: str


@dataclass(frozen=True)
class Days:
    """From the beginning of a day up to the beginning of another, in UTC."""

    since: date
    until: date

    @property
    def wide(self) -> tuple[datetime, datetime]:
        """The moments to ask a reader for: more than what is wanted."""
        return _midnight(self.since) - MARGIN, _midnight(self.until) + MARGIN

    def of(self, seen: Iterable[Seen]) -> tuple[Seen, ...]:
        """What begins on these days, in order."""
        return tuple(sorted(one for one in seen if _midnight(self.since) <= one.starts < _midnight(self.until)))


def in_utc(value: object) -> datetime:
    """A moment that a reader gives, in UTC. A time without a zone is a fault of the file or of the reader."""
    assert isinstance(value, datetime), f"{value!r} is no moment"
    assert value.tzinfo is not None, f"{value!r} has no zone"
    return value.astimezone(UTC)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
