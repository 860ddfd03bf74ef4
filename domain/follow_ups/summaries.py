"""The summary of a follow-up that is handed over (DP-06): in two parts, sealed, saved as one goes, then complete.

The step of a departure asks for it. Whoever owes that step writes it: who leaves, and of one who has gone already their
manager, then the coordinator. Saying that it is complete is what does the step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Select, cast, insert, select, update
from sqlalchemy.types import Uuid
from sqlmodel import Session

from domain.casework import tasks
from domain.casework.locking import Held, Moved, hold
from domain.follow_ups.assigning import barred_from
from domain.follow_ups.locking import hold as hold_follow_up
from domain.follow_ups.locking import tell
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.scope import many, one, program_of
from domain.kernel.typed_words import checked, says_something
from domain.participants.sealing import seal, unseal
from domain.record.reads import Ground, Purpose, record_read
from locales import N_
from models.base import refers, table_of
from models.casework import Case, Task
from models.departure import FollowUpSummary
from models.follow_up import Assignment, FollowUp
from models.participant import Participant

#: The step of a departure that asks for one; its item is the part that the leaver has in the follow-up.
WRITTEN: Final = "write_summary"
#: The kind under which the file of the committee that talks about follow-ups takes one, by the participant's number.
ON_AGENDA: Final = "follow_up_summary"

#: What the item of the step looks like: an id, as the part of somebody in a follow-up has.
_ID: Final = "^[0-9a-f]{32}$"

_summary = table_of(FollowUpSummary)
_task = table_of(Task)
_case = table_of(Case)
_assignment = table_of(Assignment)
_follow_up = table_of(FollowUp)
_participant = table_of(Participant)


@dataclass(frozen=True)
class Summary:
    """What a summary says: the participant's situation, and the steps that they have taken."""

    situation: str = ""
    steps: str = ""


def save_summary(
    session: Session, task_id: UUID, said: Summary, *, by: Actor, at: datetime, seen: int | None = None
) -> int:
    """Save a summary as it stands, and return its version. `seen` is the one that was looked at, 0 where none was.

    Raises Refusal: no such step, or done already; somebody else wrote meanwhile; whoever the participant barred; words
    that are too long or no text; or keys that cannot be used.
    """
    held = hold(session, task_id, by=by, at=at, seen=None)
    return _save(session, held, said, seen)


def complete_summary(
    session: Session, task_id: UUID, said: Summary, *, by: Actor, at: datetime, seen: int | None = None
) -> Moved:
    """Save a summary and say that it is complete, which does the step. Raises Refusal, also where a part is empty."""
    held = hold(session, task_id, by=by, at=at, seen=None)
    missing = [
        name for name, words in (("situation", said.situation), ("steps", said.steps)) if not says_something(words)
    ]
    if missing:
        raise Refusal(f"summary.{missing[0]}.missing", _MISSING[missing[0]], source="DP-06")
    _save(session, held, said, seen)
    moved = tasks.complete_task(session, task_id, by=by, at=at, in_its_act=True)
    row = asked_by(session, task_id)
    assert row is not None  # noqa: S101 - it was saved a moment ago
    tell(session, hold_follow_up(session, row["follow_up_id"], by=by, at=at), "follow_up.summarized")
    return moved


def take_back(session: Session, task_id: UUID, *, reason: str, by: Actor, at: datetime) -> Moved:
    """Take back that a summary is complete, so that it can be corrected; what was written stays. Raises Refusal."""
    held = hold(session, task_id, by=by, at=at, seen=None)
    if held.task["step"] != WRITTEN:
        raise _none()
    return tasks.undo_task(session, task_id, by=by, at=at, reason=tasks.needed_reason(reason), in_its_act=True)


def read_summary(
    session: Session, task_id: UUID, *, ground: Ground, by: Actor, at: datetime, purpose: Purpose | None = None
) -> Summary:
    """What a summary says, opened, and the record told of it in the same transaction; empty where none was begun.

    Raises Refusal: no purpose, no such step, or keys that cannot be used.
    """
    row = asked_by(session, task_id)
    if row is None:
        raise _none()
    if row["id"] is None:
        return Summary()
    record_read(
        session,
        "follow_up_summary",
        row["id"],
        what="follow_up_summary",
        ground=ground,
        by=by,
        at=at,
        purpose=purpose,
        case_id=row["case_id"],
    )
    words = session.scalar(
        select(_summary.c.words).where(_summary.c.program_id == program_of(session), _summary.c.id == row["id"])
    )
    assert words is not None  # noqa: S101 - the row holds them
    return Summary(**unseal(session, row["participant_id"], _place(row["id"]), words))


