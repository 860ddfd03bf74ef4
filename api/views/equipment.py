"""The inventory as the windows see it: what may be done with a thing as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from domain.equipment import EquipmentInHand
from locales import N_
from models.lifecycles import EQUIPMENT

#: What may be done with a thing, in the words of its button.
MOVES: Final[Mapping[str, str]] = {
    "take_back": N_("Withdraw"),
    "report_missing": N_("Report as missing"),
    "give_up": N_("Declare lost"),
    "find": N_("Mark as found"),
    "take_out_of_use": N_("Take out of use"),
    "put_back": N_("Put back in use"),
}


def moves_of(row: EquipmentInHand) -> list[str]:
    """What may be done with a thing of the inventory as it stands; the verbs check it again, with the actor."""
    if row.person_id is not None:
        return ["take_back", "give_up" if row.missing_since is not None else "report_missing"]
    return [move for move in ("find", "take_out_of_use", "put_back") if EQUIPMENT.allows(row.state, move)]
