"""A person's calendar, as RFC 5546 has it and as servers are: what it shows after the messages that it was sent.

It reads the files that leave and knows nothing of how they were made. Five kinds of calendar take a message by its
date; they differ in what no standard says. The sixth takes every message for the whole, as a widely used server does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from icalendar import Calendar

from domain.mail.envelopes import CalendarPart

#: A VEVENT as read: icalendar types each of its properties as every kind that there is.
Event = Any


class Shown(NamedTuple):
    """One meeting as its reader sees it, in UTC."""

    starts: datetime
    ends: datetime
    title: str
    place: str


@dataclass
class _Kept:
    """What is kept under one UID. An exception of None is one that was cancelled and is kept as that."""

    rule: Event | None = None
    off: set[datetime] = field(default_factory=set)
    exceptions: dict[datetime, Event | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Received:
    """One message as it was read: its METHOD, its SEQUENCE and DTSTAMP, the rule if it has one, and single dates."""

    method: str
    uid: str
    version: tuple[int, datetime]
    rule: Event | None
    dates: dict[datetime, Event]


@dataclass
class Attendee:
    """One calendar.

    `replaces`: every message stands for the whole. Else `keeps`: exceptions outlive a new rule, where it has their
    date; `hoards`: also where it has that date no more; `takes_out`: a date that is cancelled is taken out of the rule,
    so that only a new rule brings it back.
    """

    replaces: bool = False
    keeps: bool = True
    hoards: bool = False
    takes_out: bool = True
    kept: dict[str, _Kept] = field(default_factory=dict)
    seen: dict[str, tuple[int, datetime]] = field(default_factory=dict)

    @property
    def dialect(self) -> str:
        return "replace" if self.replaces else "merge"

    def receive(self, message: Received) -> None:
        """Take one message. A message older than what was taken already is a fault of the sender's."""
        uid, now, before = message.uid, message.version, self.seen.get(message.uid)
        assert before is None or (now[0] >= before[0] and now[1] > before[1]), "a message came that is already old"
        self.seen[uid] = now
        if message.method == "REQUEST":
            self._request(message)
        elif message.rule is not None or self.replaces:
            self.kept.pop(uid, None)
        else:
            self._cancel(uid, message.dates)

    def shows(self) -> list[Shown]:
        """Every meeting that it shows, in order."""
        found = []
        for kept in self.kept.values():
            originals = set() if kept.rule is None else set(_originals(kept.rule)) - kept.off
            for original in sorted(originals - set(kept.exceptions)):
                assert kept.rule is not None
                found.append(_shown(kept.rule, original))
            for original, event in kept.exceptions.items():
                # A date that the rule leaves out stays hidden, whatever an exception says of it.
                if event is not None and original not in kept.off:
                    found.append(_shown(event, _local(event["dtstart"].dt)))
        return sorted(found)

    def _request(self, message: Received) -> None:
        rule, dates = message.rule, message.dates
        if self.replaces:
            self.kept[message.uid] = _Kept(rule, _off(rule), dict(dates))
            return
        kept = self.kept.setdefault(message.uid, _Kept())
        if rule is not None:
            within = set(_originals(rule))
            outlive = {
                one: how for one, how in kept.exceptions.items() if self.keeps and (self.hoards or one in within)
            }
            # An exception that says nothing of its own goes with the rule that it was made under.
            outlive = {one: how for one, how in outlive.items() if how is None or _differs(how, one, kept.rule)}
            kept.rule, kept.off, kept.exceptions = rule, _off(rule), outlive
        kept.exceptions.update(dates)

    def _cancel(self, uid: str, dates: dict[datetime, Event]) -> None:
        kept = self.kept[uid]
        for original in dates:
            if self.takes_out:
                kept.exceptions.pop(original, None)
                kept.off.add(original)
            else:
                kept.exceptions[original] = None


def read(part: CalendarPart) -> Received:
    """What a part of a letter says."""
    calendar = Calendar.from_ical(part.content)
    assert isinstance(calendar, Calendar)
    assert str(calendar["method"]) == part.method
    events: list[Event] = list(calendar.events)
    (uid,) = {str(event["uid"]) for event in events}
    (version,) = {(int(event["sequence"]), event["dtstamp"].dt) for event in events}
    return Received(
        part.method,
        uid,
        version,
        next((event for event in events if "recurrence-id" not in event), None),
        {_local(event["recurrence-id"].dt): event for event in events if "recurrence-id" in event},
    )


def attendees() -> list[Attendee]:
    """One of each kind, empty."""
    merging = [Attendee(keeps=keeps, takes_out=takes_out) for keeps in (True, False) for takes_out in (True, False)]
    return [*merging, Attendee(hoards=True), Attendee(replaces=True)]


def _originals(rule: Event) -> list[datetime]:
    starts = rule["dtstart"].dt
    if "rrule" not in rule:
        return [_local(starts)]
    assert rule["rrule"]["FREQ"] == ["WEEKLY"]
    (until,) = rule["rrule"]["UNTIL"]
    zone, found, at = ZoneInfo(str(starts.tzinfo)), [], _local(starts)
    while at.replace(tzinfo=zone).astimezone(UTC) <= until:
        found.append(at)
        at += timedelta(weeks=1)
    return found


def _differs(event: Event, original: datetime, rule: Event | None) -> bool:
    assert rule is not None
    mine, usual = (_shown(event, _local(event["dtstart"].dt)), _shown(rule, original))
    return (mine.starts, mine.ends, mine.place) != (usual.starts, usual.ends, usual.place)


def _off(rule: Event | None) -> set[datetime]:
    if rule is None or "exdate" not in rule:
        return set()
    exdate = rule["exdate"]
    return {_local(one.dt) for part in (exdate if isinstance(exdate, list) else [exdate]) for one in part.dts}


def _shown(event: Event, starts: datetime) -> Shown:
    zone = event["dtstart"].dt.tzinfo
    lasts = _local(event["dtend"].dt) - _local(event["dtstart"].dt)
    moments = [one.replace(tzinfo=zone).astimezone(UTC) for one in (starts, starts + lasts)]
    return Shown(moments[0], moments[1], str(event["summary"]), str(event.get("location", "")))


def _local(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)
