"""Referring a person, phone first and saved as one goes; and the coordinator's board of what came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import Form, Request, Response
from fastapi.responses import HTMLResponse

from api.access.participants import drafter
from api.access.permissions import Action, asks, require, to_program
from api.access.session import AtDesk, Desk
from api.pages.forms import Text
from api.pages.frame import framed_pages, page, see_other
from api.pages.referral_fields import TypedReferral, form_shown, typed_of
from api.views.criteria import NAMES
from api.views.referrals import board_of
from api.views.tasks import names_of
from domain.kernel.refusals import Refusal
from domain.participants import links, reading, referring
from domain.participants.referral_form import ReferralForm
from locales import gettext
from models.referral import CRITERIA

router = framed_pages("/referrals")

Seen = Annotated[int, Form()]


@router.get("", name="referrals")
@asks(Action.REFER)
def show_referrals(desk: AtDesk, request: Request) -> HTMLResponse:
    """One's own drafts and referrals; for the coordinator, what came and where it stands."""
    require(Action.REFER, to_program(desk.asker))
    return _board(desk, request)


@router.get("/new", name="new_referral")
@asks(Action.REFER)
def new_referral(desk: AtDesk, request: Request) -> HTMLResponse:
    """An empty form."""
    require(Action.REFER, to_program(desk.asker))
    return _form(desk, request, None, typed_of(ReferralForm()))


@router.post("")
@asks(Action.REFER)
def begin_referral(desk: AtDesk, request: Request, typed: TypedReferral, do: Text = "save") -> Response:
    """Save what was typed as a draft, or send it at once."""
    by = require(Action.REFER, to_program(desk.asker))
    made: list[UUID] = []

    def act() -> None:
        form = typed.form()
        made.append(referring.begin_referral(desk.session, form, by=by, at=desk.at))
        if do == "send":
            referring.send_referral(desk.session, made[0], form, by=by, at=desk.at)

    refusal = desk.attempt(act)
    if refusal is not None:
        return _form(desk, request, None, typed.values, refusal=refusal)
    return see_other("/referrals?sent=yes" if do == "send" else f"/referrals/{made[0]}")


@router.post("/links")
@asks(Action.TRIAGE)
def make_link(desk: AtDesk, request: Request) -> Response:
    """A link for one outside professional, shown now and never again."""
    by = require(Action.TRIAGE, to_program(desk.asker))
    _, token = links.make_link(desk.session, by=by, at=desk.at)
    return _board(desk, request, link=f"{desk.office.base_url}/refer/{token}")


@router.post("/links/{link_id}/ending")
@asks(Action.TRIAGE)
def end_link(desk: AtDesk, request: Request, link_id: UUID) -> Response:
    """Take back a link that was not used."""
    by = require(Action.TRIAGE, to_program(desk.asker))
    refusal = desk.attempt(lambda: referring.end_link(desk.session, link_id, by=by, at=desk.at))
    return _board(desk, request, refusal=refusal) if refusal else see_other("/referrals#links")


@router.get("/{referral_id}", name="referral")
@asks(Action.KEEP_DRAFT)
def show_draft(desk: AtDesk, request: Request, referral_id: UUID) -> Response:
    """One's own draft, to go on with."""
    by = drafter(desk.session, desk.asker, referral_id)
    form, version = referring.draft_of(desk.session, referral_id, by=by, at=desk.at)
    return _form(desk, request, referral_id, typed_of(form), seen=version)


@router.post("/{referral_id}")
@asks(Action.KEEP_DRAFT)
def save_draft(
    desk: AtDesk, request: Request, referral_id: UUID, seen: Seen, typed: TypedReferral, do: Text = "save"
) -> Response:
    """Save a draft, or send it."""
    by = drafter(desk.session, desk.asker, referral_id)

    def act() -> None:
        verb = referring.send_referral if do == "send" else referring.save_referral
        verb(desk.session, referral_id, typed.form(), by=by, at=desk.at, seen=seen)

    refusal = desk.attempt(act)
    if refusal is None:
        return see_other("/referrals?sent=yes" if do == "send" else f"/referrals/{referral_id}")
    return _form(desk, request, referral_id, typed.values, seen=seen, refusal=refusal)


@router.post("/{referral_id}/abandonment")
@asks(Action.KEEP_DRAFT)
def abandon_draft(desk: AtDesk, referral_id: UUID) -> Response:
    """Throw a draft away."""
    by = drafter(desk.session, desk.asker, referral_id)
    refusal = desk.attempt(lambda: referring.abandon_referral(desk.session, referral_id, by=by, at=desk.at))
    if refusal is not None:
        raise refusal
    return see_other("/referrals")


def _form(
    desk: Desk,
    request: Request,
    referral_id: UUID | None,
    typed: Mapping[str, Any],
    *,
    seen: int = 0,
    refusal: Refusal | None = None,
) -> HTMLResponse:
    return page(
        desk,
        request,
        "referral.html",
        refused=refusal,
        typed=typed,
        action=f"/referrals/{referral_id}" if referral_id else "/referrals",
        seen=seen,
        is_draft=referral_id is not None,
        form=form_shown(desk.session, desk.language),
    )


def _board(desk: Desk, request: Request, *, refusal: Refusal | None = None, link: str = "") -> HTMLResponse:
    board = board_of(desk)
    return page(
        desk,
        request,
        "referrals.html",
        refused=refusal,
        sent=request.query_params.get("sent") == "yes",
        mine=reading.mine(desk.session, desk.asker.person_id),
        board=board,
        names=names_of(desk, board.people if board else ()),
        link=link,
        now=desk.at,
        criteria=[(criterion, gettext(NAMES[criterion])) for criterion in CRITERIA],
    )
