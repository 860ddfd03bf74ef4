"""Referring one person by a link: no account, saved as one goes for this browser alone, and nothing learned by it.

A link that never was, was used, was taken back or is too old is answered as what is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from api.access.permissions import Action, Forbidden, asks
from api.access.session import Installation, installation_of
from api.pages.forms import Text
from api.pages.frame import see_other
from api.pages.referral_fields import ReferralTyped, TypedReferral, asked_shown, form_shown, typed_of
from api.views import participant_words
from api.views.sentences import sentence_of
from api.web import browsers, limits
from api.web.answers import status_of
from api.web.language import PARAMETER
from api.web.rendering import render
from domain.admissions import asking_referrers
from domain.kernel import OUTSIDE, Actor, Refusal, program, title_of
from domain.participants import OwnReferral, ReferralForm, links, reading, referring
from locales import current_language, is_language

router = APIRouter(include_in_schema=False)

#: Times that something is saved or sent from one address of the network, in the limits' span: each pause saves.
SENT_FROM_ONE_PLACE: Final = 600

_COUNTED = [Depends(limits.from_one_place("refer", most=SENT_FROM_ONE_PLACE))]
_BY: Final = Actor.system(OUTSIDE)

Seen = Annotated[int | None, Form()]


@router.get("/refer/{token}", name="refer_by_link")
@asks(Action.REFER_BY_LINK)
def show_form(request: Request, token: str) -> HTMLResponse:
    """The form, with what was saved in this browser. Changes nothing: scanners of mail follow links too."""
    installation = installation_of(request)
    with installation.of_program(_program_of(installation, token)) as session:
        if (own := _sent_by(session, token, installation)) is not None:
            return _sent(request, token, own, {})
        browser = browsers.refers_by_link(installation, request)
        try:
            form, version = referring.begun_by_link(session, token, browser=browser, at=installation.clock())
        except Refusal as refusal:
            if refusal.code == "referral_link.closed":
                raise Forbidden from None
            return _page(request, session, token, typed_of(ReferralForm()), refusal=refusal)
        return _page(request, session, token, typed_of(form), seen=version)


@router.post("/refer/{token}", dependencies=_COUNTED)
@asks(Action.REFER_BY_LINK)
def refer(request: Request, token: str, typed: TypedReferral, seen: Seen = None, do: Text = "send") -> Response:
    """Save what was written so far, or send the referral: the link then works no more."""
    installation = installation_of(request)
    browser, saves = browsers.refers_by_link(installation, request) or browsers.new_cookie(), do == "save"
    with installation.transaction(_program_of(installation, token)) as session:
        own, at = _sent_by(session, token, installation), installation.clock()
        try:
            if own is not None:
                _answer(session, own, typed, do, at=at)
            elif saves:
                referring.save_by_link(session, token, typed.form(), browser=browser, by=_BY, at=at, seen=seen or None)
            else:
                referring.refer_by_link(session, token, typed.form(), browser=browser, by=_BY, at=at)
        except Refusal as refusal:
            session.rollback()
            return _refused(request, session, token, typed, own, refusal, seen=seen or 0)
    goes_on = saves or own is not None
    answer = see_other(_as_chosen(request, f"/refer/{token}" if goes_on else "/referred"))
    if saves:
        browsers.mark_referring(installation, answer, browser)
    return answer


def _as_chosen(request: Request, place: str) -> str:
    """A place, in the language that was chosen on the page, if one was."""
    chosen = request.query_params.get(PARAMETER, "")
    return place + (f"?{PARAMETER}={chosen}" if is_language(chosen) else "")


def _answer(session: Session, own: OwnReferral, typed: ReferralTyped, do: str, *, at: datetime) -> None:
    """Take the answer to what is asked of a referral that was sent. Raises Forbidden: it refers no second time."""
    if do != "answer":
        raise Forbidden
    asking_referrers.answer(session, own.id, typed.form(), by=_BY, at=at)


def _refused(
    request: Request,
    session: Session,
    token: str,
    typed: ReferralTyped,
    own: OwnReferral | None,
    refusal: Refusal,
    *,
    seen: int,
) -> HTMLResponse:
    """The form again with why it was refused; of a link that is closed, what is not there. Raises Forbidden."""
    if refusal.code == "referral_link.closed":
        raise Forbidden from None
    if own is None:
        return _page(request, session, token, typed.values, seen=seen, refusal=refusal)
    now = _sent_by(session, token, installation_of(request)) or own
    return _sent(request, token, now, typed.values, refusal=refusal)


@router.get("/referred", name="referred")
@asks(Action.LOOK)
def referred(request: Request) -> HTMLResponse:
    """Thanks, the same for everyone: it tells nothing of what becomes of it."""
    return render(request, "referred.html")


def _sent_by(session: Session, token: str, installation: Installation) -> OwnReferral | None:
    """The referral that was sent by a link, as who sent it knows it; None where the link still refers.

    Raises Forbidden where it was used for what is not kept any more.
    """
    link = links.used(session, token, at=installation.clock())
    if link is None:
        return None
    own = reading.own_by_link(session, link.id)
    if own is None:
        raise Forbidden
    return own


def _sent(
    request: Request, token: str, own: OwnReferral, typed: Mapping[str, object], *, refusal: Refusal | None = None
) -> HTMLResponse:
    """Where the referral stands, and what is asked of it: nothing of what was written, for anyone who has the link."""
    installation = installation_of(request)
    with installation.of_program(_program_of(installation, token)) as session:
        form = form_shown(session, current_language(), outside=True)
        last_asked = asking_referrers.last_asked(session, own.id)
    return render(
        request,
        "sent_by_link.html",
        status=status_of(refusal) if refusal else 200,
        one=own,
        typed=typed,
        terms=participant_words,
        refusal=sentence_of(refusal) if refusal else "",
        form=form,
        asked=asked_shown(own.asked),
        last_asked=last_asked,
        action=_as_chosen(request, f"/refer/{token}"),
    )


def _program_of(installation: Installation, token: str) -> UUID:
    """The program that a link is of. Raises Forbidden."""
    with installation.before_a_program() as session:
        program_id = links.program_behind(session, token, at=installation.clock())
    if program_id is None:
        raise Forbidden
    return program_id


def _page(
    request: Request,
    session: Session,
    token: str,
    typed: Mapping[str, object],
    *,
    seen: int = 0,
    refusal: Refusal | None = None,
) -> HTMLResponse:
    here, language = program(session), current_language()
    return render(
        request,
        "refer_by_link.html",
        # Who only looks has asked for nothing that could be refused: the page says where it is gone on with.
        status=status_of(refusal) if refusal and request.method == "POST" else 200,
        program=title_of(here, language),
        typed=typed,
        seen=seen,
        elsewhere=refusal is not None and refusal.code == "referral_link.elsewhere",
        refusal=sentence_of(refusal) if refusal else "",
        action=_as_chosen(request, f"/refer/{token}"),
        form=form_shown(session, language, outside=True),
    )