def asked_by(session: Session, task_id: UUID) -> dict[str, Any] | None:
    """What the step asks about, and what was written so far, its words left sealed: `id` is None where nothing was.

    None where the task is no such step.
    """
    return one(session, _summaries().where(_task.c.program_id == program_of(session), _task.c.id == task_id))


def summaries_in(session: Session, case_id: UUID) -> list[dict[str, Any]]:
    """What a departure asks to have summed up, by number: how each stands, and none opened."""
    rows = _summaries().where(_task.c.program_id == program_of(session), _task.c.case_id == case_id)
    return many(session, rows.order_by(_participant.c.number, _task.c.id))


def summaries_of(session: Session, follow_up_id: UUID) -> list[dict[str, Any]]:
    """The complete summaries of a follow-up, the last first: of which departure, by whom and when. None is opened."""
    return many(
        session,
        _summaries()
        .where(
            _summary.c.program_id == program_of(session),
            _summary.c.follow_up_id == follow_up_id,
            _task.c.state == "done",
        )
        .order_by(_task.c.done_at.desc(), _task.c.id),
    )


# ---------------------------------------------------------------------------------------------------------- its parts


def _summaries() -> Select[Any]:
    return (
        select(
            _task.c.id.label("task_id"),
            _task.c.state,
            _task.c.case_id,
            _task.c.done_at,
            _task.c.done_by,
            _case.c.subject_id.label("leaver_id"),
            _assignment.c.follow_up_id,
            _follow_up.c.participant_id,
            _participant.c.number,
            _summary.c.id,
            _summary.c.written_by,
            _summary.c.written_at,
            _summary.c.version,
        )
        .select_from(_task)
        .join(_case, refers(_task.c.case_id, _case))
        .join(
            _assignment,
            (_assignment.c.program_id == _task.c.program_id) & (_assignment.c.id == cast(_task.c.item, Uuid())),
        )
        .join(_follow_up, refers(_assignment.c.follow_up_id, _follow_up))
        .join(_participant, refers(_follow_up.c.participant_id, _participant))
        .outerjoin(_summary, (_summary.c.program_id == _task.c.program_id) & (_summary.c.task_id == _task.c.id))
        .where(_task.c.step == WRITTEN, _task.c.item.regexp_match(_ID))
    )


def _save(session: Session, held: Held, said: Summary, seen: int | None) -> int:
    row = asked_by(session, held.id)
    if row is None or held.case is None:
        raise _none()
    if held.case["state"] != "open" or held.task["state"] != "open":
        raise Refusal(
            "summary.not_open",
            N_("This summary is complete, or its case is no longer open. Reopen it first to correct it."),
        )
    if any(held.by.is_one_of(person) for person in barred_from(session, row["participant_id"])):
        raise Refusal("summary.barred", N_("The participant has barred you from their file: someone else writes it."))
    if seen is not None and seen != (row["version"] or 0):
        raise Refusal(
            "summary.changed",
            N_("This summary was changed by someone else or in another window. Nothing was saved; look again."),
        )
    if held.by.person_id is None:
        msg = "a part of the system writes no summary"
        raise ValueError(msg)
    summary_id: UUID = row["id"] or uuid4()
    facts = {"situation": checked(said.situation), "steps": checked(said.steps)}
    values: dict[str, Any] = {
        "words": seal(session, row["participant_id"], _place(summary_id), facts),
        "written_by": held.by.person_id,
        "written_at": held.at,
        "version": (row["version"] or 0) + 1,
    }
    here = program_of(session)
    if row["id"] is None:
        keys: Mapping[str, Any] = {"id": summary_id, "follow_up_id": row["follow_up_id"], "task_id": held.id}
        session.execute(insert(_summary).values(program_id=here, **keys, **values))
    else:
        session.execute(
            update(_summary).where(_summary.c.program_id == here, _summary.c.id == summary_id).values(**values)
        )
    followed = hold_follow_up(session, row["follow_up_id"], by=held.by, at=held.at)
    tell(session, followed, "follow_up.summary_saved")
    version: int = values["version"]
    return version


def _place(summary_id: UUID) -> str:
    return f"follow_up_summary/{summary_id}"


def _none() -> Refusal:
    return Refusal("summary.none", N_("This step asks for no summary of a follow-up."))


_MISSING: Final = {
    "situation": N_("Write the participant’s situation before you mark the summary as complete."),
    "steps": N_("Write the steps that the participant has taken before you mark the summary as complete."),
}
