"""Opening the case of an admission, where the program has a protocol for it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlmodel import Session

from domain.casework import cases
from domain.kernel.actors import Actor
from domain.kernel.scope import program_of
from domain.terms.admission import ADMISSION
from models.base import table_of
from models.casework import ProtocolVersion

_protocol = table_of(ProtocolVersion)


def open_admission(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Open the case of a candidate. Where a program has no such protocol, a referral waits on the board alone."""
    declared = session.scalar(
        select(_protocol.c.id)
        .where(_protocol.c.program_id == program_of(session), _protocol.c.key == ADMISSION)
        .limit(1)
    )
    if declared is not None:
        cases.open_case(session, ADMISSION, participant_id=participant_id, by=by, at=at)
