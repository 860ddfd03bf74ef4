"""Measures of how the program is carried out: what two quarters or two organizations differ in is never a few."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.research import FOLLOW_UP_STATES, Known, measures
from domain.research.known import month_of
from tests.domain.research.lives import drawn, somebody

SMALLEST = 5


def people(seed: int, n: int) -> list[Known]:
    """People in the order of entry, of four organizations."""
    chance = drawn(seed)
    found = [somebody(chance, month_of(2026, 1 + place // 6)) for place in range(n)]
    return [replace(one, state=chance.choice(list(FOLLOW_UP_STATES))) for one in found]


def figures(carried: measures.Carried) -> dict[tuple[str, str], int | None]:
    """Every figure of a paper that is of people."""
    told: dict[tuple[str, str], int | None] = {}
    for place, those in {**carried.by_organization, "together": carried.together}.items():
        told |= {(place, key): measures.middle(those, one, SMALLEST) for key, one in measures.MEASURES.items()}
    for state in FOLLOW_UP_STATES:
        told["together", state] = measures.share_of_people(carried.together, is_in(state), SMALLEST)
    return told


def is_in(state: str) -> Callable[[Known], bool]:
    return lambda known: known.state == state


@given(st.integers(0, 2**32), st.lists(st.integers(0, 60), min_size=2, max_size=6))
@settings(max_examples=60)
def test_two_quarters_and_two_organizations_differ_in_whole_groups(seed: int, ends: list[int]) -> None:
    everyone = people(seed, max(ends))
    quarters = [measures.in_blocks(everyone[:end], SMALLEST) for end in sorted(ends)]
    counted = [{id(one) for one in those} for carried in quarters for those in carried.by_organization.values()]
    counted += [{id(one) for one in carried.together} for carried in quarters]
    for some, others in combinations(counted, 2):
        assert len(some - others) % SMALLEST == 0
        assert len(some & others) % SMALLEST == 0
    for earlier, later in combinations(quarters, 2):
        assert {id(one) for one in earlier.together} <= {id(one) for one in later.together}


@given(st.integers(0, 2**32), st.integers(0, 60))
@settings(max_examples=60)
def test_everyone_counts_once_but_for_fewer_than_ten_and_four_of_an_organization(seed: int, n: int) -> None:
    everyone = people(seed, n)
    carried = measures.in_blocks(everyone, SMALLEST)
    counted = [id(one) for one in carried.together]
    assert len(counted) == len(set(counted))
    left = [one for one in everyone if id(one) not in set(counted)]
    assert len(left) < 2 * SMALLEST
    for place in {one.organization for one in left}:
        assert sum(one.organization == place for one in left) < SMALLEST
    for place, those in carried.by_organization.items():
        assert place == measures.SEVERAL or {one.organization for one in those} == {place}


@given(st.integers(0, 2**32), st.integers(0, 60), st.integers(1, 4))
@settings(max_examples=60)
def test_no_figure_changes_by_the_few_who_enter_an_organization_while_fewer_than_ten_wait(
    seed: int, n: int, few: int
) -> None:
    everyone = people(seed, n)
    before = measures.in_blocks(everyone, SMALLEST)
    late = [replace(one, organization="new") for one in people(seed + 1, few)]
    after = measures.in_blocks([*everyone, *late], SMALLEST)
    entered = len(after.together) - len(before.together)
    assert entered in (0, SMALLEST), "nobody new in any figure, or a whole group"
    if not entered:
        assert figures(after) == figures(before)


@given(st.lists(st.booleans(), max_size=40).map(lambda some: some[: len(some) - len(some) % SMALLEST]))
def test_a_share_counts_people_in_fives_and_fewer_are_not_told(some: list[bool]) -> None:
    those = [Known(state="inactive" if one else "active") for one in some]
    told = measures.share_of_people(those, is_in("inactive"), SMALLEST)
    many = sum(some)
    if many < SMALLEST:
        assert told is None
        return
    for left in range(many % SMALLEST):
        fewer = [Known(state="active")] * (left + 1)
        out = [one for one in those if one.state == "inactive"][left + 1 :]
        same = [*fewer, *out, *(one for one in those if one.state == "active")]
        assert measures.share_of_people(same, is_in("inactive"), SMALLEST) == told


def test_a_middle_of_fewer_than_five_is_not_told() -> None:
    measure = measures.MEASURES["to_admission"]
    four = [Known(days_to_admission=7 * n) for n in range(4)]
    assert measures.middle([*four, *[Known()] * 6], measure, SMALLEST) is None
    assert measures.middle([*four, Known(days_to_admission=70)], measure, SMALLEST) == 2


@pytest.mark.parametrize(("of", "told"), [(4, None), (5, 50)])
def test_weeks_of_fewer_than_five_people_are_not_told(of: int, told: int | None) -> None:
    those = [Known(weeks=4, weeks_met=2) for _ in range(of)] + [Known(weeks=4)] * (5 - of)
    weeks = sum(one.weeks for one in those)
    assert measures.share_of_things(those, lambda known: known.weeks_met, weeks, SMALLEST) == told
