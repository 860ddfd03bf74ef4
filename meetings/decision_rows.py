"""The rows of decisions: holding one while it is changed, and writing it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import false, func, literal
from sqlmodel import Session

from domain.endorsement import ended_since
from domain.kernel import SHAPE, Actor, Refusal, also, changes, col, first, joins, of, run, surely, value_of
from domain.record import events
from domain.roles import Link
from locales import N_
from meetings.locking import changed_meanwhile
from models.agenda import AUDIENCES, AgendaItem
from models.casework import SETTLED, Responsibility, Task
from models.committee import Committee
from models.lifecycles import DECISION
from models.meeting import Meeting
from models.minutes import Decision
from models.program import Organization, Role


class DecisionWithTask(Decision):
    """A decision as it is stored, with the state of its task.

    `ended_since` says that it had been revoked or suspended, which a restore lost, and it is not decided.
    """

    model_config = SHAPE
    task_state: str | None = also(Task.state)
    ended_since: bool = also(value_of(ended_since().label("ended_since")))


class RegisteredDecision(DecisionWithTask):
    """A decision as its register has it: `state`, `closed_at`, `closed_as` and `due_on` as its task has them now.

    `letters` are the committee's, `starts` is the local start of the meeting, and `audience` says who may read the item
    that it was taken on.
    """

    model_config = SHAPE
    task_due_on: date | None = also(Task.due_on)
    done_at: datetime | None = also(Task.done_at)
    done_as: str | None = also(Task.done_as)
    task_done_by: UUID | None = also(Task.done_by)
    owed_by: list[Link] | None = also(Responsibility.links)
    owner_fr: str = also(value_of(func.coalesce(col(Role.title_fr), "")))
    owner_en: str = also(value_of(func.coalesce(col(Role.title_en), "")))
    owner_organization: str = also(value_of(func.coalesce(col(Organization.short_name), "")))
    letters: str = also(Committee.letters)
    committee_key: str = also(Committee.key)
    starts: datetime = also(Meeting.starts)
    audience: str = also(value_of(func.coalesce(col(AgendaItem.audience), AUDIENCES[0])))
    item_number: str = surely(value_of(func.coalesce(col(AgendaItem.number), "")))
    item_fr: str = also(value_of(func.coalesce(col(AgendaItem.title_fr), "")))
    item_en: str = also(value_of(func.coalesce(col(AgendaItem.title_en), "")))
    #: Whether its committee settles objections.
    is_where_objections_settle: bool = also(value_of(false()))
    #: The days since it was decided, where its age is asked for.
    age_days: int = also(value_of(literal(0)))


def lock_decision(session: Session, decision_id: UUID, *, seen: int | None = None) -> DecisionWithTask:
    """A decision's stored row, locked. Raises Refusal: there is none, or not in the version `seen`."""
    row = first(
        session,
        of(DecisionWithTask)
        .outerjoin(Task, joins(Decision.task_id, Task))
        .where(Decision.id == decision_id)
        .with_for_update(of=Decision),
    )
    if row is None:
        raise Refusal("decision.unknown", N_("There is no such decision."))
    if seen is not None and row.version != seen:
        raise changed_meanwhile("decision")
    return row


def change_decision(session: Session, row: Decision, **values: Any) -> None:
    """Write columns of a held decision, and count its version up."""
    run(session, changes(Decision).where(Decision.id == row.id).values(**values, version=col(Decision.version) + 1))


def tell(session: Session, verb: str, row: Decision, *, by: Actor, at: datetime, **facts: events.Fact) -> None:
    """Write the event of what was done to a decision, under its number."""
    events.write(session, verb, "decision", row.id, by=by, at=at, case_id=None, number=row.number, **facts)


def read_state(row: DecisionWithTask) -> str:
    """The state of a decision's row by the state of its task, `task_state`: done while the task is."""
    stored = row.state
    return DECISION.after(stored, "complete") if stored == "open" and row.task_state in SETTLED else stored


def count_of(number: str) -> tuple[int, int]:
    """The year and the count of a number, so that -1000 follows -999."""
    _, year, count = number.rsplit("-", 2)
    return int(year), int(count)
