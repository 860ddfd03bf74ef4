"""Who a candidate is, opened once for a sitting of work: one line of the record, and then shown again for a while.

It is shown to one sign-in, of one candidate at a time: until where they go is decided, the sign-in ends, the reader
opens another candidate, or half an hour has passed. Whether they may is asked at each request all the same.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.kernel import Actor, changes, col, first, run, select
from domain.participants.identity import ParticipantIdentity, identity_within, open_identity
from domain.record import Ground, Purpose
from models.access import BrowserSession

#: How long the name is shown again after it was opened.
OPEN_FOR: Final = timedelta(minutes=30)


def open_for_work(
    session: Session,
    participant_id: UUID,
    *,
    sign_in: str,
    by: Actor,
    at: datetime,
    ground: Ground,
    purpose: Purpose | None = None,
) -> None:
    """Open who a person is for the sitting of work; `sign_in` is the digest by which the sign-in is found.

    The record is told once. Raises Refusal, as `open_identity`.
    """
    open_identity(session, participant_id, by=by, at=at, ground=ground, purpose=purpose)
    mine = changes(BrowserSession).where(col(BrowserSession.token_digest) == sign_in)
    run(session, mine.values(shows=participant_id, shows_until=at + OPEN_FOR))


def shown_to(
    session: Session, participant_id: UUID, *, sign_in: str, at: datetime
) -> tuple[ParticipantIdentity, datetime] | None:
    """Who somebody is, and until when that is shown, where this sign-in opened it; else None."""
    row = first(session, select(BrowserSession).where(col(BrowserSession.token_digest) == sign_in))
    if row is None or row.shows != participant_id or row.shows_until is None or row.shows_until <= at:
        return None
    return identity_within(session, participant_id), row.shows_until


def shut(session: Session, participant_id: UUID) -> None:
    """Show who a person is to no one any more who opened it for a sitting of work: that is over."""
    theirs = changes(BrowserSession).where(col(BrowserSession.shows) == participant_id)
    run(session, theirs.values(shows=None, shows_until=None))
