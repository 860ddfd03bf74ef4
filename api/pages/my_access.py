"""Access: one's own sign-ins and passkeys, and, for those who invite, who can sign in and by what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from api.access.people import companions_of, find_person, to_contact, to_person
from api.access.permissions import Action, Forbidden, Given, allows, asks, require, to_program
from api.access.session import AtDesk, Desk
from api.acts.people import ACCESS
from api.pages.act_routes import act_pages
from api.pages.frame import framed_pages, may_go, page, see_other
from api.pages.sign_in import site_or_refuse
from api.views.timeline import MEANS
from api.web import browsers, limits
from domain.access import invitations, passkeys, sign_ins
from domain.access.sites import site_of
from domain.kernel.refusals import Refusal
from domain.kernel.rows import col, every, of, only, scalar
from domain.kernel.scope import program_of
from models.access import BrowserSession, Identity, Passkey
from models.program import Person

router = framed_pages()


@router.get("/my-access", name="my_access")
@asks(Action.SEE_MY_ACCESS)
def show_my_access(desk: AtDesk, request: Request) -> HTMLResponse:
    """Where one is signed in now, and by what one can sign in."""
    require(Action.SEE_MY_ACCESS, to_program(desk.asker))
    return _mine(desk, request)


@router.post("/my-access/sign-ins/{sign_in_id}/end", name="end_sign_in")
@asks(Action.END_SIGN_IN)
def end_sign_in(desk: AtDesk, request: Request, sign_in_id: UUID) -> Response:
    """End one of one's own sign-ins, such as that of a computer that one left."""
    whose = _whose(desk, BrowserSession, sign_in_id)
    by = require(Action.END_SIGN_IN, to_person(desk.asker, whose))
    return _end(desk, request, "sign-ins", lambda: sign_ins.end(desk.session, whose, sign_in_id, by=by, at=desk.at))


@router.post("/my-access/passkeys", name="add_passkey")
@asks(Action.ENROL_PASSKEY)
def add_passkey(desk: AtDesk, request: Request) -> Response:
    """Ask for a link to add a passkey in this browser.

    By letter even for someone who is signed in: a computer left open for a minute must not give a key for years.
    """
    by = require(Action.ENROL_PASSKEY, to_program(desk.asker))
    me = desk.asker.person_id
    limits.hit(desk.office, "letter_to", str(me), most=limits.LETTERS_TO_ONE_ADDRESS)
    answer = see_other("/sign-in/letter")
    browser = browsers.new_cookie()
    browsers.mark_asking(desk.office, answer, browser)

    def act() -> None:
        site_or_refuse(desk.office)
        invitations.send_enrolment(desk.session, me, browser=browser, by=by, at=desk.at)

    refusal = desk.attempt(act)
    return answer if refusal is None else _mine(desk, request, refusal)


@router.post("/my-access/passkeys/{passkey_id}/remove", name="remove_passkey")
@asks(Action.REMOVE_PASSKEY)
def remove_passkey(desk: AtDesk, request: Request, passkey_id: UUID) -> Response:
    """Remove one of one's own passkeys."""
    whose = _whose(desk, Passkey, passkey_id)
    by = require(Action.REMOVE_PASSKEY, to_person(desk.asker, whose))
    return _end(desk, request, "passkeys", lambda: passkeys.remove(desk.session, whose, passkey_id, by=by, at=desk.at))


@router.get("/access", name="access")
@asks(Action.SEE_ACCESS)
def list_access(desk: AtDesk, request: Request) -> HTMLResponse:
    """Who can sign in and by what: of all, or for a manager of their own organization."""
    if not may_go(desk, Action.SEE_ACCESS):
        raise Forbidden
    people = every(desk.session, of(Person).order_by(col(Person.sort_key)))
    given = {one.id: to_person(desk.asker, one.id) for one in people}
    seen = [one for one in people if _may(Action.SEE_ACCESS, given[one.id])]
    access = invitations.access_of(desk.session, [one.id for one in seen], at=desk.at)
    lines = (_line(desk, one, access[one.id], given[one.id]) for one in seen)
    return page(desk, request, "access.html", lines=[one for one in lines if one.is_listed], now=desk.at)


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


