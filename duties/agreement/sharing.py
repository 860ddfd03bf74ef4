"""Whether an organization may see, or be given, something of a participant on a day: the one place that answers.

Two things are asked, and both have to hold: the terms of sharing in the organization's agreement (AG-IS), and the
participant's consent in force to share with it (AD-R8, AD-R11). Who accompanies them, and who coordinates and keeps
their consents, are asked neither. What the law makes somebody say goes by no consent, and is recorded apart (AD-R12).
See docs/adr/0016.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlmodel import Session

from duties.agreement.agreement_days import Shared, Terms, terms_on
from duties.here import many, one, program_of
from duties.participants.admission import ADMISSION, BEFORE_COMMITTING
from models.base import refers, table_of
from models.casework import Case
from models.consent import Consent
from models.follow_up import Assignment, FollowUp
from models.participant import CandidateWorker, Participant

_consent = table_of(Consent)
_assignment = table_of(Assignment)
_follow_up = table_of(FollowUp)
_named = table_of(CandidateWorker)
_participant = table_of(Participant)
_case = table_of(Case)

#: Why something is withheld: the agreement does not share it, or the participant did not agree to it. "" where neither.
Withheld = Literal["", "terms", "consent"]


@dataclass(frozen=True)
class Circle:
    """With whom what is known of one participant may be shared on a local day.

    `asked` is whether any consent was signed, of a candidate in the admission under way: before, the terms of the
    agreements alone count, save with those whom the participant left out. `in_program` is whether the one to the
    program itself holds, and `partners` are those with whom sharing is agreed to; where `answered`, it was said with
    whom once, by this admission or another, and every other is left out. `to_be_met` is whether they are a candidate
    who has not committed and took no consent to the program back. `places` and `people` are the organizations whose
    worker accompanies the participant, and these workers.
    """

    terms: Terms
    asked: bool
    in_program: bool
    partners: frozenset[UUID]
    answered: bool
    to_be_met: bool
    places: frozenset[UUID]
    people: frozenset[UUID]

    def agrees_to(self, organization_id: UUID) -> bool:
        """Whether the participant agreed, and still does, that it is shared with the organization."""
        if self.asked:
            return self.in_program and organization_id in self.partners
        return not self.leaves_out(organization_id)

    def leaves_out(self, organization_id: UUID) -> bool:
        """Whether the participant said with whom it is shared, and not, or no longer, with the organization."""
        return self.answered and organization_id not in self.partners

    def withholds(self, organization_id: UUID, shared: Shared) -> Withheld:
        """Why the organization does not get this of the participant; "" where it does."""
        if not self.terms.give(organization_id, shared):
            return "terms"
        return "" if self.agrees_to(organization_id) else "consent"

    def withholds_from(self, person_id: UUID, organization_id: UUID, shared: Shared) -> Withheld:
        """As `withholds`, of a worker who is to accompany the participant for the organization.

        One whose organization accompanies them already brings it nothing: it passes within it, by its own terms.
        Whoever is to meet a candidate asks for the consent there: shut out are those whom the person left out alone.
        """
        if not self.terms.give(organization_id, shared):
            return "terms"
        if person_id in self.people or organization_id in self.places or self.agrees_to(organization_id):
            return ""
        return "" if self.to_be_met and not self.leaves_out(organization_id) else "consent"


def circle_of(session: Session, participant_id: UUID, day: date) -> Circle:
    """With whom a participant is shared on a local day. Of one who is not there the same is asked."""
    here = program_of(session)
    consents = many(
        session,
        select(
            *(
                _consent.c[name]
                for name in ("purpose", "organization_id", "signed_on", "ends_on", "recorded_at", "withdrawn_at")
            ),
            or_(_consent.c.withdrawn_on.is_not(None), _consent.c.replaced_at.is_not(None)).label("over"),
        ).where(_consent.c.program_id == here, _consent.c.participant_id == participant_id),
    )
    standing = [
        row
        for row in consents
        if not row["over"] and row["signed_on"] <= day and (row["ends_on"] is None or row["ends_on"] >= day)
    ]
    begun = _admission_under_way(session, here, participant_id)
    # What was signed in an admission that ended does not stand for this one; what was taken back since then does.
    of_now = [
        row
        for row in consents
        if begun.at is None
        or row["recorded_at"] > begun.at
        or (row["withdrawn_at"] is not None and row["withdrawn_at"] >= begun.at)
    ]
    in_program = any(row["purpose"] == "program" for row in standing)
    taken_back = not in_program and any(row["purpose"] == "program" for row in of_now)
    parts = session.execute(_accompanying(here, participant_id, day)).all()
    names = session.execute(
        select(_named.c.worker_id, _named.c.organization_id, _named.c.second_id).where(
            _named.c.program_id == here, _named.c.participant_id == participant_id, _named.c.ended_at.is_(None)
        )
    ).all()
    seconds = {row.second_id for row in names if row.second_id is not None}
    return Circle(
        terms=terms_on(session, day),
        asked=bool(of_now),
        in_program=in_program,
        partners=frozenset(row["organization_id"] for row in standing if row["purpose"] == "sharing"),
        answered=any(row["purpose"] == "sharing" for row in consents),
        to_be_met=begun.before_committing and not taken_back,
        places=frozenset({row.organization_id for row in [*parts, *names]}),
        people=frozenset({row.person_id for row in parts} | {row.worker_id for row in names} | seconds),
    )


@dataclass(frozen=True)
class _Begun:
    """When the admission under way of a candidate was opened, None where none is; whether they have not committed."""

    at: datetime | None
    before_committing: bool


def _admission_under_way(session: Session, here: UUID, participant_id: UUID) -> _Begun:
    row = one(
        session,
        select(_participant.c.state, _case.c.opened_at)
        .outerjoin(
            _case,
            (_case.c.program_id == _participant.c.program_id)
            & (_case.c.participant_id == _participant.c.id)
            & (_case.c.protocol == ADMISSION)
            & (_case.c.state == "open"),
        )
        .where(_participant.c.program_id == here, _participant.c.id == participant_id),
    )
    if row is None or row["state"] == "admitted":
        return _Begun(None, before_committing=False)
    return _Begun(row["opened_at"], before_committing=row["state"] in BEFORE_COMMITTING)


def _accompanying(here: UUID, participant_id: UUID, day: date) -> Select[Any]:
    """The parts that workers have in a participant's follow-up on the day."""
    return (
        select(_assignment.c.person_id, _assignment.c.organization_id)
        .join(_follow_up, refers(_assignment.c.follow_up_id, _follow_up))
        .where(
            _assignment.c.program_id == here,
            _follow_up.c.participant_id == participant_id,
            _assignment.c.withdrawn_at.is_(None),
            _assignment.c.starts_on <= day,
            or_(_assignment.c.ends_on.is_(None), _assignment.c.ends_on >= day),
        )
    )
