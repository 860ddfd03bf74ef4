"""A moment that is typed: by the clock of the program's zone, or with its offset; never a guess."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from adapters.backups.faults import BackupError
from adapters.backups.moments import typed_moment

ZONE = "America/Toronto"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2026-11-30 09:05:06", datetime(2026, 11, 30, 14, 5, 6, tzinfo=UTC)),
        ("2026-07-30 09:05:06.25", datetime(2026, 7, 30, 13, 5, 6, 250_000, tzinfo=UTC)),
        (" 2026-11-30T14:05:06+00:00 ", datetime(2026, 11, 30, 14, 5, 6, tzinfo=UTC)),
        ("2026-11-01 01:30:00-05:00", datetime(2026, 11, 1, 6, 30, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_by_the_clock_of_the_zone_or_by_its_offset(typed: str, meant: datetime) -> None:
    assert typed_moment(typed, ZONE) == meant


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("2026-03-08 02:30:00", "never showed"),
        ("2026-11-01 01:30:00", "twice"),
        ("yesterday", "is no moment"),
        ("2026-13-01 00:00:00", "is no moment"),
        ("", "is no moment"),
    ],
)
def test_a_moment_that_there_was_not_or_twice_is_asked_again(typed: str, why: str) -> None:
    with pytest.raises(BackupError, match=why):
        typed_moment(typed, ZONE)
