"""Six independent readers see in the program's calendar files what the zone database says, over both clock changes.

The cases are those in which calendars were seen to differ: the form of the zone, the end of a rule, one date cancelled,
moved, moved twice, another hour from a day on, and irregular dates.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from email import message_from_bytes
from typing import Any, Final

import pytest
from icalendar import Calendar

from adapters.mail import SmtpMailer
from domain.mail.envelopes import Mailbox, mime
from domain.mail.letters import Letter
from meetings import calendar_files
from meetings.entries import CalendarEntry, EntryException
from meetings.itip import Message, differences
from tests.fakes.smtp_server import SmtpServer
from tests.meetings.readers.oracle import HERE, single, weekly
from tests.meetings.readers.seen import Days, Seen
from tests.meetings.readers.together import Readers

PROGRAM: Final = Mailbox("comites@spheres.example", "Programme régional")
ANNE: Final = Mailbox("anne.roy@example.org", "Anne Roy-Côté")
STAMP: Final = datetime(2026, 8, 20, 15, 0, tzinfo=UTC)
YEAR: Final = Days(date(2026, 8, 1), date(2027, 8, 1))
CLINICAL: Final = "Comité clinique : échanges, à huis clos — été, hiver; où ça, déjà ?"
STEERING: Final = "Comité directeur"


def _at(year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    """A local time."""
    return datetime(year, month, day, hour, minute)


BEFORE_ALL: Final = _at(2026, 8, 20, 11)
FIRST: Final = _at(2026, 9, 2, 13, 30)
SEASON: Final = CalendarEntry(
    uid="season@spheres.example",
    zone=HERE,
    starts=FIRST,
    minutes=150,
    last_on=date(2027, 5, 19),
    title=CLINICAL,
    description="https://spheres.example/meetings",
    place="Salle des Érables, 2ᵉ étage, 1234, boulevard René-Lévesque Est",
    online_url="https://meet.example/l/19%3ameeting_NTRkZDk0YzUtY2Q4Zi00?context=a%2Cb&p=1;2",
)
AUTUMN: Final = replace(SEASON, starts=_at(2026, 10, 7, 13, 30), last_on=date(2026, 12, 9))
CANCELLED: Final = _at(2026, 11, 18, 13, 30)
MOVED: Final = _at(2026, 11, 11, 13, 30)
MOVED_TO: Final = _at(2026, 11, 12, 10)

#: A file, and what is to be seen in it.
Case = tuple[bytes, Sequence[Seen]]


def _sent(message: Message, *, sequence: int = 0) -> bytes:
    """The calendar's part of the letter that brings a message."""
    return calendar_files.part(
        message, organizer=PROGRAM, attendee=ANNE, sequence=sequence, stamp=STAMP + timedelta(days=sequence)
    ).content


def _whole(entry: CalendarEntry) -> bytes:
    """The invitation of someone who is told all of an entry at once."""
    (message,) = differences(None, entry, dialect="replace", after=BEFORE_ALL)
    return _sent(message)


def _changes(told: CalendarEntry, wanted: CalendarEntry | None, dialect: str = "merge") -> list[tuple[Message, bytes]]:
    messages = differences(told, wanted, dialect=dialect, after=BEFORE_ALL)
    return [(message, _sent(message, sequence=1 + n)) for n, message in enumerate(messages)]


def _merged(*sent: bytes) -> bytes:
    """What a calendar holds that takes each message for the date that it names: the last word about each counts."""
    calendars = [Calendar.from_ical(content) for content in sent]
    held: dict[bytes | None, Any] = {}
    for calendar in calendars:
        for event in calendar.events:
            told = event.get("RECURRENCE-ID")
            held[None if told is None else told.to_ical()] = event
    merged = calendars[0]
    merged.subcomponents = [*merged.timezones, *held.values()]
    return bytes(merged.to_ical())


def _feed(*entries: CalendarEntry) -> bytes:
    shown = [calendar_files.PublishedEntry(entry, 0, STAMP) for entry in entries]
    return calendar_files.publish(shown, name="Mes rencontres", organizer=PROGRAM)


