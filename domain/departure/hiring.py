"""Taking a person on: the successor in a role is appointed and, where the role has one, onboarded. Guide: DP-01.

A departure names a person who is there already; a recruiting ends with the person it found. Either way the onboarding
opens in the same transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.casework import BY_ITS_ACT, TaskOutcome, cases, lock_task, tasks
from domain.departure import interviews
from domain.departure.recruiting import recruit_for_the_next
from domain.departure.welcoming import WELCOMED, end_welcomes_before, first_term, there_since, welcomed_by
from domain.kernel import Actor, Refusal, local_day, surely
from domain.people import PersonWritten, people
from domain.record import events
from locales import N_

#: The last step of a recruiting, which names the person that it found.
NAMES_THEM: Final = "appoint_person"


@dataclass(frozen=True)
class Hired:
    """The person taken on, what became of the step that named them, and the case of their onboarding, if any."""

    person_id: UUID
    moved: TaskOutcome
    welcome_id: UUID | None


def hire(
    session: Session,
    task_id: UUID,
    *,
    applicant: int,
    role: str,
    starts_on: date,
    person_id: UUID | None = None,
    new: PersonWritten | None = None,
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> Hired:
    """End a recruiting by naming the person it found: in which role, and from which local day on, inclusive.

    They are the `applicant` of this number, who passed the interviews of two (GV-8). They are in the program already,
    or new; `new` is then what is written of them (`people.add_person`). They are appointed at the organization that
    recruits, unless they hold the role by then, and get the role's onboarding where it has one. A second naming finds
    both done. Raises Refusal: a step before it is left, an applicant who did not pass, neither or both are given,
    oneself, or an appointment that cannot be.
    """
    held = lock_task(session, task_id, by=by, at=at, seen=seen)
    if held.task.step != NAMES_THEM or held.task.evidence != BY_ITS_ACT or held.case is None:
        raise Refusal("hiring.none", N_("This task is not for naming the person hired."))
    if (person_id is None) == (new is None):
        raise Refusal("person.missing", N_("Choose a person, or enter a new one: one of the two."))
    if by.is_one_of(person_id):
        raise Refusal("successor.oneself", N_("You cannot appoint yourself: ask someone else to name you."))
    # First, so that what is left of the procedure is said before anything about the person.
    moved = tasks.complete_task(session, task_id, by=by, at=at, in_its_act=True)
    interviews.refuse_unless_passes(session, held.case.id, applicant)
    place = surely(held.case.organization_id)
    hired = surely(person_id) if new is None else people.add_person(session, **new, by=by, at=at)
    if moved.case_closed:
        recruit_for_the_next(session, place, by=by, at=at)
    welcome_id = take_on(session, hired, role, place, starts_on=starts_on, recruited=True, by=by, at=at)
    facts = {"role": role, "organization": str(place), "starts_on": starts_on.isoformat()}
    events.write(
        session, "person.hired", "person", hired, by=by, at=at, case_id=held.case.id, applicant=applicant, **facts
    )
    return Hired(hired, moved, welcome_id)


def take_on(
    session: Session,
    person_id: UUID,
    role: str,
    organization_id: UUID,
    *,
    starts_on: date,
    recruited: bool,
    by: Actor,
    at: datetime,
) -> UUID | None:
    """Appoint a person unless they hold the role then, and open their onboarding; its id, or None.

    One who has been in the role for a while needs no onboarding; one who was recruited is new, whenever they were
    appointed. A person gets one onboarding for one stay; that of an earlier stay is over. Raises Refusal.
    """
    held = first_term(session, person_id, role, organization_id, starts_on)
    if held is None:
        people.appoint(
            session, person_id=person_id, role=role, organization_id=organization_id, starts_on=starts_on, by=by, at=at
        )
    welcome = WELCOMED.get(role)
    is_new = held is None or recruited or held.starts_on >= local_day(session, at)
    if welcome is None or not is_new:
        return None
    since = there_since(session, person_id, role, organization_id, starts_on if held is None else held.starts_on)
    end_welcomes_before(session, welcome, person_id, organization_id, since, by=by, at=at)
    before = welcomed_by(session, welcome, person_id, organization_id, since, anew=held is None)
    if before is not None:
        return before
    return cases.open_case(session, welcome, subject_id=person_id, organization_id=organization_id, by=by, at=at)
