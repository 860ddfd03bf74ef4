"""The text of the consent form as it is explained and signed, in French and in English, to be read and printed."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from api.pages.frame import page
from api.permissions import Action, Forbidden, asks, require, to_program
from api.session import AtDesk
from duties.participants.consents import CURRENT, text_of
from duties.refusals import Refusal

router = APIRouter()


@router.get("/consent-form", name="consent_form")
@asks(Action.SEE_CONSENT_FORM)
def show_consent_form(desk: AtDesk, request: Request, text: str = "", version: int = CURRENT) -> HTMLResponse:
    """The form in one language, the reader's unless `text` names the other; a `version` that was signed before too."""
    require(Action.SEE_CONSENT_FORM, to_program(desk.asker))
    try:
        shown = text_of(version, text or desk.language)
    except Refusal:
        raise Forbidden from None
    paragraphs = [part.splitlines() for part in shown.text.strip().split("\n\n")]
    return page(desk, request, "consent_form.html", shown=shown, warning=paragraphs[0], paragraphs=paragraphs[1:])