def _feed_of_one_that_is_off(entry: CalendarEntry) -> bytes:
    off = calendar_files.PublishedEntry(replace(entry, online_url="https://meet.example/1"), 1, STAMP, is_off=True)
    return calendar_files.publish([off], name="Mes rencontres", organizer=PROGRAM)


def _events(content: bytes) -> list[Mapping[str, Any]]:
    return list(Calendar.from_ical(content).events)


# --------------------------------------------------------------------------------------------------- the form of a zone


@pytest.mark.ci
def test_a_season_is_seen_by_all_as_the_zone_database_has_it_over_both_clock_changes(readers: Readers) -> None:
    expected = weekly(FIRST, 38, 150, CLINICAL)
    assert {one.starts.hour for one in expected} == {17, 18}, "both clock changes lie within it"
    content = _whole(SEASON)
    assert readers.differing([(content, expected), (_feed(SEASON), expected)], YEAR) == {}
    zone = content[content.index(b"BEGIN:VTIMEZONE") : content.index(b"END:VTIMEZONE")]
    assert zone.count(b"RRULE:") == 2
    assert b"RDATE" not in content
    assert set(re.findall(rb"TZID[=:]([^:;\r]+)", content)) == {b"America/Toronto"}


@pytest.mark.ci
def test_with_the_zone_that_icalendar_writes_some_would_be_an_hour_wrong(readers: Readers) -> None:
    calendar = Calendar.from_ical(_whole(SEASON))
    calendar.subcomponents = list(calendar.events)
    calendar.add_missing_timezones()
    differing = readers.differing([(calendar.to_ical(), weekly(FIRST, 38, 150, CLINICAL))], YEAR)
    assert {name for name, _ in differing} == {"ical.js", "radicale", "vobject"}


@pytest.mark.ci
def test_a_zone_under_another_name_is_written_under_the_one_that_all_know(readers: Readers) -> None:
    content = _whole(replace(SEASON, zone="America/Montreal"))
    assert content == _whole(SEASON)
    assert readers.differing([(content, weekly(FIRST, 38, 150, CLINICAL))], YEAR) == {}


# ------------------------------------------------------------------------------------------------------ ends of a rule


@pytest.mark.ci
def test_an_evening_series_ends_with_its_last_date_for_all(readers: Readers) -> None:
    """The rule's end is a moment in UTC: by then the clocks have changed, and in Europe it is the next day."""
    evening = replace(AUTUMN, starts=_at(2026, 10, 7, 18, 30), minutes=90, last_on=date(2026, 11, 11))
    late = replace(evening, starts=_at(2026, 10, 7, 19, 30))
    content, later = _whole(evening), _whole(late)
    assert b"UNTIL=20261111T233000Z" in content
    assert b"UNTIL=20261112T003000Z" in later
    expected = weekly(evening.starts, 6, 90, CLINICAL)
    assert readers.differing([(content, expected), (later, weekly(late.starts, 6, 90, CLINICAL))], YEAR) == {}


@pytest.mark.ci
def test_a_last_day_between_two_dates_adds_none(readers: Readers) -> None:
    expected = weekly(AUTUMN.starts, 10, 150, CLINICAL)
    cases = [(_whole(replace(AUTUMN, last_on=date(2026, 12, day))), expected) for day in (9, 10, 15)]
    one = replace(AUTUMN, last_on=AUTUMN.starts.date())
    assert readers.differing([*cases, (_whole(one), expected[:1])], YEAR) == {}


# ------------------------------------------------------------------------------------------------------------ one date


@pytest.mark.ci
def test_a_cancelled_date_is_gone_for_all_in_either_dialect(readers: Readers) -> None:
    wanted = replace(AUTUMN, cancelled=frozenset({CANCELLED}))
    expected = weekly(AUTUMN.starts, 10, 150, CLINICAL, without=[CANCELLED])
    assert len(expected) == 9
    ((merge, exception),) = _changes(AUTUMN, wanted, "merge")
    ((replacing, whole),) = _changes(AUTUMN, wanted, "replace")
    assert (merge.method, replacing.method) == ("CANCEL", "REQUEST")
    (event,) = _events(exception)
    assert event["RECURRENCE-ID"].to_ical() == b"20261118T133000"
    assert event["RECURRENCE-ID"].params["TZID"] == HERE
    for content in (whole, _whole(wanted), _feed(wanted)):
        (master,) = _events(content)
        assert "EXDATE" in master
        assert master["STATUS"] != "CANCELLED"
    cases = [(content, expected) for content in (whole, _whole(wanted), _feed(wanted))]
    assert readers.differing([*cases, (_merged(_whole(AUTUMN), exception), expected)], YEAR) == {}


