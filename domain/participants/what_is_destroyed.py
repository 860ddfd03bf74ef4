"""What is destroyed with a file, in numbers, and the proof that it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Table, and_, func, select
from sqlmodel import Session

from domain.kernel.scope import one, program_of
from models.base import refers, table_of
from models.consent import Consent, Disclosure
from models.destruction import Destruction
from models.follow_up import FollowUp, WeeklyNote
from models.participant import DataKey, Participant
from models.record import Event
from models.referral import Referral

_destruction = table_of(Destruction)
_participant = table_of(Participant)
_follow_up = table_of(FollowUp)
_referral = table_of(Referral)
_event = table_of(Event)
_key = table_of(DataKey)
_note = table_of(WeeklyNote)


#: What of a file is counted for whoever confirms its destruction.
_COUNTED: Final[Mapping[str, Table]] = {
    "referrals": _referral,
    "consents": table_of(Consent),
    "disclosures": table_of(Disclosure),
}


@dataclass(frozen=True)
class Contents:
    """What a file holds, in numbers: what goes with it where it is destroyed."""

    known_as: str
    state: str
    admitted_on: date | None
    kept_until: date | None
    referrals: int
    consents: int
    disclosures: int
    notes: int


def contents_of(session: Session, participant_id: UUID) -> Contents:
    """What is to be destroyed, without opening anything: by number, in numbers."""
    here = program_of(session)
    row = session.execute(
        select(
            func.coalesce(_participant.c.number, _participant.c.candidate_ref).label("known_as"),
            *(_participant.c[name] for name in ("state", "admitted_on", "retain_until")),
        ).where(_participant.c.program_id == here, _participant.c.id == participant_id)
    ).one()
    counts = {
        name: session.scalar(
            select(func.count())
            .select_from(table)
            .where(table.c.program_id == here, table.c.participant_id == participant_id)
        )
        or 0
        for name, table in _COUNTED.items()
    }
    notes = session.scalar(
        select(func.count())
        .select_from(_note)
        .join(_follow_up, refers(_note.c.follow_up_id, _follow_up))
        .where(_note.c.program_id == here, _follow_up.c.participant_id == participant_id)
    )
    return Contents(row.known_as, row.state, row.admitted_on, row.retain_until, **counts, notes=notes or 0)


@dataclass(frozen=True)
class Proof:
    """The proof that a file is destroyed: by whom and under which last day, and where the record says so.

    `line` is the number of that line. `key_gone_at` is when the store of keys was seen to have its key no more; empty
    until the worker has been there, within a minute or so. `asked_by_id` is empty where the program asked by itself, or
    where it was destroyed before it took two (`before_two`).
    """

    known_as: str
    destroyed_at: datetime
    by_id: UUID | None
    by_as: str
    kept_until: date | None
    line: int
    key_gone_at: datetime | None
    asked_by_id: UUID | None
    asked_as: str
    asked_at: datetime
    ground: str
    before_two: bool


def proof_of(session: Session, participant_id: UUID) -> Proof | None:
    """The proof that a file is destroyed; None of one that is not, or that was joined to another or never sent."""
    row = one(
        session,
        select(
            func.coalesce(_participant.c.number, _participant.c.candidate_ref).label("known_as"),
            _participant.c.destroyed_at,
            _event.c.actor_id.label("by_id"),
            _event.c.actor_as.label("by_as"),
            _participant.c.retain_until.label("kept_until"),
            _event.c.n.label("line"),
            _key.c.gone_at.label("key_gone_at"),
            _destruction.c.asked_by.label("asked_by_id"),
            *(_destruction.c[name] for name in ("asked_as", "asked_at", "ground", "before_two")),
        )
        .join(_key, and_(_key.c.program_id == _participant.c.program_id, _key.c.participant_id == _participant.c.id))
        .join(
            _event,
            and_(
                _event.c.program_id == _participant.c.program_id,
                _event.c.subject_id == _participant.c.id,
                _event.c.verb == "participant.destroyed",
            ),
        )
        .join(
            _destruction,
            and_(
                _destruction.c.program_id == _participant.c.program_id,
                _destruction.c.participant_id == _participant.c.id,
                _destruction.c.state == "confirmed",
            ),
        )
        .where(_participant.c.program_id == program_of(session), _participant.c.id == participant_id)
        .order_by(_event.c.n.desc())
        .limit(1),
    )
    return None if row is None else Proof(**row)
