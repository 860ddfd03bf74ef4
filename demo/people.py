"""What is done in the demonstration and by whom: its people by their keys, each in the role held at the time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlmodel import Session

from domain.follow_ups import role_for
from domain.kernel import Actor, local_day, only, scalars
from domain.mail import COORDINATION
from domain.roles import standing
from models.program import Organization, Person


@dataclass(frozen=True)
class Happening:
    """One thing that was done in the year behind, on a local working day.

    `settles` names the steps of onboardings that are over by it, each after the key of its worker. `takes_on` names
    the workers who accompany a participant from then on: each is far enough in their onboarding, and stays.
    """

    day: date
    happen: Callable[[datetime], None]
    settles: tuple[tuple[str, str], ...] = ()
    takes_on: tuple[str, ...] = ()


def person(session: Session, key: str) -> UUID:
    """The demonstration's person of this key. Raises NoResultFound where there is none."""
    found: UUID = scalars(session, only(Person.id).where(Person.key == key)).one()
    return found


def organization(session: Session, key: str) -> UUID:
    """The organization of this key. Raises NoResultFound where there is none."""
    found: UUID = scalars(session, only(Organization.id).where(Organization.key == key)).one()
    return found


def worker(session: Session, key: str, at: datetime) -> Actor:
    """A youth worker of the demonstration, who may have left by now, as they act at a moment."""
    person_id = person(session, key)
    held = role_for(standing(session, local_day(session, at)), person_id, "primary")
    return Actor("youth_worker", person_id, held.organization_id if held is not None else None)


def coordinator(session: Session, at: datetime) -> Actor:
    """Whoever coordinates the program at a moment, or stands in for them."""
    first = standing(session, local_day(session, at)).falls(COORDINATION).holders[0]
    return Actor(first.role, first.person_id, first.organization_id, first.acting_for)
