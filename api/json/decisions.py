"""Decisions over JSON: those of a meeting, recording one, the register, and what the partners say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Response

from api.access.decisions import Sight, find_decision, register_file
from api.access.meetings import audience_of, find_committee, find_meeting
from api.access.permissions import Action, Forbidden, asks, require, to_program
from api.access.session import AtDesk, Desk
from api.acts.decisions import DECISION, Row
from api.acts.declaring import On
from api.json.act_routes import act_resources
from api.json.described import api_routes
from api.json.idempotent_requests import AtOnce, etag
from api.json.shapes import FileShown, Limit, Offset, Page
from api.json.sitting_shapes import DecisionGiven, DecisionShown, EndorsementGiven, EndorsementShown
from api.web import downloads
from domain.endorsement.counting import counts_by
from meetings import deciding, decisions, endorsements, endorsing
from meetings.decision_rows import RegisteredDecision
from meetings.decision_words import shown_state
from meetings.endorsements import Endorsed

router = api_routes("meetings")


@router.get("/meetings/{meeting_id}/decisions")
@asks(Action.SEE_MEETING)
def list_decisions(meeting_id: UUID, desk: AtDesk) -> list[DecisionShown]:
    """What a meeting decided, in the order of the numbers, but for what was taken on an item that is not theirs."""
    row, members, given = find_meeting(desk.session, desk.asker, meeting_id)
    audience = audience_of(desk, members, given, row.starts.date())
    found = decisions.decisions_of(desk.session, meeting_id)
    return _decisions(desk, [one for one in found if decisions.is_for(one, audience)])


@router.post("/meetings/{meeting_id}/decisions", status_code=201)
@asks(Action.RUN_MEETING)
def decide(meeting_id: UUID, body: DecisionGiven, desk: AtDesk, once: AtOnce, response: Response) -> DecisionShown:
    """Record a decision of a meeting under way; with a role that owes it, its task opens."""
    if (before := once.again(body)) is not None:
        return before  # type: ignore[return-value]  # an answer given again, as it stands
    _, _, given = find_meeting(desk.session, desk.asker, meeting_id)
    by = require(Action.RUN_MEETING, given)
    said = body.model_dump(exclude={"item_id"})
    decision_id = deciding.decide(desk.session, meeting_id, body.item_id, **said, by=by, at=desk.at)
    once.done(response, 201, f"/api/v1/meetings/{meeting_id}/decisions")
    return _decision(desk, decisions.decision_of(desk.session, decision_id))


@router.get("/committees/{key}/decisions")
@asks(Action.SEE_DECISIONS)
def read_register(
    key: Annotated[str, Path(max_length=61)],
    desk: AtDesk,
    year: Annotated[int | None, Query(ge=2000, le=2100, description="This year without it.")] = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> Page[DecisionShown]:
    """A committee's register of decisions of a year, for those who sit on it and for the coordinator."""
    require(Action.SEE_DECISIONS, to_program(desk.asker))
    sight = Sight.of(desk)
    return _page(desk, sight.of_year(desk, [_register(desk, sight, key)], year or desk.day.year), limit, offset)


@router.get("/committees/{key}/decisions/{year}/{language}/{form}")
@asks(Action.SEE_DECISIONS)
def get_register_file(
    key: Annotated[str, Path(max_length=61)],
    year: Annotated[int, Path(ge=2000, le=2100)],
    language: downloads.Language,
    form: downloads.Form,
    desk: AtDesk,
) -> FileShown:
    """A committee's register of a year as a file, in one language."""
    return FileShown.of(register_file(desk, key, year, language, form))


@router.get("/decisions")
@asks(Action.SEE_DECISIONS)
def list_all_decisions(
    desk: AtDesk,
    committee: Annotated[str | None, Query(max_length=61, description="Each whose register is the asker's.")] = None,
    year: Annotated[int | None, Query(ge=2000, le=2100, description="This year without it.")] = None,
    is_open: Annotated[
        bool, Query(alias="open", description="Instead of a year: all that is not done yet, the first due first.")
    ] = False,
    limit: Limit = 50,
    offset: Offset = 0,
) -> Page[DecisionShown]:
    """Decisions of every committee whose register is the asker's, or of one: those of a year, or what is open."""
    require(Action.SEE_DECISIONS, to_program(desk.asker))
    sight = Sight.of(desk)
    chosen = list(sight.registers) if committee is None else [_register(desk, sight, committee)]
    rows = sight.open_ones(desk, chosen) if is_open else sight.of_year(desk, chosen, year or desk.day.year)
    return _page(desk, rows, limit, offset)


@router.get("/decisions/{decision_id}")
@asks(Action.SEE_DECISION)
def get_decision(decision_id: UUID, desk: AtDesk, response: Response) -> DecisionShown:
    """One decision: for those who read its register, who are to endorse it, or who owe what it asks for."""
    row, _, _ = find_decision(desk, decision_id)
    response.headers["ETag"] = etag(row.version)
    return _decision(desk, row)


@router.get("/endorsements")
@asks(Action.SEE_DECISIONS)
def list_endorsements(desk: AtDesk, limit: Limit = 50, offset: Offset = 0) -> Page[DecisionShown]:
    """The decisions on management that the asker's organizations endorse or object to (GV-4), said or not yet."""
    require(Action.SEE_DECISIONS, to_program(desk.asker))
    return _page(desk, decisions.to_endorse(desk.session, Sight.of(desk).organizations), limit, offset)


@router.put("/endorsements")
@asks(Action.ENDORSE)
def endorse(body: EndorsementGiven, desk: AtDesk) -> list[EndorsementShown]:
    """Say for one's organization that it endorses a decision on management, objects, or takes back what it said."""
    find_decision(desk, body.decision_id)
    by = require(Action.ENDORSE, to_program(desk.asker, organizations=[body.organization_id]))
    place = (desk.session, body.decision_id, body.organization_id)
    if body.said:
        endorsing.endorse(*place, body.said, reason=body.reason, by=by, at=desk.at, seen=body.seen)
    else:
        endorsing.take_back(*place, by=by, at=desk.at, seen=body.seen)
    return _endorsements(endorsements.endorsements_of(desk.session, body.decision_id, at=desk.at))


def _acted_on(on: On[Row], _: None, response: Response) -> DecisionShown:
    return get_decision(on.id, on.desk, response)


act_resources(router, DECISION, _acted_on)


def _register(desk: Desk, sight: Sight, key: str) -> UUID:
    """The committee of a key whose register the asker reads. Raises Forbidden."""
    committee_id: UUID = find_committee(desk, key).id
    if committee_id not in sight.registers:
        raise Forbidden
    return committee_id


def _decision(desk: Desk, row: RegisteredDecision) -> DecisionShown:
    (shown,) = _decisions(desk, [row])
    return shown


def _page(desk: Desk, rows: Sequence[RegisteredDecision], limit: int, offset: int) -> Page[DecisionShown]:
    return Page[DecisionShown].of(rows, lambda part: _decisions(desk, part), limit, offset)


def _decisions(desk: Desk, rows: Sequence[RegisteredDecision]) -> list[DecisionShown]:
    said = endorsements.endorsements(desk.session, [row.id for row in rows], at=desk.at)
    return [
        DecisionShown.about(
            row, state=shown_state(row), counts=counts_by(row), endorsements=_endorsements(said[row.id])
        )
        for row in rows
    ]


def _endorsements(asked: Sequence[Endorsed]) -> list[EndorsementShown]:
    return [EndorsementShown.about(one) for one in asked]
