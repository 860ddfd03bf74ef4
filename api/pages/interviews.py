"""The interviews of a recruiting: one's own sheet for each applicant, and how the applicants stand. Guide: GV-8."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request
from fastapi.responses import HTMLResponse

from api.access.cases import find_case, to_case
from api.access.permissions import Action, asks, require
from api.access.session import InContext, RequestContext
from api.acts.departures import RECRUITING
from api.pages.act_routes import act_pages
from api.pages.forms import Typed
from api.pages.frame import framed_pages, page
from api.views.names import names_by_id
from domain.departure import interviews
from domain.kernel import Refusal
from locales import N_

router = framed_pages(of_acts=True)


@router.get("/cases/{case_id}/interviews", name="interviews")
@asks(Action.RECORD_INTERVIEW)
def show_interviews(context: InContext, request: Request, case_id: UUID) -> HTMLResponse:
    """Who interviewed which applicant, with what marks, and who passes."""
    return _page(context, request, case_id, Typed())


def _page(context: RequestContext, request: Request, case_id: UUID, typed: Typed) -> HTMLResponse:
    case = find_case(context.session, context.asker, case_id)
    require(Action.RECORD_INTERVIEW, to_case(context.session, context.asker, case))
    if case.protocol != interviews.PROTOCOL:
        raise Refusal("interview.no_recruiting", N_("Interviews belong to a recruiting that is open."))
    marked = interviews.marks_of(context.session, case_id)
    return page(
        context,
        request,
        "interviews.html",
        typed=typed,
        case=case,
        marked=marked,
        names=names_by_id(context.session, {sheet.interviewer_id for one in marked for sheet in one.sheets}),
        pass_mark=interviews.PASS_MARK,
    )


act_pages(router, RECRUITING, lambda on, request, typed: _page(on.context, request, on.id, typed))
