"""Finds who may take over a leaver's task: by the role that owes it, what it asks about, and how it is done.

The rule that lets a person take a task is as strict as those that let them do it. What a tick completes is for the role
that owes it. What an act does is for those who may do the act, and so is what asks about a participant. See
docs/adr/0019.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import takewhile
from typing import Final
from uuid import UUID

from sqlalchemy import Uuid, literal
from sqlmodel import Session, or_

from domain.casework import BY_ITS_ACT, chains
from domain.declarations import GIVE, SEE_TO, SIT
from domain.departure import hiring
from domain.follow_ups import APART, APART_COORDINATION
from domain.kernel import SHAPE, also, col, first, joins, of, only, program, same, scalars, surely
from domain.obligations import to_accept
from domain.roles import HAVING, DayTenures, HeldRole, Link, called_in, takers, task_is_open_to
from domain.terms import circle_of
from models.casework import Case, Task
from models.follow_up import FollowUp
from models.participant import Participant
from models.program import Person
from models.referral import Referral

COORDINATOR: Final = "coordinator"
_COORDINATION: Final[Link] = Link(COORDINATOR)
#: Those who give the proof that an organization owes, even where another of its people owes it, beside the coordinator.
_GIVES: Final = ("manager", "director")
#: What several may give or do, though an act completes it: the role that owes it, and those who answer for the place.
_GIVEN: Final = frozenset({GIVE, SEE_TO, SIT, to_accept.GIVE_AGAIN})
#: Steps about an activity are about its participants.
_OF_ACTIVITIES: Final = frozenset({APART, APART_COORDINATION})
#: How long an id is, as the item of a task begins with it.
_AN_ID: Final = 36


@dataclass(frozen=True)
class Wanted:
    """Those a task is for: they hold a role of one of these links, and the one that owes it comes before any other.

    For what a worker is asked about participants, also the worker who accompanies each of them (`files`), in a role
    that may act in `role`.
    """

    role: str
    links: tuple[Link, ...]
    files: tuple[UUID, ...] = ()


def takers_of(
    session: Session, task_id: UUID, then: DayTenures, today: date, *, approval: bool
) -> dict[UUID, HeldRole]:
    """Those who may do or approve a task from a day on, each with the role by which they do.

    Not those who are barred by a participant.
    """
    wanted = _wanted(session, task_id, approval=approval)
    if wanted is None:
        return {}
    found: dict[UUID, HeldRole] = {}
    for link in wanted.links:
        for held in then.tenures_of(link):
            found.setdefault(held.person_id, held)
    if wanted.files:
        found = _to_whom_they_are_open(session, wanted, then, today) | found
    return {person: found[person] for person in _not_barred(session, task_id, found)}


def is_of_the_role_alone(session: Session, task_id: UUID, *, approval: bool) -> bool:
    """Whether a task is only for holders of the role that owes it."""
    wanted = _wanted(session, task_id, approval=approval)
    return wanted is not None and not wanted.files and all(link.role == wanted.role for link in wanted.links)


def _wanted(session: Session, task_id: UUID, *, approval: bool) -> Wanted | None:
    row = read(session, task_id)
    if row is None:
        return None
    return wanted_of(session, row, chain_of(session, row, approval=approval), approval=approval)


class TaskOfWhom(Task):
    """A task with the organization and participant of its case."""

    model_config = SHAPE
    organization_id: UUID | None = also(Case.organization_id)
    participant_id: UUID | None = also(Case.participant_id)


def read(session: Session, task_id: UUID) -> TaskOfWhom | None:
    """A task as `wanted_of` needs it, with the organization and participant of its case."""
    return first(session, of(TaskOfWhom).outerjoin(Case, joins(Task.case_id, Case)).where(Task.id == task_id))


def chain_of(session: Session, row: Task, *, approval: bool) -> list[Link]:
    """The chain by which a task is owed, or approved."""
    chain_id = row.approved_by_id if approval else row.owed_by_id
    return chains(session, [chain_id])[surely(chain_id)]


def wanted_of(session: Session, row: TaskOfWhom, chain: Sequence[Link], *, approval: bool = False) -> Wanted | None:
    """Those a task is for, when owed or approved by a chain; None where the chain is empty."""
    if not chain:
        return None
    role = chain[0].role
    owing = _owing(chain)
    about = _participants_of(session, row)
    if about or row.step in _OF_ACTIVITIES:
        if role in takers.ACCOMPANIES:
            return Wanted(role, (_COORDINATION,), tuple(about))
        return Wanted(role, owing)
    if row.evidence == BY_ITS_ACT and not approval:
        return Wanted(role, (*owing, *_also(row, owing)))
    return Wanted(role, (*owing, *_near(session, row, role, owing)))


def _owing(chain: Sequence[Link]) -> tuple[Link, ...]:
    """The links of the role that first owes something, without the people they name.

    There is one for each organization where several host the coordination. The coordinator's is the program's own role.
    """
    role = chain[0].role
    if role == COORDINATOR:
        return (_COORDINATION,)
    first = takewhile(lambda link: link.role == role, chain)
    return tuple(Link(role, at) for at in dict.fromkeys(link.at for link in first))


def _also(row: TaskOfWhom, owing: Sequence[Link]) -> list[Link]:
    """Further links whose holders may do what an act does. No one attests for another; several may give proof."""
    if row.step in _GIVEN:
        places = [link.at for link in owing if _is_place(link.at)]
        return [*(Link(role, at) for at in places for role in _GIVES), *([_COORDINATION] if places else [])]
    if row.step == hiring.NAMES_THEM:
        return [Link("manager", str(row.organization_id)), _COORDINATION]
    return []


def _near(session: Session, row: TaskOfWhom, role: str, owing: Sequence[Link]) -> list[Link]:
    """Further holders who may see the same things as the role that owes it.

    What a role of the whole program owes is open to those who answer for the organization that it is about, or for one
    that hosts the coordination.
    """
    places = dict.fromkeys(link.at for link in owing if _is_place(link.at) or link.at.startswith(HAVING))
    if not places:
        hosts = map(str, program(session).coordination.organizations)
        about = [str(row.organization_id)] if row.organization_id is not None else []
        places = dict.fromkeys([*about, *hosts])
    roles = takers.who_may_act_as(role) - {role}
    there = [Link(other, at) for at in places for other in sorted(roles - {COORDINATOR})]
    return [*there, _COORDINATION] if COORDINATOR in roles else there


def _is_place(at: str) -> bool:
    return at != "*" and not at.startswith(HAVING)


def _participants_of(session: Session, row: TaskOfWhom) -> list[UUID]:
    """The participants that a task asks about: of its case, of the thing that it is about, or named in its words."""
    about = [called_in(row.title_en)]
    if row.participant_id is not None:
        about.append(col(Participant.id) == row.participant_id)
    thing = _id_in(row.item)
    if thing is not None:
        about.append(col(Participant.id) == thing)
        about += [
            col(Participant.id).in_(only(table.participant_id).where(table.id == thing))
            for table in (FollowUp, Referral, Case)
        ]
    found = only(Participant.id).where(or_(*about))
    return list(scalars(session, found.order_by(col(Participant.id))))


def _id_in(item: str) -> UUID | None:
    try:
        return UUID(item[:_AN_ID])
    except ValueError:
        return None


def _to_whom_they_are_open(session: Session, wanted: Wanted, then: DayTenures, today: date) -> dict[UUID, HeldRole]:
    """Those who may read the files of these participants, today and then, by a part of their own in them."""
    present = DayTenures(then.day, then.tenures, (), then.coming)
    circles = [circle_of(session, file, day) for file in wanted.files for day in {today, then.day}]
    held = {part.person_id: _role_to_act_in(wanted, then, part.person_id) for one in circles for part in one.parts}
    return {
        person: role
        for person, role in held.items()
        if role is not None and all(circle.opens(person, present) == "file" for circle in circles)
    }


def _role_to_act_in(wanted: Wanted, then: DayTenures, person_id: UUID) -> HeldRole | None:
    """The role under which a person may do what is wanted: the wanted one before any that may act in it."""
    roles = takers.who_may_act_as(wanted.role)
    held = [one_of for one_of in then.roles_of(person_id) if one_of.role in roles]
    return min(held, key=lambda one_of: (one_of.role != wanted.role, one_of.role), default=None)


def _not_barred(session: Session, task_id: UUID, people: Collection[UUID]) -> list[UUID]:
    """Those of these people who may see a task: no participant bars them from it."""
    open_to = (
        only(Person.id)
        .join(Task, same(Task, Person))
        .where(col(Person.id).in_(people), col(Task.id) == literal(task_id, Uuid()), task_is_open_to(col(Person.id)))
    )
    return list(scalars(session, open_to))
