"""Decisions over JSON: those of a meeting, recording one, the register, and what the partners say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Response

from api.access.decisions import RegisterSight, find_decision, register_file
from api.access.meetings import audience_of, find_committee, find_meeting
from api.access.permissions import Action, Forbidden, asks, require, to_program
from api.access.session import InContext, RequestContext
from api.acts.decisions import DECISION, Row
from api.acts.declaring import On
from api.json.act_routes import act_resources
from api.json.described import api_routes
from api.json.idempotent_requests import AtOnce, IfMatch, etag, seen_version
from api.json.shapes import After, FileShown, Limit, Page
from api.json.sitting_shapes import DecisionGiven, DecisionShown, EndorsementGiven, EndorsementShown
from api.web import downloads
from domain.endorsement import why_it_does_not_count
from domain.kernel import Part
from meetings import deciding, decisions, endorsements, endorsing
from meetings.decision_rows import RegisteredDecision
from meetings.decision_words import shown_state
from meetings.endorsements import Endorsed

OfYear = Annotated[int | None, Query(ge=2000, le=2100, description="This year without it.")]
router = api_routes("meetings")


@router.get("/meetings/{meeting_id}/decisions")
@asks(Action.SEE_MEETING)
def list_decisions(meeting_id: UUID, context: InContext) -> list[DecisionShown]:
    """What a meeting decided, in the order of the numbers, but for what was taken on an item that is not theirs."""
    row, members, given = find_meeting(context.session, context.asker, meeting_id)
    audience = audience_of(context, members, given, row.starts.date())
    found = decisions.decisions_of(context.session, meeting_id)
    return _decisions(context, [one for one in found if decisions.is_for(one, audience)])


@router.post("/meetings/{meeting_id}/decisions", status_code=201)
@asks(Action.RUN_MEETING)
def decide(
    meeting_id: UUID, body: DecisionGiven, context: InContext, once: AtOnce, response: Response, if_match: IfMatch = ""
) -> DecisionShown:
    """Record a decision of a meeting under way; with a role that owes it, its task opens.

    On an item, the version of the item that was read is needed: in `seen`, or in If-Match.
    """
    if (before := once.again(body)) is not None:
        return before  # type: ignore[return-value]  # an answer given again, as it stands
    _, _, given = find_meeting(context.session, context.asker, meeting_id)
    by = require(Action.RUN_MEETING, given)
    said = body.model_dump(exclude={"item_id"})
    if body.item_id is not None and body.seen is None:
        said["seen"] = seen_version(if_match)
    decision_id = deciding.decide(context.session, meeting_id, body.item_id, **said, by=by, at=context.at)
    once.done(response, 201, f"/api/v1/meetings/{meeting_id}/decisions")
    return _decision(context, decisions.decision_of(context.session, decision_id))


@router.get("/committees/{key}/decisions")
@asks(Action.SEE_DECISIONS)
def read_register(
    key: Annotated[str, Path(max_length=61)],
    context: InContext,
    year: OfYear = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[DecisionShown]:
    """A committee's register of decisions of a year, for those who sit on it and for the coordinator."""
    require(Action.SEE_DECISIONS, to_program(context.asker))
    sight = RegisterSight.of(context)
    return _page(
        context, sight.of_year(context, [_register(context, sight, key)], year or context.day.year), limit, after
    )


@router.get("/committees/{key}/decisions/{year}/{language}/{form}")
@asks(Action.SEE_DECISIONS)
def get_register_file(
    key: Annotated[str, Path(max_length=61)],
    year: Annotated[int, Path(ge=2000, le=2100)],
    language: downloads.Language,
    form: downloads.Form,
    context: InContext,
) -> FileShown:
    """A committee's register of a year as a file, in one language."""
    return FileShown.of(register_file(context, key, year, language, form))


