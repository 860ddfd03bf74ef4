"""What leaves is searched for everyone on file, in every usual writing; a word that is also a name is asked about."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from random import Random

import pytest
from openpyxl import Workbook
from pypdf import PdfReader, PdfWriter

from domain.mail.name_gate import NameGate
from domain.names.known import Someone
from meetings.documents.pdf import as_pdf
from tests.domain.names.writings import ordinary, someone, writing
from tests.meetings.documents.samples import MINUTES

ONDINE = Someone("Ondine", "Fougère-Lys", "514 555-0144", "ondine@courriel.example", date(2010, 5, 4))
WRITINGS = 5_000
#: As the promise says: of a thousand writings one may pass.
MAY_PASS = WRITINGS // 1_000


def looked(who: Someone, text: str | bytes, *others: str) -> str:
    """What becomes of a text: stopped, asked about, or let through."""
    hits = NameGate.of([who], others).hits(text)
    return "stopped" if any(hit.sure for hit in hits) else "asked" if hits else "passes"


@pytest.mark.ci
def test_of_5000_writings_of_people_on_file_999_in_1000_are_stopped() -> None:
    draw = Random(15)  # noqa: S311 - a seed, so that a miss is seen again
    people = [someone(draw) for _ in range(150)]
    gates = {who: NameGate.of([who]) for who in people}
    missed = []
    for _ in range(WRITINGS):
        who = draw.choice(people)
        manner, text = writing(who, draw)
        if not gates[who].hits(text):
            missed.append((manner, who.given_name, who.family_name, text))
    assert len(missed) <= MAY_PASS, missed[:20]


def test_each_manner_of_writing_is_stopped() -> None:
    draw = Random(4)  # noqa: S311 - a seed, so that a miss is seen again
    people = [someone(draw) for _ in range(40)]
    gates = {who: NameGate.of([who]) for who in people}
    missed = [text for who in people for _ in range(6) if not gates[who].hits(text := writing(who, draw)[1])]
    assert missed == []


@pytest.mark.ci
@pytest.mark.parametrize("language", ["fr", "en"])
def test_ordinary_sentences_are_not_refused_whoever_is_on_file(language: str) -> None:
    """At most 1 false stop in 500: with 150 people on file, Rose, Claire, Olive, Noël and Pierre among them."""
    draw = Random(15)  # noqa: S311 - a seed, so that a miss is seen again
    gate = NameGate.of([someone(draw) for _ in range(150)])
    sentences = ordinary(language)
    refused = [text for text in sentences if gate.stops(text)]
    assert len(refused) <= len(sentences) / 500, refused
    asked = [text for text in sentences if gate.hits(text)]
    assert asked, "a common word that is also a name is asked about"
    assert len(asked) <= len(sentences) / 8, "and such words are not everywhere"


@pytest.mark.parametrize(
    "text", ["On remet une rose à chacune.", "Rose ou bleu, le bracelet est gratuit.", "ROSE", "Rose n’est pas venue."]
)
def test_a_common_word_that_is_also_a_name_is_asked_about(text: str) -> None:
    assert looked(Someone("Rose", "Tilleul"), text) == "asked"


@pytest.mark.parametrize("text", ["Rose Tilleul", "Tilleul, rose-", "R. Tilleul", "TILLEUL Rose", "roseTilleul.pdf"])
def test_with_the_family_name_it_is_stopped(text: str) -> None:
    assert looked(Someone("Rose", "Tilleul"), f"Au sujet de {text}") == "stopped"


def test_two_words_that_make_a_whole_name_are_asked_about_in_small_letters() -> None:
    assert looked(Someone("Rose", "Tilleul"), "rose tilleul") == "asked"
    assert looked(Someone("Claire", "Fontaine"), "une claire fontaine") == "asked"


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("Ondine a rappelé.", "stopped"),
        ("ondine a rappelé.", "stopped"),
        ("Ondine Bouchard, du CAVAC, a rappelé.", "asked"),
        ("O. Fougère", "stopped"),
        ("O Fougère", "asked"),
        ("Fougère-Lys, O.", "stopped"),
        ("la petite Fougère", "asked"),
        ("Mme Lys", "asked"),
        ("une fougère et un lys", "asked"),
        ("Ondine Lys", "stopped"),
        ("On dine à midi.", "passes"),
        ("Undine", "passes"),
    ],
)
def test_each_half_of_a_name_counts(text: str, becomes: str) -> None:
    assert looked(ONDINE, text) == becomes


@pytest.mark.parametrize(("given", "text"), [("Marie", "M. Roy"), ("Marie-Ève", "Me Roy"), ("Denis-René", "Dr Roy")])
def test_a_title_is_no_initial_for_sure(given: str, text: str) -> None:
    assert looked(Someone(given, "Roy"), f"On invite {text} en mai.") != "stopped"


def test_a_letter_left_out_is_no_initial() -> None:
    assert looked(Someone("Danièle", "Amours"), "L’avis d’Amours Boutique") != "stopped"
    assert looked(Someone("Ana", "Roy"), "On demande à Roy de venir.") == "asked"


def test_a_name_that_staff_bears_is_asked_about_alone_and_not_in_their_whole_name() -> None:
    assert looked(ONDINE, "Ondine Saphir préside.", "Ondine Saphir") == "passes"
    assert looked(ONDINE, "Ondine préside.", "Ondine Saphir") == "asked"
    assert looked(Someone("Vincent", "Ouellet"), "La Fondation Marie-Vincent", "Fondation Marie-Vincent") == "passes"


def test_the_telephone_of_another_area_is_another_ones() -> None:
    assert looked(ONDINE, "438 555-0144") == "passes"
    assert looked(ONDINE, "(438) 555-0144") == "passes"
    assert looked(ONDINE, "555-0144") == "stopped"
    assert looked(ONDINE, "555-01441") == "passes"
    assert looked(ONDINE, "2026-12-07 514 555 0144, poste 3") == "stopped"
    assert looked(ONDINE, "Au 514 555-0144", "514-555-0144") == "passes", "staff are reached there"


def test_another_day_is_no_birth_date() -> None:
    assert looked(ONDINE, "Le 4 mai 2027, à 13 h 30") == "passes"
    assert looked(ONDINE, "Le 4 mai, à 13 h 30") == "passes"
    assert looked(ONDINE, "née le 4 mai") == "asked"
    assert looked(ONDINE, "her birthday is on May 4th") == "asked"
    assert looked(ONDINE, "5/4/2010") == looked(ONDINE, "4/5/2010") == "stopped", "either way of writing a day"


def test_a_name_in_a_hidden_sheet_a_sheet_s_name_or_a_comment_is_found() -> None:
    for taint in ("hidden", "sheet", "property"):
        book = Workbook()
        book.active["A1"] = "Suivi"  # type: ignore[index]
        if taint == "hidden":
            sheet = book.create_sheet("Liste")
            sheet["B7"] = "Ondine"
            sheet["C7"] = "Fougère-Lys"
            sheet.sheet_state = "veryHidden"
        elif taint == "sheet":
            book.create_sheet("Fougère-Lys O.")
        else:
            book.properties.title = "ONDINE FOUGÈRE"
        file = BytesIO()
        book.save(file)
        assert looked(ONDINE, file.getvalue()) == "stopped", taint


@pytest.mark.parametrize("said", ["Née le 4 mai 2010", "Tél. (514) 555-0144", "ONDINE+2@courriel.example", "O. Lys"])
def test_what_tells_who_it_is_stops_a_pdf_by_its_title(said: str) -> None:
    made = as_pdf(MINUTES, "fr")
    assert looked(ONDINE, made) == "passes"
    writer = PdfWriter(clone_from=PdfReader(BytesIO(made)))
    writer.add_metadata({"/Title": said})
    file = BytesIO()
    writer.write(file)
    assert looked(ONDINE, file.getvalue()) == "stopped"


def test_who_is_asked_sees_what_stands_around_and_nothing_of_another_text() -> None:
    (hit,) = [hit for hit in NameGate.of([ONDINE]).hits("Des nouvelles d’Ondine, par une amie.") if hit.sure]
    assert (hit.words, hit.around) == ("Ondine,", "Des nouvelles d’Ondine, par une amie.")
