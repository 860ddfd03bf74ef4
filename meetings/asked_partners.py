"""The task by which a partner is asked whether it endorses a decision: opened, answered and called off (GV-4)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.casework import BY_ITS_ACT, asking, assigning, complete_task
from domain.kernel import Actor, local_day
from domain.mail import COORDINATION
from domain.roles import DayTenures, Link, standing
from locales import N_, say
from meetings.endorsements import SPEAK_FOR_IT, barred_from_endorsing
from models.minutes import Decision

#: The step of a partner's task to endorse a decision or to object to it; its item is the decision's id.
ENDORSE: Final = "decision.endorse"
_ASKED: Final = N_("Say whether your organization endorses decision %(number)s")
_ASKED_AGAIN: Final = N_("Asked again: say whether your organization endorses decision %(number)s")


def ask(
    session: Session,
    row: Decision,
    organization_id: UUID,
    due_on: date,
    *,
    by: Actor,
    at: datetime,
    again: bool = False,
) -> None:
    """Ask a partner whether it endorses a decision: its manager, else its director, else the person who represents it.

    A person who may not say so, as the one who recorded it, is passed over. Where no one can, the coordinator has it
    as vacant.
    """
    today = standing(session, local_day(session, at))
    barred = barred_from_endorsing(session, today, row, organization_id, at=at)
    title = _ASKED_AGAIN if again else _ASKED
    assigning.assign(
        session,
        ENDORSE,
        str(row.id),
        title_fr=say("fr", title, number=row.number),
        title_en=say("en", title, number=row.number),
        chain=[*_who_says_it(today, organization_id, barred), *COORDINATION],
        due_on=due_on,
        by=by,
        at=at,
        evidence=BY_ITS_ACT,
        sources=["GV-4"],
        at_once=True,
    )


def _who_says_it(today: DayTenures, organization_id: UUID, barred: Collection[UUID]) -> list[Link]:
    links = [Link(role, str(organization_id)) for role in SPEAK_FOR_IT]
    found = []
    for link in links:
        people = {holder.person_id for holder in today.falls([link]).holders}
        if not people or people - set(barred):
            found.append(link)
    return found or links[:1]


def _tasks_of(session: Session, decision_id: UUID, organization_id: UUID) -> list[UUID]:
    return [
        task.id
        for task in asking.open_ones(session, ENDORSE, decision_id)
        if any(_is_of(link, organization_id) for link in task.links)
    ]


def _is_of(link: Link, organization_id: UUID) -> bool:
    """Whether a link leads to a person who speaks for a partner. A link by name leads to one who took the task over."""
    return link.person is None and link.role in SPEAK_FOR_IT and link.at == str(organization_id)


def is_asked(session: Session, decision_id: UUID, organization_id: UUID) -> bool:
    """Whether a partner is asked what it says, and has not said it."""
    return bool(_tasks_of(session, decision_id, organization_id))


def answered(session: Session, decision_id: UUID, organization_id: UUID, *, by: Actor, at: datetime) -> None:
    """Complete what a partner is asked, since it said so."""
    for task_id in _tasks_of(session, decision_id, organization_id):
        complete_task(session, task_id, by=by, at=at, in_its_act=True)


def call_off(session: Session, decision_id: UUID, organization_id: UUID, *, by: Actor, at: datetime) -> None:
    """Call off what a partner is asked."""
    for task_id in _tasks_of(session, decision_id, organization_id):
        assigning.call_off(session, task_id, by=by, at=at)
