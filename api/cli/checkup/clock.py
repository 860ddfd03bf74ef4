"""This machine's clock against the database's, that one against the record, and the zones of the programs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import text

from api.cli.checkup.finding import Check, Finding, Group, words
from api.cli.checkup.house import House
from domain.kernel import col, only, scalar
from locales import N_
from models.record import Event

AGAINST_DATABASE: Final = Check("clock.database", N_("This machine’s clock and the database’s agree"))
AGAINST_RECORD: Final = Check("clock.record", N_("No line of the record is of a moment to come"))
ZONES: Final = Check("clock.zones", N_("The time zones of the programs are known here"))

#: Leases, signs of life and links count in seconds: so much is seen to, and so much is too much.
_A_LITTLE: Final = timedelta(seconds=2)
_TOO_MUCH: Final = timedelta(seconds=10)
_SET_CLOCK: Final = N_("Have both machines keep their clocks by NTP (such as chrony or systemd-timesyncd).")


def look(house: House) -> Iterator[Finding]:
    """Compare the clocks, then the record and the zones."""
    with house.engine.connect() as connection:
        before = datetime.now(UTC)
        theirs: datetime = connection.execute(text("select clock_timestamp()")).scalar_one()
        ours = before + (datetime.now(UTC) - before) / 2
    yield compared(ours, theirs)
    yield _record(house)
    yield _zones(house)


def compared(ours: datetime, theirs: datetime) -> Finding:
    """How far our clock is from the database's."""
    apart = abs(ours - theirs)
    seen = words(N_("They are %(seconds)s s apart."), seconds=round(apart.total_seconds(), 1))
    if apart > _TOO_MUCH:
        return AGAINST_DATABASE.wrong(seen, words(_SET_CLOCK))
    return (
        AGAINST_DATABASE.warn(seen, words(_SET_CLOCK))
        if apart > _A_LITTLE
        else AGAINST_DATABASE.ok(seen.msgid, **seen.facts)
    )


def _record(house: House) -> Finding:
    last = [moment for program_id, *_ in house.programs if (moment := _last_line(house, program_id)) is not None]
    ahead = max(last, default=house.at) - house.at
    if ahead > _TOO_MUCH:
        return AGAINST_RECORD.wrong(
            words(
                N_("The last line is %(seconds)s s ahead of the database’s clock: it went back, or was ahead."),
                seconds=int(ahead.total_seconds()),
            ),
            words(N_("Set the clock right before people go on. What was written meanwhile keeps its moments.")),
        )
    return AGAINST_RECORD.ok(N_("The last line is behind us."))


def _last_line(house: House, program_id: UUID) -> datetime | None:
    with house.of_program(program_id) as session:
        last = only(Event.at).order_by(col(Event.n).desc()).limit(1)
        return scalar(session, last)


def _zones(house: House) -> Finding:
    unknown = sorted({zone for _, _, zone, _ in house.programs if not _is_known(zone)})
    if unknown:
        return ZONES.wrong(
            words(N_("Unknown: %(zones)s."), zones=", ".join(unknown)),
            words(N_("Install the system’s time zones (the package tzdata), or correct the program’s file.")),
        )
    return ZONES.ok(N_("Zones: %(zones)s."), zones=", ".join(sorted({zone for _, _, zone, _ in house.programs})) or "–")


def _is_known(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


GROUP: Final = Group("clock", N_("Clock"), (AGAINST_DATABASE, AGAINST_RECORD, ZONES), look, needs_database=True)
