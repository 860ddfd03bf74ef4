"""Over which days an obligation is checked: cut to what was signed, joined over versions, no day twice."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import get_args
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duties.obligations.windows import Bound, Span, windows
from duties.program_agreements import Period

DAY = timedelta(days=1)
ONE, TWO = UUID(int=1), UUID(int=2)

days = st.dates(date(2024, 1, 1), date(2029, 12, 31))
periods = st.sampled_from(get_args(Period))


@st.composite
def bounds(draw: st.DrawFn) -> list[Bound]:
    """Versions that follow each other, with or without days between them; the last one perhaps without an end."""
    edges = sorted(draw(st.sets(days, min_size=2, max_size=8)))
    found = [
        Bound(Span(first, after - DAY), uuid4()) for first, after in list(pairwise(edges))[:: draw(st.integers(1, 2))]
    ]
    if draw(st.booleans()):
        found[-1] = Bound(Span(found[-1].days.starts_on, None), found[-1].obligation_id)
    return found


@given(periods, bounds(), days)
def test_every_day_in_force_is_in_exactly_one_window_and_no_other_day_is(
    period: Period, found: list[Bound], until: date
) -> None:
    windows_ = windows(period, found, until=until)
    day = date(2024, 1, 1)
    while day <= until:
        in_force = any(bound.days.holds(day) for bound in found)
        assert sum(window.holds(day) for window in windows_) == in_force, day
        day += 7 * DAY


@given(periods, bounds(), days)
def test_a_window_lies_in_its_period_and_periods_do_not_overlap(
    period: Period, found: list[Bound], until: date
) -> None:
    windows_ = windows(period, found, until=until)
    for window in windows_:
        for span in window.spans:
            assert span.within(window.period) == span
        assert window.starts_on <= until
    for one, after in pairwise(windows_):
        assert one.period.ends_on is not None
        assert one.period.ends_on < after.period.starts_on


@given(periods, bounds(), days, days)
def test_as_days_go_by_the_windows_that_were_there_stay(
    period: Period, found: list[Bound], until: date, later: date
) -> None:
    until, later = sorted((until, later))
    before = {window.period.starts_on for window in windows(period, found, until=until)}
    after = {window.period.starts_on for window in windows(period, found, until=later)}
    assert before <= after


def test_an_agreement_signed_in_july_owes_nothing_for_january_to_june() -> None:
    (first, second) = windows("calendar_year", [Bound(Span(date(2026, 7, 1), None), ONE)], until=date(2027, 2, 1))
    assert (first.starts_on, first.ends_on) == (date(2026, 7, 1), date(2026, 12, 31))
    assert first.period == Span(date(2026, 1, 1), date(2026, 12, 31))
    assert not first.holds(date(2026, 6, 30))
    assert second.starts_on == date(2027, 1, 1)


def test_versions_that_follow_each_other_make_one_window_judged_by_the_last_text() -> None:
    held = [Bound(Span(date(2026, 1, 1), date(2026, 6, 30)), ONE), Bound(Span(date(2026, 7, 1), None), TWO)]
    (window,) = windows("calendar_year", held, until=date(2026, 12, 31))
    assert window.spans == (Span(date(2026, 1, 1), date(2026, 12, 31)),)
    assert window.obligation_id == TWO


def test_days_without_an_agreement_count_for_nothing() -> None:
    held = [Bound(Span(date(2026, 1, 1), date(2026, 3, 31)), ONE), Bound(Span(date(2026, 6, 1), None), TWO)]
    (window,) = windows("calendar_year", held, until=date(2026, 8, 1))
    assert not window.holds(date(2026, 4, 15))
    assert window.holds(date(2026, 6, 1))


def test_a_clause_that_the_next_version_leaves_out_ends_with_the_version_that_had_it() -> None:
    (window,) = windows("quarter", [Bound(Span(date(2026, 1, 1), date(2026, 2, 14)), ONE)], until=date(2027, 1, 1))
    assert window.ends_on == date(2026, 2, 14)


@pytest.mark.parametrize(
    ("signed", "ends"),
    [
        (date(2026, 9, 15), date(2027, 9, 14)),
        (date(2024, 2, 29), date(2025, 2, 28)),
        (date(2026, 1, 1), date(2026, 12, 31)),
    ],
)
def test_a_year_of_the_agreement_runs_from_the_day_that_it_was_in_force(signed: date, ends: date) -> None:
    first = windows("agreement_year", [Bound(Span(signed, None), ONE)], until=ends)
    assert [window.period.ends_on for window in first] == [ends]
    assert len(windows("agreement_year", [Bound(Span(signed, None), ONE)], until=ends + DAY)) == 2


@pytest.mark.parametrize("period", ["once", "continuous"])
def test_what_is_owed_once_or_at_all_times_has_one_window_without_an_end(period: Period) -> None:
    (window,) = windows(period, [Bound(Span(date(2026, 7, 1), None), ONE)], until=date(2030, 1, 1))
    assert window.ends_on is None