@pytest.mark.ci
def test_a_moved_date_is_where_it_was_moved_to_for_all_in_either_dialect(readers: Readers) -> None:
    wanted = replace(AUTUMN, moved={MOVED: EntryException(MOVED_TO, 150, AUTUMN.place)})
    expected = weekly(AUTUMN.starts, 10, 150, CLINICAL, moved={MOVED: MOVED_TO})
    assert len(expected) == 10
    ((_, exception),) = _changes(AUTUMN, wanted, "merge")
    ((_, whole),) = _changes(AUTUMN, wanted, "replace")
    assert [("RECURRENCE-ID" in event, "RRULE" in event) for event in _events(exception)] == [(True, False)]
    assert [("RECURRENCE-ID" in event, "RRULE" in event) for event in _events(whole)] == [(False, True), (True, False)]
    cases = [(content, expected) for content in (whole, _whole(wanted), _feed(wanted))]
    assert readers.differing([*cases, (_merged(_whole(AUTUMN), exception), expected)], YEAR) == {}


@pytest.mark.ci
def test_a_date_moved_twice_and_then_cancelled_is_seen_right_at_each_step(readers: Readers) -> None:
    again = _at(2026, 11, 10, 9)
    steps = [
        AUTUMN,
        replace(AUTUMN, moved={MOVED: EntryException(MOVED_TO, 150, AUTUMN.place)}),
        replace(AUTUMN, moved={MOVED: EntryException(again, 60, "Ailleurs")}),
        replace(AUTUMN, cancelled=frozenset({MOVED})),
        AUTUMN,
    ]
    moved_again = weekly(AUTUMN.starts, 10, 150, CLINICAL, moved={MOVED: again})
    expected = [
        weekly(AUTUMN.starts, 10, 150, CLINICAL),
        weekly(AUTUMN.starts, 10, 150, CLINICAL, moved={MOVED: MOVED_TO}),
        [single(again, 60, CLINICAL) if one == single(again, 150, CLINICAL) else one for one in moved_again],
        weekly(AUTUMN.starts, 10, 150, CLINICAL, without=[MOVED]),
        weekly(AUTUMN.starts, 10, 150, CLINICAL),
    ]
    sent = [[_whole(AUTUMN)], *([content for _, content in _changes(*two)] for two in itertools.pairwise(steps))]
    named = {
        bytes(event["RECURRENCE-ID"].to_ical())
        for content in (*sent[1], *sent[2], *sent[3])
        for event in _events(content)
    }
    assert named == {b"20261111T133000"}, "it is known by its first time, however often it moves"
    cases: list[Case] = [(_whole(entry), seen) for entry, seen in zip(steps, expected, strict=True)]
    # Step four is whole in itself: a date that comes back is told with the season.
    merged = [_merged(*itertools.chain(*sent[: n + 1])) for n in range(4)]
    cases += zip(merged, expected[:4], strict=True)
    assert readers.differing(cases, YEAR) == {}


@pytest.mark.ci
def test_a_cancelled_and_a_moved_date_on_the_days_of_the_clock_changes_are_seen_right(readers: Readers) -> None:
    sundays = replace(SEASON, starts=_at(2026, 9, 6, 9), minutes=600, last_on=date(2027, 5, 16), title="Journée")
    autumn, spring = _at(2026, 11, 1, 9), _at(2027, 3, 14, 9)
    to = {autumn: _at(2026, 11, 1, 14), spring: _at(2027, 3, 13, 9)}
    moved = replace(sundays, moved={one: EntryException(there, 600) for one, there in to.items()})
    cases = [
        (_whole(sundays), weekly(sundays.starts, 37, 600, "Journée")),
        (_whole(replace(sundays, cancelled=frozenset(to))), weekly(sundays.starts, 37, 600, "Journée", without=to)),
        (_whole(moved), weekly(sundays.starts, 37, 600, "Journée", moved=to)),
    ]
    assert readers.differing(cases, YEAR) == {}


