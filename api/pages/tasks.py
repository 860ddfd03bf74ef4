"""One task, the forms that change it wherever they stand, and the documents that prove it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote
from uuid import UUID

from fastapi import Depends, File, Form, Request, Response, UploadFile
from fastapi.responses import HTMLResponse
from sqlalchemy import Uuid, exists, literal
from sqlmodel import Session, and_

from api.access import questions
from api.access.cases import SeenCase, to_case, to_task
from api.access.permissions import Action, Forbidden, Relation, allows, asks, require, to_program
from api.access.session import InContext, RequestContext
from api.access.tasks import closed_to, find_task, keeps_file
from api.acts.task_verbs import TaskVerb
from api.pages.case import case_page
from api.pages.forms import Text, Typed
from api.pages.frame import framed_pages, page, see_other
from api.pages.work import work_page
from api.views.tasks import ACTS, lines_of, page_of
from api.views.timeline import told
from domain.casework import (
    LARGEST_DOCUMENT,
    GivenProof,
    TaskOutcome,
    requests,
    scheduling,
    task_changed_meanwhile,
    tasks,
    versions,
)
from domain.casework import words as written
from domain.kernel import (
    Actor,
    Refusal,
    col,
    every,
    first,
    in_program,
    joins,
    of,
    only,
    scalar,
    select,
    title_of,
    tuples,
)
from domain.record import reads
from domain.roles import task_is_open_to
from locales import typeset
from meetings import decisions
from models.casework import SETTLED, Evidence, EvidenceFile, Task, TaskNeed
from models.record import Event

router = framed_pages()

EVENTS_SHOWN: Final = 50


@dataclass(frozen=True)
class TaskForm:
    """What every form about a task sends: the task, the version that was seen, and what was written.

    `back` names the page on which the form stood, to which one comes back.
    """

    context: RequestContext
    request: Request
    task_id: UUID
    seen: int
    back: Literal["work", "case", "task"]
    words: str

    def do(self, name: str, verb: TaskVerb, **values: Any) -> Response:
        """Do the act `name` by its verb and go back; or show the page again, with the refusal and what was typed.

        `values` are the fields of this form alone. Raises Forbidden.
        """
        context = self.context
        task, case = find_task(context.session, context.asker, self.task_id)
        said = values.get("label", ""), values.get("given", {})
        if _was_done(context, name, task, self.seen, words=self.words, label=said[0], given=said[1]):
            questions.note_answered_before()
            return see_other(_place(task, case, self.back))
        by = allows(ACTS[name], to_task(context.session, context.asker, task, case))
        if by is None and task.version == self.seen:
            raise Forbidden
        if by is None:
            # It was theirs when they began to write: they are told, and what they wrote is kept.
            refusal: Refusal | None = task_changed_meanwhile()
        else:
            actor = by
            refusal = context.attempt(
                lambda: verb(context.session, self.task_id, by=actor, at=context.at, seen=self.seen)
            )
        if refusal is None:
            return see_other(_after(context, task, case, self.back))
        kept = {"words": self.words, **values, "task": self.task_id}
        typed = Typed(f"{name}-{self.task_id}", refusal, kept)
        if self.back == "work":
            return work_page(context, self.request, typed)
        if self.back == "case" and case is not None:
            return case_page(context, self.request, case.id, typed)
        return task_page(context, self.request, self.task_id, typed)


def sheet(
    context: InContext,
    request: Request,
    task_id: UUID,
    seen: Annotated[int, Form()],
    back: Annotated[Literal["work", "case", "task"], Form()] = "task",
    words: Text = "",
) -> TaskForm:
    """The form as it was sent."""
    return TaskForm(context, request, task_id, seen, back, words)


Filled = Annotated[TaskForm, Depends(sheet)]


@router.get("/tasks/{task_id}", name="task")
@asks(Action.SEE_TASK)
def show_task(context: InContext, request: Request, task_id: UUID) -> HTMLResponse:
    """One task with all that is known of it; the links in letters lead here."""
    return task_page(context, request, task_id, Typed())


async def filled_in(request: Request) -> dict[str, str | list[str]]:
    """What the form holds of what its step asks, by the id of each part: a list where several are chosen."""
    found: dict[str, list[str]] = {}
    for name, value in (await request.form()).multi_items():
        if name.startswith(PART) and isinstance(value, str):
            found.setdefault(name.removeprefix(PART), []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in found.items()}


#: How the field of a part of what a step asks begins, before the part's id.
PART: Final = "given-"


@router.post("/tasks/{task_id}/completion")
@asks(Action.COMPLETE_TASK)
def complete(
    filled: Filled,
    given: Annotated[dict[str, str | list[str]], Depends(filled_in)],
    label: Text = "",
    document: Annotated[UploadFile | None, File()] = None,
) -> Response:
    """Record that a task was done, with a note and what proves it."""

    def act(session: Session, task_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> TaskOutcome:
        kind = _kind_of_proof(filled.context, task_id)
        proofs = [GivenProof(kind, label)] if kind in ("serial", "account", "way") and label.strip() else []
        if document is not None and document.filename:
            # One byte more than is kept tells that it is too large.
            proofs.append(GivenProof("document", document.filename, document.file.read(LARGEST_DOCUMENT + 1)))
        return tasks.complete_task(
            session, task_id, by=by, at=at, note=filled.words, evidence=proofs, given=given, seen=seen
        )

    return filled.do("complete", act, label=label, given=given)


@router.post("/tasks/{task_id}/approval")
@asks(Action.APPROVE_TASK)
def approve(filled: Filled) -> Response:
    """Approve what was done. Never one's own."""
    return filled.do("approve", partial(tasks.approve_task, note=filled.words))


