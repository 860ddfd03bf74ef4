"""What was written of somebody, shown without who they are: their names and how to reach them are taken out of it."""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import Final

import pytest

from duties.participants.identity import Identity
from duties.participants.nameless import without_the_name

WHO: Final = Identity(
    "Ondine",
    "Fougère-Lys",
    birth_date=date(2010, 5, 4),
    phone="514 555-0144",
    email="ondine@courriel.example",
    address="12, rue des Épinettes",
    also=(Identity("Romarin", "D’Églantier", phone="438-555-0188 poste 2"),),
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
    shown = without_the_name(Identity("Rose", "De La Rivière"))
    assert shown("Elle parle de la peur de sa mère.") == "Elle parle de la peur de sa mère."
    assert shown("Rose De La Rivière a peur.") == "[…] a peur."
