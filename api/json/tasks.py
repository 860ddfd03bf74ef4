"""Tasks over JSON: one's own work, and the doors of a task as resources that are posted to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import Depends, Response
from pydantic import BaseModel

from api.access.cases import to_case
from api.access.permissions import Action, allows, asks, require, to_program
from api.access.session import InContext, RequestContext
from api.access.tasks import actor_for, find_task
from api.access.words import ReadWords, asked_of_said, said_with
from api.acts.task_verbs import TaskVerb
from api.json.bytes_given import bytes_of
from api.json.described import api_routes
from api.json.idempotent_requests import AtOnce, IdempotentRequest, IfMatch, etag, seen_version
from api.json.shapes import (
    AskedShown,
    BesideShown,
    ChoiceShown,
    ComingShown,
    Completion,
    HolderShown,
    Limit,
    MovedShown,
    NoteInput,
    Offset,
    OptionalReason,
    Page,
    TaskShown,
)
from api.views.tasks import names_of
from api.web.given import ReasonGiven
from domain.casework import GivenProof, asked_of_pins, board, is_in_place, protocols_of, requests, tasks, words_in_place
from domain.declarations import Instead
from domain.kernel import ask_ahead, only, run, title_of
from domain.roles import Falls, asked_of_who_barred
from models.casework import Case, Request, Task

router = api_routes("tasks")


@dataclass(frozen=True)
class TaskRequest:
    """What every act on a task comes with: the request, the version seen, and the key of a repetition."""

    context: RequestContext
    response: Response
    if_match: str
    once: IdempotentRequest

    @property
    def seen(self) -> int | None:
        """The version that the asker saw. Raises HTTPException (428) where they do not say."""
        return seen_version(self.if_match)

    def open(self, action: Action, task_id: UUID, verb: TaskVerb, body: BaseModel | None) -> MovedShown:
        """Do `verb` as what the asker is to the task, once for the same key. Raises Forbidden and Refusal."""
        # Before anything is asked of the task: an act may have ended what the asker was to it, such as handing it back.
        if (before := self.once.again(body)) is not None:
            return before  # type: ignore[return-value]  # an answer given again, as it stands
        session = self.context.session
        by = actor_for(session, self.context.asker, action, task_id)
        moved = verb(session, task_id, by=by, at=self.context.at, seen=self.seen)
        self.once.done(self.response, 200, f"/api/v1/tasks/{task_id}")
        version = moved.version
        if version is None:
            version = run(session, only(Task.version).where(Task.id == task_id)).scalar_one()
        self.response.headers["ETag"] = etag(version)
        return MovedShown.model_validate(moved)


async def door_of(context: InContext, once: AtOnce, response: Response, if_match: IfMatch = "") -> TaskRequest:
    """The door at which one request knocks."""
    return TaskRequest(context, response, if_match, once)


AtDoor = Annotated[TaskRequest, Depends(door_of)]


@router.get("/work")
@asks(Action.SEE_MY_WORK)
def my_work(context: InContext, limit: Limit = 50, offset: Offset = 0) -> Page[TaskShown]:
    """What is now for the asker to do or to approve, for themselves or for someone absent; the most pressing first."""
    require(Action.SEE_MY_WORK, to_program(context.asker))
    session, me, today = context.session, context.asker.person_id, context.asker.standing
    ask_ahead(session, *board.asked_of_mine(today, me), asked_of_who_barred(me))
    mine = board.counts_of(session, today, me)
    rows = board.work(session, mine.hats, limit=limit, offset=offset)
    return Page(items=shown_tasks(context, rows), total=mine.to_do + mine.to_approve, limit=limit, offset=offset)


@router.get("/tasks/{task_id}")
@asks(Action.SEE_TASK)
def get_task(task_id: UUID, context: InContext, response: Response) -> TaskShown:
    """One task."""
    task, case = find_task(context.session, context.asker, task_id)
    response.headers["ETag"] = etag(task.version)
    return shown_tasks(context, [task], with_notes=case is None or reads_notes(context, case), opens=True)[0]


@router.post("/tasks/{task_id}/completion")
@asks(Action.COMPLETE_TASK)
def complete(task_id: UUID, body: Completion, door: AtDoor) -> MovedShown:
    """Record that a task was done; where it is approved by someone, it then waits for them."""
    proofs = [GivenProof(given.kind, given.label, bytes_of(given.content)) for given in body.evidence]
    verb = partial(tasks.complete_task, note=body.note, evidence=proofs, given=body.given)
    return door.open(Action.COMPLETE_TASK, task_id, verb, body)


@router.post("/tasks/{task_id}/approval")
@asks(Action.APPROVE_TASK)
def approve(task_id: UUID, body: NoteInput, door: AtDoor) -> MovedShown:
    """Approve what was done. Never one's own."""
    return door.open(Action.APPROVE_TASK, task_id, partial(tasks.approve_task, note=body.note), body)


