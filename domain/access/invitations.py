"""Invitations: how a person gets access, gets back in from a new device, and loses access again.

A person has access after answering an invitation, or with a linked passkey or directory account. It works on the days
on which they hold a role. The letters' links are doors (`domain.access.doors`). An invitation opens in any browser,
once, for a week. A link for a passkey opens only in the browser that asked for it, once, for a quarter of an hour.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, exists, func, union_all
from sqlmodel import Session, and_, or_

from domain.access import doors, passkeys, sign_ins
from domain.access.doors import ENROLMENT, INVITATION, Leads
from domain.kernel import (
    SIGN_IN,
    Actor,
    Refusal,
    changes,
    col,
    every,
    in_program,
    inside,
    local_day,
    of,
    only,
    run,
    same,
    scalar,
    scalars,
    select,
    there_is,
    value_of,
)
from domain.mail import notices
from domain.record import events
from domain.roles import lock_person, standing
from locales import N_
from models.access import BrowserSession, Door, Identity, Passkey
from models.program import Person, Tenure
from models.record import Event


def invite(session: Session, person_id: UUID, *, by: Actor, at: datetime) -> str:
    """Invite a person to sign in, by a letter in their language; the token of its link, which no page shows.

    An invitation that was still open no longer works. Raises Refusal: no such person; no address; an address changed
    less than a day ago of a person who had come in before; or no role today nor on a day before the invitation would
    end.
    """
    person = lock_person(session, person_id)
    if person.email is None:
        raise Refusal(
            "invitation.no_address", N_("This person has no e-mail address. Write it on their page, then invite them.")
        )
    if _came_in(session, person_id):
        _refuse_new_address(session, person_id, at=at)
    token = _open(session, person_id, by=by, at=at)
    until = local_day(session, at + doors.OPEN_FOR[INVITATION])
    notices.write(
        session,
        "invitation",
        to=person_id,
        key=f"invitation:{uuid4()}",
        facts=lambda language: {
            "by_name": notices.name_of(session, by, language),
            "until": until,
            "path": path_of(token),
        },
        at=at,
    )
    return token


def invite_at_terminal(session: Session, person_id: UUID, *, by: Actor, at: datetime) -> str:
    """As `invite`, without a letter: the path of a link that is handed over, because no mail may go out yet.

    The operator of the installation answers for the hand-over, so that no second link by letter is asked for.
    """
    lock_person(session, person_id)
    return path_of(_open(session, person_id, by=by, at=at, handed_over=True))


def hand_over(session: Session, person_id: UUID, *, letters_leave: bool, by: Actor, at: datetime) -> str:
    """As `invite`, without a letter: the path of a link that its maker hands over, while no letter can leave.

    The link lets its holder in as that person, at once. So it is refused where letters leave, for oneself, and for a
    person with access: no one gets in as a person who is there. A waiting invitation no longer works. Raises Refusal
    for each, and as `invite` where the address is new or the person holds no role.
    """
    if letters_leave:
        raise Refusal(
            "invitation.by_letter",
            N_("Letters are going out: invite this person by letter. No one else sees its link."),
        )
    lock_person(session, person_id)
    if by.is_one_of(person_id):
        raise Refusal(
            "invitation.own", N_("You cannot create a link for yourself. Someone else can create one for you.")
        )
    if _has_access_now(session, person_id):
        raise Refusal(
            "invitation.has_access",
            N_(
                "This person already has a way to sign in. If it was lost, the coordination ends "
                "their access first; then a link can be created for them."
            ),
        )
    if _came_in(session, person_id):
        _refuse_new_address(session, person_id, at=at)
    return path_of(_open(session, person_id, by=by, at=at, handed_over=True))


def _open(session: Session, person_id: UUID, *, by: Actor, at: datetime, handed_over: bool = False) -> str:
    until = local_day(session, at + doors.OPEN_FOR[INVITATION])
    begins = _begins_on(session, person_id, local_day(session, at))
    if begins is None or begins > until:
        raise Refusal(
            "invitation.no_role",
            N_("This person holds no role in the coming week. Invite them when their first day is near."),
        )
    return doors.make(session, INVITATION, person_id, by=by, at=at, handed_over=handed_over)


def path_of(token: str) -> str:
    """Where a door's link leads, at the program's own address."""
    return f"/door/{token}"


def accept(session: Session, token: str, *, at: datetime, browser: str = "") -> Leads:
    """Use an invitation, in the session of its program: its link works no more, for anyone.

    Raises Refusal where it is not open any more, or its person holds no role yet; then it stays as it was.
    """
    leads = pass_through(session, token, INVITATION, at=at, browser=browser)
    may_come_in(session, leads.person_id, at=at)
    themselves = Actor(role="", person_id=leads.person_id)
    events.write(session, "invitation.used", "person", leads.person_id, by=themselves, at=at)
    return leads


def pass_through(session: Session, token: str, kind: str, *, at: datetime, browser: str = "") -> Leads:
    """Lock the person of a door, then pass through it and shut it (`doors.take`).

    Raises Refusal where it is not open, or of another kind.
    """
    leads = doors.look(session, token, at=at, browser=browser)
    if leads is not None:
        lock_person(session, leads.person_id)
        leads = doors.take(session, token, at=at, browser=browser)
    if leads is None or leads.kind != kind:
        raise Refusal("door.closed", DOOR_CLOSED)
    return leads


#: For every link that does not open, for any reason.
DOOR_CLOSED: Final = N_("This link does not open, or no longer opens. It works once, and only for a while.")


def may_come_in(session: Session, person_id: UUID, *, at: datetime) -> None:
    """Refuse a person without a role today; one who will have one is told from which day on. Raises Refusal."""
    today = local_day(session, at)
    begins = _begins_on(session, person_id, today)
    if begins is None:
        raise Refusal("access.no_role", N_("You hold no role in the program now, so there is nothing to sign in to."))
    if begins > today:
        raise Refusal(
            "access.not_yet",
            N_("Your access begins on %(day)s, your first day. Open this link again then."),
            day=begins.isoformat(),
        )


#: For so long after the address of a person was changed no link goes to it: its old reader can say so meanwhile.
AFTER_A_NEW_ADDRESS: Final = timedelta(days=1)


def send_enrolment(
    session: Session, person_id: UUID, *, browser: str, by: Actor, at: datetime, invited: bool = False
) -> None:
    """Send a person the link by which this one browser may enrol a passkey. `browser` is the browser's own cookie.

    Raises Refusal where the person has no address, or one that was changed less than a day ago. The second is allowed
    for a person who was just `invited` there.
    """
    if lock_person(session, person_id).email is None:
        raise Refusal(
            "enrolment.no_address", N_("There is no e-mail address to send a link to. Write to the coordination.")
        )
    if not invited:
        _refuse_new_address(session, person_id, at=at)
    token = doors.make(session, ENROLMENT, person_id, by=by, at=at, browser=browser)
    notices.write(
        session, "enrolment", to=person_id, key=f"enrolment:{uuid4()}", facts=lambda _: {"path": path_of(token)}, at=at
    )


def enrol_here(session: Session, leads: Leads, *, browser: str, at: datetime) -> str:
    """The path by which this browser may enrol a passkey at once, for an invitation that was handed over."""
    by = Actor(role="", person_id=leads.person_id)
    return path_of(doors.make(session, ENROLMENT, leads.person_id, by=by, at=at, browser=browser))


def send_enrolment_to_address(session: Session, address: str, *, browser: str, at: datetime) -> int:
    """As `send_enrolment`, for a typed address, which proves nothing; returns how many letters were sent.

    A letter is sent where the address is that of someone with access who holds a role today, and was so a day ago. The
    one who asked is not told, and the record shows no act of that person's.
    """
    found = every(
        session,
        of(Person).where(func.lower(col(Person.email)) == address.lower(), _has_access()).order_by(col(Person.id)),
    )
    live = standing(session, local_day(session, at)).live
    those = [row.id for row in found if row.id in live and _new_address_until(session, row.id, at=at) is None]
    for person_id in those:
        send_enrolment(session, person_id, browser=browser, by=Actor.system(SIGN_IN), at=at)
    return len(those)


def end_access(session: Session, person_id: UUID, *, by: Actor, at: datetime) -> None:
    """End all of a person's access at once: sign-ins, passkeys, directory account, and every link by letter.

    They stay in the program; to get in again they need a new invitation. Raises Refusal where there is no such person.
    """
    lock_person(session, person_id)
    removed = passkeys.remove_all(session, person_id, at=at)
    unlinked = run(
        session,
        changes(Identity)
        .where(Identity.person_id == person_id, col(Identity.ended_at).is_(None))
        .values(ended_at=at)
        .returning(col(Identity.person_id)),
    ).all()
    doors.shut(session, person_id, used_too=True)
    ended = sign_ins.end_all(session, person_id, reason="door_closed", by=by, at=at)
    events.write(
        session,
        "access.ended",
        "person",
        person_id,
        by=by,
        at=at,
        passkeys=removed,
        accounts=len(unlinked),
        sign_ins=ended,
    )


@dataclass(frozen=True)
class Access:
    """A person's access: invited until when, and by what they sign in."""

    person_id: UUID
    invited_until: datetime | None
    answered: bool
    passkeys: int
    accounts: int
    sign_ins: int
    seen_at: datetime | None

    @property
    def state(self) -> str:
        """ "open" with access, "invited" while an invitation waits, else "none"."""
        if self.answered or self.passkeys or self.accounts:
            return "open"
        return "invited" if self.invited_until is not None else "none"


