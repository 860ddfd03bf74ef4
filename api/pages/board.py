"""The coordinator's board: what is vacant, what is late, what the engine is doing, which letters were not delivered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol, TypeVar
from uuid import UUID

from fastapi import Request
from fastapi.responses import HTMLResponse
from sqlalchemy import Uuid, func, literal

from api.access.permissions import Action, asks, require, to_program
from api.access.session import AtDesk, Desk
from api.access.tasks import closed_to
from api.pages.frame import framed_pages, page
from api.views.names import titles_of_roles
from api.views.tasks import Coming, Named
from domain.access import invitations
from domain.casework import board, subjects
from domain.casework.in_place import is_in_place, words_in_place
from domain.casework.watch import engine_state, post_state
from domain.kernel.rows import (
    SHAPE,
    also,
    col,
    every,
    in_program,
    joins,
    of,
    only,
    run,
    scalar,
    select,
    surely,
    tuples,
)
from domain.kernel.titles import title_of
from domain.roles.roles import Holder
from domain.roles.sight import letter_is_open_to, task_is_open_to
from locales import N_
from models.casework import ProtocolVersion, Task
from models.outbox import Notice
from models.program import Person

router = framed_pages()

#: So many late tasks are shown; the count beside them is of all.
MOST_LATE: Final = 100
MOST_FAILED: Final = 20
#: So many stand under each vacant role at first; the others are opened there.
FIRST_FALLING: Final = 10

#: What each timed round does, by its key; reminders say when they were begun too.
ROUNDS: Final[Mapping[str, str]] = {
    "remind": N_("Reminders, one digest a day"),
    "remind.begun": N_("Reminders, when they were last begun"),
    "gatherings": N_("Invitations, agendas and drafted dates"),
    "incoming": N_("Reading the mailbox for answers to invitations"),
    "head": N_("Mailing the record's last seal"),
    "begin": N_("Starting what is due to begin, once a day"),
    "obligations": N_("Status of each obligation, once a day"),
    "endorsements": N_("Reminding partners that have not answered about a decision, once a day"),
    "agreements": N_("Warnings about agreements that end soon"),
    "contacts": N_("Lost contact, breaks that end and missing notes"),
    "retention": N_("Removing what is no longer kept, once a day"),
    "watch": N_("Warnings about unusual readings"),
    "sweep": N_("Cleaning up, and catching up on what was missed"),
}


@router.get("/board", name="board")
@asks(Action.SEE_BOARD)
def show_board(desk: AtDesk, request: Request) -> HTMLResponse:
    """Everything in the program that waits for the coordination rather than for the one who owes it."""
    require(Action.SEE_BOARD, to_program(desk.asker))
    vacancies = board.vacancies(desk.session, desk.asker.standing)
    late = board.late(desk.session, desk.day, reader=desk.asker.person_id, limit=MOST_LATE)
    return page(
        desk,
        request,
        "board.html",
        now=desk.at,
        day=desk.day,
        roles=[one for one in vacancies if one.kind == "role"],
        seats=[one for one in vacancies if one.kind == "seat"],
        falling=_falling_shown(desk, vacancies),
        locked_out=_locked_out(desk),
        first_falling=FIRST_FALLING,
        handed_back=waiting_shown(desk, board.handed_back(desk.session, reader=desk.asker.person_id)),
        late=waiting_shown(desk, late),
        late_count=len(late) if len(late) < MOST_LATE else _count_late(desk),
        engine=engine_state(desk.session, desk.at, watched_since=desk.watched_since),
        mail=post_state(desk.session, desk.at),
        stuck=_stuck(desk),
        rounds=ROUNDS,
        failed=_failed(desk),
    )


class OfCase(Protocol):
    """What may be of a case."""

    @property
    def id(self) -> UUID:
        """Its id."""

    @property
    def case_id(self) -> UUID | None:
        """The case's."""


T = TypeVar("T", bound=OfCase)


@dataclass(frozen=True)
class Waiting:
    """A task with its case in words, by how many days it is late, and on whom it waits now or `coming`.

    `by` is the name of the person who handed it back.
    """

    task: board.TaskWithCase
    title: str
    days: int
    protocol_title: str
    subject: str
    waits_for: Sequence[Named]
    coming: Sequence[Coming]
    vacant_role: str
    by: str


def waiting_shown(desk: Desk, tasks: Sequence[board.TaskWithCase]) -> list[Waiting]:
    """Each of these tasks with its case, and the people it waits on.

    A task that a person has in another's place is called as they read it. Those that the reader is not shown are left
    out.
    """
    tasks = _open_to_reader(desk, tasks)
    links = board.chains(desk.session, [chain for task in tasks for chain in (task.owed_by_id, task.approved_by_id)])
    falls = {task.id: board.who(desk.asker.standing, task, links) for task in tasks}
    holders = [holder for one in falls.values() if one for holder in one.holders]
    coming = [one.person_id for waits in falls.values() if waits for one in waits.waits_for]
    names = _names(desk, [*_people_in(holders), *coming, *(task.handed_back_by for task in tasks)])
    instead = words_in_place(desk.session, [task for task in tasks if is_in_place(task, falls[task.id])])
    abouts = _abouts(desk, tasks)
    protocols = _titles_of_protocols(desk)
    titles = titles_of_roles(desk)
    shown = []
    for task in tasks:
        waits = falls[task.id]
        chain = links.get(surely(task.approved_by_id if task.state == "submitted" else task.owed_by_id), [])
        shown.append(
            Waiting(
                task=task,
                title=instead[task.id].title.in_language(desk.language)
                if task.id in instead
                else title_of(task, desk.language),
                days=(desk.day - task.due_on).days if task.due_on else 0,
                protocol_title=protocols.get(task.protocol or "", ""),
                subject=abouts.get(task.case_id, ""),
                waits_for=[
                    Named(
                        holder.person_id,
                        names.get(holder.person_id, ""),
                        acting_for=names.get(holder.acting_for, "") if holder.acting_for else "",
                    )
                    for holder in (waits.holders if waits else ())
                ],
                coming=[
                    Coming(one.person_id, names.get(one.person_id, ""), one.role, one.starts_on)
                    for one in (waits.waits_for if waits else ())
                ],
                vacant_role=titles.get(chain[0]["role"], "") if chain and (waits is None or waits.vacant) else "",
                by=names.get(task.handed_back_by, ""),
            )
        )
    return shown


