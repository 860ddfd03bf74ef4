"""A week as tests write it: whole, as `Week` says it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from uuid import UUID

from sqlmodel import Session

from domain.follow_ups import notes
from domain.follow_ups.week_row import Week
from domain.kernel import Actor


def write_note(
    session: Session,
    follow_up_id: UUID,
    week: date,
    said: Week,
    *,
    unfinished: bool = False,
    confirmed: bool = False,
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> int:
    """Write all of a week, over what its writer sees of it now where `seen` names no version; returns its version."""
    if seen is None:
        before = notes.note_of(session, follow_up_id, week)
        seen = before.version if before is not None else 0
    complete = not unfinished
    note = notes.amend_note(
        session, follow_up_id, week, asdict(said), seen=seen, complete=complete, confirmed=confirmed, by=by, at=at
    )
    return note.version
