"""Asks a person about one thing, outside any case: once while the question is open, and until it is answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlmodel import Session

from domain.casework import assigning
from domain.casework.proofs import BY_ITS_ACT
from domain.casework.tasks import complete_task
from domain.kernel import Actor, both, col, only, same, surely, tuples
from domain.roles import Link
from models.casework import Responsibility, Task


def ask(
    session: Session,
    step: str,
    item: UUID,
    title: str,
    *,
    chain: Sequence[Link],
    working_days: int,
    by: Actor,
    at: datetime,
    evidence: str = BY_ITS_ACT,
    **facts: object,
) -> UUID | None:
    """Open a task for the people on which the chain falls; None where it is asked already. `title` is a message's id.

    It is due that many working days from today. Each language writes the days among `facts` its own way. Raises Refusal
    (`assigning.assign`).
    """
    if open_ones(session, step, item):
        return None
    title_of = both(title, **facts)
    return assigning.assign_within(
        session, step, str(item), title_of, chain, within=working_days, by=by, at=at, evidence=evidence
    )


def answered(session: Session, step: str, item: UUID, *, by: Actor, at: datetime) -> bool:
    """Complete a question because what it asks was done. Returns whether one was open."""
    found = open_ones(session, step, item)
    for row in found:
        complete_task(session, row.id, by=by, at=at, in_its_act=True)
    return bool(found)


def no_more(session: Session, step: str, item: UUID, *, by: Actor, at: datetime) -> bool:
    """Cancel a question, since there is nothing left to answer. Returns whether one was open."""
    found = open_ones(session, step, item)
    for row in found:
        assigning.call_off(session, row.id, by=by, at=at)
    return bool(found)


def nothing_more(session: Session, item: UUID, *, by: Actor, at: datetime) -> None:
    """Cancel every question about one thing, since the thing is gone."""
    for row in open_ones(session, None, item):
        assigning.call_off(session, row.id, by=by, at=at)


def ask_who_has_it_now(
    session: Session,
    step: str,
    *,
    whose: Callable[[UUID], Link | None],
    ask_anew: Callable[[UUID, Link | None], object],
    by: Actor,
    at: datetime,
    only: UUID | None = None,
) -> int:
    """Ask anew where another person, or none, has the thing than the one who was asked; returns how many changed.

    Where it is still theirs, but whether deputies are passed over has changed, only that changes. `only` looks at one
    thing alone.
    """
    changed = 0
    for row in open_ones(session, step, only):
        item, asked = UUID(row.item), row.links[0]
        now = whose(item)
        if asked.person != (now and now.person):
            no_more(session, step, item, by=by, at=at)
            ask_anew(item, now)
        elif now is not None and now.alone != asked.alone:
            assigning.fall_on(session, row.id, [asked._replace(alone=now.alone), *row.links[1:]], by=by, at=at)
        else:
            continue
        changed += 1
    return changed


class AskingTask(NamedTuple):
    """A task that asks something, and the links of its chain."""

    id: UUID
    item: str
    opened_at: datetime
    links: list[Link]
    due_on: date | None


def open_ones(session: Session, step: str | None, item: UUID | None = None) -> list[AskingTask]:
    """The open questions: of one step or all, and about one item or all."""
    about = [
        *([] if step is None else [col(Task.step) == step]),
        *([] if item is None else [col(Task.item) == str(item)]),
    ]
    rows = tuples(
        session,
        only(Task.id, Task.item, surely(Task.opened_at), Responsibility.links, Task.due_on)
        .join(Responsibility, same(Responsibility, Task) & (col(Responsibility.id) == col(Task.declared_owed_by_id)))
        .where(col(Task.case_id).is_(None), Task.state == "open", *about)
        .order_by(col(Task.opened_at), col(Task.id)),
    )
    return [AskingTask(*row) for row in rows]
