"""The bytes of calendar files and of the letters that carry them: the same each time, and nothing unmeant."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar
from recurring_ical_events import of  # type: ignore[import-untyped]

from domain.kernel.refusals import Refusal
from domain.mail.envelopes import CalendarPart, Mailbox, mime
from domain.mail.letters import Letter
from meetings import calendar_files
from meetings.calendar_files import PublishedEntry
from meetings.entries import CalendarEntry, EntryException
from meetings.itip import Message, differences
from tests.meetings.seasons import COMMITTEE, MOVED, MOVED_TO, OFF, entries, plain, season

BEFORE = datetime.fromisoformat("2026-10-01T09:00")
SENDER = Mailbox("avis@spheres.example.org", "SPHÈRES, Grand Montréal")
NADIA = Mailbox("nadia@example.org", "Nadia Bélanger")
STAMP = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)


def _invitation(entry: CalendarEntry) -> Message:
    (message,) = differences(None, entry, dialect="unknown", after=datetime.fromisoformat("2000-01-01T00:00"))
    return message


def _part(message: Message, **changes: Any) -> CalendarPart:
    facts: dict[str, Any] = {"organizer": SENDER, "attendee": NADIA, "sequence": 3, "stamp": STAMP, **changes}
    return calendar_files.part(message, **facts)


def _lines(content: bytes) -> list[str]:
    return content.decode().replace("\r\n ", "").split("\r\n")


def _properties(content: bytes, name: str) -> list[str]:
    return [line for line in _lines(content) if re.match(rf"{name}[;:]", line)]


def _every_part() -> Iterator[CalendarPart]:
    yield _part(_invitation(season()))
    yield _part(_invitation(COMMITTEE))
    for dialect in ("merge", "replace"):
        for wanted in (None, plain(), season(title="Autre titre"), season(minutes=180)):
            for message in differences(season(), wanted, dialect=dialect, after=BEFORE):
                yield _part(message)
    (off,) = differences(plain(), plain(cancelled=frozenset({OFF})), dialect="merge", after=BEFORE)
    yield _part(off)


# ---------------------------------------------------------------------------------------------------- the files


@settings(max_examples=25)
@given(entries(longest=30))
def test_an_independent_reader_sees_what_the_zone_database_says(entry: CalendarEntry) -> None:
    if not entry.occurrences():
        return
    calendar = Calendar.from_ical(_published(entry))
    shown = [(one["dtstart"].dt, one["dtend"].dt) for one in of(calendar).between((2026, 1, 1), (2029, 1, 1))]
    assert sorted((starts.astimezone(UTC), ends.astimezone(UTC)) for starts, ends in shown) == sorted(entry.utc())


def test_an_evening_season_ends_with_the_moment_of_its_last_date() -> None:
    evening = plain(starts=datetime.fromisoformat("2026-10-07T18:30"), last_on=date(2026, 11, 11))
    content = _part(_invitation(evening)).content
    assert _properties(content, "RRULE")[-1] == "RRULE:FREQ=WEEKLY;UNTIL=20261111T233000Z;BYDAY=WE"
    assert len(evening.occurrences()) == 6


def test_every_file_is_in_lines_of_75_octets_that_split_no_character_and_end_as_mail_ends_them() -> None:
    long = season(title="É" * 180, place="à côté, " * 20, description="Où ? " * 60 + "\nhttps://spheres.example.org")
    for content in (_part(_invitation(long)).content, *(part.content for part in _every_part())):
        assert b"\n" not in content.replace(b"\r\n", b"")
        assert content.endswith(b"END:VCALENDAR\r\n")
        for line in content.split(b"\r\n"):
            assert len(line) <= 75
            line.decode()


def test_the_recipient_is_the_only_attendee_and_the_sender_organizes() -> None:
    for part in _every_part():
        events = part.content.count(b"BEGIN:VEVENT")
        attendees, organizers = _properties(part.content, "ATTENDEE"), _properties(part.content, "ORGANIZER")
        assert len(attendees) == len(organizers) == events
        assert all(line.endswith(f"mailto:{NADIA.address}") for line in attendees)
        assert all(line.endswith(f"mailto:{SENDER.address}") for line in organizers)
        assert all("ROLE=REQ-PARTICIPANT" in line for line in attendees)
        assert all(("RSVP=TRUE" in line) == (part.method == "REQUEST") for line in attendees)
        assert _properties(part.content, "METHOD") == [f"METHOD:{part.method}"]
        assert _properties(part.content, "SEQUENCE") == ["SEQUENCE:3"] * events
        assert _properties(part.content, "DTSTAMP") == ["DTSTAMP:20260901T120000Z"] * events


def test_every_local_time_is_in_the_zone_that_the_file_tells_and_no_date_is_listed() -> None:
    for part in _every_part():
        calendar = Calendar.from_ical(part.content)
        assert isinstance(calendar, Calendar)
        assert calendar.get_missing_tzids() == set()
        assert _properties(part.content, "TZID") == ["TZID:America/Toronto"]
        assert b"RDATE" not in part.content
        assert b"THISANDFUTURE" not in part.content
        for name in ("DTSTART", "DTEND", "EXDATE", "RECURRENCE-ID"):
            events = part.content[part.content.index(b"BEGIN:VEVENT") :]
            assert all(f"{name};TZID=America/Toronto:" in line for line in _properties(events, name))


def test_the_same_values_give_the_same_bytes() -> None:
    assert [part.content for part in _every_part()] == [part.content for part in _every_part()]
    shuffled = season(cancelled=frozenset(sorted(season().cancelled, reverse=True)))
    assert _part(_invitation(shuffled)).content == _part(_invitation(season())).content


def test_a_stamp_is_a_moment_and_is_written_in_utc() -> None:
    local = datetime.fromisoformat("2026-09-01T08:00:00.5-04:00")
    assert _properties(_part(_invitation(COMMITTEE), stamp=local).content, "DTSTAMP") == ["DTSTAMP:20260901T120000Z"]
    with pytest.raises(ValueError, match="offset"):
        _part(_invitation(COMMITTEE), stamp=BEFORE)


def test_a_meeting_through_the_night_of_a_change_ends_when_it_ends() -> None:
    night = plain(starts=datetime.fromisoformat("2026-10-31T22:00"), minutes=300, last_on=None)
    event: Any = Calendar.from_ical(_part(_invitation(night)).content).walk("VEVENT")[0]
    assert event["dtend"].dt.astimezone(UTC) == night.utc()[0][1]


# -------------------------------------------------------------------------------------- what is typed, and is not


EVIL = "Salle A\r\nATTENDEE:mailto:x@evil.example\nX-EVIL:1\u2028\u2029\x85\x00\x1b\rBEGIN:VEVENT"


@pytest.mark.parametrize("name", ["title", "place", "online_url", "description"])
def test_what_is_typed_begins_no_line_of_the_file(name: str) -> None:
    content = _part(_invitation(plain(**{name: EVIL}))).content
    usual = _part(_invitation(plain(**{name: "x"}))).content
    names = [re.split(r"[;:]", line)[0] for line in _lines(content)]
    assert names == [re.split(r"[;:]", line)[0] for line in _lines(usual)]
    assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]", content)
    (event,) = Calendar.from_ical(content).walk("VEVENT")
    assert str(event["attendee"]) == "mailto:nadia@example.org"


@given(st.text(max_size=120))
def test_no_text_at_all_adds_a_line_to_a_file(text: str) -> None:
    text = text.encode("utf-8", "ignore").decode()
    content = _part(_invitation(plain(title=text, place=text, description=text))).content
    assert content.count(b"BEGIN:") == content.count(b"END:") == 5
    assert len(_properties(content, "ATTENDEE")) == 1
    assert len(content.splitlines()) == content.count(b"\r\n")


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://x\r\nX-EVIL:1", "https://x/é", "https://a b", "x"])
def test_the_address_of_a_page_is_an_address(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        _part(_invitation(plain(url=url)))


def test_a_name_holds_no_quotes_and_an_address_is_one() -> None:
    content = _part(_invitation(COMMITTEE), attendee=Mailbox("a@example.org", 'Zoé "Zo" D\'Arc; x:y, z^n')).content
    (line,) = _properties(content, "ATTENDEE")
    assert 'CN="Zoé Zo D\'Arc; x:y, z n"' in line
    with pytest.raises(Refusal):
        Mailbox("a@example.org:mailto:x@evil.example", "A")


# ------------------------------------------------------------------------------------------------------ the feed


def _published(*entries: CalendarEntry, name: str = "Programme", is_off: bool = False, language: str = "fr") -> bytes:
    shown = [PublishedEntry(entry, 3, STAMP, is_off=is_off) for entry in entries]
    return calendar_files.publish(shown, name=name, organizer=SENDER, language=language)


def test_a_calendar_to_subscribe_to_has_days_and_places_nobody_and_says_when_to_look_again() -> None:
    content = _published(season(), COMMITTEE, name="Programme\r\nX-EVIL:1")
    lines = _lines(content)
    for line in (
        "METHOD:PUBLISH",
        "REFRESH-INTERVAL;VALUE=DURATION:PT6H",
        "X-PUBLISHED-TTL:PT6H",
        "NAME:Programme X-EVIL:1",
        "X-WR-CALNAME:Programme X-EVIL:1",
    ):
        assert lines.count(line) == 1
    for name in ("ATTENDEE", "X-WR-TIMEZONE", "X-EVIL"):
        assert _properties(content, name) == []
    assert content.count(b"BEGIN:VTIMEZONE") == 1
    assert content.count(b"BEGIN:VEVENT") == 3
    assert content == _published(season(), COMMITTEE, name="Programme\r\nX-EVIL:1")


def test_each_entry_to_subscribe_to_says_who_organizes_how_new_it_is_and_when_it_changed() -> None:
    content = _published(season(), COMMITTEE)
    assert all(line.endswith(f"mailto:{SENDER.address}") for line in _properties(content, "ORGANIZER"))
    for name, value in (
        ("ORGANIZER", None),
        ("SEQUENCE", "SEQUENCE:3"),
        ("LAST-MODIFIED", "LAST-MODIFIED:20260901T120000Z"),
        ("DTSTAMP", "DTSTAMP:20260901T120000Z"),
        ("STATUS", "STATUS:CONFIRMED"),
    ):
        found = _properties(content, name)
        assert len(found) == 3, name
        assert value is None or set(found) == {value}


def test_where_a_meeting_is_joined_is_said_of_each_date_as_a_conference_of_one_folded_line() -> None:
    url = "https://teams.example.org/l/meetup-join/" + "19%3ameeting_x" * 9
    elsewhere = plain(
        online_url=url, moved={MOVED: EntryException(MOVED_TO, 150, "", "https://other.example.org/room?a=1;b=2,3")}
    )
    lines = [
        f"CONFERENCE;FEATURE=VIDEO;LABEL=Rejoindre en ligne;VALUE=URI:{address}"
        for address in (url, "https://other.example.org/room?a=1;b=2,3")
    ]
    for content in (_published(elsewhere), _part(_invitation(elsewhere)).content):
        assert _properties(content, "CONFERENCE") == lines
        assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    assert "LABEL=Join online;" in _properties(_published(elsewhere, language="en"), "CONFERENCE")[0]
    assert _properties(_published(COMMITTEE), "CONFERENCE") == []


def test_what_is_off_is_published_as_cancelled_and_nobody_joins_it() -> None:
    off = replace(COMMITTEE, online_url="https://teams.example.org/1")
    content = _published(off, is_off=True)
    assert _properties(content, "STATUS") == ["STATUS:CANCELLED"]
    assert _properties(content, "CONFERENCE") == []
    gone = _part(Message("CANCEL", "cancelled", off, is_off=True)).content
    assert _properties(gone, "CONFERENCE") == []


def test_an_empty_calendar_is_one() -> None:
    assert Calendar.from_ical(_published()).walk("VEVENT") == []


# -------------------------------------------------------------------------------------------------- the envelope


def _letter(*parts: CalendarPart) -> EmailMessage:
    letter = Letter("Invitation : Comité clinique", "Bonjour,\n", "<p>Bonjour</p>\n")
    sent = mime(
        letter,
        sender=SENDER,
        to=NADIA,
        message_id="<a-b@spheres.example.org>",
        date=STAMP,
        language="fr",
        calendars=parts,
    )
    assert b"\n" not in sent.replace(b"\r\n", b"")
    assert all(len(line) <= 998 for line in sent.split(b"\r\n"))
    message = message_from_bytes(sent, policy=policy.SMTP)
    assert isinstance(message, EmailMessage)
    return message


def test_a_letter_carries_the_file_as_its_last_alternative_and_beside_it() -> None:
    for part in _every_part():
        message = _letter(part)
        assert [one.get_content_type() for one in message.walk()] == [
            "multipart/mixed",
            "multipart/alternative",
            "text/plain",
            "text/html",
            "text/calendar",
            "application/ics",
        ]
        alternatives, attached = message.iter_parts()
        calendar = list(alternatives.iter_parts())[-1]
        assert calendar.get_param("method") == part.method
        assert calendar.get_content_charset() == "utf-8"
        assert f"METHOD:{part.method}\r\n".encode() in part.content
        for one in (calendar, attached):
            assert one.get_payload(decode=True) == part.content
        name = "annulation.ics" if part.method == "CANCEL" else "invitation.ics"
        assert attached.get_filename() == part.file_name == name
        assert f"mailto:{message['From'].addresses[0].addr_spec}" in _properties(part.content, "ORGANIZER")[0]
        assert f"mailto:{message['To'].addresses[0].addr_spec}" in _properties(part.content, "ATTENDEE")[0]


def test_the_file_of_a_cancellation_has_its_name_in_the_reader_s_language() -> None:
    message = Message("CANCEL", "cancelled", COMMITTEE, is_off=True)
    written = {language: _part(message, language=language) for language in ("fr", "en")}
    assert {language: part.file_name for language, part in written.items()} == {
        "fr": "annulation.ics",
        "en": "cancellation.ics",
    }
    assert written["fr"].content == written["en"].content


def test_a_letter_carries_each_further_file_as_a_part_of_its_own_with_its_method() -> None:
    first, second = (_part(Message(method, "update", COMMITTEE)) for method in ("REQUEST", "CANCEL"))
    message = _letter(first, second)
    assert [one.get_content_type() for one in message.walk()][4:] == [
        "text/calendar",
        "application/ics",
        "text/calendar",
    ]
    *_, further = message.iter_parts()
    assert further.get_param("method") == "CANCEL"
    assert further.get_content_charset() == "utf-8"
    assert further.get_payload(decode=True) == second.content
    assert further.get_filename() == "annulation-2.ics"
    assert further.get_content_disposition() == "attachment"


def test_a_letter_carries_no_calendar_that_nobody_was_sent() -> None:
    with pytest.raises(ValueError, match="REQUEST or a CANCEL"):
        CalendarPart("PUBLISH", b"")
