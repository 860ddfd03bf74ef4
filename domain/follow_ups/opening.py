"""Opens a follow-up for an admitted participant, with its worker and the second of the pair, in one transaction."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from sqlmodel import Session

from domain.follow_ups.assigning import assign_worker, keep_vacancy
from domain.follow_ups.locking import change_follow_up, lock_follow_up, write_follow_up_event
from domain.kernel import Actor, Refusal, add_row, first, local_day, of, only, program_of, scalar
from domain.terms import PRIMARY, SECOND
from locales import N_
from models.follow_up import INTENSITIES, FollowUp
from models.lifecycles import FOLLOW_UP
from models.participant import Participant


def open_follow_up(
    session: Session,
    participant_id: UUID,
    *,
    worker: UUID | None,
    second: UUID | None = None,
    intensity: str = INTENSITIES[1],
    by: Actor,
    at: datetime,
) -> UUID:
    """Open the follow-up of a participant who was admitted and has a number; returns its id.

    Without `worker` it is a vacancy from the first day, and the coordinator's task. Raises Refusal: no such
    participant, not admitted, followed already, or a worker who cannot be assigned it (`assigning.assign`).
    """
    here, day = program_of(session), local_day(session, at)
    row = first(session, of(Participant).where(Participant.id == participant_id).with_for_update())
    if row is None:
        raise Refusal("participant.unknown", N_("There is no such participant."))
    if row.state != "admitted" or row.number is None:
        raise Refusal(
            "follow_up.not_admitted",
            N_("A follow-up begins with the admission: once the consent is signed and a number given."),
            source="AD-R9",
        )
    if scalar(session, only(FollowUp.id).where(FollowUp.participant_id == participant_id)):
        raise Refusal(
            "follow_up.there_already",
            N_("This participant already has a follow-up. It can be resumed at any time."),
            source="FU-1",
        )
    checked_intensity(intensity)
    follow_up_id = uuid4()
    new = FollowUp(
        program_id=here,
        id=follow_up_id,
        participant_id=participant_id,
        state=FOLLOW_UP.initial,
        state_since=day,
        state_at=at,
        state_by=by.person_id,
        state_as=by.role,
        active_since=day,
        active_at=at,
        intensity=intensity,
        opened_on=day,
        opened_at=at,
        opened_by=by.person_id,
        version=1,
    )
    add_row(session, new)
    held = lock_follow_up(session, follow_up_id, by=by, at=at)
    write_follow_up_event(session, held, "follow_up.opened")
    if worker is not None:
        assign_worker(session, follow_up_id, worker, kind=PRIMARY, by=by, at=at)
    if second is not None:
        assign_worker(session, follow_up_id, second, kind=SECOND, by=by, at=at)
    keep_vacancy(session, follow_up_id, by=by, at=at)
    return follow_up_id


def set_intensity(
    session: Session, follow_up_id: UUID, intensity: str, *, by: Actor, at: datetime, seen: int | None = None
) -> None:
    """Set how much a follow-up asks of its worker, which counts in their load. Raises Refusal."""
    held = lock_follow_up(session, follow_up_id, by=by, at=at, seen=seen)
    checked_intensity(intensity)
    if held.row.intensity != intensity:
        change_follow_up(session, held, intensity=intensity)
        write_follow_up_event(session, held, "follow_up.intensity_set", intensity=intensity)


def checked_intensity(intensity: str) -> str:
    """How much a follow-up asks, as one of the words of the list. Raises Refusal."""
    if intensity not in INTENSITIES:
        raise Refusal("intensity.malformed", N_("Set the effort required: light, regular or intense."))
    return intensity
