"""What any reader must show, by the zone database alone: no calendar file, no rule, nothing of the program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from tests.meetings.readers.seen import Seen

HERE: Final = "America/Toronto"


def single(local: datetime, minutes: int, title: str, zone: str = HERE) -> Seen:
    """One meeting at a local time, of so many minutes by a clock in the hand."""
    starts = local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return Seen(starts, starts + timedelta(minutes=minutes), title)


def weekly(
    first: datetime,
    weeks: int,
    minutes: int,
    title: str,
    *,
    without: Iterable[datetime] = (),
    moved: Mapping[datetime, datetime] | None = None,
    zone: str = HERE,
) -> list[Seen]:
    """Meetings each week at the same local time, some of them at another one, some not."""
    left_out, elsewhere = set(without), moved or {}
    originals = [first + timedelta(weeks=week) for week in range(weeks)]
    return [single(elsewhere.get(one, one), minutes, title, zone) for one in originals if one not in left_out]
