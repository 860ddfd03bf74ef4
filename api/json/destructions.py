"""The destruction of files that is asked, over JSON: what and why, by number, for whoever confirms or refuses it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from api.access.destructions import answers_as, find_destruction, seen_destructions
from api.access.permissions import Action, Given, allows, asks
from api.access.session import AtDesk, Desk
from api.json.described import api_routes
from api.json.participant_shapes import (
    DestructionAnswered,
    DestructionAsked,
    DestructionListed,
    DestructionRefused,
)
from domain.participants import destruction, what_is_destroyed

router = api_routes("destructions")


@router.get("/destructions")
@asks(Action.SEE_DESTRUCTIONS)
def get_destructions(desk: AtDesk) -> list[DestructionListed]:
    """The destructions that are asked and wait for an answer, the first to be confirmed first."""
    return [
        DestructionListed.model_validate({**row, "known_as": row["number"] or row["candidate_ref"]})
        for row in seen_destructions(desk.session, desk.asker)
    ]


@router.get("/participants/{participant_id}/destruction-request")
@asks(Action.SEE_DESTRUCTION)
def get_destruction(participant_id: UUID, desk: AtDesk) -> DestructionAsked:
    """What is to be destroyed and why, and what became of it. Each reading of the words is in the record."""
    asked, given = find_destruction(desk.session, desk.asker, participant_id)
    return _shown(desk, asked, given)


@router.post("/participants/{participant_id}/destruction/confirmation")
@asks(Action.CONFIRM_DESTRUCTION)
def confirm(participant_id: UUID, body: DestructionAnswered, desk: AtDesk) -> DestructionAsked:
    """Confirm it, as another person than who asked: the file is destroyed, for good and in every copy."""
    asked, given = find_destruction(desk.session, desk.asker, participant_id, Action.CONFIRM_DESTRUCTION)
    by = answers_as(desk.session, desk.asker, asked, given)
    destruction.confirm(desk.session, participant_id, seen=body.seen, by=by, at=desk.at)
    return _shown(desk, *find_destruction(desk.session, desk.asker, participant_id))


@router.post("/participants/{participant_id}/destruction/refusal")
@asks(Action.CONFIRM_DESTRUCTION)
def refuse(participant_id: UUID, body: DestructionRefused, desk: AtDesk) -> DestructionAsked:
    """Refuse it, as another person than who asked: the file is kept, and who asked reads why."""
    asked, given = find_destruction(desk.session, desk.asker, participant_id, Action.CONFIRM_DESTRUCTION)
    by = answers_as(desk.session, desk.asker, asked, given)
    destruction.refuse(desk.session, participant_id, reason=body.reason, seen=body.seen, by=by, at=desk.at)
    return _shown(desk, *find_destruction(desk.session, desk.asker, participant_id))


def _shown(desk: Desk, asked: dict[str, Any], given: Given) -> DestructionAsked:
    session, participant_id = desk.session, asked["participant_id"]
    by = allows(Action.SEE_DESTRUCTION, given)
    assert by is not None  # noqa: S101 - found for it
    able = destruction.who_may_confirm(session, asked, desk.asker.standing) if asked["state"] == "asked" else []
    contents = what_is_destroyed.contents_of(session, participant_id)
    return DestructionAsked.model_validate(
        {
            **asked,
            "reason": destruction.read_reason(session, asked, by=by, at=desk.at),
            "answer": destruction.read_answer(session, asked, by=by, at=desk.at),
            "waiting_for": sorted({holder.person_id for holder in able}),
            "file_state": contents.state,
            **{name: getattr(contents, name) for name in ("admitted_on", "kept_until", "referrals", "consents")},
            **{name: getattr(contents, name) for name in ("disclosures", "notes")},
        }
    )
