"""The young people whom a simulated program hears of: who they are, and how somebody writes that down.

Nobody of them exists. Some share a name, a telephone or a home with another, and some are referred by two people.
"""

from __future__ import annotations

import random
import unicodedata
from datetime import date, timedelta
from typing import Any, Final

from domain.participants import GENDERS
from simulation.cast import FAMILY, GIVEN

GIVEN_NAMES: Final = (
    "Alouette", "Bergeronnette", "Bécasseau", "Bruant", "Cardinal", "Chouette", "Colibri", "Cormoran", "Courlis",
    "Cygne", "Épervière", "Faucon", "Fauvette", "Geai", "Goéland", "Grèbe", "Grive", "Harfang", "Hirondelle",
    "Huard", "Jaseur", "Loriot", "Macareux", "Merle", "Mésange", "Moqueur", "Océanite", "Oriole", "Paruline", "Pétrel",
    "Pinson", "Plongeon", "Roitelet", "Sarcelle", "Sittelle", "Sizerin", "Sterne", "Tangara", "Tourterelle", "Viréo",
)  # fmt: skip
_FAMILY: Final = (
    "Alizé", "Andromède", "Antarès", "Aquilon", "Arcturus", "Aurore", "Autan", "Bellatrix", "Bise", "Borée", "Bora",
    "Capella", "Cassiopée", "Céphée", "Cirrus", "Comète", "Cumulus", "Éclipse", "Équinoxe", "Foehn", "Galaxie",
    "Halo", "Mistral", "Mousson", "Nébuleuse", "Norois", "Pléiade", "Pulsar", "Simoun", "Sirius", "Sirocco", "Solstice",
    "Stratus", "Suroît", "Tramontane", "Véga", "Zénith", "Zéphyr",
)  # fmt: skip
_WHY: Final = (
    "Elle demande de l’aide pour s’éloigner d’un réseau.",
    "Il reçoit des cadeaux de personnes qu’il ne nomme pas.",
    "Her phone and her nights are decided by somebody else.",
    "Fugues répétées; une enseignante s’inquiète.",
    "Demande faite par la personne elle-même.",
)
_FACTS: Final = {"AD-C0": "La personne le dit elle-même.", "AD-C3": "Parle de sa santé.", "AD-C5": "Est d’accord."}
#: How old they are, and how many of them: one in thirty is too young or too old for most programs.
_AGES: Final = {
    11: 1,
    12: 2,
    13: 5,
    14: 8,
    15: 11,
    16: 12,
    17: 12,
    18: 8,
    19: 6,
    20: 5,
    21: 4,
    22: 3,
    23: 2,
    24: 1,
    25: 1,
}

Said = dict[str, Any]


def young_person(chance: random.Random, born_before: date) -> Said:
    """Somebody who is to be referred, as whoever knows them well would write it."""
    given, family = chance.choice(GIVEN_NAMES), chance.choice(_FAMILY)
    if chance.random() < 0.1:
        given = f"{given}-{chance.choice(GIVEN_NAMES)}"
    if chance.random() < 0.1:
        family = f"{family}-{chance.choice(_FAMILY)}"
    if chance.random() < 0.03:
        given, family = chance.choice(GIVEN), chance.choice(FAMILY)
    age = chance.choices(list(_AGES), weights=list(_AGES.values()))[0]
    number = chance.randint(1, 400)
    said: Said = {
        "given_name": given,
        "family_name": family,
        "birth_date": (born_before - timedelta(days=age * 365 + age // 4 + chance.randint(1, 364))).isoformat(),
        "phone": f"{chance.choice(('438', '450', '514'))} 555-{number:04}",
        "languages": ["fr"] if chance.random() < 0.7 else ["en"],
        "reasons": chance.choice(_WHY),
        "facts": dict(chance.sample(list(_FACTS.items()), k=chance.randint(0, len(_FACTS)))),
        "recruiter": chance.random() < 0.05,
        "gender": ("", *GENDERS)[number % (len(GENDERS) + 1)],
    }
    if chance.random() < 0.4:
        said["email"] = f"{_plain(given).lower()}{number}@courriel.example"
    if chance.random() < 0.4:
        said |= {"address": f"{number}, rue des Étoiles", "setting": "Foyer de groupe", "legal_care": "Placement"}
    if chance.random() < 0.5:
        said |= {"contact_note": "Pas après 21 h", "first_contact": "Par son enseignante."}
    return said


def age_of(person: Said, today: date) -> int:
    """How old somebody is on a day."""
    born = date.fromisoformat(person["birth_date"])
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def as_written(chance: random.Random, person: Said, today: date) -> Said:
    """How somebody writes it at first: as it is, or without what they do not know, or with a slip."""
    said = dict(person)
    if chance.random() < 0.1:
        said["given_name"], said["family_name"] = _plain(said["given_name"]), _plain(said["family_name"]).upper()
    if chance.random() < 0.12:
        said |= {"birth_date": None, "age": age_of(person, today)}
    slips: list[Said] = [
        {"family_name": ""},
        {"reasons": " "},
        {"phone": "", "email": "", "address": "", "contact_note": ""},
        {"email": "je ne sais pas"},
        {"birth_date": "2099-01-01"},
        {"birth_date": None},
        {"area": "ici"},
    ]
    return said | chance.choice(slips) if chance.random() < 0.12 else said


def _plain(name: str) -> str:
    """A name without its accents."""
    return "".join(one for one in unicodedata.normalize("NFD", name) if not unicodedata.combining(one))
