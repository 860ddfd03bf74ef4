"""A person's meetings, and the private calendar address that shows them.

The address holds a secret of 256 bits, of which a digest is kept; it shows days, hours and places, and neither who
comes nor what is talked about. It never replaces a letter: calendars look at it a few times a day at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import DateTime, Uuid, bindparam
from sqlmodel import Session
from sqlmodel.sql.expression import SelectOfScalar

from domain.kernel import (
    Actor,
    Language,
    Question,
    Refusal,
    add_row,
    built,
    changes,
    col,
    digest,
    every,
    in_program,
    of,
    only,
    program,
    program_of,
    run,
    scalar,
    select,
)
from domain.record import events
from locales import N_
from meetings import calendar_files, links
from meetings.committees import title_of
from meetings.shown_entries import paper_of, shown_to
from models.invitation import CalendarFeed
from models.ledger import Restoration

#: How far back a feed shows meetings, those that were cancelled among them.
BACK: Final = timedelta(days=60)
#: Someone has a few devices; more addresses than that are forgotten ones.
MOST: Final = 5


@dataclass(frozen=True, slots=True)
class Feed:
    """Whose calendar a secret opens."""

    program_id: UUID
    person_id: UUID
    id: UUID


def make(session: Session, person_id: UUID, *, by: Actor, at: datetime) -> str:
    """A new private address for a person; the path that is shown to them once. Raises Refusal where there are many."""
    here = program_of(session)
    if len(feeds_of(session, person_id)) >= MOST:
        raise Refusal("feed.many", N_("You have %(most)s addresses already: end one of them first."), most=MOST)
    token = links.new_token()
    feed = CalendarFeed(
        token_digest=digest(session, token), program_id=here, person_id=person_id, id=uuid4(), made_at=at
    )
    add_row(session, feed)
    events.write(session, "feed.made", "calendar_feed", feed.id, by=by, at=at, person=str(person_id))
    return f"/calendar/{token}.ics"


def feeds_of(session: Session, person_id: UUID) -> list[CalendarFeed]:
    """A person's addresses that are open: when each was made, and read last. Never the secret."""
    return every(session, *asked_of_feeds(person_id))


def asked_of_feeds(person_id: UUID) -> Question[SelectOfScalar[CalendarFeed]]:
    """What `feeds_of` asks."""
    return Question(_OPEN, {"person": person_id})


_OPEN: Final = built(
    of(CalendarFeed)
    .where(col(CalendarFeed.person_id) == bindparam("person", type_=Uuid()), col(CalendarFeed.ended_at).is_(None))
    .order_by(col(CalendarFeed.made_at), col(CalendarFeed.id))
)


#: So long a person is told that a restore made their addresses void.
_TOLD_FOR: Final = timedelta(days=30)
_VOIDED: Final = built(
    only(Restoration.found_at)
    .where(
        col(Restoration.found_at) > bindparam("since", type_=DateTime(timezone=True)),
        select(CalendarFeed.id)
        .where(
            in_program(CalendarFeed),
            col(CalendarFeed.person_id) == bindparam("person", type_=Uuid()),
            col(CalendarFeed.ended_at) == col(Restoration.found_at),
        )
        .exists(),
    )
    .order_by(col(Restoration.found_at).desc())
    .limit(1)
)


def asked_of_voided(person_id: UUID, at: datetime) -> Question[Any]:
    """What `voided_on` asks: to the day, so that a page asks the same all day long."""
    return Question(_VOIDED, {"person": person_id, "since": at - _TOLD_FOR})


def voided_on(session: Session, person_id: UUID, *, at: datetime) -> datetime | None:
    """When a restore made a person's addresses void, so that their calendar stopped; None once they made a new one."""
    found: datetime | None = scalar(session, *asked_of_voided(person_id, at))
    return None if found is None or any(one.made_at > found for one in feeds_of(session, person_id)) else found


def whose(session: Session, feed_id: UUID) -> UUID | None:
    """Whose an address of this program is, open or ended; None where there is none."""
    return scalar(session, only(CalendarFeed.person_id).where(CalendarFeed.id == feed_id))


def end(session: Session, person_id: UUID, feed_id: UUID, *, by: Actor, at: datetime) -> None:
    """End one address of a person, at once and for good. Raises Refusal where it is none of theirs that is open."""
    theirs = changes(CalendarFeed).where(
        CalendarFeed.id == feed_id, CalendarFeed.person_id == person_id, col(CalendarFeed.ended_at).is_(None)
    )
    if not run(session, theirs.values(ended_at=at)).rowcount:
        raise Refusal("feed.unknown", N_("There is no such address."))
    events.write(session, "feed.ended", "calendar_feed", feed_id, by=by, at=at, person=str(person_id))


def look(session: Session, token: str) -> Feed | None:
    """Whose calendar a secret opens, read before a program is known; None where it opens none."""
    feeds = select(CalendarFeed.program_id, CalendarFeed.person_id, CalendarFeed.id)
    is_it = col(CalendarFeed.token_digest) == digest(session, token)
    row = run(session, feeds.where(is_it, col(CalendarFeed.ended_at).is_(None))).first()
    return None if row is None else Feed(*row)


def mark_read(session: Session, feed_id: UUID, *, at: datetime) -> None:
    """Note that a calendar looked, at most once an hour."""
    statement = changes(CalendarFeed).where(
        CalendarFeed.id == feed_id,
        (col(CalendarFeed.read_at).is_(None)) | (col(CalendarFeed.read_at) < at - timedelta(hours=1)),
    )
    run(session, statement.values(read_at=at))


def calendar(session: Session, person_id: UUID, language: Language, *, at: datetime) -> bytes:
    """A person's calendar as a file that others subscribe to. The same records give the same bytes."""
    return calendar_files.publish(
        shown_to(session, person_id, language, at=at, back=BACK),
        name=title_of(program(session), language),
        organizer=paper_of(session).sender,
        language=language,
    )
