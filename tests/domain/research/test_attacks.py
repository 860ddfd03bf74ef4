"""Three attacks on exports of programs that are made up: singling out, joining two exports, subtracting two dates.

The attacker knows the rule, all that is knowable of everybody, who consented and withdrew when, and holds every export
of every study; they may even link the rows of two studies. Nobody is told apart from four others.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.research.fields import FIELDS, KNOWABLE, alike, measured, told
from domain.research.grouping import groups
from domain.research.known import Known, SelfReported, month_of
from tests.domain.research.lives import SMALLEST, Export, Life, drawn, fits, lived, pairs, somebody


def singled_out(life: Life, export: Export) -> list[int]:
    """Those of whom fewer than five rows of an export may be."""
    return [
        place
        for place in set(export.whose.values())
        if sum(fits(row, life.people[place]) for row in export.rows.values()) < SMALLEST
    ]


def told_by_difference(earlier: Export, later: Export) -> list[set[int]]:
    """The people who came, and those who left, between two exports, where they are fewer than five."""
    before, after = set(earlier.whose.values()), set(later.whose.values())
    return [some for some in (after - before, before - after) if 0 < len(some) < SMALLEST]


def told_by_joining(life: Life, earlier: Export, later: Export) -> list[int]:
    """Those of whom fewer than five people's rows may be, where each one's rows in both exports are known to be theirs.

    An attacker cannot know that of two studies, whose codes are others: here they can all the same.
    """
    mine = {place: code for code, place in earlier.whose.items()}
    both = [(mine[place], code) for code, place in later.whose.items() if place in mine]
    found = []
    for place in {later.whose[code] for _, code in both}:
        known = life.people[place]
        may_be = [one for one in both if _fits_both(earlier, later, one, known)]
        if len(may_be) < SMALLEST:
            found.append(place)
    return found


def _fits_both(earlier: Export, later: Export, codes: tuple[str, str], known: Known) -> bool:
    # What changes is known as of the later date alone.
    stays = {
        column
        for one in KNOWABLE
        if one.key not in ("state", "months_followed", "time_1", "time_2")
        for column in one.columns
    }
    then = {column: value for column, value in earlier.rows[codes[0]].items() if column in stays}
    return fits(then, known) and fits(later.rows[codes[1]], known)


def attack(life: Life) -> int:
    """Try all three on every export and every two of a life; how many pairs were tried."""
    assert not singled_out(life, life.exports[-1]) if life.exports else True
    tried = 0
    for earlier, later in pairs(life):
        tried += 1
        assert not told_by_difference(earlier, later)
        if later is life.exports[-1]:
            assert not told_by_joining(life, earlier, later)
    return tried


@given(st.integers(0, 2**32), st.integers(2, 9))
@settings(max_examples=40)
def test_nobody_is_told_apart_by_any_two_exports(seed: int, steps: int) -> None:
    attack(lived(drawn(seed), steps))


@pytest.mark.nightly
def test_nobody_is_told_apart_by_ten_thousand_pairs_of_exports() -> None:
    tried, seed = 0, 0
    while tried < 10_000:
        tried += attack(lived(drawn(seed), 12))
        seed += 1


# ------------------------------------------------------------------------------- the attacks find what there is to find


def without_groups(life: Life, study: int) -> Export:
    """An export as a naive program makes it: everyone who consents, alone."""
    keys = ["age", "area", "entered", "risk"]
    rows = {
        f"{study}-{place}": told([FIELDS[key] for key in keys], [life.people[place]], life.people[place])
        for place in life.consenting
    }
    return Export(study, rows, {code: int(code.split("-")[1]) for code in rows})


def test_the_attacks_find_everyone_in_exports_without_groups() -> None:
    chance = drawn(1)
    life = Life(people=[somebody(chance, month_of(2026, 1 + n % 9)) for n in range(30)])
    life.consenting = set(range(25))
    earlier = without_groups(life, 0)
    life.consenting = set(range(1, 26))
    later = without_groups(life, 0)
    assert singled_out(life, earlier)
    assert told_by_difference(earlier, later) == [{25}, {0}]
    assert told_by_joining(life, earlier, later)


def test_one_who_withdraws_alone_would_be_told_by_subtracting() -> None:
    chance = drawn(2)
    life = Life(people=[somebody(chance, month_of(2026, 3)) for _ in range(12)])
    life.consenting = set(range(12))
    earlier = life.export(0, ["age"])
    life.withdraw(3)
    later = life.export(0, ["age"])
    gone = set(earlier.whose.values()) - set(later.whose.values())
    assert 3 in gone
    assert len(gone) >= SMALLEST, "their whole group left"
    naive = Export(0, {}, {code: place for code, place in earlier.whose.items() if place != 3})
    assert told_by_difference(earlier, naive) == [{3}]


# -------------------------------------------------------------------------------------------------------- the groups


@given(st.integers(0, 60), st.integers(2, 9), st.integers(0, 2**32))
def test_everyone_is_in_one_group_of_enough_and_fewer_are_in_none(people: int, smallest: int, seed: int) -> None:
    chance = drawn(seed)
    found = groups([somebody(chance, month_of(2026, 1)) for _ in range(people)], smallest)
    assert sorted(place for group in found for place in group) == list(range(people if people >= smallest else 0))
    assert all(smallest <= len(group) < 2 * smallest for group in found)


@given(st.integers(5, 40), st.integers(0, 2**32), st.data())
def test_groups_depend_on_nothing_that_is_measured(people: int, seed: int, data: st.DataObject) -> None:
    """Else which group somebody is in would tell what was measured of them."""
    chance = drawn(seed)
    known = [somebody(chance, month_of(2026, 1 + n % 6)) for n in range(people)]
    other = [
        Known(
            **{
                one: getattr(each, one)
                for one in ("age", "gender", "area", "organization", "entered", "risk", "state", "months_followed")
            },
            said={"need": {"recovery": data.draw(st.integers(0, 99))}},
            times={n: one._replace(risk="red") for n, one in each.times.items()},
            met=data.draw(st.integers(0, 99)),
            weeks=99,
        )
        for each in known
    ]
    assert groups(known, SMALLEST) == groups(other, SMALLEST)


@pytest.mark.ci
@given(st.integers(5, 9), st.integers(0, 2**32))
def test_all_in_a_group_are_told_alike_in_what_others_may_know(people: int, seed: int) -> None:
    chance = drawn(seed)
    group = [somebody(chance, month_of(2026, 1 + n % 6)) for n in range(people)]
    rows = [told(list(FIELDS.values()), group, known) for known in group]
    for one in KNOWABLE:
        for column in one.columns:
            assert len({row[column] for row in rows}) == 1, column
        assert all(fits(row, known) for row in rows for known in group), "and it is true of each"


def test_a_measure_is_rounded_and_what_is_not_known_is_left_empty() -> None:
    known = Known(
        age=16,
        weeks=10,
        met=7,
        minutes=610,
        weeks_in_touch=9,
        days_to_admission=24,
        why_none={"other": 3},
        said={
            "communications": {"telephone": 4, "email": 1},
            "need": {"stability": 2, "recovery": 2},
            "worker_satisfaction": {"dissatisfied": 1, "very_satisfied": 3},
            "participant_satisfaction": {"satisfied": 1, "very_satisfied": 1},
            "activity_type": {"sports": 1},
        },
        times={1: SelfReported(month_of(2026, 3), "yellow")},
    )
    said = {one.key: measured(one, known) for one in FIELDS.values() if not one.knowable}
    assert said == {
        "weeks_to_admission": 4,
        "intensity": None,
        "meetings": 8,
        "minutes": 90,
        "in_touch": 90,
        "why_none": "other",
        "by_telephone": 40,
        "by_text_message": 0,
        "by_messenger": 0,
        "by_email": 10,
        "by_other": 0,
        "need": "stability",
        "worker_satisfaction": "very_satisfied",
        "participant_satisfaction": "satisfied",
        "activity_type": "sports",
        "activities": 0,
        "time_1_risk": "yellow",
        "time_2_risk": None,
    }
    assert measured(FIELDS["minutes"], Known()) is None
    assert alike(FIELDS["entered"], [Known(entered=month_of(2026, 1)), Known(entered=month_of(2026, 12))]) == (
        "2026-01",
        "2026-12",
    )


def test_the_risk_of_a_self_report_is_told_where_all_in_a_group_filled_it_in() -> None:
    """Else who collects the questionnaires, and knows who filled one in, would know whose row it is."""
    did = [Known(times={1: SelfReported(month_of(2026, 3 + n), "red")}) for n in range(4)]
    fields = [FIELDS["time_1"], FIELDS["time_1_risk"]]
    spans = {"time_1_from": "2026-03", "time_1_to": "2026-06"}
    assert told(fields, [*did, did[0]], did[0]) == spans | {"time_1_risk": "red"}
    assert told(fields, [*did, Known()], did[0]) == spans | {"time_1_risk": None}


def test_no_field_is_of_words_that_people_wrote_of_a_day_or_of_a_name() -> None:
    for one in FIELDS.values():
        assert one.kind in ("number", "month", "word")
        if one.kind == "word" and one.key not in ("area", "organization"):
            assert one.words, f"{one.key} says which words it may be"
