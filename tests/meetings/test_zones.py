"""Zones as calendar files tell them: what a reader makes of them is what the zone database says, hour by hour."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from meetings.zones import canonical, vtimezone

SINCE, UNTIL = date(2026, 9, 1), date(2027, 6, 30)


def _differing(name: str, since: date = SINCE, until: date = UNTIL) -> list[datetime]:
    """The hours of the span at which a reader of the file and the zone database differ."""
    told, zone = vtimezone(name, since, until).to_tz(lookup_tzid=False), ZoneInfo(name)
    at = datetime(since.year, since.month, since.day, 0, 30, tzinfo=UTC)
    found = []
    while at.date() <= until:
        local = at.astimezone(zone).replace(tzinfo=None)
        # Of an hour that comes twice the first is meant: a reader may say the second otherwise.
        if local.replace(tzinfo=zone).astimezone(UTC) == at and local.replace(tzinfo=told).utcoffset() != (
            at.astimezone(zone).utcoffset()
        ):
            found.append(at)
        at += timedelta(hours=1)
    return found


@pytest.mark.parametrize(
    "name",
    [
        "America/Toronto",
        "America/Halifax",
        "America/St_Johns",
        "Europe/Paris",
        "Australia/Lord_Howe",  # half an hour, and summer over New Year
        "America/Santiago",  # on the first Sunday from the 2nd on: no rule of a month
        "Africa/Casablanca",  # by the moon
        "America/Regina",  # never
        "America/Vancouver",  # for the last time within the span
    ],
)
def test_a_zone_is_told_as_it_is_at_every_hour_of_the_span(name: str) -> None:
    assert _differing(name) == []


@pytest.mark.nightly
def test_every_zone_of_a_place_is_told_as_it_is() -> None:
    names = sorted({canonical(name) for name in available_timezones() if _is_of_a_place(name)})
    assert len(names) > 300
    assert {name: days[:1] for name in names if (days := _differing(name))} == {}


def _is_of_a_place(name: str) -> bool:
    try:
        return bool(canonical(name))
    except ValueError:
        return False


def test_the_zone_of_the_program_is_two_yearly_rules_and_no_list_of_dates() -> None:
    text = vtimezone("America/Toronto", SINCE, UNTIL).to_ical().decode()
    assert text.count("BEGIN:") == 3
    assert "RDATE" not in text
    assert "DTSTART:20070311T020000\r\nRRULE:FREQ=YEARLY;BYDAY=2SU;BYMONTH=3\r\n" in text
    assert "DTSTART:20071104T020000\r\nRRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11\r\n" in text


def test_a_zone_without_changes_of_the_clocks_is_one_offset() -> None:
    text = vtimezone("America/Regina", SINCE, UNTIL).to_ical().decode()
    assert text.count("BEGIN:") == 2
    assert "BEGIN:STANDARD" in text
    assert "RRULE" not in text


@pytest.mark.ci
def test_a_zone_whose_rule_ends_within_the_span_tells_each_change_and_no_rule() -> None:
    before = _differing("America/Toronto", date(2005, 9, 1), date(2008, 6, 30))
    assert before == []
    assert "RRULE" not in vtimezone("America/Toronto", date(2005, 9, 1), date(2008, 6, 30)).to_ical().decode()


def test_another_name_of_a_zone_becomes_the_one_that_calendars_know() -> None:
    assert canonical("America/Montreal") == "America/Toronto"
    assert canonical("Canada/Eastern") == "America/Toronto"
    assert canonical("America/Toronto") == "America/Toronto"


@pytest.mark.parametrize("name", ["UTC", "Etc/UTC", "Etc/GMT+5", "GMT", "UTC-04:00", "-04:00", "Toronto", "", "../x"])
def test_an_offset_is_no_zone(name: str) -> None:
    with pytest.raises(ValueError, match="zone is one of a place"):
        canonical(name)
