"""What documents say is data: it survives being kept, and holds nothing that a page could not show."""

import json
import time
from dataclasses import FrozenInstanceError, replace
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.kernel.refusals import Refusal
from meetings.documents.content import (
    AgendaContent,
    Both,
    Content,
    as_json,
    from_json,
    plain,
    refuse_untranslated,
    untranslated,
)
from tests.meetings.documents.samples import AGENDA, ALL, HEAD, ITEMS, MINUTES, REGISTER


@pytest.mark.parametrize("content", ALL.values(), ids=ALL.keys())
def test_what_a_document_says_comes_back_from_the_row_in_which_it_was_kept(content: Content) -> None:
    assert from_json(json.loads(json.dumps(as_json(content)))) == content


def test_what_went_out_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        AGENDA.items[0].title.fr = "autre"  # type: ignore[misc] # the point of the test


def test_what_was_kept_is_read_strictly() -> None:
    with pytest.raises(ValidationError):
        from_json({**as_json(AGENDA), "participant": "x"})
    with pytest.raises(ValidationError):
        from_json({**as_json(AGENDA), "kind": "letter"})


def test_two_items_cannot_have_one_number() -> None:
    with pytest.raises(ValidationError, match="one number"):
        replace(AGENDA, items=(ITEMS[0], ITEMS[0]))


def test_two_decisions_cannot_have_one_number_wherever_they_were_taken() -> None:
    with pytest.raises(ValidationError, match="one number"):
        replace(MINUTES, decisions=MINUTES.items[1].decisions)
    with pytest.raises(ValidationError, match="one number"):
        replace(REGISTER, decisions=REGISTER.decisions[:1] * 2)


def test_minutes_are_approved_on_a_day() -> None:
    with pytest.raises(ValidationError):
        replace(MINUTES, state="approved")
    with pytest.raises(ValidationError):
        replace(MINUTES, approved_on=date(2026, 12, 9))


@pytest.mark.parametrize("number", ["", "a", "1.", ".1", "#1", "1 2", "0001"])
def test_an_item_is_numbered_by_figures_and_points(number: str) -> None:
    with pytest.raises(ValidationError):
        replace(ITEMS[0], number=number)


def test_a_meeting_on_the_night_of_the_change_ends_when_the_clocks_say() -> None:
    night = replace(HEAD, starts=datetime(2026, 11, 1, 0, 30), minutes=120)
    assert (night.ends.hour, night.ends.minute) == (1, 30)  # two hours later, after 1:30 had been once already
    spring = replace(HEAD, starts=datetime(2027, 3, 14, 1, 30), minutes=60)
    assert (spring.ends.hour, spring.ends.minute) == (3, 30)


def test_a_meeting_is_in_a_zone_that_there_is() -> None:
    with pytest.raises(ValidationError):
        replace(HEAD, time_zone="America/Hochelaga")


def test_what_hides_or_turns_letters_is_taken_out_and_lines_stay() -> None:
    turned = "#\N{RIGHT-TO-LEFT OVERRIDE}20-9102\N{POP DIRECTIONAL FORMATTING}"
    assert plain(turned) == "#20-9102"
    assert plain("a\x00b\x07\tc\N{SOFT HYPHEN}d\N{ZERO WIDTH SPACE}e\ud800\uffff") == "a b  cde"
    assert plain("un\r\ndeux\r\n \n\n\ntrois\N{LINE SEPARATOR}quatre ") == "un\ndeux\n\ntrois\nquatre"
    assert plain("e\N{COMBINING ACUTE ACCENT}") == "é"


@given(st.text())
def test_what_was_made_plain_is_plain(text: str) -> None:
    once = plain(text)
    assert plain(once) == once
    once.encode()


@pytest.mark.parametrize("run", [" ", "\n", " \n", "\n ", "\u00a0", "\t", "\r", "a "])
def test_a_very_long_run_of_blanks_is_gone_through_once(run: str) -> None:
    begun = time.process_time()
    assert plain(f"un{run * 50_000}deux").startswith("un")
    assert time.process_time() - begun < 1


def test_a_missing_translation_is_named_by_its_place_and_stops_that_language_alone() -> None:
    gap = replace(AGENDA, items=(ITEMS[0], replace(ITEMS[2], title=Both(fr="#2019-02"))))
    assert untranslated(gap, "fr") == ()
    assert untranslated(gap, "en") == ("items.3.title",)
    refuse_untranslated(gap, "fr")
    with pytest.raises(Refusal) as refused:
        refuse_untranslated(gap, "en")
    assert (refused.value.code, refused.value.facts) == ("document.untranslated", {"n": 1, "where": "items.3.title"})


def test_nothing_to_say_is_no_gap() -> None:
    assert untranslated(AgendaContent(head=HEAD, items=()), "en") == ()
    assert not Both()
