"""What the Clinical Committee says of a case while it sits (CM-C): its note, what becomes of it, and what follows.

What is said is sealed under the participant's key. A case that does not come back takes with it what its worker raised.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Uuid, bindparam
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from domain.casework import asking, assigning
from domain.follow_ups import (
    CASE_SAID,
    COME_BACK,
    LockedFollowUp,
    holds,
    issues,
    lock_follow_up,
    worker_chain,
    write_follow_up_event,
)
from domain.kernel import (
    Actor,
    Refusal,
    among,
    both,
    built,
    changes,
    checked,
    col,
    every,
    first,
    joins,
    local_day,
    only,
    program_of,
    run,
    same,
    says_something,
    scalar,
    scalars,
    seal,
    there_is,
    unseal,
)
from domain.record import Ground, record_read
from domain.terms import CLINICAL, PRIMARY
from locales import N_
from meetings.agenda_rules import TURN
from meetings.committees import committees
from meetings.locking import changed_meanwhile, lock_meeting
from models.agenda import AgendaItem
from models.casework import Task
from models.committee import Seat
from models.discussion import CASE_OUTCOMES, CaseDiscussion
from models.follow_up import Assignment
from models.meeting import Meeting

#: The outcome after which what a worker raised waits for the next sitting.
COMES_BACK: Final = "comes_back"

_COME_BACK: Final = N_("Come back on %(number)s, as the Clinical Committee asked")


@dataclass(frozen=True)
class Said:
    """What is said of a case: a note, and what follows, with the day by which its worker comes back on it, if any.

    Words that are None stay as they were.
    """

    note: str | None = None
    follows: str | None = None
    due_on: date | None = None


def discuss(
    session: Session,
    meeting_id: UUID,
    follow_up_id: UUID,
    outcome: str,
    said: Said,
    *,
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> int:
    """Record what becomes of a case in a meeting under way, or correct it; returns the version that it is now.

    `seen` is the version that was looked at, 0 where nothing was recorded. What its worker raised is spoken of with it,
    unless the case comes back. With `said.due_on` its worker has a task; on another day, another. Raises Refusal.
    """
    meeting = lock_meeting(session, meeting_id)
    if meeting.state != "under_way" or committees(session)[meeting.committee_id].key != CLINICAL:
        raise Refusal(
            "case.not_under_way",
            N_("A case is recorded while the Clinical Committee sits. Nothing was saved."),
            source="CM-C",
        )
    if outcome not in CASE_OUTCOMES[1:]:
        raise Refusal("case.outcome", N_("Say what becomes of the case."), source="CM-C")
    held = lock_follow_up(session, follow_up_id, by=by, at=at)
    _refuse_day(said, local_day(session, at))
    row = _row_of(session, meeting_id, held, outcome)
    if seen not in (None, row.version):
        raise changed_meanwhile("discussion")
    _move_issue(session, held, row, outcome)
    _write(
        session,
        row,
        outcome=outcome,
        said=_sealed(session, held, row.id, said),
        due_on=said.due_on,
        task_id=_task_by(session, held, row, said.due_on),
        recorded_by=by.person_id,
        recorded_at=at,
    )
    write_follow_up_event(
        session, held, "follow_up.discussed", meeting=str(meeting_id), before=row.outcome if row.version else "",
        outcome=outcome, due=said.due_on.isoformat() if said.due_on else None,
    )  # fmt: skip
    return row.version + 1


def discussed_in(session: Session, meeting_id: UUID, follow_up_ids: Iterable[UUID]) -> dict[UUID, CaseDiscussion]:
    """What became of these cases in a meeting, by follow-up. The words stay sealed."""
    asked = {"follow_ups": list(follow_up_ids), "meeting": meeting_id}
    rows = every(session, _IN_MEETING, asked)
    return {row.follow_up_id: row for row in rows}


def was_any_in(session: Session, meeting_id: UUID) -> bool:
    """Whether a meeting spoke of any case."""
    return there_is(session, only(CaseDiscussion.id).where(CaseDiscussion.meeting_id == meeting_id))


def turns_heard(session: Session, meeting: Meeting) -> set[UUID]:
    """The turns of a meeting in which a case was recorded: of the seat of its worker's organization, as items."""
    asked = (
        only(AgendaItem.id)
        .join(Seat, joins(AgendaItem.presenter_seat_id, Seat))
        .join(Assignment, same(Assignment, Seat) & (col(Assignment.organization_id) == col(Seat.organization_id)))
        .join(
            CaseDiscussion,
            same(CaseDiscussion, Assignment) & (col(CaseDiscussion.follow_up_id) == col(Assignment.follow_up_id)),
        )
        .where(AgendaItem.kind == TURN, AgendaItem.meeting_id == meeting.id, CaseDiscussion.meeting_id == meeting.id)
        .where(Assignment.kind == PRIMARY, holds(meeting.starts.date()))
    )
    return set(scalars(session, asked))


