"""The daily digest: who is told of what is new, and of their own day."""

from __future__ import annotations

import time as clocks
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, and_, or_

from domain.casework import board, case_letters, scheduling
from domain.casework.board import TaskWithCase
from domain.casework.in_place import is_in_place, words_in_place
from domain.casework.steps import links_of
from domain.declarations.protocol import Instead, Protocol
from domain.kernel.rows import col, every, in_program, only, run, same, scalars, surely
from domain.kernel.scope import local_day, program, program_of
from domain.kernel.titles import title_of
from domain.mail import notices
from domain.obligations.asking import ASKS
from domain.roles.roles import Falls, Holder, Link, Standing, standing
from domain.roles.sight import sees_by_role
from flows.engine import Means
from locales import N_, say
from models.casework import LIVE, Case, Task
from models.engine import WakeUp
from models.outbox import Notice
from models.program import Person

#: A round takes so many tasks or people at a time, and lets the pages through in between.
CHUNK: Final = 200
PAUSE_SECONDS: Final = 0.01

#: The recipient of each rung of a duty outside any case. No manager sees one, as many are about a participant: where
#: its owner was reminded three times, the coordinator is told.
OUTSIDE_A_CASE: Final = ("owner", "owner", "owner", "accountable")

#: A task opened just before the last digest may have been committed just after it. It is news once more.
OVERLAP: Final = timedelta(minutes=2)


@dataclass(frozen=True)
class Reminder:
    """When a task's rungs were used, for which people, and in which state it was then.

    The owner is the one who owes it or, if it was handed in, approves it. The manager is theirs, and the director that
    of the organization for which it is owed.
    """

    at: datetime
    targets: frozenset[str]
    state: str = "open"


class Ladders:
    """The recipients of each rung of a task's ladder, by the version of the protocol that its case follows."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._read: dict[UUID, Protocol] = {}

    def of(self, row: TaskWithCase) -> Protocol | None:
        """The protocol that a task's case follows; None for a duty outside any case."""
        version_id = row.protocol_version_id
        if version_id is None:
            return None
        if version_id not in self._read:
            self._read[version_id] = scheduling.protocol_of(scheduling.version_of(self._session, version_id))
        return self._read[version_id]

    def targets(self, row: TaskWithCase) -> list[str]:
        """The recipient of each rung, the first one first: owner, manager or accountable; director or coordinator."""
        if row.ladder_to:
            return list(row.ladder_to)
        protocol = self.of(row)
        return [rung.to for rung in protocol.remind] if protocol else list(OUTSIDE_A_CASE)


@dataclass
class _News:
    """What is new for one person: tasks of their own that opened or were due, and tasks of others that need a hand."""

    own: dict[UUID, datetime] = field(default_factory=dict)
    team: dict[UUID, datetime] = field(default_factory=dict)

    def since(self, last: datetime) -> _News:
        """The part of the news that is newer than a digest."""
        return _News(
            {task: at for task, at in self.own.items() if at > last},
            {task: at for task, at in self.team.items() if at > last},
        )


