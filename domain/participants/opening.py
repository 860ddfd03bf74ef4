"""Opening the case of an admission, where the program has a protocol for it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from domain.casework import cases
from domain.kernel import Actor, only, scalar
from domain.terms import ADMISSION
from models.casework import ProtocolVersion


def open_admission(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Open the case of a candidate. Where the program has no such protocol, the referral only waits on the board."""
    declared = scalar(session, only(ProtocolVersion.id).where(ProtocolVersion.key == ADMISSION).limit(1))
    if declared is not None:
        cases.open_case(session, ADMISSION, participant_id=participant_id, by=by, at=at)
