"""Days on which a promised post stood empty: counted by person, within the days that count, never less than none."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.spans import Span
from domain.terms.posts import PersonDays, Promise, person_days

YEAR = Span(date(2026, 1, 1), date(2026, 12, 31))


def days(first: str, last: str | None = None) -> Span:
    return Span(date.fromisoformat(first), date.fromisoformat(last) if last else None)


def test_a_day_on_which_one_of_two_promised_people_lacks_is_one_person_day() -> None:
    held = [days("2025-01-06"), days("2026-01-01", "2026-01-10")]
    found = person_days([Promise(days("2025-01-06"), 2)], held, [days("2026-01-01", "2026-01-31")])
    assert found == PersonDays(promised=62, empty=21)


def test_two_people_in_one_post_make_up_for_no_other_day() -> None:
    held = [days("2026-01-01", "2026-01-10"), days("2026-01-01", "2026-01-10")]
    assert person_days([Promise(YEAR, 1)], held, [days("2026-01-01", "2026-01-20")]).empty == 10


def test_before_the_agreement_is_in_force_nothing_is_promised_and_nothing_is_vacant() -> None:
    found = person_days([Promise(days("2026-07-01"), 1)], [], [days("2026-07-01", "2026-12-31")])
    assert found == PersonDays(184, 184)
    assert person_days([Promise(days("2026-07-01"), 1)], [], [days("2026-01-01", "2026-06-30")]) == PersonDays(0, 0)


def test_a_version_that_promises_more_people_counts_from_its_own_day() -> None:
    promises = [Promise(days("2026-01-01", "2026-06-30"), 1), Promise(days("2026-07-01"), 2)]
    assert person_days(promises, [days("2025-01-01")], [YEAR]).empty == 184


def test_days_without_an_end_cannot_be_counted() -> None:
    with pytest.raises(ValueError, match="without an end"):
        person_days([], [], [days("2026-01-01")])


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 20)), max_size=4), st.integers(1, 3))
def test_what_is_empty_is_never_more_than_what_was_promised(spans: list[tuple[int, int]], headcount: int) -> None:
    begin = date(2026, 1, 1)
    held = [Span(begin + timedelta(days=a), begin + timedelta(days=a + n)) for a, n in spans]
    found = person_days([Promise(YEAR, headcount)], held, [Span(begin, begin + timedelta(days=30))])
    assert 0 <= found.empty <= found.promised == 31 * headcount
