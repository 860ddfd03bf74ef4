"""How the states of obligations are said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from locales import N_

#: The worst first.
STATES: Final[Mapping[str, str]] = {
    "cannot_be_met": N_("Can no longer be met"),
    "missed": N_("Not met"),
    "at_risk": N_("At risk"),
    "awaiting_record": N_("Awaiting record"),
    "given": N_("Submitted, to review"),
    "nothing_recorded": N_("Nothing recorded yet"),
    "on_track": N_("On track"),
    "not_yet": N_("Too early to tell"),
    "met": N_("Met"),
    "waived": N_("Waived"),
    "no_occasion": N_("No occasion"),
}
