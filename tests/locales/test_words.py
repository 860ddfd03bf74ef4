"""What the program says in each language: sentences, days, hours, counts and delays."""

from datetime import UTC, date, datetime, time
from types import SimpleNamespace

import pytest

import locales
from locales import (
    Counted,
    pick,
    say,
    say_n,
    show_clock,
    show_day,
    show_delay,
    show_length,
    show_list,
    show_moment,
    show_number,
    show_share,
    show_since,
    speaking,
    typeset,
)

FIRST = date(2026, 12, 1)


def test_the_first_of_a_month_is_an_ordinal_in_french_alone() -> None:
    assert show_day("fr", FIRST) == "1er décembre 2026"
    assert show_day("fr", date(2026, 12, 11)) == "11 décembre 2026"
    assert show_day("fr", date(2026, 12, 21), "full") == "lundi 21 décembre 2026"
    assert show_day("en", FIRST) == "December 1, 2026"


@pytest.mark.parametrize(
    ("style", "french", "english"),
    [
        ("full", "mardi 1er décembre 2026", "Tuesday, December 1, 2026"),
        ("medium", "1er déc. 2026", "Dec 1, 2026"),
        ("short", "2026-12-01", "2026-12-01"),
        ("weekday", "mar. 1er déc.", "Tue, Dec 1"),
        ("month", "décembre 2026", "December 2026"),
    ],
)
def test_a_day_is_written_as_short_as_its_place_wants(style: locales.DayStyle, french: str, english: str) -> None:
    assert (show_day("fr", FIRST, style), show_day("en", FIRST, style)) == (french, english)


@pytest.mark.parametrize(
    ("hour", "french", "english"),
    [
        (time(13, 30), "13 h 30", "1:30 p.m."),
        (time(9, 30), "9 h 30", "9:30 a.m."),
        (time(14), "14 h", "2:00 p.m."),
        (time(9, 5), "9 h 05", "9:05 a.m."),
        (time(0), "0 h", "12:00 a.m."),
        (time(10), "10 h", "10:00 a.m."),
    ],
)
def test_an_hour_is_written_as_in_quebec_and_as_in_english_canada(hour: time, french: str, english: str) -> None:
    assert (show_clock("fr", hour), show_clock("en", hour)) == (french.replace(" ", "\N{NO-BREAK SPACE}"), english)


@pytest.mark.parametrize(
    ("minutes", "french", "english"),
    [
        (1, "1 minute", "1 minute"),
        (45, "45 minutes", "45 minutes"),
        (60, "1 h", "1 h"),
        (150, "2 h 30 min", "2 h 30 min"),
        (65, "1 h 5 min", "1 h 5 min"),
    ],
)
def test_a_length_is_told_in_hours_once_it_has_any(minutes: int, french: str, english: str) -> None:
    tied = {"fr": show_length("fr", minutes), "en": show_length("en", minutes)}
    assert {lang: said.replace("\N{NO-BREAK SPACE}", " ") for lang, said in tied.items()} == {
        "fr": french,
        "en": english,
    }


_ONE = "1er novembre 2026 à 1\N{NO-BREAK SPACE}h\N{NO-BREAK SPACE}30"


def test_a_moment_is_shown_in_the_programs_zone_on_both_sides_of_the_clock_change() -> None:
    assert show_moment("fr", datetime(2026, 11, 1, 5, 30, tzinfo=UTC)) == _ONE
    assert show_moment("fr", datetime(2026, 11, 1, 6, 30, tzinfo=UTC)) == _ONE
    assert show_moment("en", datetime(2026, 12, 2, 3, 0, tzinfo=UTC)) == "December 1, 2026 at 10:00 p.m."


