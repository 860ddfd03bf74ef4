"""What was written of somebody, shown without who they are: their own names, and how to reach them, are left out of it.

People write as they speak, and a name slips into a reason. Where the facts are read without the name (AD-R2), each word
of each of the person's names is taken out of them, whatever its case and accents, and so are their telephone, address,
e-mail address and birth date. A word that is also a name is taken out with it: too much rather than too little. It
knows neither nicknames nor anybody else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import date
from typing import Final

from duties.participants.identity import Identity
from locales import LANGUAGES, show_day

#: What stands in the place of what was taken out.
LEFT_OUT: Final = "[…]"
#: Words of names that are words of every sentence: of a name only where they are written as one.
_PARTICLES: Final = frozenset(
    {
        *("a", "al", "au", "aux", "d", "da", "de", "del", "della", "des", "di", "do", "dos", "du", "e", "el"),
        *("l", "la", "las", "le", "les", "los", "of", "san", "st", "ste", "van", "von", "y"),
    }
)
_WORD: Final = re.compile(r"[^\W\d_]+")
#: Figures as a telephone is written, with what may stand between them.
_FIGURES: Final = re.compile(r"\+?\(?\d(?:[\s.()\-–/]{0,3}\d){5,}")
#: From so many figures on, the end of a telephone tells whose it is: a number without its area.
_TELLS: Final = 7
#: A name of so many letters is found inside a longer word too.
_LONG: Final = 6
_AGAIN: Final = re.compile(rf"{re.escape(LEFT_OUT)}(?:[\s,'’.\-–]*{re.escape(LEFT_OUT)})+")


def without_the_name(who: Identity) -> Callable[[str], str]:
    """A function that takes out of a text what says who somebody is, as each joined file said it too."""
    said = (who, *who.also)
    whole = [_loosely(text) for text in _texts(said)]
    figures = [digits for one in said for digits in _telephones(one.phone)]
    words = {_folded(word) for one in said for word in _WORD.findall(one.name)}

    def shown(text: str) -> str:
        text = unicodedata.normalize("NFC", "".join(sign for sign in text if unicodedata.category(sign) != "Cf"))
        for pattern in whole:
            text = pattern.sub(LEFT_OUT, text)
        text = _FIGURES.sub(lambda found: LEFT_OUT if _is_theirs(found[0], figures) else found[0], text)
        text = _WORD.sub(lambda found: LEFT_OUT if _names(found[0], words) else found[0], text)
        return _AGAIN.sub(LEFT_OUT, text)

    return shown


def _names(word: str, words: set[str]) -> bool:
    folded = _folded(word)
    if any(len(name) >= _LONG and name in folded for name in words):
        return True
    return folded in words and (folded not in _PARTICLES or word[0].isupper())


def _telephones(written: str) -> Iterator[str]:
    """Each telephone in a line, as its figures: what an extension adds is none of them."""
    yield from (digits for found in _FIGURES.findall(written) if len(digits := _digits(found)) >= _TELLS)


def _is_theirs(written: str, figures: list[str]) -> bool:
    digits = _digits(written)
    return any(digits.endswith(own[-_TELLS:]) or own.endswith(digits[-_TELLS:]) for own in figures)


def _texts(said: tuple[Identity, ...]) -> Iterator[str]:
    """Whole texts that are taken out where they stand: addresses, and the day of birth in every usual writing."""
    for one in said:
        yield from (text for text in (one.email, one.address) if _WORD.search(text))
        if one.birth_date is not None:
            yield from _days(one.birth_date)


def _days(day: date) -> Iterator[str]:
    yield from (day.isoformat(), f"{day:%d/%m/%Y}", f"{day:%d-%m-%Y}", f"{day.day}/{day.month}/{day.year}")
    for language in LANGUAGES:
        yield from (show_day(language, day, width) for width in ("long", "medium"))


def _loosely(text: str) -> re.Pattern[str]:
    """A text as it may be written: whatever the case and the accents, and with any blanks and commas between words."""
    parts = re.findall(r"[^\W_]+|[^\w\s,]", text.strip())
    return re.compile(r"(?<!\w)" + r"[\s,]*".join(_letters(part) for part in parts) + r"(?!\w)", re.IGNORECASE)


def _letters(word: str) -> str:
    """A pattern of a word in which each letter may have another accent, or none."""
    return "".join(_ACCENTED.get(_folded(letter), re.escape(letter)) for letter in word)


def _folded(word: str) -> str:
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign.isdigit())


#: Each letter with those that are it with an accent.
_ACCENTED: Final = {
    letter: f"[{letter}{accented}]"
    for letter, accented in {
        "a": "àâäáãå",
        "c": "ç",
        "e": "éèêëē",
        "i": "îïíì",
        "n": "ñ",
        "o": "ôöóòõ",
        "u": "ùûüú",
        "y": "ÿý",
    }.items()
}
