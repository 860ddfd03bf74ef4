"""Calendar files: an invitation, an update, a cancellation, and a calendar that others subscribe to (RFC 5545, 5546).

The same values give the same bytes. The recipient is the only attendee, so no one learns another's address.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, vCalAddress, vDuration, vText, vUri

from domain.mail import CalendarPart, Mailbox
from meetings.entries import CalendarEntry
from meetings.itip import CANCEL, Message, alone
from meetings.local_times import end_of, moment_of
from meetings.zones import vtimezone

PRODUCT: Final = "-//SPHERES//Meetings//EN"
REFRESH: Final = timedelta(hours=6)

#: What a person answered, in the words of calendars.
Partstat = Literal["NEEDS-ACTION", "ACCEPTED", "TENTATIVE", "DECLINED"]
NEEDS_ACTION: Final = "NEEDS-ACTION"

_JOIN: Final = {"fr": "Rejoindre en ligne", "en": "Join online"}
_CANCELLED: Final = {"fr": "annulation", "en": "cancellation"}
_WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_BREAKING: Final = ("Cc", "Cs", "Zl", "Zp")
#: An event, and the original local time of the date of a season that it is about; None for a rule, or a meeting alone.
_Of = tuple[datetime | None, Event]
_URL: Final = re.compile(r"https?://[!#-;=?-\[\]-~]{1,1000}")


@dataclass(frozen=True, slots=True)
class PublishedEntry:
    """An entry of a calendar that others subscribe to, as its reader was told it last.

    `sequence` is that of the last invitation under its UID, `changed_at` the aware moment of it. `is_off`: the meeting
    no longer takes place, and the entry stays to show it.
    """

    entry: CalendarEntry
    sequence: int
    changed_at: datetime
    is_off: bool = False


def part(
    message: Message,
    *,
    organizer: Mailbox,
    attendee: Mailbox,
    sequence: int,
    stamp: datetime,
    partstat: Partstat = NEEDS_ACTION,
    of_dates: Mapping[datetime, Partstat] | None = None,
    language: str = "fr",
) -> CalendarPart:
    """What goes with the letter of one message, from `organizer` to `attendee`.

    `stamp` is the DTSTAMP, an aware moment, `sequence` that of `itip.sequences`. `partstat`, what the person answered
    last, stays where the message does not ask again; `of_dates` what they answered to single dates of a season, by
    their original local time. Raises ValueError where our own values are malformed.
    """
    if message.method == CANCEL:
        message = replace(message, entry=_without_link(message.entry))
    made = _calendar(message.method, [message.entry])
    for original, event in _events(message):
        if message.method != CANCEL:
            _join(event, message.entry, original, language)
        event.add("sequence", sequence)
        event.add("dtstamp", _moment(stamp))
        event["organizer"] = _address(organizer)
        asked = _address(attendee)
        asked.params["ROLE"] = vText("REQ-PARTICIPANT")
        if message.method != CANCEL:
            stays = partstat if original is None else (of_dates or {}).get(original, partstat)
            asks = message.bumps and not message.keeps_answers
            asked.params["PARTSTAT"] = vText(NEEDS_ACTION if asks else stays)
            asked.params["RSVP"] = vText("TRUE")
        event["attendee"] = asked
        made.add_component(event)
    name = _CANCELLED[language] if message.method == CANCEL else "invitation"
    return CalendarPart(message.method, _written(made), f"{name}.ics")


def publish(shown: Sequence[PublishedEntry], *, name: str, organizer: Mailbox, language: str = "fr") -> bytes:
    """A calendar to subscribe to: days, hours, places and online addresses, no attendee and no agenda.

    Each entry has the UID and SEQUENCE of its invitation and the same `organizer`. A reader who has both sees one
    meeting and knows which is newer (RFC 5546, 3.2.1). Raises ValueError where our own values are malformed.
    """
    made = _calendar("PUBLISH", [one.entry for one in shown])
    made.add("name", _line(name))
    made.add("x-wr-calname", _line(name))
    # The one is the standard's, the other Outlook's.
    made.add("refresh-interval", vDuration(REFRESH), parameters={"VALUE": "DURATION"})
    made.add("x-published-ttl", vDuration(REFRESH))
    for one in shown:
        for original, event in (_rule(one.entry), *_exceptions(one.entry)):
            if not one.is_off:
                _join(event, one.entry, original, language)
            event.add("sequence", one.sequence)
            event.add("dtstamp", _moment(one.changed_at))
            event.add("last-modified", _moment(one.changed_at))
            event["organizer"] = _address(organizer)
            event.add("status", "CANCELLED" if one.is_off else "CONFIRMED")
            made.add_component(event)
    return _written(made)


def _join(event: Event, entry: CalendarEntry, original: datetime | None, language: str) -> None:
    """Say where a meeting is joined (RFC 7986, 5.11). LOCATION has it too: few calendars know this property yet."""
    url = entry.online_url if original is None else entry.at(original).online_url
    if _URL.fullmatch(url):
        event.add("conference", vUri(url), parameters={"VALUE": "URI", "FEATURE": "VIDEO", "LABEL": _JOIN[language]})


def _without_link(entry: CalendarEntry) -> CalendarEntry:
    """What is off, or no longer for this person, leaves no way to join it in their calendar."""
    moved = {original: replace(how, online_url="") for original, how in entry.moved.items()}
    return replace(entry, online_url="", moved=moved)


def _calendar(method: str, entries: Iterable[CalendarEntry]) -> Calendar:
    made = Calendar()
    made.add("prodid", PRODUCT)
    made.add("version", "2.0")
    made.add("calscale", "GREGORIAN")
    made.add("method", method)
    spans: dict[str, set[datetime]] = {}
    for entry in entries:
        span = spans.setdefault(entry.zone, set())
        span.update(entry.originals, (how.starts for how in entry.moved.values()))
    for zone, days in sorted(spans.items()):
        made.add_component(vtimezone(zone, min(days).date(), max(days).date()))
    return made


def _events(message: Message) -> list[_Of]:
    entry, original = message.entry, message.recurrence
    if message.whole:
        made = [_rule(entry)]
        if message.method != CANCEL:
            made += _exceptions(entry, message.also | {original})
    else:
        made = [_rule(entry)] if original is None else [_exception(entry, original)]
    if message.method != CANCEL or message.is_off:
        for _, event in made:
            event.add("status", "CANCELLED" if message.method == CANCEL else "CONFIRMED")
    return made


def _rule(entry: CalendarEntry) -> _Of:
    """A meeting that stands alone, or the rule of a season with the dates that are off."""
    made = _event(entry)
    if entry.is_season:
        last = entry.originals[-1]
        # The end of a rule is a moment in UTC, that of the last date's start: readers agree on no other form.
        made.add("rrule", {"freq": "WEEKLY", "until": moment_of(last, entry.zone), "byday": _WEEKDAYS[last.weekday()]})
        for one in sorted(entry.cancelled):
            made.add("exdate", _local(one, entry.zone))
    return None, made


def _exceptions(entry: CalendarEntry, also: Collection[datetime | None] = ()) -> list[_Of]:
    """Each date that takes place otherwise; `also` those that calendars may have taken out, if they take place."""
    shown = {*entry.moved, *(one.original for one in entry.occurrences() if one.original in also)}
    return [_exception(entry, one) for one in sorted(shown)]


def _exception(entry: CalendarEntry, original: datetime) -> _Of:
    made = _event(alone(entry, original))
    # Always in this one form: some servers compare it as text.
    made.add("recurrence-id", _local(original, entry.zone))
    return original, made


def _event(entry: CalendarEntry) -> Event:
    made = Event()
    made.add("uid", entry.uid)
    made.add("dtstart", _local(entry.starts, entry.zone))
    made.add("dtend", _end(entry))
    made.add("summary", _line(entry.title))
    where = " · ".join(_line(one) for one in (entry.place, entry.online_url) if one)
    if where:
        made.add("location", where)
    if entry.description:
        made.add("description", "\n".join(_line(one) for one in entry.description.splitlines()))
    if entry.url:
        if not _URL.fullmatch(entry.url):
            raise ValueError("the address of a meeting's page is one of the web, in plain ASCII")
        made.add("url", entry.url)
    made.add("class", "PRIVATE")
    return made


def _end(entry: CalendarEntry) -> datetime:
    """The end as calendars are told it: by the wall, so that it holds on every date of a season.

    A meeting alone that lasts through a change of the clocks ends at the moment that a clock in the hand shows.
    """
    if entry.is_season:
        return _local(entry.starts + timedelta(minutes=entry.minutes), entry.zone)
    moment = end_of(entry.starts, entry.minutes, entry.zone)
    there = moment.astimezone(ZoneInfo(entry.zone))
    # Of an hour that comes twice, every reader takes the first: the second is only said in UTC.
    return moment if there.fold else there


def _address(mailbox: Mailbox) -> vCalAddress:
    made = vCalAddress(f"mailto:{mailbox.address}")
    # Quotes and carets are written in a way that not every calendar reads back (RFC 6868).
    name = _line(re.sub(r'["^]', " ", mailbox.name))
    if name:
        made.params["CN"] = vText(name)
    return made


def _line(text: str) -> str:
    """`text` on one line: what could begin another line of the file becomes a space."""
    return " ".join("".join(" " if unicodedata.category(c) in _BREAKING else c for c in text).split())


def _local(at: datetime, zone: str) -> datetime:
    return at.replace(tzinfo=ZoneInfo(zone), fold=0)


def _moment(stamp: datetime) -> datetime:
    if stamp.tzinfo is None:
        raise ValueError("a moment needs its offset")
    return stamp.astimezone(UTC).replace(microsecond=0)


def _written(made: Calendar) -> bytes:
    # Every local time of ours must find its zone in the file: else readers take it for their own, or for UTC.
    if made.get_missing_tzids():
        raise ValueError("a zone is missing in the file")
    return bytes(made.to_ical())
