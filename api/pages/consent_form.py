"""The text of the consent form as it is explained and signed, in each of its languages, to be read and printed."""

from __future__ import annotations

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from api.access.permissions import Action, Forbidden, asks, require, to_program
from api.access.session import InContext
from api.pages.frame import framed_pages, page
from api.views.consent_lines import program_title
from api.web.downloads import download
from domain.accompaniment import partners_on
from domain.kernel import Refusal
from domain.participants import BOX, CURRENT, languages_of, parts_of, text_of
from meetings.documents.consent_papers import plain_sheet
from meetings.documents.issuing import issue_paper

router = framed_pages()


@router.get("/consent-form", name="consent_form")
@asks(Action.SEE_CONSENT_FORM)
def show_consent_form(context: InContext, request: Request, text: str = "", version: int = CURRENT) -> HTMLResponse:
    """The form in one language, the reader's unless `text` names another; a `version` that was signed before too."""
    require(Action.SEE_CONSENT_FORM, to_program(context.asker))
    try:
        shown = text_of(version, text or context.language)
    except Refusal:
        raise Forbidden from None
    warning, parts = parts_of(shown.text)
    return page(
        context,
        request,
        "consent_form.html",
        shown=shown,
        warning=warning,
        parts=parts,
        box=BOX,
        languages=languages_of(version),
        to_tick=shown.to_tick(name for _, name in partners_on(context.session, context.day)),
    )


@router.get("/consent-form/sheet", name="consent_sheet")
@asks(Action.SEE_CONSENT_FORM)
def give_sheet(context: InContext, text: str = "") -> Response:
    """The sheet in plain words, of one page, as a PDF: in the reader's language unless `text` names another."""
    require(Action.SEE_CONSENT_FORM, to_program(context.asker))
    language = text or context.language
    try:
        sheet = plain_sheet(language, program=program_title(context, language))
    except Refusal:
        raise Forbidden from None
    return download(issue_paper(context.session, sheet, "consent-in-short", context.day))
