"""How people come in and go out: by a passkey, by their organization's account, or by a link for a lost passkey."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.access.permissions import Action, asks
from api.access.session import Office, end_stay, give_cookie, office_of, take_cookie
from api.pages import demo_sign_in
from api.pages.frame import ribbon_of, see_other
from api.views.sentences import sentence_of
from api.web import browsers, limits
from api.web.answers import status_of
from api.web.browsers import BEGUN_SECONDS
from api.web.redirects import pass_on
from api.web.rendering import render
from domain.access import invitations, passkeys, sign_ins
from domain.access.sign_ins import NotLetIn, device_of
from domain.access.sites import Site, site_of
from domain.kernel.refusals import Refusal
from domain.kernel.rows import col, scalars, select
from domain.mail.envelopes import checked_address
from locales import N_, gettext
from models.program import Program

router = APIRouter(include_in_schema=False)

_log = logging.getLogger("spheres.web")

Text = Annotated[str, Form()]


@router.get("/sign-in", name="sign_in")
@asks(Action.SIGN_IN)
def ways_in(request: Request) -> HTMLResponse:
    """Every way to sign in that this installation has; in the demonstration, first the choice of a person."""
    return _page(request)


@router.post("/sign-in/passkey/options", name="passkey_options", dependencies=[Depends(limits.sign_in_tried)])
@asks(Action.SIGN_IN)
def ask_for_passkey(request: Request) -> Response:
    """What the page's script asks the browser, with a challenge that is kept here and good for one answer."""
    office = office_of(request)
    options, challenge = passkeys.ask_for_any(site_or_refuse(office))
    answer = Response(options, media_type="application/json")
    keep_challenge(office, answer, "passkey", {"challenge": challenge})
    return answer


@router.post("/sign-in/passkey", name="passkey_sign_in", dependencies=[Depends(limits.sign_in_tried)])
@asks(Action.SIGN_IN)
def sign_in_by_passkey(request: Request, answer: Text = "") -> Response:
    """Sign in with the passkey that the browser proved."""
    office = office_of(request)
    try:
        token = _by_passkey(office, request, answer)
    except Refusal as refusal:
        return _page(request, refusal)
    return welcome(office, request, token)


@router.post("/sign-in/letter", name="ask_for_letter", dependencies=[Depends(limits.sign_in_tried)])
@asks(Action.SIGN_IN)
def ask_for_letter(request: Request, later: BackgroundTasks, address: Text = "") -> Response:
    """Ask for a link by letter, for a new device or a lost passkey.

    What is answered, and when, is the same for every address: who is known is looked up once the answer has left.
    """
    office = office_of(request)
    try:
        site_or_refuse(office)
        address = checked_address(address.strip())
    except Refusal as refusal:
        return _page(request, refusal, status=status_of(refusal), address=address)
    limits.hit_for_letter(office, request, address)
    answer = see_other("/sign-in/letter")
    browser = browsers.new_cookie()
    browsers.mark_asking(office, answer, browser)
    later.add_task(_send_letters, office, address, browser)
    answer.background = later
    return answer


@router.get("/sign-in/letter", name="letter_asked")
@asks(Action.SIGN_IN)
def letter_asked(request: Request) -> HTMLResponse:
    """What to do now that a link was asked for."""
    return render(request, "letter_asked.html", demonstrates=office_of(request).demonstration)


@router.post("/sign-out", name="sign_out")
@asks(Action.SIGN_OUT)
def leave(request: Request) -> Response:
    """End the sign-in of this browser: here, and at the organization's directory where it began there."""
    office = office_of(request)
    means = end_stay(office, request.cookies.get(office.cookie, ""))
    there = office.directory.farewell() if means == "entra" and office.directory is not None else ""
    answer: Response = see_other("/sign-in")
    if there:
        title, text = gettext(N_("Signed out here")), gettext(N_("Your organization’s sign-in is ended too."))
        answer = pass_on(request, there, title=title, text=text)
    take_cookie(office, answer)
    return answer


# What the doors by letter do as well.


def site_or_refuse(office: Office) -> Site:
    """The site that passkeys are bound to. Raises Refusal where this installation's address has none."""
    site = site_of(office.base_url)
    if site is None:
        raise Refusal(
            "passkey.no_site",
            N_("This address is a number, and passkeys need a name. Tell the operator of the installation."),
        )
    return site