def test_a_moment_without_a_zone_is_refused_rather_than_guessed() -> None:
    naive = datetime(2026, 12, 1, 12, 0)  # noqa: DTZ001 - the point of the test
    for show in (show_moment, show_clock):
        with pytest.raises(ValueError, match="zone"):
            show("fr", naive)
    with pytest.raises(ValueError, match="zone"):
        show_day("fr", datetime(2026, 12, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("days", "working", "french", "english"),
    [
        (0, False, "aujourd’hui", "today"),
        (1, True, "dans 1 jour ouvrable", "in 1 working day"),
        (3, True, "dans 3 jours ouvrables", "in 3 working days"),
        (12, False, "dans 12 jours", "in 12 days"),
        (-1, False, "en retard de 1 jour", "1 day late"),
        (-2, False, "en retard de 2 jours", "2 days late"),
        (-5, True, "en retard de 5 jours ouvrables", "5 working days late"),
    ],
)
def test_a_delay_says_how_far_and_which_days_were_counted(days: int, working: bool, french: str, english: str) -> None:
    assert show_delay("fr", days, working=working) == french
    assert show_delay("en", days, working=working) == english


def test_none_is_one_in_french_and_many_in_english() -> None:
    said = [say_n(lang, "in %(n)s day", "in %(n)s days", n) for lang in ("fr", "en") for n in (0, 1, 2)]
    assert said == ["dans 0 jour", "dans 1 jour", "dans 2 jours", "in 0 days", "in 1 day", "in 2 days"]


def test_a_sentence_may_count_two_things_each_in_its_own_form() -> None:
    said = {
        lang: [say(lang, "%(a)s|%(b)s", a=Counted("%(n)s day late", "%(n)s days late", n), b=n) for n in (0, 1, 2)]
        for lang in ("fr", "en")
    }
    assert said["en"] == ["0 days late|0", "1 day late|1", "2 days late|2"]
    assert said["fr"] == ["en retard de 0 jour|0", "en retard de 1 jour|1", "en retard de 2 jours|2"]


def test_the_facts_of_a_sentence_are_written_in_its_language() -> None:
    facts = {
        "day": FIRST,
        "iso": "2026-12-01",
        "title": {"fr": "Présenter le programme", "en": "Introduce the program"},
        "role": SimpleNamespace(fr="coordination", en="coordinator"),
        "share": 0.5,
        "line": 1234,
    }
    pattern = "%(day)s|%(iso)s|%(title)s|%(role)s|%(share)s|%(line)d"
    french = "1er décembre 2026|1er décembre 2026|Présenter le programme|coordination|0,5|1234"
    english = "December 1, 2026|December 1, 2026|Introduce the program|coordinator|0.5|1234"
    assert say("fr", pattern, **facts) == french
    assert say("en", pattern, **facts) == english


def test_a_fact_that_only_looks_like_a_day_is_left_as_it_stands() -> None:
    assert say("fr", "%(x)s", x="2026-02-30") == "2026-02-30"


def test_a_declared_text_is_picked_by_language_and_an_unknown_language_is_a_mistake() -> None:
    text = {"fr": "entente", "en": "agreement"}
    assert (pick("fr", text), pick("en", text)) == ("entente", "agreement")
    for wrong in ("de", "", "fr_CA"):
        with pytest.raises(ValueError, match="fr and en"):
            pick(wrong, text)
        with pytest.raises(ValueError, match="fr and en"), speaking(wrong):
            pass


def test_the_language_of_a_letter_does_not_leak_into_the_next() -> None:
    with speaking("en"):
        with speaking("fr"):
            assert locales.gettext("today") == "aujourd’hui"
        assert locales.gettext("today") == "today"
    assert locales.current_language() == "fr"


def test_counts_shares_lists_and_ages_follow_the_language() -> None:
    assert show_number("fr", 12345.6) == "12\N{NO-BREAK SPACE}345,6"
    assert show_number("en", 12345.6) == "12,345.6"
    assert show_share("fr", 1, 2) == "50\N{NO-BREAK SPACE}%"
    assert show_share("en", 1, 2) == "50%"
    assert show_share("en", 0, 0) == "–"
    assert show_list("fr", ["a", "b", "c"]) == "a, b et c"
    noon, earlier = datetime(2026, 12, 1, 12, 0, tzinfo=UTC), datetime(2026, 12, 1, 11, 55, tzinfo=UTC)
    assert show_since("fr", earlier, noon) == "il y a 5 minutes"
    assert show_since("en", earlier, noon) == "5 minutes ago"


def test_french_double_punctuation_stays_with_its_word() -> None:
    assert typeset("fr", "Qui : « elle » ?") == "Qui\xa0: «\xa0elle\xa0»\xa0?"
    assert typeset("fr", "à la page « Accès », puis « Courrier sortant ».") == (
        "à la page «\xa0Accès\xa0», puis «\xa0Courrier sortant\xa0»."
    )
    assert typeset("fr", "12:30 http://x :smile") == "12:30 http://x :smile"
    assert typeset("en", "Who : « she » ?") == "Who : « she » ?"


def test_a_declared_text_is_set_as_the_words_of_the_interface_are() -> None:
    text = {"fr": "Planification : la suite", "en": "Planning: what comes next"}
    assert (pick("fr", text), pick("en", text)) == ("Planification\xa0: la suite", "Planning: what comes next")
