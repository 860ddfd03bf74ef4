"""Departures as the windows see them: which the reader may see, open and answer, and by whose name."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session

from api.access.cases import SeenCase, find_case, to_case, to_duty
from api.access.people import to_person
from api.access.permissions import Action, Asker, Given, require, to_program
from domain.casework import board
from domain.departure import departure_of, offers
from domain.holdings import FOLLOW_UP
from domain.kernel import SHAPE, Actor, Refusal, also, col, every, joins, of
from locales import N_
from models.casework import Case, Task
from models.departure import Departure
from models.program import Organization, Person


def find_departure(session: Session, asker: Asker, case_id: UUID) -> tuple[Departure, SeenCase]:
    """A departure that the asker may see, and its case. Raises Forbidden, also where there is none."""
    case = find_case(session, asker, case_id)
    require(Action.SEE_CASE, to_case(session, asker, case))
    departure = departure_of(session, case_id)
    if departure is None:
        raise Refusal("departure.none", N_("This case is not a departure."))
    return departure, case


def to_departure(asker: Asker, person_id: UUID, organization_id: UUID) -> Given:
    """What the asker is to a person who leaves an organization."""
    given = to_program(asker, organizations=[organization_id])
    return given | {relation: who for relation, who in to_person(asker, person_id).items() if relation == "self"}


def opener(asker: Asker, person_id: UUID, organization_id: UUID) -> Actor:
    """The actor under whom the asker opens a departure. Raises Forbidden."""
    return require(Action.OPEN_DEPARTURE, to_departure(asker, person_id, organization_id))


def to_offers(session: Session, asker: Asker, case: Case) -> Given:
    """What the asker is to a departure whose follow-ups are offered: also whether handing one over is theirs to do.

    As it is the host organization's manager's while there is no coordinator.
    """
    rows = every(session, of(Task).where(Task.case_id == case.id, Task.holding == FOLLOW_UP, Task.state == "open"))
    rows = list({row.owed_by_id: row for row in rows}.values())
    links = board.chains(session, [chain for row in rows for chain in (row.owed_by_id, row.approved_by_id)])
    given = to_case(session, asker, case)
    for row in rows:
        given |= to_duty(asker, row, links)
    return given


def answerer(session: Session, asker: Asker, hand_over_id: UUID) -> Actor:
    """The actor under whom the asker answers an offer. Raises Forbidden, also where there was none."""
    offered = any(row.id == hand_over_id for row in offers.offered_to(session, asker.person_id))
    given = to_person(asker, asker.person_id) if offered else to_program(asker)
    return require(Action.ANSWER_HAND_OVER, given)


def way_of(value: str) -> tuple[UUID | None, str]:
    """What a choice of `Left.choices` says: a successor, or an ending. Raises Refusal where it is none."""
    what, _, which = value.partition(":")
    if what == "end" and which:
        return None, which
    try:
        return (UUID(which), "") if what == "to" else _no_way()
    except ValueError:
        return _no_way()


def _no_way() -> tuple[UUID | None, str]:
    raise Refusal("holding.one_way", N_("Say who takes this over, or how it ends: one of the two."))


class DepartureLine(Departure):
    """A departure with names, and the state of its case."""

    model_config = SHAPE
    given_name: str = also(Person.given_name)
    family_name: str = also(Person.family_name)
    short_name: str = also(Organization.short_name)
    state: str = also(Case.state)

    @property
    def name(self) -> str:
        """Who leaves."""
        return f"{self.given_name} {self.family_name}"


def departures_shown(session: Session, cases: list[Case]) -> list[DepartureLine]:
    """The departures of these cases with names, the last day soonest first."""
    if not cases:
        return []
    return every(
        session,
        of(DepartureLine)
        .join(Case, joins(Departure.case_id, Case))
        .join(Person, joins(Departure.person_id, Person))
        .join(Organization, joins(Departure.organization_id, Organization))
        .where(col(Departure.case_id).in_([case.id for case in cases]))
        .order_by(col(Departure.last_day), col(Person.sort_key)),
    )
