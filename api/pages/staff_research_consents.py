"""Consents of workers and managers to take part in the research (ER-5), and who may be asked to an interview (ER-2)."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from fastapi import Request
from fastapi.responses import HTMLResponse

from api.access.permissions import Action, asks, require, to_program
from api.access.session import InContext, RequestContext
from api.acts.research import STAFF, STAFF_CONSENT
from api.pages.act_routes import act_pages
from api.pages.forms import Typed
from api.pages.frame import around, framed_pages, page
from domain.research import staff_consents

router = framed_pages("/staff-research-consents", of_acts=True)

#: So many of the consents stand on one page.
A_PAGE: Final = 50


@router.get("", name="staff_research_consents")
@asks(Action.KEEP_RESEARCH_CONSENTS)
def show(context: InContext, request: Request, after: UUID | None = None) -> HTMLResponse:
    """The consents of staff, the last recorded first, and those who may be asked to an interview."""
    require(Action.KEEP_RESEARCH_CONSENTS, to_program(context.asker))
    return _page(context, request, Typed(), after=after)


def _page(context: RequestContext, request: Request, typed: Typed, *, after: UUID | None = None) -> HTMLResponse:
    part = staff_consents.kept(context.session, most=A_PAGE, after=after)
    to_interview = staff_consents.to_interview(context.session, context.day)
    consented = {one.id for one in to_interview}
    could = staff_consents.could_sign(context.session, context.day)
    return page(
        context,
        request,
        "staff_research_consents.html",
        typed=typed,
        consents=part.rows,
        could=[(one.id, one.name) for one in could if one.id not in consented],
        to_interview=[one.name for one in to_interview],
        parts=around(part, after, STAFF.path),
        today=context.day,
    )


for subject in (STAFF, STAFF_CONSENT):
    act_pages(
        router, subject, lambda on, request, typed: _page(on.context, request, typed), after=lambda _, __: STAFF.path
    )
