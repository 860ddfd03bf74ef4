"""What a person says of a part of their file that was not corrected: it stands beside that part, in their own words.

Law: who is refused a correction may require that what they asked is recorded (Quebec's Access Act, A-2.1, section 91).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import Session

from domain.kernel import Actor, Refusal, checked, col, every, of, rewrite, says_something, seal
from domain.participants import asked_rights
from domain.record import Ground, Purpose, events, record_read
from domain.rights import requests
from locales import N_
from models.right import CONTESTED, RightsRequest


class Statement(NamedTuple):
    """The words of a person beside a part of their file, and the day on which the correction was refused."""

    part: str
    on: date
    words: str


def state(
    session: Session, request_id: UUID, part: str, words: str, *, seen: int | None, by: Actor, at: datetime
) -> None:
    """Keep what a person says of a part whose correction was refused, whole or in part. Raises Refusal."""
    row = requests.hold(session, request_id, seen=seen)
    if row.kind != "correction" or row.state not in ("refused", "refused_in_part") or row.participant_id is None:
        raise Refusal("rights.not_refused", N_("A person’s own words stand beside what was not corrected alone."))
    if part not in CONTESTED:
        raise Refusal("rights.part", N_("Choose the part of the file of which it speaks."))
    said = checked(words)
    if not says_something(said):
        raise Refusal("rights.words.missing", N_("Say what is asked for, in the person’s words."))
    sealed = seal(session, row.participant_id, asked_rights.place_of(row.id, "statement"), {"words": said})
    rewrite(session, RightsRequest, row.id, contested=part, statement=sealed)
    events.write(session, "rights.stated", "rights_request", row.id, by=by, at=at, part=part)


def beside(session: Session, participant_id: UUID) -> list[str]:
    """The parts of a file beside which the person's own words stand, without opening them."""
    rows = every(session, of(RightsRequest, without=(RightsRequest.statement,)).where(*_stated(participant_id)))
    return sorted({row.contested for row in rows})


def read(
    session: Session,
    participant_id: UUID,
    parts: frozenset[str],
    *,
    by: Actor,
    at: datetime,
    ground: Ground,
    purpose: Purpose | None = None,
) -> list[Statement]:
    """What the person says of these parts, unsealed and noted on record where it says something. Raises Refusal."""
    rows = every(
        session,
        of(RightsRequest)
        .where(*_stated(participant_id), col(RightsRequest.contested).in_(parts))
        .order_by(col(RightsRequest.number)),
    )
    if rows:
        record_read(
            session, "participant", participant_id, what="statement", ground=ground, by=by, at=at, purpose=purpose
        )
    return [
        Statement(row.contested, row.answered_on or row.received_on, requests.words_of(session, row, "statement"))
        for row in rows
    ]


def _stated(participant_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return col(RightsRequest.participant_id) == participant_id, col(RightsRequest.contested) != ""
