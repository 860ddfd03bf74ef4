"""The summary of a follow-up that is handed over (DP-06): in two parts, sealed, saved as one goes, then complete.

A step of a departure asks for it. The owner of that step writes it: the leaver, or, if they have gone already, their
manager, then the coordinator. Saying that it is complete completes the step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import Insert, Update, cast, insert
from sqlalchemy.types import Uuid
from sqlmodel import Session

from domain.casework import LockedTask, TaskOutcome, lock_task, tasks
from domain.follow_ups.locking import lock_follow_up as hold_follow_up
from domain.follow_ups.locking import write_follow_up_event
from domain.kernel import (
    Actor,
    AnySelect,
    Refusal,
    built,
    changes,
    checked,
    col,
    joins,
    only,
    program_of,
    run,
    same,
    says_something,
    scalar,
    seal,
    tuples,
    unseal,
)
from domain.participants import barred_workers
from domain.record import Ground, record_read
from locales import N_
from models.casework import Case, Task
from models.departure import FollowUpSummary
from models.follow_up import Assignment, FollowUp
from models.participant import Participant

#: The step of a departure that asks for one; its item is the part that the leaver has in the follow-up.
WRITTEN: Final = "write_summary"
#: The kind under which the file of the committee that talks about follow-ups takes one, by the participant's number.
ON_AGENDA: Final = "follow_up_summary"

#: The form of the step's item: an id, as a part in a follow-up has.
_ID: Final = "^[0-9a-f]{32}$"


@dataclass(frozen=True)
class Summary:
    """What a summary says: the participant's situation, and the steps that they have taken."""

    situation: str = ""
    steps: str = ""


def save_summary(
    session: Session, task_id: UUID, said: Summary, *, by: Actor, at: datetime, seen: int | None = None
) -> int:
    """Save a summary as it stands, and return its version. `seen` is the version that was looked at, 0 where none was.

    Raises Refusal: no such step, or done already; another wrote meanwhile; the participant barred the writer; words
    that are too long or no text; or keys that cannot be used.
    """
    held = lock_task(session, task_id, by=by, at=at, seen=None)
    return _save(session, held, said, seen)


def complete_summary(
    session: Session, task_id: UUID, said: Summary, *, by: Actor, at: datetime, seen: int | None = None
) -> TaskOutcome:
    """Save a summary as complete, which completes the step. Raises Refusal, also where a part is empty."""
    held = lock_task(session, task_id, by=by, at=at, seen=None)
    missing = [
        name for name, words in (("situation", said.situation), ("steps", said.steps)) if not says_something(words)
    ]
    if missing:
        raise Refusal(f"summary.{missing[0]}.missing", _MISSING[missing[0]], source="DP-06")
    _save(session, held, said, seen)
    moved = tasks.complete_task(session, task_id, by=by, at=at, in_its_act=True)
    row = asked_by(session, task_id)
    assert row is not None  # noqa: S101 - it was saved a moment ago
    write_follow_up_event(session, hold_follow_up(session, row.follow_up_id, by=by, at=at), "follow_up.summarized")
    return moved


def take_back(session: Session, task_id: UUID, *, reason: str, by: Actor, at: datetime) -> TaskOutcome:
    """Undo the completion of a summary, so that it can be corrected; what was written stays. Raises Refusal."""
    held = lock_task(session, task_id, by=by, at=at, seen=None)
    if held.task.step != WRITTEN:
        raise _none()
    return tasks.undo_task(session, task_id, by=by, at=at, reason=tasks.needed_reason(reason), in_its_act=True)


def read_summary(session: Session, task_id: UUID, *, ground: Ground, by: Actor, at: datetime) -> Summary:
    """Read a summary, unsealed, and note it on record in the same transaction; empty where none was begun.

    Raises Refusal: no purpose, no such step, or keys that cannot be used.
    """
    row = asked_by(session, task_id)
    if row is None:
        raise _none()
    if row.id is None:
        return Summary()
    record_read(
        session, "follow_up_summary", row.id, what="follow_up_summary", ground=ground, by=by, at=at, case_id=row.case_id
    )
    words = scalar(session, only(FollowUpSummary.words).where(FollowUpSummary.id == row.id))
    assert words is not None  # noqa: S101 - the row holds them
    return Summary(**unseal(session, row.participant_id, _place(row.id), words))


class SummaryStep(NamedTuple):
    """A step that asks for a summary, and what was written so far: `id` is None where nothing was."""

    task_id: UUID
    state: str
    case_id: UUID
    done_at: datetime | None
    done_by: UUID | None
    leaver_id: UUID
    follow_up_id: UUID
    participant_id: UUID
    number: str
    id: UUID | None
    written_by: UUID | None
    written_at: datetime | None
    version: int | None


