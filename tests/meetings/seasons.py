"""Entries to try: the season of the notes on calendars, one single meeting, and any season at all."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Final

from hypothesis import strategies as st

from meetings.entries import CalendarEntry, EntryException

ZONE: Final = "America/Toronto"
MOVED: Final = datetime.fromisoformat("2026-11-11T13:30")
MOVED_TO: Final = datetime.fromisoformat("2026-11-12T10:00")
OFF: Final = datetime.fromisoformat("2026-11-18T13:30")
FIRST: Final = datetime.fromisoformat("2026-10-07T13:30")

COMMITTEE: Final = CalendarEntry(
    uid="steering-1@spheres.example.org",
    zone=ZONE,
    starts=datetime.fromisoformat("2026-12-09T09:00"),
    minutes=120,
    title="Comité directeur",
    place="Salle A",
    description="https://spheres.example.org/meetings/1",
    url="https://spheres.example.org/meetings/1",
)


def season(**changes: Any) -> CalendarEntry:
    """Ten Wednesdays over the autumn's change of the clocks, one of them moved, one off."""
    facts: dict[str, Any] = {
        "uid": "clinical@spheres.example.org",
        "zone": ZONE,
        "starts": FIRST,
        "minutes": 150,
        "title": "Comité clinique élargi : où ça ?",
        "last_on": date(2026, 12, 9),
        "cancelled": frozenset({OFF}),
        "moved": {MOVED: EntryException(MOVED_TO, 150, "Salle B", "")},
        "place": "Salle A",
        "description": "https://spheres.example.org/meetings",
        "url": "https://spheres.example.org/meetings",
        **changes,
    }
    if "starts" in changes:
        facts = {**facts, "cancelled": frozenset(), "moved": {}, **changes}
    return CalendarEntry(**facts)


def plain(**changes: Any) -> CalendarEntry:
    """The same season without exceptions."""
    return season(**{"cancelled": frozenset(), "moved": {}, **changes})


_PLACES = st.sampled_from(["", "Salle A", "Salle B, à l’étage"])
_MINUTES = st.sampled_from([30, 90, 150])


@st.composite
def entries(draw: st.DrawFn, grid: datetime = FIRST, longest: int = 45) -> CalendarEntry:
    """Any season on the weekday and at the hour of `grid`, with exceptions: up to a year, over both changes."""
    starts = grid + draw(st.integers(0, 20)) * timedelta(days=7)
    originals = [starts + week * timedelta(days=7) for week in range(draw(st.integers(1, longest)))]
    cancelled, moved = set(), {}
    for original in draw(st.lists(st.sampled_from(originals), max_size=6, unique=True)):
        if draw(st.booleans()):
            cancelled.add(original)
        else:
            day = original + timedelta(days=draw(st.integers(-2, 2)))
            hour = draw(st.sampled_from([original.hour, 9, 18]))
            moved[original] = EntryException(day.replace(hour=hour), draw(_MINUTES), draw(_PLACES), "")
    return season(
        starts=starts,
        last_on=originals[-1].date() + timedelta(days=draw(st.integers(0, 6))),
        minutes=draw(_MINUTES),
        place=draw(_PLACES),
        title=draw(st.sampled_from(["Comité clinique", "Clinical Committee"])),
        cancelled=frozenset(cancelled),
        moved=moved,
    )
