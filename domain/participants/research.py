"""Consent to research (FU-9): apart from the program's, by participant's number, kept by the research coordinator."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert, select, update
from sqlmodel import Session

from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.scope import local_day, many, one, program_of
from domain.participants.locking import hold_participant
from domain.record import events
from locales import N_
from models.base import refers, table_of
from models.consent import ResearchConsent
from models.participant import Participant

_research = table_of(ResearchConsent)
_participant = table_of(Participant)


def keep_research_consent(session: Session, participant_id: UUID, signed_on: date, *, by: Actor, at: datetime) -> None:
    """Record consent to research, apart from the program's, by the research coordinator (FU-9). Raises Refusal."""
    held = hold_participant(session, participant_id)
    if held["state"] != "admitted":
        raise Refusal("research.admitted", N_("Only participants are asked for consent to research."), source="FU-9")
    if signed_on > local_day(session, at):
        raise Refusal("consent.days", N_("A form is explained first, then signed, and never on a future day."))
    if research_consent(session, participant_id) is not None:
        raise Refusal("research.there", N_("This participant has consented to research already."), source="FU-9")
    row = ResearchConsent(
        program_id=program_of(session),
        id=uuid4(),
        participant_id=participant_id,
        signed_on=signed_on,
        kept_by=by.person_id,  # type: ignore[arg-type]  # a person
        recorded_at=at,
    )
    session.execute(insert(_research).values(row.model_dump()))
    events.write(session, "research_consent.kept", "participant", participant_id, by=by, at=at)


def withdraw_research_consent(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """The participant takes consent to research back; nothing else changes for them. Raises Refusal: there is none."""
    ended = session.scalar(
        update(_research)
        .where(
            _research.c.program_id == program_of(session),
            _research.c.participant_id == participant_id,
            _research.c.withdrawn_on.is_(None),
        )
        .values(withdrawn_on=local_day(session, at), withdrawn_at=at)
        .returning(_research.c.id)
    )
    if ended is None:
        raise Refusal("research.none", N_("This participant has not consented to research."), source="FU-9")
    events.write(session, "research_consent.withdrawn", "participant", participant_id, by=by, at=at)


def research_consent(session: Session, participant_id: UUID) -> dict[str, Any] | None:
    """The consent to research that stands; None where there is none."""
    return one(
        session,
        select(_research).where(
            _research.c.program_id == program_of(session),
            _research.c.participant_id == participant_id,
            _research.c.withdrawn_on.is_(None),
        ),
    )


def of_number(session: Session, number: str) -> UUID:
    """The participant of a number, as the research coordinator types it from the signed form. Raises Refusal."""
    found: UUID | None = session.scalar(
        select(_participant.c.id).where(
            _participant.c.program_id == program_of(session),
            _participant.c.number == "#" + number.strip().lstrip("#"),
            _participant.c.state == "admitted",
        )
    )
    if found is None:
        raise Refusal("research.number", N_("No participant has this number. Write it as on the form: #2026-01."))
    return found


def research_consents(session: Session) -> list[dict[str, Any]]:
    """The consents to research that stand, and those that were taken back, by number and nothing else."""
    return many(
        session,
        select(
            _research.c.id,
            _research.c.participant_id,
            _participant.c.number,
            _research.c.signed_on,
            _research.c.withdrawn_on,
        )
        .join(_participant, refers(_research.c.participant_id, _participant))
        .where(_research.c.program_id == program_of(session), _participant.c.state == "admitted")
        .order_by(_participant.c.number, _research.c.recorded_at.desc()),
    )
