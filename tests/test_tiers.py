"""The tiers of the tests: quick at each change, more in continuous integration, all at night (docs of `run.py`)."""

from __future__ import annotations

from itertools import pairwise

import pytest
from sqlalchemy import select

from models.base import table_of
from models.record import Event
from tests.cast import ROOT
from tests.conftest import _later_tier
from tests.shuffled import shuffled


@pytest.mark.parametrize("one_in", [2, 3, 16])
def test_of_a_wide_table_a_share_stays_a_share_as_large_goes_to_ci_and_the_rest_to_the_night(one_in: int) -> None:
    tiers = [_later_tier(place, one_in, "tests/test_x.py::test_y") for place in range(one_in * 5)]
    assert tiers.count(None) == tiers.count("ci") == 5
    assert tiers.count("nightly") == 5 * (one_in - 2)
    assert tiers[0] is None, "a table with one case has it where its test is"


def test_tables_with_the_same_cases_meet_different_ones_in_ci() -> None:
    shares = {
        tuple(_later_tier(place, 16, f"tests/test_x.py::test_{letter}") for place in range(16)) for letter in "abcdefgh"
    }
    assert len(shares) > 3


def test_a_statement_that_names_no_order_is_shuffled_and_no_other_is_touched() -> None:
    """With `--shuffle-rows`, by which a test that relies on how rows lie is found."""
    event = table_of(Event)
    plain = select(event.c.verb).where(event.c.n > 1)
    assert str(shuffled(plain)).endswith("ORDER BY random()")
    for other in (plain.order_by(event.c.n), plain.distinct(), select(event.c.verb).group_by(event.c.verb)):
        assert shuffled(other) is other


@pytest.mark.ci
def test_ci_runs_the_quick_tests_and_then_its_own_and_stops_at_the_first_that_fails() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert "set -euo pipefail" in lines
    assert "export CI=true" in lines, "a missing browser is a failure"
    steps = [line for line in lines if line.startswith("python3 run.py")]
    assert steps == ["python3 run.py test", "python3 run.py test --ci"]
    assert [later - earlier for earlier, later in pairwise(map(lines.index, steps))] == [1]
