"""What people changed by hand of how long a file is kept: its last day or legal hold, each with a sealed reason.

That another file was joined to it, and destroyed, is kept as such a change: it is read where this one is to go.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from uuid import UUID, uuid4

from sqlmodel import Session

from domain.kernel import Actor, Refusal, add_row, col, every, of, program_of, says_something, seal, trimmed
from locales import N_
from models.destruction import KeptUntil
from models.participant import Participant

LONGEST_REASON: Final = 4000
#: Where the reason of one change is sealed.
PLACE: Final = "kept_until"


def checked_reason(reason: str, code: str) -> str:
    """The words that say why, trimmed. Raises Refusal, by this code, where they are too long."""
    words = trimmed(reason)
    if len(words) > LONGEST_REASON:
        raise Refusal(
            code, N_("One of the answers is longer than %(max_length)s characters."), max_length=LONGEST_REASON
        )
    return words


def write_change(
    session: Session,
    held: Participant,
    kind: str,
    reason: str,
    *,
    day: date | None = None,
    joined: UUID | None = None,
    by: Actor,
    at: datetime,
) -> None:
    """Write down a change of how long a locked file is kept: who made it, when and why. Raises Refusal: no reason.

    `joined` is the file that was joined to it.
    """
    words = checked_reason(reason, "retention.reason.too_long")
    if not says_something(words):
        raise Refusal("retention.reason.missing", _WHY[kind])
    change_id = uuid4()
    row = KeptUntil(
        program_id=program_of(session),
        id=change_id,
        participant_id=held.id,
        kind=kind,
        was=held.retain_until,
        day=day,
        joined_id=joined,
        sealed=seal(session, held.id, f"{PLACE}/{change_id}", {"reason": words}),
        set_by=by.person_id,  # type: ignore[arg-type]  # a person
        set_as=by.role,
        set_for=by.acting_for,
        set_at=at,
    )
    add_row(session, row)


def changes_of(session: Session, participant_id: UUID) -> list[KeptUntil]:
    """Every change by hand of how long a file is kept, the first first, without the sealed reasons."""
    theirs = of(KeptUntil, without=(KeptUntil.sealed,)).where(KeptUntil.participant_id == participant_id)
    return every(session, theirs.order_by(col(KeptUntil.set_at), col(KeptUntil.id)))


def day_by_hand(session: Session, participant_id: UUID) -> date | None:
    """The latest day until which people said that a file is kept; None where they said none.

    A day that was replaced by another counts no more.
    """
    said: list[date] = []
    for change in changes_of(session, participant_id):
        if change.day is not None:
            said = [*(day for day in said if day != change.was), change.day]
    return max(said, default=None)


_WHY: Final = {
    "day": N_("Say why the file is kept until another day."),
    "hold": N_("Say why the law asks to keep the file."),
    "release": N_("Say why the legal hold is released."),
    "joined": N_("Say why they are the same person."),
}
