"""Made-up people, and every usual way to write who they are: drawn from a seed, so that a miss can be seen again."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Final

from domain.names.folding import words_of
from domain.names.known import Someone, parts_of

FOLDER: Final = Path(__file__).resolve().parent

_GIVEN: Final = [
    "Ondine",
    "Rose",
    "Olive",
    "Claire",
    "Noël",
    "Pierre",
    "Marie-Ève",
    "Jean-Noël",
    "Siobhán",
    "Łucja",
    "Ana",
    "Li",
    "Éloïse",
    "Anne-Sophie",
    "Maïka",
    "N’Deye",
    "Zoé",
    "Jade",
    "Océane",
    "Mathéo",
    "Kim",
    "Thuy-Linh",
    "D’Arcy",
    "Aïcha",
    "Grace",
    "Hope",
    "Will",
    "Mark",
    "May",
    "April",
    "Summer",
    "Joy",
    "Romarin",
    "Félix-Antoine",
    "Léa-Rose",
    "Marguerite",
    "Victoire",
    "Aurore",
    "Ambre",
    "Perle",
]
_FAMILY: Final = [
    "Fougère-Lys",
    "Tilleul",
    "O’Brien",
    "D’Amours",
    "St-Onge",
    "L’Heureux",
    "Roy",
    "Côté",
    "Marchand",
    "Saint-Pierre",
    "Bœuf",
    "Nguyễn",
    "Ó|Griffin",
    "de|la|Fontaine",
    "Ben|Salah",
    "McTavish",
    "Van|der|Berg",
    "Desruisseaux",
    "Lapierre",
    "Ouellet-Gagné",
    "Wu",
    "N’Guessan",
    "Petit",
    "Larivière",
    "St-Onge|Ouellet",
    "Dubois-D’Auteuil",
    "King",
    "Young",
    "Ste-Marie",
    "Éthier",
    "Beauséjour-Noël",
]

_MONTHS: Final = (
    ("janvier", "January"),
    ("février", "February"),
    ("mars", "March"),
    ("avril", "April"),
    ("mai", "May"),
    ("juin", "June"),
    ("juillet", "July"),
    ("août", "August"),
    ("septembre", "September"),
    ("octobre", "October"),
    ("novembre", "November"),
    ("décembre", "December"),
)

#: What stands around a name in minutes, letters and files, in both languages.
_AROUND: Final = (
    "Des nouvelles de {} à la prochaine rencontre.",
    "{} a manqué deux rencontres.",
    "On a parlé de {}, qui cherche un logement.",
    "Point 3 – {} (suite)",
    "Le suivi se poursuit avec {} ; retour en mai.",
    "La travailleuse dit que « {} » a rappelé hier.",
    "A call from {} came on Friday.",
    "The team is worried about {}.",
    "{}: housing, school, consent.",
    "News of ({}) and of #2019-02.",
    "\n{}\n",
    "Re\N{NO-BREAK SPACE}: {}",
)


def someone(draw: Random) -> Someone:
    """Somebody who is nobody, with all that is known of a participant."""
    given, family = draw.choice(_GIVEN), draw.choice(_FAMILY).replace("|", " ")
    digits = "".join(str(draw.randrange(10)) for _ in range(4))
    area = draw.choice(("514", "438", "450", "579"))
    mailbox = "".join(word.letters for word in words_of(f"{given} {family}"))
    return Someone(
        given,
        family,
        f"{area} {draw.choice(('555', '276', '803'))}-{digits}",
        f"{mailbox}{draw.randrange(100)}@courriel.example",
        date(2001, 1, 1) + timedelta(days=draw.randrange(13 * 365)),
    )


def writing(who: Someone, draw: Random) -> tuple[str, str]:
    """One way to write who somebody is, in words around it, and what the way is called."""
    manner = draw.choice(tuple(MANNERS))
    written = draw.choice(tuple(MANNERS[manner](who)))
    return manner, draw.choice(_AROUND).format(written)


def _names(who: Someone) -> Iterator[str]:
    given, family = who.given_name, who.family_name
    yield f"{given} {family}"
    yield f"{family}, {given}"
    yield f"{family} {given}"
    yield f"{given} ({family})"
    yield f"{given}  {family}"
    yield f"{given}\N{NO-BREAK SPACE}{family}"
    yield f"{given}_{family}"
    yield f"{given}-{family}"
    yield f"{given} {family}’s"
    yield f"l’amie d’{given} {family}"


def _halves(text: str) -> list[str]:
    """Each half of a double name as people write it."""
    return [text, *text.replace("-", " ").split()] if parts_of(text)[1:] else [text]


def _length(half: str) -> int:
    return sum(len(word.letters) for word in words_of(half))


def _each_half(who: Someone) -> Iterator[str]:
    for given in _halves(who.given_name):
        for family in _halves(who.family_name):
            is_whole = (given, family) == (who.given_name, who.family_name)
            if is_whole or (_length(family) > 3 and _length(given) > 1):  # "de" and "St" tell nobody
                yield f"{given} {family}"
                yield f"{family}, {given}"


def _initials(who: Someone) -> Iterator[str]:
    letters = [word.letters[0].upper() for word in words_of(who.given_name)]
    family = who.family_name
    yield f"{letters[0]}. {family}"
    yield f"{letters[0]}.{family}"
    yield f"{family}, {letters[0]}."
    yield f"{'.-'.join(letters)}. {family}"
    yield f"{''.join(letters)} {family}"
    yield f"{letters[0].lower()}. {family.lower()}"


def _split(who: Someone) -> Iterator[str]:
    given, family = who.given_name, who.family_name
    yield f"{given}\n{family}"
    yield f"{given} \n  {family}"
    yield f"{given} {family[:2]}-\n{family[2:]}"
    yield f"{given[:2]}\N{SOFT HYPHEN}{given[2:]} {family}"


def _alone(who: Someone) -> Iterator[str]:
    yield who.given_name
    yield who.given_name.upper()
    yield f"{who.given_name} (la jeune)"
    if len(who.given_name) > 2:  # "li" in small letters is a word of another word
        yield who.given_name.lower()


def _telephone(who: Someone) -> Iterator[str]:
    area, first, last = who.phone[:3], who.phone[4:7], who.phone[8:]
    yield f"{area} {first}-{last}"
    yield f"({area}) {first}-{last}"
    yield f"{area}.{first}.{last}"
    yield f"+1 {area} {first} {last}"
    yield f"1-{area}-{first}-{last}"
    yield f"{area}{first}{last}"
    yield f"{first}-{last}"
    yield f"{first} {last}"
    yield f"({area}){first}{last}"
    yield f"{area} {first[:1]}{first[1:]} {last[:2]} {last[2:]}"
    yield f"{area}\N{NO-BREAK SPACE}{first}\N{NON-BREAKING HYPHEN}{last}"
    yield f"{area} / {first} - {last}, poste 12"
    yield f"{area}-{first}-\n{last}"
    yield "".join(chr(ord(one) + 0xFEE0) if one.isdigit() else one for one in f"{area} {first}-{last}")


def _mail(who: Someone) -> Iterator[str]:
    local, domain = who.email.split("@")
    yield who.email
    yield who.email.upper()
    yield f"{local.title()}@{domain.title()}"
    yield f"{local}+suivi@{domain}"
    yield f"{local}+2026.Spheres@{domain.upper()}"
    yield f"<mailto:{who.email}>"
    yield f"{local} @ {domain}"
    yield f"{local} (at) {domain.replace('.', ' (dot) ')}"
    yield f"{local} arobase {domain.replace('.', ' point ')}"


def _born(who: Someone) -> Iterator[str]:
    day = who.birth_date
    assert day is not None
    french, english = _MONTHS[day.month - 1]
    first = "1er" if day.day == 1 else str(day.day)
    end = {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10 if day.day not in (11, 12, 13) else 0, "th")
    yield day.isoformat()
    yield f"{day:%d/%m/%Y}"
    yield f"{day.day}/{day.month}/{day.year}"
    yield f"{day:%m/%d/%Y}"
    yield f"{day:%d-%m-%y}"
    yield f"{day:%d.%m.%Y}"
    yield f"{day:%Y/%m/%d}"
    yield f"{day:%Y%m%d}"
    yield f"{day:%d %m %Y}"
    yield f"{first} {french} {day.year}"
    yield f"né(e) le {first} {french} {day.year}"
    yield f"{first} {french.upper()} {day.year}"
    yield f"{day.day}-{french[:4]}-{day.year}"
    yield f"{first} {french} ’{day:%y}"
    yield f"{english} {day.day}, {day.year}"
    yield f"{english} {day.day}{end}, {day.year}"
    yield f"{english[:3]}. {day.day} {day.year}"
    yield f"{day.day} {english} {day.year}"
    yield f"the {day.day}{end} of {english}, {day.year}"
    yield f"{day.day}-{english[:3]}-{day.year}"


def _plain(who: Someone) -> Iterator[str]:
    for written in (*_names(who), *_initials(who)):
        decomposed = unicodedata.normalize("NFD", written)
        yield "".join(letter for letter in decomposed if not unicodedata.combining(letter))
        yield decomposed


def _in_case(change: Callable[[str], str]) -> Callable[[Someone], Iterator[str]]:
    return lambda who: (change(written) for written in (*_names(who), *_each_half(who)))


def _in_a_file(who: Someone) -> Iterator[str]:
    given, family = (text.replace(" ", "_") for text in (who.given_name, who.family_name))
    yield f"suivi_{given}_{family}.pdf"
    yield f"{family}-{given}-2026-11.docx"
    yield f"notes{given}{family}.xlsx"
    yield f"2026-11 {who.given_name} {who.family_name} (v2).pdf"


MANNERS: Final[dict[str, Callable[[Someone], Iterator[str]]]] = {
    "whole": _names,
    "each half": _each_half,
    "initials": _initials,
    "split": _split,
    "given name alone": _alone,
    "in capitals": _in_case(str.upper),
    "in small letters": _in_case(str.lower),
    "without accents": _plain,
    "a file's name": _in_a_file,
    "telephone": _telephone,
    "e-mail": _mail,
    "birth date": _born,
}


def ordinary(language: str) -> list[str]:
    """Sentences of minutes that name no participant."""
    return (FOLDER / f"ordinary_{language}.txt").read_text(encoding="utf-8").splitlines()
