"""Signing in with the account of one's own organization: to its directory and back, and which program it opens.

The browser comes back by a form that the directory's page posts (`form_post`): so the code stands in no address, log or
history. Such a form comes from another site, so the cookie of a sign-in that has begun must be SameSite=None. It lets
no one in and lives ten minutes, and by its `__Host-` name no neighbour of this host can plant one.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Final, NamedTuple
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from api.access.permissions import Action, Forbidden, asks
from api.access.session import Installation, installation_of
from api.pages.doors import closed
from api.pages.frame import see_other
from api.pages.sign_in import device, welcome
from api.views.sentences import sentence_of
from api.web import browsers, limits
from api.web.guard import FROM_ELSEWHERE
from api.web.redirects import pass_on
from api.web.rendering import render
from domain.access import INVITATION, KnownPerson, NotLetIn, ProvenAccount, doors, identities, sign_ins
from domain.kernel import Refusal, local_day, program, title_of
from domain.roles import standing
from locales import N_, current_language, gettext
from models.ports import Begun, FlowKept, ProviderUnavailable, SignInProvider, Unproven

router = APIRouter(include_in_schema=False)

#: Our addresses that the directory knows, both written in the registration: where people come back to once they have
#: signed in there, and once they have signed out.
CALLBACK: Final = FROM_ELSEWHERE
LEFT_TO: Final = "/sign-in"

#: Of what begins or ends a sign-in; looking is free.
_COUNTED: Final = [Depends(limits.sign_in_tried)]

_log = logging.getLogger("spheres.web")

#: What a directory posts back is a few hundred letters in a handful of fields.
_LARGEST_ANSWER: Final = 32 * 1024
_MOST_FIELDS: Final = 20

_STALE: Final = N_(
    "This sign-in was not begun in this browser, took too long, or was used already. Begin again; nothing was changed."
)
_UNPROVEN: Final = N_(
    "Your organization’s sign-in did not prove to us who you are. Begin again; if it "
    "happens twice, tell the operator of the installation."
)
_CANCELLED: Final = N_("You went back before your organization’s sign-in was done. Nothing was changed.")
_AWAY: Final = N_(
    "Your organization’s sign-in cannot be reached for the moment. Try again in a "
    "few minutes; if this continues, tell the operator of the installation."
)
#: Refusals of a link that the record is told of, and its word for each. A link used twice, or too early, is no news.
_RECORDED: Final = {"identity.taken": "account_taken", "access.no_role": "no_role"}

#: To those who are known and hold nothing today, and to those whom nobody knows, alike.
_NOTHING_HERE: Final = N_(
    "This account opens nothing here today. If you were invited, use the link in "
    "your invitation; otherwise, ask your manager or the program’s coordination."
)


@router.get("/sign-in/entra", name="entra", dependencies=_COUNTED)
@asks(Action.SIGN_IN)
def begin(request: Request) -> Response:
    """Go to the directory, from a link."""
    begun = _begun(request)
    if not isinstance(begun, Begun):
        return begun
    answer = RedirectResponse(begun.address, 303)
    _keep(installation_of(request), answer, {"flow": dict(begun.kept)})
    return answer


@router.post("/sign-in/entra", dependencies=_COUNTED)
@asks(Action.SIGN_IN)
def begin_by_form(request: Request, door: Annotated[str, Form()] = "", choose: Annotated[str, Form()] = "") -> Response:
    """Go to the directory, from a form: that of the sign-in page, or of an invitation whose `door` is then taken.

    A person who answers an invitation, or wants to `choose`, is asked there by which account. At a shared computer the
    directory would else prove the last person who signed in. Their account would be linked to the invited person, or no
    other could come in.
    """
    installation = installation_of(request)
    if door and _invited_to(installation, door) is None:
        return closed(request)
    begun = _begun(request, choosing=bool(door or choose))
    if not isinstance(begun, Begun):
        return begun
    answer = pass_on(
        request,
        begun.address,
        title=gettext(N_("Go to your organization’s sign-in")),
        text=gettext(N_("You come back here once you have signed in there.")),
    )
    _keep(installation, answer, {"flow": dict(begun.kept)}, door=door)
    return answer


async def _posted(request: Request) -> Mapping[str, str]:
    """The fields of the form that a directory's page posts; nothing where it is no such form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if kind != "application/x-www-form-urlencoded" or len(body) > _LARGEST_ANSWER:
        return {}
    try:
        fields = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return {}
    # A field that comes twice may be read one way here and another there.
    return dict(fields) if len(dict(fields)) == len(fields) else {}


