"""Texts as their letters and figures alone, so that a name is found however it is written.

Accents, case, hyphens, apostrophes, blanks, line ends and invisible characters do not count.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

#: The letters that no decomposition gives.
_PLAIN: Final = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ı": "i"})
_WORD: Final = re.compile(r"[^\W\d_]+|\d+")
#: Stands between two texts, so that no name is put together from both: it is no letter and no figure.
WALL: Final = "|"


@dataclass(frozen=True)
class TextWord:
    """A word of a text: its letters or figures, and whether it was written with a capital, all in capitals, or neither.

    `after` is the text up to the next word. `at` and `end` are its place in its text, for a word that was read with it.
    """

    letters: str
    written: str
    after: str = ""
    at: int = field(default=-1, compare=False)
    end: int = field(default=-1, compare=False)

    @property
    def is_capitalized(self) -> bool:
        """Whether it begins with a capital."""
        return self.written[:1].isupper()


@dataclass(frozen=True)
class Folded:
    """Texts as their letters and figures alone, a wall after each, and at which of them a word begins or ends."""

    words: tuple[TextWord, ...]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Folded:
        """These texts, each once."""
        wall = TextWord(WALL, WALL)
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
        """The places of these letters: from the first of them to the one after the last."""
        at = self.letters.find(letters)
        while at >= 0:
            yield at, at + len(letters)
            at = self.letters.find(letters, at + 1)

    def words_over(self, at: int, end: int) -> tuple[int, int]:
        """The words that a place covers: the number of the first, and that of the one after the last."""
        first = max(number for edge, number in self.edges.items() if edge <= at)
        return first, min(number for edge, number in self.edges.items() if edge >= end)

    def has_edge_within(self, at: int, end: int) -> bool:
        """Whether a word begins or ends between the ends of a place."""
        return not self.edges.keys().isdisjoint(range(at + 1, end))


def words_of(text: str) -> list[TextWord]:
    """The words of a text. A word that begins inside another by a capital ("agendaAnaRoy") is a word."""
    return _words(text if text.isascii() else _composed(text), None)


def placed_words_of(text: str) -> list[TextWord]:
    """The words of a text, each with the place at which it stands there."""
    letters = [(_composed(text[at:end]), (at, end)) for at, end in _each_letter_of(text)]
    return _words("".join(one for one, _ in letters), [place for one, place in letters for _ in one])


def letters_of(text: str) -> str:
    """The letters and figures of a text, as one word."""
    return "".join(word.letters for word in words_of(text))


def _words(composed: str, places: Sequence[tuple[int, int]] | None) -> list[TextWord]:
    """The words of a composed text; `places` gives the original place of each of its letters."""
    found = [span for one in _WORD.finditer(composed) for span in _apart(one)]
    starts = [*(at for at, _ in found), len(composed)]
    words = []
    for number, (at, end) in enumerate(found):
        letters = fold(composed[at:end])
        if letters:
            place = (-1, -1) if places is None else (places[at][0], places[end - 1][1])
            words.append(TextWord(letters, composed[at:end], composed[end : starts[number + 1]], *place))
    return words


def _apart(found: re.Match[str]) -> Iterator[tuple[int, int]]:
    """A word, or the words of it that begin by a capital behind a small letter."""
    written, at = found[0], found.start()
    begins = 0
    if not (written.islower() or written.isupper()):
        for place in range(1, len(written)):
            if written[place].isupper() and written[place - 1].islower():
                yield at + begins, at + place
                begins = place
    yield at + begins, found.end()


def _each_letter_of(text: str) -> Iterator[tuple[int, int]]:
    """The original place of each letter, with its accents apart and the invisible characters behind it."""
    begins = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or not (unicodedata.combining(text[at]) or unicodedata.category(text[at]) == "Cf"):
            yield begins, at
            begins = at


def _composed(text: str) -> str:
    """A text without invisible characters. Lookalikes of a letter or figure become one: full-width figures, say."""
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
