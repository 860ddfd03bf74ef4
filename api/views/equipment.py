"""The inventory as the windows see it: what may be done with a thing as it stands, and doing it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlmodel import Session

from domain.equipment import inventory, lending
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
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


def moves_of(row: Mapping[str, Any]) -> list[str]:
    """What may be done with a thing of the inventory as it stands; the verbs ask again, and by whom."""
    if row["person_id"] is not None:
        return ["take_back", "give_up" if row["missing_since"] is not None else "report_missing"]
    return [move for move in ("find", "take_out_of_use", "put_back") if EQUIPMENT.allows(row["state"], move)]


def do(session: Session, thing_id: UUID, move: str, words: str, *, by: Actor, at: datetime, seen: int | None) -> None:
    """Do one of `MOVES` with a thing, with what was said of it. Raises Refusal."""
    if move == "take_back":
        lending.take_back(session, thing_id, condition=words, by=by, at=at, seen=seen)
    elif move == "report_missing":
        lending.report_missing(session, thing_id, note=words, by=by, at=at, seen=seen)
    elif move == "give_up":
        lending.give_up(session, thing_id, reason=words, by=by, at=at, seen=seen)
    elif move == "find":
        inventory.find_again(session, thing_id, reason=words, by=by, at=at, seen=seen)
    elif move == "take_out_of_use":
        inventory.take_out_of_use(session, thing_id, reason=words, by=by, at=at, seen=seen)
    elif move == "put_back":
        inventory.put_back(session, thing_id, by=by, at=at, seen=seen)
    else:
        raise Refusal("move.malformed", N_("Choose from the list."))
