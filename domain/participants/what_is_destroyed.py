"""What is destroyed with a file, in numbers, and the proof that it was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, and_

from domain.kernel import col, in_program, joins, local_day, run, scalar, select, surely, value_of
from models.consent import Consent, Disclosure
from models.destruction import Destruction
from models.follow_up import FollowUp, WeeklyNote
from models.participant import DataKey, Participant
from models.record import Event
from models.referral import Referral


@dataclass(frozen=True)
class Contents:
    """What a file holds, in numbers: what goes with it when it is destroyed."""

    file_state: str
    admitted_on: date | None
    kept_until: date | None
    referrals: int
    last_referral_on: date | None
    consents: int
    disclosures: int
    notes: int


def contents_of(session: Session, participant_id: UUID) -> Contents:
    """What is to be destroyed, counted by number without opening anything."""
    row = run(
        session,
        select(Participant.state, Participant.admitted_on, Participant.retain_until).where(
            in_program(Participant), Participant.id == participant_id
        ),
    ).one()

    def counted(table: type[Referral | Consent | Disclosure]) -> int:
        theirs = (
            select(func.count()).select_from(table).where(in_program(table), table.participant_id == participant_id)
        )
        return scalar(session, theirs) or 0

    theirs = in_program(Referral), Referral.participant_id == participant_id
    last_at = scalar(session, select(func.max(col(surely(Referral.received_at)))).where(*theirs))
    notes = scalar(
        session,
        select(func.count())
        .select_from(WeeklyNote)
        .join(FollowUp, joins(WeeklyNote.follow_up_id, FollowUp))
        .where(in_program(WeeklyNote), FollowUp.participant_id == participant_id),
    )
    return Contents(
        row.state,
        row.admitted_on,
        row.retain_until,
        referrals=counted(Referral),
        last_referral_on=None if last_at is None else local_day(session, last_at),
        consents=counted(Consent),
        disclosures=counted(Disclosure),
        notes=notes or 0,
    )


@dataclass(frozen=True)
class DestructionProof:
    """The proof that a file is destroyed: by which people and under which last day, and where the record says so.

    `line` is the number of that line. `key_gone_at` is when the store was seen to have its key no more; empty until the
    worker has been there, within a minute or so. `asked_by_id` is empty where the program asked automatically, or where
    the file was destroyed before it took two (`before_two`).
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


def proof_of(session: Session, participant_id: UUID) -> DestructionProof | None:
    """The proof that a file is destroyed; None for one that is not, or that was joined to another or never sent."""
    row = run(
        session,
        select(
            value_of(func.coalesce(col(Participant.number), col(Participant.candidate_ref))),
            Participant.destroyed_at,
            Event.actor_id,
            Event.actor_as,
            Participant.retain_until,
            Event.n,
            DataKey.gone_at,
            Destruction.asked_by,
            Destruction.asked_as,
            Destruction.asked_at,
            Destruction.ground,
            Destruction.before_two,
        )
        .join(DataKey, joins(DataKey.participant_id, Participant))
        .join(Event, and_(joins(Event.subject_id, Participant), Event.verb == "participant.destroyed"))
        .join(Destruction, and_(joins(Destruction.participant_id, Participant), Destruction.state == "confirmed"))
        .where(in_program(Participant), Participant.id == participant_id)
        .order_by(col(Event.n).desc())
        .limit(1),
    ).first()
    return None if row is None else DestructionProof(*row)
