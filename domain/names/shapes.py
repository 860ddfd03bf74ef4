"""Points at what has the shape of a name, a telephone, an address or a date of birth, known or not.

Nothing here knows who is on file, nor asks: the same words are pointed at for everyone, so that the writer learns
nothing by it. It is an offer to write the number instead, and no rule: what is meant otherwise is kept as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from domain.names import contacts
from domain.names.folding import fold, words_of
from domain.names.lexicon import borne, works
from domain.names.links import parts_of_links, without_links
from domain.names.name_shapes import names_in
from domain.names.our_names import Ours

Kind = Literal["name", "telephone", "email", "address", "birth_date"]

#: A civic number and a street. A civic number alone, or a street alone, is where no one person lives.
_STREET: Final = re.compile(
    r"(?<!\w)\d{1,5}(?:[- ]?[A-Da-d])?,?\s+(?:(?:rue|avenue|av\.|boulevard|boul\.|blvd|chemin|ch\.|place|rang|montée|"
    r"côte|allée|impasse|terrasse|croissant)\s+(?:de\s+la\s+|de\s+l[’']|des?\s+|du\s+)?\w+|"
    r"[A-ZÀ-Þ][\w’'-]+(?:\s+[A-ZÀ-Þ][\w’'-]+){0,2}\s+(?:Street|St\.?|Avenue|Ave\.?|Road|Rd\.?|Boulevard|Blvd\.?|Drive|"
    r"Crescent|Lane|Place|Court)\b)",
    re.IGNORECASE,
)
#: An apartment shows that a person lives there; without one, or "lives at", the address may be an office.
_HOME: Final = re.compile(
    r"(?:\bapp(?:t|art|artement)?\b\.?|\bapt\b\.?|\bunit\b|#)\s?\d+|\b(?:habite|demeure|vit|loge|réside|domicile|chez\s+elle|"
    r"chez\s+lui|lives|living|stays|staying|resides|home\s+address)\b",
    re.IGNORECASE,
)
#: A street with one of these is where people work or meet.
_OFFICE: Final = re.compile(
    r"\b(?:bureau|local|salle|étage|suite|room|floor|office|porte|siège|head\s+office)\b", re.IGNORECASE
)
_POSTAL_CODE: Final = re.compile(r"\b[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z]\s?\d[ABCEGHJ-NPRSTV-Z]\d\b", re.IGNORECASE)
_TELEPHONE: Final = re.compile(
    r"(?<![\w/-])(?:\+?1[\s.-]{0,2})?\(?[2-9]\d{2}\)?\s{0,2}[\s./\-\u2010-\u2015]?\s{0,2}[2-9]\d{2}"
    r"\s?[\s./\-\u2010-\u2015]?\s?\d{2}[\s./\-]?\d{2}(?![\w-])"
    # In pairs, as in France: of a Quebec area code alone, since other pairs are counts of people.
    r"|(?<![\w/.,-])(?<!\d\d\s)(?:1[\s.\-])?(?=26.3|35.4|36.7|41.8|43.8|45.0|46.8|51.4|57.9|58.1|81.9|87.3)"
    r"\d\d(?P<between>[\s./\-])\d\d(?:(?P=between)\d\d){3}(?![\w-]|\s\d)"
    r"|(?<![\w/.,-])(?<!\d\s)[2-9]\d{2}(?:-\d{4}|\s(?!(?:19|20)\d\d)\d{4})(?![\w-]|\s?[$%])"
)
#: Figures of a bill or a model, right before them.
_OF_A_PAPER: Final = re.compile(
    r"\b(?:facture|invoice|commande|order|contrat|contract|série|serial|modèle|model)\W{0,3}"
    r"(?:(?:n[o°]|numéro|number)\W{0,2})?\Z",
    re.IGNORECASE,
)
#: How old a participant may be at most, and at least: a day in those years may be a birth.
_OLDEST_YEARS: Final = 40
_YOUNGEST_YEARS: Final = 5
#: A day as a program writes it, which leaves nothing open.
_WHOLE_DAY: Final = re.compile(r"(?:19|20)\d\d([-/.])\d\d\1\d\d")
#: A word and what stands in quotation marks behind it.
_WORK: Final = re.compile(r"\b(?P<kind>[^\W\d_]{3,20}),?\s[«“\"][^»”\"]{2,80}[»”\"]")
#: Letters with figures among them, which are drawn at random or say a version.
_WITH_FIGURES: Final = re.compile(r"[^\W_]*\d[^\W_]*")


@dataclass(frozen=True)
class Shape:
    """Words of a text that have a shape, from the first letter to the one after the last."""

    kind: Kind
    at: int
    end: int


def shapes_in(text: str, ours: Ours, *, year: int) -> tuple[Shape, ...]:
    """The words of a text with the shape of something that identifies a person, in their order.

    What is `ours` is no participant's. `year` is the present one: by it a day may be a birth.
    """
    plain = _WORK.sub(_without_title, without_links(text))
    found = [
        *_contacts(plain, ours),
        *_births(plain, year),
        *_homes(plain),
        *(Shape("name", at, end) for at, end in names_in(plain, ours)),
        *_in_links(text, ours),
    ]
    chosen: list[Shape] = []
    for shape in sorted(found, key=lambda one: (one.at, -one.end)):
        if not chosen or shape.at >= chosen[-1].end:
            chosen.append(shape)
    return tuple(chosen)


# ------------------------------------------------------------------------------------------------------- contacts


def _contacts(text: str, ours: Ours) -> Iterator[Shape]:
    for found in _TELEPHONE.finditer(contacts.plain_figures(text)):
        digits = contacts.digits_of(found[0])
        is_of_a_paper = len(digits) == contacts.LOCAL and _OF_A_PAPER.search(text[: found.start()]) is not None
        if digits[-contacts.WHOLE :] not in ours.digits and not is_of_a_paper:
            yield Shape("telephone", found.start(), found.end())
    for address in contacts.addresses(text):
        if address.what not in ours.mailboxes and not _is_of_an_office(address.what):
            yield Shape("email", address.at, address.end)


def _is_of_an_office(address: str) -> bool:
    """Whether an address is one of an organization's office: info@, and the like."""
    return address.partition("@")[0] in {
        "info",
        "contact",
        "admin",
        "accueil",
        "reception",
        "support",
        "bureau",
        "office",
    }


