"""The information box of a follow-up, as the guide's workbook has it: derived, and never typed a second time (FU-6).

What it says of the person is sealed with who they are: it is opened for those who may read what was written, with its
line of the record, and then tells the month and year of birth alone.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlmodel import Session

from domain.follow_ups.locking import Followed
from domain.kernel import Actor, col, every, local_day, of, only, scalar
from domain.participants import ParticipantIdentity, identity_within
from domain.record import Ground, record_read
from models.participant import Participant, RiskAssessment

#: What the record calls a reading of it.
INFORMATION: Final = "information"
#: Of one whose file is destroyed, or of whom nothing nominative was ever kept, the box says the rest.
_SAYS_WHO: Final = col(Participant.sealed).is_not(None)


class InformationBox(NamedTuple):
    """What the box says: the number, the gender, the months of birth and of entry, and the risk at admission.

    A month is its first day. `gender` is a code, "" where it is not known; `born` and `risk` are None where they are
    not known.
    """

    number: str
    entered: date
    born: date | None
    gender: str
    risk: str | None


def read_information(session: Session, row: Followed, *, ground: Ground, by: Actor, at: datetime) -> InformationBox:
    """Read the information box, and note it on record in the same transaction. Raises Refusal."""
    record_read(session, "participant", row.participant_id, what=INFORMATION, ground=ground, by=by, at=at)
    return information_within(session, row)


def information_within(session: Session, row: Followed) -> InformationBox:
    """The same, for a rule or a file that notes its reading by itself: no person reads it here. Raises Refusal."""
    is_known = scalar(session, only(Participant.id).where(Participant.id == row.participant_id, _SAYS_WHO)) is not None
    who = identity_within(session, row.participant_id) if is_known else ParticipantIdentity()
    return InformationBox(
        row.number,
        row.opened_on.replace(day=1),
        who.birth_date.replace(day=1) if who.birth_date is not None else None,
        who.gender,
        risk_at_admission(session, row.participant_id, row.opened_on),
    )


def risk_at_admission(session: Session, participant_id: UUID, admitted_on: date) -> str | None:
    """The level of the risk as it was assessed last by the day of admission, or else first after it (AD-R10)."""
    made = every(
        session,
        of(RiskAssessment, without=(RiskAssessment.sealed,))
        .where(RiskAssessment.participant_id == participant_id, RiskAssessment.kind == "admission")
        .order_by(col(RiskAssessment.n)),
    )
    before = [one for one in made if local_day(session, one.assessed_at) <= admitted_on]
    return before[-1].level if before else made[0].level if made else None
