"""How long a role stood vacant: a stretch is whole, whatever ends and begins while it lasts."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.declarations.checks.vacancies import longest_vacancy
from domain.declarations.checks.windows import BindingWindow, Period, Window, windows
from domain.kernel.calendars import Calendar
from domain.kernel.spans import Span
from domain.terms.posts import Promise

DAY = timedelta(days=1)
YEAR = Window(Span(date(2026, 1, 1), date(2026, 12, 31)), (Span(date(2026, 1, 1), date(2026, 12, 31)),), UUID(int=1))
OVER = date(2027, 1, 20)
CALENDAR = Calendar()
#: The working days that a role may stand vacant (AG-X2).
AT_MOST = 20


def test_the_longest_stretch_without_a_holder_is_counted_in_working_days() -> None:
    held = [Span(date(2025, 1, 1), date(2026, 6, 19)), Span(date(2026, 7, 6), None)]
    # From Monday 22 June to Friday 3 July, without the 24th and the 1st.
    assert longest_vacancy(YEAR, YEAR.spans, held, CALENDAR, OVER) == 8
    assert longest_vacancy(YEAR, YEAR.spans, held, CALENDAR, date(2026, 6, 23)) == 2
    assert longest_vacancy(YEAR, YEAR.spans, [Span(date(2020, 1, 1), None)], CALENDAR, OVER) == 0
    # Nobody left before the first one came, so that nobody was to be replaced.
    assert longest_vacancy(YEAR, YEAR.spans, [Span(date(2026, 5, 4), None)], CALENDAR, OVER) == 0
    assert longest_vacancy(YEAR, YEAR.spans, [], CALENDAR, OVER) == 0
    both = [Span(date(2020, 1, 1), date(2026, 2, 2)), Span(date(2020, 1, 1), None)]  # two who came on one day
    assert longest_vacancy(YEAR, YEAR.spans, both, CALENDAR, OVER) == 0


@pytest.mark.parametrize(
    ("promised", "held", "days"),
    [
        # Two are promised, and one of them left on 19 June: ten working days until somebody came, less two holidays.
        (2, ["2020-01-01", "2025-01-01/2026-06-19", "2026-07-06"], 8),
        # One is promised: somebody and who follows them overlapped, and the one who stays is enough.
        (1, ["2020-01-01/2026-06-19", "2026-05-04"], 0),
        # Two are promised, and there never was a second one: nobody left.
        (2, ["2020-01-01"], 0),
        # Three for two: the third who leaves leaves no gap.
        (2, ["2020-01-01", "2020-01-01", "2026-01-01/2026-06-19"], 0),
    ],
    ids=["one of two left", "an overlap", "never two", "more than promised"],
)
def test_a_post_stands_empty_where_fewer_are_there_than_promised_and_than_were(
    promised: int, held: list[str], days: int
) -> None:
    spans = [
        Span(date.fromisoformat(first), date.fromisoformat(last) if last else None)
        for first, _, last in (one.partition("/") for one in held)
    ]
    promises = [Promise(Span(date(2020, 1, 1), None), promised)]
    assert longest_vacancy(YEAR, YEAR.spans, spans, CALENDAR, OVER, promises) == days


# ---------------------------------------------------------------------------------------------- over the year's end

SINCE = date(2025, 1, 1)


def said(found: list[BindingWindow], empty: Span, on: date, *, waived: Span | None = None) -> list[tuple[date, int]]:
    """Each window's first day and its longest vacancy, where a role stood empty from a day to a day."""
    assert empty.ends_on is not None
    held = [Span(SINCE, empty.starts_on - DAY), Span(empty.ends_on + DAY, None)]
    whole = Span(found[0].days.starts_on, found[-1].days.ends_on)
    binding = whole.without([waived] if waived else [])
    return [
        (one.starts_on, longest_vacancy(one, binding, held, CALENDAR, on, at_most=AT_MOST))
        for one in windows(found, until=on)
    ]


def test_a_vacancy_over_new_year_is_one_and_counts_in_the_year_in_which_it_becomes_too_long() -> None:
    bound = [BindingWindow(Span(SINCE, None), UUID(int=1), "calendar_year")]
    empty = Span(date(2026, 12, 10), date(2027, 1, 25))
    assert said(bound, empty, date(2027, 2, 1))[1:] == [(date(2026, 1, 1), 15), (date(2027, 1, 1), 31)]
    assert said(bound, empty, date(2027, 1, 4))[2:] == [(date(2027, 1, 1), 16)]
    # Three weeks of it were waived: what is left on either side is short.
    waived = Span(date(2026, 12, 21), date(2027, 1, 10))
    assert said(bound, empty, date(2027, 2, 1), waived=waived)[1:] == [(date(2026, 1, 1), 7), (date(2027, 1, 1), 11)]


def test_a_vacancy_that_was_too_long_before_new_year_counts_again_only_for_the_days_of_the_next_year() -> None:
    bound = [BindingWindow(Span(SINCE, None), UUID(int=1), "calendar_year")]
    empty = Span(date(2026, 11, 16), date(2027, 1, 8))
    assert said(bound, empty, date(2027, 2, 1))[1:] == [(date(2026, 1, 1), 33), (date(2027, 1, 1), 5)]


def test_what_the_text_of_its_days_allowed_is_not_too_long_by_a_stricter_one() -> None:
    held = [Span(SINCE, date(2026, 2, 1)), Span(date(2026, 2, 21), None)]  # fifteen working days

    def longest(allowed: int) -> int:
        return longest_vacancy(YEAR, YEAR.spans, held, CALENDAR, OVER, at_most=10, allowed_on=lambda _: allowed)

    assert (longest(20), longest(10)) == (0, 15)


@given(
    first=st.dates(date(2026, 10, 1), date(2027, 2, 15)),
    days=st.integers(1, 80),
    change=st.none() | st.dates(date(2026, 11, 1), date(2027, 2, 28)),
    periods=st.tuples(*[st.sampled_from(["calendar_year", "quarter", "agreement_year"])] * 2),
)
def test_whatever_ends_meanwhile_a_vacancy_is_too_long_somewhere_exactly_where_it_is_as_a_whole(
    first: date, days: int, change: date | None, periods: tuple[Period, Period]
) -> None:
    empty = Span(first, first + (days - 1) * DAY)
    bounds = [BindingWindow(Span(SINCE, change - DAY if change else None), UUID(int=1), periods[0])]
    if change is not None:
        bounds.append(BindingWindow(Span(change, None), UUID(int=2), periods[1]))
    assert empty.ends_on is not None
    whole = CALENDAR.working_days_between(first - DAY, empty.ends_on)
    counted = [n for _, n in said(bounds, empty, date(2027, 6, 1))]
    assert any(n > AT_MOST for n in counted) == (whole > AT_MOST)
    assert max(counted) <= whole
