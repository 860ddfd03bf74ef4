"""The letter of a daily digest: how a person's day stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from uuid import UUID

from sqlmodel import Session

from domain.casework import TaskWithCase, board, case_letters, is_in_place, words_in_place
from domain.declarations import Instead
from domain.kernel import Language, program_of, surely, title_of
from domain.mail import notices
from domain.obligations import ASKS
from domain.roles import DayTenures, Falls, Link, sees_by_role
from flows.ladders import Ladders
from locales import N_, say
from models.casework import Case, Task
from models.program import Person


@dataclass
class DigestNews:
    """What is new for one person: tasks of their own that opened or were due, and tasks of others that need a hand."""

    own: dict[UUID, datetime] = field(default_factory=dict)
    team: dict[UUID, datetime] = field(default_factory=dict)

    def since(self, last: datetime) -> DigestNews:
        """The part of the news that is newer than a digest."""
        return DigestNews(
            {task: at for task, at in self.own.items() if at > last},
            {task: at for task, at in self.team.items() if at > last},
        )


def write_digest(
    session: Session,
    person_id: UUID,
    news: DigestNews,
    tasks: Mapping[UUID, TaskWithCase],
    today: DayTenures,
    at: datetime,
) -> None:
    """Write a person how their day stands, if their news is still true."""
    hats = board.hats_of(session, today, person_id)
    work = board.work(session, hats)
    team = [tasks[task_id] for task_id in board.open_to(session, person_id, news.team)]
    if not team and not any(row.id in news.own for row in work):
        return
    rows = {row.id: row for row in (*work, *team)}.values()
    links = board.chains(session, [waits_on(row) for row in rows])
    # One who has a step in another's place reads the words that are meant for them, as on its page.
    instead = words_in_place(session, [row for row in rows if is_in_place(row, falls_on(today, row, links))])
    letter = _Letter(session, person_id, today, hats, links, instead, Ladders(session))

    def facts(language: Language) -> dict[str, object]:
        return {**letter.own(work, language), **letter.of_others(team, language), "path": "/"}

    notices.write(session, "daily_digest", to=person_id, key=digest_key(today.day), facts=facts, at=at)


@dataclass(frozen=True)
class _Line:
    """A line of a digest: a task, with whose it is where it is another's."""

    title: str
    case: str
    due_on: date | None
    path: str
    for_name: str = ""
    to_approve: bool = False


@dataclass(frozen=True)
class _Letter:
    """What the lines of a person's digest are written from."""

    session: Session
    person_id: UUID
    today: DayTenures
    hats: board.Hats
    links: Mapping[UUID, list[Link]]
    instead: Mapping[UUID, Instead]
    protocols: Ladders

    def own(self, work: Iterable[Task], language: Language) -> dict[str, list[_Line]]:
        """What is the person's own to do, late, to approve, or theirs as a deputy."""
        to_do: list[_Line] = []
        late: list[_Line] = []
        to_approve: list[_Line] = []
        acting_for: list[_Line] = []
        for row in work:
            line, absent = self._line(row, language), surely(self.hats.of(row)).acting_for
            if absent is not None:
                acting_for.append(replace(line, for_name=_name(self.session, absent)))
            elif row.state == "submitted":
                to_approve.append(line)
            else:
                (late if row.due_on is not None and row.due_on < self.today.day else to_do).append(line)
        return {"to_do": to_do, "late": late, "to_approve": to_approve, "acting_for": acting_for}

    def of_others(self, team: Iterable[TaskWithCase], language: Language) -> dict[str, list[_Line]]:
        """What others have and the person hears of: in their team, or owed under an agreement."""
        listed: list[_Line] = []
        owed: list[_Line] = []
        for task in sorted(team, key=lambda task: (task.due_on or date.max, task.id)):
            holders = falls_on(self.today, task, self.links).holders
            names = ", ".join(dict.fromkeys(_name(self.session, one.person_id) for one in holders))
            line = replace(self._line(task, language), for_name=names or say(language, _NOBODY))
            if task.step in ASKS:  # on no case's page: its recipient reads the obligation's own
                owed.append(replace(line, path=f"/obligations/{task.item}"))
                continue
            # Such as who manages somebody elsewhere.
            if not sees_by_role(self.today, self.person_id, task.organization_id):
                title = _step_alone(self.protocols, task, language, in_place=task.id in self.instead)
                line = replace(line, path="", title=title)
            listed.append(replace(line, to_approve=task.state == "submitted"))
        return {"team": listed, "owed": owed}

    def _line(self, row: Task, language: Language) -> _Line:
        words = self.instead.get(row.id)
        case = self.session.get(Case, (program_of(self.session), row.case_id)) if row.case_id else None
        return _Line(
            words.title.in_language(language) if words else title_of(row, language),
            case_letters.case_title(self.session, case, language) if case else "",
            row.due_on,
            f"/tasks/{row.id}",
        )


def waits_on(task: Task) -> UUID | None:
    """The chain on which a task waits now."""
    return task.approved_by_id if task.state == "submitted" else task.owed_by_id


def falls_on(today: DayTenures, task: Task, chains: Mapping[UUID, list[Link]]) -> Falls:
    """Those on which a task waits now; of its approvers, only those that the protocol does not bar."""
    return board.who_has(today, task, chains) if waits_on(task) in chains else today.falls([])


def _step_alone(protocols: Ladders, task: TaskWithCase, language: Language, *, in_place: bool) -> str:
    """What a task asks, without its thing, which may be a participant's number."""
    protocol = protocols.of(task) if task.item or in_place else None
    step = protocol.by_id.get(task.step) if protocol else None
    if step is None:
        return title_of(task, language)
    said = step.instead.title if in_place and step.instead else step.title
    return said.in_language(language)


_NOBODY = N_("a vacant role")


def _name(session: Session, person_id: UUID) -> str:
    found = session.get(Person, (program_of(session), person_id))
    return found.name if found else ""


def digest_key(day: date) -> str:
    """The key of the digests of a local day, one a person."""
    return f"digest:{day.isoformat()}"
