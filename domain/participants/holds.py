"""The legal hold of a file, which keeps it whatever its last day: placed and released with words, and told of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.casework import asking
from domain.kernel import Actor, Language, Refusal, local_day
from domain.mail import notices
from domain.participants import destruction, watching
from domain.participants.keeping_changes import write_change
from domain.participants.locking import barred_workers, change_participant, hold_participant
from domain.record import events
from domain.roles import standing
from locales import N_
from models.participant import Participant

#: The letter that tells of a legal hold that was released.
RELEASED: Final = "hold_released"


def place_hold(session: Session, participant_id: UUID, *, reason: str, by: Actor, at: datetime) -> None:
    """Keep a file beyond its retention, because the law asks for it, with the reason, which is sealed.

    Raises Refusal: it is held, or gone, or no reason is given.
    """
    held = hold_participant(session, participant_id)
    if held.held or held.state in ("draft", "destroyed"):
        raise Refusal("retention.held", N_("This file is already on legal hold, or there is nothing left to hold."))
    write_change(session, held, "hold", reason, by=by, at=at)
    change_participant(session, held, held=True, held_by=by.person_id, held_at=at)
    events.write(session, "retention.held", "participant", participant_id, by=by, at=at)
    destruction.stop(session, participant_id, "hold", by=by, at=at)
    asking.answered(session, destruction.ASK, participant_id, by=by, at=at)


def release_hold(session: Session, participant_id: UUID, *, reason: str, by: Actor, at: datetime) -> None:
    """Release a legal hold, so that the retention of the file runs again, with the reason, which is sealed.

    The privacy officer is told by letter; another, where that is who released it. Raises Refusal: it is not held, or no
    reason is given.
    """
    held = hold_participant(session, participant_id)
    if not held.held:
        raise Refusal("retention.not_held", N_("This file is not on legal hold."))
    write_change(session, held, "release", reason, by=by, at=at)
    change_participant(session, held, held=False, held_by=None, held_at=None)
    events.write(session, "retention.released", "participant", participant_id, by=by, at=at)
    _tell_of_the_release(session, held, by=by, at=at)


def _tell_of_the_release(session: Session, held: Participant, *, by: Actor, at: datetime) -> None:
    """Tell the privacy officer that a hold was released; the next who answers where they did it, or may not know."""
    about = {one for one in (by.person_id, by.acting_for) if one} | barred_workers(session, held.id)
    said = {"released_by": notices.name_of(session, by, "fr"), "subject": held.number or held.candidate_ref}
    hearers = watching.who_hears(session, about, standing(session, local_day(session, at)))
    for person_id, holder in {holder.person_id: holder for holder in hearers}.items():
        facts = {**said, "path": "/destructions" if holder.role == "privacy_officer" else "/"}
        key = f"{RELEASED}:{held.id}:{at.isoformat()}"
        notices.write(session, RELEASED, to=person_id, key=key, facts=partial(_same, facts), at=at)


def _same(facts: Mapping[str, object], _: Language) -> Mapping[str, object]:
    return facts
