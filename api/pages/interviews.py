"""The interviews of a recruiting: one's own sheet for each applicant, and how the applicants stand. Guide: GV-8."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from api.access.permissions import Action, asks, find_case, require, to_case
from api.access.session import AtDesk, Desk
from api.pages.forms import Text, Typed
from api.pages.frame import framed_pages, page, see_other
from api.views.departures import people_names
from api.web.readers import number_of
from domain.departure import interviews
from domain.kernel.refusals import Refusal
from locales import N_

router = framed_pages()


@router.get("/cases/{case_id}/interviews", name="interviews")
@asks(Action.RECORD_INTERVIEW)
def show_interviews(desk: AtDesk, request: Request, case_id: UUID) -> HTMLResponse:
    """Who interviewed which applicant, with what marks, and who passes."""
    return _page(desk, request, case_id, Typed())


@router.post("/cases/{case_id}/interviews")
@asks(Action.RECORD_INTERVIEW)
def record_interview(
    desk: AtDesk,
    request: Request,
    case_id: UUID,
    applicant: Text = "",
    leadership: Text = "",
    clinical: Text = "",
    note: Text = "",
) -> Response:
    """Write down one's own sheet of an applicant, or write it anew."""
    case = find_case(desk.session, desk.asker, case_id)
    by = require(Action.RECORD_INTERVIEW, to_case(desk.session, desk.asker, case))

    def act() -> None:
        interviews.record_interview(
            desk.session,
            case_id,
            applicant=number_of(applicant),
            leadership=number_of(leadership),
            clinical=number_of(clinical),
            note=note,
            by=by,
            at=desk.at,
        )

    refusal = desk.attempt(act)
    if refusal is None:
        return see_other(f"/cases/{case_id}/interviews")
    typed = {"applicant": applicant, "leadership": leadership, "clinical": clinical, "note": note}
    return _page(desk, request, case_id, Typed("sheet", refusal, typed))


def _page(desk: Desk, request: Request, case_id: UUID, typed: Typed) -> HTMLResponse:
    case = find_case(desk.session, desk.asker, case_id)
    require(Action.RECORD_INTERVIEW, to_case(desk.session, desk.asker, case))
    if case["protocol"] != interviews.PROTOCOL:
        raise Refusal("interview.no_recruiting", N_("Interviews belong to a recruiting that is open."))
    return page(
        desk,
        request,
        "interviews.html",
        refused=typed.refusal,
        typed=typed,
        case=case,
        marked=interviews.marks_of(desk.session, case_id),
        names=people_names(desk.session),
        pass_mark=interviews.PASS_MARK,
    )
