"""Words that people type: what shows nothing, such as a blank of no width, says nothing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final

from domain.kernel.refusals import Refusal
from locales import N_

#: Letters and marks that Unicode counts as such, and that show nothing: the Hangul fillers, an empty Braille cell.
_BLANK: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u180b\u180c\u180d\u180e")
_UNSEEN: Final = ("Cf", "Zs", "Zl", "Zp")

#: What is no text: a control character other than a line break and a tab, half a letter, and what turns a line around,
#: which would show #2019-02 as another number.
_NO_TEXT: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")

LONGEST: Final = 4_000
_WORD: Final = re.compile(r"[^\W\d_]{3,}")


def _shows(character: str) -> bool:
    is_blank = character.isspace() or character in _BLANK
    return not is_blank and unicodedata.category(character) not in _UNSEEN


def trimmed(words: str) -> str:
    """The words without invisible characters at either end. A control character stays: its own rule refuses it."""
    first = next((n for n, one in enumerate(words) if _shows(one)), len(words))
    last = next((n for n in range(len(words), first, -1) if _shows(words[n - 1])), first)
    return words[first:last]


def says_something(words: str) -> bool:
    """Whether there is a letter or a digit, as a reason has, which does not only modify or repeat another."""
    return any(
        character.isalnum() and _shows(character) and unicodedata.category(character) != "Lm" for character in words
    )


def says_why(words: str) -> bool:
    """Whether there is a word that another person can read as a reason: not an "x", nor one letter again and again.

    In a script without capitals, such as Chinese, one character may be a word.
    """
    is_a_word = any(len(set(word.casefold())) > 1 for word in _WORD.findall(words))
    return is_a_word or any(_shows(one) and unicodedata.category(one) == "Lo" for one in words)


def checked(text: str) -> str:
    """Typed words with plain line breaks and without blanks around them. Raises Refusal."""
    lines = trimmed(text.replace("\r\n", "\n").replace("\r", "\n"))
    if len(lines) > LONGEST:
        raise Refusal("words.too_long", N_("This is longer than %(most)s characters. Shorten it."), most=LONGEST)
    refuse_no_text(lines)
    return lines


def is_text(words: str) -> bool:
    """Whether the words hold nothing but text, line breaks and tabs."""
    return _NO_TEXT.search(words) is None


def not_text() -> Refusal:
    """The refusal of words that hold what is no text."""
    return Refusal("words.not_text", N_("This holds characters that are not text."))


def refuse_no_text(said: object) -> None:
    """Refuse words, or a structure with words anywhere in it, that hold what is no text. Raises Refusal."""
    if isinstance(said, str):
        if not is_text(said):
            raise not_text()
    elif isinstance(said, Mapping):
        refuse_no_text([*said, *said.values()])
    elif isinstance(said, Sequence):
        for one in said:
            refuse_no_text(one)