@router.post(CALLBACK, name="entra_callback", dependencies=_COUNTED)
@asks(Action.SIGN_IN)
def come_back(request: Request, posted: Annotated[Mapping[str, str], Depends(_posted)]) -> Response:
    """Back from the directory. The one form that another site may post: what it brings is worth something only
    together with what this browser's own cookie was kept for, once."""
    installation = installation_of(request)
    directory = _directory(installation)
    cookie = browsers.gone_from(installation, request)
    kept = _taken(installation, cookie)
    if kept is None or "flow" not in kept:
        return _refused(request, gettext(_STALE))
    found = directory.finish(kept["flow"], posted)
    if isinstance(found, Unproven):
        _log.warning("nobody was proven by the directory", extra={"code": found.code})
        went_back = found.code == "cancelled"
        return _refused(request, gettext(_CANCELLED if went_back else _UNPROVEN))
    if isinstance(found, ProviderUnavailable):
        return _away(request, found)
    account = ProvenAccount(found.tenant_id, found.object_id)
    door = cookie.partition(".")[2]
    return _link(request, installation, account, door) if door else _let_in(request, installation, account)


@router.get(CALLBACK)
@asks(Action.SIGN_IN)
def come_back_late(request: Request) -> RedirectResponse:
    """The address that a browser shows after a sign-in that failed: loaded again, it leads to the beginning."""
    return see_other(request.app.url_path_for("sign_in"))


@router.get("/sign-in/program", name="entra_program")
@asks(Action.SIGN_IN)
def which_program(request: Request) -> Response:
    """The choice of a program, for an account that opens several."""
    installation = installation_of(request)
    _directory(installation)
    with installation.before_a_program() as session:
        kept = sign_ins.look(session, browsers.gone_from(installation, request), "entra", at=installation.clock())
    if kept is None or "account" not in kept:
        return _refused(request, gettext(_STALE))
    opens = _opens(installation, _account_in(kept))
    request.state.page = {"demonstration": installation.demonstration}
    programs = sorted(_titled(installation, known.program_id) for known in opens)
    return render(request, "which_program.html", programs=programs)


@router.post("/sign-in/program", dependencies=_COUNTED)
@asks(Action.SIGN_IN)
def enter_program(request: Request, program: Annotated[UUID, Form()]) -> Response:
    """Enter one of the programs that the account opens, as of now."""
    installation = installation_of(request)
    _directory(installation)
    kept = _taken(installation, browsers.gone_from(installation, request))
    if kept is None or "account" not in kept:
        return _refused(request, gettext(_STALE))
    account = _account_in(kept)
    for known in _opens(installation, account):
        if known.program_id == program:
            return _enter(request, installation, known, account)
    return _refused(request, gettext(_NOTHING_HERE), may_choose=True)


# To the directory.


def _directory(installation: Installation) -> SignInProvider:
    """The directory. Raises Forbidden where none is set up: these addresses are then as any that are not there."""
    if installation.directory is None:
        raise Forbidden
    return installation.directory


def _begun(request: Request, *, choosing: bool = False) -> Begun | Response:
    """A sign-in that has begun, or the page that says why none can."""
    begun = _directory(installation_of(request)).begin(choosing=choosing)
    return _away(request, begun) if isinstance(begun, ProviderUnavailable) else begun


def _invited_to(installation: Installation, door: str) -> UUID | None:
    """The program to which an invitation leads, None where it is not open; whose it is stays behind the door."""
    with installation.before_a_program() as session:
        leads = doors.look(session, door, at=installation.clock())
    return leads.program_id if leads is not None and leads.kind == INVITATION else None


def _keep(installation: Installation, answer: Response, kept: FlowKept, *, door: str = "") -> None:
    """Keep what the second half needs under a new cookie, which carries the invitation: only digests stay with us."""
    cookie = browsers.mark_going(installation, answer, along=door)
    open_for = timedelta(seconds=browsers.GONE_SECONDS)
    with installation.transaction() as session:
        sign_ins.keep(session, cookie, "entra", kept, at=installation.clock(), open_for=open_for)


