"""What a calendar is to show: local hours that hold through both changes of the clocks, and what is refused."""

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given

from domain.kernel.refusals import Refusal
from meetings.entries import CalendarEntry, EntryException
from models.written import as_json, from_json
from tests.meetings.seasons import COMMITTEE, MOVED, OFF, entries, season

HERE = ZoneInfo("America/Toronto")


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_season_is_at_the_same_local_hour_before_and_after_both_changes_of_the_clocks() -> None:
    entry = season(starts=_at("2026-09-02T13:30"), last_on=date(2027, 5, 19))
    moments = [starts for starts, _ in entry.utc()]
    assert len(moments) == 38
    assert {moment.astimezone(HERE).time() for moment in moments} == {time(13, 30)}
    assert {moment.hour for moment in moments} == {17, 18}


@given(entries())
def test_what_takes_place_is_each_week_without_what_is_off_and_with_what_was_moved(entry: CalendarEntry) -> None:
    assert entry.last_on is not None
    expected = []
    day = entry.starts
    while day.date() <= entry.last_on:
        if day not in entry.cancelled:
            how = entry.moved.get(day, EntryException(day, entry.minutes))
            starts = how.starts.replace(tzinfo=HERE).astimezone(UTC)
            expected.append((starts, starts + timedelta(minutes=how.minutes)))
        day += timedelta(days=7)
    assert entry.utc() == expected


@given(entries())
def test_what_was_kept_is_read_back_as_the_same(entry: CalendarEntry) -> None:
    kept = json.loads(json.dumps(as_json(entry)))
    assert from_json(CalendarEntry, kept) == entry
    assert as_json(from_json(CalendarEntry, kept)) == kept == as_json(entry)


def test_an_alias_of_a_zone_is_kept_by_the_name_that_calendars_know() -> None:
    assert season(zone="America/Montreal").zone == "America/Toronto"


@pytest.mark.parametrize("zone", ["UTC", "Etc/GMT+5", "-04:00", "UTC-04:00", "America/Atlantis", ""])
def test_a_zone_is_that_of_a_place(zone: str) -> None:
    with pytest.raises(ValueError, match="zone"):
        season(zone=zone)


@pytest.mark.parametrize(
    "changes",
    [
        {"starts": _at("2026-10-07T13:30-04:00")},
        {"starts": datetime(2026, 10, 7, 17, 30, tzinfo=UTC)},
        {"starts": datetime(2026, 10, 7, 13, 30, tzinfo=HERE)},
        {"moved": {MOVED: EntryException(datetime(2026, 11, 12, 15, 0, tzinfo=UTC), 60)}},
        {"starts": _at("2026-10-07T13:30:30")},
        {"last_on": date(2026, 10, 6)},
        {"last_on": date(2028, 10, 6)},
        {"last_on": None},
        {"cancelled": frozenset({_at("2026-11-18T14:00")})},
        {"cancelled": frozenset({_at("2027-11-17T13:30")})},
        {"cancelled": frozenset({MOVED})},
        {"uid": "two words@example.org"},
        {"uid": "line\r\nbreak@example.org"},
        {"uid": ""},
    ],
)
def test_what_no_record_of_ours_says_is_an_error(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        season(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"starts": _at("2027-03-14T02:30"), "last_on": None},
        {"starts": _at("2027-03-07T02:30"), "last_on": date(2027, 3, 21)},
        {
            "starts": _at("2027-03-10T13:30"),
            "last_on": date(2027, 3, 24),
            "moved": {_at("2027-03-10T13:30"): EntryException(_at("2027-03-14T02:30"), 60)},
        },
    ],
)
def test_nobody_meets_at_an_hour_that_the_clocks_skip(changes: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as refused:
        season(**{"cancelled": frozenset(), "moved": {}, **changes})
    assert refused.value.code == "meeting.no_such_time"


def test_of_an_hour_that_comes_twice_the_first_is_meant() -> None:
    entry = season(starts=_at("2026-11-01T01:30").replace(fold=1), last_on=None, cancelled=frozenset(), moved={})
    assert entry.utc()[0][0] == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert entry.starts.fold == 0


@pytest.mark.parametrize("minutes", [14, 601, 0, -60])
def test_a_meeting_lasts_from_a_quarter_of_an_hour_to_ten_hours(minutes: int) -> None:
    with pytest.raises(Refusal) as refused:
        season(minutes=minutes)
    assert refused.value.code == "meeting.length"
    with pytest.raises(Refusal):
        season(moved={MOVED: EntryException(_at("2026-11-12T10:00"), minutes)})


@pytest.mark.parametrize(
    ("to", "minutes"),
    [
        ("2026-11-04T17:00", 60),  # the day of the one before
        ("2026-11-03T10:00", 60),  # past it
        ("2026-11-25T09:00", 60),  # the day of the one after, as the one between is off
        ("2026-11-26T10:00", 60),
        ("2026-11-24T23:00", 600),  # it lasts into the one after
    ],
)
def test_a_meeting_is_not_moved_onto_its_neighbours_nor_past_them(to: str, minutes: int) -> None:
    with pytest.raises(Refusal) as refused:
        season(starts=_at("2026-10-07T08:00"), cancelled=frozenset({_at("2026-11-18T08:00")}), moved={
            _at("2026-11-11T08:00"): EntryException(_at(to), minutes)
        })  # fmt: skip
    assert refused.value.code == "meeting.crosses_neighbour"


def test_a_meeting_may_be_moved_to_the_day_of_one_that_is_off() -> None:
    entry = season(moved={MOVED: EntryException(_at("2026-11-18T15:00"), 60)})
    assert OFF in entry.cancelled
    assert [one.starts for one in entry.occurrences()][5:7] == [_at("2026-11-18T15:00"), _at("2026-11-25T13:30")]


def test_a_season_over_a_leap_day_has_it() -> None:
    entry = season(starts=_at("2028-02-01T09:00"), last_on=date(2028, 3, 7), cancelled=frozenset(), moved={})
    assert _at("2028-02-29T09:00") in entry.originals
    assert len(entry.originals) == 6


def test_a_committee_that_meets_seldom_has_single_meetings() -> None:
    assert COMMITTEE.last_on is None
    assert [one.starts for one in COMMITTEE.occurrences()] == [COMMITTEE.starts]
