"""What is done with the equipment that the program lends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal
from uuid import UUID

from api.access.permissions import Action, Forbidden, require, to_program
from api.access.permissions import Given as Relations
from api.access.session import RequestContext
from api.acts.declaring import ActSubject, On, of_program
from api.views.equipment import MOVES
from api.web.given import ActInput, Key, PlainText, Short, on_form
from api.web.readers import chosen
from domain.equipment import EquipmentInHand, inventory, lending
from domain.kernel import Refusal
from locales import N_


def find_thing(context: RequestContext, equipment_id: UUID) -> EquipmentInHand:
    """A thing of the inventory that the asker may see. Raises Forbidden, also where there is none."""
    require(Action.SEE_EQUIPMENT, to_program(context.asker))
    row = inventory.thing(context.session, equipment_id)
    if row is None:
        raise Forbidden
    return row


def _find_thing(context: RequestContext, _: Action, equipment_id: UUID) -> tuple[EquipmentInHand, Relations]:
    return find_thing(context, equipment_id), to_program(context.asker)


INVENTORY: Final = ActSubject("/equipment", of_program)
THING: Final = ActSubject("/equipment/{equipment_id}", _find_thing)


class EquipmentGiven(ActInput):
    """A thing to enter into the inventory, of a kind that a protocol hands over."""

    kind: Key
    serial: Short
    label: Short = ""


@INVENTORY.act(Action.KEEP_EQUIPMENT, form="add", once=True, leads=lambda _, thing_id: f"{INVENTORY.path}/{thing_id}")
def add_equipment(on: On[None], said: EquipmentGiven) -> UUID:
    """Enter a thing into the inventory."""
    return inventory.add(on.session, said.kind, said.serial, label=said.label, by=on.by, at=on.at)


class EquipmentCorrected(ActInput):
    """The serial number of a thing, and what it is called, as they should be."""

    serial: Short
    label: Short = ""


@THING.act(Action.KEEP_EQUIPMENT, form="correct", versioned=True, json="PUT")
def correct_equipment(on: On[EquipmentInHand], said: EquipmentCorrected) -> None:
    """Correct the serial number of a thing, or what it is called."""
    inventory.correct(on.session, on.id, serial=said.serial, label=said.label, by=on.by, at=on.at, seen=on.seen)


class EquipmentMoved(ActInput):
    """What is done with a thing, and what is said of it: its condition, what is known of it, or the reason."""

    move: Literal["take_back", "report_missing", "give_up", "find", "take_out_of_use", "put_back"]
    words: PlainText = ""


def _which_move(typed: Mapping[str, str]) -> str:
    move = typed["move"]
    return move if move in MOVES else "move"


@THING.act(Action.KEEP_EQUIPMENT, "/moves", form=_which_move, once=True, versioned=True, status=200)
def move_equipment(on: On[EquipmentInHand], said: EquipmentMoved) -> None:
    """Take a thing back, report it missing, give it up, find it again, take it out of use or put it back."""
    session, by, at, seen = on.session, on.by, on.at, on.seen
    if said.move in _OF_WHAT_IS_IN_HAND:
        thing = lending.hold(session, on.id, seen=seen)
        _OF_WHAT_IS_IN_HAND[said.move](session, thing, said.words, by=by, at=at)
    elif said.move == "find":
        inventory.find_again(session, on.id, reason=said.words, by=by, at=at, seen=seen)
    elif said.move == "take_out_of_use":
        inventory.take_out_of_use(session, on.id, reason=said.words, by=by, at=at, seen=seen)
    elif said.move == "put_back":
        inventory.put_back(session, on.id, by=by, at=at, seen=seen)
    else:
        raise Refusal("move.malformed", N_("Choose from the list."))


_OF_WHAT_IS_IN_HAND: Final = {
    "take_back": lending.take_back,
    "report_missing": lending.report_missing,
    "give_up": lending.give_up,
}


class EquipmentLent(ActInput):
    """The borrower of a thing."""

    person_id: Annotated[UUID, on_form(chosen("person.missing", N_("Choose who it is lent to.")), name="person")]


@THING.act(Action.KEEP_EQUIPMENT, "/loan", form="lend", once=True, versioned=True, status=200)
def lend_equipment(on: On[EquipmentInHand], said: EquipmentLent) -> None:
    """Lend a thing to a person."""
    lending.lend(on.session, on.id, said.person_id, by=on.by, at=on.at, seen=on.seen)
