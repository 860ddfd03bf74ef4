"""The criteria of admission, as pages name them and as a referral asks about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from domain.participants import criteria
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
NAMES: Final = criteria.NAMES


def on_form_of(criterion: str) -> str:
    """The end of the names of the fields that a criterion has on the form of its criteria."""
    return criterion.rpartition("-")[2].lower()
