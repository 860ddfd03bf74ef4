"""The criteria of an admission as people call them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from locales import LANGUAGES, N_, say

#: What each criterion is called.
NAMES: Final[Mapping[str, str]] = {
    "AD-C0": N_("Sexual exploitation"),
    "AD-C1": N_("12 to 24 years old"),
    "AD-C2": N_("Area served"),
    "AD-C3": N_("Recognizes harms"),
    # Of those alone who recruit others: “not met” says that they do not admit it, or do not commit to stop.
    "AD-C4": N_("Recruits others, admits it and commits to stop"),
    "AD-C5": N_("Voluntary"),
}


def in_words(criteria: Iterable[str]) -> Mapping[str, str]:
    """These criteria as people call them, one after the other, in each language."""
    return {language: "; ".join(say(language, NAMES[one]) for one in criteria) for language in LANGUAGES}
