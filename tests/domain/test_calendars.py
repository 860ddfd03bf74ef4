"""Working days: the holidays of Québec, local closures, and counting over both."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.declared.reading import Bilingual
from domain.kernel.calendars import Calendar, ClosedSpan, UnknownYear

QUEBEC = Calendar()
EASTER_MONDAY = ClosedSpan(date(2026, 4, 6), date(2026, 4, 6), Bilingual(fr="Lundi de Pâques", en="Easter Monday"))
HOLIDAYS = ClosedSpan(date(2026, 12, 24), date(2027, 1, 4), Bilingual(fr="Congé des fêtes", en="Holiday closure"))
OURS = QUEBEC.closed_also([EASTER_MONDAY, HOLIDAYS])

days = st.dates(date(2020, 1, 1), date(2040, 12, 31))
counts = st.integers(-60, 60)
calendars = st.sampled_from([QUEBEC, OURS])


@pytest.mark.parametrize(
    ("day", "french", "english"),
    [
        (date(2026, 6, 24), "Fête nationale du Québec", "Saint Jean Baptiste Day"),
        (date(2026, 5, 18), "Journée nationale des patriotes", "National Patriots' Day"),
        (date(2026, 7, 1), "Fête du Canada", "Canada Day"),
        (date(2026, 11, 28), "fin de semaine", "weekend"),
        (date(2026, 4, 6), "Lundi de Pâques", "Easter Monday"),
        (date(2026, 12, 29), "Congé des fêtes", "Holiday closure"),
        (date(2027, 1, 4), "Congé des fêtes", "Holiday closure"),
    ],
)
def test_a_closed_day_says_why_in_both_languages(day: date, french: str, english: str) -> None:
    assert not OURS.is_working_day(day)
    assert (OURS.why_closed(day, "fr"), OURS.why_closed(day, "en")) == (french, english)


def test_the_national_holiday_that_falls_on_a_sunday_closes_the_monday_too() -> None:
    assert date(2029, 6, 24).weekday() == 6
    assert not QUEBEC.is_working_day(date(2029, 6, 25))
    assert "Fête nationale" in (QUEBEC.why_closed(date(2029, 6, 25), "fr") or "")


def test_days_that_the_law_leaves_open_are_worked_until_a_closure_says_otherwise() -> None:
    for day in (date(2026, 4, 6), date(2026, 9, 30), date(2026, 11, 11), date(2026, 12, 28)):
        assert QUEBEC.is_working_day(day)
        assert QUEBEC.why_closed(day, "en") is None
    assert not OURS.is_working_day(date(2026, 4, 6))


@pytest.mark.parametrize("language", ["fr_CA", "en_CA", "", "de"])
def test_a_language_that_is_not_spoken_is_an_error_and_not_english(language: str) -> None:
    with pytest.raises(ValueError, match="fr and in en"):
        QUEBEC.why_closed(date(2026, 6, 24), language)


@pytest.mark.parametrize(("country", "subdivision"), [("XX", "QC"), ("CA", "ZZ")])
def test_a_place_without_known_holidays_is_refused_at_once(country: str, subdivision: str) -> None:
    with pytest.raises(ValueError, match="no holidays are known"):
        Calendar(country, subdivision)


@pytest.mark.parametrize("day", [date(1800, 1, 1), date(2150, 6, 24), date.max])
def test_beyond_the_years_that_are_known_nothing_is_said(day: date) -> None:
    with pytest.raises(UnknownYear):
        QUEBEC.is_working_day(day)
    with pytest.raises(UnknownYear):
        QUEBEC.why_closed(day, "fr")
    with pytest.raises(UnknownYear):
        QUEBEC.add_working_days(day, 1)


def test_counting_stops_at_the_last_year_that_is_known() -> None:
    with pytest.raises(UnknownYear):
        QUEBEC.add_working_days(date(2100, 12, 31), 1)


def test_a_closure_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match="ends before it begins"):
        ClosedSpan(date(2026, 1, 2), date(2026, 1, 1), Bilingual(fr="x", en="x"))


def test_counting_steps_over_a_holiday_and_a_weekend() -> None:
    assert QUEBEC.add_working_days(date(2026, 6, 23), 1) == date(2026, 6, 25)
    assert QUEBEC.add_working_days(date(2026, 6, 24), 1) == date(2026, 6, 25)
    assert QUEBEC.add_working_days(date(2026, 6, 25), -1) == date(2026, 6, 23)
    assert QUEBEC.add_working_days(date(2026, 6, 26), 1) == date(2026, 6, 29)
    assert OURS.add_working_days(date(2026, 12, 23), 1) == date(2027, 1, 5)


@given(calendars, days)
def test_a_day_is_worked_exactly_where_no_reason_closes_it(calendar: Calendar, day: date) -> None:
    for language in ("fr", "en"):
        assert calendar.is_working_day(day) == (calendar.why_closed(day, language) is None)


@given(calendars, days, counts)
def test_counting_never_ends_on_a_closed_day(calendar: Calendar, day: date, n: int) -> None:
    assert calendar.is_working_day(calendar.add_working_days(day, n))


@given(calendars, days, counts)
def test_from_a_working_day_counting_back_undoes_counting_on(calendar: Calendar, day: date, n: int) -> None:
    worked = calendar.next_working_day(day)
    assert calendar.add_working_days(calendar.add_working_days(worked, n), -n) == worked


@given(calendars, days, st.integers(-30, 30), st.integers(1, 20))
def test_counting_further_comes_later(calendar: Calendar, day: date, n: int, more: int) -> None:
    worked = calendar.next_working_day(day)
    assert calendar.add_working_days(worked, n) < calendar.add_working_days(worked, n + more)


@given(calendars, days, st.integers(0, 10), counts)
def test_a_later_day_never_counts_to_an_earlier_one(calendar: Calendar, day: date, later: int, n: int) -> None:
    assert calendar.add_working_days(day, n) <= calendar.add_working_days(day + timedelta(days=later), n)


@given(calendars, days, counts)
def test_the_days_between_are_those_that_were_counted(calendar: Calendar, day: date, n: int) -> None:
    worked = calendar.next_working_day(day)
    assert calendar.working_days_between(worked, calendar.add_working_days(worked, n)) == n


@given(calendars, days)
def test_the_nearest_working_days_enclose_only_closed_ones(calendar: Calendar, day: date) -> None:
    before, after = calendar.previous_working_day(day), calendar.next_working_day(day)
    assert before <= day <= after
    closed = [before + timedelta(days=n) for n in range(1, (after - before).days)]
    assert not any(calendar.is_working_day(between) for between in closed)


@given(days, counts)
def test_more_closures_never_shorten_the_way(day: date, n: int) -> None:
    assert abs(OURS.add_working_days(day, n) - day) >= abs(QUEBEC.add_working_days(day, n) - day)
