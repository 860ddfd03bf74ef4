"""Accounts of a directory: which person an account is in each program, and how it is linked to one.

An account is a tenant and an object in it, proven by the directory at a sign-in. It is never an address, which another
tenant can write into its own accounts. It is linked by answering an invitation, and in no other way.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, and_

from domain.access import invitations, sign_ins
from domain.kernel import Actor, Refusal, col, in_program, local_day, only, program_of, run, scalar, select, there_is
from domain.mail import notices
from domain.record import events
from domain.roles import lock_person, standing
from locales import N_
from models.access import Identity
from models.base import table_of


class ProvenAccount(NamedTuple):
    """An account of a directory, as it was proven."""

    tenant_id: UUID
    object_id: UUID


class KnownPerson(NamedTuple):
    """The person an account belongs to in one program."""

    program_id: UUID
    person_id: UUID


def known_as(session: Session, account: ProvenAccount) -> list[KnownPerson]:
    """The person that an account belongs to, in every program. The program then says whether they hold a role there.

    `session` has no program yet.
    """
    rows = run(
        session,
        select(Identity.program_id, Identity.person_id)
        .where(
            Identity.tenant_id == account.tenant_id,
            Identity.object_id == account.object_id,
            col(Identity.ended_at).is_(None),
        )
        .order_by(col(Identity.program_id)),
    )
    return [KnownPerson(row.program_id, row.person_id) for row in rows]


def come_in(session: Session, account: ProvenAccount, person_id: UUID, *, at: datetime) -> None:
    """Lock the person found by an account, and check that it still lets them in, in their program's session.

    Between finding out and letting in, their access may have ended. Raises NotLetIn: the account is no longer linked to
    them, or they hold no role today.
    """
    lock_person(session, person_id)
    linked = only(Identity.person_id).where(
        Identity.person_id == person_id,
        Identity.tenant_id == account.tenant_id,
        Identity.object_id == account.object_id,
        col(Identity.ended_at).is_(None),
    )
    if not there_is(session, linked):
        raise sign_ins.NotLetIn(person_id, "unlinked")
    if person_id not in standing(session, local_day(session, at)).live:
        raise sign_ins.NotLetIn(person_id, "no_role")


def link_by_invitation(session: Session, token: str, account: ProvenAccount, *, at: datetime) -> UUID:
    """Link an account to the person of an invitation, in the session of its program; returns the person's id.

    That uses the invitation. There is one account at a time: the one before opens nothing any more. Every sign-in of
    this person ends, since it may have been another's. The person is told by letter, since anyone who got hold of their
    invitation could answer it with their own account.

    Raises Refusal, and leaves everything as it was if the caller rolls back: the invitation is not open, its person
    holds no role today, or the account is someone else's in this program.
    """
    person_id = invitations.accept(session, token, at=at).person_id
    here = program_of(session)
    live = and_(in_program(Identity), col(Identity.ended_at).is_(None))
    holder = scalar(
        session,
        select(Identity.person_id).where(
            live, Identity.tenant_id == account.tenant_id, Identity.object_id == account.object_id
        ),
    )
    if holder == person_id:
        return person_id
    if holder is not None:
        raise _taken()
    before = run(
        session,
        update(Identity)
        .where(live, col(Identity.person_id) == person_id)
        .values(ended_at=at)
        .returning(col(Identity.person_id)),
    ).all()
    adding = insert(Identity).values(program_id=here, person_id=person_id, linked_at=at, **account._asdict())
    again = adding.on_conflict_do_update(
        index_elements=[*table_of(Identity).primary_key.columns], set_={"linked_at": at, "ended_at": None}
    )
    try:
        run(session, again)
    except IntegrityError:
        # Another person linked the same account while we looked.
        raise _taken() from None
    by = Actor(role="", person_id=person_id)
    if before:
        sign_ins.end_all(session, person_id, reason="door_closed", by=by, at=at)
    events.write(session, "identity.linked", "person", person_id, by=by, at=at, replaced=len(before))
    notices.write(
        session,
        "account_linked",
        to=person_id,
        key=f"account:{uuid4()}",
        facts=lambda _: {"on": local_day(session, at), "path": "/my-access"},
        at=at,
    )
    return person_id


def _taken() -> Refusal:
    return Refusal(
        "identity.taken",
        N_(
            "This account belongs to someone else in the program. Sign out of it in this browser, then open your"
            " invitation again and sign in with your own account."
        ),
    )
