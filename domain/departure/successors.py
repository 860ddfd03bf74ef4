"""Finds who can take over what a leaver leaves behind, by what it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.accompaniment import proposals
from domain.casework import bar_to_approval, people_of
from domain.departure import parts_left, taking_tasks
from domain.departure.departure_row import departure_of, first_day_without
from domain.departure.endings import APPROVED_OR_OWED, TAKEN_OVER
from domain.holdings import FOLLOW_UP, candidates, duty, roles, seats
from domain.kernel import Actor, col, first, in_program, joins, local_day, of, only, scalar, scalars, select
from domain.people import seat_holders
from domain.roles import DayTenures, standing, takers
from locales import N_
from models.casework import Case, Task
from models.committee import Seat, SeatHolder
from models.departure import Departure
from models.participant import CandidateWorker
from models.program import Absence, Tenure


def may_take_over(session: Session, task: Task, case: Case, at: datetime) -> list[UUID]:
    """Those who could take over what a task asks about, for a form: they hold what it needs and do not leave."""
    departure = departure_of(session, case.id)
    if departure is None or not TAKEN_OVER.get(task.holding, False):
        return []
    leaver_id = departure.person_id
    if task.holding == FOLLOW_UP:
        return [one_of.person_id for one_of in parts_left.fit_for(session, task, leaver_id, at)]
    if task.holding == candidates.CANDIDATE:
        return _for_candidate(session, UUID(task.item), leaver_id, at)
    after = first_day_without(session, departure, at)
    fit = who_fits(session, task.holding, UUID(task.item), after, at)
    able = fit - leaving_by(session, after) - {leaver_id}
    if task.holding == duty.APPROVAL:
        able -= _barred_from_approving(session, UUID(task.item), able, after)
    return sorted(able, key=str)


def why_nobody(session: Session, task: Task) -> str:
    """The reason why a form lists no one to take a thing over by name; a message's id."""
    if task.holding in APPROVED_OR_OWED and taking_tasks.is_of_the_role_alone(
        session, UUID(task.item), approval=task.holding == duty.APPROVAL
    ):
        return _OF_THE_ROLE
    return _NOBODY_FIT


_OF_THE_ROLE: Final = N_(
    "Only a holder of the role that owes this may do it, and no one else holds it "
    "then. It stays with the role until someone does."
)

_NOBODY_FIT: Final = N_("No one else has access to this then: say how it ends.")


def who_fits(session: Session, kind: str, holding_id: UUID, day: date, at: datetime) -> set[UUID]:
    """Those who may have a thing of a kind from a day on, by what it is: the form lists them, the verb checks."""
    then = standing(session, day)
    if kind == seats.SEAT:
        return _for_seat(session, holding_id, then)
    if kind == seats.DEPUTIZING:
        return _for_absent(session, holding_id, then)
    if kind in APPROVED_OR_OWED:
        today = local_day(session, at)
        return set(taking_tasks.takers_of(session, holding_id, then, today, approval=kind == duty.APPROVAL))
    if kind == roles.TENURE:
        return _for_role(session, holding_id, then)
    return {held.person_id for held in then.tenures}


def leaving_by(session: Session, day: date) -> set[UUID]:
    """Those with a departure under way, and those who on a day hold nothing that goes on."""
    then = standing(session, day)
    leaving = scalars(
        session,
        only(Departure.person_id).where(col(Departure.called_off_at).is_(None), col(Departure.ended_at).is_(None)),
    )
    # A later leaver would hand it on again: it is handed over once, to a person who stays.
    return {person for person in leaving if all(held.ends_on is not None for held in then.roles_of(person))}


def _for_role(session: Session, tenure_id: UUID, then: DayTenures) -> set[UUID]:
    """Those who may succeed in a role: they hold a role on the day, or are to hold one."""
    role = scalar(session, only(Tenure.role).where(Tenure.id == tenure_id))
    held: dict[UUID, set[str]] = defaultdict(set)
    for tenure in (*then.tenures, *then.coming):
        held[tenure.person_id].add(tenure.role)
    return {person for person, theirs in held.items() if role is not None and takers.may_act_as(role, theirs)}


def _for_absent(session: Session, absence_id: UUID, then: DayTenures) -> set[UUID]:
    """Those who may deputize for the absent person, in some role that they hold."""
    absent = scalar(session, only(Absence.person_id).where(Absence.id == absence_id))
    wanted = {held.role for held in then.roles_of(absent)} if absent else set()
    return {
        person
        for person in then.live
        if person != absent and (not wanted or any(then.may_act_as(person, role) for role in wanted))
    }


def _barred_from_approving(session: Session, task_id: UUID, people: Collection[UUID], day: date) -> set[UUID]:
    """Those of these people who did what is to be approved, or are barred by the protocol: they are not offered it."""
    row = first(session, of(Task).where(Task.id == task_id))
    then = standing(session, day)
    return {
        person
        for person in people
        if row is not None
        and bar_to_approval(row, Actor(role="", person_id=person), lambda link: people_of(then, link)) is not None
    }


def _for_seat(session: Session, holding_id: UUID, then: DayTenures) -> set[UUID]:
    seat = first(
        session,
        select(Seat)
        .join(SeatHolder, joins(SeatHolder.seat_id, Seat))
        .where(in_program(SeatHolder), SeatHolder.id == holding_id),
    )
    if seat is None:
        return set()
    return {
        held.person_id for role in (seat.role, seat_holders.SECOND) for held in then.holding(role, seat.organization_id)
    }


def _for_candidate(session: Session, named_id: UUID, leaver_id: UUID, at: datetime) -> list[UUID]:
    """Those who can meet a candidate instead of the leaver, the best fit first."""
    row = first(session, of(CandidateWorker).where(CandidateWorker.id == named_id))
    if row is None:
        return []
    able = proposals.proposals(session, row.participant_id, at=at)
    taken = {leaver_id} | ({row.worker_id} if row.second_id == leaver_id else set())
    return [one_of.person_id for one_of in able if one_of.possible and one_of.person_id not in taken]
