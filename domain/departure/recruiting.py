"""The roles to recruit for: one that waits for its turn, and one whose successor is gone before they began."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Text, cast, func
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, or_

from domain.casework import assigning, cases, tasks
from domain.declared import Bilingual
from domain.departure.welcoming import held_there
from domain.holdings import TENURE, called, tells_of, told
from domain.kernel import Actor, both, col, first, joins, lasts, local_day, of, only, same, scalar, scalars, select
from domain.mail import coordination_chain
from domain.roles import Link
from locales import N_
from models.casework import Case, Task
from models.departure import Settlement
from models.program import Tenure
from models.record import Event

#: The protocol by which a new person is looked for.
RECRUITING: Final = "recruiting"
#: The manager's task to recruit for a role whose turn comes after the recruiting under way, and how soon it is due.
AFTERWARDS: Final = "recruiting.afterwards"
DAYS_TO_RECRUIT: Final = 30
#: The manager's task to name a successor, where an appointment is withdrawn that no open case asks about any more.
ANEW: Final = "recruiting.anew"
DAYS_TO_NAME: Final = 5


def recruit_afterwards(session: Session, organization_id: UUID, role: Bilingual, *, by: Actor, at: datetime) -> None:
    """Have the manager recruit for a role after the recruiting that is open at the organization.

    It opens automatically when that one ends with a person hired. Where the open one was started by hand, and no
    departure asked for it yet, it counts for this role. Then nothing is left for afterwards.
    """
    item = str(organization_id)
    opened_at = scalar(
        session,
        only(Case.opened_at)
        .where(Case.protocol == RECRUITING, Case.organization_id == organization_id, Case.state == "open")
        .with_for_update(),
    )
    asked_for = (
        only(Settlement.id)
        .join(Case, joins(Settlement.case_id, Case))
        .where(
            Case.organization_id == organization_id,
            Settlement.ended_as == "recruiting",
            col(Settlement.settled_at) >= opened_at,
        )
    )
    waited_for = only(Task.id).where(Task.step == AFTERWARDS, Task.item == item, col(Task.done_at) >= opened_at)
    if scalar(session, select(or_(asked_for.exists(), waited_for.exists()))):
        title = both(_AFTERWARDS, role=role.model_dump())
        assigning.assign_within(
            session,
            AFTERWARDS,
            item,
            title,
            _answers_there(session, organization_id),
            within=DAYS_TO_RECRUIT,
            by=by,
            at=at,
            sources=["DP-01"],
        )


_AFTERWARDS = N_("Recruit for one more role, once the recruiting under way is over: %(role)s")


def _answers_there(session: Session, organization_id: UUID) -> list[Link]:
    """Who sees to recruiting at an organization: its manager, and behind them who answers for the program."""
    return [Link("manager", str(organization_id)), *coordination_chain(session)]


def recruit_anew(session: Session, tenure: Tenure, *, by: Actor, at: datetime) -> None:
    """Ask the manager who succeeds, where an appointment that a closed case had led to was withdrawn just now.

    A recruiting that found them is over, and so is a departure closed since it named them: neither asks anyone. Not
    asked where another has been in the role since.
    """
    place = tenure.organization_id
    found = only(Event.n).where(
        Event.subject_id == tenure.person_id,
        Event.verb == "person.hired",
        told("role") == tenure.role,
        told("organization") == str(place),
    )
    left = aliased(Tenure, name="left_role")
    named = (
        only(Settlement.id)
        .join(Case, joins(Settlement.case_id, Case))
        .join(left, joins(Settlement.holding_id, left))
        .where(
            Settlement.kind == TENURE,
            Settlement.successor_id == tenure.person_id,
            left.role == tenure.role,
            left.organization_id == place,
            Case.state == "closed",
        )
    )
    held = select(Tenure.id).where(
        held_there(tenure.person_id, tenure.role, place), lasts(Tenure, local_day(session, at))
    )
    if scalar(session, select(and_(or_(found.exists(), named.exists()), ~held.exists()))):
        _ask_who_follows(session, tenure.id, by=by, at=at)


def recruit_once_cancelled(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> None:
    """Ask the manager who succeeds in each role for which a departure started this recruiting, which was cancelled.

    Not where the role was given to another since.
    """
    left, given = aliased(Tenure, name="left_role"), aliased(Tenure, name="given")
    recruits, departs = aliased(Case, name="recruits"), aliased(Case, name="departs")
    follows = (
        select(given.id)
        .where(
            same(given, left),
            given.role == left.role,
            given.organization_id == left.organization_id,
            given.person_id != left.person_id,
            col(given.taken_back_at).is_(None),
            col(given.starts_on) > func.coalesce(col(left.ends_on), date.max),
        )
        .exists()
    )
    rows = scalars(
        session,
        only(left.id)
        .join(Settlement, joins(Settlement.holding_id, left))
        .join(departs, joins(Settlement.case_id, departs))
        .join(
            recruits,
            and_(
                same(recruits, departs),
                recruits.organization_id == departs.organization_id,
                col(recruits.opened_at) <= col(Settlement.settled_at),
            ),
        )
        .where(
            recruits.id == case_id,
            Settlement.kind == TENURE,
            Settlement.ended_as == RECRUITING,
            departs.state != "cancelled",
            ~follows,
        )
        .order_by(col(left.id)),
    )
    for tenure_id in rows.all():
        _ask_who_follows(session, tenure_id, by=by, at=at)


cases.when_cancelled(RECRUITING, together=lambda _session, _case_id: (), do=recruit_once_cancelled)


def _ask_who_follows(session: Session, tenure_id: UUID, *, by: Actor, at: datetime) -> None:
    """Ask the manager who succeeds in a role, unless that is already asked of this role there."""
    row = first(session, of(Tenure).where(Tenure.id == tenure_id))
    assert row is not None  # noqa: S101 - it was read a moment ago
    post = f"{row.organization_id} {row.role}"
    asked = only(Task.id).where(Task.step == ANEW, Task.item == post, Task.state == "open")
    if scalar(session, asked.limit(1)) is not None:
        return
    title = both(_ANEW, role=called(session, tenure_id).model_dump())
    chain = _answers_there(session, row.organization_id)
    assigning.assign_within(session, ANEW, post, title, chain, within=DAYS_TO_NAME, by=by, at=at, sources=["DP-01"])


_ANEW = N_("Name a successor, or recruit again: %(role)s")


def see_who_follows(session: Session, *, by: Actor, at: datetime) -> int:
    """Cancel what the manager is asked by `ANEW` for a role that was given to a person since; returns how many."""
    given = (
        only(Event.n)
        .join(Tenure, tells_of(Tenure, "tenure.started"))
        .where(
            col(Event.at) > col(Task.opened_at),
            cast(col(Tenure.organization_id), Text) + " " + col(Tenure.role) == col(Task.item),
            col(Tenure.taken_back_at).is_(None),
        )
        .exists()
    )
    asked = only(Task.id).where(Task.step == ANEW, Task.state == "open", given)
    tasks_ids = scalars(session, asked.order_by(col(Task.id))).all()
    for task_id in tasks_ids:
        assigning.call_off(session, task_id, by=by, at=at)
    return len(tasks_ids)


def recruit_for_the_next(session: Session, organization_id: UUID, *, by: Actor, at: datetime) -> None:
    """Open the next recruiting, where one is over and another role waited for that."""
    item = str(organization_id)
    waiting = only(Task.id).where(Task.step == AFTERWARDS, Task.item == item, Task.state == "open")
    waits = scalar(session, waiting.order_by(col(Task.opened_at), col(Task.id)).limit(1))
    if waits is not None:
        cases.open_case(session, RECRUITING, organization_id=organization_id, by=by, at=at)
        tasks.complete_task(session, waits, by=by, at=at)
