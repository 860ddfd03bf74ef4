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
from api.pages.frame import around, framed_pages, page
from domain.research import consents

router = framed_pages("/research-consents", of_acts=True)

#: So many of the consents stand on one page.
A_PAGE: Final = 50


@router.get("", name="research_consents")
@asks(Action.KEEP_RESEARCH_CONSENTS)
def show(
    context: InContext, request: Request, after: UUID | None = None, q: Annotated[str, Query(max_length=20)] = ""
) -> HTMLResponse:
    """The consents that stand and those that were taken back, the last recorded first; or those of one number."""
    require(Action.KEEP_RESEARCH_CONSENTS, to_program(context.asker))
    return _page(context, request, Typed(), after=after, q=q)


def _page(
    context: RequestContext, request: Request, typed: Typed, *, after: UUID | None = None, q: str = ""
) -> HTMLResponse:
    part = consents.research_consents(context.session, most=A_PAGE, after=after, number=q)
    here = RESEARCH.path + (f"?{urlencode({'q': q})}" if q else "")
    return page(
        context,
        request,
        "research_consents.html",
        typed=typed,
        consents=part.rows,
        q=q,
        parts=around(part, after, here),
        today=context.day,
    )


for subject in (RESEARCH, RESEARCH_CONSENT):
    act_pages(
        router, subject, lambda on, request, typed: _page(on.context, request, typed), after=lambda _, __: RESEARCH.path
    )
