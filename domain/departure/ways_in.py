"""By what somebody comes in or reads: shutting all of it out, and who has some of it left with no role."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Table,
    literal,
    or_,
    select,
    update,
)
from sqlmodel import Session

from domain.access import invitations
from domain.kernel.actors import Actor
from domain.kernel.scope import local_day, program_of
from domain.record import events
from domain.roles.roles import never_began
from models.access import BrowserSession, Door, Identity, Passkey
from models.base import refers, table_of
from models.invitation import CalendarFeed, Invitation, MeetingLink
from models.program import Person, Tenure

_tenure = table_of(Tenure)
_person = table_of(Person)
_feed = table_of(CalendarFeed)
_link = table_of(MeetingLink)
_invitation = table_of(Invitation)
_door = table_of(Door)


#: By what somebody comes in or reads: each row is open until it has ended.
_WAYS_IN: Final = (table_of(BrowserSession), table_of(Passkey), table_of(Identity), _feed)


def shut_out(session: Session, person_id: UUID, *, by: Actor, at: datetime) -> None:
    """End at once all by which a person comes in or reads: sign-ins, passkeys, directory account, links, feeds.

    Raises Refusal where there is no such person.
    """
    here = program_of(session)
    invitations.end_access(session, person_id, by=by, at=at)
    feeds = session.execute(
        update(_feed)
        .where(_feed.c.program_id == here, _feed.c.person_id == person_id, _feed.c.ended_at.is_(None))
        .values(ended_at=at)
        .returning(_feed.c.id)
    ).scalars()
    for feed_id in feeds.all():
        events.write(session, "feed.ended", "calendar_feed", feed_id, by=by, at=at, person=str(person_id))
    mine = select(_invitation.c.id).where(_invitation.c.program_id == here, _invitation.c.person_id == person_id)
    session.execute(
        update(_link)
        .where(_link.c.program_id == here, _link.c.invitation_id.in_(mine), _link.c.ended_at.is_(None))
        .values(ended_at=at)
    )


def left_open(session: Session, at: datetime, person_id: UUID | None = None) -> list[UUID]:
    """Who holds nothing, today or later, and can come in or read all the same: everyone, or one person.

    By a sign-in, a passkey, a directory account, an invitation that was answered or not, a private calendar address or
    a link. Roles end in more ways than by a departure, and each of them leads here.
    """
    here, today = program_of(session), local_day(session, at)

    def has(table: Table, *where: ColumnElement[bool]) -> ColumnElement[bool]:
        mine = (table.c.program_id == _person.c.program_id, table.c.person_id == _person.c.id)
        return select(literal(1)).select_from(table).where(*mine, *where).exists()

    link = (
        select(_link.c.token_digest)
        .join(_invitation, refers(_link.c.invitation_id, _invitation))
        .where(
            _link.c.program_id == _person.c.program_id,
            _invitation.c.person_id == _person.c.id,
            _link.c.ended_at.is_(None),
            _link.c.expires_at > at,
        )
        .exists()
    )
    is_open = or_(*(has(table, table.c.ended_at.is_(None)) for table in _WAYS_IN), has(_door), link)
    holds = has(_tenure, or_(_tenure.c.ends_on.is_(None), _tenure.c.ends_on >= today), ~never_began())
    asked = select(_person.c.id).where(_person.c.program_id == here, ~holds, is_open)
    if person_id is not None:
        asked = asked.where(_person.c.id == person_id)
    # A guest from outside holds no role and never did: their links are how they answer.
    return list(session.scalars(asked.where(has(_tenure)).order_by(_person.c.id)))
