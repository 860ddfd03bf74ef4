"""Consents to research (FU-9), kept apart by the research coordinator: numbers and days, and nothing of the file."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import HTMLResponse

from api.access.permissions import Action, asks, require, to_program
from api.access.session import InContext, RequestContext
from api.acts.participant_files import RESEARCH, RESEARCH_CONSENT
from api.pages.act_routes import act_pages
from api.pages.forms import Typed
from api.pages.frame import framed_pages, page
from domain.participants import research

router = framed_pages("/research-consents", of_acts=True)


@router.get("", name="research_consents")
@asks(Action.KEEP_RESEARCH_CONSENTS)
def show(context: InContext, request: Request) -> HTMLResponse:
    """The consents that stand and those that were taken back."""
    require(Action.KEEP_RESEARCH_CONSENTS, to_program(context.asker))
    return _page(context, request, Typed())


def _page(context: RequestContext, request: Request, typed: Typed) -> HTMLResponse:
    return page(
        context,
        request,
        "research_consents.html",
        typed=typed,
        consents=research.research_consents(context.session),
        today=context.day,
    )


for subject in (RESEARCH, RESEARCH_CONSENT):
    act_pages(
        router, subject, lambda on, request, typed: _page(on.context, request, typed), after=lambda _, __: RESEARCH.path
    )
