"""The demonstration's sign-in: one chooses one of its people, and is signed in as them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlmodel import Session

from api.access.permissions import Action, Forbidden, asks
from api.access.session import Installation, end_stay, installation_of, sign_in
from api.pages.frame import see_other
from domain.access import device_of, voiding
from domain.kernel import local_day, title_of
from domain.roles import DayTenures, standing
from locales import N_, current_language, gettext
from models.program import Organization, Person, Program, Role

router = APIRouter(include_in_schema=False)

#: For each role, what is worth trying as one who holds it; the roles stand in the order of the page.
WORTH_TRYING: Final[Mapping[str, str]] = {
    "coordinator": N_("Open an onboarding, see what is vacant or late, and carry most of the steps."),
    "youth_worker": N_("Follow your own onboarding, and confirm what you received and read."),
    "manager": N_("Approve a worker’s access, appoint someone, record an absence and its deputy."),
    "it_contact": N_("Open accounts and hand over the equipment, by serial number."),
    "petty_cash_holder": N_("Set up the petty cash, then wait for the manager’s approval."),
    "administrative_officer": N_("Read the outgoing mail and the coordination board."),
    "second_representative": N_("See your seat on the committees and the cases in which you have a part."),
    "police_representative": N_("See the program, its committees and its people."),
    "specialized_resource": N_("See the program, its committees and its people."),
    "research_coordinator": N_("See the program, its committees and its people."),
    "researcher": N_("See the program, its committees and its people."),
    "director": N_("See the cases of your organization and its agreement."),
    "privacy_officer": N_("See who read what and who was refused, and keep the register of incidents."),
    "administrator": N_("Invite people, see who can sign in and which letters went; you see no case."),
}


@router.post("/sign-in")
@asks(Action.SIGN_IN)
def enter(request: Request, program: Annotated[UUID, Form()], person: Annotated[UUID, Form()]) -> RedirectResponse:
    """Sign in as one of the demonstration's people. Forbidden anywhere else, and as anyone else."""
    installation = installation_of(request)
    if not installation.demonstration:
        raise Forbidden
    with installation.of_program(program) as session:
        found = session.get(Program, program)
        if found is None or not found.is_demonstration or person not in _today(installation, session, found).live:
            raise Forbidden
    answer = see_other("/")
    # A cookie of someone else's stay in this browser is of no more use.
    end_stay(installation, request.cookies.get(installation.cookie, ""))
    device = device_of(request.headers.get("user-agent", ""))
    sign_in(installation, program, person, answer, means="demonstration", device=device)
    return answer


def demonstrated(installation: Installation) -> Sequence[Program]:
    """The programs of a demonstration: none before its people are there."""
    with installation.before_a_program() as session:
        return session.scalars(select(Program).where(Program.is_demonstration.is_(True))).all()  # type: ignore[attr-defined]


@dataclass(frozen=True)
class DemonstrationPerson:
    """A person of a demonstration that a visitor may be: where they hold the role, and those they act for."""

    id: UUID
    name: str
    organization: str
    away: bool
    acting_for: str


@dataclass(frozen=True)
class RoleGroup:
    """Those who hold a role of a demonstration today, and what is worth trying as one of them."""

    title: str
    worth_trying: str
    program: UUID
    people: Sequence[DemonstrationPerson]


def groups_of(installation: Installation, programs: Sequence[Program]) -> list[RoleGroup]:
    """The people of these programs today by role, each with the organization at which they hold it."""
    return [group for program in programs for group in _groups_of(installation, program)]


def _groups_of(installation: Installation, program: Program) -> Iterator[RoleGroup]:
    with installation.of_program(program.id) as session:
        today = _today(installation, session, program)
        people = {person.id: person for person in session.scalars(select(Person))}
        places = {place.id: place for place in session.scalars(select(Organization))}
        roles = {role.key: role for role in session.scalars(select(Role))}
        day = local_day(session, installation.clock())
        kept_out = set(session.scalars(select(Person.id).where(voiding.keeps_out(Person.id, day))))  # type: ignore[call-overload]
    for key in sorted(roles, key=_rank):
        held: dict[UUID, list[str]] = defaultdict(list)
        for tenure in today.holding(key):
            held[tenure.person_id].append(places[tenure.organization_id].short_name)
        chosen = [
            DemonstrationPerson(
                person.id,
                person.name,
                ", ".join(sorted(held[person.id])),
                today.is_away(person.id),
                ", ".join(people[absence.person_id].name for absence in today.acting_for(person.id)),
            )
            for person in sorted(map(people.__getitem__, held.keys() - kept_out), key=lambda one: one.sort_key)
        ]
        if chosen:
            worth_trying = gettext(WORTH_TRYING[key]) if key in WORTH_TRYING else ""
            yield RoleGroup(title_of(roles[key], current_language()), worth_trying, program.id, chosen)


def _today(installation: Installation, session: Session, program: Program) -> DayTenures:
    return standing(session, installation.clock().astimezone(ZoneInfo(program.time_zone)).date())


def _rank(role: str) -> tuple[int, str]:
    order = list(WORTH_TRYING)
    return (order.index(role) if role in order else len(order), role)