@router.get("/decisions")
@asks(Action.SEE_DECISIONS)
def list_all_decisions(
    context: InContext,
    committee: Annotated[str | None, Query(max_length=61, description="Each whose register is the asker's.")] = None,
    year: OfYear = None,
    is_open: Annotated[
        bool, Query(alias="open", description="Instead of a year: all that is not done yet, the first due first.")
    ] = False,
    limit: Limit = 50,
    after: After = None,
) -> Page[DecisionShown]:
    """Decisions of every committee whose register is the asker's, or of one: those of a year, or what is open."""
    require(Action.SEE_DECISIONS, to_program(context.asker))
    sight = RegisterSight.of(context)
    chosen = list(sight.registers) if committee is None else [_register(context, sight, committee)]
    rows = sight.open_ones(context, chosen) if is_open else sight.of_year(context, chosen, year or context.day.year)
    return _page(context, rows, limit, after)


@router.get("/decisions/{decision_id}")
@asks(Action.SEE_DECISION)
def get_decision(decision_id: UUID, context: InContext, response: Response) -> DecisionShown:
    """One decision: for those who read its register, who are to endorse it, or who owe what it asks for."""
    row, _, _ = find_decision(context, decision_id)
    response.headers["ETag"] = etag(row.version)
    return _decision(context, row)


@router.get("/endorsements")
@asks(Action.SEE_DECISIONS)
def list_endorsements(
    context: InContext, year: OfYear = None, limit: Limit = 50, after: After = None
) -> Page[DecisionShown]:
    """The decisions on management that the asker's organizations endorse or object to (GV-4), said or not yet.

    Those of a year, and whatever the partners have not endorsed yet.
    """
    require(Action.SEE_DECISIONS, to_program(context.asker))
    asked = RegisterSight.of(context).organizations
    return _page(context, decisions.to_endorse(context.session, asked, year or context.day.year), limit, after)


@router.put("/endorsements")
@asks(Action.ENDORSE)
def endorse(body: EndorsementGiven, context: InContext) -> list[EndorsementShown]:
    """Say for one's organization that it endorses a decision on management, objects, or takes back what it said."""
    find_decision(context, body.decision_id)
    by = require(Action.ENDORSE, to_program(context.asker, organizations=[body.organization_id]))
    place = (context.session, body.decision_id, body.organization_id)
    if body.said:
        endorsing.endorse(*place, body.said, reason=body.reason, by=by, at=context.at, seen=body.seen)
    else:
        endorsing.take_back(*place, by=by, at=context.at, seen=body.seen)
    return _endorsements(endorsements.endorsements_of(context.session, body.decision_id, at=context.at))


def _acted_on(on: On[Row], _: None, response: Response) -> DecisionShown:
    return get_decision(on.id, on.context, response)


act_resources(router, DECISION, _acted_on)


def _register(context: RequestContext, sight: RegisterSight, key: str) -> UUID:
    """The committee of a key whose register the asker reads. Raises Forbidden."""
    committee_id: UUID = find_committee(context, key).id
    if committee_id not in sight.registers:
        raise Forbidden
    return committee_id


def _decision(context: RequestContext, row: RegisteredDecision) -> DecisionShown:
    (shown,) = _decisions(context, [row])
    return shown


def _page(
    context: RequestContext, rows: Sequence[RegisteredDecision], limit: int, after: UUID | None
) -> Page[DecisionShown]:
    part = Part.among(rows, after, limit)
    return Page[DecisionShown].of(part, lambda shown: _decisions(context, shown), limit, len(rows))


def _decisions(context: RequestContext, rows: Sequence[RegisteredDecision]) -> list[DecisionShown]:
    said = endorsements.endorsements(context.session, [row.id for row in rows], at=context.at)
    return [
        DecisionShown.about(
            row,
            state=shown_state(row),
            counts=why_it_does_not_count(row, with_quorum=True) is None and not row.ended_since,
            endorsements=_endorsements(said[row.id]),
        )
        for row in rows
    ]


def _endorsements(asked: Sequence[Endorsed]) -> list[EndorsementShown]:
    return [EndorsementShown.about(one) for one in asked]