def asked_by(session: Session, task_id: UUID) -> SummaryStep | None:
    """The step's subject and what was written so far, its words still sealed: `id` is None where nothing was.

    None where the task is no such step.
    """
    return next(iter(_found(session, _summaries().where(Task.id == task_id))), None)


def summaries_in(session: Session, case_id: UUID) -> list[SummaryStep]:
    """The summaries that a departure asks for, by number: the state of each, and none opened."""
    rows = _summaries().where(Task.case_id == case_id)
    return _found(session, rows.order_by(col(Participant.number), col(Task.id)))


def summaries_of(session: Session, follow_up_id: UUID) -> list[SummaryStep]:
    """The complete summaries of a follow-up, the last first: their departure, author and day. None is opened."""
    return _found(
        session,
        _summaries()
        .where(FollowUpSummary.follow_up_id == follow_up_id, Task.state == "done")
        .order_by(col(Task.done_at).desc(), col(Task.id)),
    )


def due(session: Session) -> dict[UUID, date | None]:
    """The follow-ups of which a summary is still to be written, with the earliest day by which it is due."""
    rows = tuples(session, _DUE)
    return dict(reversed(rows))


_DUE: Final = built(
    only(Assignment.follow_up_id, Task.due_on)
    .join(Assignment, same(Assignment, Task) & (col(Assignment.id) == cast(col(Task.item), Uuid())))
    .where(Task.step == WRITTEN, Task.state == "open", col(Task.item).regexp_match(_ID))
    .order_by(col(Task.due_on).nulls_last())
)


# ---------------------------------------------------------------------------------------------------------- its parts


def _found(session: Session, statement: AnySelect) -> list[SummaryStep]:
    return [SummaryStep(*row) for row in tuples(session, statement)]


def _summaries() -> AnySelect:
    return (
        only(
            Task.id,
            Task.state,
            Task.case_id,
            Task.done_at,
            Task.done_by,
            Case.subject_id,
            Assignment.follow_up_id,
            FollowUp.participant_id,
            Participant.number,
            FollowUpSummary.id,
            FollowUpSummary.written_by,
            FollowUpSummary.written_at,
            FollowUpSummary.version,
        )
        .join(Case, joins(Task.case_id, Case))
        .join(Assignment, same(Assignment, Task) & (col(Assignment.id) == cast(col(Task.item), Uuid())))
        .join(FollowUp, joins(Assignment.follow_up_id, FollowUp))
        .join(Participant, joins(FollowUp.participant_id, Participant))
        .outerjoin(FollowUpSummary, same(FollowUpSummary, Task) & (col(FollowUpSummary.task_id) == col(Task.id)))
        .where(Task.step == WRITTEN, col(Task.item).regexp_match(_ID))
    )


def _save(session: Session, held: LockedTask, said: Summary, seen: int | None) -> int:
    row = asked_by(session, held.id)
    if row is None or held.case is None:
        raise _none()
    version = row.version or 0
    if held.case.state != "open" or held.task.state != "open":
        raise Refusal(
            "summary.not_open",
            N_("This summary is complete, or its case is no longer open. Reopen it first to correct it."),
        )
    if any(held.by.is_one_of(person) for person in barred_workers(session, row.participant_id)):
        raise Refusal("summary.barred", N_("The participant has barred you from their file: someone else writes it."))
    if seen not in (None, version):
        raise Refusal(
            "summary.changed",
            N_("This summary was changed by someone else or in another window. Nothing was saved; look again."),
        )
    _write(session, held, row, {"situation": checked(said.situation), "steps": checked(said.steps)}, version + 1)
    followed = hold_follow_up(session, row.follow_up_id, by=held.by, at=held.at)
    write_follow_up_event(session, followed, "follow_up.summary_saved")
    return version + 1


def _write(session: Session, held: LockedTask, row: SummaryStep, said: Mapping[str, str], version: int) -> None:
    """Write what a summary says, sealed, as its next version."""
    if held.by.person_id is None:
        msg = "a part of the system writes no summary"
        raise ValueError(msg)
    summary_id = row.id or uuid4()
    written: Insert | Update = changes(FollowUpSummary).where(FollowUpSummary.id == summary_id)
    if row.id is None:
        written = insert(FollowUpSummary).values(
            program_id=program_of(session), id=summary_id, follow_up_id=row.follow_up_id, task_id=held.id
        )
    run(
        session,
        written.values(
            words=seal(session, row.participant_id, _place(summary_id), said),
            written_by=held.by.person_id,
            written_at=held.at,
            version=version,
        ),
    )


def _place(summary_id: UUID) -> str:
    return f"follow_up_summary/{summary_id}"


def _none() -> Refusal:
    return Refusal("summary.none", N_("This step asks for no summary of a follow-up."))


_MISSING: Final = {
    "situation": N_("Write the participant’s situation before you mark the summary as complete."),
    "steps": N_("Write the steps that the participant has taken before you mark the summary as complete."),
}
