"""The daily digest: who hears of what is new."""

from __future__ import annotations

import time as clocks
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, and_, or_

from domain.casework import TaskWithCase, board, links_of
from domain.kernel import (
    col,
    every,
    hosts_of,
    in_program,
    local_day,
    only,
    program_of,
    same,
    scalars,
    surely,
    tuples,
    value_of,
)
from domain.mail import notices
from domain.roles import DayTenures, Holder, Link, standing
from flows.digest_letters import DigestNews, digest_key, falls_on, waits_on, write_digest
from flows.engine import Means
from flows.ladders import Ladders, RungsUsed
from models.casework import LIVE, Case, Task
from models.engine import WakeUp
from models.outbox import Notice

#: A round takes so many tasks or people at a time, and lets the pages through in between.
CHUNK: Final = 200
PAUSE_SECONDS: Final = 0.01

#: A task opened just before the last digest may have been committed just after it. It is news once more.
OVERLAP: Final = timedelta(minutes=2)


def write_digests(
    means: Means, program_id: UUID, at: datetime, reminded: Mapping[UUID, RungsUsed], since: datetime
) -> None:
    """Write one digest to each person with something new since their last one.

    `since` is the moment up to which the last finished round had told everything.
    """
    with means.sessions(program_id) as session:
        day = local_day(session, at)
        today = standing(session, day)
        tasks = _tasks(session, [*reminded, *_opened(session, since)])
        news = _by_person(session, today, tasks, reminded, since)
        for person_id, last in _digests_since(session, news, local_day(session, since), day).items():
            news[person_id] = news[person_id].since(last)
    for person_id in sorted(news):
        if news[person_id].own or news[person_id].team:
            with means.transaction(program_id) as session:
                write_digest(session, person_id, news[person_id], tasks, today, at)
            clocks.sleep(PAUSE_SECONDS)


def _by_person(
    session: Session,
    today: DayTenures,
    tasks: Mapping[UUID, TaskWithCase],
    reminded: Mapping[UUID, RungsUsed],
    since: datetime,
) -> dict[UUID, DigestNews]:
    """What is new for each person who owes, manages or answers for a task on the day."""
    chains = board.chains(session, [waits_on(task) for task in tasks.values()])
    reached = _Reached(session, today, chains, Ladders(session))
    news: dict[UUID, DigestNews] = defaultdict(DigestNews)
    for task_id, task in tasks.items():
        falls = falls_on(today, task, chains)
        if task.state == "open" and falls.is_asked_later(task.due_on):
            continue  # who it waits for is asked once they begin, which is in time for it
        owners = {holder.person_id for holder in falls.holders}
        for target, at in _told(task, reminded.get(task_id), since).items():
            # Where no one has it, the coordinator is told.
            for person_id in reached.by(target, task, falls.holders) or reached.coordination():
                mine = news[person_id].own if person_id in owners else news[person_id].team
                mine[task_id] = max(at, mine.get(task_id, at))
    return news


def _told(task: TaskWithCase, reminder: RungsUsed | None, since: datetime) -> dict[str, datetime]:
    """Who is told of a task, and since when: its owner, where it opened lately, and those of its reminder."""
    told = {}
    if task.state == "open" and (opened := surely(task.opened_at)) >= since - OVERLAP:
        told["owner"] = opened + OVERLAP
    if reminder is not None and reminder.state == task.state:
        told.update(dict.fromkeys(reminder.targets, reminder.at))
    return told


@dataclass(frozen=True)
class _Reached:
    """Those that the rungs of tasks reach on a day."""

    session: Session
    today: DayTenures
    chains: Mapping[UUID, list[Link]]
    protocols: Ladders

    def by(self, target: str, task: TaskWithCase, holders: Sequence[Holder]) -> set[UUID]:
        """Those that a rung for this target reaches, of a task that these holders have."""
        if target == "owner":
            return {holder.person_id for holder in holders}
        if target == "director":
            return _directors(self.session, self.today, self.chains.get(surely(task.owed_by_id), []))
        if target == "coordinator":
            return self.coordination()
        above = _above(self.today, holders) if target == "manager" else set()
        if above or (target == "manager" and task.state == "submitted"):
            return above
        return _whom(self.session, self.today, self.protocols, task, target)

    def coordination(self) -> set[UUID]:
        """Who answers for the whole program."""
        return {holder.person_id for holder in self.today.falls(notices.COORDINATION).holders}


def _above(today: DayTenures, holders: Sequence[Holder]) -> set[UUID]:
    """The managers of those on which a task waits; where these are managers themselves, the directors."""
    places = {str(holder.organization_id) for holder in holders}
    themselves = {holder.person_id for holder in holders}
    for role in ("manager", "director"):
        chains = [[Link(role, place)] for place in places]
        found = {holder.person_id for chain in chains for holder in today.falls(chain).holders} - themselves
        if found:
            return found
    return set()


def _directors(session: Session, today: DayTenures, chain: Sequence[Link]) -> set[UUID]:
    """The directors of the organization for which something is owed; if the coordinator owes it, where they work."""
    places = {link.at for link in chain if link.at != "*"}
    places = places or set(map(str, hosts_of(session)))
    links = [Link("director", place) for place in sorted(places)]
    return {holder.person_id for link in links for holder in today.falls([link]).holders}


def _whom(session: Session, today: DayTenures, protocols: Ladders, task: TaskWithCase, target: str) -> set[UUID]:
    """The manager at the case's organization, where its owner has none; or those accountable.

    None for a duty outside any case.
    """
    protocol = protocols.of(task)
    if protocol is None:
        return set()
    if target == "manager" and task.organization_id is not None:
        chain = [Link("manager", str(task.organization_id))]
    else:
        case = session.get(Case, (program_of(session), task.case_id))
        chain = links_of(session, protocol, protocol.accountable, case) if case else []
    return {holder.person_id for holder in today.falls(chain).holders}


def _digests_since(session: Session, people: Iterable[UUID], first: date, last: date) -> dict[UUID, datetime]:
    """When each of these people last got a digest on one of these days."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    keys = [f"{digest_key(day)}:{person_id}" for person_id in people for day in days]
    last_of = only(Notice.person_id, value_of(func.max(col(Notice.created_at)))).where(col(Notice.key).in_(keys))
    return dict(tuples(session, last_of.group_by(col(Notice.person_id))))


def _opened(session: Session, since: datetime) -> list[UUID]:
    """The tasks that opened since, and are open. Only cases that were carried since, or wait for it, can have any."""
    changed = and_(
        in_program(WakeUp), or_(col(WakeUp.wanted_at) >= since - OVERLAP, col(WakeUp.want) > col(WakeUp.have))
    )
    return list(
        scalars(
            session,
            only(Task.id)
            .join(WakeUp, and_(same(WakeUp, Task), WakeUp.case_id == Task.case_id))
            .where(changed, Task.state == "open", Task.action == "", col(Task.opened_at) >= since - OVERLAP),
        )
    )


def _tasks(session: Session, ids: Iterable[UUID]) -> dict[UUID, TaskWithCase]:
    """Those of these tasks that wait on a person now, each with its case."""
    wanted = sorted(set(ids))
    found: dict[UUID, TaskWithCase] = {}
    for first in range(0, len(wanted), CHUNK):
        rows = every(
            session,
            board.tasks_with_cases().where(col(Task.id).in_(wanted[first : first + CHUNK]), col(Task.state).in_(LIVE)),
        )
        found.update({row.id: row for row in rows})
    return found
