"""The strip of weeks: what each week was, and that a week in which no note was asked for is not one without."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, get_args
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.accompaniment import breaks, states
from domain.follow_ups import Week, monday_of, owed, strip_weeks, strips, sunday_of
from domain.follow_ups.locking import follow_ups
from domain.kernel.rows import every
from models.follow_up import Assignment, FollowUp, FollowUpBreak, WeeklyNote
from tests.cast import AT, TODAY, Arranged, Cast
from tests.following import WORKER, followed, in_force
from tests.noting import write_note

DAY, WEEK = timedelta(days=1), timedelta(weeks=1)


@pytest.fixture
def cast(cast: Cast, arranged: Arranged[None]) -> Cast:
    """The cast, with every agreement in force."""
    arranged(cast, in_force)
    return cast


def _kinds(cast: Cast, day: date, weeks: int = 6) -> list[strip_weeks.WeekKind]:
    with cast.session() as session:
        (row,) = every(session, follow_ups())
        return [one.kind for one in strips.strips_of(session, [row], day, weeks=weeks)[row.id].weeks]


def test_a_strip_says_what_each_week_was_and_that_before_the_follow_up_there_was_nothing_to_note(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        made = followed(session, cast)
        said = (
            Week(met=1, minutes=30),
            Week(communications=("messenger",)),
            Week(communications=("telephone",), why_none="no_news"),
        )
        for place, week in enumerate(said):
            write_note(session, made, TODAY + place * WEEK, week, by=by, at=AT + place * WEEK)
    day = TODAY + 4 * WEEK
    assert _kinds(cast, day) == ["before", "met", "reached", "none", "missing", "now"]
    with cast.session() as session:
        (row,) = every(session, follow_ups())
        strip = strips.strips_of(session, [row], day, weeks=6)[row.id]
        assert strip.signs == "·●◐×○◌"
        assert strip.counts == {"met": 1, "reached": 1, "none": 1, "missing": 1, "now": 1}


def test_a_break_and_a_time_without_the_program_are_no_weeks_without_a_note(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        made = followed(session, cast)
        breaks.take_break(session, made, returns_on=TODAY + 3 * WEEK, terms="J’appelle.", by=by, at=AT + 7 * DAY)
    assert _kinds(cast, TODAY + 2 * WEEK, 3) == ["missing", "break", "break"]
    with cast.session() as session:
        breaks.come_back(session, made, by=by, at=AT + 2 * WEEK + DAY)
    assert _kinds(cast, TODAY + 3 * WEEK, 4) == ["missing", "break", "missing", "now"]
    with cast.session() as session:
        states.deactivate(session, made, "withdrew", by=by, at=AT + 4 * WEEK)
    assert _kinds(cast, TODAY + 5 * WEEK, 5) == ["break", "missing", "missing", "apart", "apart"]


@pytest.mark.parametrize("opened", [0, 3, 6])
def test_a_week_is_without_a_note_where_one_is_owed_and_nowhere_else(cast: Cast, opened: int) -> None:
    with cast.session() as session:
        made = followed(session, cast, at=AT + opened * DAY)
        rows = every(session, follow_ups())
        for later in range(36):
            day = TODAY + (opened + later) * DAY
            weeks = strips.strips_of(session, rows, day, weeks=owed.WEEKS_ASKED + 1)[made].weeks
            lacking = [one.week for one in weeks if one.kind == "missing"]
            assert lacking == sorted(one.week for one in owed.missing(session, day))


_MOVES = st.lists(
    st.tuples(st.sampled_from(["pause", "resume", "end", "again", "note", "silence"]), st.integers(0, 17))
)


@settings(max_examples=300, deadline=None)
@given(opened=st.dates(date(2020, 11, 15), date(2026, 1, 31)), moves=_MOVES, later=st.integers(0, 40))
def test_whatever_becomes_of_a_follow_up_each_week_is_once_in_its_strip_as_it_was_on_its_last_day(
    opened: date, moves: list[tuple[str, int]], later: int
) -> None:
    """Over any day of admission, breaks, endings and resumptions, the year's end and years of 53 weeks.

    A week before it was followed is none without a note, nor is one of a break, or after an ending; nobody undoes one
    that has none by a break or by taking it up again.
    """
    life = _Life(opened)
    for move, days in moves:
        life.day += days * DAY
        life.do(move)
    day = life.day + later * DAY
    weeks = [life.week(one, day) for one in strips.weeks_until(day, 70)]
    assert [one.week for one in weeks] == [monday_of(day) - back * WEEK for back in range(69, -1, -1)]
    for one in weeks:
        last = sunday_of(one.week)
        if one.week in life.written:
            assert one.kind in ("met", "none")
        elif last < opened:
            assert one.kind == "before"
        elif (last, "inactive") not in life.states:  # of a worker's last day, both would be true
            assert one.kind in _UNWRITTEN[life.state_on(last)]
            assert one.kind != "missing" or last < day


#: What a week without a note may be, by the state that the follow-up had on its last day.
_UNWRITTEN = {"active": ("missing", "now"), "on_break": ("break",), "inactive": ("apart",)}


def _row(table: Any, **columns: object) -> Any:
    """A row of which the other columns say nothing here."""
    return table(**columns)


class _Life:
    """A follow-up as its row stands after what was done to it, and its states by the day on which each began."""

    def __init__(self, opened: date) -> None:
        self.day = opened
        self.row = _row(FollowUp, opened_on=opened, active_since=opened, state_since=opened, state="active", id=uuid4())
        self.states: list[tuple[date, str]] = [(opened, "active")]
        self.breaks: list[FollowUpBreak] = []
        self.parts = [_row(Assignment, starts_on=opened, ends_on=None)]
        self.written: dict[date, WeeklyNote] = {}

    def do(self, move: str) -> None:
        state = self.row.state
        if move == "pause" and state == "active":
            self.breaks.append(_row(FollowUpBreak, starts_on=self.day, ended_on=None))
            self._is("on_break")
        elif move == "resume" and state == "on_break":
            self._end_break()
            self._is("active")
        elif move == "end" and state != "inactive":
            self._end_break()
            self.parts[-1].ends_on = self.day
            self._is("inactive")
        elif move == "again" and state == "inactive":
            self.parts.append(_row(Assignment, starts_on=self.day, ends_on=None))
            self._is("active")
        elif move in ("note", "silence") and state != "inactive":
            met, why = (1, None) if move == "note" else (0, "no_news")
            note = _row(WeeklyNote, met=met, communications=[], why_none=why)
            self.written[monday_of(self.day)] = note

    def _end_break(self) -> None:
        for one in self.breaks:
            one.ended_on = one.ended_on or self.day

    def _is(self, state: str) -> None:
        self.row.state, self.row.state_since = state, self.day
        if state == "active":
            self.row.active_since = self.day
        self.states.append((self.day, state))

    def state_on(self, day: date) -> str:
        return [state for since, state in self.states if since <= day][-1]

    def week(self, week: date, day: date) -> strip_weeks.StripWeek:
        return strip_weeks.strip_week(self.row, week, self.written.get(week), self.breaks, self.parts, day=day)


def test_each_kind_of_week_has_a_word_and_a_sign() -> None:
    assert set(strips.KINDS) == set(get_args(strip_weeks.WeekKind))
