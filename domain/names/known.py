"""What is looked for: what is known of a person, in every usual spelling, and how sure a match is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import product
from typing import Final

from domain.names import contacts
from domain.names.contacts import LOCAL, WHOLE, bare_address
from domain.names.folding import TextWord, words_of
from domain.names.lexicon import given_names, ordinary_words, titles

#: From so many letters on, a name of several words is found inside a longer word too (a file name, an address).
LONG_ENOUGH: Final = 8
#: A name of at most this many letters counts alone only with a capital.
_VERY_SHORT: Final = 2
#: A name alone of at most this many letters means too many to be sure.
_SHORT: Final = 3

#: A particle belongs to the word behind it: the half of "St-Onge D’Amours" is "D’Amours", and no "D".
_LEADING: Final = frozenset(
    word
    for line in (
        "a ab abu al ap ben bin da das de degli del della den der des di do dos du d el fitz ibn l la las le les lo",
        "los mac mc o of san santa st ste saint sainte te ten ter van vander von y zu",
    )
    for word in line.split()
)
_SAINTS: Final = {"st": "saint", "ste": "sainte", "saint": "st", "sainte": "ste"}


@dataclass(frozen=True)
class Someone:
    """A person who may only be called by a number: each way in which their file says who they are."""

    given_name: str = ""
    family_name: str = ""
    phone: str = ""
    email: str = ""
    birth_date: date | None = None


@dataclass(frozen=True)
class Name:
    """A name as its letters alone, and what finding them means.

    A short one counts only as whole words: Rose is no part of "proposer". What is not `sure` may mean another person,
    or be a word of the language: the coordinator is asked.
    """

    letters: str
    inside: bool = False  # it counts inside one longer word as well
    joined: bool = False  # it was put together from words, and is too short to be told where nothing parts them
    sure: bool = True
    alone: bool = False  # half of an identity
    is_family: bool = False
    capital: bool = False  # it counts with a capital alone


@dataclass(frozen=True)
class Initials:
    """A family name that counts behind initials, or before them: "O. Fougère", "Fougère-Lys, O."."""

    family: str
    initials: frozenset[str]


def names_of(known: Someone | str) -> Iterator[Name]:
    """The names to look for. A text is a whole name, in every order of its words."""
    if isinstance(known, str):
        yield from _turned(known)
        return
    yield from _whole(known)
    given, family = parts_of(known.given_name), parts_of(known.family_name)
    for half in dict.fromkeys([*_joined(given), *_without_particles(known.given_name)]):
        yield _alone(half, sure=True)
    for half in dict.fromkeys([*_joined(family), *_without_particles(known.family_name)]):
        yield replace(_alone(half, sure=False), is_family=True)


def initials_of(known: Someone | str) -> Iterator[Initials]:
    """The initials of the given names that identify the person beside each half of the family name."""
    if isinstance(known, str):
        return
    given = [word.letters for word in words_of(known.given_name)]
    if not given:
        return
    letters = frozenset({given[0][0], "".join(word[0] for word in given)})
    for family in dict.fromkeys([*_joined(parts_of(known.family_name)), *_without_particles(known.family_name)]):
        if len(family) > 1:
            yield Initials(family, letters)


def is_title(initials: str) -> bool:
    """Whether initials also stand before a professional's name: "M. Roy", "Me Roy"."""
    return initials in titles()


def phones_of(known: Someone | str) -> frozenset[str]:
    """The figures of each telephone in the line, at most ten; an extension is none, and too few identify no one."""
    found = contacts.figures(known.phone, LOCAL) if isinstance(known, Someone) else ()
    return frozenset(phone for run in found for phone in _telephones(run.what))


def _telephones(figures: str) -> Iterator[str]:
    """The telephones in a run of figures: one with what is dialled before or behind it, or several."""
    yield figures[-WHOLE:]
    while len(figures) >= WHOLE:
        figures = figures.removeprefix("1") if len(figures) > WHOLE else figures
        yield figures[:WHOLE]
        figures = figures[WHOLE:]


def emails_of(known: Someone | str) -> frozenset[str]:
    """Each e-mail address in the line, in the form that is compared."""
    if not isinstance(known, Someone) or "@" not in known.email:
        return frozenset()
    return frozenset({bare_address(known.email), *(found.what for found in contacts.addresses(known.email))})


def parts_of(name: str) -> list[str]:
    """The halves of a name, each with its particle: "St-Onge D’Amours" has two, "de la Fontaine" one."""
    parts, before = [], ""
    for word in words_of(name):
        if word.letters in _LEADING:
            before += word.letters
        else:
            parts.append(before + word.letters)
            before = ""
    return [*parts, before] if before else parts


def _whole(known: Someone) -> Iterator[Name]:
    """Each given name with each family name, in either order, and with all of them."""
    given = _every(known.given_name)
    family = _every(known.family_name)
    if not family or not given:
        for letters in dict.fromkeys([*given, *family]):
            yield _alone(letters, sure=True)
        return
    for one, other in product(given, family):
        for letters in (one + other, other + one):
            is_long = len(letters) >= LONG_ENOUGH
            yield Name(letters, inside=is_long, joined=not is_long)


def _every(name: str) -> list[str]:
    """A name whole, each half of it, and each half without its particle; with `St` as `Saint` too."""
    words = [word.letters for word in words_of(name)]
    spelled = [words, [_SAINTS.get(word, word) for word in words]]
    found = ["".join(one) for one in spelled]
    for one in spelled:
        found += parts_of(" ".join(one))
    return [letters for letters in dict.fromkeys([*found, *_without_particles(name)]) if letters]


def _joined(parts: Sequence[str]) -> list[str]:
    return [*parts, "".join(parts)] if len(parts) > 1 else list(parts)


def _without_particles(name: str) -> list[str]:
    """The words of a name that identify by themselves: the Fontaine of "de la Fontaine"."""
    words = [word.letters for word in words_of(name)]
    return [word for word in words if word not in _LEADING and len(word) > _SHORT] if len(words) > 1 else []


def _alone(letters: str, *, sure: bool) -> Name:
    is_common = letters in ordinary_words() or letters in given_names()
    return Name(
        letters, sure=sure and not is_common and len(letters) > _SHORT, alone=True, capital=len(letters) <= _VERY_SHORT
    )


def _turned(known: str) -> Iterator[Name]:
    """A whole name in every order of its halves: "Ana Roy" is "Roy, Ana" too."""
    words = [word.letters for word in words_of(known)]
    is_long = sum(len(word) for word in words if word.isalpha()) >= LONG_ENOUGH
    for cut in range(len(words)):
        letters = "".join(words[cut:] + words[:cut])
        yield Name(letters, inside=len(words) > 1 and is_long, joined=False)


def is_another_name(word: TextWord) -> bool:
    """Whether a word beside a name makes it another person's: "Rose" of "Rose Bouchard" is no Rose Tilleul."""
    return (
        word.is_capitalized
        and word.letters.isalpha()
        and len(word.letters) > 1
        and (word.letters not in ordinary_words())
    )
