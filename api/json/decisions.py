"""Decisions over JSON: those of a meeting, recording one, the register, and what the partners say of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from api.at_meetings import find_meeting, to_committee
from api.json.once import IdempotencyKey, Once
from api.json.sitting_shapes import DecisionGiven, DecisionShown, EndorsementGiven, EndorsementShown
from api.permissions import Action, Forbidden, asks, require, to_program
from api.session import AtDesk, Desk
from meetings import decisions
from meetings.committees import committees, membership

router = APIRouter(tags=["meetings"])


@router.get("/meetings/{meeting_id}/decisions")
@asks(Action.SEE_MEETING)
def list_decisions(meeting_id: UUID, desk: AtDesk) -> list[DecisionShown]:
    """What a meeting decided, in the order of the numbers."""
    find_meeting(desk.session, desk.asker, meeting_id)
    return [_decision(desk, row) for row in decisions.decisions_of(desk.session, meeting_id)]


@router.post("/meetings/{meeting_id}/decisions", status_code=201)
@asks(Action.RUN_MEETING)
def decide(
    meeting_id: UUID,
    body: DecisionGiven,
    desk: AtDesk,
    request: Request,
    response: Response,
    idempotency_key: IdempotencyKey = "",
) -> DecisionShown:
    """Record a decision of a meeting under way; with a role that owes it, its task opens."""
    once = Once.of(desk, request, idempotency_key)
    if (before := once.again(body)) is not None:
        return before  # type: ignore[return-value]  # an answer given again, as it stands
    _, _, given = find_meeting(desk.session, desk.asker, meeting_id)
    by = require(Action.RUN_MEETING, given)
    decision_id = decisions.decide(
        desk.session,
        meeting_id,
        body.item_id,
        text_fr=body.text_fr,
        text_en=body.text_en,
        kind=body.kind,
        owner_role=body.owner_role,
        owner_organization_id=body.owner_organization_id,
        due_on=body.due_on,
        by=by,
        at=desk.at,
    )
    once.done(response, 201, f"/api/v1/meetings/{meeting_id}/decisions")
    return _decision(desk, decisions.decision_of(desk.session, decision_id))


@router.get("/committees/{key}/decisions")
@asks(Action.SEE_MEETING)
def read_register(
    key: Annotated[str, Path(max_length=61)],
    desk: AtDesk,
    year: Annotated[int | None, Query(ge=2000, le=2100, description="This year without it.")] = None,
) -> list[DecisionShown]:
    """A committee's register of decisions of a year, for those who sit on it and for the coordinator."""
    row = next((one for one in committees(desk.session).values() if one["key"] == key), None)
    if row is None:
        raise Forbidden
    require(Action.SEE_MEETING, to_committee(desk.asker, membership(desk.session, row["id"])))
    found = decisions.register(desk.session, row["id"], year or desk.day.year)
    return [_decision(desk, one) for one in found]


@router.put("/endorsements")
@asks(Action.ENDORSE)
def endorse(body: EndorsementGiven, desk: AtDesk) -> list[EndorsementShown]:
    """Say for one's organization that it endorses a decision on management, or objects to it, with the reason."""
    by = require(Action.ENDORSE, to_program(desk.asker, organizations=[body.organization_id]))
    decisions.endorse(
        desk.session,
        body.decision_id,
        body.organization_id,
        body.said,
        reason=body.reason,
        by=by,
        at=desk.at,
        seen=body.seen,
    )
    return _endorsements(desk, body.decision_id)


_OF_DECISION: Final = (
    *("id", "number", "kind", "text_fr", "text_en", "state", "decided_at", "meeting_id", "item_id", "task_id"),
    *("owner_role", "owner_organization_id", "due_on", "needs_endorsement"),
)


def _decision(desk: Desk, row: Mapping[str, Any]) -> DecisionShown:
    return DecisionShown(**{name: row[name] for name in _OF_DECISION}, endorsements=_endorsements(desk, row["id"]))


def _endorsements(desk: Desk, decision_id: UUID) -> list[EndorsementShown]:
    return [
        EndorsementShown(**{name: getattr(one, name) for name in EndorsementShown.model_fields})
        for one in decisions.endorsements_of(desk.session, decision_id)
    ]