def discussions_of(session: Session, follow_up_id: UUID) -> list[CaseDiscussion]:
    """The meetings that spoke of a case, the last first. The words stay sealed."""
    return every(
        session,
        issues.SEALED_ROWS.where(
            CaseDiscussion.follow_up_id == follow_up_id, col(CaseDiscussion.meeting_id).is_not(None)
        ).order_by(col(CaseDiscussion.recorded_at).desc()),
    )


_IN_MEETING: Final = built(
    issues.SEALED_ROWS.where(
        among(CaseDiscussion.follow_up_id, "follow_ups"),
        col(CaseDiscussion.meeting_id) == bindparam("meeting", type_=Uuid()),
    )
)


def read_said(
    session: Session, row: CaseDiscussion, participant_id: UUID, *, ground: Ground, by: Actor, at: datetime
) -> Said:
    """Read what was said of a case, and note it on record in the same transaction. Raises Refusal."""
    record_read(session, "case_discussion", row.id, what=CASE_SAID, ground=ground, by=by, at=at)
    return Said(**_words_of(session, row.id, participant_id), due_on=row.due_on)


def _words_of(session: Session, row_id: UUID, participant_id: UUID) -> dict[str, str]:
    """What was said, opened within the program: who shows it tells the record."""
    blob = scalar(session, only(CaseDiscussion.said).where(CaseDiscussion.id == row_id))
    if blob is None:
        return {"note": "", "follows": ""}
    words: dict[str, str] = unseal(session, participant_id, f"{CASE_SAID}/{row_id}", blob)
    return words


def _refuse_day(said: Said, today: date) -> None:
    if said.due_on is not None and said.due_on < today:
        raise Refusal("case.due", N_("The worker comes back on it today or later."))
    if said.due_on is None and says_something(said.follows or ""):
        raise Refusal("case.due.missing", N_("Say by which day the worker comes back on it."))


def _row_of(session: Session, meeting_id: UUID, held: LockedFollowUp, outcome: str) -> CaseDiscussion:
    """The row of a case in a meeting, made where it has none yet: its version is then 0."""
    found = first(
        session,
        issues.SEALED_ROWS.where(CaseDiscussion.meeting_id == meeting_id, CaseDiscussion.follow_up_id == held.id),
    )
    if found is not None:
        return found
    row = CaseDiscussion(
        program_id=program_of(session),
        id=uuid4(),
        follow_up_id=held.id,
        meeting_id=meeting_id,
        outcome=outcome,
        recorded_by=held.by.person_id,
        recorded_at=held.at,
        version=0,
    )
    run(session, insert(CaseDiscussion), [row.model_dump()])
    return row


def _move_issue(session: Session, held: LockedFollowUp, row: CaseDiscussion, outcome: str) -> None:
    """Have what the worker raised go with the case into the meeting; or wait again, where nothing newer does."""
    waits = issues.waits_for(session, held.id, made=outcome == COMES_BACK)
    if waits is None:
        return
    if outcome != COMES_BACK:
        if row.raised_at is None:
            issues.move_issue(session, held.participant_id, waits, row)
    elif waits.raised_at is None:
        issues.move_issue(session, held.participant_id, row, waits)


def _sealed(session: Session, held: LockedFollowUp, row_id: UUID, said: Said) -> bytes | None:
    words = _words_of(session, row_id, held.participant_id)
    for name, typed in (("note", said.note), ("follows", said.follows)):
        if typed is not None:
            words[name] = checked(typed)
    if not any(words.values()):
        return None
    return seal(session, held.participant_id, f"{CASE_SAID}/{row_id}", words)


def _task_by(session: Session, held: LockedFollowUp, row: CaseDiscussion, due_on: date | None) -> UUID | None:
    """The worker's one task by this day, in place of one by another day; None where there is no day."""
    if due_on == row.due_on:
        return row.task_id
    if row.task_id is not None and scalar(session, only(Task.state).where(Task.id == row.task_id)) == "open":
        assigning.call_off(session, row.task_id, by=held.by, at=held.at)
    if due_on is None:
        return None
    # What an earlier meeting asked and is still to be done is asked anew by this one: one task a case.
    asking.no_more(session, COME_BACK, held.id, by=held.by, at=held.at)
    title = both(_COME_BACK, number=held.number)
    return assigning.assign(
        session,
        COME_BACK,
        str(held.id),
        title_fr=title.fr,
        title_en=title.en,
        chain=worker_chain(session, held),
        due_on=due_on,
        by=held.by,
        at=held.at,
        sources=["CM-C"],
        at_once=True,
    )


def _write(session: Session, row: CaseDiscussion, **values: Any) -> None:
    run(session, changes(CaseDiscussion).where(CaseDiscussion.id == row.id).values(**values, version=row.version + 1))