@router.post("/tasks/{task_id}/rejection")
@asks(Action.REJECT_TASK)
def reject(filled: Filled) -> Response:
    """Send back what was done, with the reason."""
    return filled.do("reject", partial(tasks.reject_task, reason=filled.words))


@router.post("/tasks/{task_id}/handing-back")
@asks(Action.HAND_BACK_TASK)
def hand_back(filled: Filled) -> Response:
    """Say, with the reason, that one cannot do it: it falls to the next of its chain."""
    return filled.do("hand_back", partial(tasks.hand_back_task, reason=filled.words))


@router.post("/tasks/{task_id}/returning")
@asks(Action.RETURN_TASK)
def give_again(filled: Filled) -> Response:
    """Give a handed-back task again to the role that owes it, with a word for it."""
    return filled.do("return", partial(tasks.return_task, reason=filled.words))


@router.post("/tasks/{task_id}/waiver")
@asks(Action.WAIVE_TASK)
def waive(filled: Filled) -> Response:
    """Decide, with the reason, that a step is not needed in this case."""
    return filled.do("waive", partial(tasks.waive_task, reason=filled.words))


@router.post("/tasks/{task_id}/undoing")
@asks(Action.UNDO_TASK)
def undo(filled: Filled) -> Response:
    """Take back a mistaken completion, submission or waiver."""
    return filled.do("undo", partial(tasks.undo_task, reason=filled.words))


