"""Access: one's own sign-ins and passkeys, and, for those who invite, who can sign in and by what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from api.access.people import companions_of, find_person, to_contact, to_person, watches_over
from api.access.permissions import Action, Forbidden, Given, asks, is_allowed, require, to_program
from api.access.session import InContext, RequestContext
from api.acts.people import ACCESS
from api.pages.act_routes import act_pages
from api.pages.frame import framed_pages, may_go, page, see_other
from api.pages.sign_in import site_or_refuse
from api.views.names import people_by_id, present
from api.views.timeline import MEANS
from api.web import browsers, limits
from domain.access import invitations, passkeys, sign_ins, site_of
from domain.kernel import Refusal, col, every, of, only, program_of, scalar
from meetings import feeds
from models.access import BrowserSession, Identity, Passkey
from models.program import Person

router = framed_pages()


@router.get("/my-access", name="my_access")
@asks(Action.SEE_MY_ACCESS)
def show_my_access(context: InContext, request: Request) -> HTMLResponse:
    """Where one is signed in now, and by what one can sign in."""
    require(Action.SEE_MY_ACCESS, to_program(context.asker))
    return _mine(context, request)


@router.post("/my-access/sign-ins/{sign_in_id}/end", name="end_sign_in")
@asks(Action.END_SIGN_IN)
def end_sign_in(context: InContext, request: Request, sign_in_id: UUID) -> Response:
    """End one of one's own sign-ins, such as that of a computer that one left."""
    whose = _whose(context, BrowserSession, sign_in_id)
    by = require(Action.END_SIGN_IN, to_person(context.asker, whose))
    return _end(
        context, request, "sign-ins", lambda: sign_ins.end(context.session, whose, sign_in_id, by=by, at=context.at)
    )


@router.post("/my-access/passkeys", name="add_passkey")
@asks(Action.ENROL_PASSKEY)
def add_passkey(context: InContext, request: Request) -> Response:
    """Ask for a link to add a passkey in this browser.

    By letter even for someone who is signed in: a computer left open for a minute must not give a key for years.
    """
    by = require(Action.ENROL_PASSKEY, to_program(context.asker))
    me = context.asker.person_id
    limits.hit(context.installation, "letter_to", str(me), most=limits.LETTERS_TO_ONE_ADDRESS)
    answer = see_other("/sign-in/letter")
    browser = browsers.new_cookie()
    browsers.mark_asking(context.installation, answer, browser)

    def act() -> None:
        site_or_refuse(context.installation)
        invitations.send_enrolment(context.session, me, browser=browser, by=by, at=context.at)

    refusal = context.attempt(act)
    return answer if refusal is None else _mine(context, request, refusal)


@router.post("/my-access/passkeys/{passkey_id}/remove", name="remove_passkey")
@asks(Action.REMOVE_PASSKEY)
def remove_passkey(context: InContext, request: Request, passkey_id: UUID) -> Response:
    """Remove one of one's own passkeys."""
    whose = _whose(context, Passkey, passkey_id)
    by = require(Action.REMOVE_PASSKEY, to_person(context.asker, whose))
    return _end(
        context, request, "passkeys", lambda: passkeys.remove(context.session, whose, passkey_id, by=by, at=context.at)
    )


@router.get("/access", name="access")
@asks(Action.SEE_ACCESS)
def list_access(context: InContext, request: Request) -> HTMLResponse:
    """Who can sign in and by what: of all, or for a manager of their own organization."""
    if not may_go(context, Action.SEE_ACCESS):
        raise Forbidden
    listed = present(context) | invitations.with_access(context.session)
    given = {one: to_person(context.asker, one) for one in listed}
    seen = people_by_id(context, (one for one in listed if is_allowed(Action.SEE_ACCESS, given[one]))).values()
    access = invitations.access_of(context.session, [one.id for one in seen], at=context.at)
    lines = (_line(context, one, access[one.id], given[one.id]) for one in seen)
    return page(context, request, "access.html", lines=[one for one in lines if one.is_listed], now=context.at)


@dataclass(frozen=True)
class AccessLine:
    """How a person stands at the door, and what the reader may do about it."""

    id: UUID
    name: str
    access: invitations.Access
    is_live: bool
    begins_on: date | None
    may_invite: bool
    has_address: bool
    is_self: bool

    @property
    def is_listed(self) -> bool:
        """Who holds nothing cannot come in: they are listed where they begin later, or some access is left."""
        return self.is_live or self.begins_on is not None or self.access.state != "none"

    @property
    def needs_address(self) -> bool:
        """Whether they are to come in, and have no address to write to."""
        return self.access.state == "none" and self.is_live and not self.has_address