def access_of(session: Session, people: Collection[UUID], *, at: datetime) -> dict[UUID, Access]:
    """The access of each of these people."""

    def counted(table: Any, *where: ColumnElement[bool]) -> Any:
        return select(func.count()).where(same(table, Person), table.person_id == Person.id, *where).scalar_subquery()

    def latest(column: Any, table: Any, *where: ColumnElement[bool]) -> Any:
        return (
            select(func.max(column)).where(same(table, Person), table.person_id == Person.id, *where).scalar_subquery()
        )

    invitation = col(Door.kind) == INVITATION
    rows = run(
        session,
        select(
            value_of(col(Person.id).label("person_id")),
            value_of(
                latest(
                    col(Door.expires_at), Door, invitation, col(Door.used_at).is_(None), col(Door.expires_at) > at
                ).label("invited_until")
            ),
            value_of((counted(Door, invitation, col(Door.used_at).is_not(None)) > 0).label("answered")),
            value_of(counted(Passkey, col(Passkey.ended_at).is_(None)).label("passkeys")),
            value_of(counted(Identity, col(Identity.ended_at).is_(None)).label("accounts")),
            value_of(
                counted(
                    BrowserSession,
                    col(BrowserSession.ended_at).is_(None),
                    func.greatest(BrowserSession.seen_at, BrowserSession.watched_at) > at - sign_ins.IDLE,
                    col(BrowserSession.signed_in_at) > at - sign_ins.LONGEST,
                ).label("sign_ins")
            ),
            value_of(latest(col(BrowserSession.seen_at), BrowserSession).label("seen_at")),
        ).where(in_program(Person), col(Person.id).in_(list(people))),
    )
    return {row.person_id: Access(*row) for row in rows}


