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
from api.access.session import Installation, end_stay, give_cookie, installation_of, take_cookie
from api.pages import demo_sign_in
from api.pages.frame import ribbon_of, see_other
from api.views.sentences import sentence_of
from api.web import browsers, limits
from api.web.answers import status_of
from api.web.browsers import BEGUN_SECONDS
from api.web.redirects import pass_on
from api.web.rendering import render
from domain.access import NotLetIn, Site, device_of, invitations, passkeys, sign_ins, site_of
from domain.kernel import Refusal, col, scalars, select
from domain.mail import checked_address
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
    installation = installation_of(request)
    options, challenge = passkeys.ask_for_any(site_or_refuse(installation))
    answer = Response(options, media_type="application/json")
    keep_challenge(installation, answer, "passkey", {"challenge": challenge})
    return answer


@router.post("/sign-in/passkey", name="passkey_sign_in", dependencies=[Depends(limits.sign_in_tried)])
@asks(Action.SIGN_IN)
def sign_in_by_passkey(request: Request, answer: Text = "") -> Response:
    """Sign in with the passkey that the browser proved."""
    installation = installation_of(request)
    try:
        token = _by_passkey(installation, request, answer)
    except Refusal as refusal:
        return _page(request, refusal)
    return welcome(installation, request, token)


@router.post("/sign-in/letter", name="ask_for_letter", dependencies=[Depends(limits.sign_in_tried)])
@asks(Action.SIGN_IN)
def ask_for_letter(request: Request, later: BackgroundTasks, address: Text = "") -> Response:
    """Ask for a link by letter, for a new device or a lost passkey.

    What is answered, and when, is the same for every address: who is known is looked up once the answer has left.
    """
    installation = installation_of(request)
    try:
        site_or_refuse(installation)
        address = checked_address(address.strip())
    except Refusal as refusal:
        return _page(request, refusal, status=status_of(refusal), address=address)
    limits.hit_for_letter(installation, request, address)
    answer = see_other("/sign-in/letter")
    browser = browsers.new_cookie()
    browsers.mark_asking(installation, answer, browser)
    later.add_task(_send_letters, installation, address, browser)
    answer.background = later
    return answer


@router.get("/sign-in/letter", name="letter_asked")
@asks(Action.SIGN_IN)
def letter_asked(request: Request) -> HTMLResponse:
    """What to do now that a link was asked for."""
    return render(request, "letter_asked.html", demonstrates=installation_of(request).demonstration)


@router.post("/sign-out", name="sign_out")
@asks(Action.SIGN_OUT)
def leave(request: Request) -> Response:
    """End the sign-in of this browser: here, and at the organization's directory where it began there."""
    installation = installation_of(request)
    means = end_stay(installation, request.cookies.get(installation.cookie, ""))
    there = installation.directory.farewell() if means == "entra" and installation.directory is not None else ""
    answer: Response = see_other("/sign-in")
    if there:
        title, text = gettext(N_("Signed out here")), gettext(N_("Your organization’s sign-in is ended too."))
        answer = pass_on(request, there, title=title, text=text)
    take_cookie(installation, answer)
    return answer


# What the doors by letter do as well.


def site_or_refuse(installation: Installation) -> Site:
    """The site that passkeys are bound to. Raises Refusal where this installation's address has none."""
    site = site_of(installation.base_url)
    if site is None:
        raise Refusal(
            "passkey.no_site",
            N_("This address is a number, and passkeys need a name. Tell the operator of the installation."),
        )
    return site


def keep_challenge(installation: Installation, answer: Response, kind: str, kept: dict[str, str]) -> None:
    """Keep what was asked of a browser until it answers, once."""
    cookie = browsers.new_cookie()
    browsers.mark_beginning(installation, answer, cookie)
    with installation.transaction() as session:
        sign_ins.keep(session, cookie, kind, kept, at=installation.clock(), open_for=timedelta(seconds=BEGUN_SECONDS))


