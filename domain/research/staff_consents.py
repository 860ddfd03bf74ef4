"""Consents of workers and managers to take part in the research (ER-5): kept by the research coordinator, withdrawable.

Only who consented is asked to an interview (ER-2).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from uuid import UUID, uuid4

from sqlmodel import Session

from domain.kernel import (
    SHAPE,
    Actor,
    Order,
    Part,
    Refusal,
    add_row,
    changes,
    col,
    every,
    first,
    joins,
    local_day,
    of,
    only,
    program_of,
    scalar,
    scalars,
    surely,
    there_is,
)
from domain.record import events
from domain.research.standing import staff_withdrawn_since
from domain.roles import standing
from locales import N_
from models.program import Person
from models.research import StaffResearchConsent

#: Whom the research interviews (ER-2): the workers of the Clinical Committee, and managers of the Steering Committee.
INTERVIEWED: Final = ("youth_worker", "manager")


class StaffConsented(StaffResearchConsent):
    """A consent of a member of staff, with their name."""

    model_config = SHAPE

    given_name: str = surely(Person.given_name)
    family_name: str = surely(Person.family_name)

    @property
    def name(self) -> str:
        """The name as it is shown."""
        return f"{self.given_name} {self.family_name}".strip()


def keep(session: Session, person_id: UUID, signed_on: date, *, by: Actor, at: datetime) -> None:
    """Record that a worker or a manager signed, on a local day. Raises Refusal."""
    today = local_day(session, at)
    if signed_on > today:
        raise Refusal("consent.days", N_("A form is explained first, then signed, and never on a future day."))
    if person_id not in {one.id for one in could_sign(session, today)}:
        raise Refusal(
            "staff_consent.role",
            N_("Only workers and managers of the program are asked for this consent."),
            source="ER-5",
        )
    if consent_of(session, person_id) is not None:
        raise Refusal("staff_consent.there", N_("This person has consented already."), source="ER-5")
    since = StaffResearchConsent.person_id == person_id, col(StaffResearchConsent.withdrawn_on) > signed_on
    if there_is(session, only(StaffResearchConsent.id).where(*since)):
        raise Refusal(
            "staff_consent.withdrawn_since",
            N_("After this form was signed, the person withdrew their consent. A new form is needed."),
            source="ER-5",
        )
    add_row(
        session,
        StaffResearchConsent(
            program_id=program_of(session),
            id=uuid4(),
            person_id=person_id,
            signed_on=signed_on,
            kept_by=by.person_id,  # type: ignore[arg-type]  # a person
            recorded_at=at,
        ),
    )
    events.write(session, "staff_research_consent.kept", "person", person_id, by=by, at=at)


def withdraw(session: Session, person_id: UUID, *, by: Actor, at: datetime) -> None:
    """Withdraw it; nothing else changes for them. Raises Refusal: there is none."""
    ended = scalar(
        session,
        changes(StaffResearchConsent)
        .where(StaffResearchConsent.person_id == person_id, _STANDS)
        .values(withdrawn_on=local_day(session, at), withdrawn_at=at)
        .returning(col(StaffResearchConsent.id)),
    )
    if ended is None:
        raise Refusal("staff_consent.none", N_("This person has not consented."), source="ER-5")
    events.write(session, "staff_research_consent.withdrawn", "person", person_id, by=by, at=at)


def consent_of(session: Session, person_id: UUID) -> StaffResearchConsent | None:
    """The consent of a person that was not withdrawn; None where there is none."""
    return first(session, of(StaffResearchConsent).where(StaffResearchConsent.person_id == person_id, _STANDS))


_STANDS: Final = col(StaffResearchConsent.withdrawn_on).is_(None)
#: One after the other, also of one moment.
_LAST_FIRST: Final = Order(StaffResearchConsent.recorded_at, StaffResearchConsent.id, newest_first=True)


def kept(session: Session, *, most: int = 50, after: UUID | None = None) -> Part[StaffConsented]:
    """The consents of staff, the last recorded first, and those that were withdrawn."""
    asked = (
        of(StaffConsented).join(Person, joins(StaffResearchConsent.person_id, Person)).where(~staff_withdrawn_since())
    )
    return _LAST_FIRST.part(session, asked, after=after, most=most)


def could_sign(session: Session, day: date) -> list[Person]:
    """The workers and managers of a local day, by name."""
    there = standing(session, day)
    holders = {held.person_id for role in INTERVIEWED for held in there.holding(role)}
    return every(session, of(Person).where(col(Person.id).in_(holders)).order_by(col(Person.sort_key), col(Person.id)))


def to_interview(session: Session, day: date) -> list[Person]:
    """Those who may be asked to an interview on a local day: workers and managers whose consent stands, by name."""
    consented = set(scalars(session, only(StaffResearchConsent.person_id).where(_STANDS, ~staff_withdrawn_since())))
    return [one for one in could_sign(session, day) if one.id in consented]