def _taken(installation: Installation, cookie: str) -> FlowKept | None:
    """What was kept for this browser, which is gone from now on, whatever comes of it."""
    with installation.transaction() as session:
        return sign_ins.take(session, cookie, "entra", at=installation.clock())


def _account_in(kept: FlowKept) -> ProvenAccount:
    return ProvenAccount(*map(UUID, kept["account"]))


# Back from it.


def _let_in(request: Request, installation: Installation, account: ProvenAccount) -> Response:
    """Into the one program that the account opens, or to the choice of several."""
    opens = _opens(installation, account, recording=True)
    if not opens:
        return _refused(request, gettext(_NOTHING_HERE), may_choose=True)
    if len(opens) == 1:
        return _enter(request, installation, opens[0], account)
    answer = see_other(request.app.url_path_for("entra_program"))
    _keep(installation, answer, {"account": [str(part) for part in account]})
    return answer


def _opens(installation: Installation, account: ProvenAccount, *, recording: bool = False) -> list[KnownPerson]:
    """Who the account is in the programs in which they hold a role today.

    Where there is none and `recording`, each program that knows the account is told that it came and was not let in.
    """
    with installation.before_a_program() as session:
        known = identities.known_as(session, account)
    at = installation.clock()
    opens = []
    for one in known:
        with installation.of_program(one.program_id) as session:
            if one.person_id in standing(session, local_day(session, at)).live:
                opens.append(one)
    if recording and not opens:
        _log.warning("an account that opens nothing was proven")
        for one in known:
            _record(installation, one, "no_role")
    return opens


def _enter(request: Request, installation: Installation, known: KnownPerson, account: ProvenAccount) -> Response:
    at = installation.clock()
    with installation.transaction(known.program_id) as session:
        try:
            identities.come_in(session, account, known.person_id, at=at)
            token = sign_ins.begin(session, known.person_id, means="entra", device=device(request), at=at)
        except NotLetIn as refused:
            session.rollback()
            _record(installation, known, refused.reason)
            return _refused(request, gettext(_NOTHING_HERE), may_choose=True)
    return welcome(installation, request, token)


def _link(request: Request, installation: Installation, account: ProvenAccount, door: str) -> Response:
    """Link the account to the person who was invited and sign them in, in one transaction."""
    at = installation.clock()
    with installation.before_a_program() as session:
        leads = doors.look(session, door, at=at)
    if leads is None:
        return closed(request)
    with installation.transaction(leads.program_id) as session:
        try:
            person_id = identities.link_by_invitation(session, door, account, at=at)
            token = sign_ins.begin(session, person_id, means="entra", device=device(request), at=at)
        except Refusal as refusal:
            session.rollback()
            if refusal.code in _RECORDED:
                _record(installation, KnownPerson(leads.program_id, leads.person_id), _RECORDED[refusal.code])
            return _refused(request, sentence_of(refusal))
    return welcome(installation, request, token)


def _record(installation: Installation, known: KnownPerson, reason: str) -> None:
    with installation.transaction(known.program_id) as session:
        sign_ins.refused(session, known.person_id, means="entra", reason=reason, at=installation.clock())


class ProgramToEnter(NamedTuple):
    """A program that an account opens, in the reader's language."""

    title: str
    id: UUID


def _titled(installation: Installation, program_id: UUID) -> ProgramToEnter:
    with installation.of_program(program_id) as session:
        return ProgramToEnter(title_of(program(session), current_language()), program_id)


def _refused(
    request: Request, sentence: str, *, status: int = HTTPStatus.FORBIDDEN, may_choose: bool = False
) -> Response:
    installation = installation_of(request)
    request.state.page = {"demonstration": installation.demonstration}
    page = render(request, "not_signed_in.html", status=status, sentence=sentence, may_choose=may_choose)
    browsers.forget_going(installation, page)
    return page


def _away(request: Request, away: ProviderUnavailable) -> Response:
    _log.warning("nobody can sign in by the directory", extra={"code": away.code})
    page = _refused(request, gettext(_AWAY), status=HTTPStatus.SERVICE_UNAVAILABLE)
    page.headers["Retry-After"] = "60"
    return page
