"""What shows nothing says nothing: a blank of no width is no reason."""

from __future__ import annotations

import unicodedata
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session

from domain.accompaniment import risks
from domain.casework.tasks import needed_reason
from domain.declarations import filling_in
from domain.kernel.refusals import Refusal
from domain.kernel.sealing import seal
from domain.kernel.typed_words import checked, is_text, says_something, says_why, trimmed
from models.participant import RECRUITER_LEVELS

UNSEEN = list(" \n\t\u00a0\u200b\u200d\u2060\ufeff\u3164\u2800\u2028\u00ad\u202e")

unseen = st.text(st.sampled_from(UNSEEN), max_size=8)


@given(unseen)
def test_what_shows_nothing_is_nothing(blank: str) -> None:
    assert trimmed(blank) == ""
    assert not says_something(blank)


@given(unseen, st.text(st.characters(categories=["L", "N", "P"]), min_size=1), unseen)
def test_what_shows_stays_whole_between_what_does_not(before: str, words: str, after: str) -> None:
    kept = trimmed(before + words + after)
    assert kept in words
    assert {one for one in words if one not in kept} <= {"\u115f", "\u1160", "\u3164", "\uffa0"}


@given(st.text())
def test_nothing_that_shows_is_lost_and_trimming_twice_changes_nothing(words: str) -> None:
    kept = trimmed(words)
    assert kept in words
    assert trimmed(kept) == kept
    assert says_something(words) == says_something(kept)
    first, _, last = words.partition(kept) if kept else (words, "", "")
    assert not any(unicodedata.category(one)[0] in "NPS" and one != "\u2800" for one in first + last)


@pytest.mark.parametrize("reason", ["", " ", ".", "…", "—", "\u2060\u200b", "\u200b.\u200b", "\u3164", "?!", "ʼ", "々"])
def test_a_reason_has_a_letter_or_a_digit(reason: str) -> None:
    with pytest.raises(Refusal) as refused:
        needed_reason(reason)
    assert refused.value.code == "reason.missing"


@pytest.mark.parametrize("reason", ["x", "x.", "xxx", "Aaaa", "1", "12 345", "no", "\u3164", "a b c"])
def test_nobody_goes_straight_to_a_worker_for_an_x(reason: str) -> None:
    assert not says_why(reason)


@pytest.mark.parametrize("reason", ["Non", "Urgent", "Danger ce soir.", "Été 2026", "危险", "خطر"])
def test_one_word_is_a_reason(reason: str) -> None:
    assert says_why(reason)


def test_of_a_recruiter_four_things_are_said_and_none_is_a_full_stop() -> None:
    said = dict.fromkeys(("profile", "involvement", "benefits", "risks"), "Rien de connu.")
    assert risks.checked("recruiter", RECRUITER_LEVELS[0], said) == said
    for name in said:
        with pytest.raises(Refusal):
            risks.checked("recruiter", RECRUITER_LEVELS[0], said | {name: "\u200b."})


def test_what_is_asked_for_in_words_is_missing_without_any() -> None:
    asks = [{"id": "why", "kind": "words", "title": {"fr": "Pourquoi", "en": "Why"}, "required": True}]
    assert filling_in.checked(asks, {"why": "Oui."}) == {"why": "Oui."}
    with pytest.raises(Refusal):
        filling_in.checked(asks, {"why": "."})


@pytest.mark.parametrize("reason", ["É", "2", "Elle reste.", "\u200bOui\u2060", "病"])
def test_a_word_is_one(reason: str) -> None:
    assert needed_reason(reason) == reason.strip("\u200b\u2060")


@pytest.mark.parametrize("letter", ["\x00", "\x1b", "\x85", "\ud800", "\u202e", "\u2066"])
def test_nothing_is_sealed_that_is_no_text_or_turns_a_line_around(letter: str) -> None:
    with Session() as session, pytest.raises(Refusal) as refused:
        seal(session, uuid4(), "finding", {"told": [{"fact": f"Dit{letter} à la rencontre."}]})
    assert refused.value.code == "words.not_text"
    with pytest.raises(Refusal):
        checked(f"Dit{letter} à la rencontre.")


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs", "M"])))
def test_what_people_type_in_any_script_is_text(words: str) -> None:
    assert is_text(f"{words}\r\n\t{words}")