def take_challenge(installation: Installation, request: Request, kind: str) -> dict[str, str]:
    """What was asked of this browser; it is then gone, whatever the answer. Raises Refusal."""
    with installation.transaction() as session:
        kept = sign_ins.take(session, browsers.begun_by(installation, request), kind, at=installation.clock())
    if kept is None:
        raise Refusal(
            "passkey.not_asked", N_("Your browser took too long, or this page’s script did not run. Try again.")
        )
    return kept


def record_refusal(installation: Installation, program_id: UUID, refused: NotLetIn) -> None:
    """Tell the record that a person was not let in, after all that they did is undone."""
    with installation.transaction(program_id) as session:
        sign_ins.refused(session, refused.person_id, means="passkey", reason=refused.reason, at=installation.clock())


def welcome(installation: Installation, request: Request, token: str) -> RedirectResponse:
    """Let the browser in under its new token, and end what stay it had: a cookie from before is worth nothing."""
    end_stay(installation, request.cookies.get(installation.cookie, ""))
    answer = see_other("/")
    browsers.forget(installation, answer)
    give_cookie(installation, token, answer)
    return answer


def device(request: Request) -> str:
    """The browser of a request, in names of ours."""
    return device_of(request.headers.get("user-agent", ""))


def _by_passkey(installation: Installation, request: Request, answer: str) -> str:
    """The token of a new sign-in. Raises Refusal."""
    site = site_or_refuse(installation)
    challenge = take_challenge(installation, request, "passkey")["challenge"]
    with installation.before_a_program() as session:
        program_id = passkeys.program_of_answer(session, answer)
    if program_id is None:
        raise Refusal(
            "passkey.stranger", N_("This passkey is not known here. It may have been removed, or is for another site.")
        )
    at = installation.clock()
    with installation.transaction(program_id) as session:
        try:
            person_id = passkeys.use(session, answer=answer, challenge=challenge, site=site, at=at)
        except NotLetIn as refused:
            session.rollback()
            record_refusal(installation, program_id, refused)
            raise
        return sign_ins.begin(session, person_id, means="passkey", device=device(request), at=at)


def _send_letters(installation: Installation, address: str, browser: str) -> None:
    """Send the link to everyone with access under this address, in every program. Never says whether there was one."""
    try:
        with installation.before_a_program() as session:
            programs: list[UUID] = list(scalars(session, select(Program.id).order_by(col(Program.key))))
        for program_id in programs:
            with installation.transaction(program_id) as session:
                invitations.send_enrolment_to_address(session, address, browser=browser, at=installation.clock())
    except Exception as error:  # noqa: BLE001  # the answer has left; the one who asked will ask again
        _log.error("a link by letter was not written", extra={"error": type(error).__name__})  # no text of others


def _page(request: Request, refusal: Refusal | None = None, *, status: int = 403, address: str = "") -> HTMLResponse:
    installation = installation_of(request)
    programs = demo_sign_in.demonstrated(installation) if installation.demonstration else []
    request.state.page = {"demonstration": ribbon_of(installation, programs)}
    return render(
        request,
        "sign_in.html",
        status=status if refusal else 200,
        demonstrates=installation.demonstration,
        groups=demo_sign_in.groups_of(installation, programs),
        is_being_written=installation.is_being_written(),
        refusal=sentence_of(refusal) if refusal else "",
        address=address,
        elsewhere=_elsewhere(installation, request),
        has_directory=installation.directory is not None,
        has_site=site_of(installation.base_url) is not None,
    )


def _elsewhere(installation: Installation, request: Request) -> str:
    """The program's own address where the page was asked for under another of this machine's names, else "".

    A passkey is bound to one name: 127.0.0.1 and localhost are two to a browser.
    """
    own = urlsplit(installation.base_url).netloc
    return "" if installation.is_https or request.headers.get("host", "") == own else installation.base_url
