"""What people wrote with tasks that are about candidates and participants, as far as an asker reads it today.

One rule for every window: the keepers of the file read it (`api.access.permissions.keeps_file`), on the task's own
page, and the record is told. A step's words, as it was handed back or given again, are also for the person who has to
do it, if their organization is told of the participant. Lists say that there are words only to those who may read them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from api.access.cases import to_duty
from api.access.permissions import Relation
from api.access.session import RequestContext
from api.access.tasks import is_told_in_place, keeps_files
from domain.casework import board, words
from domain.kernel import Actor, Question
from domain.record import record_read
from domain.roles import who_barred
from domain.terms import Circle, circle_of
from models.casework import Task


@dataclass(frozen=True)
class ReadWords:
    """What a person reads of the words with one task: whether they keep the file, whether there are any, and which.

    `beside` holds others' words that belong to it, as those of a worker who refused a hand-over. `is_withheld` says
    that words came with the step that they have to do, and they may not read them. `is_shut` says that the step is
    theirs, and nothing of the file is told to them; `is_left`, that they did it and words are kept with it.
    """

    is_kept: bool = False
    has_words: bool = False
    note: str = ""
    reason: str = ""
    beside: tuple[words.Beside, ...] = ()
    is_withheld: bool = False
    is_shut: bool = False
    is_left: bool = False


def said_with(context: RequestContext, tasks: Sequence[Task], *, opens: bool = False) -> dict[UUID, ReadWords]:
    """What the asker reads of the words with each of these tasks that is about a person on file; `opens` opens them.

    Raises Refusal where the keys cannot be used.
    """
    about = words.about(context.session, tasks)
    told = [task for task in tasks if task.id in about]
    if not told:
        return {}
    reading = _Reading(context, told, about, opens=opens)
    return {task.id: reading.of(task) for task in told}


class _Reading:
    """What somebody reads of the words with several tasks, asked of the database once for all of them."""

    def __init__(
        self, context: RequestContext, tasks: Sequence[Task], about: Mapping[UUID, UUID], *, opens: bool
    ) -> None:
        session = context.session
        self._desk, self._about, self._opens = context, about, opens
        self._keepers = keeps_files(session, context.asker, set(about.values()))
        self._owing = _Owing(context, [task for task in tasks if self._keepers[about[task.id]] is None])
        self._sealed = words.stand_with(session, list(about))

    def of(self, task: Task) -> ReadWords:
        participant_id = self._about[task.id]
        keeper = self._keepers[participant_id]
        has_words = task.id in self._sealed or bool(task.note or task.reason)
        if keeper is None:
            return self._owing.said(task, participant_id, has_words=has_words, opens=self._opens)
        if has_words and self._opens:
            return _opened(self._desk, task, keeper)
        return ReadWords(is_kept=True, has_words=has_words)


def asked_of_said(tasks: Sequence[Task]) -> list[Question[Any]]:
    """What `said_with` asks first."""
    return [*words.asked_about(tasks), words.asked_of_sealed([task.id for task in tasks])]


class _Owing:
    """What a reader who keeps no file reads of the steps that they may owe, read once for all of them."""

    def __init__(self, context: RequestContext, tasks: Sequence[Task]) -> None:
        self.context = context
        self.barred_by = who_barred(context.session, context.asker.person_id) if tasks else frozenset()
        chains = {chain for task in tasks for chain in (task.owed_by_id, task.approved_by_id) if _is_to_do(task)}
        self.links = board.chains(context.session, list(chains)) if chains else {}
        self.circles: dict[UUID, Circle] = {}

    def said(self, task: Task, participant_id: UUID, *, has_words: bool, opens: bool) -> ReadWords:
        """What they read of one step, also of those that were handed back to them, or given again."""
        if participant_id in self.barred_by:
            return ReadWords()
        if not _is_to_do(task):
            return ReadWords(is_left=has_words and opens and task.done_by == self.context.asker.person_id)
        owes = to_duty(self.context.asker, task, self.links).get(Relation.OWES)
        if owes is None:
            return ReadWords()
        came_with_it = has_words and _was_moved(task)
        if not is_told_in_place(self.context.asker, self._circle(participant_id), owes):
            return ReadWords(is_withheld=came_with_it, is_shut=True)
        if came_with_it and opens:
            return ReadWords(reason=_opened(self.context, task, owes).reason)
        return ReadWords(has_words=came_with_it)

    def _circle(self, participant_id: UUID) -> Circle:
        if participant_id not in self.circles:
            self.circles[participant_id] = circle_of(self.context.session, participant_id, self.context.day)
        return self.circles[participant_id]


def _was_moved(task: Task) -> bool:
    """Whether a step was handed back, or given again to its role: words came with it."""
    return task.handed_back_at is not None or task.given_again_at is not None


def _is_to_do(task: Task) -> bool:
    return task.state in ("planned", "open")


def _opened(context: RequestContext, task: Task, by: Actor) -> ReadWords:
    record_read(
        context.session,
        "task",
        task.id,
        what="task_words",
        ground="role" if by.role == "coordinator" else "part",
        by=by,
        at=context.at,
        case_id=task.case_id,
    )
    said = words.opened(context.session, task)
    note, reason = (said.get(name, "") for name in words.IN_TASK)
    return ReadWords(is_kept=True, note=note, reason=reason, beside=words.beside(context.session, said))
