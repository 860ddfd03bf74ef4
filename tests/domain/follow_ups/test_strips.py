"""The strip of weeks: what each week was, and that a week in which no note was asked for is not one without."""

from __future__ import annotations

from datetime import date, timedelta
from typing import get_args

import pytest

from domain.accompaniment import breaks, states
from domain.follow_ups import Week, notes, owed, strips
from domain.follow_ups.locking import follow_ups
from domain.kernel.rows import every
from tests.cast import AT, TODAY, Arranged, Cast
from tests.following import WORKER, followed, in_force

DAY, WEEK = timedelta(days=1), timedelta(weeks=1)


@pytest.fixture
def cast(cast: Cast, arranged: Arranged[None]) -> Cast:
    """The cast, with every agreement in force."""
    arranged(cast, in_force)
    return cast


def _kinds(cast: Cast, day: date, weeks: int = 6) -> list[strips.WeekKind]:
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
            notes.write_note(session, made, TODAY + place * WEEK, week, by=by, at=AT + place * WEEK)
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


def test_each_kind_of_week_has_a_word_and_a_sign() -> None:
    assert set(strips.KINDS) == set(get_args(strips.WeekKind))
