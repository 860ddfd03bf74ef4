"""Local wall time and moments: the one is the truth of a meeting, the other is derived from it and its zone's name."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.kernel import Refusal
from locales import N_


def moment_of(local: datetime, zone: str) -> datetime:
    """The moment, in UTC, of a naive local time. The hour that comes twice in autumn is its first one.

    Raises Refusal for a time that the clocks skip, or at the end of all years; ValueError for one that has an offset
    already.
    """
    if local.tzinfo is not None:
        raise ValueError("a local time has no offset")
    there = ZoneInfo(zone)
    try:
        moment = local.replace(tzinfo=there, fold=0).astimezone(UTC)
    except OverflowError:
        raise Refusal("meeting.out_of_reach", N_("This day is too far away.")) from None
    if moment.astimezone(there).replace(tzinfo=None) != local:
        raise Refusal("meeting.no_such_time", N_("The clocks skip this hour on that night: choose another one."))
    return moment


def local_of(moment: datetime, zone: str) -> datetime:
    """The naive local time of a moment."""
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def clock_of(moment: datetime, zone: str) -> time:
    """The local hour of a moment, as the wall shows it."""
    return local_of(moment, zone).time().replace(second=0, microsecond=0)


def written(local: datetime | time) -> str:
    """A local time as the record has it, to the minute."""
    return local.isoformat(timespec="minutes")


def end_of(local: datetime, minutes: int, zone: str) -> datetime:
    """The moment, in UTC, at which a meeting of so many minutes ends."""
    return moment_of(local, zone) + timedelta(minutes=minutes)
