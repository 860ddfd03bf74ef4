"""When a time of day comes on this machine's clock."""

from __future__ import annotations

from datetime import datetime, time, timedelta


def last_at(at: time, now: datetime) -> datetime:
    """When the time of day `at` last came, on the clock of `now`."""
    moment = _on_day_of(now, at)
    return moment if moment <= now else _on_day_of(now - timedelta(days=1), at)


def next_at(at: time, now: datetime) -> datetime:
    """When the time of day `at` comes next."""
    moment = _on_day_of(now, at)
    return moment if moment > now else _on_day_of(now + timedelta(days=1), at)


def _on_day_of(day: datetime, at: time) -> datetime:
    """A time of a day, with the offset that this machine's clock has then."""
    return datetime.combine(day.date(), at).astimezone()
