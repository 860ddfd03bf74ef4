"""What is asked of a worker about one participant, looked at again at once where who may answer it changed.

A round does so each morning. What takes the file from somebody, or puts somebody in the place of who is away, does not
wait for it.
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
from domain.kernel.actors import Actor
from domain.kernel.rows import col, inside, joins, only, run, tuples
from domain.kernel.scope import local_day
from domain.roles.roles import PASSES, Link, Standing, standing
from domain.roles.sight import task_is_open_to, who_barred
from models.casework import Responsibility, Task

#: So long somebody who records an absence waits for what others hold, in ms: less than a database takes to see that two
#: wait for each other.
_WAITS_MS: Final = 500
_STEPS = (withdrawals.SPEAK, withdrawals.STOPS, reviews.REVIEW, breaks.RETURN, referred_again.AGAIN)


def ask_who_has_them_now(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Ask the worker of today whatever was asked about a participant of who has them no more."""
    _ask_of_one(session, participant_id, by=by, at=at)
    pass_over_whom_they_barred(session, by=by, at=at)


def ask_who_acts_now(session: Session, person_id: UUID, *, by: Actor, at: datetime) -> None:
    """The same of each participant about whom something is asked of somebody, or of whom they act for.

    It is for whatever says that they are away, or who acts for them, or that they are not. Where somebody else holds
    one of these at this moment, it is left to the round: they may wait for what this transaction holds.
    """
    with suppress(OperationalError), session.begin_nested():
        run(session, text(f"set local lock_timeout = '{_WAITS_MS}ms'"))
        theirs = {str(one) for one in _whose_place_they_take(standing(session, local_day(session, at)), person_id)}
        found = {
            UUID(row.item)
            for step in _STEPS
            for row in asking.open_ones(session, step)
            if row.links[0].get("person") in theirs
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
    """Have nothing that somebody by name owes about a participant fall to a deputy whom they barred; how much changed.

    Such a deputy is shown nothing of it, for whomever they act: it falls to the next in line meanwhile. Other deputies
    have it, and so do these once they are let near the file again.
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


def _passing(today: Standing, links: Sequence[Link], closed_to: set[UUID]) -> list[Link]:
    """A chain that passes over those of the deputies of today to whom the task is closed on whom it would fall."""
    chain = [{name: said for name, said in link.items() if name != PASSES} for link in links]
    if len(chain) == 1 or "person" not in chain[0] or not _acting(today, chain, closed_to):
        return chain
    passed = [_acting(today, [link], closed_to) for link in chain]
    return [link | {PASSES: sorted(map(str, who))} if who else link for link, who in zip(chain, passed, strict=True)]


def _acting(today: Standing, links: Sequence[Link], closed_to: set[UUID]) -> set[UUID]:
    """Those of the deputies to whom the task is closed on whom it would fall."""
    holders = today.falls(links).holders
    return {one.person_id for one in holders if one.acting_for is not None and one.person_id in closed_to}


#: The id of a task, and of whom it is asked.
_ToDo = tuple[UUID, list[Link]]


def _closed_to(session: Session, person_id: UUID) -> Sequence[_ToDo]:
    """What is still to be done about the participants who barred somebody: the tasks' ids, and of whom it is asked."""
    return tuples(session, _to_do().where(~task_is_open_to(literal(person_id, Uuid()))))


def _passing_somebody(session: Session) -> Sequence[_ToDo]:
    """The same of what passes over one person or more today."""
    return tuples(session, _to_do().where(inside(Responsibility.links).path_exists(f"$[*].{PASSES}")))


def _to_do() -> Select[UUID, list[Link]]:
    return (
        only(Task.id, Responsibility.links)
        .join(Responsibility, joins(Task.declared_owed_by_id, Responsibility))
        .where(col(Task.state).in_(["planned", "open"]))
        .order_by(col(Task.id))
    )


def _whose_place_they_take(today: Standing, person_id: UUID) -> set[UUID]:
    """Somebody, and whoever is away today with them, or with who is away with them, to act for them."""
    found, reached = {person_id}, {person_id}
    while reached:
        reached = {away.person_id for away in today.absences.values() if away.deputy_id in reached} - found
        found |= reached
    return found
