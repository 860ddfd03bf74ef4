"""One task, the forms that change it wherever they stand, and the documents that prove it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Final, Literal, cast
from urllib.parse import quote
from uuid import UUID

from fastapi import Depends, File, Form, Request, Response, UploadFile
from fastapi.responses import HTMLResponse
from sqlalchemy import Uuid, exists, literal
from sqlmodel import and_

from api.access import questions
from api.access.cases import SeenCase, to_case, to_task
from api.access.permissions import Action, Forbidden, Relation, allows, asks, require, to_program
from api.access.session import InContext, RequestContext
from api.access.tasks import closed_to, find_task, keeps_file
from api.acts.declaring import Act, On, Parts, endpoint_of, part
from api.acts.tasks import TASK, THING, ProofGiven
from api.pages.act_routes import MustHaveSeen
from api.pages.case import case_page
from api.pages.forms import Text, Typed
from api.pages.frame import framed_pages, page, see_other
from api.pages.work import work_page
from api.views.tasks import lines_of, page_of
from api.views.timeline import told
from api.web.given import ActInput, form_of
from domain.casework import LARGEST_DOCUMENT, requests, scheduling, task_changed_meanwhile, versions
from domain.casework import words as written
from domain.kernel import Actor, Refusal, col, first, in_program, joins, of, only, scalar, select, title_of, tuples
from domain.record import events, reads
from domain.roles import task_is_open_to
from locales import typeset
from meetings import decisions
from models.casework import SETTLED, Evidence, EvidenceFile, Task, TaskNeed
from models.record import Event

router = framed_pages()

EVENTS_SHOWN: Final = 50


@router.get("/tasks/{task_id}", name="task")
@asks(Action.SEE_TASK)
def show_task(context: InContext, request: Request, task_id: UUID) -> HTMLResponse:
    """One task with all that is known of it; the links in letters lead here."""
    return task_page(context, request, task_id, Typed())


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
    lines = events.latest(context.session, Event.subject_id == task_id, Event.verb != reads.READ, most=EVENTS_SHOWN)
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
        history=told(context, lines, with_notes=with_notes),
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


# ------------------------------------------------------------------------------------------------------------ its forms

Page = Literal["work", "case", "task"]


@dataclass(frozen=True)
class TaskSent:
    """What a form about a task sends, with what it is worked with: of an act, the fields of its own form."""

    context: RequestContext
    request: Request
    task_id: UUID
    seen: int
    back: Page
    words: str = ""
    how: str = ""
    note: str = ""
    label: str = ""
    given: Mapping[str, str | list[str]] = field(default_factory=dict)
    document: UploadFile | None = None


@dataclass(frozen=True)
class TaskForm:
    """An act on a task as a form: the version that was seen, and what was typed, one field of which is its words.

    `back` names the page on which a form stands, to which one comes back, where it does not say so itself.
    """

    act: Act
    fields: Sequence[str] = ("words",)
    back: Page = "task"

    def answer(self, given: Parts) -> Response:
        """Do the act and go back; or show the page again, with the refusal and what was typed. Raises Forbidden."""
        sent = TaskSent(**given)
        context, task_id, seen = sent.context, sent.task_id, sent.seen
        task, case = find_task(context.session, context.asker, task_id)
        was_done = _WAS_DONE.get(self.act.action)
        if was_done is not None and task.version == seen + 1 and was_done(context, task, sent):
            questions.note_answered_before()
            return see_other(_place(task, case, sent.back))
        by = allows(self.act.action, to_task(context.session, context.asker, task, case))
        if by is None and task.version == seen:
            raise Forbidden
        refusal = self.attempt(sent, by)
        if refusal is None:
            after = _place if self.act.action is Action.SETTLE_HOLDING else partial(_after, context)
            return see_other(after(task, case, sent.back))
        typed = Typed(self.act.form_of({}, given), refusal, {**self.typed(sent), "task": task_id}, self.fields[-1:])
        return self.again(sent, case, typed)

    def attempt(self, sent: TaskSent, by: Actor | None) -> Refusal | None:
        """Do the act, and why not. Where it was theirs when they began to write, they are told that it changed."""
        if by is None:
            return task_changed_meanwhile()
        context: RequestContext = sent.context
        on: On[None] = On(context, None, {}, by, {"task_id": sent.task_id}, sent.seen)
        return context.attempt(lambda: self.act.call(on, self.said(context, sent), {}))

    def again(self, sent: TaskSent, case: SeenCase | None, typed: Typed) -> Response:
        """The page on which the form stood, with what was typed."""
        context, task_id = sent.context, sent.task_id
        if sent.back == "work":
            return work_page(context, sent.request, typed)
        if sent.back == "case" and case is not None:
            return case_page(context, sent.request, case.id, typed)
        return task_page(context, sent.request, task_id, typed)

    def typed(self, sent: TaskSent) -> dict[str, object]:
        """The fields as they were typed."""
        return {name: getattr(sent, name) for name in self.fields}

    def said(self, context: RequestContext, sent: TaskSent) -> ActInput:
        """What the form says: the last of its fields are the act's words, whatever its shape calls them."""
        shape = cast("type[ActInput]", self.act.said)
        words = getattr(sent, self.fields[-1])
        return shape.from_form({**dict.fromkeys(form_of(shape), words), **self.typed(sent)}, context)

    def parts(self) -> list[inspect.Parameter]:
        """What the form sends, and what is worked with."""
        return [
            part("context", InContext),
            part("request", Request),
            part("task_id", UUID),
            part("seen", MustHaveSeen),
            part("back", Annotated[Page, Form()], self.back),
            *(part(name, Text, "") for name in self.fields),
        ]


