"""Three readers in Python: recurring-ical-events on icalendar, Home Assistant's ical, and vobject."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import Any

import recurring_ical_events  # type: ignore[import-untyped]
import vobject  # type: ignore[import-untyped]
from ical.calendar_stream import IcsCalendarStream
from ical.event import EventStatus
from icalendar import Calendar

from tests.meetings.readers.seen import Days, Seen, in_utc


def recurring_events(files: Sequence[bytes], days: Days) -> list[tuple[Seen, ...]]:
    """What recurring-ical-events shows; it leaves it to its callers to hide what is cancelled."""
    return [
        days.of(
            Seen(in_utc(one.start), in_utc(one.end), str(one["summary"]))
            for one in recurring_ical_events.of(Calendar.from_ical(content)).between(*days.wide)
            if one.get("status") != "CANCELLED"
        )
        for content in files
    ]


def home_assistant(files: Sequence[bytes], days: Days) -> list[tuple[Seen, ...]]:
    """What the calendars of Home Assistant show; they too hide nothing that is cancelled by themselves."""
    return [
        days.of(
            Seen(in_utc(one.start), in_utc(one.end), one.summary or "")
            for one in IcsCalendarStream.calendar_from_ics(content.decode()).timeline_tz(UTC).overlapping(*days.wide)
            if one.status != EventStatus.CANCELLED
        )
        for content in files
    ]


def vobjects(files: Sequence[bytes], days: Days) -> list[tuple[Seen, ...]]:
    """What vobject makes of zones, rules and excluded dates. It knows nothing of overrides: they are laid on here."""
    found = []
    for content in files:
        forget_zones()
        found.append(days.of(_vobjects_of(vobject.readOne(content.decode()), days)))
    return found


def forget_zones() -> None:
    """Have vobject, on which Radicale stands too, read the next file as a program does that has just started.

    It keeps the first zone of a name that it meets, and reads every later file by it.
    """
    zones = vars(vobject.icalendar)["__tzidMap"]
    for name in set(zones) - {"UTC"}:
        del zones[name]


def _vobjects_of(calendar: Any, days: Days) -> Iterator[Seen]:
    events = calendar.contents.get("vevent", [])
    overrides = {(one.uid.value, one.recurrence_id.value) for one in events if hasattr(one, "recurrence_id")}
    since, until = days.wide
    for event in events:
        if hasattr(event, "status") and event.status.value == "CANCELLED":
            continue
        if event.getrruleset() is None or hasattr(event, "recurrence_id"):
            yield Seen(in_utc(event.dtstart.value), in_utc(event.dtend.value), event.summary.value)
            continue
        # In the event's own zone, where the clocks may have changed between the two.
        own = event.dtstart.value.tzinfo
        length = event.dtend.value - event.dtstart.value
        for one in event.getrruleset(addRDate=True).between(since.astimezone(own), until.astimezone(own), inc=True):
            if (event.uid.value, one) not in overrides:
                yield Seen(in_utc(one), in_utc(one + length), event.summary.value)
