"""What was written of somebody, shown without who they are: their names and how to reach them are taken out of it."""

from __future__ import annotations

import unicodedata
from datetime import date
from random import Random
from typing import Final

import pytest

from domain.names.folding import words_of
from domain.names.hiding import LEFT_OUT, hides, takes_out
from domain.names.known import Someone
from domain.names.search import Search
from domain.participants.identity import ParticipantIdentity, without_the_name
from tests.domain.names.writings import ordinary, someone, writing

WHO: Final = ParticipantIdentity(
    "Ondine",
    "Fougère-Lys",
    birth_date=date(2010, 5, 4),
    phone="514 555-0144",
    email="ondine@courriel.example",
    address="12, rue des Épinettes",
    also=(ParticipantIdentity("Romarin", "D’Églantier", phone="438-555-0188 poste 2"),),
)
TELLS: Final = ("ondine", "fouge", "lys", "romarin", "glantier", "0144", "0188", "2010", "pinettes", "courriel")


@pytest.mark.parametrize(
    "written",
    [
        "Ondine Fougère-Lys dort dehors.",
        "FOUGERE LYS, Ondine : dort dehors.",
        "ondine’s mother says: dort dehors",
        "L’amie d’Ondine dort dehors; OndineFougère aussi.",
        unicodedata.normalize("NFD", "Fougère dort dehors."),
        "On\u200bdine dort dehors.",
        "Romarin d’Églantier, dite Ondine, dort dehors.",
        "Au (514) 555.0144 ou 555-0144, +1 514 555 0144: dort dehors.",
        "438 555 0188: dort dehors.",
        "Écrire à ONDINE@courriel.example, elle dort dehors.",
        "Au 12 rue des epinettes; dort dehors.",
        "Née le 4 mai 2010 (May 4, 2010; 2010-05-04; 04/05/2010), dort dehors.",
    ],
)
def test_no_writing_of_the_names_or_of_how_to_reach_them_is_left(written: str) -> None:
    shown = without_the_name(WHO)(written)
    folded = "".join(
        sign for sign in unicodedata.normalize("NFKD", shown.casefold()) if not unicodedata.combining(sign)
    )
    assert "dort dehors" in shown
    assert [word for word in TELLS if word in folded] == []


def test_what_names_nobody_stays_as_it_was_written() -> None:
    said = "Dort chez une amie depuis 3 semaines, au 40 de la rue; 2 fugues en 2025, et un dossier 200-53-001234."
    assert without_the_name(WHO)(said) == said


def test_the_little_words_of_a_name_stay_in_a_sentence() -> None:
    shown = without_the_name(ParticipantIdentity("Rose", "De La Rivière"))
    assert shown("Elle parle de la peur de sa mère.") == "Elle parle de la peur de sa mère."
    assert shown("Rose De La Rivière a peur.") == "[…] a peur."


def test_a_blank_stands_for_each_half_of_a_name_and_for_no_other_word() -> None:
    who = ParticipantIdentity("Éloïse-Anne", "D’Amour Roy", also=(ParticipantIdentity("Lili", "Roy"),))
    said = "Eloise va au Royaume avec ANNE ROY, dite lili."
    assert without_the_name(who)(said) == "[…] va au Royaume avec […], dite […]."


#: Words of names that are words of every sentence, or an article in front of one.
SMALL: Final = frozenset({"d", "de", "l", "la", "du", "der", "van", "st", "ste", "n", "o", "mc", "ben"})


def _left(who: Someone, shown: str) -> list[str]:
    """What of somebody can still be read: a word of their name, or anything that the search finds."""
    names = {word.letters for word in words_of(f"{who.given_name} {who.family_name}")} - SMALL
    words = [word.letters for word in words_of(shown) if word.letters in names]
    found = [written.found for written in Search.of([who]).numbers_in(shown)]
    return [*words, *(shown[one.at : one.end] for one in found)]


def test_each_manner_of_writing_is_taken_out_and_the_words_around_it_are_left() -> None:
    draw = Random(8)  # noqa: S311 - a seed, so that a miss is seen again
    left = []
    for _ in range(60):
        who = someone(draw)
        shown = hides([who])
        for _ in range(4):
            manner, text = writing(who, draw)
            said = shown(text)
            if LEFT_OUT not in said or _left(who, said):
                left.append((manner, text, said))
    assert left == []


@pytest.mark.ci
def test_of_5000_writings_nothing_is_left_that_says_who_it_is() -> None:
    draw = Random(16)  # noqa: S311 - a seed, so that a miss is seen again
    people = [someone(draw) for _ in range(150)]
    hiding = {who: hides([who]) for who in people}
    left = []
    for _ in range(5_000):
        who = draw.choice(people)
        manner, text = writing(who, draw)
        said = hiding[who](text)
        if LEFT_OUT not in said or _left(who, said):
            left.append((manner, text, said))
    assert left == []


