"""A disclosure without consent (AD-R12): its ground in law, recipient and content, sealed; only what was necessary."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID, uuid4

from sqlmodel import Session

from domain.kernel import (
    Actor,
    Refusal,
    add_row,
    col,
    every,
    first,
    local_day,
    of,
    program_of,
    says_something,
    seal,
    surely,
    trimmed,
    unseal,
)
from domain.participants.locking import hold_participant
from domain.record import Ground, events, record_read
from locales import N_
from models.consent import DISCLOSURE_GROUNDS, Disclosure

_LONGEST = 4_000


def disclose(
    session: Session,
    participant_id: UUID,
    ground: str,
    *,
    to_whom: str,
    what: str,
    disclosed_on: date,
    only_necessary: bool,
    by: Actor,
    at: datetime,
) -> UUID:
    """Record what was disclosed without consent, on which ground, to which recipient: only what was necessary (AD-R12).

    Raises Refusal.
    """
    held = hold_participant(session, participant_id)
    if held.state in ("draft", "destroyed"):
        raise Refusal("participant.unknown", N_("There is no such candidate or participant."))
    if ground not in DISCLOSURE_GROUNDS:
        raise Refusal("disclosure.ground", N_("Choose the ground in law."), source="AD-R12")
    if not (says_something(to_whom) and says_something(what)):
        raise Refusal("disclosure.empty", N_("Say to whom it was said, and what."), source="AD-R12")
    if not only_necessary:
        raise Refusal(
            "disclosure.only",
            N_("Without consent, only what is necessary is disclosed: state that it was so."),
            source="AD-R12",
        )
    if disclosed_on > local_day(session, at):
        raise Refusal("disclosure.when", N_("A disclosure is recorded once it was made."))
    disclosure_id = uuid4()
    row = Disclosure(
        program_id=program_of(session),
        id=disclosure_id,
        participant_id=participant_id,
        ground=ground,
        disclosed_on=disclosed_on,
        disclosed_by=by.person_id,  # type: ignore[arg-type]  # a person
        sealed=seal(
            session, participant_id, f"disclosure/{disclosure_id}", {"to_whom": trimmed(to_whom), "what": trimmed(what)}
        ),
        recorded_by=by.person_id,  # type: ignore[arg-type]  # a person
        recorded_at=at,
    )
    add_row(session, row)
    events.write(session, "disclosure.recorded", "participant", participant_id, by=by, at=at, ground=ground)
    return disclosure_id


def disclosures_of(session: Session, participant_id: UUID) -> list[Disclosure]:
    """The disclosures without consent about a participant, the last one first; recipient and content stay sealed."""
    return every(
        session,
        of(Disclosure, without=(Disclosure.sealed,))
        .where(Disclosure.participant_id == participant_id)
        .order_by(col(Disclosure.disclosed_on).desc(), col(Disclosure.id)),
    )


def read_disclosure(
    session: Session, participant_id: UUID, disclosure_id: UUID, *, by: Actor, at: datetime, ground: Ground
) -> dict[str, str]:
    """The recipient and content of a disclosure, unsealed and noted on record. Raises Refusal where there is none."""
    row = first(
        session, of(Disclosure).where(Disclosure.participant_id == participant_id, Disclosure.id == disclosure_id)
    )
    if row is None:
        raise Refusal("disclosure.unknown", N_("There is no such disclosure."))
    record_read(session, "participant", participant_id, what="disclosure", ground=ground, by=by, at=at)
    told: dict[str, str] = unseal(session, participant_id, f"disclosure/{disclosure_id}", surely(row.sealed))
    return told
