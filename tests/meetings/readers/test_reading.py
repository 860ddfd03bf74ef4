"""The readers themselves, on files written by hand: who reads these well may judge what the program writes."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

import pytest
from icalendar import Calendar

from tests.meetings.readers.oracle import single, weekly
from tests.meetings.readers.seen import Days
from tests.meetings.readers.together import Readers

YEAR: Final = Days(date(2026, 8, 1), date(2027, 8, 1))
TITLE: Final = "Comité clinique élargi : santé, sécurité — où ça ?"
NAMES: Final = {"recurring-ical-events", "ical", "vobject", "ical.js", "node-ical", "radicale"}

ZONE: Final = """\
BEGIN:VTIMEZONE
TZID:America/Toronto
BEGIN:DAYLIGHT
DTSTART:20070311T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
TZNAME:EDT
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:20071104T020000
RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
TZNAME:EST
END:STANDARD
END:VTIMEZONE
"""


def _file(*events: str, zone: str = ZONE) -> bytes:
    text = (
        f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//By hand//FR\nMETHOD:REQUEST\n{zone}{''.join(events)}END:VCALENDAR\n"
    )
    return text.replace("\n", "\r\n").encode()


def _event(starts: datetime, minutes: int, *lines: str, uid: str = "one@example.org", title: str = TITLE) -> str:
    said = [
        "BEGIN:VEVENT",
        f"UID:{uid}",
        "DTSTAMP:20260801T120000Z",
        f"DTSTART;TZID=America/Toronto:{_written(starts)}",
        f"DTEND;TZID=America/Toronto:{_written(starts + timedelta(minutes=minutes))}",
        f"SUMMARY:{title.replace(',', chr(92) + ',')}",
        *lines,
        "END:VEVENT",
    ]
    return "".join(f"{line}\n" for line in said)


def _written(local: datetime) -> str:
    return f"{local:%Y%m%dT%H%M%S}"


FIRST: Final = datetime(2026, 9, 2, 13, 30)
RULE: Final = "RRULE:FREQ=WEEKLY;BYDAY=WE;UNTIL=20270519T173000Z"
NO: Final = datetime(2026, 11, 18, 13, 30)
MOVED: Final = datetime(2026, 11, 11, 13, 30)
MOVED_TO: Final = datetime(2026, 11, 12, 10, 0)


@pytest.mark.ci
def test_there_are_six_readers(readers: Readers) -> None:
    assert set(readers.read([], YEAR)) == NAMES


@pytest.mark.ci
def test_all_readers_show_what_was_written_by_hand_as_the_zone_database_has_it(readers: Readers) -> None:
    override = f"RECURRENCE-ID;TZID=America/Toronto:{_written(MOVED)}"
    off = [f"RECURRENCE-ID;TZID=America/Toronto:{_written(NO)}", "STATUS:CANCELLED"]
    exdate = f"EXDATE;TZID=America/Toronto:{_written(NO)}"
    december = datetime(2026, 12, 9, 9, 0)
    winter = datetime(2027, 1, 6, 14, 0)
    expected = [
        (_file(_event(december, 90)), [single(december, 90, TITLE)]),
        (_file(_event(FIRST, 150, RULE)), weekly(FIRST, 38, 150, TITLE)),
        (_file(_event(winter, 60, "RRULE:FREQ=WEEKLY;COUNT=20")), weekly(winter, 20, 60, TITLE)),
        (_file(_event(FIRST, 150, RULE, exdate)), weekly(FIRST, 38, 150, TITLE, without=[NO])),
        (
            _file(_event(FIRST, 150, RULE, exdate), _event(MOVED_TO, 150, override)),
            weekly(FIRST, 38, 150, TITLE, without=[NO], moved={MOVED: MOVED_TO}),
        ),
        (_file(_event(FIRST, 150, RULE), _event(NO, 150, *off)), weekly(FIRST, 38, 150, TITLE, without=[NO])),
        (
            _file(_event(FIRST, 150, RULE), _event(december, 60, uid="two@example.org", title="Directeur")),
            sorted([*weekly(FIRST, 38, 150, TITLE), single(december, 60, "Directeur")]),
        ),
    ]
    assert len({one.starts.hour for one in weekly(FIRST, 38, 150, TITLE)}) == 2, "the clocks change within the series"
    assert readers.differing(expected, YEAR) == {}


@pytest.mark.ci
def test_an_occurrence_belongs_to_the_days_on_which_it_begins(readers: Readers) -> None:
    evening = datetime(2026, 10, 7, 19, 30)
    later = datetime(2026, 10, 7, 20, 30)
    files = [_file(_event(evening, 60)), _file(_event(later, 60))]
    on_the_7th = readers.read(files, Days(date(2026, 10, 7), date(2026, 10, 8)))
    assert on_the_7th == {name: [(single(evening, 60, TITLE),), ()] for name in NAMES}


@pytest.mark.ci
def test_a_zone_as_a_list_of_dates_makes_readers_differ(readers: Readers) -> None:
    """Why the program writes its zones itself: what icalendar adds is read wrongly, and by these."""
    calendar = Calendar.from_ical(_file(_event(FIRST, 150, RULE), zone=""))
    calendar.add_missing_timezones()
    differing = readers.differing([(calendar.to_ical(), weekly(FIRST, 38, 150, TITLE))], YEAR)
    assert {name for name, _ in differing} == {"ical.js", "radicale", "vobject"}


@pytest.mark.ci
def test_all_readers_show_an_hour_that_drifts_in_a_series_in_utc(readers: Readers) -> None:
    drifting = _event(FIRST, 150, "RRULE:FREQ=WEEKLY;COUNT=38")
    for local in (FIRST, FIRST + timedelta(minutes=150)):
        in_utc = f":{_written(local + timedelta(hours=4))}Z"
        drifting = drifting.replace(f";TZID=America/Toronto:{_written(local)}", in_utc)
    shown = readers.read([_file(drifting, zone="")], YEAR)
    assert set(shown) == NAMES
    assert {tuple(one.starts.hour for one in seen) for (seen,) in shown.values()} == {(17,) * 38}
    assert {name for name, _ in readers.differing([(_file(drifting), weekly(FIRST, 38, 150, TITLE))], YEAR)} == NAMES
