"""Outgoing mail: each letter with its state, its text as it is sent, and a second try for one that was given up."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import Query, Request, Response
from fastapi.responses import HTMLResponse

from api.access import outgoing_mail
from api.access.permissions import Action, Forbidden, allows, asks, is_allowed
from api.access.session import InContext, RequestContext
from api.acts.outgoing_mail import LETTER, LETTERS
from api.pages.act_routes import act_pages
from api.pages.frame import framed_pages, may_go, page
from domain.casework import post_state
from domain.kernel import Refusal
from domain.mail import resending
from models.lifecycles import NOTICE

router = framed_pages()

PAGE_SIZE: Final = 50


@router.get("/post", name="post")
@asks(Action.SEE_POST)
def list_letters(
    context: InContext, request: Request, state: str = "", before: Annotated[int, Query(ge=1, le=2**62)] = 2**62
) -> HTMLResponse:
    """The letters of the program, the newest first. What they are about is shown to those alone who may read them."""
    outgoing_mail.postmaster(context, Action.SEE_POST)
    counts = outgoing_mail.count_by_state(context)
    state = state if state in NOTICE.states else ""
    letters = outgoing_mail.letters(context, state=state, before=before, most=PAGE_SIZE + 1)
    return page(
        context,
        request,
        "post.html",
        letters=letters[:PAGE_SIZE],
        older=letters[PAGE_SIZE - 1].n if len(letters) > PAGE_SIZE else None,
        is_first=before == 2**62,
        state=state,
        counts=counts,
        reads=is_allowed(Action.READ_LETTER, outgoing_mail.given_of(context)),
        mail=post_state(context.session, context.at),
        given_up=resending.given_up_count(context.session) if may_go(context, Action.RESEND_POST) else 0,
        now=context.at,
    )


@router.get("/post/{notice_id}", name="letter")
@asks(Action.READ_LETTER)
def show_letter(context: InContext, request: Request, notice_id: UUID) -> HTMLResponse:
    """One letter as its reader gets it."""
    outgoing_mail.postmaster(context, Action.READ_LETTER)
    return _letter_page(context, request, notice_id)


@router.get("/post/{notice_id}/letter.eml", name="letter_file")
@asks(Action.READ_LETTER)
def download_letter(context: InContext, notice_id: UUID) -> Response:
    """The finished message, byte for byte as it is sent; not of one whose link is its reader's alone."""
    by = outgoing_mail.postmaster(context, Action.READ_LETTER)
    found = outgoing_mail.letter(context, notice_id)
    if outgoing_mail.is_withheld(context, found):
        raise Forbidden
    outgoing_mail.tell_of_reading(context, found, by)
    return Response(
        found.message,
        media_type="message/rfc822",
        headers={
            # Neither name nor subject: a file's name is seen by whoever the file passes.
            "Content-Disposition": f'attachment; filename="{notice_id}.eml"'
        },
    )


def _letter_page(
    context: RequestContext, request: Request, notice_id: UUID, refusal: Refusal | None = None
) -> HTMLResponse:
    found = outgoing_mail.letter(context, notice_id)
    given = outgoing_mail.given_of(context)
    reader = allows(Action.READ_LETTER, given)
    withheld = reader is None or outgoing_mail.is_withheld(context, found)
    if reader is not None and not withheld:
        outgoing_mail.tell_of_reading(context, found, reader)
    return page(
        context,
        request,
        "letter.html",
        refused=refusal,
        letter=found,
        withheld=withheld,
        kept_from=outgoing_mail.is_kept_from(context, found),
        redacted=outgoing_mail.was_redacted(context, found),
        text="" if withheld else outgoing_mail.text_of(found.message),
        now=context.at,
        may_retry=NOTICE.allows(found.state, "retry") and is_allowed(Action.RESEND_POST, given),
    )


act_pages(router, LETTER, lambda on, request, typed: _letter_page(on.context, request, on.id, typed.refusal))
act_pages(router, LETTERS, lambda on, request, _: list_letters(on.context, request))