# --------------------------------------------------------------------------------------------- another hour from a day


@pytest.mark.ci
def test_another_hour_from_a_day_on_gives_each_date_once(readers: Readers) -> None:
    """The old season ends before, a new one under a UID of its own follows, with its exceptions at the new hour."""
    since, last = date(2027, 1, 6), date(2027, 5, 19)
    moved, cancelled, to = _at(2027, 2, 10, 13, 30), _at(2027, 3, 10, 13, 30), _at(2027, 2, 11, 9)
    told = replace(SEASON, moved={moved: EntryException(to, 150, SEASON.place)}, cancelled=frozenset({cancelled}))
    shortened = replace(told, last_on=since - timedelta(days=1), moved={}, cancelled=frozenset())
    later = {one: datetime.combine(one.date(), time(14)) for one in (moved, cancelled)}
    following = replace(
        told,
        uid="following@spheres.example",
        starts=datetime.combine(since, time(14)),
        last_on=last,
        moved={later[moved]: EntryException(to, 150, SEASON.place)},
        cancelled=frozenset({later[cancelled]}),
    )
    before = weekly(FIRST, 18, 150, CLINICAL)
    after = weekly(following.starts, 20, 150, CLINICAL, without=[later[cancelled]], moved={later[moved]: to})
    shortening = _changes(told, shortened, "replace")
    assert [message.method for message, _ in shortening] == ["REQUEST"]
    sent = [content for _, content in shortening]
    assert b"THISANDFUTURE" not in b"".join([*sent, _whole(following)])
    cases = [(sent[0], before), (_whole(following), after), (_feed(shortened, following), sorted([*before, *after]))]
    assert readers.differing(cases, YEAR) == {}
    seen = readers.read([sent[0], _whole(following)], YEAR)
    assert {len({one.starts for one in (*old, *new)}) for old, new in seen.values()} == {18 + 19}


# ----------------------------------------------------------------------------------------------------- irregular dates


@pytest.mark.ci
def test_four_meetings_a_year_are_four_that_move_across_each_other_and_go_by_themselves(readers: Readers) -> None:
    dates = [_at(2026, 9, 16, 9), _at(2026, 12, 9, 9), _at(2027, 3, 17, 9), _at(2027, 6, 16, 9)]
    entries = [
        CalendarEntry(uid=f"steering-{n}@spheres.example", zone=HERE, starts=at, minutes=120, title=STEERING)
        for n, at in enumerate(dates)
    ]
    across = replace(entries[1], starts=_at(2027, 4, 7, 18))  # past the third
    ((moving, moved),) = _changes(entries[1], across)
    ((cancelling, _),) = _changes(entries[2], None)
    assert (moving.kind, moving.recurrence, cancelling.method) == ("update", None, "CANCEL")
    told = _feed(*entries)
    assert len({event["UID"] for event in _events(told)}) == 4
    assert all(word not in told for word in (b"RDATE", b"RRULE:FREQ=WEEKLY", b"RECURRENCE-ID"))
    left = [entries[0], across, entries[3]]
    cases: list[Case] = [
        *((_whole(entry), [single(entry.starts, 120, STEERING)]) for entry in entries),
        (moved, [single(across.starts, 120, STEERING)]),
        (told, [single(at, 120, STEERING) for at in dates]),
        (_feed(*left), [single(entry.starts, 120, STEERING) for entry in left]),
        (_feed(), []),
        (_feed_of_one_that_is_off(entries[2]), []),
    ]
    assert readers.differing(cases, YEAR) == {}


@pytest.mark.ci
def test_a_meeting_over_the_night_of_the_change_lasts_as_long_for_all(readers: Readers) -> None:
    autumn, spring = (
        CalendarEntry(uid="night@spheres.example", zone=HERE, starts=at, minutes=600, title=STEERING)
        for at in (_at(2026, 10, 31, 22), _at(2027, 3, 13, 22))
    )
    cases = [(_whole(one), [single(one.starts, 600, STEERING)]) for one in (autumn, spring)]
    assert readers.differing(cases, YEAR) == {}