def with_access(session: Session) -> set[UUID]:
    """Those who were invited, or can sign in by something: also who left and whose access was not ended."""
    return set(
        scalars(
            session,
            union_all(
                only(Door.person_id).where(Door.kind == INVITATION),
                only(Passkey.person_id).where(col(Passkey.ended_at).is_(None)),
                only(Identity.person_id).where(col(Identity.ended_at).is_(None)),
            ),
        )
    )


def cannot_come_in(session: Session, people: Collection[UUID], *, at: datetime) -> set[UUID]:
    """Those of these people without access or a waiting invitation: no one reads what falls to them."""
    return {one.person_id for one in access_of(session, people, at=at).values() if one.state == "none"}


def _refuse_new_address(session: Session, person_id: UUID, *, at: datetime) -> None:
    until = _new_address_until(session, person_id, at=at)
    if until is not None:
        raise Refusal(
            "access.new_address",
            N_(
                "This e-mail address was changed less than a day ago. No link lets this person in before the same time "
                "on %(day)s. If the change is not right, tell the privacy officer."
            ),
            day=local_day(session, until).isoformat(),
        )


def _new_address_until(session: Session, person_id: UUID, *, at: datetime) -> datetime | None:
    """Until when a person's address counts as new; None where it does not."""
    changed = scalar(
        session,
        select(func.max(col(Event.at))).where(
            in_program(Event),
            Event.subject_id == person_id,
            Event.verb == "person.updated",
            inside(Event.facts)["changed"].contains(["email"]),
            col(Event.at) > at - AFTER_A_NEW_ADDRESS,
        ),
    )
    return None if changed is None else changed + AFTER_A_NEW_ADDRESS


def _came_in(session: Session, person_id: UUID) -> bool:
    """Whether a person has access, or ever came in: who ended their access does not come in as them by a new address.

    One who never came in has an address that no one used: it is corrected, and invited, at once.
    """
    came_in = only(Event.id).where(Event.subject_id == person_id, col(Event.verb).in_(_CAME_IN))
    return _has_access_now(session, person_id) or there_is(session, came_in)


#: What the record says of a person who came in, by any means.
_CAME_IN: Final = ("invitation.used", "passkey.enrolled", "identity.linked", "sign_in.begun")


def _has_access_now(session: Session, person_id: UUID) -> bool:
    found = only(Person.id).where(Person.id == person_id, _has_access())
    return there_is(session, found)


def _has_access() -> ColumnElement[bool]:
    """The condition that a person of the statement has access, with or without a role today."""

    def there_is(table: Any, *where: ColumnElement[bool]) -> ColumnElement[bool]:
        return exists().where(same(table, Person), table.person_id == Person.id, *where)

    return or_(
        there_is(Passkey, col(Passkey.ended_at).is_(None)),
        there_is(Identity, col(Identity.ended_at).is_(None)),
        there_is(Door, col(Door.kind) == INVITATION, col(Door.used_at).is_not(None)),
    )


def _begins_on(session: Session, person_id: UUID, today: date) -> date | None:
    """Today where the person holds a role today, else the first day on which they will; None where there is none."""
    if person_id in standing(session, today).live:
        return today
    first: date | None = scalar(
        session,
        select(func.min(col(Tenure.starts_on))).where(
            and_(in_program(Tenure), Tenure.person_id == person_id, col(Tenure.starts_on) > today)
        ),
    )
    return first
