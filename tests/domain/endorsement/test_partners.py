"""What the partners' words make of a decision: all of them, or the majority that each agreement names."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.endorsement.partners import FREED, OWES_AGAIN, PartnerWord, outcome
from models.minutes import ENDORSED_AS, MAJORITIES


def words(*said: str, majority: str = "") -> list[PartnerWord]:
    return [PartnerWord(UUID(int=n), one, majority) for n, one in enumerate(said, start=1)]


@pytest.mark.parametrize(
    ("said", "majority", "made"),
    [
        (("endorsed", "endorsed", "endorsed"), "", "endorsed"),
        (("endorsed", "endorsed", ""), "", "pending"),
        (("endorsed", "endorsed", "objected"), "", "objected"),
        (("endorsed", ""), "more_than_half", "pending"),
        (("endorsed", "endorsed", ""), "more_than_half", "endorsed"),
        (("endorsed", "endorsed", "objected"), "more_than_half", "endorsed"),
        (("endorsed", "objected", ""), "more_than_half", "objected"),
        (("endorsed", "endorsed", ""), "two_thirds", "endorsed"),
        (("endorsed", "endorsed", ""), "three_quarters", "pending"),
        (("endorsed", "endorsed", "endorsed", "objected"), "three_quarters", "endorsed"),
    ],
)
def test_a_decision_is_as_every_partner_or_the_majority_of_their_agreements_makes_it(
    said: tuple[str, ...], majority: str, made: str
) -> None:
    assert outcome(words(*said, majority=majority)) == made


def test_who_signed_no_majority_is_outvoted_by_nobody() -> None:
    bound = words("endorsed", "endorsed", "endorsed", majority="more_than_half")
    alone = PartnerWord(UUID(int=9))
    assert outcome([*bound, alone]) == "pending"
    assert outcome([*bound, replace(alone, said="objected")]) == "objected"
    assert outcome([*bound, replace(alone, said="endorsed")]) == "endorsed"


def test_the_strictest_of_the_majorities_counts() -> None:
    one, two, three = words("endorsed", "endorsed", "", majority="more_than_half")
    assert outcome([one, two, three]) == "endorsed"
    assert outcome([one, two, replace(three, majority="three_quarters")]) == "pending"


def test_a_partner_that_has_left_is_not_waited_for_and_its_objection_stays_until_it_is_settled() -> None:
    here, gone = PartnerWord(UUID(int=1), "endorsed"), PartnerWord(UUID(int=2), is_partner=False)
    assert outcome([here, gone]) == "endorsed"
    objecting = replace(gone, said="objected")
    assert outcome([here, objecting]) == "objected"
    assert outcome([here, replace(objecting, is_settled=True)]) == "endorsed"
    assert outcome([gone]) == "pending", "nobody is left who endorsed it"


def test_a_settled_objection_counts_neither_for_a_majority_nor_against_it() -> None:
    one, two = words("endorsed", "objected", majority="more_than_half")
    assert outcome([one, two]) == "objected"
    assert outcome([one, replace(two, is_settled=True)]) == "endorsed"


def test_where_no_agreement_was_in_force_nobody_is_waited_for() -> None:
    assert outcome([]) == "endorsed"


def test_the_own_word_of_a_partner_that_is_freed_makes_no_majority() -> None:
    own, *others = words("endorsed", *("endorsed",) * 3, *("objected",) * 2, majority="two_thirds")
    assert outcome([own, *others]) == "endorsed"
    assert outcome([replace(own, stake=FREED), *others]) == "objected"
    for said in ENDORSED_AS:
        assert outcome([replace(own, said=said, stake=FREED), *others[:4]]) == "endorsed"
    bound_alone = replace(own, said="", majority="", stake=FREED)
    assert outcome([bound_alone, *others[:3]]) == "pending", "who signed no majority is asked for its own word"


def test_a_partner_that_is_freed_is_not_left_to_say_it_alone() -> None:
    own, gone = PartnerWord(UUID(int=1), "endorsed", stake=FREED), PartnerWord(UUID(int=2), is_partner=False)
    assert outcome([own, gone]) == "pending"
    assert outcome([own, replace(gone, said="endorsed")]) == "endorsed"
    assert outcome([own]) == "endorsed", "nobody else was ever asked"


def test_who_would_owe_a_clause_again_neither_stops_nor_delays_what_takes_its_waiver_back() -> None:
    one, two = words("endorsed", "endorsed")
    for said in ENDORSED_AS:
        own = PartnerWord(UUID(int=9), said, stake=OWES_AGAIN)
        assert outcome([one, two, own]) == "endorsed"
        assert outcome([one, replace(two, said=""), own]) == "pending"
        assert outcome([one, replace(two, said="objected"), own]) == "objected"
        assert outcome([own]) == "endorsed"
        assert own.is_awaited is False
    assert PartnerWord(UUID(int=9), "objected", stake=OWES_AGAIN).objects, "the committee hears it"


_WORDS = st.lists(
    st.builds(
        PartnerWord,
        st.uuids(),
        st.sampled_from(ENDORSED_AS),
        st.sampled_from(("", *MAJORITIES)),
        st.booleans(),
        is_partner=st.booleans(),
        stake=st.sampled_from(("", FREED, OWES_AGAIN)),
    ),
    min_size=1,
    max_size=7,
)


@given(_WORDS)
def test_one_more_endorsement_never_makes_a_decision_less(every: list[PartnerWord]) -> None:
    order = ("objected", "pending", "endorsed")
    for place, one in enumerate(every):
        if one.said == "" and one.is_partner:
            after = [*every[:place], replace(one, said="endorsed"), *every[place + 1 :]]
            assert order.index(outcome(after)) >= order.index(outcome(every))


@given(_WORDS)
def test_an_unsettled_objection_of_who_signed_no_majority_always_suspends(every: list[PartnerWord]) -> None:
    if any(one.objects and not one.majority for one in every if one.stake != OWES_AGAIN):
        assert outcome(every) == "objected"
    elif not any(one.objects for one in every):
        assert outcome(every) != "objected"


@given(_WORDS)
def test_no_word_of_who_would_owe_a_clause_again_changes_anything(every: list[PartnerWord]) -> None:
    for place, one in enumerate(every):
        if one.stake == OWES_AGAIN:
            for said in ENDORSED_AS:
                assert outcome([*every[:place], replace(one, said=said), *every[place + 1 :]]) == outcome(every)


@given(_WORDS)
def test_no_majority_is_made_by_who_is_freed(every: list[PartnerWord]) -> None:
    """Where its own word is not asked for besides, its yes makes no more of the decision than its silence."""
    others = any(one.is_partner and one.stake == "" for one in every)
    for place, one in enumerate(every):
        if one.stake == FREED and one.majority and not one.is_settled and others:
            silent, yes = ([*every[:place], replace(one, said=said), *every[place + 1 :]] for said in ("", "endorsed"))
            assert outcome(silent) == outcome(yes) or not any(
                each.said == "endorsed" or each.is_settled for each in silent if each.stake != OWES_AGAIN
            )


@given(_WORDS)
def test_silence_of_a_partner_that_signed_no_majority_is_no_endorsement(every: list[PartnerWord]) -> None:
    if any(one.is_awaited and not one.majority for one in every):
        assert outcome(every) != "endorsed"
