"""The inventory of equipment over JSON: what there is, who has it, and what is done with each thing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import Response

from api.access.permissions import Action, Forbidden, asks, require, to_program
from api.access.session import AtDesk, Desk
from api.json.described import api_routes
from api.json.idempotent_requests import AtOnce, IfMatch, etag, seen_version
from api.json.shapes import (
    EquipmentCorrected,
    EquipmentGiven,
    EquipmentLent,
    EquipmentMoved,
    EquipmentShown,
    Limit,
    Offset,
    Page,
)
from api.views.equipment import do
from domain.equipment import inventory, lending
from domain.kernel.actors import Actor

router = api_routes("equipment")


@router.get("/equipment")
@asks(Action.SEE_EQUIPMENT)
def list_equipment(desk: AtDesk, limit: Limit = 50, offset: Offset = 0) -> Page[EquipmentShown]:
    """Everything that the program lends, by kind and serial number, and who has it."""
    require(Action.SEE_EQUIPMENT, to_program(desk.asker))
    return Page.of(inventory.inventory(desk.session), lambda rows: [_shown(row) for row in rows], limit, offset)


@router.post("/equipment", status_code=201)
@asks(Action.KEEP_EQUIPMENT)
def add_equipment(body: EquipmentGiven, desk: AtDesk, once: AtOnce, response: Response) -> EquipmentShown:
    """Enter a thing into the inventory."""
    if (before := once.again(body)) is not None:
        return before  # type: ignore[return-value]  # an answer given again, as it stands
    by = require(Action.KEEP_EQUIPMENT, to_program(desk.asker))
    thing_id = inventory.add(desk.session, body.kind, body.serial, label=body.label, by=by, at=desk.at)
    once.done(response, 201, f"/api/v1/equipment/{thing_id}")
    return _one(desk, thing_id, response)


@router.get("/equipment/{equipment_id}")
@asks(Action.SEE_EQUIPMENT)
def get_equipment(equipment_id: UUID, desk: AtDesk, response: Response) -> EquipmentShown:
    """One thing."""
    require(Action.SEE_EQUIPMENT, to_program(desk.asker))
    return _one(desk, equipment_id, response)


@router.put("/equipment/{equipment_id}")
@asks(Action.KEEP_EQUIPMENT)
def correct_equipment(
    equipment_id: UUID, body: EquipmentCorrected, desk: AtDesk, response: Response, if_match: IfMatch = ""
) -> EquipmentShown:
    """Correct the serial number of a thing, or what it is called."""
    by, seen = _keeper(desk, equipment_id), seen_version(if_match)
    inventory.correct(desk.session, equipment_id, serial=body.serial, label=body.label, by=by, at=desk.at, seen=seen)
    return _one(desk, equipment_id, response)


@router.post("/equipment/{equipment_id}/moves")
@asks(Action.KEEP_EQUIPMENT)
def move_equipment(
    equipment_id: UUID, body: EquipmentMoved, desk: AtDesk, once: AtOnce, response: Response, if_match: IfMatch = ""
) -> EquipmentShown:
    """Take a thing back, report it missing, give it up, find it again, take it out of use or put it back."""
    seen = seen_version(if_match)
    if (before := once.again(body)) is not None:
        return before  # type: ignore[return-value]  # an answer given again, as it stands
    by = _keeper(desk, equipment_id)
    do(desk.session, equipment_id, body.move, body.words, by=by, at=desk.at, seen=seen)
    once.done(response, 200, f"/api/v1/equipment/{equipment_id}")
    return _one(desk, equipment_id, response)


@router.post("/equipment/{equipment_id}/loan")
@asks(Action.KEEP_EQUIPMENT)
def lend_equipment(
    equipment_id: UUID, body: EquipmentLent, desk: AtDesk, once: AtOnce, response: Response, if_match: IfMatch = ""
) -> EquipmentShown:
    """Put a thing in somebody's hands."""
    seen = seen_version(if_match)
    if (before := once.again(body)) is not None:
        return before  # type: ignore[return-value]  # an answer given again, as it stands
    by = _keeper(desk, equipment_id)
    lending.lend(desk.session, equipment_id, body.person_id, by=by, at=desk.at, seen=seen)
    once.done(response, 200, f"/api/v1/equipment/{equipment_id}")
    return _one(desk, equipment_id, response)


def _keeper(desk: Desk, equipment_id: UUID) -> Actor:
    """Under whom the asker keeps a thing of the inventory. Raises Forbidden, also where there is none."""
    by = require(Action.KEEP_EQUIPMENT, to_program(desk.asker))
    _row(desk, equipment_id)
    return by


def _row(desk: Desk, equipment_id: UUID) -> Mapping[str, Any]:
    row = next((one for one in inventory.inventory(desk.session) if one["id"] == equipment_id), None)
    if row is None:
        raise Forbidden
    return row


def _one(desk: Desk, equipment_id: UUID, response: Response) -> EquipmentShown:
    row = _row(desk, equipment_id)
    response.headers["ETag"] = etag(row["version"])
    return _shown(row)


def _shown(row: Mapping[str, Any]) -> EquipmentShown:
    return EquipmentShown.model_validate(row)
