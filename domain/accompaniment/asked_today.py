"""Asks the worker of today again, at once, what was asked about a participant whose worker or deputy changed.

A round does so each morning. A file taken from a person, or a deputy named for an absence, does not wait for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Uuid, literal, text
from sqlalchemy.exc import OperationalError
from sqlmodel import Session
from sqlmodel.sql.expression import Select

from domain.accompaniment import breaks, referred_again, reviews, withdrawals
from domain.casework import asking, assigning
from domain.kernel import Actor, col, inside, joins, local_day, only, run, tuples
from domain.roles import DayTenures, Link, standing, task_is_open_to, who_barred
from models.casework import Responsibility, Task

#: How long a transaction that records an absence waits for locks, in ms: less than a database takes to see a deadlock.
_WAITS_MS: Final = 500
_STEPS = (withdrawals.SPEAK, withdrawals.STOPS, reviews.REVIEW, breaks.RETURN, referred_again.AGAIN)


def ask_who_has_them_now(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Ask the worker of today whatever was asked of a worker who no longer has the participant."""
    _ask_of_one(session, participant_id, by=by, at=at)
    pass_over_whom_they_barred(session, by=by, at=at)


def ask_who_acts_now(session: Session, person_id: UUID, *, by: Actor, at: datetime) -> None:
    """The same for each participant that this person, or the person they replace, is asked about.

    Called when an absence begins, ends, or gets another deputy. Where another transaction has one of these locked, the
    round does it: they may wait for what this transaction holds.
    """
    with suppress(OperationalError), session.begin_nested():
        run(session, text(f"set local lock_timeout = '{_WAITS_MS}ms'"))
        theirs = _whose_place_they_take(standing(session, local_day(session, at)), person_id)
        found = {
            UUID(row.item)
            for step in _STEPS
            for row in asking.open_ones(session, step)
            if row.links[0].person in theirs
        }
        for participant_id in sorted(found):
            _ask_of_one(session, participant_id, by=by, at=at)
        pass_over_whom_they_barred(session, by=by, at=at)
        run(session, text("set local lock_timeout to default"))


def _ask_of_one(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    withdrawals.ask_who_has_it_now(session, by=by, at=at, only=participant_id)
    reviews.ask_who_has_it_now(session, by=by, at=at, only=participant_id)
    breaks.ask_who_has_it_now(session, by=by, at=at, only=participant_id)
    referred_again.ask_who_has_them_now(session, by=by, at=at, only=participant_id)


def pass_over_whom_they_barred(session: Session, *, by: Actor, at: datetime) -> int:
    """Make what a person by name owes about a participant pass over the deputies that the participant barred.

    Returns how many tasks changed. Such a deputy sees nothing of the file, for any absence: the task falls to the next
    in line meanwhile. Other deputies have it, and so do these once the participant lets them near the file again.
    """
    today, found = standing(session, local_day(session, at)), 0
    chains = dict(_passing_somebody(session))
    closed_to: dict[UUID, set[UUID]] = {task_id: set() for task_id in chains}
    for deputy_id in sorted({away.deputy_id for away in today.absences.values() if away.deputy_id is not None}):
        for task_id, links in _closed_to(session, deputy_id) if who_barred(session, deputy_id) else ():
            chains[task_id] = links
            closed_to.setdefault(task_id, set()).add(deputy_id)
    for task_id, links in sorted(chains.items()):
        chain = _passing(today, links, closed_to[task_id])
        if chain != links:
            assigning.fall_on(session, task_id, chain, by=by, at=at)
            found += 1
    return found


def _passing(today: DayTenures, links: Sequence[Link], closed_to: set[UUID]) -> list[Link]:
    """The chain, passing over those of today's deputies on which it would fall although the task is closed to them."""
    chain = [link._replace(passes=()) for link in links]
    if len(chain) == 1 or chain[0].person is None or not _acting(today, chain, closed_to):
        return chain
    passed = [_acting(today, [link], closed_to) for link in chain]
    return [link._replace(passes=tuple(sorted(who))) for link, who in zip(chain, passed, strict=True)]


def _acting(today: DayTenures, links: Sequence[Link], closed_to: set[UUID]) -> set[UUID]:
    """Those of the deputies to whom the task is closed on whom it would fall."""
    holders = today.falls(links).holders
    return {one.person_id for one in holders if one.acting_for is not None and one.person_id in closed_to}


#: The id of a task, and its chain.
_ToDo = tuple[UUID, list[Link]]


def _closed_to(session: Session, person_id: UUID) -> Sequence[_ToDo]:
    """The open tasks about participants who barred this person: each task's id and its chain."""
    return tuples(session, _to_do().where(~task_is_open_to(literal(person_id, Uuid()))))


def _passing_somebody(session: Session) -> Sequence[_ToDo]:
    """The tasks that pass over one person or more today, with their chains."""
    return tuples(session, _to_do().where(inside(Responsibility.links).path_exists("$[*].passes")))


def _to_do() -> Select[UUID, list[Link]]:
    return (
        only(Task.id, Responsibility.links)
        .join(Responsibility, joins(Task.declared_owed_by_id, Responsibility))
        .where(col(Task.state).in_(["planned", "open"]))
        .order_by(col(Task.id))
    )


def _whose_place_they_take(today: DayTenures, person_id: UUID) -> set[UUID]:
    """The person, and all who are away with them as deputy, directly or through another deputy."""
    found, reached = {person_id}, {person_id}
    while reached:
        reached = {away.person_id for away in today.absences.values() if away.deputy_id in reached} - found
        found |= reached
    return found
