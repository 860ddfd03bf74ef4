"""Doors by letter: the page behind a link that was mailed, which asks before anything happens.

A scanner of mail follows links too: looking at a door changes nothing, and only its button opens it.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse

from api.access.permissions import Action, asks
from api.access.session import Installation, installation_of
from api.pages.frame import see_other
from api.pages.sign_in import device, keep_challenge, record_refusal, site_or_refuse, take_challenge, welcome
from api.views.sentences import sentence_of
from api.web import browsers, limits
from api.web.rendering import render
from domain.access import ENROLMENT, INVITATION, Leads, NotLetIn, doors, invitations, passkeys, sign_ins, site_of
from domain.kernel import Actor, Refusal, program, title_of
from locales import current_language
from models.program import Program

router = APIRouter(include_in_schema=False)

#: Of every button; looking is free, and changes nothing, not even a count.
_COUNTED = [Depends(limits.sign_in_tried)]

Text = Annotated[str, Form()]


@router.get("/door/{token}", name="door")
@asks(Action.SIGN_IN)
def show_door(request: Request, token: str) -> HTMLResponse:
    """What the link of a letter leads to, and the buttons that go on. Changes nothing."""
    leads = _look(request, token)
    return closed(request) if leads is None else _page(request, token, leads)


@router.post("/door/{token}", dependencies=_COUNTED)
@asks(Action.SIGN_IN)
def accept_by_passkey(request: Request, token: str) -> Response:
    """Accept an invitation and go on by a passkey: a link for this browser alone is mailed to the invited person.

    So a thief of the invitation who does not have the mailbox does not come in. One that was handed over leads on
    at once.
    """
    installation = installation_of(request)
    leads = _look(request, token)
    if leads is None or leads.kind != INVITATION:
        return closed(request)
    browser = browsers.new_cookie()
    to = "/sign-in/letter"
    with installation.transaction(leads.program_id) as session:
        try:
            site_or_refuse(installation)
            invitations.accept(session, token, at=installation.clock())
            if leads.made_by is None:
                to = invitations.enrol_here(session, leads, browser=browser, at=installation.clock())
            else:
                by = Actor(role="", person_id=leads.person_id)
                invitations.send_enrolment(
                    session, leads.person_id, browser=browser, by=by, at=installation.clock(), invited=True
                )
        except Refusal as refusal:
            session.rollback()
            return _page(request, token, leads, refusal)
    answer = see_other(to)
    browsers.mark_asking(installation, answer, browser)
    return answer


@router.post("/door/{token}/options", name="enrolment_options", dependencies=_COUNTED)
@asks(Action.SIGN_IN)
def ask_for_new_passkey(request: Request, token: str) -> Response:
    """What the page's script asks the browser to make, with a challenge that is kept here for this door."""
    installation = installation_of(request)
    leads = _look(request, token)
    if leads is None or leads.kind != ENROLMENT:
        return closed(request)
    with installation.of_program(leads.program_id) as session:
        options, challenge = passkeys.ask_to_enrol(
            session, leads.person_id, site_or_refuse(installation), language=current_language()
        )
    answer = Response(options, media_type="application/json")
    keep_challenge(installation, answer, "enrolment", {"challenge": challenge, "door": leads.token_digest})
    return answer


@router.post("/door/{token}/passkey", name="enrol_passkey", dependencies=_COUNTED)
@asks(Action.SIGN_IN)
def enrol_passkey(request: Request, token: str, answer: Text = "") -> Response:
    """Enrol the passkey that the browser made, and sign in with it. The door is then shut."""
    installation = installation_of(request)
    leads = _look(request, token)
    if leads is None or leads.kind != ENROLMENT:
        return closed(request)
    try:
        signed_in = _enrol(installation, request, token, leads, answer)
    except Refusal as refusal:
        return _page(request, token, leads, refusal)
    return welcome(installation, request, signed_in)


def _enrol(installation: Installation, request: Request, token: str, leads: Leads, answer: str) -> str:
    """The token of a new sign-in, with the passkey and the used door in one transaction. Raises Refusal."""
    at = installation.clock()
    kept = take_challenge(installation, request, "enrolment")
    with installation.transaction(leads.program_id) as session:
        try:
            if kept["door"] != leads.token_digest:
                raise NotLetIn(leads.person_id, "not_proved")  # what was asked behind another door
            invitations.pass_through(session, token, ENROLMENT, at=at, browser=browsers.asked_by(installation, request))
            invitations.may_come_in(session, leads.person_id, at=at)
            passkeys.enrol(
                session,
                leads.person_id,
                answer=answer,
                challenge=kept["challenge"],
                site=site_or_refuse(installation),
                device=device(request),
                at=at,
            )
        except NotLetIn as refused:
            session.rollback()
            record_refusal(installation, leads.program_id, refused)
            raise
        return sign_ins.begin(session, leads.person_id, means="passkey", device=device(request), at=at)


def _look(request: Request, token: str) -> Leads | None:
    installation = installation_of(request)
    with installation.before_a_program() as session:
        return doors.look(session, token, at=installation.clock(), browser=browsers.asked_by(installation, request))


def closed(request: Request) -> HTMLResponse:
    """The one page of every door that does not open: used, too old, of another browser, or never there."""
    return render(request, "door_closed.html", status=404)


def _page(request: Request, token: str, leads: Leads, refusal: Refusal | None = None) -> HTMLResponse:
    installation = installation_of(request)
    with installation.of_program(leads.program_id) as session:
        here = program(session)
    return render(
        request,
        "door.html",
        status=409 if refusal else 200,
        token=token,
        kind=leads.kind,
        handed_over=leads.made_by is None,
        program_title=_title(here),
        has_directory=installation.directory is not None,
        has_site=site_of(installation.base_url) is not None,
        expires_at=leads.expires_at,
        refusal=sentence_of(refusal) if refusal else "",
    )


def _title(here: Program) -> str:
    return title_of(here, current_language())