def _open_to_reader(desk: Desk, tasks: Sequence[T]) -> list[T]:
    closed = closed_to(desk.session, desk.asker, [task.id for task in tasks])
    return [task for task in tasks if task.id not in closed]


class Told(NamedTuple):
    """A task by its title, and who or what its case is about."""

    id: UUID
    title: str
    subject: str


def _falling_shown(desk: Desk, vacancies: Iterable[board.Vacancy]) -> dict[board.Vacancy, list[Told]]:
    """Under each vacant role the tasks that fall to it, each with who or what it is about."""
    every = board.falling(desk.session, desk.asker.standing, vacancies, reader=desk.asker.person_id)
    falling = {vacancy: _open_to_reader(desk, tasks) for vacancy, tasks in every.items()}
    abouts = _abouts(desk, [task for tasks in falling.values() for task in tasks])
    return {
        vacancy: [Told(task.id, title_of(task, desk.language), abouts.get(task.case_id, "")) for task in tasks]
        for vacancy, tasks in falling.items()
    }


def _locked_out(desk: Desk) -> list[dict[str, Any]]:
    """Who holds a role and has no way to come in, with their roles. In the demonstration anyone may be anyone."""
    if desk.office.demonstration:
        return []
    found = invitations.cannot_come_in(desk.session, desk.asker.standing.live, at=desk.at)
    titles = titles_of_roles(desk)
    rows = every(
        desk.session,
        of(Person).where(col(Person.id).in_(found)).order_by(col(Person.sort_key)),
    )
    return [
        {
            "id": row.id,
            "name": f"{row.given_name} {row.family_name}",
            "roles": sorted({titles[held.role] for held in desk.asker.standing.roles_of(row.id)}),
        }
        for row in rows
    ]


def _abouts(desk: Desk, tasks: Iterable[OfCase]) -> dict[UUID | None, str]:
    """Who or what the cases of these tasks are about, in words, by case."""
    said = subjects.in_words(desk.session, (task.case_id for task in tasks if task.case_id), desk.language)
    return {case_id: words.subject for case_id, words in said.items()}


def _people_in(holders: Iterable[Holder]) -> list[UUID | None]:
    return [person for holder in holders for person in (holder.person_id, holder.acting_for)]


def _names(desk: Desk, ids: Iterable[UUID | None]) -> dict[UUID | None, str]:
    rows = run(
        desk.session,
        only(Person.id, Person.given_name, Person.family_name).where(col(Person.id).in_({one for one in ids if one})),
    )
    return {row.id: f"{row.given_name} {row.family_name}" for row in rows}


def _titles_of_protocols(desk: Desk) -> dict[str, str]:
    titles = only(ProtocolVersion.key, title_of(ProtocolVersion, desk.language))
    return dict(tuples(desk.session, titles.order_by(col(ProtocolVersion.number))))


def _count_late(desk: Desk) -> int:
    return (
        scalar(
            desk.session,
            select(func.count()).where(
                in_program(Task),
                board.is_late(desk.day),
                task_is_open_to(literal(desk.asker.person_id, Uuid())),
            ),
        )
        or 0
    )


class Stuck(NamedTuple):
    """An automatic step that stopped, by its title, and who or what its case is about."""

    task: Task
    title: str
    subject: str


def _stuck(desk: Desk) -> list[Stuck]:
    """The automatic steps that the engine gave up, each with its case."""
    tasks = every(
        desk.session,
        of(Task)
        .where(
            Task.act_state == "stuck",
            task_is_open_to(literal(desk.asker.person_id, Uuid())),
        )
        .order_by(col(Task.due_on).asc().nulls_last(), col(Task.id))
        .limit(MOST_LATE),
    )
    tasks = _open_to_reader(desk, tasks)
    abouts = _abouts(desk, tasks)
    return [Stuck(task, title_of(task, desk.language), abouts.get(task.case_id, "")) for task in tasks]


class Failed(Notice):
    """A letter that was not delivered, and its addressee."""

    model_config = SHAPE
    given_name: str = also(Person.given_name)
    family_name: str = also(Person.family_name)


def _failed(desk: Desk) -> list[Failed]:
    return every(
        desk.session,
        of(Failed, without=(Notice.message,))
        .join(Person, joins(Notice.person_id, Person))
        .where(
            Notice.state == "failed",
            letter_is_open_to(literal(desk.asker.person_id, Uuid())),
        )
        .order_by(col(Notice.n).desc())
        .limit(MOST_FAILED),
    )
