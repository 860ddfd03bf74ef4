"""Texts as their letters and figures alone, so that a name is found however it is written.

Accents, case, hyphens, apostrophes, blanks, line ends and invisible characters do not count.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

#: The letters that no decomposition gives.
_PLAIN: Final = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ı": "i"})
_WORD: Final = re.compile(r"[^\W\d_]+|\d+")
#: Stands between two texts, so that no name is put together from both: it is no letter and no figure.
WALL: Final = "|"


@dataclass(frozen=True)
class Word:
    """A word of a text: its letters or figures, and whether it was written with a capital, all in capitals, or neither.

    `after` is what stands between it and the next word.
    """

    letters: str
    written: str
    after: str = ""

    @property
    def is_capitalized(self) -> bool:
        """Whether it begins with a capital."""
        return self.written[:1].isupper()


@dataclass(frozen=True)
class Folded:
    """Texts as their letters and figures alone, a wall after each, and at which of them a word begins or ends."""

    words: tuple[Word, ...]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Folded:
        """These texts, each once."""
        wall = Word(WALL, WALL)
        return cls(tuple(word for text in dict.fromkeys(texts) for word in (*words_of(text), wall)))

    @cached_property
    def letters(self) -> str:
        """Every letter and figure, in their order."""
        return "".join(word.letters for word in self.words)

    @cached_property
    def edges(self) -> dict[int, int]:
        """Where a word begins or ends in `letters`, and the number of the word that begins there."""
        found, at = {0: 0}, 0
        for number, word in enumerate(self.words, 1):
            at += len(word.letters)
            found[at] = number
        return found

    def places(self, letters: str) -> Iterator[tuple[int, int]]:
        """Where these letters stand: from the first of them to the one after the last."""
        at = self.letters.find(letters)
        while at >= 0:
            yield at, at + len(letters)
            at = self.letters.find(letters, at + 1)

    def has_edge_within(self, at: int, end: int) -> bool:
        """Whether a word begins or ends between the ends of a place."""
        return not self.edges.keys().isdisjoint(range(at + 1, end))


def words_of(text: str) -> list[Word]:
    """The words of a text. A word that begins inside another by a capital ("agendaAnaRoy") is a word."""
    composed = text if text.isascii() else _composed(text)
    parted = composed[:1] + "".join(
        f"{_INSIDE}{letter}" if letter.isupper() and before.islower() else letter
        for before, letter in pairwise(composed)
    )
    found = list(_WORD.finditer(parted))
    starts = [*(one.start() for one in found), len(parted)]
    return [
        Word(folded, one[0], parted[one.end() : starts[number + 1]].replace(_INSIDE, ""))
        for number, one in enumerate(found)
        if (folded := fold(one[0]))
    ]


def _composed(text: str) -> str:
    """A text without what is invisible. What looks like a letter or a figure is one: full-width figures, say."""
    visible = "".join(letter for letter in text if letter.isascii() or unicodedata.category(letter) != "Cf")
    whole = unicodedata.normalize("NFKC", visible)
    return "".join(letter for letter in whole if letter.isascii() or not unicodedata.combining(letter))


def fold(word: str) -> str:
    """The letters of a word, small, without accents."""
    if word.isascii():
        return word.lower()
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", word).casefold())
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return "".join(_WORD.findall(plain.translate(_PLAIN)))


#: Parts a word from the one that begins inside it; it is no letter.
_INSIDE: Final = "\x00"