@pytest.mark.parametrize("name", ["Rose", "Olive", "Claire", "Noël"])
def test_a_word_that_is_the_persons_own_name_is_taken_out_in_any_case(name: str) -> None:
    shown = hides([Someone(name, "Tilleul")])
    for written in (name, name.lower(), name.upper(), f"{name[:2]}-\n{name[2:]}"):
        assert shown(f"Le mot {written} est là.") == "Le mot […] est là.", written


@pytest.mark.parametrize(
    "said", ["On remet une rose à chacune.", "À Noël, une salade d’olives.", "La consigne est claire."]
)
def test_the_same_words_stay_where_nobody_of_that_name_is_spoken_of(said: str) -> None:
    assert hides([Someone("Ondine", "Fougère-Lys")])(said) == said


@pytest.mark.ci
@pytest.mark.parametrize("language", ["fr", "en"])
def test_ordinary_sentences_lose_nothing_by_the_small_words_and_beginnings_of_a_name(language: str) -> None:
    people = [Someone("N’Deye", "de la Fontaine"), Someone("Siobhán", "McTavish"), Someone("Li", "Van der Berg")]
    for who in people:
        shown = hides([who])
        changed = [text for text in ordinary(language) if shown(text) != text]
        assert changed == [text for text in changed if "ontaine" in text]


def test_the_small_words_beside_what_is_taken_out_go_with_it() -> None:
    shown = hides([Someone("Rose", "De La Rivière"), Someone("Siobhán", "McTavish")])
    assert shown("La Rivière, Rose ; MME DE LA RIVIERE ; la rivière ; McTavish et McGill") == (
        "[…] ; MME […] ; la […] ; […] et McGill"
    )


@pytest.mark.parametrize(
    "written", ["514 555-0144, poste 22", "514 555-0144 #22", "438 555-0188 / 514 555-0144", "1 514 555-0144"]
)
def test_a_line_of_telephones_is_each_of_them_and_no_extension(written: str) -> None:
    who = Someone("Ondine", "Fougère", written)
    for said in ("Au (514) 555.0144", "555 0144", "438 555-0144"):
        assert "0144" not in hides([who])(said)
    assert list(Search.of([who]).numbers_in("Au 514.555.0144"))


def test_where_somebody_lives_is_taken_out_in_part_as_well() -> None:
    shown = hides([], ["12, rue des Épinettes, app. 4, Laval H7N 1A1"])
    assert shown("Elle vit au 12 rue des epinettes.") == "Elle vit au […]."
    assert shown("Son code : h7n1a1") == "Son code : […]"
    assert shown("Elle vit à Laval, près d’une rue.") == "Elle vit à Laval, près d’une rue."


def test_what_stands_around_keeps_its_own_writing() -> None:
    said = "½ h avec\N{NO-BREAK SPACE}Ondine\N{NO-BREAK SPACE}; ﬁn à 13\N{NARROW NO-BREAK SPACE}h…"
    assert hides([Someone("Ondine")])(said) == said.replace("Ondine", "[…]")


@pytest.mark.parametrize(
    ("typed", "said", "left"),
    [
        ("Ondine Fougère", "Avec ondine   FOUGERE-Lys.", "Avec X-Lys."),
        ("ondine", "OndineFougère, On-\ndine et l’ondine : on dine.", "XFougère, X et l’X : on dine."),
        ("O’Brien", "Grace OBrien, O'BRIEN et Brien", "Grace X et Brien"),
        ("on dine", "On dine à midi ; Ondine aussi.", "X à midi ; X aussi."),
        ("Ro", "Roy et Ro", "Roy et X"),
        ("514 555-0144", "Au (514) 555.0144", "Au (X"),
    ],
)
def test_words_that_are_taken_out_go_however_they_are_written_and_none_is_cut(typed: str, said: str, left: str) -> None:
    assert takes_out([typed])(said, "X") == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Décision 3 : prévenir l’école de Jessica…", "Décision 3 : prévenir l’école de […]…"),
        ("Décision 3 : prévenir Jessica de la…", "Décision 3 : prévenir […]…"),
        ("Décision 3 : prévenir jessica …", "Décision 3 : prévenir […] …"),
        ("Décision 3 : prévenir Jessica.", "Décision 3 : prévenir Jessica."),
        ("Jessica prévient l’école…", "Jessica prévient l’école…"),
    ],
)
def test_what_an_extract_leaves_of_words_where_it_breaks_off_goes_with_them(text: str, left: str) -> None:
    assert takes_out(["Jessica de la Rose"])(text, LEFT_OUT) == left
