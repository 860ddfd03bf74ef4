"""The ways in which a person signs in or reads: closes all of them, and finds people who have some but no role."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, literal
from sqlmodel import Session, or_

from domain.access import invitations
from domain.kernel import Actor, changes, col, joins, lasts, local_day, only, run, same, scalars, select
from domain.record import events
from domain.roles import never_began
from models.access import BrowserSession, Door, Identity, Passkey
from models.invitation import CalendarFeed, Invitation, MeetingLink
from models.program import Person, Tenure

#: The ways in which a person signs in or reads: each row is open until it has ended.
_WAYS_IN: Final = (BrowserSession, Passkey, Identity, CalendarFeed)


def shut_out(session: Session, person_id: UUID, *, by: Actor, at: datetime) -> None:
    """Close every way in which a person signs in or reads, at once.

    Sign-ins, passkeys, directory account, links and feeds. Raises Refusal where there is no such person.
    """
    invitations.end_access(session, person_id, by=by, at=at)
    feeds = run(
        session,
        changes(CalendarFeed)
        .where(CalendarFeed.person_id == person_id, col(CalendarFeed.ended_at).is_(None))
        .values(ended_at=at)
        .returning(col(CalendarFeed.id)),
    ).scalars()
    for feed_id in feeds.all():
        events.write(session, "feed.ended", "calendar_feed", feed_id, by=by, at=at, person=str(person_id))
    mine = only(Invitation.id).where(Invitation.person_id == person_id)
    run(
        session,
        changes(MeetingLink)
        .where(col(MeetingLink.invitation_id).in_(mine), col(MeetingLink.ended_at).is_(None))
        .values(ended_at=at),
    )


def left_open(session: Session, at: datetime, person_id: UUID | None = None) -> list[UUID]:
    """Those who hold nothing, today or later, and can still sign in or read: everyone, or one person.

    By a sign-in, a passkey, a directory account, an invitation that was answered or not, a private calendar address or
    a link. Roles end in more ways than by a departure, and each of them leads here.
    """
    today = local_day(session, at)

    def has(table: Any, *where: ColumnElement[bool]) -> ColumnElement[bool]:
        mine = (same(table, Person), col(table.person_id) == col(Person.id))
        return select(literal(1)).select_from(table).where(*mine, *where).exists()

    link = (
        select(MeetingLink.token_digest)
        .join(Invitation, joins(MeetingLink.invitation_id, Invitation))
        .where(
            same(MeetingLink, Person),
            Invitation.person_id == Person.id,
            col(MeetingLink.ended_at).is_(None),
            col(MeetingLink.expires_at) > at,
        )
        .exists()
    )
    is_open = or_(*(has(table, col(table.ended_at).is_(None)) for table in _WAYS_IN), has(Door), link)
    holds = has(Tenure, lasts(Tenure, today), ~never_began())
    asked = only(Person.id).where(~holds, is_open)
    if person_id is not None:
        asked = asked.where(Person.id == person_id)
    # A guest from outside holds no role and never did: their links are how they answer.
    return list(scalars(session, asked.where(has(Tenure)).order_by(col(Person.id))))
