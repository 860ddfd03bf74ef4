"""Which copies are kept: some of the last days, weeks and months, and the participants' keys for weeks at most."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

#: A person's data are destroyed by destroying their key, and live on in each copy of it: no setting keeps one longer.
MOST_DAYS_OF_KEYS: Final = 35
#: A copy from further ahead was made by a clock that went wrong.
_AHEAD: Final = timedelta(days=1)


@dataclass(frozen=True)
class Keeping:
    """How many days, weeks and months the newest copy of each is kept, and for how many days the participants' keys."""

    daily: int = 7
    weekly: int = 5
    monthly: int = 12
    days_of_keys: int = MOST_DAYS_OF_KEYS


@dataclass(frozen=True)
class Kept:
    """One whole copy: its name, its moment, and whether the participants' keys are still in it.

    `is_lacking`: keys were missing where it was made, so that an earlier one of the same day may hold more.
    """

    id: str
    taken_at: datetime
    has_keys: bool
    is_lacking: bool = False


@dataclass(frozen=True)
class Removals:
    """What a rule lets go: whole copies; of those that stay, the participants' keys, and the files of the server."""

    copies: tuple[str, ...]
    keys: tuple[str, ...]
    bases: tuple[str, ...]


def removals(copies: Iterable[Kept], keeping: Keeping, *, newest: str, now: datetime) -> Removals:
    """What is no longer kept once the copy `newest` was made and verified. That one always stays, with its keys."""
    ordered = sorted(copies, key=lambda one: one.taken_at, reverse=True)
    of_days = {newest, *_newest_of_each(ordered, _day, keeping.daily)}
    of_weeks = _newest_of_each(ordered, _week, keeping.weekly)
    stay = of_days | of_weeks | _newest_of_each(ordered, _month, keeping.monthly)
    older = [one for one in ordered if one.id in stay - {newest}]
    return Removals(
        copies=_named(one for one in ordered if one.id not in stay),
        keys=_named(one for one in older if one.has_keys and not _may_hold_keys(one, keeping, now)),
        # To a chosen second it goes back over the days alone: for weeks and months the database is enough.
        bases=_named(one for one in older if one.id not in of_days),
    )


def is_past(taken_at: datetime, keeping: Keeping, now: datetime) -> bool:
    """Whether keys of this moment have outlived their days."""
    return taken_at <= now - timedelta(days=keeping.days_of_keys)


def is_credible(taken_at: datetime, now: datetime) -> bool:
    """Whether a clock that went right can have said this moment."""
    return taken_at < now + _AHEAD


def _named(copies: Iterable[Kept]) -> tuple[str, ...]:
    return tuple(one.id for one in copies)


def _may_hold_keys(one: Kept, keeping: Keeping, now: datetime) -> bool:
    return is_credible(one.taken_at, now) and not is_past(one.taken_at, keeping, now)


def _newest_of_each(ordered: Sequence[Kept], period: Callable[[date], tuple[int, ...]], count: int) -> set[str]:
    found: dict[tuple[int, ...], Kept] = {}
    for one in ordered:
        held = found.setdefault(period(one.taken_at.date()), one)
        if held.is_lacking and not one.is_lacking:
            found[period(one.taken_at.date())] = one
    return {one.id for one in list(found.values())[:count]}


def _day(day: date) -> tuple[int, ...]:
    return (day.toordinal(),)


def _week(day: date) -> tuple[int, ...]:
    return tuple(day.isocalendar())[:2]


def _month(day: date) -> tuple[int, ...]:
    return (day.year, day.month)
