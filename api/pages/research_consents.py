"""Consents to research (FU-9), kept apart by the research coordinator: numbers and days, and nothing of the file."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from api.access.permissions import Action, asks, require, to_program
from api.access.session import AtDesk, Desk
from api.pages.forms import Text, Typed
from api.pages.frame import framed_pages, page, see_other
from api.web.readers import day_of
from domain.participants import research

router = framed_pages("/research-consents")


@router.get("", name="research_consents")
@asks(Action.KEEP_RESEARCH_CONSENTS)
def show(desk: AtDesk, request: Request) -> HTMLResponse:
    """The consents that stand and those that were taken back."""
    require(Action.KEEP_RESEARCH_CONSENTS, to_program(desk.asker))
    return _page(desk, request, Typed())


@router.post("")
@asks(Action.KEEP_RESEARCH_CONSENTS)
def keep(desk: AtDesk, request: Request, number: Text = "", signed_on: Text = "") -> Response:
    """Record a consent that was signed, by the number on its form."""
    by = require(Action.KEEP_RESEARCH_CONSENTS, to_program(desk.asker))

    def act() -> None:
        participant_id = research.of_number(desk.session, number)
        research.keep_research_consent(desk.session, participant_id, day_of(signed_on), by=by, at=desk.at)

    refusal = desk.attempt(act)
    if refusal is not None:
        return _page(desk, request, Typed("keep", refusal, {"number": number, "signed_on": signed_on}))
    return see_other("/research-consents")


@router.post("/{participant_id}/withdrawal")
@asks(Action.KEEP_RESEARCH_CONSENTS)
def withdraw(desk: AtDesk, request: Request, participant_id: UUID) -> Response:
    """The participant takes it back; nothing else changes for them."""
    by = require(Action.KEEP_RESEARCH_CONSENTS, to_program(desk.asker))
    refusal = desk.attempt(lambda: research.withdraw_research_consent(desk.session, participant_id, by=by, at=desk.at))
    return _page(desk, request, Typed("withdraw", refusal)) if refusal else see_other("/research-consents")


def _page(desk: Desk, request: Request, typed: Typed) -> HTMLResponse:
    return page(
        desk,
        request,
        "research_consents.html",
        refused=typed.refusal,
        typed=typed,
        consents=research.research_consents(desk.session),
        today=desk.day,
    )
