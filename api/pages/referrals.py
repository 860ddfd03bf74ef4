"""Referring a person, phone first and saved as one goes; and the coordinator's board of what came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import Form, Request, Response
from fastapi.responses import HTMLResponse

from api.access.participants import drafter, sent_referral, to_draft
from api.access.permissions import Action, asks, is_allowed, require, to_program
from api.access.session import InContext, RequestContext
from api.acts.declaring import On
from api.acts.triage import SENT
from api.pages.act_routes import act_pages
from api.pages.forms import Text, Typed
from api.pages.frame import answered, framed_pages, page, see_other
from api.pages.idempotent_forms import AtOnce
from api.pages.referral_fields import TypedReferral, asked_shown, form_shown, typed_of
from api.views import participant_words
from api.views.criteria import NAMES
from api.views.participant_words import STANDS
from api.views.referrals import board_of, hearing_of
from api.views.tasks import names_of
from domain.admissions import asking_referrers
from domain.kernel import Refusal
from domain.participants import OwnReferral, ReferralForm, links, reading, referring
from locales import gettext
from models.referral import CRITERIA

router = framed_pages("/referrals")

Seen = Annotated[int, Form()]


@router.get("", name="referrals")
@asks(Action.REFER)
def show_referrals(context: InContext, request: Request) -> HTMLResponse:
    """One's own drafts and referrals; for the coordinator, what came and where it stands."""
    require(Action.REFER, to_program(context.asker))
    return _board(context, request)


@router.get("/new", name="new_referral")
@asks(Action.REFER)
def new_referral(context: InContext, request: Request) -> HTMLResponse:
    """An empty form."""
    require(Action.REFER, to_program(context.asker))
    return _form(context, request, None, typed_of(ReferralForm()))


@router.post("")
@asks(Action.REFER)
def begin_referral(
    context: InContext, request: Request, once: AtOnce, typed: TypedReferral, do: Text = "save"
) -> Response:
    """Save what was typed as a draft, or send it at once. What is sent is sent once; a draft is saved as one types."""
    by = require(Action.REFER, to_program(context.asker))

    def act() -> str:
        form = typed.form()
        made = referring.begin_referral(context.session, form, by=by, at=context.at)
        if do != "send":
            return f"/referrals/{made}"
        referring.send_referral(context.session, made, form, by=by, at=context.at)
        return "/referrals?sent=yes"

    outcome = (once if do == "send" else replace(once, key="")).attempt(act)
    return answered(outcome, lambda why: _form(context, request, None, typed.values, refusal=why))


@router.post("/links")
@asks(Action.TRIAGE)
def make_link(context: InContext, request: Request) -> Response:
    """A link for one outside professional, shown now and never again."""
    by = require(Action.TRIAGE, to_program(context.asker))
    _, token = links.make_link(context.session, by=by, at=context.at)
    return _board(context, request, link=f"{context.installation.base_url}/refer/{token}")


@router.post("/links/{link_id}/ending")
@asks(Action.TRIAGE)
def end_link(context: InContext, request: Request, link_id: UUID) -> Response:
    """Take back a link that was not used."""
    by = require(Action.TRIAGE, to_program(context.asker))
    refusal = context.attempt(lambda: referring.end_link(context.session, link_id, by=by, at=context.at))
    return _board(context, request, refusal=refusal) if refusal else see_other("/referrals#links")


@router.get("/{referral_id}", name="referral")
@asks(Action.KEEP_DRAFT)
def show_draft(context: InContext, request: Request, referral_id: UUID) -> Response:
    """One's own draft, to go on with; one that was sent, where it stands and what is asked of it."""
    given = to_draft(context.session, context.asker, referral_id)
    if not is_allowed(Action.KEEP_DRAFT, given):
        own, _ = sent_referral(context.session, context.asker, referral_id)
        return _sent(context, request, own, Typed())
    by = require(Action.KEEP_DRAFT, given)
    form, version = referring.draft_of(context.session, referral_id, by=by, at=context.at)
    return _form(context, request, referral_id, typed_of(form), seen=version)


@router.post("/{referral_id}")
@asks(Action.KEEP_DRAFT)
def save_draft(
    context: InContext, request: Request, referral_id: UUID, seen: Seen, typed: TypedReferral, do: Text = "save"
) -> Response:
    """Save a draft, or send it."""
    by = drafter(context.session, context.asker, referral_id)

    def act() -> None:
        verb = referring.send_referral if do == "send" else referring.save_referral
        verb(context.session, referral_id, typed.form(), by=by, at=context.at, seen=seen)

    refusal = context.attempt(act)
    if refusal is None:
        return see_other("/referrals?sent=yes" if do == "send" else f"/referrals/{referral_id}")
    return _form(context, request, referral_id, typed.values, seen=seen, refusal=refusal)


@router.post("/{referral_id}/abandonment")
@asks(Action.KEEP_DRAFT)
def abandon_draft(context: InContext, referral_id: UUID) -> Response:
    """Throw a draft away."""
    by = drafter(context.session, context.asker, referral_id)
    refusal = context.attempt(lambda: referring.abandon_referral(context.session, referral_id, by=by, at=context.at))
    if refusal is not None:
        raise refusal
    return see_other("/referrals")


def _sent(context: RequestContext, request: Request, own: OwnReferral, typed: Typed) -> HTMLResponse:
    return page(
        context,
        request,
        "sent_referral.html",
        typed=typed,
        one=own,
        terms=participant_words,
        workers=hearing_of(context, own.id),
        form=form_shown(context.session, context.language),
        asked=asked_shown(own.asked),
        last_asked=asking_referrers.last_asked(context.session, own.id),
    )


def _shown(on: On[OwnReferral], request: Request, typed: Typed) -> Response:
    return _sent(on.context, request, sent_referral(on.session, on.context.asker, on.id)[0], typed)


act_pages(router, SENT, _shown)


def _form(
    context: RequestContext,
    request: Request,
    referral_id: UUID | None,
    typed: Mapping[str, object],
    *,
    seen: int = 0,
    refusal: Refusal | None = None,
) -> HTMLResponse:
    return page(
        context,
        request,
        "referral.html",
        refused=refusal,
        typed=typed,
        action=f"/referrals/{referral_id}" if referral_id else "/referrals",
        seen=seen,
        is_draft=referral_id is not None,
        form=form_shown(context.session, context.language),
    )


def _board(
    context: RequestContext, request: Request, *, refusal: Refusal | None = None, link: str = ""
) -> HTMLResponse:
    board = board_of(context)
    return page(
        context,
        request,
        "referrals.html",
        refused=refusal,
        sent=request.query_params.get("sent") == "yes",
        mine=reading.mine(context.session, context.asker.person_id),
        board=board,
        names=names_of(context, board.people if board else ()),
        link=link,
        stands=STANDS,
        now=context.at,
        criteria=[(criterion, gettext(NAMES[criterion])) for criterion in CRITERIA],
    )
