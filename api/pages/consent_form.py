"""The text of the consent form as it is explained and signed, in French and in English, to be read and printed."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import Request
from fastapi.responses import HTMLResponse

from api.access.permissions import Action, Forbidden, asks, require, to_program
from api.access.session import InContext, RequestContext
from api.pages.frame import framed_pages, page
from domain.accompaniment import partners_on
from domain.kernel import Refusal
from domain.participants import BOX, CURRENT, ConsentText, text_of

router = framed_pages()


@router.get("/consent-form", name="consent_form")
@asks(Action.SEE_CONSENT_FORM)
def show_consent_form(context: InContext, request: Request, text: str = "", version: int = CURRENT) -> HTMLResponse:
    """The form in one language, the reader's unless `text` names the other; a `version` that was signed before too."""
    require(Action.SEE_CONSENT_FORM, to_program(context.asker))
    try:
        shown = text_of(version, text or context.language)
    except Refusal:
        raise Forbidden from None
    paragraphs = [part.splitlines() for part in shown.text.strip().split("\n\n")]
    return page(
        context,
        request,
        "consent_form.html",
        shown=shown,
        warning=paragraphs[0],
        paragraphs=paragraphs[1:],
        box=BOX,
        to_tick=list(_to_tick(context, shown)),
    )


def _to_tick(context: RequestContext, shown: ConsentText) -> Iterator[str]:
    """Each line that the person can agree to: that of the program, then one a partner and purpose."""
    apart = [purpose for purpose in shown.purposes if purpose != "program"]
    if "program" in shown.purposes:
        yield shown.open_line("program")
    for _, partner in partners_on(context.session, context.day) if apart else ():
        for purpose in apart:
            yield shown.open_line(purpose, partner)
