"""Ages on a day: birthdays, 29 February, an age without a birth date, and who may sign a consent."""

from __future__ import annotations

from datetime import date

import pytest

from domain.participants.ages import Age, age_on, signers, years


@pytest.mark.parametrize(
    ("born", "day", "expected"),
    [
        (date(2014, 11, 24), date(2026, 11, 23), 11),
        (date(2014, 11, 23), date(2026, 11, 23), 12),
        (date(2001, 11, 23), date(2026, 11, 22), 24),
        (date(2001, 11, 23), date(2026, 11, 23), 25),
        (date(2012, 2, 29), date(2026, 2, 28), 13),
        (date(2012, 2, 29), date(2026, 3, 1), 14),
        (date(2008, 2, 29), date(2028, 2, 29), 20),
        (date(2026, 11, 24), date(2026, 11, 23), -1),
    ],
)
def test_a_year_is_added_on_the_birthday_and_not_before(born: date, day: date, expected: int) -> None:
    assert years(born, day) == expected


@pytest.mark.parametrize(
    ("age", "met"),
    [
        (Age(11, 11), "not_met"),
        (Age(12, 12), "met"),
        (Age(24, 24), "met"),
        (Age(25, 25), "not_met"),
        (Age(11, 12), "unknown"),
        (Age(24, 25), "unknown"),
        (Age(13, 14), "met"),
    ],
)
def test_the_program_is_for_12_to_24_and_what_cannot_be_told_is_unknown(age: Age, met: str) -> None:
    assert age.within_program() == met


def test_an_age_without_a_birth_date_is_one_of_two_on_a_later_day() -> None:
    said = date(2026, 1, 10)
    assert age_on(said, born=None, age=11, said_on=said) == Age(11, 11)
    assert age_on(date(2026, 1, 11), born=None, age=11, said_on=said) == Age(11, 12)
    assert age_on(date(2027, 1, 10), born=None, age=11, said_on=said) == Age(12, 13)
    assert age_on(said, born=None, age=None, said_on=said) is None


def test_an_age_that_is_said_today_was_that_or_one_less_on_an_earlier_day_of_the_year() -> None:
    """So that nobody who is 14 today signs alone for a day on which they may have been 13."""
    said = date(2026, 1, 10)
    assert age_on(date(2026, 1, 9), born=None, age=14, said_on=said) == Age(13, 14)
    assert age_on(date(2025, 1, 10), born=None, age=14, said_on=said) == Age(12, 13)


@pytest.mark.parametrize(
    ("age", "who"),
    [
        (Age(13, 13), {"parental_authority", "tutor"}),
        (Age(14, 14), {"self"}),
        (Age(17, 17), {"self"}),
        (Age(18, 18), {"self", "tutor"}),
        (Age(13, 14), set()),
        (None, set()),
    ],
)
def test_who_may_sign_changes_at_14_and_at_18(age: Age | None, who: set[str]) -> None:
    assert signers(age) == who
