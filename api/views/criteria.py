"""The criteria of admission, as pages name them and as a referral asks about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from locales import N_

#: Whether they are of an age for the program works itself out: nothing is asked.
AGE: Final = "AD-C1"

#: The criteria as a form asks for the fact behind each.
ASKED: Final[Mapping[str, str]] = {
    "AD-C0": N_("Sexual exploitation, or activities of the sex trade, now or before: what is known, and from whom?"),
    "AD-C1": N_("Age: is anything uncertain?"),
    "AD-C2": N_("Address in the area served, or the area that they frequent"),
    "AD-C3": N_("Harms that they recognize in their own life"),
    "AD-C4": N_("If they also recruit others: what is known"),
    "AD-C5": N_("Their wish to take part: what they said"),
}
#: What a criterion is called.
NAMES: Final[Mapping[str, str]] = {
    "AD-C0": N_("Sexual exploitation"),
    "AD-C1": N_("12 to 24 years old"),
    "AD-C2": N_("Area served"),
    "AD-C3": N_("Recognizes harms"),
    # Of those alone who recruit others: “not met” says that they do not admit it, or do not commit to stop.
    "AD-C4": N_("Recruits others, admits it and commits to stop"),
    "AD-C5": N_("Voluntary"),
}


def on_form_of(criterion: str) -> str:
    """The end of the names of the fields that a criterion has on the form of its findings."""
    return criterion.rpartition("-")[2].lower()
