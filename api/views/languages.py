"""The languages that people speak, by code, as pages offer and name them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final

from babel import Locale

#: What a referral offers, the most spoken in the region first; any other is typed.
OFFERED: Final = ("fr", "en", "es", "ar", "ht", "iu", "cr", "moe")


def name_of(code: str, language: str) -> str:
    """A language's name in French or in English; what was typed, where it has none there."""
    return _names(language).get(code, code)


def names_of(codes: Iterable[str], language: str) -> list[str]:
    """The names of these languages, in their order."""
    return [name_of(code, language) for code in codes]


def code_of(typed: str) -> str:
    """The code of a language that was typed by its name, in French or in English, or by its code."""
    word = typed.strip().casefold()
    for language in ("fr", "en"):
        for code, name in _names(language).items():
            if word in (code, name.casefold()):
                return code
    return word


def codes_of(typed: str) -> list[str]:
    """The codes of languages that were typed with commas between."""
    return [code_of(word) for word in typed.split(",") if word.strip()]


def offered(language: str) -> list[tuple[str, str]]:
    """What is offered, each code with its name."""
    return [(code, name_of(code, language)) for code in OFFERED]


#: As they are called here.
_HERE: Final = {"fr": {"cr": "cri"}}


@cache
def _names(language: str) -> dict[str, str]:
    return {str(code): str(name) for code, name in Locale(language).languages.items()} | _HERE.get(language, {})