@router.post("/tasks/{task_id}/rejection")
@asks(Action.REJECT_TASK)
def reject(task_id: UUID, body: ReasonGiven, door: AtDoor) -> MovedShown:
    """Send back what was done, with the reason."""
    return door.open(Action.REJECT_TASK, task_id, partial(tasks.reject_task, reason=body.reason), body)


@router.post("/tasks/{task_id}/undoing")
@asks(Action.UNDO_TASK)
def undo(task_id: UUID, body: OptionalReason, door: AtDoor) -> MovedShown:
    """Take back a mistaken completion, submission or waiver."""
    return door.open(Action.UNDO_TASK, task_id, partial(tasks.undo_task, reason=body.reason), body)


@router.post("/tasks/{task_id}/waiver")
@asks(Action.WAIVE_TASK)
def waive(task_id: UUID, body: ReasonGiven, door: AtDoor) -> MovedShown:
    """Decide, with the reason, that a step is not needed in this case."""
    return door.open(Action.WAIVE_TASK, task_id, partial(tasks.waive_task, reason=body.reason), body)


@router.post("/tasks/{task_id}/handing-back")
@asks(Action.HAND_BACK_TASK)
def hand_back(task_id: UUID, body: ReasonGiven, door: AtDoor) -> MovedShown:
    """Say, with the reason, that one cannot do it: it falls to the next of its chain."""
    return door.open(Action.HAND_BACK_TASK, task_id, partial(tasks.hand_back_task, reason=body.reason), body)


@router.post("/tasks/{task_id}/returning")
@asks(Action.RETURN_TASK)
def give_again(task_id: UUID, body: ReasonGiven, door: AtDoor) -> MovedShown:
    """Give a handed-back task again to the role that owes it, with a word for it."""
    return door.open(Action.RETURN_TASK, task_id, partial(tasks.return_task, reason=body.reason), body)


def reads_notes(context: RequestContext, case: Case) -> bool:
    """Whether what people wrote in a case is for the asker to read."""
    return allows(Action.READ_NOTES, to_case(context.session, context.asker, case)) is not None


def shown_tasks(
    context: RequestContext, rows: Sequence[Task], *, with_notes: bool = True, opens: bool = False
) -> list[TaskShown]:
    """Tasks as the window shows them, with those on whom each waits today.

    Notes and reasons go `with_notes` alone: those who have a part in the case read them (`Action.READ_NOTES`). Those
    about a participant are null in lists: `opens` has them opened, for the keepers of that file.
    """
    both = [chain for row in rows for chain in (row.owed_by_id, row.approved_by_id)]
    cases = {row.case_id for row in rows if row.case_id is not None}
    ask_ahead(
        context.session,
        board.asked_of_chains(both),
        asked_of_pins(cases),
        *((requests.asked_of_newest([row.id for row in rows]), *asked_of_said(rows)) if with_notes else ()),
    )
    protocols_of(context.session, cases)
    links = board.chains(context.session, both)
    falls = {row.id: board.who(context.asker.standing, row, links) for row in rows}
    in_place = words_in_place(context.session, [row for row in rows if is_in_place(row, falls[row.id])])
    names = names_of(context, _people(falls.values()))
    written = _Written.of(context, rows, opens=opens) if with_notes else _NOT_READ
    return [
        TaskShown.about(
            row,
            asks=[_asked(part, context.language) for part in row.asks],
            given=written.given(row),
            note=written.words("note", row),
            reason=written.words("reason", row),
            beside=written.beside(row),
            title=_title(row, in_place.get(row.id), context.language),
            late=board.late_on(row, context.day),
            waits_on=_holders(falls[row.id], names),
            vacant=_is_vacant(falls[row.id]),
            waits_for=_coming(falls[row.id], names),
            needs_approval=row.approved_by_id is not None,
            automatic=bool(row.action),
        )
        for row in rows
    ]