def _line(context: RequestContext, person: Person, access: invitations.Access, given: Given) -> AccessLine:
    is_live = person.id in context.asker.standing.live
    return AccessLine(
        id=person.id,
        name=person.name,
        access=access,
        is_live=is_live,
        begins_on=context.asker.standing.from_day(person.id),
        may_invite=is_live and is_allowed(Action.INVITE, given),
        has_address=person.email is not None,
        is_self=person.id == context.asker.person_id,
    )


@router.post("/people/{person_id}/invitation/link", name="hand_over_invitation")
@asks(Action.INVITE)
def hand_over_invitation(context: InContext, request: Request, person_id: UUID) -> Response:
    """Make the link of an invitation that is handed over, while no letter can leave; it is shown only now."""
    by = require(Action.INVITE, to_person(context.asker, find_person(context.session, person_id)))
    made: list[str] = []

    def act() -> None:
        made.append(
            invitations.hand_over(
                context.session, person_id, letters_leave=context.installation.letters_leave, by=by, at=context.at
            )
        )

    refusal = context.attempt(act)
    link = f"{context.installation.base_url}{made[0]}" if made else ""
    return _theirs(context, request, person_id, refusal, link=link)


@router.get("/people/{person_id}/access", name="access_of")
@asks(Action.SEE_ACCESS)
def show_access(context: InContext, request: Request, person_id: UUID) -> HTMLResponse:
    """How one person stands at the door, and the buttons that invite them or end their access."""
    require(Action.SEE_ACCESS, to_person(context.asker, find_person(context.session, person_id)))
    return _theirs(context, request, person_id)


def _whose(context: RequestContext, table: Any, row_id: UUID) -> UUID:
    """Whose a sign-in or a passkey of this program is, whether it still holds or not. Raises Forbidden."""
    whose: UUID | None = scalar(context.session, only(table.person_id).where(table.id == row_id))
    if whose is None:
        raise Forbidden
    return whose


def _mine(context: RequestContext, request: Request, refusal: Refusal | None = None) -> HTMLResponse:
    me = context.asker.person_id
    this = sign_ins.sign_in_of(context.session, request.cookies.get(context.installation.cookie, ""))
    return page(
        context,
        request,
        "my_access.html",
        refused=refusal,
        sign_ins=sign_ins.open_sign_ins(context.session, me, at=context.at),
        this=this,
        calendar_stopped=feeds.voided_on(context.session, me, at=context.at),
        MEANS=MEANS,
        passkeys=passkeys.passkeys_of(context.session, me),
        accounts=_accounts(context, me),
        has_address=context.person.email is not None,
        has_site=site_of(context.installation.base_url) is not None,
        now=context.at,
    )


def _theirs(
    context: RequestContext, request: Request, person_id: UUID, refusal: Refusal | None = None, *, link: str = ""
) -> HTMLResponse:
    given = to_person(context.asker, person_id)
    shown = context.session.get_one(Person, (program_of(context.session), person_id))
    watched = watches_over(context.asker, person_id)
    return page(
        context,
        request,
        "access_of.html",
        refused=refusal,
        shown=shown,
        sees_contact=is_allowed(
            Action.SEE_CONTACT, to_contact(context.asker, person_id, companions_of(context.session, context.asker))
        ),
        access=invitations.access_of(context.session, [person_id], at=context.at)[person_id],
        is_live=person_id in context.asker.standing.live,
        begins_on=context.asker.standing.from_day(person_id),
        may_invite=is_allowed(Action.INVITE, given),
        link=link,
        is_self=person_id == context.asker.person_id,
        may_end=is_allowed(Action.END_ACCESS, given) and not watched,
        watched=watched,
        now=context.at,
    )


def _accounts(context: RequestContext, person_id: UUID) -> list[Identity]:
    """The directory accounts that are linked to a person: since when, and nothing by which they are known there."""
    return every(
        context.session,
        of(Identity)
        .where(Identity.person_id == person_id, col(Identity.ended_at).is_(None))
        .order_by(col(Identity.linked_at)),
    )


def _end(context: RequestContext, request: Request, part: str, end: Callable[[], None]) -> Response:
    """End one of one's own ways in, and show that part of the page."""
    refusal = context.attempt(end)
    return see_other(f"/my-access#{part}") if refusal is None else _mine(context, request, refusal)


act_pages(
    router,
    ACCESS,
    lambda on, request, typed: _theirs(on.context, request, on.id, typed.refusal),
    after=lambda _, place: f"{place}/access",
)
