"""What is shown of counts of participants: from all of it together, no hidden count is ever known for sure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meetings.statements.small_counts import SMALL, Shares, shares

counts = st.lists(st.integers(0, 30), min_size=1, max_size=9)
#: Tables as they mostly are: small.
few = st.lists(st.integers(0, 7), min_size=1, max_size=9)


def interval(shown: Shares) -> tuple[int, int]:
    """What a hidden part can be by arithmetic: zeros are shown, so that a hidden one is 1 or more.

    Where no part is shown, each can be 0 too.
    """
    hidden = [at for at, n in enumerate(shown.parts) if n is None]
    least = 0 if len(hidden) == len(shown.parts) else 1
    if shown.total is None:
        return 0, SMALL
    left = shown.total - sum(n for n in shown.parts if n is not None)
    return (left if len(hidden) == 1 else least), left - least * (len(hidden) - 1)


@given(counts | few)
def test_no_small_count_is_ever_shown(parts: list[int]) -> None:
    shown = shares(parts)
    assert all(n is None or n == 0 or n > SMALL for n in (shown.total, *shown.parts))


@given(counts | few)
def test_what_is_shown_is_true(parts: list[int]) -> None:
    shown = shares(parts)
    assert shown.total in (None, sum(parts))
    assert all(n is None or n == part for n, part in zip(shown.parts, parts, strict=True))


@given(counts | few)
def test_no_hidden_count_can_be_reckoned_from_the_total_and_the_others(parts: list[int]) -> None:
    shown = shares(parts)
    for place, n in enumerate(shown.parts):
        if n is None:
            low, high = interval(shown)
            assert low < high, (parts, shown, place)
            assert low <= parts[place] <= high


@given(counts | few)
def test_a_small_count_may_be_anything_from_1_to_4_even_to_one_who_knows_which_are_small(parts: list[int]) -> None:
    shown = shares(parts)
    if shown.total is None or all(n is None for n in shown.parts):
        return  # no part is shown: there is nothing to tell which are small by
    small = [place for place, n in enumerate(shown.parts) if n is None and parts[place] <= SMALL]
    larger = [place for place, n in enumerate(shown.parts) if n is None and parts[place] > SMALL]
    left = shown.total - sum(n for n in shown.parts if n is not None)
    for _ in small:
        others = len(small) - 1
        assert left - others - (SMALL + 1) * len(larger) >= SMALL, (parts, shown)
        assert larger or left - SMALL * others <= 1, (parts, shown)


# ------------------------------------------------------------------------------------- to one who knows the rule


def tables(places: int, most: int) -> Iterator[tuple[int, ...]]:
    """Every table of so many parts that adds up to no more than `most`."""
    if places == 0:
        yield ()
        return
    for n in range(most + 1):
        for rest in tables(places - 1, most - n):
            yield (n, *rest)


@cache
def behind(places: int, most: int) -> dict[Shares, list[tuple[int, ...]]]:
    """What is shown, and every table that is shown so. Complete: a total that is shown is that of each of them."""
    found: dict[Shares, list[tuple[int, ...]]] = defaultdict(list)
    for table in tables(places, most):
        found[shares(table)].append(table)
    return found


@pytest.mark.parametrize(("places", "most"), [(1, 60), (2, 60), (3, 32), (4, 22), (5, 17), (6, 15), (8, 11)])
@pytest.mark.ci
def test_one_who_knows_the_rule_itself_still_finds_no_hidden_count(places: int, most: int) -> None:
    """Every table is tried: for each answer, whatever tables it can come from, each hidden part has two values or more.

    It would find a rule that gives itself away, such as hiding the smallest of the others.
    """
    for shown, possible in behind(places, most).items():
        for place, n in enumerate(shown.parts):
            if n is None:
                assert len({table[place] for table in possible}) > 1, (shown, possible)
        if shown.total is None:
            assert {sum(table) for table in possible} == set(range(1, SMALL + 1))


def test_a_rule_that_gives_itself_away_would_be_found() -> None:
    """The same search, of a rule that hides the small parts and nothing beside them."""

    def naive(parts: Sequence[int]) -> Shares:
        return Shares(sum(parts), tuple(None if 0 < n <= SMALL else n for n in parts))

    found: dict[Shares, list[tuple[int, ...]]] = defaultdict(list)
    for table in tables(3, 12):
        found[naive(table)].append(table)
    assert any(
        len({table[place] for table in possible}) == 1
        for shown, possible in found.items()
        for place, n in enumerate(shown.parts)
        if n is None
    )


# ------------------------------------------------------------------------------------------------- across reports


def test_a_band_of_all_who_are_followed_would_give_hidden_counts_away() -> None:
    """Why no such number leaves (docs/adr/0012): it bounds the hidden parts from above."""
    shown = shares((4, 9, 0))  # followed, on a break, waiting
    assert shown == Shares(13, (None, None, 0))
    possible = [table for table in behind(3, 14)[shown] if table[0] <= 4 and table[1] <= 9]  # by bands 0-4 and 5-9
    assert possible == [(4, 9, 0)]


@pytest.mark.parametrize(
    ("parts", "shown"),
    [
        ((0, 0, 0), Shares(0, (0, 0, 0))),
        ((1, 0, 2), Shares(None, (None, None, None))),
        ((6, 0, 9), Shares(15, (6, 0, 9))),
        ((3, 6, 0, 12), Shares(21, (None, None, 0, 12))),
        ((3, 5, 0, 12), Shares(20, (None, None, 0, None))),
        ((2, 3, 0), Shares(5, (None, None, 0))),
        ((4, 4, 0), Shares(8, (None, None, None))),
        ((1, 1, 1, 1, 1), Shares(5, (None,) * 5)),
        ((5,), Shares(5, (5,))),
    ],
)
def test_examples(parts: tuple[int, ...], shown: Shares) -> None:
    assert shares(parts) == shown


def test_nothing_is_counted_below_0() -> None:
    with pytest.raises(ValueError, match="below 0"):
        shares((3, -1))
