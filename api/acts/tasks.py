"""What is done to a task: completed, approved, sent back, handed back, given again, waived, undone; or settled."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Literal, Self, cast
from uuid import UUID

from pydantic import Field, StringConstraints

from api.access.permissions import Action
from api.access.session import RequestContext
from api.access.tasks import actor_for
from api.acts.declaring import ActSubject, On
from api.views.departures import way_of
from api.web.bytes_given import bytes_of
from api.web.given import NOT_ON_FORM, ActInput, Key, PlainText, ReasonGiven, Short
from domain.casework import GivenProof, TaskOutcome, tasks
from domain.departure import settling
from domain.kernel import Actor


def _find(context: RequestContext, action: Action, task_id: UUID) -> tuple[None, Actor]:
    return None, actor_for(context.session, context.asker, action, task_id)


TASK: Final = ActSubject("/tasks/{task_id}", _find)
#: What a task asks about: a thing in a leaver's hands.
THING: Final = ActSubject(TASK.path, _find)


class NoteInput(ActInput):
    """A note that goes with an act, or none."""

    note: PlainText = ""


class OptionalReason(ActInput):
    """Why, where it is worth saying."""

    reason: PlainText = ""


class ProofGiven(ActInput):
    """Evidence: a serial number, an account's user name, a document with its bytes in base64, or a way.

    A way is how a participant wants their follow-up handed over, "call" or "meeting".
    """

    kind: Literal["serial", "account", "document", "way"]
    label: Annotated[PlainText, StringConstraints(max_length=500)]
    content: Annotated[str, Field(description="base64; for a document alone")] = ""

    @classmethod
    def as_read(cls, kind: str, label: str, content: bytes = b"") -> ProofGiven:
        """What a form gives, as it is given over JSON; not checked further."""
        return cls.model_construct(kind=cast("Any", kind), label=label, content=b64encode(content).decode("ascii"))


class Completion(ActInput):
    """That a task was done. `given` is what was filled in of what the step `asks`, by the id of each part."""

    note: PlainText = ""
    evidence: Annotated[list[ProofGiven], NOT_ON_FORM] = Field([], max_length=20)
    given: Annotated[dict[Key, PlainText | Annotated[list[Short], Field(max_length=50)]], NOT_ON_FORM] = Field(
        {}, max_length=20
    )


@TASK.act(Action.COMPLETE_TASK, "/completion", form="complete-{task_id}", once=True, versioned=True, status=200)
def complete(on: On[None], said: Completion) -> TaskOutcome:
    """Record that a task was done; where it is approved by someone, it then waits for them."""
    proofs = [GivenProof(one.kind, one.label, bytes_of(one.content)) for one in said.evidence]
    return tasks.complete_task(
        on.session, on.id, note=said.note, evidence=proofs, given=said.given, by=on.by, at=on.at, seen=on.seen
    )


@TASK.act(Action.APPROVE_TASK, "/approval", form="approve-{task_id}", once=True, versioned=True, status=200)
def approve(on: On[None], said: NoteInput) -> TaskOutcome:
    """Approve what was done. Never one's own."""
    return tasks.approve_task(on.session, on.id, note=said.note, by=on.by, at=on.at, seen=on.seen)


@TASK.act(Action.REJECT_TASK, "/rejection", form="reject-{task_id}", once=True, versioned=True, status=200)
def reject(on: On[None], said: ReasonGiven) -> TaskOutcome:
    """Send back what was done, with the reason."""
    return tasks.reject_task(on.session, on.id, reason=said.reason, by=on.by, at=on.at, seen=on.seen)


@TASK.act(Action.UNDO_TASK, "/undoing", form="undo-{task_id}", once=True, versioned=True, status=200)
def undo(on: On[None], said: OptionalReason) -> TaskOutcome:
    """Take back a mistaken completion, submission or waiver."""
    return tasks.undo_task(on.session, on.id, reason=said.reason, by=on.by, at=on.at, seen=on.seen)


@TASK.act(Action.WAIVE_TASK, "/waiver", form="waive-{task_id}", once=True, versioned=True, status=200)
def waive(on: On[None], said: ReasonGiven) -> TaskOutcome:
    """Decide, with the reason, that a step is not needed in this case."""
    return tasks.waive_task(on.session, on.id, reason=said.reason, by=on.by, at=on.at, seen=on.seen)


@TASK.act(Action.HAND_BACK_TASK, "/handing-back", form="hand_back-{task_id}", once=True, versioned=True, status=200)
def hand_back(on: On[None], said: ReasonGiven) -> TaskOutcome:
    """Say, with the reason, that one cannot do it: it falls to the next of its chain."""
    return tasks.hand_back_task(on.session, on.id, reason=said.reason, by=on.by, at=on.at, seen=on.seen)


@TASK.act(Action.RETURN_TASK, "/returning", form="return-{task_id}", once=True, versioned=True, status=200)
def give_again(on: On[None], said: ReasonGiven) -> TaskOutcome:
    """Give a handed-back task again to the role that owes it, with a word for it."""
    return tasks.return_task(on.session, on.id, reason=said.reason, by=on.by, at=on.at, seen=on.seen)


class SettlementGiven(ActInput):
    """Who takes a thing over, or how it ends: one of the two."""

    #: What the form has: the choice of one of the two.
    typed: ClassVar = ("how", "note")

    successor_id: UUID | None = None
    ended_as: Annotated[str, Field(max_length=40)] = ""
    note: Annotated[str, Field(max_length=1_000)] = ""

    @classmethod
    def from_form(cls, typed: Mapping[str, object], context: RequestContext) -> Self:  # noqa: ARG003 - as every shape's
        """What the form says."""
        successor_id, ended_as = way_of(str(typed["how"]))
        said = cls.model_construct(successor_id=successor_id, ended_as=ended_as, note=str(typed["note"]))
        return cast("Self", said)


@THING.act(Action.SETTLE_HOLDING, "/settlement", form="settle-{task_id}", once=True, versioned=True, status=200)
def settle(on: On[None], said: SettlementGiven) -> TaskOutcome:
    """Say who takes over what a task asks about, or how it ends."""
    return settling.settle_holding(on.session, on.id, **dict(said), by=on.by, at=on.at, seen=on.seen)


@THING.act(Action.SETTLE_HOLDING, "/missing", form="settle-{task_id}", once=True, versioned=True, status=200)
def report_missing(on: On[None], said: ReasonGiven) -> TaskOutcome:
    """Report that a piece of equipment is not there; it stays asked for."""
    return settling.report_missing(on.session, on.id, note=said.reason, by=on.by, at=on.at, seen=on.seen)
