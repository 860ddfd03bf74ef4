"""Calendar files: an invitation, an update, a cancellation, and a calendar that others subscribe to (RFC 5545, 5546).

The same values give the same bytes. The recipient is the only attendee, so that nobody learns another's address.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, vCalAddress, vDuration, vText

from duties.envelopes import CalendarPart, Mailbox
from meetings.entries import Entry
from meetings.itip import CANCEL, Message, alone
from meetings.local_times import moment_of
from meetings.texts import checked_line
from meetings.zones import vtimezone

PRODUCT: Final = "-//SPHERES//Meetings//EN"
REFRESH: Final = timedelta(hours=6)

NEEDS_ACTION: Final = "NEEDS-ACTION"


def part(
    message: Message,
    *,
    organizer: Mailbox,
    attendee: Mailbox,
    sequence: int,
    stamp: datetime,
    partstat: str = NEEDS_ACTION,
) -> CalendarPart:
    """What goes with the letter of one message. `stamp` is its DTSTAMP, an aware moment."""
    made = _calendar(message.method, [message.entry])
    for event in _events(message):
        event.add("sequence", sequence)
        event.add("dtstamp", stamp.astimezone(UTC))
        event["organizer"] = _address(organizer)
        asked = _address(attendee)
        asked.params["ROLE"] = vText("REQ-PARTICIPANT")
        if message.method != CANCEL:
            asked.params["PARTSTAT"] = vText(partstat)
            asked.params["RSVP"] = vText("TRUE")
        event["attendee"] = asked
        made.add_component(event)
    name = "annulation.ics" if message.method == CANCEL else "invitation.ics"
    return CalendarPart(message.method, bytes(made.to_ical()), name)


def publish(entries: Sequence[Entry], *, name: str, stamps: Sequence[datetime]) -> bytes:
    """A calendar to subscribe to: days, hours and places, no attendee and no agenda. `stamps` are the DTSTAMPs."""
    made = _calendar("PUBLISH", entries)
    line = checked_line(name)
    made.add("name", line)
    made.add("x-wr-calname", line)
    made.add("refresh-interval", vDuration(REFRESH), parameters={"VALUE": "DURATION"})
    made.add("x-published-ttl", vDuration(REFRESH))
    for entry, stamp in zip(entries, stamps, strict=True):
        for event in _whole(entry, with_moved=True):
            event.add("dtstamp", stamp.astimezone(UTC))
            made.add_component(event)
    return bytes(made.to_ical())


def _calendar(method: str, entries: Iterable[Entry]) -> Calendar:
    made = Calendar()
    made.add("prodid", PRODUCT)
    made.add("version", "2.0")
    made.add("calscale", "GREGORIAN")
    made.add("method", method)
    spans: dict[str, list[datetime]] = {}
    for entry in entries:
        days = [one.starts for one in entry.occurrences()] or [entry.starts]
        spans.setdefault(entry.zone, []).extend((min(entry.starts, *days), max(entry.starts, *days)))
    for zone, days in sorted(spans.items()):
        made.add_component(vtimezone(zone, min(days).date(), max(days).date()))
    return made


def _events(message: Message) -> list[Event]:
    entry = message.entry
    if message.whole and message.method != CANCEL:
        return _whole(entry, with_moved=True)
    if message.recurrence is None:
        made = _whole(entry, with_moved=False)
    else:
        event = _event(alone(entry, message.recurrence))
        event.add("recurrence-id", _local(message.recurrence, entry.zone))
        made = [event]
    if message.method == CANCEL and message.is_off:
        for event in made:
            event.add("status", "CANCELLED")
    return made


def _whole(entry: Entry, *, with_moved: bool) -> list[Event]:
    """The rule with the dates that are cancelled, then each date that takes place otherwise."""
    master = _event(entry)
    if entry.last_on is None:
        return [master]
    # The end of the rule is a moment in UTC: the last date's own start.
    last = entry.originals[-1]
    master.add("rrule", {"freq": "WEEKLY", "until": moment_of(last, entry.zone)})
    for at in sorted(entry.cancelled):
        master.add("exdate", _local(at, entry.zone))
    made = [master]
    if with_moved:
        for at in sorted(entry.moved):
            event = _event(alone(entry, at))
            event.add("recurrence-id", _local(at, entry.zone))
            made.append(event)
    return made


def _event(entry: Entry) -> Event:
    made = Event()
    made.add("uid", entry.uid)
    made.add("dtstart", _local(entry.starts, entry.zone))
    ends = entry.starts + timedelta(minutes=entry.minutes)
    made.add("dtend", _local(ends, entry.zone))
    made.add("summary", checked_line(entry.title))
    where = " · ".join(one for one in (entry.place, entry.online_url) if one)
    if where:
        made.add("location", where)
    if entry.description:
        made.add("description", entry.description)
    if entry.url:
        made.add("url", entry.url)
    made.add("class", "PRIVATE")
    return made


def _address(mailbox: Mailbox) -> vCalAddress:
    made = vCalAddress(f"mailto:{mailbox.address}")
    # Quotes are written in a way that not every calendar reads back.
    name = checked_line(mailbox.name).replace('"', "")
    if name:
        made.params["CN"] = vText(name)
    return made


def _local(at: datetime, zone: str) -> datetime:
    return at.replace(tzinfo=ZoneInfo(zone), fold=0)
