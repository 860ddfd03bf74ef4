"""The issue that a worker raises of a case for the next Clinical Committee (CM-C): in their own words, sealed.

It waits until a sitting has spoken of the case. Outside a sitting it is read by those alone who follow the participant.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from domain.follow_ups import words
from domain.follow_ups.locking import lock_follow_up, refuse_unless_followed, write_follow_up_event
from domain.follow_ups.words import RAISED
from domain.kernel import (
    Actor,
    Refusal,
    among,
    built,
    changes,
    col,
    every,
    first,
    of,
    only,
    program_of,
    run,
    says_something,
    scalar,
)
from domain.record import Ground, record_read
from locales import N_
from models.discussion import CaseDiscussion


@dataclass(frozen=True)
class Issue:
    """What a worker raises: their words, and whether it cannot wait."""

    words: str
    urgent: bool = False


def raise_issue(
    session: Session, follow_up_id: UUID, said: Issue, *, by: Actor, at: datetime, seen: int | None = None
) -> int:
    """Raise an issue of a case for the next sitting, or word it anew; returns the version that it is now.

    `seen` is the version that its writer was looking at, 0 where nothing was raised. Raises Refusal: it says nothing,
    the follow-up has ended, or another wrote meanwhile.
    """
    held = lock_follow_up(session, follow_up_id, by=by, at=at)
    refuse_unless_followed(held)
    if not says_something(said.words):
        raise Refusal("issue.missing", N_("Say in a few words what you want to raise."), source="CM-C")
    row = _slot(session, follow_up_id, seen)
    _write(
        session,
        row,
        raised=words.sealed(session, held.participant_id, RAISED, row.id, said.words),
        urgent=said.urgent,
        raised_by=by.person_id,
        raised_at=at,
    )
    write_follow_up_event(session, held, "follow_up.issue_raised", urgent=said.urgent)
    return row.version + 1


def take_issue_back(session: Session, follow_up_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """Take back what was raised of a case, before a sitting has spoken of it. Raises Refusal: nothing waits."""
    held = lock_follow_up(session, follow_up_id, by=by, at=at)
    row = _slot(session, follow_up_id, seen)
    if row.raised_at is None:
        raise Refusal("issue.none", N_("Nothing is raised of this case: a sitting spoke of it, or it was taken back."))
    _write(session, row, **_NOTHING)
    write_follow_up_event(session, held, "follow_up.issue_taken_back")


def move_issue(session: Session, participant_id: UUID, whence: CaseDiscussion, whither: CaseDiscussion) -> None:
    """Move what was raised of a case from one of its rows to another; nothing where nothing was.

    It is sealed for the row where it stands, so it is sealed anew; as it is shown to no one, this is no reading. The
    version of the row that waits is counted; that of a meeting is counted by who records what was said.
    """
    blob = scalar(session, only(CaseDiscussion.raised).where(CaseDiscussion.id == whence.id))
    if blob is None:
        return
    said = words.opened(session, participant_id, RAISED, whence.id, blob)
    _write(session, whence, **_NOTHING)
    _write(
        session,
        whither,
        raised=words.sealed(session, participant_id, RAISED, whither.id, said),
        urgent=whence.urgent,
        raised_by=whence.raised_by,
        raised_at=whence.raised_at,
    )


def waiting(session: Session, follow_up_ids: Iterable[UUID]) -> dict[UUID, CaseDiscussion]:
    """What is raised of these follow-ups and waits for a sitting, by follow-up. The words stay sealed."""
    return {row.follow_up_id: row for row in every(session, _WAITING, {"follow_ups": list(follow_up_ids)})}


def waits_for(session: Session, follow_up_id: UUID, *, made: bool = False) -> CaseDiscussion | None:
    """The row of a case that waits, without its words; with `made`, it is there afterwards."""
    if made:
        once = insert(CaseDiscussion).on_conflict_do_nothing(
            index_elements=["program_id", "follow_up_id"], index_where=col(CaseDiscussion.meeting_id).is_(None)
        )
        row = CaseDiscussion(program_id=program_of(session), id=uuid4(), follow_up_id=follow_up_id, version=0)
        run(session, once, [row.model_dump()])
    return first(
        session,
        SEALED_ROWS.where(CaseDiscussion.follow_up_id == follow_up_id, col(CaseDiscussion.meeting_id).is_(None)),
    )


#: Rows of cases before the committee, without what people wrote.
SEALED_ROWS: Final = of(CaseDiscussion, without=(CaseDiscussion.raised, CaseDiscussion.said))
_WAITING: Final = built(
    SEALED_ROWS.where(
        among(CaseDiscussion.follow_up_id, "follow_ups"),
        col(CaseDiscussion.meeting_id).is_(None),
        col(CaseDiscussion.raised_at).is_not(None),
    )
)


def read_issue(
    session: Session, row: CaseDiscussion, participant_id: UUID, *, ground: Ground, by: Actor, at: datetime
) -> str:
    """Read what was raised, and note it on record in the same transaction; "" where nothing was. Raises Refusal."""
    record_read(session, "case_discussion", row.id, what=RAISED, ground=ground, by=by, at=at)
    blob = scalar(session, only(CaseDiscussion.raised).where(CaseDiscussion.id == row.id))
    return "" if blob is None else words.opened(session, participant_id, RAISED, row.id, blob)


def _slot(session: Session, follow_up_id: UUID, seen: int | None) -> CaseDiscussion:
    """The row of a held follow-up that waits, in the version that was seen. Raises Refusal."""
    row = waits_for(session, follow_up_id, made=True)
    assert row is not None  # noqa: S101 - it was made a moment ago
    if seen not in (None, row.version):
        raise Refusal(
            "issue.changed",
            N_("What is raised was changed by someone else or in another window. Nothing was saved; look again."),
        )
    return row


def _write(session: Session, row: CaseDiscussion, **values: Any) -> None:
    version = row.version + (row.meeting_id is None)
    run(session, changes(CaseDiscussion).where(CaseDiscussion.id == row.id).values(**values, version=version))


_NOTHING: Final = {"raised": None, "urgent": False, "raised_by": None, "raised_at": None}
