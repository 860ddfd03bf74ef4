"""Summaries of follow-ups that are handed over, over JSON: written as one goes, completed, taken back, and read."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response
from pydantic import AwareDatetime

from api.access.permissions import Action, asks, require
from api.access.session import InContext
from api.access.summaries import find_to_read, find_to_write, ground_of
from api.acts.declaring import On
from api.acts.departures import SUMMARY, Row
from api.json.act_routes import act_resources
from api.json.described import api_routes
from api.json.idempotent_requests import IfMatch, etag, seen_version
from api.json.shapes import MovedShown, Shown
from api.web.given import ActInput, PlainText
from domain.casework import TaskOutcome
from domain.follow_ups import Summary, SummaryStep, summaries

router = api_routes("follow-ups")


class SummaryGiven(ActInput):
    """What a summary says: the participant's situation, and the steps that they have taken."""

    situation: PlainText = ""
    steps: PlainText = ""


class SummaryShown(Shown):
    """A summary, opened."""

    follow_up_id: UUID
    number: str
    situation: str
    steps: str
    written_at: AwareDatetime | None
    complete_since: AwareDatetime | None
    version: int


class SavedShown(Shown):
    """That a summary was saved, and as which version."""

    version: int


@router.get("/tasks/{task_id}/summary")
@asks(Action.WRITE_SUMMARY)
def get_summary(task_id: UUID, context: InContext, response: Response) -> SummaryShown:
    """What was written so far, to go on with; that it was looked at is on record."""
    row, by, ground = find_to_write(context.session, context.asker, task_id)
    said = summaries.read_summary(context.session, task_id, ground=ground, by=by, at=context.at)
    response.headers["ETag"] = etag(row.version or 0)
    return _shown(row, said)


@router.put("/tasks/{task_id}/summary")
@asks(Action.WRITE_SUMMARY)
def save_summary(
    task_id: UUID, body: SummaryGiven, context: InContext, response: Response, if_match: IfMatch = ""
) -> SavedShown:
    """Save it as it stands; its version was 0 where nothing was written."""
    _, by, _ = find_to_write(context.session, context.asker, task_id)
    said = Summary(body.situation, body.steps)
    version = summaries.save_summary(context.session, task_id, said, by=by, at=context.at, seen=seen_version(if_match))
    response.headers["ETag"] = etag(version)
    return SavedShown(version=version)


@router.post("/tasks/{task_id}/summary/completion")
@asks(Action.WRITE_SUMMARY)
def complete_summary(task_id: UUID, body: SummaryGiven, context: InContext, if_match: IfMatch = "") -> MovedShown:
    """Save it and say that it is complete, which does the step."""
    _, by, _ = find_to_write(context.session, context.asker, task_id)
    said = Summary(body.situation, body.steps)
    moved = summaries.complete_summary(
        context.session, task_id, said, by=by, at=context.at, seen=seen_version(if_match)
    )
    return MovedShown.model_validate(moved)


@router.get("/follow-ups/{follow_up_id}/summaries/{task_id}")
@asks(Action.READ_SUMMARY)
def read_summary(follow_up_id: UUID, task_id: UUID, context: InContext) -> SummaryShown:
    """What a complete summary says: each reading is on record."""
    row, given = find_to_read(context.session, context.asker, follow_up_id, task_id)
    by = require(Action.READ_SUMMARY, given)
    return _shown(row, summaries.read_summary(context.session, task_id, ground=ground_of(given), by=by, at=context.at))


def _shown(row: SummaryStep, said: Summary) -> SummaryShown:
    return SummaryShown.about(
        row, situation=said.situation, steps=said.steps, complete_since=row.done_at, version=row.version or 0
    )


def _taken_back(_: On[Row], moved: TaskOutcome) -> MovedShown:
    return MovedShown.model_validate(moved)


act_resources(router, SUMMARY, _taken_back)