@router.get("/evidence/{evidence_id}", name="evidence")
@asks(Action.READ_EVIDENCE)
def download(context: InContext, evidence_id: UUID) -> Response:
    """A document as it was given, to be kept and never to be shown by the browser as a page of ours."""
    found = first(context.session, of(Evidence).where(Evidence.id == evidence_id))
    # Of one that is not there the same is asked as of another's, and no bytes are read before it is theirs to read.
    task, case = find_task(context.session, context.asker, found.task_id if found else evidence_id)
    given = to_case(context.session, context.asker, case) if case is not None else to_program(context.asker)
    by = require(Action.READ_EVIDENCE, given)
    about = written.about(context.session, [task]).get(task.id)
    if about is not None and keeps_file(context.session, context.asker, about) is None:
        raise Forbidden
    content = scalar(context.session, only(EvidenceFile.content).where(EvidenceFile.id == evidence_id))
    if found is None or content is None:
        raise Forbidden
    reads.record_read(
        context.session,
        "evidence",
        evidence_id,
        what="document",
        ground="part" if given.keys() & {Relation.SUBJECT, Relation.TAKES_PART} else "role",
        by=by,
        at=context.at,
        case_id=case.id if case is not None else None,
    )
    return Response(
        bytes(content),
        media_type=found.content_type,
        headers={
            "Content-Disposition": _as_attachment(found.label),
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )


def task_page(context: RequestContext, request: Request, task_id: UUID, typed: Typed) -> HTMLResponse:
    """The page of a task that the reader may see. Raises Forbidden."""
    task, case = find_task(context.session, context.asker, task_id)
    given = to_case(context.session, context.asker, case) if case is not None else None
    with_notes = given is None or allows(Action.READ_NOTES, given) is not None
    (line,) = lines_of(context, [task], withdrawn=True, with_notes=with_notes, opens=True)
    due_rule = ""
    if case is not None:
        protocol = scheduling.protocol_of(versions.pinned(context.session, case))
        step = protocol.by_id.get(task.step)
        due_rule = protocol.due_in_words(step, context.language) if step else ""
    events = every(
        context.session,
        of(Event)
        .where(Event.subject_id == task_id, Event.verb != reads.READ)
        .order_by(col(Event.n).desc())
        .limit(EVENTS_SHOWN),
    )
    return page(
        context,
        request,
        "task.html",
        typed=typed,
        line=line,
        case=case,
        due_rule=due_rule,
        holds_up=_holds_up(context, task_id),
        decision=decisions.of_task(context.session, task_id) if case is None else None,
        history=told(context, events, with_notes=with_notes),
    )


def _holds_up(context: RequestContext, task_id: UUID) -> list[tuple[UUID, str]]:
    """The tasks that wait for this one, while they still do, as the reader may see them."""
    rows = tuples(
        context.session,
        select(Task.id, title_of(Task, context.language))
        .join(TaskNeed, joins(TaskNeed.task_id, Task))
        .where(
            in_program(TaskNeed),
            TaskNeed.needs_id == task_id,
            col(Task.state).not_in([*SETTLED, "cancelled"]),
            task_is_open_to(literal(context.asker.person_id, Uuid())),
        )
        .order_by(col(Task.position), col(Task.item)),
    )
    closed = closed_to(context.session, context.asker, {waiting for waiting, _ in rows})
    return [(waiting, typeset(context.language, title)) for waiting, title in rows if waiting not in closed]


def _kind_of_proof(context: RequestContext, task_id: UUID) -> str:
    """What a text given as proof of this task is: a serial number, an account's user name, or a way of handing over."""
    asked = scalar(context.session, only(Task.evidence).where(Task.id == task_id))
    return str(asked)


def _was_done(
    context: RequestContext, name: str, task: Task, seen: int, *, words: str, label: str, given: Mapping[str, Any]
) -> bool:
    """Whether the reader did this a moment ago from the same page: the second click of a double click.

    Who did it there and writes something else in another window, where the page is the old one, is told that it was
    not kept.
    """
    if task.version != seen + 1:
        return False
    me, said = context.asker.person_id, words.strip()
    kept = written.opened(context.session, task)
    if name == "approve":
        return task.state == "done" and task.settled_by == me and kept["reason"] == said
    was_this = name == "complete" and task.state in ("submitted", "done") and task.settled_by is None
    was_mine = was_this and task.done_by == me and kept["note"] == said
    return was_mine and _was_given(context, task.id, label) and _was_asked_for(context, task, given)


def _was_asked_for(context: RequestContext, task: Task, given: Mapping[str, Any]) -> bool:
    """Whether this is what was filled in last; where the step asks nothing, nothing is asked."""
    if not task.asks:
        return True
    kept = requests.newest(context.session, [task.id]).get(task.id)
    try:
        return kept is not None and kept.given == requests.checked(task.asks, given)
    except Refusal:
        return False


def _was_given(context: RequestContext, task_id: UUID, label: str) -> bool:
    """Whether this serial number or user name is what proves the task; where none was written, nothing is asked."""
    label = " ".join(label.split())
    if not label:
        return True
    proves = and_(Evidence.task_id == task_id, Evidence.label == label, col(Evidence.withdrawn_at).is_(None))
    return bool(scalar(context.session, select(exists().where(in_program(Evidence), proves))))


def _after(context: RequestContext, task: Task, case: SeenCase | None, back: str) -> str:
    """The page on which the form stood, or the work page where the act ended the person's part in the case.

    So it does for an approver from elsewhere who sends back the one thing that waited for them.
    """
    try:
        find_task(context.session, context.asker, task.id)
    except Forbidden:
        return "/"
    return _place(task, case, back)


def _place(task: Task, case: SeenCase | None, back: str) -> str:
    if back == "work":
        return "/"
    if back == "case" and case is not None:
        return f"{page_of(case)}#task-{task.id}"
    return f"/tasks/{task.id}"


def _as_attachment(name: str) -> str:
    """A Content-Disposition for any name: plain letters for old readers, and the name itself (RFC 6266, RFC 5987)."""
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in " .-_") else "_" for letter in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