def _births(text: str, year: int) -> Iterator[Shape]:
    years = range(year - _OLDEST_YEARS, year - _YOUNGEST_YEARS + 1)
    found_days = list(contacts.days(text))
    # "2026-11-30 10:00" is a day and an hour, and no 10th of November of the year 30.
    whole = [(one.at, one.end) for one in found_days if _WHOLE_DAY.fullmatch(text, one.at, one.end)]
    for found in found_days:
        if any(at < found.at < end for at, end in whole):
            continue
        if all(day.year in years for day in found.what):
            yield Shape("birth_date", found.at, found.end)
    for birthday in contacts.birthdays(text):
        yield Shape("birth_date", birthday.at, birthday.end)


def homes(address: str) -> Iterator[str]:
    """The streets with their numbers, and the postal codes, of a line that says where a person lives."""
    for pattern in (_STREET, _POSTAL_CODE):
        yield from (found[0] for found in pattern.finditer(address))


def _homes(text: str) -> Iterator[Shape]:
    for found in _STREET.finditer(text):
        line = text[max(0, found.start() - 60) : found.end() + 60]
        if _HOME.search(line):
            yield Shape("address", found.start(), found.end())
    for found in _POSTAL_CODE.finditer(text):
        line = text[max(0, found.start() - 90) : found.end()]
        if _STREET.search(line) and _OFFICE.search(line) and not _HOME.search(line):
            continue
        yield Shape("address", found.start(), found.end())


def _without_title(found: re.Match[str]) -> str:
    """The match, with the title of a film, a book or a song blanked: "le film « Noémie dit oui »"."""
    return (
        found[0] if fold(found["kind"]) not in works() else found["kind"] + "_" * (len(found[0]) - len(found["kind"]))
    )


def _in_links(text: str, ours: Ours) -> Iterator[Shape]:
    """What a link spells out: a given name in a part of it, or a person's contacts in its query."""
    for part in parts_of_links(text):
        said = " ".join(word.written for word in words_of(_WITH_FIGURES.sub(" ", part.said))).title()
        if any(words_of(said[at:end])[0].letters in borne() for at, end in names_in(said, ours)):
            yield Shape("name", part.at, part.end)
        elif part.is_query and not part.said.strip().isdigit():
            yield from (Shape(shape.kind, part.at, part.end) for shape in _contacts(part.said, ours))
