"""Doors by letter: links that let a person in once, until they expire.

An invitation leads to the first sign-in and is answered in any browser. An enrolment leads to a new passkey, and only
in the browser that asked for it. Looking at a door changes nothing; only taking it does, and only once.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import RowMapping, delete, update
from sqlalchemy.sql.expression import ColumnElement
from sqlmodel import Session, or_

from domain.access import voiding
from domain.kernel import Actor, add_row, col, digest, in_program, program_of, run, select
from domain.record import events
from models.access import Door

INVITATION = "invitation"
ENROLMENT = "enrolment"

#: The letters that carry a link of each kind: their text opens the door, and is nobody's but their reader's.
LETTERS = frozenset({INVITATION, ENROLMENT})

#: How long each kind of door stays open: an invitation waits for someone on holiday, an enrolment for a letter.
OPEN_FOR = {INVITATION: timedelta(days=7), ENROLMENT: timedelta(minutes=15)}


@dataclass(frozen=True)
class Leads:
    """Where a door leads: to which person, in which program.

    `made_by` is empty for an invitation that is handed over, since the record says who made it, and for an enrolment
    that was asked for by typing an address.
    """

    program_id: UUID
    person_id: UUID
    kind: str
    token_digest: str
    expires_at: datetime
    made_by: UUID | None


def make(
    session: Session,
    kind: str,
    person_id: UUID,
    *,
    by: Actor,
    at: datetime,
    browser: str = "",
    handed_over: bool = False,
) -> str:
    """Open a door for a person, close their open ones of its kind, and return the token that its link carries.

    `browser` is the cookie of the browser that asked. Where given, no other browser passes, and what another browser
    asked for stays open, since anyone may type an address. The token is in the link and nowhere else. `handed_over`: no
    letter carries it, which the record says. Raises Refusal for one whose access is still to be decided (`voiding`).
    """
    voiding.refuse_kept_out(session, person_id, at=at)
    shut(session, person_id, kind=kind, browser=browser)
    token = secrets.token_urlsafe(32)
    row = Door(
        token_digest=digest(session, token),
        program_id=program_of(session),
        person_id=person_id,
        kind=kind,
        browser_digest=digest(session, browser) if browser else "",
        made_by=None if handed_over else by.person_id,
        made_at=at,
        expires_at=at + OPEN_FOR[kind],
    )
    add_row(session, row)
    events.write(session, f"{kind}.{'handed_over' if handed_over else 'sent'}", "person", person_id, by=by, at=at)
    return token


def look(session: Session, token: str, *, at: datetime, browser: str = "") -> Leads | None:
    """Where an open door leads; None where it was used, has expired, never was, or belongs to another browser.

    `session` need not have a program. Nothing changes: mail scanners follow links too.
    """
    row = run(session, select(Door).where(_is_open(session, token, at, browser))).mappings().first()
    return None if row is None else _leads(row)


def take(session: Session, token: str, *, at: datetime, browser: str = "") -> Leads | None:
    """Pass through an open door and shut it: of many who try at once, one passes. None as in `look`."""
    row = (
        run(
            session,
            update(Door)
            .where(_is_open(session, token, at, browser))
            .values(used_at=at, used_by_digest=digest(session, browser) if browser else "")
            .returning(Door),
        )
        .mappings()
        .first()
    )
    return None if row is None else _leads(row)


def shut(
    session: Session, person_id: UUID, *, kind: str | None = None, browser: str = "", used_too: bool = False
) -> int:
    """Shut a person's doors, of one kind or all, when a new one opens and when they leave. Returns how many there were.

    With a `browser`, only those that it asked for. Used ones stay as a sign that an invitation was answered, unless
    `used_too`, which is for the end of access.
    """
    mine = [in_program(Door), col(Door.person_id) == person_id]
    if kind:
        mine.append(col(Door.kind) == kind)
    if browser:
        mine.append(col(Door.browser_digest) == digest(session, browser))
    if not used_too:
        mine.append(col(Door.used_at).is_(None))
    shut_now = run(session, delete(Door).where(*mine).returning(col(Door.token_digest)))
    return len(shut_now.all())


def _is_open(session: Session, token: str, at: datetime, browser: str) -> ColumnElement[bool]:
    own = or_(Door.browser_digest == "", col(Door.browser_digest) == (digest(session, browser) if browser else " "))
    return (
        (col(Door.token_digest) == digest(session, token))
        & col(Door.used_at).is_(None)
        & (col(Door.expires_at) > at)
        & own
    )


def _leads(row: RowMapping) -> Leads:
    return Leads(**{name: row[name] for name in Leads.__dataclass_fields__})
