"""A moment as it is typed: with its offset, or by the clock of the program's zone, where that shows it once."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from adapters.backups.faults import BackupError


def typed_moment(text: str, zone: str) -> datetime:
    """The moment that is meant, in UTC. Raises BackupError where it is none, or the clock showed it never or twice."""
    try:
        typed = datetime.fromisoformat(text.strip())
    except ValueError:
        raise BackupError(
            "failed", "“%(text)s” is no moment. Write it like this: 2026-11-30 14:05:06, or with its offset, -05:00.",
            text=text,
        ) from None  # fmt: skip
    if typed.utcoffset() is not None:
        return typed.astimezone(UTC)
    here = ZoneInfo(zone)
    first, second = (typed.replace(tzinfo=here, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return first
    # By going there and back it is seen whether the clock ever showed it.
    if first.astimezone(here).replace(tzinfo=None) != typed:
        raise BackupError(
            "failed", "In %(zone)s the clock never showed %(text)s: it went forward then. Write it with its offset.",
            zone=zone, text=text,
        )  # fmt: skip
    raise BackupError(
        "failed", "In %(zone)s the clock showed %(text)s twice: it went back then. Write it with its offset.",
        zone=zone, text=text,
    )  # fmt: skip