def _line(desk: Desk, person: Person, access: invitations.Access, given: Given) -> AccessLine:
    is_live = person.id in desk.asker.standing.live
    return AccessLine(
        id=person.id,
        name=person.name,
        access=access,
        is_live=is_live,
        begins_on=desk.asker.standing.from_day(person.id),
        may_invite=is_live and _may(Action.INVITE, given),
        has_address=person.email is not None,
        is_self=person.id == desk.asker.person_id,
    )


@router.post("/people/{person_id}/invitation/link", name="hand_over_invitation")
@asks(Action.INVITE)
def hand_over_invitation(desk: AtDesk, request: Request, person_id: UUID) -> Response:
    """Make the link of an invitation that is handed over, while no letter can leave; it is shown only now."""
    by = require(Action.INVITE, to_person(desk.asker, find_person(desk.session, person_id)))
    made: list[str] = []

    def act() -> None:
        made.append(
            invitations.hand_over(desk.session, person_id, letters_leave=desk.office.letters_leave, by=by, at=desk.at)
        )

    refusal = desk.attempt(act)
    link = f"{desk.office.base_url}{made[0]}" if made else ""
    return _theirs(desk, request, person_id, refusal, link=link)


@router.get("/people/{person_id}/access", name="access_of")
@asks(Action.SEE_ACCESS)
def show_access(desk: AtDesk, request: Request, person_id: UUID) -> HTMLResponse:
    """How one person stands at the door, and the buttons that invite them or end their access."""
    require(Action.SEE_ACCESS, to_person(desk.asker, find_person(desk.session, person_id)))
    return _theirs(desk, request, person_id)


def _whose(desk: Desk, table: Any, row_id: UUID) -> UUID:
    """Whose a sign-in or a passkey of this program is, whether it still holds or not. Raises Forbidden."""
    whose: UUID | None = scalar(desk.session, only(table.person_id).where(table.id == row_id))
    if whose is None:
        raise Forbidden
    return whose


def _mine(desk: Desk, request: Request, refusal: Refusal | None = None) -> HTMLResponse:
    me = desk.asker.person_id
    this = sign_ins.sign_in_of(desk.session, request.cookies.get(desk.office.cookie, ""))
    return page(
        desk,
        request,
        "my_access.html",
        refused=refusal,
        sign_ins=sign_ins.open_sign_ins(desk.session, me, at=desk.at),
        this=this,
        MEANS=MEANS,
        passkeys=passkeys.passkeys_of(desk.session, me),
        accounts=_accounts(desk, me),
        has_address=desk.person.email is not None,
        has_site=site_of(desk.office.base_url) is not None,
        now=desk.at,
    )


def _theirs(
    desk: Desk, request: Request, person_id: UUID, refusal: Refusal | None = None, *, link: str = ""
) -> HTMLResponse:
    given = to_person(desk.asker, person_id)
    shown = desk.session.get_one(Person, (program_of(desk.session), person_id))
    return page(
        desk,
        request,
        "access_of.html",
        refused=refusal,
        shown=shown,
        sees_contact=_may(
            Action.SEE_CONTACT, to_contact(desk.asker, person_id, companions_of(desk.session, desk.asker))
        ),
        access=invitations.access_of(desk.session, [person_id], at=desk.at)[person_id],
        is_live=person_id in desk.asker.standing.live,
        begins_on=desk.asker.standing.from_day(person_id),
        may_invite=_may(Action.INVITE, given),
        link=link,
        is_self=person_id == desk.asker.person_id,
        may_end=_may(Action.END_ACCESS, given),
        now=desk.at,
    )


def _accounts(desk: Desk, person_id: UUID) -> list[Identity]:
    """The directory accounts that are linked to a person: since when, and nothing by which they are known there."""
    return every(
        desk.session,
        of(Identity)
        .where(Identity.person_id == person_id, col(Identity.ended_at).is_(None))
        .order_by(col(Identity.linked_at)),
    )


def _end(desk: Desk, request: Request, part: str, end: Callable[[], None]) -> Response:
    """End one of one's own ways in, and show that part of the page."""
    refusal = desk.attempt(end)
    return see_other(f"/my-access#{part}") if refusal is None else _mine(desk, request, refusal)


def _may(action: Action, given: Given) -> bool:
    return allows(action, given) is not None


act_pages(
    router,
    ACCESS,
    lambda on, request, typed: _theirs(on.desk, request, on.id, typed.refusal),
    after=lambda _, place: f"{place}/access",
)
