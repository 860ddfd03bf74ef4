"""Doors by letter: the page behind a link that was mailed, which asks before anything happens.

A scanner of mail follows links too: looking at a door changes nothing, and only its button opens it.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse

from api.access.permissions import Action, asks
from api.access.session import Office, office_of
from api.pages.frame import see_other
from api.pages.sign_in import device, keep_challenge, record_refusal, site_or_refuse, take_challenge, welcome
from api.views.sentences import sentence_of
from api.web import browsers, limits
from api.web.rendering import render
from domain.access import doors, invitations, passkeys, sign_ins
from domain.access.doors import ENROLMENT, INVITATION, Leads
from domain.access.sign_ins import NotLetIn
from domain.access.sites import site_of
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.scope import program
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
    office = office_of(request)
    leads = _look(request, token)
    if leads is None or leads.kind != INVITATION:
        return closed(request)
    browser = browsers.new_cookie()
    to = "/sign-in/letter"
    with office.transaction(leads.program_id) as session:
        try:
            site_or_refuse(office)
            invitations.accept(session, token, at=office.clock())
            if leads.made_by is None:
                to = invitations.enrol_here(session, leads, browser=browser, at=office.clock())
            else:
                by = Actor(role="", person_id=leads.person_id)
                invitations.send_enrolment(
                    session, leads.person_id, browser=browser, by=by, at=office.clock(), invited=True
                )
        except Refusal as refusal:
            session.rollback()
            return _page(request, token, leads, refusal)
    answer = see_other(to)
    browsers.mark_asking(office, answer, browser)
    return answer


@router.post("/door/{token}/options", name="enrolment_options", dependencies=_COUNTED)
@asks(Action.SIGN_IN)
def ask_for_new_passkey(request: Request, token: str) -> Response:
    """What the page's script asks the browser to make, with a challenge that is kept here for this door."""
    office = office_of(request)
    leads = _look(request, token)
    if leads is None or leads.kind != ENROLMENT:
        return closed(request)
    with office.of_program(leads.program_id) as session:
        options, challenge = passkeys.ask_to_enrol(
            session, leads.person_id, site_or_refuse(office), language=current_language()
        )
    answer = Response(options, media_type="application/json")
    keep_challenge(office, answer, "enrolment", {"challenge": challenge, "door": leads.token_digest})
    return answer


@router.post("/door/{token}/passkey", name="enrol_passkey", dependencies=_COUNTED)
@asks(Action.SIGN_IN)
def enrol_passkey(request: Request, token: str, answer: Text = "") -> Response:
    """Enrol the passkey that the browser made, and sign in with it. The door is then shut."""
    office = office_of(request)
    leads = _look(request, token)
    if leads is None or leads.kind != ENROLMENT:
        return closed(request)
    try:
        signed_in = _enrol(office, request, token, leads, answer)
    except Refusal as refusal:
        return _page(request, token, leads, refusal)
    return welcome(office, request, signed_in)


def _enrol(office: Office, request: Request, token: str, leads: Leads, answer: str) -> str:
    """The token of a new sign-in, with the passkey and the used door in one transaction. Raises Refusal."""
    at = office.clock()
    kept = take_challenge(office, request, "enrolment")
    with office.transaction(leads.program_id) as session:
        try:
            if kept["door"] != leads.token_digest:
                raise NotLetIn(leads.person_id, "not_proved")  # what was asked behind another door
            invitations.pass_through(session, token, ENROLMENT, at=at, browser=browsers.asked_by(office, request))
            invitations.may_come_in(session, leads.person_id, at=at)
            passkeys.enrol(
                session,
                leads.person_id,
                answer=answer,
                challenge=kept["challenge"],
                site=site_or_refuse(office),
                device=device(request),
                at=at,
            )
        except NotLetIn as refused:
            session.rollback()
            record_refusal(office, leads.program_id, refused)
            raise
        return sign_ins.begin(session, leads.person_id, means="passkey", device=device(request), at=at)


def _look(request: Request, token: str) -> Leads | None:
    office = office_of(request)
    with office.before_a_program() as session:
        return doors.look(session, token, at=office.clock(), browser=browsers.asked_by(office, request))


def closed(request: Request) -> HTMLResponse:
    """The one page of every door that does not open: used, too old, of another browser, or never there."""
    return render(request, "door_closed.html", status=404)


def _page(request: Request, token: str, leads: Leads, refusal: Refusal | None = None) -> HTMLResponse:
    office = office_of(request)
    with office.of_program(leads.program_id) as session:
        here = program(session)
    return render(
        request,
        "door.html",
        status=409 if refusal else 200,
        token=token,
        kind=leads.kind,
        handed_over=leads.made_by is None,
        program_title=_title(here),
        has_directory=office.directory is not None,
        has_site=site_of(office.base_url) is not None,
        expires_at=leads.expires_at,
        refusal=sentence_of(refusal) if refusal else "",
    )


def _title(here: Program) -> str:
    return here.title_fr if current_language() == "fr" else here.title_en