def test_an_end_in_the_hour_that_comes_twice_is_right_for_all_but_one(readers: Readers) -> None:
    """It can only be said in UTC, and recurring-ical-events takes the length of such a meeting from the wall."""
    twice = CalendarEntry(
        uid="twice@spheres.example", zone=HERE, starts=_at(2026, 11, 1, 0, 30), minutes=120, title=STEERING
    )
    differing = readers.differing([(_whole(twice), [single(twice.starts, 120, STEERING)])], YEAR)
    assert set(differing) == {("recurring-ical-events", 0)}


# --------------------------------------------------------------------------------------------------------- on the way


@pytest.mark.ci
def test_what_a_mail_server_receives_is_what_all_readers_see(readers: Readers) -> None:
    wanted = replace(SEASON, moved={MOVED: EntryException(MOVED_TO, 150)}, cancelled=frozenset({CANCELLED}))
    (message,) = differences(None, wanted, dialect="merge", after=BEFORE_ALL)
    part = calendar_files.part(message, organizer=PROGRAM, attendee=ANNE, sequence=0, stamp=STAMP)
    letter = mime(
        Letter("Invitation : Comité clinique", "Bonjour,", "<p>Bonjour,</p>"),
        sender=PROGRAM,
        to=ANNE,
        message_id="<0@spheres.example>",
        date=STAMP,
        language="fr",
        calendars=[part],
    )
    with SmtpServer() as server:
        mailer = SmtpMailer("127.0.0.1", server.port, envelope_from=PROGRAM.address, encryption="none")
        mailer.send(to=ANNE.address, message=letter)
        mailer.close()
    (received,) = server.received
    arrived = [
        one.get_payload(decode=True)
        for one in message_from_bytes(received.message).walk()
        if one.get_content_type() in {"text/calendar", "application/ics"}
    ]
    assert arrived == [part.content, part.content], "to read, and to keep"
    expected = weekly(FIRST, 38, 150, CLINICAL, without=[CANCELLED], moved={MOVED: MOVED_TO})
    assert readers.differing([(part.content, expected)], YEAR) == {}


# ---------------------------------------------------------------------------------------------------------- all of them


@pytest.mark.parametrize(
    "zone",
    [
        pytest.param("America/Toronto", marks=pytest.mark.ci),
        pytest.param("America/St_Johns", marks=pytest.mark.ci),  # half an hour beside the others
        *(
            pytest.param(zone, marks=pytest.mark.nightly)
            for zone in (
                "America/Halifax",
                "America/Regina",  # whose clocks never change
                "Europe/Paris",  # which changes on other days
                "Australia/Sydney",  # where summer is in winter
                "Asia/Kathmandu",
            )
        ),
    ],
)
def test_every_weekday_and_hour_with_dates_moved_and_cancelled_is_seen_right(readers: Readers, zone: str) -> None:
    """But for meetings under way while the clocks change, which readers end an hour apart: no committee meets then."""
    cases: list[Case] = []
    for weekday, hour, minutes in itertools.product(range(7), (6, 13, 21), (15, 150)):
        first = _at(2026, 8, 31 - 7, hour, 45) + timedelta(days=weekday)
        originals = [first + timedelta(weeks=week) for week in range(45)]
        away = {one: one + timedelta(days=2, hours=-1) for one in originals[3::7] if hour == 13 or weekday % 2}
        off = set(originals[2::5]) - set(away)
        entry = CalendarEntry(
            uid=f"{weekday}-{hour}-{minutes}@spheres.example",
            zone=zone,
            starts=first,
            minutes=minutes,
            last_on=originals[-1].date(),
            title=CLINICAL,
            cancelled=frozenset(off),
            moved={one: EntryException(to, minutes) for one, to in away.items()},
        )
        cases.append((_whole(entry), weekly(first, 45, minutes, CLINICAL, without=off, moved=away, zone=zone)))
    assert readers.differing(cases, YEAR) == {}
