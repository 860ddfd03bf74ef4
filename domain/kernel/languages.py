"""The languages that a person speaks, by code: a closed list, since it is not sealed."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Literal

from babel import Locale

from domain.kernel.refusals import Refusal
from locales import N_

#: The languages of the program's own pages and letters.
Language = Literal["fr", "en"]


def checked_languages(typed: Iterable[str]) -> tuple[str, ...]:
    """Codes of languages, each once. Raises Refusal for anything else: a name typed there would stay unsealed."""
    return _known(
        typed,
        Refusal(
            "referral.language",
            N_("Languages: one of them is not known by this name. Say it with how to reach the person instead."),
        ),
    )


def checked_spoken(typed: Iterable[str]) -> tuple[str, ...]:
    """The same for a member of staff, since candidates are proposed to them by language. Raises Refusal."""
    return _known(
        typed,
        Refusal(
            "person.spoken",
            N_("Languages: one of them is not known by this name. Write it as it is called in French or in English."),
        ),
    )


def _known(typed: Iterable[str], otherwise: Refusal) -> tuple[str, ...]:
    words = tuple(dict.fromkeys(word.strip().lower() for word in typed if word.strip()))
    if any(word not in _codes() for word in words):
        raise otherwise
    return words


@cache
def _codes() -> frozenset[str]:
    return frozenset(str(code).lower() for code in Locale("en").languages)
