"""What a restore from a copy left to decide, for the coordination and the privacy officer, each what is theirs."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import HTMLResponse

from api.access.permissions import Action, asks, require, to_program
from api.access.restored import theirs, unseen_by
from api.access.session import InContext, RequestContext
from api.acts.restored import MATTER
from api.pages.act_routes import act_pages
from api.pages.forms import Typed
from api.pages.frame import framed_pages, page
from api.views.restored import decided_lines_of, lines_of, report_facts, told_lines_of
from domain.restored import matters, reports

router = framed_pages(of_acts=True)


@router.get("/restored", name="restored")
@asks(Action.SEE_RESTORED)
def show_restored(context: InContext, request: Request) -> HTMLResponse:
    """What had ended and came back, what was told of meetings, and the report of the last restore."""
    require(Action.SEE_RESTORED, to_program(context.asker))
    return _page(context, request, Typed())


def _page(context: RequestContext, request: Request, typed: Typed) -> HTMLResponse:
    waiting = matters.waiting(context.session)
    mine = theirs(context, waiting)
    report = reports.report(context.session, unseen=unseen_by(context))
    facts = []
    if report is not None:
        left = theirs(context, matters.of_epoch(context.session, report.restoration.epoch))
        facts = report_facts(context, report, left)
    return page(
        context,
        request,
        "restored.html",
        typed=typed,
        lines=lines_of(context, mine),
        meetings=told_lines_of(context, mine),
        others=len(waiting) > len(mine),
        decided=decided_lines_of(context, theirs(context, matters.decided(context.session))),
        facts=facts,
    )


act_pages(router, MATTER, lambda on, request, typed: _page(on.context, request, typed))
