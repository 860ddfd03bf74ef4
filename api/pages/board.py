"""The coordinator's board: what is vacant, what is late, what the engine is doing, which letters were not delivered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, Final, NamedTuple, Protocol, TypeVar
from uuid import UUID

from fastapi import Request
from fastapi.responses import HTMLResponse
from sqlalchemy import Uuid, bindparam, func, literal

from api.access.permissions import Action, asks, require, to_program
from api.access.restored import to_decide
from api.access.session import InContext, RequestContext
from api.access.tasks import closed_to
from api.pages.frame import framed_pages, page
from api.views.engine import ROUND_WORDS, engine_of, late_rounds
from api.views.names import ASKED_OF_PROTOCOLS, titles_of_protocols, titles_of_roles
from api.views.task_reads import chains_of
from api.views.tasks import Named, TaskComing, names_of
from domain.access import invitations
from domain.casework import (
    ASKED_OF_ENGINE,
    ASKED_OF_POST,
    asked_of_copies,
    asked_of_pins,
    board,
    copies_state,
    is_in_place,
    post_state,
    protocols_of,
    subjects,
    vacancies,
    words_in_place,
)
from domain.declarations import Instead
from domain.kernel import (
    SHAPE,
    Question,
    also,
    ask_ahead,
    built,
    col,
    every,
    in_program,
    joins,
    of,
    scalar,
    select,
    surely,
    title_of,
    value_of,
)
from domain.mail import resending
from domain.restored import matters
from domain.roles import Falls, Link, letter_is_open_to, task_is_open_to
from models.casework import Task
from models.outbox import Notice
from models.program import Person

router = framed_pages()

#: So many late tasks are shown; the count beside them is of all.
MOST_LATE: Final = 100
MOST_FAILED: Final = 20
#: So many stand under each vacant role at first; the others are opened there.
FIRST_FALLING: Final = 10


@router.get("/board", name="board")
@asks(Action.SEE_BOARD)
def show_board(context: InContext, request: Request) -> HTMLResponse:
    """Everything in the program that waits for the coordination rather than for the one who owes it."""
    require(Action.SEE_BOARD, to_program(context.asker))
    session, me, today = context.session, context.asker.person_id, context.asker.standing
    empty = vacancies.find(session, today)
    ask_ahead(session, *_asked(context, empty))
    late = board.late(session, context.day, reader=me, limit=MOST_LATE)
    handed_back = board.handed_back(session, reader=me)
    falling = {
        vacancy: _open_to_reader(context, tasks)
        for vacancy, tasks in vacancies.falling(session, today, empty, reader=me).items()
    }
    stuck = _open_to_reader(context, every(session, _STUCK, {"person": me}))
    abouts = _abouts(context, chain(late, handed_back, stuck, *falling.values()))
    told = partial(_told, context, abouts)
    engine = engine_of(context)
    waiting = {one.task.id: one for one in waiting_shown(context, [*handed_back, *late], abouts)}
    return page(
        context,
        request,
        "board.html",
        now=context.at,
        day=context.day,
        roles=_of_kind(empty, "role"),
        seats=_of_kind(empty, "seat"),
        falling={vacancy: [*map(told, tasks)] for vacancy, tasks in falling.items()},
        locked_out=_locked_out(context),
        first_falling=FIRST_FALLING,
        handed_back=_those(handed_back, waiting),
        late=_those(late, waiting),
        late_count=_count_late(context, late),
        engine=engine,
        late_rounds=late_rounds(context, engine.rounds),
        mail=post_state(session, context.at),
        copies=copies_state(session, context.at, context.installation.copies),
        stuck=[*map(told, stuck)],
        rounds=ROUND_WORDS,
        failed=every(session, _FAILED, {"person": me}),
        restored=to_decide(context),
    )


def _asked(context: RequestContext, empty: Sequence[vacancies.Vacancy]) -> list[Question[Any]]:
    """What the board asks, but for the words of what it finds."""
    me = context.asker.person_id
    return [
        board.asked_of_late(context.day, me, MOST_LATE),
        board.asked_of_handed_back(me),
        *vacancies.asked_of_falling(empty, me),
        *(Question[Any](one, {"person": me}) for one in (_STUCK, _FAILED)),
        ASKED_OF_PROTOCOLS,
        matters.ASKED_OF_WAITING,
        *ASKED_OF_ENGINE,
        *ASKED_OF_POST,
        *asked_of_copies(context.at),
    ]


def _of_kind(empty: Sequence[vacancies.Vacancy], kind: str) -> list[vacancies.Vacancy]:
    return [one for one in empty if one.kind == kind]


def _those(tasks: Sequence[Task], shown: Mapping[UUID, WaitingLine]) -> list[WaitingLine]:
    return [shown[task.id] for task in tasks if task.id in shown]


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
class WaitingLine:
    """A task with its case in words, by how many days it is late, and on whom it waits now or `coming`.

    `by` is the name of the person who handed it back.
    """

    task: board.TaskWithCase
    title: str
    days: int
    protocol_title: str
    subject: str
    waits_for: Sequence[Named]
    coming: Sequence[TaskComing]
    vacant_role: str
    by: str


def waiting_shown(
    context: RequestContext, tasks: Sequence[board.TaskWithCase], abouts: Mapping[UUID | None, str] | None = None
) -> list[WaitingLine]:
    """Each of these tasks with its case, in the words of `abouts` where they are known, and on whom it waits.

    Where somebody has it in another's place, it is called as they read it. Without those that the reader is not shown.
    """
    tasks = _open_to_reader(context, tasks)
    both = chains_of(tasks)
    cases = {task.case_id for task in tasks if task.case_id}
    ask_ahead(context.session, board.asked_of_chains(both), asked_of_pins(cases))
    protocols_of(context.session, cases)
    links = board.chains(context.session, both)
    falls = {task.id: board.who(context.asker.standing, task, links) for task in tasks}
    names = names_of(context, _people(tasks, falls.values()))
    instead = words_in_place(context.session, [task for task in tasks if is_in_place(task, falls[task.id])])
    protocols, titles = titles_of_protocols(context), titles_of_roles(context)
    about = _abouts(context, tasks) if abouts is None else abouts
    return [
        WaitingLine(
            task=task,
            title=_title(context, task, instead),
            days=(context.day - task.due_on).days if task.due_on else 0,
            protocol_title=protocols.get(task.protocol or "", ""),
            subject=about.get(task.case_id, ""),
            waits_for=_holders(falls[task.id], names),
            coming=_coming(falls[task.id], names),
            vacant_role=titles.get(_vacant_role(task, falls[task.id], links), ""),
            by=names.get(surely(task.handed_back_by), ""),
        )
        for task in tasks
    ]


def _title(context: RequestContext, task: Task, instead: Mapping[UUID, Instead]) -> str:
    said = instead[task.id].title if task.id in instead else None
    return said.in_language(context.language) if said else title_of(task, context.language)


def _people(tasks: Iterable[Task], falls: Iterable[Falls | None]) -> Iterator[UUID | None]:
    """On whom tasks wait, for whom those act, who is to begin, and who handed them back."""
    yield from (task.handed_back_by for task in tasks)
    for one in falls:
        if one is not None:
            yield from (person for holder in one.holders for person in (holder.person_id, holder.acting_for))
            yield from (held.person_id for held in one.waits_for)


def _holders(falls: Falls | None, names: Mapping[UUID, str]) -> list[Named]:
    return [
        Named(
            holder.person_id,
            names.get(holder.person_id, ""),
            acting_for=names.get(holder.acting_for, "") if holder.acting_for else "",
        )
        for holder in (falls.holders if falls else ())
    ]


def _coming(falls: Falls | None, names: Mapping[UUID, str]) -> list[TaskComing]:
    return [
        TaskComing(one.person_id, names.get(one.person_id, ""), one.role, one.starts_on)
        for one in (falls.waits_for if falls else ())
    ]


def _vacant_role(task: Task, falls: Falls | None, links: Mapping[UUID, Sequence[Link]]) -> str:
    """The role to which a task first falls, where nobody holds it; "" where somebody does."""
    asked = links.get(surely(task.approved_by_id if task.state == "submitted" else task.owed_by_id), [])
    return asked[0].role if asked and (falls is None or falls.vacant) else ""


def _open_to_reader(context: RequestContext, tasks: Sequence[T]) -> list[T]:
    closed = closed_to(context.session, context.asker, [task.id for task in tasks])
    return [task for task in tasks if task.id not in closed]


class WaitingTask(NamedTuple):
    """A task by its title, and who or what its case is about."""

    task: Task | vacancies.Falling
    title: str
    subject: str


def _told(context: RequestContext, abouts: Mapping[UUID | None, str], task: Task | vacancies.Falling) -> WaitingTask:
    return WaitingTask(task, title_of(task, context.language), abouts.get(task.case_id, ""))


class LockedOut(NamedTuple):
    """A person without a way to come in, and their roles."""

    id: UUID
    name: str
    roles: list[str]


def _locked_out(context: RequestContext) -> list[LockedOut]:
    """Who holds a role and has no way to come in, with their roles. In the demonstration anyone may be anyone."""
    if context.installation.demonstration:
        return []
    found = invitations.cannot_come_in(context.session, context.asker.standing.live, at=context.at)
    titles = titles_of_roles(context)
    rows = every(context.session, of(Person).where(col(Person.id).in_(found)).order_by(col(Person.sort_key)))
    return [
        LockedOut(row.id, row.name, sorted({titles[held.role] for held in context.asker.standing.roles_of(row.id)}))
        for row in rows
    ]


def _abouts(context: RequestContext, tasks: Iterable[OfCase]) -> dict[UUID | None, str]:
    """Who or what the cases of these tasks are about, in words, by case."""
    said = subjects.in_words(context.session, (task.case_id for task in tasks if task.case_id), context.language)
    return {case_id: words.subject for case_id, words in said.items()}


def _count_late(context: RequestContext, shown: Sequence[Task]) -> int:
    if len(shown) < MOST_LATE:
        return len(shown)
    is_open = task_is_open_to(literal(context.asker.person_id, Uuid()))
    counted = select(func.count()).where(in_program(Task), board.is_late(context.day), is_open)
    return scalar(context.session, counted) or 0


class Failed(Notice):
    """A letter that was not delivered, and its addressee."""

    model_config = SHAPE
    given_name: str = also(Person.given_name)
    family_name: str = also(Person.family_name)
    shown_subject: str = also(value_of(resending.subject_shown().label("shown_subject")))


_PERSON: Final = bindparam("person", type_=Uuid())
#: The automatic steps that the engine gave up.
_STUCK: Final = built(
    of(Task)
    .where(Task.act_state == "stuck", task_is_open_to(_PERSON))
    .order_by(col(Task.due_on).asc().nulls_last(), col(Task.id))
    .limit(MOST_LATE)
)
_FAILED: Final = built(
    of(Failed, without=(Notice.message,))
    .join(Person, joins(Notice.person_id, Person))
    .where(Notice.state == "failed", letter_is_open_to(_PERSON))
    .order_by(col(Notice.n).desc())
    .limit(MOST_FAILED)
)
