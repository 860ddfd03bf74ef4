"""Consents to research (FU-9), kept apart by the research coordinator: numbers and days, and nothing of the file."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Query, Request
from fastapi.responses import HTMLResponse

from api.access.permissions import Action, asks, require, to_program
from api.access.session import InContext, RequestContext
from api.acts.participant_files import RESEARCH, RESEARCH_CONSENT
from api.pages.act_routes import act_pages
from api.pages.forms import Typed
from api.pages.frame import framed_pages, page
from domain.participants import research

router = framed_pages("/research-consents", of_acts=True)

#: So many of the consents stand on one page.
A_PAGE: Final = 50


@router.get("", name="research_consents")
@asks(Action.KEEP_RESEARCH_CONSENTS)
def show(
    context: InContext, request: Request, before: UUID | None = None, q: Annotated[str, Query(max_length=20)] = ""
) -> HTMLResponse:
    """The consents that stand and those that were taken back, the last recorded first; or those of one number."""
    require(Action.KEEP_RESEARCH_CONSENTS, to_program(context.asker))
    return _page(context, request, Typed(), before=before, q=q)


def _page(
    context: RequestContext, request: Request, typed: Typed, *, before: UUID | None = None, q: str = ""
) -> HTMLResponse:
    found = research.research_consents(context.session, most=A_PAGE + 1, before=before, number=q)
    shown, here = found[:A_PAGE], RESEARCH.path
    asked = {"q": q} if q else {}
    return page(
        context,
        request,
        "research_consents.html",
        typed=typed,
        consents=shown,
        q=q,
        older=f"{here}?{urlencode({**asked, 'before': shown[-1].id})}" if len(found) > A_PAGE else "",
        newest=f"{here}?{urlencode(asked)}" if before else "",
        today=context.day,
    )


for subject in (RESEARCH, RESEARCH_CONSENT):
    act_pages(
        router, subject, lambda on, request, typed: _page(on.context, request, typed), after=lambda _, __: RESEARCH.path
    )
