"""Whether an organization may see, or be given, something of a participant on a day: the one place that answers.

Two things are asked, and both have to hold: the terms of sharing in the organization's agreement (AG-IS), and the
participant's consent in force to share with it (AD-R8, AD-R11). Who accompanies them, and who coordinates and keeps
their consents, are asked neither. What the law makes somebody say goes by no consent, and is recorded apart (AD-R12).
See docs/adr/0016.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlmodel import Session

from duties.agreement_days import Shared, Terms, terms_on
from duties.here import many, program_of
from models.base import refers, table_of
from models.consent import Consent
from models.follow_up import Assignment, FollowUp
from models.participant import CandidateWorker

_consent = table_of(Consent)
_assignment = table_of(Assignment)
_follow_up = table_of(FollowUp)
_named = table_of(CandidateWorker)

#: Why something is withheld: the agreement does not share it, or the participant did not agree to it. "" where neither.
Withheld = Literal["", "terms", "consent"]


@dataclass(frozen=True)
class Circle:
    """With whom what is known of one participant may be shared on a local day.

    `asked` is whether any consent was ever signed: before, the terms of the agreements alone count. `in_program` is
    whether the one to the program itself holds, and `partners` are those with whom sharing is agreed to. `places` and
    `people` are the organizations whose worker accompanies the participant, and these workers.
    """

    terms: Terms
    asked: bool
    in_program: bool
    partners: frozenset[UUID]
    places: frozenset[UUID]
    people: frozenset[UUID]

    def agrees_to(self, organization_id: UUID) -> bool:
        """Whether the participant agreed, and still does, that it is shared with the organization."""
        return not self.asked or (self.in_program and organization_id in self.partners)

    def withholds(self, organization_id: UUID, shared: Shared) -> Withheld:
        """Why the organization does not get this of the participant; "" where it does."""
        if not self.terms.give(organization_id, shared):
            return "terms"
        return "" if self.agrees_to(organization_id) else "consent"

    def withholds_from(self, person_id: UUID, organization_id: UUID, shared: Shared) -> Withheld:
        """As `withholds`, of a worker who is to accompany the participant for the organization.

        One whose organization accompanies them already brings it nothing: it passes within it, by its own terms.
        """
        if not self.terms.give(organization_id, shared):
            return "terms"
        if person_id in self.people or organization_id in self.places or self.agrees_to(organization_id):
            return ""
        return "consent"


def circle_of(session: Session, participant_id: UUID, day: date) -> Circle:
    """With whom a participant is shared on a local day. Of one who is not there the same is asked."""
    here = program_of(session)
    consents = many(
        session,
        select(
            *(_consent.c[name] for name in ("purpose", "organization_id", "signed_on", "ends_on")),
            or_(_consent.c.withdrawn_on.is_not(None), _consent.c.replaced_at.is_not(None)).label("over"),
        ).where(_consent.c.program_id == here, _consent.c.participant_id == participant_id),
    )
    standing = [
        row
        for row in consents
        if not row["over"] and row["signed_on"] <= day and (row["ends_on"] is None or row["ends_on"] >= day)
    ]
    parts = session.execute(_accompanying(here, participant_id, day)).all()
    names = session.execute(
        select(_named.c.worker_id, _named.c.organization_id, _named.c.second_id).where(
            _named.c.program_id == here, _named.c.participant_id == participant_id, _named.c.ended_at.is_(None)
        )
    ).all()
    seconds = {row.second_id for row in names if row.second_id is not None}
    return Circle(
        terms=terms_on(session, day),
        asked=bool(consents),
        in_program=any(row["purpose"] == "program" for row in standing),
        partners=frozenset(row["organization_id"] for row in standing if row["purpose"] == "sharing"),
        places=frozenset({row.organization_id for row in [*parts, *names]}),
        people=frozenset({row.person_id for row in parts} | {row.worker_id for row in names} | seconds),
    )


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