def keep_challenge(office: Office, answer: Response, kind: str, kept: dict[str, str]) -> None:
    """Keep what was asked of a browser until it answers, once."""
    cookie = browsers.new_cookie()
    browsers.mark_beginning(office, answer, cookie)
    with office.transaction() as session:
        sign_ins.keep(session, cookie, kind, kept, at=office.clock(), open_for=timedelta(seconds=BEGUN_SECONDS))


def take_challenge(office: Office, request: Request, kind: str) -> dict[str, str]:
    """What was asked of this browser; it is then gone, whatever the answer. Raises Refusal."""
    with office.transaction() as session:
        kept = sign_ins.take(session, browsers.begun_by(office, request), kind, at=office.clock())
    if kept is None:
        raise Refusal(
            "passkey.not_asked", N_("Your browser took too long, or this page’s script did not run. Try again.")
        )
    return kept


def record_refusal(office: Office, program_id: UUID, refused: NotLetIn) -> None:
    """Tell the record that a person was not let in, after all that they did is undone."""
    with office.transaction(program_id) as session:
        sign_ins.refused(session, refused.person_id, means="passkey", reason=refused.reason, at=office.clock())


def welcome(office: Office, request: Request, token: str) -> RedirectResponse:
    """Let the browser in under its new token, and end what stay it had: a cookie from before is worth nothing."""
    end_stay(office, request.cookies.get(office.cookie, ""))
    answer = see_other("/")
    browsers.forget(office, answer)
    give_cookie(office, token, answer)
    return answer


def device(request: Request) -> str:
    """The browser of a request, in names of ours."""
    return device_of(request.headers.get("user-agent", ""))


def _by_passkey(office: Office, request: Request, answer: str) -> str:
    """The token of a new sign-in. Raises Refusal."""
    site = site_or_refuse(office)
    challenge = take_challenge(office, request, "passkey")["challenge"]
    with office.before_a_program() as session:
        program_id = passkeys.program_of_answer(session, answer)
    if program_id is None:
        raise Refusal(
            "passkey.stranger", N_("This passkey is not known here. It may have been removed, or is for another site.")
        )
    at = office.clock()
    with office.transaction(program_id) as session:
        try:
            person_id = passkeys.use(session, answer=answer, challenge=challenge, site=site, at=at)
        except NotLetIn as refused:
            session.rollback()
            record_refusal(office, program_id, refused)
            raise
        return sign_ins.begin(session, person_id, means="passkey", device=device(request), at=at)


def _send_letters(office: Office, address: str, browser: str) -> None:
    """Send the link to everyone with access under this address, in every program. Never says whether there was one."""
    try:
        with office.before_a_program() as session:
            programs: list[UUID] = list(scalars(session, select(Program.id).order_by(col(Program.key))))
        for program_id in programs:
            with office.transaction(program_id) as session:
                invitations.send_enrolment_to_address(session, address, browser=browser, at=office.clock())
    except Exception as error:  # noqa: BLE001  # the answer has left; the one who asked will ask again
        _log.error("a link by letter was not written", extra={"error": type(error).__name__})  # no text of others


def _page(request: Request, refusal: Refusal | None = None, *, status: int = 403, address: str = "") -> HTMLResponse:
    office = office_of(request)
    programs = demo_sign_in.demonstrated(office) if office.demonstration else []
    request.state.page = {"demonstration": ribbon_of(office, programs)}
    return render(
        request,
        "sign_in.html",
        status=status if refusal else 200,
        demonstrates=office.demonstration,
        groups=demo_sign_in.groups_of(office, programs),
        is_being_written=office.is_being_written(),
        refusal=sentence_of(refusal) if refusal else "",
        address=address,
        elsewhere=_elsewhere(office, request),
        has_directory=office.directory is not None,
        has_site=site_of(office.base_url) is not None,
    )


def _elsewhere(office: Office, request: Request) -> str:
    """The program's own address where the page was asked for under another of this machine's names, else "".

    A passkey is bound to one name: 127.0.0.1 and localhost are two to a browser.
    """
    own = urlsplit(office.base_url).netloc
    return "" if office.is_https or request.headers.get("host", "") == own else office.base_url
