"""The summary of a follow-up that is handed over: written as one goes, said to be complete, read and taken back."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Form, Request, Response
from fastapi.responses import HTMLResponse

from api.access import questions
from api.access.permissions import Action, asks, require
from api.access.session import InContext, RequestContext
from api.access.summaries import find_to_read, find_to_write, ground_of
from api.acts.departures import SUMMARY
from api.pages.act_routes import act_pages
from api.pages.forms import Text, Typed
from api.pages.frame import framed_pages, page, see_other
from api.views.tasks import names_of
from domain.follow_ups import Summary, SummaryStep, summaries
from domain.kernel import Refusal

router = framed_pages()

Seen = Annotated[int, Form()]


@router.get("/tasks/{task_id}/summary", name="summary")
@asks(Action.WRITE_SUMMARY)
def show_summary(context: InContext, request: Request, task_id: UUID) -> HTMLResponse:
    """What was written so far, to go on with; that it was looked at is on record."""
    row, by, ground = find_to_write(context.session, context.asker, task_id)
    said = summaries.read_summary(context.session, task_id, ground=ground, by=by, at=context.at)
    return _form(context, request, row, said, seen=row.version or 0)


@router.post("/tasks/{task_id}/summary")
@asks(Action.WRITE_SUMMARY)
def write_summary(
    context: InContext,
    request: Request,
    task_id: UUID,
    seen: Seen,
    situation: Text = "",
    steps: Text = "",
    do: Text = "save",
) -> Response:
    """Save it as it stands, or say that it is complete, which does the step."""
    before = summaries.asked_by(context.session, task_id)
    if before is not None and before.state == "done" and before.done_by == context.asker.person_id:
        questions.note_answered_before()  # the second click of a double click
        return see_other(f"/departures/{before.case_id}#task-{task_id}")
    row, by, _ = find_to_write(context.session, context.asker, task_id)
    said, version = Summary(situation, steps), seen
    verb = summaries.complete_summary if do == "complete" else summaries.save_summary
    refusal = context.attempt(lambda: verb(context.session, task_id, said, by=by, at=context.at, seen=seen))
    if refusal is None and do == "complete":
        return see_other(f"/departures/{row.case_id}#task-{task_id}")
    row, _, _ = find_to_write(context.session, context.asker, task_id)
    if refusal is None:
        version = row.version or 0
    return _form(context, request, row, said, seen=version, refusal=refusal)


@router.get("/tasks/{task_id}/summary/taking-back", name="summary_complete")
@asks(Action.TAKE_SUMMARY_BACK)
def show_complete(context: InContext, request: Request, task_id: UUID) -> HTMLResponse:
    """Who declared it complete, and when; none of its words."""
    row, _, _ = find_to_write(context.session, context.asker, task_id, Action.TAKE_SUMMARY_BACK)
    return _complete(context, request, row, Typed())


@router.get("/follow-ups/{follow_up_id}/summaries/{task_id}", name="summary_words")
@asks(Action.READ_SUMMARY)
def read_summary(context: InContext, request: Request, follow_up_id: UUID, task_id: UUID) -> HTMLResponse:
    """Show a complete summary: each reading of it is on record."""
    row, given = find_to_read(context.session, context.asker, follow_up_id, task_id)
    by = require(Action.READ_SUMMARY, given)
    said = summaries.read_summary(context.session, task_id, ground=ground_of(given), by=by, at=context.at)
    names = names_of(context, [row.done_by, row.leaver_id])
    return page(context, request, "summary_words.html", row=row, said=said, names=names)


def _complete(context: RequestContext, request: Request, row: SummaryStep, typed: Typed) -> HTMLResponse:
    names = names_of(context, [row.done_by])
    return page(context, request, "summary_complete.html", typed=typed, row=row, names=names)


def _form(
    context: RequestContext,
    request: Request,
    row: SummaryStep,
    said: Summary,
    *,
    seen: int,
    refusal: Refusal | None = None,
) -> HTMLResponse:
    return page(context, request, "summary.html", refused=refusal, row=row, said=said, seen=seen)


act_pages(router, SUMMARY, lambda on, request, typed: _complete(on.context, request, on.row, typed))
