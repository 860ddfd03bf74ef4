"""The inventory of equipment over JSON: what there is, who has it, and what is done with each thing."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from api.access.permissions import Action, asks, require, to_program
from api.access.session import InContext, RequestContext
from api.acts import equipment as acts
from api.acts.declaring import On
from api.json.act_routes import act_resources
from api.json.described import api_routes
from api.json.idempotent_requests import etag
from api.json.shapes import After, EquipmentShown, Limit, Page
from domain.equipment import EquipmentInHand, inventory

router = api_routes("equipment", of_acts=True)


@router.get("/equipment")
@asks(Action.SEE_EQUIPMENT)
def list_equipment(context: InContext, limit: Limit = 50, after: After = None) -> Page[EquipmentShown]:
    """Everything that the program lends, by kind and serial number, and who has it. It is not counted."""
    require(Action.SEE_EQUIPMENT, to_program(context.asker))
    part = inventory.inventory(context.session, most=limit, after=after)
    return Page[EquipmentShown].of(part, EquipmentShown.each, limit)


@router.get("/equipment/{equipment_id}")
@asks(Action.SEE_EQUIPMENT)
def get_equipment(equipment_id: UUID, context: InContext, response: Response) -> EquipmentShown:
    """One thing."""
    return _one(context, equipment_id, response)


def _shown(row: EquipmentInHand) -> EquipmentShown:
    return EquipmentShown.model_validate(row)


def _one(context: RequestContext, equipment_id: UUID, response: Response) -> EquipmentShown:
    row = acts.find_thing(context, equipment_id)
    response.headers["ETag"] = etag(row.version)
    return _shown(row)


def _added(on: On[None], thing_id: UUID, response: Response) -> EquipmentShown:
    return _one(on.context, thing_id, response)


def _acted_on(on: On[EquipmentInHand], _: None, response: Response) -> EquipmentShown:
    return _one(on.context, on.id, response)


act_resources(router, acts.INVENTORY, _added)
act_resources(router, acts.THING, _acted_on)