async def filled_in(request: Request) -> dict[str, str | list[str]]:
    """What the form holds of what its step asks, by the id of each part: a list where several are chosen."""
    found: dict[str, list[str]] = {}
    for name, value in (await request.form()).multi_items():
        if name.startswith(PART) and isinstance(value, str):
            found.setdefault(name.removeprefix(PART), []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in found.items()}


#: How the field of a part of what a step asks begins, before the part's id.
PART: Final = "given-"


class CompletionForm(TaskForm):
    """What completes a task, with a note, what proves it, and what its step asks to be filled in."""

    def typed(self, sent: TaskSent) -> dict[str, object]:
        """The fields as they were typed, and what was filled in."""
        return {**super().typed(sent), "given": sent.given}

    def said(self, context: RequestContext, sent: TaskSent) -> ActInput:
        """What the form says, with its proofs."""
        kind = str(scalar(context.session, only(Task.evidence).where(Task.id == sent.task_id)))
        proofs, label, document = [], sent.label, sent.document
        if kind in ("serial", "account", "way") and label.strip():
            proofs.append(ProofGiven.as_read(kind, label))
        if document is not None and document.filename:
            # One byte more than is kept tells that it is too large.
            proofs.append(ProofGiven.as_read("document", document.filename, document.file.read(LARGEST_DOCUMENT + 1)))
        said = super().said(context, sent)
        return said.model_copy(update={"evidence": proofs, "given": sent.given})

    def parts(self) -> list[inspect.Parameter]:
        """What the form sends, and what is worked with."""
        return [
            *super().parts(),
            part("given", Annotated[dict[str, str | list[str]], Depends(filled_in)]),
            part("document", Annotated[UploadFile | None, File()], None),
        ]


def _was_completed(context: RequestContext, task: Task, sent: TaskSent) -> bool:
    """Whether the reader completed it, by the same words, proof and filling in."""
    return (
        task.state in ("submitted", "done")
        and task.settled_by is None
        and task.done_by == context.asker.person_id
        and bool(written.opened(context.session, task)["note"] == sent.words.strip())
        and _was_given(context, task.id, sent.label)
        and _was_asked_for(context, task, sent.given)
    )


def _was_approved(context: RequestContext, task: Task, sent: TaskSent) -> bool:
    """Whether the reader approved it, with the same words."""
    is_theirs = task.state == "done" and task.settled_by == context.asker.person_id
    return is_theirs and bool(written.opened(context.session, task)["reason"] == sent.words.strip())


#: Whether the reader did this a moment ago from the same page: the second click of a double click. Who did it there and
#: writes something else in another window, where the page is the old one, is told that it was not kept.
_WAS_DONE: Final[Mapping[Action, Callable[[RequestContext, Task, TaskSent], bool]]] = {
    Action.COMPLETE_TASK: _was_completed,
    Action.APPROVE_TASK: _was_approved,
}


def _was_asked_for(context: RequestContext, task: Task, given: Parts) -> bool:
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


#: The form of an act, where it is another than that of a few words.
_FORMS: Final[Mapping[Action, Callable[[Act], TaskForm]]] = {
    Action.COMPLETE_TASK: lambda act: CompletionForm(act, ("label", "words")),
    Action.SETTLE_HOLDING: lambda act: TaskForm(act, ("how", "note"), "case"),
}
for act in (*TASK.acts, *THING.acts):
    task_form = _FORMS.get(act.action, TaskForm)(act)
    router.add_api_route(
        TASK.path + act.path, endpoint_of(act, task_form.answer, task_form.parts(), Response), methods=["POST"]
    )
