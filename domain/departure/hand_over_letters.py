"""Letters about what is handed over: passed on, offered, refused, or withdrawn, an appointment among them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.casework import about_task, chain_of, to_each
from domain.kernel import Actor, Language, local_day, program_of
from domain.mail import name_of, notices, title_of_role
from domain.roles import standing
from models.casework import Task
from models.departure import HandOver
from models.program import Organization, Tenure

#: The letters about a follow-up that is offered: by `offered`, `offer_refused` and `offer_taken_back`.
OF_OFFERS: Final = ("offered", "offer_refused", "offer_taken_back")


def passed_on(session: Session, task: Task, to: UUID, *, by: Actor, at: datetime) -> None:
    """Tell the successor that they take over a thing of the leaver's. `task` is the departure's step about it."""
    _write(session, "passed_on", task, to, f"passed_on:{task.id}:{notices.once_by(at)}", by=by, at=at)


def offered(
    session: Session, task: Task, offer_id: UUID, to: UUID, *, answer_by: date, by: Actor, at: datetime
) -> None:
    """Ask the worker who is offered a follow-up to answer, and by when: it is not theirs before they accept."""
    _write(session, "offered", task, to, f"offered:{offer_id}", by=by, at=at, due_on=answer_by)


def offer_refused(session: Session, task: Task, offer: HandOver, *, by: Actor, at: datetime) -> None:
    """Tell those who hand a follow-up over that it was refused. The reason is on the page, not in the letter."""
    about, key = about_task(session, task, by), f"offer_refused:{offer.id}:{notices.once_by(at)}"
    falls = standing(session, local_day(session, at)).falls(chain_of(session, task.owed_by_id))
    to_each(session, falls.holders, "offer_refused", key=key, facts=about, at=at, case_id=task.case_id)


def offer_taken_back(session: Session, task: Task, offer: HandOver, *, by: Actor, at: datetime) -> None:
    """Tell the worker who was offered a follow-up that nothing is left to answer, unless they ended it themselves."""
    if not by.is_one_of(offer.to_id):
        key = f"offer_taken_back:{offer.id}:{notices.once_by(at)}"
        _write(session, "offer_taken_back", task, offer.to_id, key, by=by, at=at)


def _write(
    session: Session, template: str, task: Task, to: UUID, key: str, *, by: Actor, at: datetime, **more: date
) -> None:
    """Write a letter about a step that hands something over, which leads to what was handed over to its reader."""
    about = about_task(session, task, by)

    def facts(language: Language) -> dict[str, object]:
        return {**about(language), **more, "path": "/handed-over"}

    notices.write(session, template, to=to, key=key, facts=facts, at=at, case_id=task.case_id)


def appointment_taken_back(session: Session, tenure: Tenure, *, by: Actor, at: datetime) -> None:
    """Tell the person who was to hold a role that they do not, unless they withdrew it themselves."""
    if by.is_one_of(tenure.person_id):
        return
    organization = session.get(Organization, (program_of(session), tenure.organization_id))
    title = title_of_role(session, tenure.role)

    def facts(language: Language) -> dict[str, object]:
        return {
            "role": title(language),
            "organization": organization.short_name if organization else "",
            "starts_on": tenure.starts_on,
            "by_name": name_of(session, by, language),
        }

    key = f"appointment_taken_back:{tenure.id}:{notices.once_by(at)}"
    notices.write(session, "appointment_taken_back", to=tenure.person_id, key=key, facts=facts, at=at)
