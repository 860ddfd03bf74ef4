"""Asks a person about one thing, outside any case: once while the question is open, and until it is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlmodel import Session

from domain.casework import assigning
from domain.casework.evidence import BY_ITS_ACT
from domain.casework.tasks import complete_task
from domain.kernel import Actor, col, local_day, only, program_calendar, same, surely, tuples
from domain.roles import ALONE, Link
from locales import say, show_day
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
    return assigning.assign(
        session,
        step,
        str(item),
        title_fr=_said("fr", title, facts),
        title_en=_said("en", title, facts),
        chain=chain,
        due_on=program_calendar.calendar_of(session).add_working_days(local_day(session, at), working_days),
        by=by,
        at=at,
        evidence=evidence,
    )


def _said(language: str, title: str, facts: Mapping[str, object]) -> str:
    shown = {name: show_day(language, fact) if isinstance(fact, date) else fact for name, fact in facts.items()}
    return say(language, title, **shown)


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
        if not _is_theirs(asked, now):
            no_more(session, step, item, by=by, at=at)
            ask_anew(item, now)
        elif now is not None and (ALONE in now) != (ALONE in asked):
            link = {name: said for name, said in asked.items() if name != ALONE}
            chain = [link | {ALONE: True} if ALONE in now else link, *row.links[1:]]
            assigning.fall_on(session, row.id, chain, by=by, at=at)
        else:
            continue
        changed += 1
    return changed


def _is_theirs(asked: Link, now: Link | None) -> bool:
    """Whether the person who was asked about a thing still has it, regardless of deputies."""
    return asked.get("person") == (None if now is None else now["person"])


class AskingTask(NamedTuple):
    """A task that asks something, and the links of its chain."""

    id: UUID
    item: str
    opened_at: datetime
    links: list[Link]


def open_ones(session: Session, step: str | None, item: UUID | None = None) -> list[AskingTask]:
    """The open questions: of one step or all, and about one item or all."""
    about = [
        *([] if step is None else [col(Task.step) == step]),
        *([] if item is None else [col(Task.item) == str(item)]),
    ]
    rows = tuples(
        session,
        only(Task.id, Task.item, surely(Task.opened_at), Responsibility.links)
        .join(Responsibility, same(Responsibility, Task) & (col(Responsibility.id) == col(Task.declared_owed_by_id)))
        .where(col(Task.case_id).is_(None), Task.state == "open", *about)
        .order_by(col(Task.opened_at), col(Task.id)),
    )
    return [AskingTask(*row) for row in rows]
