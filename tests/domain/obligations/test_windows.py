"""Over which days an obligation is checked: cut to what was signed, joined over versions, no day twice."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import get_args
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.declarations.checks.windows import BindingWindow, Period, windows
from domain.kernel.spans import Span

DAY = timedelta(days=1)
ONE, TWO = UUID(int=1), UUID(int=2)

days = st.dates(date(2024, 1, 1), date(2029, 12, 31))
periods = st.sampled_from(get_args(Period))
checks = st.sampled_from(["attendance steering", "document"])


@st.composite
def bounds(draw: st.DrawFn) -> list[BindingWindow]:
    """Versions that follow each other, with or without days between them, each with a period and a check of its own.

    The last one is perhaps without an end.
    """
    edges = sorted(draw(st.sets(days, min_size=2, max_size=8)))
    found = [
        BindingWindow(Span(first, after - DAY), uuid4(), draw(periods), draw(checks))
        for first, after in list(pairwise(edges))[:: draw(st.integers(1, 2))]
    ]
    if draw(st.booleans()):
        found[-1] = found[-1]._replace(days=Span(found[-1].days.starts_on, None))
    return found


@pytest.mark.ci
@given(bounds(), days)
def test_every_day_in_force_is_in_exactly_one_window_and_no_other_day_is(
    found: list[BindingWindow], until: date
) -> None:
    windows_ = windows(found, until=until)
    day = date(2024, 1, 1)
    while day <= until:
        in_force = any(bound.days.holds(day) for bound in found)
        assert sum(window.holds(day) for window in windows_) == in_force, day
        day += 7 * DAY


@pytest.mark.ci
@given(bounds(), days)
def test_a_window_lies_in_its_period_and_no_two_begin_on_one_day(found: list[BindingWindow], until: date) -> None:
    windows_ = windows(found, until=until)
    for window in windows_:
        for span in window.spans:
            assert span.within(window.period) == span
        assert window.starts_on <= until
    for one, after in pairwise(windows_):
        assert one.period.starts_on < after.period.starts_on
        assert one.ends_on is not None
        assert one.ends_on < after.starts_on


@pytest.mark.ci
@given(bounds(), days)
def test_a_window_is_of_versions_with_one_period_and_check_and_as_long_as_they_say(
    found: list[BindingWindow], until: date
) -> None:
    longest = {"month": 31, "quarter": 92, "calendar_year": 366, "agreement_year": 366}
    for window in windows(found, until=until):
        versions = [bound for bound in found if any(bound.days.within(span) for span in window.spans)]
        ((period, check),) = {(one.period, one.looks_at) for one in versions if one.days.starts_on <= until}
        (text,) = (bound for bound in found if bound.obligation_id == window.obligation_id)
        assert (text.period, text.looks_at) == (period, check)
        assert window.ends_on is None or text.days.holds(window.ends_on)
        if period in longest:
            assert window.period.ends_on is not None
            assert window.period.ends_on - window.period.starts_on < longest[period] * DAY


@pytest.mark.ci
@given(bounds(), days, days)
def test_as_days_go_by_the_windows_that_were_there_stay(found: list[BindingWindow], until: date, later: date) -> None:
    until, later = sorted((until, later))
    before = {window.period.starts_on for window in windows(found, until=until)}
    after = {window.period.starts_on for window in windows(found, until=later)}
    assert before <= after


@given(bounds(), days)
def test_a_next_version_changes_no_window_whose_days_were_over_before_it_took_effect(
    found: list[BindingWindow], until: date
) -> None:
    """But one: with the same period and check, after days without any, it goes on with the year that was begun."""
    following = found[-1]
    before, after = windows(found[:-1], until=until), windows(found, until=until)
    for window in before:
        assert window.ends_on is None or window.ends_on < following.days.starts_on
        same = following[2:] == found[-2][2:]
        if not same or not window.period.holds(following.days.starts_on):
            assert window in after


def test_a_year_that_is_cut_by_quarters_ends_where_they_begin_and_the_first_of_them_begins_there() -> None:
    held = [
        BindingWindow(Span(date(2025, 1, 1), date(2026, 2, 14)), ONE, "calendar_year"),
        BindingWindow(Span(date(2026, 2, 15), None), TWO, "quarter"),
    ]
    found = [
        (one.period, one.starts_on, one.ends_on, one.obligation_id) for one in windows(held, until=date(2026, 5, 1))
    ]
    assert found == [
        (Span(date(2025, 1, 1), date(2025, 12, 31)), date(2025, 1, 1), date(2025, 12, 31), ONE),
        (Span(date(2026, 1, 1), date(2026, 12, 31)), date(2026, 1, 1), date(2026, 2, 14), ONE),
        (Span(date(2026, 2, 15), date(2026, 3, 31)), date(2026, 2, 15), date(2026, 3, 31), TWO),
        (Span(date(2026, 4, 1), date(2026, 6, 30)), date(2026, 4, 1), date(2026, 6, 30), TWO),
    ]


def test_an_agreement_signed_in_july_owes_nothing_for_january_to_june() -> None:
    (first, second) = windows(
        [BindingWindow(Span(date(2026, 7, 1), None), ONE, "calendar_year")], until=date(2027, 2, 1)
    )
    assert (first.starts_on, first.ends_on) == (date(2026, 7, 1), date(2026, 12, 31))
    assert first.period == Span(date(2026, 1, 1), date(2026, 12, 31))
    assert not first.holds(date(2026, 6, 30))
    assert second.starts_on == date(2027, 1, 1)


def test_versions_that_follow_each_other_make_one_window_judged_by_the_last_text() -> None:
    held = [
        BindingWindow(Span(date(2026, 1, 1), date(2026, 6, 30)), ONE, "calendar_year"),
        BindingWindow(Span(date(2026, 7, 1), None), TWO, "calendar_year"),
    ]
    (window,) = windows(held, until=date(2026, 12, 31))
    assert window.spans == (Span(date(2026, 1, 1), date(2026, 12, 31)),)
    assert window.obligation_id == TWO


def test_what_another_check_proved_is_cut_from_what_the_next_one_asks_for() -> None:
    held = [
        BindingWindow(Span(date(2026, 1, 1), date(2026, 6, 30)), ONE, "calendar_year", "attendance steering"),
        BindingWindow(Span(date(2026, 7, 1), None), TWO, "calendar_year", "document"),
    ]
    first, second = windows(held, until=date(2026, 12, 31))
    assert (first.spans, first.obligation_id) == ((Span(date(2026, 1, 1), date(2026, 6, 30)),), ONE)
    assert (second.spans, second.obligation_id) == ((Span(date(2026, 7, 1), date(2026, 12, 31)),), TWO)


def test_a_year_of_the_agreement_runs_from_its_first_day_for_a_clause_that_came_later_too() -> None:
    brought = [BindingWindow(Span(date(2026, 7, 1), None), TWO, "agreement_year")]
    first, second = windows(brought, until=date(2027, 6, 30), since=date(2025, 3, 15))
    assert (first.period, first.starts_on) == (Span(date(2026, 3, 15), date(2027, 3, 14)), date(2026, 7, 1))
    assert second.starts_on == date(2027, 3, 15)
    (month, *_) = windows([brought[0]._replace(period="month")], until=date(2026, 8, 1), since=date(2025, 3, 15))
    assert month.period == Span(date(2026, 7, 1), date(2026, 7, 31))


def test_days_without_an_agreement_count_for_nothing() -> None:
    held = [
        BindingWindow(Span(date(2026, 1, 1), date(2026, 3, 31)), ONE, "calendar_year"),
        BindingWindow(Span(date(2026, 6, 1), None), TWO, "calendar_year"),
    ]
    (window,) = windows(held, until=date(2026, 8, 1))
    assert not window.holds(date(2026, 4, 15))
    assert window.holds(date(2026, 6, 1))


def test_a_clause_that_the_next_version_leaves_out_ends_with_the_version_that_had_it() -> None:
    (window,) = windows(
        [BindingWindow(Span(date(2026, 1, 1), date(2026, 2, 14)), ONE, "quarter")], until=date(2027, 1, 1)
    )
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
    first = windows([BindingWindow(Span(signed, None), ONE, "agreement_year")], until=ends)
    assert [window.period.ends_on for window in first] == [ends]
    assert len(windows([BindingWindow(Span(signed, None), ONE, "agreement_year")], until=ends + DAY)) == 2


@pytest.mark.parametrize("period", ["once", "continuous"])
def test_what_is_owed_once_or_at_all_times_has_one_window_without_an_end(period: Period) -> None:
    (window,) = windows([BindingWindow(Span(date(2026, 7, 1), None), ONE, period)], until=date(2030, 1, 1))
    assert window.ends_on is None