def write_digests(
    means: Means, program_id: UUID, at: datetime, reminded: Mapping[UUID, Reminder], since: datetime
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
                _write_digest(session, person_id, news[person_id], tasks, today, at)
            clocks.sleep(PAUSE_SECONDS)


def _by_person(
    session: Session,
    today: Standing,
    tasks: Mapping[UUID, TaskWithCase],
    reminded: Mapping[UUID, Reminder],
    since: datetime,
) -> dict[UUID, _News]:
    """What is new for each person who owes, manages or answers for a task on the day."""
    chains = board.chains(session, [_waits_on(task) for task in tasks.values()])
    protocols = Ladders(session)
    news: dict[UUID, _News] = defaultdict(_News)
    for task_id, task in tasks.items():
        falls = _falls(today, task, chains)
        if falls.waits_for:
            continue  # who it waits for is asked once they begin, which is in time for it
        holders = falls.holders
        owners = {holder.person_id for holder in holders}
        told = {}
        if task.state == "open" and (opened := surely(task.opened_at)) >= since - OVERLAP:
            told["owner"] = opened + OVERLAP
        reminder = reminded.get(task_id)
        if reminder is not None and reminder.state == task.state:
            told.update(dict.fromkeys(reminder.targets, reminder.at))
        for target, at in told.items():
            if target == "owner":
                people = owners
            elif target == "director":
                people = _directors(session, today, chains.get(surely(task.owed_by_id), []))
            elif target == "coordinator":
                people = {holder.person_id for holder in today.falls(notices.COORDINATION).holders}
            elif target == "manager" and ((above := _above(today, holders)) or task.state == "submitted"):
                people = above
            else:
                people = _whom(session, today, protocols, task, target)
            # Where no one has it, the coordinator is told.
            for person_id in people or {holder.person_id for holder in today.falls(notices.COORDINATION).holders}:
                mine = news[person_id].own if person_id in owners else news[person_id].team
                mine[task_id] = max(at, mine.get(task_id, at))
    return news


def _waits_on(task: Task) -> UUID | None:
    """The chain on which a task waits now."""
    return task.approved_by_id if task.state == "submitted" else task.owed_by_id


def _holders(today: Standing, task: Task, chains: Mapping[UUID, list[Link]]) -> list[Holder]:
    """Those on which a task waits now; of its approvers, only those that the protocol does not bar."""
    return list(_falls(today, task, chains).holders)


def _falls(today: Standing, task: Task, chains: Mapping[UUID, list[Link]]) -> Falls:
    return board.who_has(today, task, chains) if _waits_on(task) in chains else today.falls([])


def _above(today: Standing, holders: Sequence[Holder]) -> set[UUID]:
    """The managers of those on which a task waits; where these are managers themselves, the directors."""
    places = {str(holder.organization_id) for holder in holders}
    themselves = {holder.person_id for holder in holders}
    for role in ("manager", "director"):
        chains: list[list[Link]] = [[{"role": role, "at": place}] for place in places]
        found = {holder.person_id for chain in chains for holder in today.falls(chain).holders} - themselves
        if found:
            return found
    return set()


def _directors(session: Session, today: Standing, chain: Sequence[Link]) -> set[UUID]:
    """The directors of the organization for which something is owed; if the coordinator owes it, where they work."""
    places = {str(link["at"]) for link in chain if link["at"] != "*"}
    places = places or {str(place) for place in program(session).coordination["organizations"]}
    links: list[Link] = [{"role": "director", "at": place} for place in sorted(places)]
    return {holder.person_id for link in links for holder in today.falls([link]).holders}


def _whom(session: Session, today: Standing, protocols: Ladders, task: TaskWithCase, target: str) -> set[UUID]:
    """The manager at the case's organization, where its owner has none; or those accountable.

    None for a duty outside any case.
    """
    protocol = protocols.of(task)
    if protocol is None:
        return set()
    if target == "manager" and task.organization_id is not None:
        chain: list[Link] = [{"role": "manager", "at": str(task.organization_id)}]
    else:
        case = session.get(Case, (program_of(session), task.case_id))
        chain = links_of(session, protocol, protocol.accountable, case) if case else []
    return {holder.person_id for holder in today.falls(chain).holders}


def _write_digest(
    session: Session,
    person_id: UUID,
    news: _News,
    tasks: Mapping[UUID, TaskWithCase],
    today: Standing,
    at: datetime,
) -> None:
    """Write a person how their day stands, if their news is still true."""
    hats = board.hats_of(session, today, person_id)
    work = board.work(session, hats)
    team = [tasks[task_id] for task_id in board.open_to(session, person_id, news.team)]
    if not team and not any(row.id in news.own for row in work):
        return
    rows = {row.id: row for row in (*work, *team)}.values()
    links = board.chains(session, [_waits_on(row) for row in rows])
    # One who has a step in another's place reads the words that are meant for them, as on its page.
    instead = words_in_place(session, [row for row in rows if is_in_place(row, _falls(today, row, links))])
    protocols = Ladders(session)

    def facts(language: notices.Language) -> Mapping[str, Any]:
        lists: dict[str, list[Mapping[str, Any]]] = {
            name: [] for name in ("to_do", "late", "to_approve", "acting_for", "team", "owed")
        }
        for row in work:
            waits = row.state == "submitted"
            hat = hats.of(row)
            assert hat is not None  # noqa: S101 - it is among what is theirs
            item = _item(session, row, instead, language)
            if hat.acting_for is not None:
                lists["acting_for"].append({**item, "for_name": _name(session, hat.acting_for)})
            elif waits:
                lists["to_approve"].append(item)
            elif row.due_on is not None and row.due_on < today.day:
                lists["late"].append(item)
            else:
                lists["to_do"].append(item)
        for task in sorted(team, key=lambda task: (task.due_on or date.max, task.id)):
            names = ", ".join(dict.fromkeys(_name(session, one.person_id) for one in _holders(today, task, links)))
            item = {**_item(session, task, instead, language), "for_name": names or say(language, _NOBODY)}
            if task.step in ASKS:  # on no case's page: its recipient reads the obligation's own
                lists["owed"].append({**item, "path": f"/obligations/{task.item}"})
                continue
            if not sees_by_role(today, person_id, task.organization_id):  # such as a manager elsewhere
                item.update(path="", title=_step_alone(protocols, task, language, in_place=task.id in instead))
            lists["team"].append({**item, "to_approve": task.state == "submitted"})
        return {**lists, "path": "/"}

    notices.write(session, "daily_digest", to=person_id, key=_digest_key(today.day), facts=facts, at=at)


def _step_alone(protocols: Ladders, task: TaskWithCase, language: notices.Language, *, in_place: bool) -> str:
    """What a task asks, without its thing, which may be a participant's number."""
    protocol = protocols.of(task) if task.item or in_place else None
    step = protocol.by_id.get(task.step) if protocol else None
    if step is None:
        return title_of(task, language)
    said = step.instead.title if in_place and step.instead else step.title
    return said.in_language(language)


_NOBODY = N_("a vacant role")


def _item(session: Session, row: Task, instead: Mapping[UUID, Instead], language: notices.Language) -> dict[str, Any]:
    words = instead.get(row.id)
    case = session.get(Case, (program_of(session), row.case_id)) if row.case_id else None
    return {
        "title": words.title.in_language(language) if words else title_of(row, language),
        "case": case_letters.case_title(session, case, language) if case else say(language, _DUTY),
        "due_on": row.due_on,
        "path": f"/tasks/{row.id}",
    }


_DUTY = N_("outside any case")


def _name(session: Session, person_id: UUID) -> str:
    found = session.get(Person, (program_of(session), person_id))
    return found.name if found else ""


def _digest_key(day: date) -> str:
    return f"digest:{day.isoformat()}"


def _digests_since(session: Session, people: Iterable[UUID], first: date, last: date) -> dict[UUID, datetime]:
    """When each of these people last got a digest on one of these days."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    keys = [f"{_digest_key(day)}:{person_id}" for person_id in people for day in days]
    rows = run(
        session,
        only(Notice.person_id, func.max(col(Notice.created_at)).label("at"))
        .where(col(Notice.key).in_(keys))
        .group_by(col(Notice.person_id)),
    )
    return {row.person_id: row.at for row in rows}


def _opened(session: Session, since: datetime) -> list[UUID]:
    """The tasks that opened since, and are open. Only cases that were carried since, or wait for it, can have any."""
    changed = and_(
        in_program(WakeUp),
        or_(col(WakeUp.wanted_at) >= since - OVERLAP, col(WakeUp.want) > col(WakeUp.have)),
    )
    return list(
        scalars(
            session,
            only(Task.id)
            .join(
                WakeUp,
                and_(same(WakeUp, Task), WakeUp.case_id == Task.case_id),
            )
            .where(
                changed,
                Task.state == "open",
                Task.action == "",
                col(Task.opened_at) >= since - OVERLAP,
            ),
        )
    )


def _tasks(session: Session, ids: Iterable[UUID]) -> dict[UUID, TaskWithCase]:
    """Those of these tasks that wait on a person now, each with its case."""
    wanted = sorted(set(ids))
    found: dict[UUID, TaskWithCase] = {}
    for first in range(0, len(wanted), CHUNK):
        rows = every(
            session,
            board.tasks_with_cases().where(
                col(Task.id).in_(wanted[first : first + CHUNK]),
                col(Task.state).in_(LIVE),
            ),
        )
        found.update({row.id: row for row in rows})
    return found