def _people(falls: Iterable[Falls | None]) -> Iterator[UUID | None]:
    for one in falls:
        if one is not None:
            yield from (person for holder in one.holders for person in (holder.person_id, holder.acting_for))
            yield from (held.person_id for held in one.waits_for)


def _title(row: Task, instead: Instead | None, language: str) -> str:
    return title_of(row, language) if instead is None else instead.title.in_language(language)


def _is_vacant(falls: Falls | None) -> bool:
    return falls is not None and falls.vacant


def _holders(falls: Falls | None, names: Mapping[UUID, str]) -> list[HolderShown]:
    return [
        HolderShown.about(one, name=names[one.person_id], acting_for=names[one.acting_for] if one.acting_for else None)
        for one in (falls.holders if falls else ())
    ]


def _coming(falls: Falls | None, names: Mapping[UUID, str]) -> list[ComingShown]:
    return [ComingShown.about(one, name=names[one.person_id]) for one in (falls.waits_for if falls else ())]


@dataclass(frozen=True)
class _Written:
    """What people wrote with tasks, as the asker reads it: those about a participant apart, which `opens` opens."""

    requests: Mapping[UUID, Request]
    said: Mapping[UUID, ReadWords]
    opens: bool
    is_read: bool = True

    @classmethod
    def of(cls, context: RequestContext, rows: Sequence[Task], *, opens: bool) -> _Written:
        """Of these tasks. Raises Refusal where the keys cannot be used."""
        found = requests.newest(context.session, [row.id for row in rows])
        return cls(found, said_with(context, rows, opens=opens), opens)

    def given(self, row: Task) -> dict[str, Any] | None:
        """What was filled in last; null where nothing was, or the file of the participant is not the asker's."""
        is_kept = row.id not in self.said or self.said[row.id].is_kept
        return self.requests[row.id].given if row.id in self.requests and is_kept else None

    def words(self, name: Literal["note", "reason"], row: Task) -> str | None:
        """The note or the reason; about a participant null unless it is opened, and for who reads it not."""
        if not self.is_read:
            return None
        of_file = self.said.get(row.id)
        if of_file is None:
            return row.note if name == "note" else row.reason
        text = of_file.note if name == "note" else of_file.reason
        return text if self.opens and (of_file.is_kept or text) else None

    def beside(self, row: Task) -> list[BesideShown] | None:
        """What others wrote that belongs to a task about a participant, as `words`; nothing of any other task."""
        if not self.is_read:
            return None
        of_file = self.said.get(row.id)
        if of_file is None:
            return []
        if not (self.opens and of_file.is_kept):
            return None
        return [
            BesideShown(what=one.what, words=one.text, by=one.by_id, to=one.to_id, at=one.at) for one in of_file.beside
        ]


_NOT_READ: Final = _Written({}, {}, opens=False, is_read=False)


def _asked(part: Mapping[str, Any], language: str) -> AskedShown:
    return AskedShown(
        id=part["id"],
        title=part["title"][language],
        kind=part["kind"],
        choices=[ChoiceShown(id=one["id"], title=one["title"][language]) for one in part.get("choices", ())],
        at_most=part.get("at_most"),
        required=part.get("required", True),
    )
