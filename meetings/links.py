"""Links by letter under which one person answers an invitation, and the lock that tells of one committee at a time."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, insert
from sqlmodel import Session

from domain.kernel import col, digest, program_of, run, select
from models.invitation import MeetingLink


@dataclass(frozen=True, slots=True)
class Opens:
    """What a link is for: one invitation of one program."""

    program_id: UUID
    invitation_id: UUID
    expires_at: datetime


def new_token() -> str:
    """A token that cannot be guessed."""
    return secrets.token_urlsafe(32)


def path(token: str) -> str:
    """What the letter carries of it."""
    return f"/answer/{token}"


def keep(session: Session, tokens: Sequence[tuple[str, UUID]], *, until: datetime, at: datetime) -> None:
    """Have these tokens answer their invitations, until their last meeting has ended."""
    alike = {"program_id": program_of(session), "made_at": at, "expires_at": until}
    rows = [{"token_digest": digest(session, token), "invitation_id": of_it, **alike} for token, of_it in tokens]
    run(session, insert(MeetingLink), rows)


def look(session: Session, token: str, *, at: datetime) -> Opens | None:
    """What a link opens, read before a program is known; None where it is unknown, ended or expired."""
    links = select(MeetingLink.program_id, MeetingLink.invitation_id, MeetingLink.expires_at)
    still_opens = col(MeetingLink.ended_at).is_(None), col(MeetingLink.expires_at) > at
    row = run(session, links.where(col(MeetingLink.token_digest) == digest(session, token), *still_opens)).first()
    return None if row is None else Opens(*row)


def lock(session: Session, committee_id: UUID) -> None:
    """Wait for the process that tells of this committee now, so that two at once tell once."""
    run(session, select(func.pg_advisory_xact_lock(func.hashtextextended(f"tell:{committee_id}", 0))))
