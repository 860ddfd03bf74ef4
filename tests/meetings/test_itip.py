"""Which messages bring a calendar from what was told to what is so: few, in order, and right in every kind of one."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from domain.mail.envelopes import CalendarPart, Mailbox
from meetings.calendar_files import part
from meetings.entries import CalendarEntry, EntryException
from meetings.itip import Message, differences, joined, remembered, sequences
from tests.meetings.attendee import Attendee, Shown, attendees, read
from tests.meetings.seasons import COMMITTEE, FIRST, MOVED, MOVED_TO, OFF, entries, plain, season

BEFORE = datetime.fromisoformat("2026-10-01T09:00")
ORGANIZER = Mailbox("avis@spheres.example.org", "SPHÈRES")
NADIA = Mailbox("nadia@example.org", "Nadia Bélanger")
STAMP = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
WEEK = timedelta(days=7)


class Correspondence:
    """What the program keeps of one person, and calendars of one dialect: told by the messages, and nothing else."""

    def __init__(self, *calendars: Attendee) -> None:
        self.calendars = calendars
        self.told: CalendarEntry | None = None
        self.sequence = -1
        self.stamp = STAMP

    def tell(self, wanted: CalendarEntry | None, after: datetime = BEFORE, **said: Any) -> tuple[Message, ...]:
        found = differences(self.told, wanted, dialect=self.calendars[0].dialect, after=after, **said)
        messages = joined(found, self.told, wanted, after=after)
        numbers = sequences(self.sequence, messages)
        for message, number in zip(messages, numbers, strict=True):
            self.stamp += timedelta(seconds=1)
            received = read(_part(message, number, self.stamp))
            for calendar in self.calendars:
                calendar.receive(received)
        if messages:
            self.told, self.sequence = remembered(self.told, wanted, found), numbers[-1]
        return messages


def read_events(message: Message, made: CalendarPart | None = None) -> list[Any]:
    """The events in the file of a message, the rule first."""
    return list(Calendar.from_ical((made or _part(message)).content).walk("VEVENT"))


def _part(message: Message, sequence: int = 0, stamp: datetime = STAMP) -> CalendarPart:
    return part(message, organizer=ORGANIZER, attendee=NADIA, sequence=sequence, stamp=stamp)


def _wanted(entry: CalendarEntry | None, after: datetime | None = None) -> list[Shown]:
    if entry is None:
        return []
    ahead = [
        (one, moments)
        for one, moments in zip(entry.occurrences(), entry.utc(), strict=True)
        if after is None or one.starts > after
    ]
    return sorted(Shown(*moments, entry.title, one.place) for one, moments in ahead)


def _from(shown: Sequence[Shown], after: datetime) -> list[Shown]:
    moment = after.replace(tzinfo=ZoneInfo("America/Toronto")).astimezone(UTC)
    return [one for one in shown if one.starts > moment]


def _said(messages: Sequence[Message]) -> list[tuple[str, str, datetime | None]]:
    return [(one.method, one.kind, one.recurrence) for one in messages]


# ---------------------------------------------------------------------------------------------- any change at all


@pytest.mark.ci
@settings(max_examples=60)
@given(st.lists(st.tuples(st.none() | entries(), st.integers(0, 50)), min_size=1, max_size=5))
def test_every_kind_of_calendar_ends_with_what_is_wanted_whatever_changed(
    course: list[tuple[CalendarEntry | None, int]],
) -> None:
    *merging, replacing = attendees()
    courses = [Correspondence(*merging), Correspondence(replacing)]
    after = BEFORE
    for wanted, weeks in course:
        after = min(after + weeks * timedelta(days=1), BEFORE + 40 * WEEK)
        for one in courses:
            one.tell(wanted, after)
            for calendar in one.calendars:
                assert _from(calendar.shows(), after) == _wanted(wanted, after)
            assert one.tell(wanted, after) == ()


def test_a_date_that_was_moved_and_is_off_comes_back_by_no_later_rule() -> None:
    """A calendar may keep what it holds of one date by itself, and hide it as long as the rule leaves that date out."""
    first = datetime(2027, 1, 6, 13, 30)
    off = first + 7 * WEEK
    facts: dict[str, Any] = {
        "uid": "clinical@spheres.example.org",
        "zone": "America/Toronto",
        "minutes": 30,
        "title": "Comité clinique",
    }
    elsewhere = {off: EntryException(off, 30, "Salle A", "")}
    course = [
        CalendarEntry(**facts, starts=first, last_on=off.date(), moved=elsewhere),
        CalendarEntry(**facts, starts=off - WEEK, last_on=(off + 4 * WEEK).date(), cancelled=frozenset({off})),
        CalendarEntry(**facts, starts=first - 13 * WEEK, last_on=(first - 13 * WEEK).date()),
    ]
    *merging, replacing = attendees()
    for one in (Correspondence(*merging), Correspondence(replacing)):
        for wanted in course:
            one.tell(wanted, BEFORE)
            for calendar in one.calendars:
                assert _from(calendar.shows(), BEFORE) == _wanted(wanted, BEFORE)


@pytest.mark.ci
@given(entries(), st.integers(0, 400), st.sampled_from(["unknown", "merge", "replace"]))
def test_nothing_is_sent_where_nothing_changed(entry: CalendarEntry, days: int, dialect: str) -> None:
    assert differences(entry, entry, dialect=dialect, after=BEFORE + timedelta(days=days)) == ()


@pytest.mark.ci
@given(entries(), st.data())
def test_nothing_is_sent_of_what_is_past(entry: CalendarEntry, data: st.DataObject) -> None:
    after = data.draw(st.sampled_from(entry.originals)) + timedelta(days=3)
    past = [one for one in entry.originals if one < after - WEEK and one not in entry.moved]
    changed = replace(entry, cancelled=entry.cancelled | set(past))
    for dialect in ("merge", "replace"):
        assert differences(entry, changed, dialect=dialect, after=after) == ()


@pytest.mark.ci
@given(st.lists(entries(), min_size=2, max_size=4))
def test_the_whole_is_one_message_for_whom_each_message_stands_for_the_whole(course: list[CalendarEntry]) -> None:
    one = Correspondence(Attendee(replaces=True))
    for wanted in course:
        messages = one.tell(wanted)
        assert len(messages) <= 1
        assert all(message.whole for message in messages)


@pytest.mark.ci
@given(entries(), entries())
def test_by_dates_the_rule_comes_first_then_what_is_otherwise_then_what_is_off(
    told: CalendarEntry, wanted: CalendarEntry
) -> None:
    def rank(message: Message) -> int:
        return 2 if message.method == "CANCEL" else 0 if message.recurrence is None else 1

    messages = differences(told, wanted, dialect="unknown", after=BEFORE)
    assert [rank(message) for message in messages] == sorted(rank(message) for message in messages)
    dates = [message.recurrence for message in messages]
    assert len(set(dates)) == len(dates)


# --------------------------------------------------------------------------------------------------- one date off


def test_a_date_that_is_cancelled_is_one_cancellation_and_leaves_the_others() -> None:
    for calendar in attendees():
        one = Correspondence(calendar)
        one.tell(plain())
        messages = one.tell(plain(cancelled=frozenset({OFF})))
        assert len(calendar.shows()) == 9
        (message,) = messages
        assert (message.kind, message.recurrence, message.bumps) == ("cancelled", OFF, True)
        assert message.method == ("REQUEST" if calendar.replaces else "CANCEL")
        text = _part(message, 1).content.decode()
        if calendar.replaces:
            assert "EXDATE;TZID=America/Toronto:20261118T133000\r\n" in text
            assert "STATUS:CANCELLED" not in text
        else:
            assert "RECURRENCE-ID;TZID=America/Toronto:20261118T133000\r\n" in text
            assert "STATUS:CANCELLED\r\n" in text
            assert "RRULE" not in text.split("BEGIN:VEVENT")[1]


def test_the_whole_as_it_is_told_later_has_the_date_taken_out_and_no_cancelled_exception() -> None:
    later = season(title="Comité clinique", place="Salle Z")
    (message,) = differences(season(), later, dialect="replace", after=BEFORE)
    text = _part(message).content.decode()
    assert text.count("BEGIN:VEVENT") == 2
    assert "EXDATE;TZID=America/Toronto:20261118T133000\r\n" in text
    assert "STATUS:CANCELLED" not in text


def test_a_date_on_which_others_meet_is_taken_from_one_person_without_being_called_cancelled() -> None:
    (message,) = differences(
        plain(), plain(cancelled=frozenset({OFF})), dialect="merge", after=BEFORE, still_on=frozenset({OFF})
    )
    assert (message.method, message.kind, message.is_off) == ("CANCEL", "removed", False)
    assert "STATUS" not in _part(message).content.decode()


def test_a_date_that_takes_place_after_all_is_shown_again_everywhere() -> None:
    for calendar in attendees():
        one = Correspondence(calendar)
        one.tell(plain())
        one.tell(plain(cancelled=frozenset({OFF})))
        messages = one.tell(plain())
        assert _said(messages) == [("REQUEST", "restored", OFF)]
        assert calendar.shows() == _wanted(plain())


def test_dates_that_take_place_after_all_are_told_with_the_rule_and_each_by_itself_in_one_file() -> None:
    *merging, _ = attendees()
    one = Correspondence(*merging)
    one.tell(plain())
    one.tell(plain(cancelled=frozenset({MOVED, OFF})))
    assert one.told is not None
    found = differences(one.told, plain(), dialect="merge", after=BEFORE)
    assert _said(found) == [("REQUEST", "update", None), ("REQUEST", "restored", MOVED), ("REQUEST", "restored", OFF)]
    (message,) = one.tell(plain())
    assert _said([message]) == [("REQUEST", "update", None)]
    assert [event.get("recurrence-id") is not None for event in read_events(message)] == [False, True, True]
    for calendar in merging:
        assert calendar.shows() == _wanted(plain())


@pytest.mark.ci
@settings(max_examples=60)
@given(entries(), entries())
def test_several_news_of_a_season_are_one_file_and_nothing_behind_it_but_a_moved_date_that_goes(
    told: CalendarEntry, wanted: CalendarEntry
) -> None:
    for dialect in ("merge", "replace"):
        found = differences(told, wanted, dialect=dialect, after=BEFORE)
        messages = joined(found, told, wanted, after=BEFORE)
        assert [one.is_quiet for one in messages] == [False, *[True] * (len(messages) - 1)][: len(messages)]
        for quiet in messages[1:]:
            assert quiet.method == "CANCEL"
            assert quiet.recurrence in told.moved


def test_two_dates_moved_at_once_are_one_file_that_asks_about_these_two_alone() -> None:
    moved = plain(
        moved={
            MOVED: EntryException(MOVED_TO, 150, "Salle A"),
            OFF: EntryException(OFF + timedelta(days=1), 150, "Salle A"),
        }
    )
    found = differences(plain(), moved, dialect="merge", after=BEFORE)
    assert len(found) == 2
    (message,) = joined(found, plain(), moved, after=BEFORE)
    made = part(
        message,
        organizer=ORGANIZER,
        attendee=NADIA,
        sequence=1,
        stamp=STAMP,
        partstat="ACCEPTED",
        of_dates={MOVED: "NEEDS-ACTION", OFF: "NEEDS-ACTION"},
    )
    rule, *dates = read_events(message, made)
    assert str(rule["attendee"].params["PARTSTAT"]) == "ACCEPTED"
    assert {str(one["attendee"].params["PARTSTAT"]) for one in dates} == {"NEEDS-ACTION"}


def test_a_longer_season_is_told_as_one_whatever_number_of_dates_it_gains() -> None:
    for weeks in (1, 5):
        longer = plain(last_on=date(2026, 12, 9) + weeks * WEEK)
        for dialect in ("merge", "replace"):
            (message,) = differences(plain(), longer, dialect=dialect, after=BEFORE)
            assert (message.kind, message.recurrence, message.bumps) == ("update", None, True)
            assert "RRULE" in _part(message).content.decode().split("BEGIN:VEVENT")[1]


def test_the_last_date_alone_is_cancelled_but_a_shorter_season_is_told_as_one() -> None:
    last = plain().originals[-1]
    assert _said(differences(plain(), plain(last_on=date(2026, 12, 2)), dialect="merge", after=BEFORE)) == [
        ("CANCEL", "cancelled", last)
    ]
    (message,) = differences(plain(), plain(last_on=date(2026, 11, 11)), dialect="merge", after=BEFORE)
    assert _said([message]) == [("REQUEST", "update", None)]
    assert "UNTIL=20261111T183000Z" in _part(message).content.decode()
    for calendar in attendees():
        for shorter in (plain(last_on=date(2026, 12, 2)), plain(last_on=date(2026, 11, 11))):
            one = Correspondence(calendar)
            one.tell(plain(uid=f"until-{shorter.last_on}@example.org"))
            one.tell(replace(shorter, uid=f"until-{shorter.last_on}@example.org"))
            assert calendar.shows() == _wanted(shorter)
            one.tell(None)


# --------------------------------------------------------------------------------------------------- one date moved


def test_a_last_date_that_was_called_off_and_takes_place_after_all_is_shown_again_everywhere() -> None:
    for calendar in attendees():
        one = Correspondence(calendar)
        for wanted in (plain(), plain(last_on=date(2026, 12, 2)), plain(), plain(starts=FIRST + WEEK), plain()):
            one.tell(wanted)
            assert calendar.shows() == _wanted(wanted)
            assert one.tell(wanted) == ()


def test_a_date_that_is_moved_is_one_message_and_the_others_stay() -> None:
    for calendar in attendees():
        one = Correspondence(calendar)
        one.tell(plain())
        moved = plain(moved={MOVED: EntryException(MOVED_TO, 150, "Salle A")})
        messages = one.tell(moved)
        assert _said(messages) == [("REQUEST", "moved", MOVED)]
        assert len(calendar.shows()) == 10
        assert calendar.shows() == _wanted(moved)
        again = one.tell(plain(moved={MOVED: EntryException(MOVED_TO + timedelta(hours=3), 150, "Salle A")}))
        assert _said(again) == [("REQUEST", "moved", MOVED)]
        assert one.sequence == 2


def test_a_date_that_was_held_on_an_earlier_day_does_not_come_back_on_its_own_when_the_season_grows() -> None:
    moved = {MOVED: EntryException(MOVED - timedelta(days=2), 150)}
    between = MOVED - timedelta(days=1)
    for calendar in attendees():
        one = Correspondence(calendar)
        one.tell(plain(moved=moved))
        longer = plain(moved=moved, last_on=date(2026, 12, 16))
        one.tell(longer, between)
        assert _from(calendar.shows(), between) == _wanted(longer, between)
        assert one.tell(longer, between) == ()


def test_a_date_whose_earlier_day_passed_and_that_gets_its_own_day_back_is_shown_on_it_everywhere() -> None:
    moved = plain(last_on=MOVED.date(), moved={MOVED: EntryException(MOVED - timedelta(days=2), 150)})
    between = MOVED - timedelta(days=1)
    for calendar in attendees():
        one = Correspondence(calendar)
        one.tell(moved)
        back = plain(last_on=MOVED.date())
        one.tell(back, between)
        assert _from(calendar.shows(), between) == _wanted(back, between)


def test_a_moved_date_that_is_cancelled_is_no_exception_any_more() -> None:
    for calendar in attendees():
        one = Correspondence(calendar)
        one.tell(plain(moved={MOVED: EntryException(MOVED_TO, 150)}))
        one.tell(plain(cancelled=frozenset({MOVED})))
        assert len(calendar.shows()) == 9
    (message,) = differences(None, plain(cancelled=frozenset({MOVED})), dialect="merge", after=BEFORE)
    text = _part(message).content.decode()
    assert "EXDATE;TZID=America/Toronto:20261111T133000\r\n" in text
    assert "RECURRENCE-ID" not in text


def test_another_room_on_one_date_asks_nobody_again() -> None:
    before, after = (plain(moved={MOVED: EntryException(MOVED_TO, 150, place)}) for place in ("Salle B", "Salle C"))
    (message,) = differences(before, after, dialect="merge", after=BEFORE)
    assert (message.kind, message.recurrence, message.bumps) == ("details", MOVED, False)


# ------------------------------------------------------------------------------------------------ an hour from a day


def test_another_hour_from_a_day_on_is_an_end_and_a_beginning_and_nothing_twice() -> None:
    told = season(starts=datetime.fromisoformat("2026-09-02T13:30"), last_on=date(2027, 5, 19))
    since = datetime.fromisoformat("2027-01-06T14:00")
    old = replace(told, last_on=date(2026, 12, 30))
    new = season(
        uid="clinical-2@spheres.example.org",
        starts=since,
        last_on=date(2027, 5, 19),
        cancelled=frozenset({since + 3 * WEEK}),
        moved={since + WEEK: EntryException(since + WEEK + timedelta(days=1), 150)},
    )
    for calendar in attendees():
        one, other = Correspondence(calendar), Correspondence(calendar)
        one.tell(told)
        assert _said(one.tell(old)) == [("REQUEST", "update", None)]
        assert _said(other.tell(new)) == [("REQUEST", "invitation", None)]
        shown = calendar.shows()
        assert shown == sorted([*_wanted(old), *_wanted(new)])
        assert len({(one.starts + timedelta(hours=12)).date() for one in shown}) == len(shown) == 38 - 1


def test_a_date_that_was_moved_before_the_hour_changed_is_not_shown_twice() -> None:
    """It goes on under the new UID; a calendar that keeps every exception has to be told of the old one."""
    first = datetime.fromisoformat("2026-09-02T13:30")
    off = first + 20 * WEEK
    to = off + timedelta(days=1)
    told = season(starts=first, last_on=date(2027, 5, 19), cancelled=frozenset(), moved={off: EntryException(to, 150)})
    old = replace(told, last_on=date(2026, 12, 30), moved={})
    since = datetime.fromisoformat("2027-01-06T14:00")
    new_off = datetime.combine(off.date(), since.time())
    new = season(
        uid="clinical-2@spheres.example.org",
        starts=since,
        last_on=date(2027, 5, 19),
        cancelled=frozenset(),
        moved={new_off: EntryException(to, 150)},
    )
    for calendar in attendees():
        one, other = Correspondence(calendar), Correspondence(calendar)
        one.tell(told)
        by_dates = [("REQUEST", "update", None), ("CANCEL", "cancelled", off)]
        assert _said(one.tell(old)) == (by_dates[:1] if calendar.replaces else by_dates)
        other.tell(new)
        assert calendar.shows() == sorted([*_wanted(old), *_wanted(new)])


@pytest.mark.parametrize("by", [timedelta(minutes=30), timedelta(days=1)])
def test_another_hour_or_weekday_under_the_same_uid_is_refused(by: timedelta) -> None:
    with pytest.raises(ValueError, match="UID of its own"):
        differences(plain(), plain(starts=FIRST + by), dialect="merge", after=BEFORE)


def test_two_things_are_not_told_under_one_uid() -> None:
    with pytest.raises(ValueError, match="two UIDs"):
        differences(plain(), plain(uid="other@example.org"), dialect="merge", after=BEFORE)
    with pytest.raises(ValueError, match="two UIDs"):
        differences(plain(), plain(last_on=None), dialect="merge", after=BEFORE)


# -------------------------------------------------------------------------------------------------------- people


def test_who_leaves_is_told_alone_who_comes_is_invited_and_nobody_else_hears_of_it() -> None:
    now = datetime.fromisoformat("2026-11-05T09:00")
    full = season()
    assert differences(full, full, dialect="merge", after=now) == ()
    until_now = plain(last_on=date(2026, 11, 4))
    (leaving,) = differences(full, until_now, dialect="merge", after=now)
    assert _said([leaving]) == [("CANCEL", "removed", None)]
    text = _part(leaving, 1).content.decode()
    assert "STATUS" not in text
    assert text.count("ATTENDEE") == 1
    assert "nadia@example.org" in text.replace("\r\n ", "")
    joins = season(starts=MOVED, cancelled=full.cancelled, moved=full.moved)
    (coming,) = differences(None, joins, dialect="merge", after=now)
    assert _said([coming]) == [("REQUEST", "invitation", None)]
    for calendar in attendees():
        calendar.receive(read(_part(coming)))
        assert calendar.shows() == _wanted(full, now)
        assert len(calendar.shows()) == 4


def test_who_left_and_comes_back_is_invited_anew_with_a_higher_sequence() -> None:
    for calendar in attendees():
        one = Correspondence(calendar)
        one.tell(season())
        one.tell(None)
        assert calendar.shows() == []
        assert _said(one.tell(season())) == [("REQUEST", "invitation", None)]
        assert calendar.shows() == _wanted(season())
        assert one.sequence == 2


def test_a_season_that_is_over_is_taken_from_nobody() -> None:
    assert differences(season(), None, dialect="merge", after=datetime.fromisoformat("2026-12-10T09:00")) == ()


# ---------------------------------------------------------------------------------------------- counters and words


def test_other_words_alone_are_no_news_and_come_along_with_the_next_change() -> None:
    titled = season(title="Comité clinique", url="https://spheres.example.net/meetings")
    for dialect in ("merge", "replace"):
        assert differences(season(), titled, dialect=dialect, after=BEFORE) == ()
        assert differences(COMMITTEE, replace(COMMITTEE, title="Autre"), dialect=dialect, after=BEFORE) == ()
        moved = differences(season(), replace(titled, cancelled=frozenset()), dialect=dialect, after=BEFORE)
        assert b"SUMMARY:Comit\xc3\xa9 clinique\r\n" in _part(moved[0]).content
    assert COMMITTEE.zone != "America/Halifax"
    (zone,) = differences(COMMITTEE, replace(COMMITTEE, zone="America/Halifax"), dialect="merge", after=BEFORE)
    assert zone.kind == "update", "the same hour on another clock is another hour"


def test_another_room_keeps_sequence_and_answer_and_another_length_asks_anew() -> None:
    for dialect, count in (("merge", 2), ("replace", 1)):
        told = season(cancelled=frozenset())
        roomed = differences(told, replace(told, place="Salle Z"), dialect=dialect, after=BEFORE)
        assert [one.kind for one in roomed] == ["details"] * count
        assert sequences(4, roomed) == [4] * count
        for message in roomed:
            kept = part(
                message, organizer=ORGANIZER, attendee=NADIA, sequence=4, stamp=STAMP, partstat="ACCEPTED"
            ).content
            assert b"PARTSTAT=ACCEPTED" in kept
        longer = differences(told, replace(told, minutes=180), dialect=dialect, after=BEFORE)
        assert longer[0].kind == "update"
        assert sequences(4, longer)[0] == 5
        asked = part(
            longer[0], organizer=ORGANIZER, attendee=NADIA, sequence=5, stamp=STAMP, partstat="ACCEPTED"
        ).content
        assert b"PARTSTAT=NEEDS-ACTION" in asked


def test_a_rule_told_anew_is_followed_by_each_date_that_stays_moved() -> None:
    told = season()
    messages = differences(told, replace(told, minutes=180, place="Salle Z"), dialect="merge", after=BEFORE)
    assert _said(messages) == [("REQUEST", "update", None), ("REQUEST", "details", MOVED)]
    assert sequences(0, messages) == [1, 1]


def test_the_first_message_has_sequence_nought_and_each_change_one_more() -> None:
    invitation = differences(None, season(), dialect="merge", after=BEFORE)
    assert sequences(-1, invitation) == [0]
    two = differences(plain(), plain(cancelled=frozenset({MOVED, OFF})), dialect="merge", after=BEFORE)
    assert sequences(0, two) == [1, 2]
    assert sequences(3, ()) == []


# -------------------------------------------------------------------------------------------------- seldom meetings


def test_meetings_at_irregular_dates_are_told_each_by_itself() -> None:
    days = ["2026-12-09T09:00", "2027-02-17T09:00", "2027-06-02T09:00", "2027-09-22T09:00"]
    four = [
        replace(COMMITTEE, uid=f"steering-{n}@example.org", starts=datetime.fromisoformat(day))
        for n, day in enumerate(days)
    ]
    for calendar in attendees():
        courses = [Correspondence(calendar) for _ in four]
        for one, entry in zip(courses, four, strict=True):
            assert _said(one.tell(entry)) == [("REQUEST", "invitation", None)]
        across = replace(four[0], starts=datetime.fromisoformat("2027-03-03T09:00"))
        assert _said(courses[0].tell(across)) == [("REQUEST", "update", None)]
        (off,) = courses[3].tell(None, is_off=True)
        assert _said([off]) == [("CANCEL", "cancelled", None)]
        assert "STATUS:CANCELLED\r\n" in _part(off).content.decode()
        assert calendar.shows() == sorted(shown for one in (across, *four[1:3]) for shown in _wanted(one))


def test_another_room_for_a_single_meeting_asks_nobody_again_and_another_zone_does() -> None:
    (room,) = differences(COMMITTEE, replace(COMMITTEE, place="Salle B"), dialect="merge", after=BEFORE)
    assert (room.kind, room.bumps) == ("details", False)
    (zone,) = differences(COMMITTEE, replace(COMMITTEE, zone="America/Halifax"), dialect="merge", after=BEFORE)
    assert (zone.kind, zone.bumps) == ("update", True)
