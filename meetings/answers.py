"""Answers to invitations: by the link of a letter, by a page, or by the calendar's own mail. The last one counts.

A person who cannot come names one of the alternates of their seat to come instead: the seat stays theirs, and the
alternate is invited.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import literal
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from domain.kernel import (
    SHAPE,
    Actor,
    Refusal,
    also,
    changes,
    col,
    every,
    first,
    of,
    only,
    program_of,
    replaced,
    run,
    scalars,
    value_of,
)
from domain.record import events
from locales import N_
from meetings import invitations
from meetings.invitations import PersonalNews
from meetings.invitees import invitees_of
from meetings.locking import lock_meeting
from models.invitation import Invitation, MeetingAnswer
from models.meeting import Meeting

By = Literal["link", "mail", "page"]

ACCEPTED: Final = "accepted"
TENTATIVE: Final = "tentative"
DECLINED: Final = "declined"


class Stamp(NamedTuple):
    """What a calendar's mail says of itself: its SEQUENCE, and when it was written."""

    sequence: int | None = None
    written_at: datetime | None = None


#: Of an answer that came by no mail.
BY_ITSELF: Final = Stamp()


class Answered(MeetingAnswer):
    """A person's answer to a meeting: `answer` is "" where it lapsed, and `lapsed` then what it was; else ""."""

    model_config = SHAPE
    lapsed: str = also(value_of(literal("")))


class MeetingQuestion(NamedTuple):
    """One meeting to which a person may answer: their seat, what they said, and who may come instead."""

    meeting: Meeting
    seat_id: UUID | None
    answer: Answered | None
    alternates: tuple[UUID, ...]


def asked_by(session: Session, invitation_id: UUID, *, at: datetime) -> tuple[UUID, tuple[MeetingQuestion, ...]]:
    """The person an invitation is for, and the meetings to come that it asks them about, in order.

    Raises Refusal where there is no such invitation.
    """
    row = first(session, of(Invitation).where(Invitation.id == invitation_id))
    if row is None:
        raise Refusal("invitation.unknown", N_("There is no such invitation."))
    which = col(Meeting.series_id) == row.series_id if row.series_id is not None else col(Meeting.id) == row.meeting_id
    statement = of(Meeting).where(which, Meeting.state == "planned", col(Meeting.ends_at) > at)
    rows = every(session, statement.order_by(col(Meeting.starts_at)))
    return row.person_id, tuple(asked_of(session, row.person_id, rows))


def asked_of(session: Session, person_id: UUID, meetings: Sequence[Meeting]) -> list[MeetingQuestion]:
    """Of these meetings those that invite the person, each with their seat and what they answered."""
    invitees = invitees_of(session, meetings)
    said = {one.meeting_id: one for one in given(session, [one.id for one in meetings], person_id=person_id)}
    found = []
    for meeting in meetings:
        if person_id in invitees.of(meeting):
            members, day = invitees.members[meeting.committee_id], meeting.starts.date()
            seat, instead = members.seat_of(person_id, day), members.instead_of(person_id, day)
            found.append(MeetingQuestion(meeting, seat.id if seat else None, said.get(meeting.id), instead))
    return found


def given(session: Session, meeting_ids: Collection[UUID], *, person_id: UUID | None = None) -> tuple[Answered, ...]:
    """What everyone, or one person, answered to these meetings."""
    answers = of(Answered).where(col(MeetingAnswer.meeting_id).in_(list(meeting_ids)))
    rows = every(session, answers if person_id is None else answers.where(MeetingAnswer.person_id == person_id))
    return tuple(row if row.lapsed_at is None else replaced(row, answer="", lapsed=row.answer) for row in rows)


def lapse(session: Session, meeting_ids: Collection[UUID], *, at: datetime) -> None:
    """Have answers to these meetings count no longer: they were given for another time, and everyone is asked anew."""
    statement = changes(MeetingAnswer).where(
        col(MeetingAnswer.meeting_id).in_(list(meeting_ids)), col(MeetingAnswer.lapsed_at).is_(None)
    )
    run(session, statement.values(lapsed_at=at, version=col(MeetingAnswer.version) + 1))


def answer(
    session: Session,
    meeting_id: UUID,
    person_id: UUID,
    said: str,
    *,
    means: By,
    alternate_id: UUID | None = None,
    by: Actor,
    at: datetime,
) -> tuple[PersonalNews, ...]:
    """Record what a person answers to one meeting; the one they name to come instead is invited.

    Raises Refusal, as `record`.
    """
    names = record(session, meeting_id, person_id, said, means=means, alternate_id=alternate_id, by=by, at=at)
    return tell(session, [meeting_id], at=at) if names else ()


def tell(session: Session, meeting_ids: Collection[UUID], *, at: datetime) -> tuple[PersonalNews, ...]:
    """Tell of these meetings, once what was answered to each is recorded: one letter a person for all of them."""
    if not meeting_ids:
        return ()
    about = only(Meeting.committee_id).where(col(Meeting.id).in_(list(meeting_ids)))
    return invitations.tell_all(session, at=at, committee_ids=set(scalars(session, about)))


def record(
    session: Session,
    meeting_id: UUID,
    person_id: UUID,
    said: str,
    *,
    means: By,
    stamp: Stamp = BY_ITSELF,
    alternate_id: UUID | None = None,
    by: Actor,
    at: datetime,
) -> bool:
    """Record what a person answers to one meeting; whether `tell` has something to tell of it.

    `stamp` is that of a calendar's mail. A mail that declines what was declined names nobody,
    and leaves the one who was named to come. Raises Refusal: they are not invited, the meeting is over or cancelled, a
    mail was written before the answer that stands, however that was given, or the one named is no alternate of theirs.
    """
    asked = _lock_asked(session, meeting_id, person_id, at=at)
    before = asked.answer
    alternate_id = _who_comes_instead(asked, said, alternate_id, stamp)
    values = {
        "seat_id": asked.seat_id,
        "answer": said,
        "by": means,
        "alternate_id": alternate_id,
        "answered_at": at,
        "sequence": stamp.sequence,
        "stamped_at": stamp.written_at,
        "lapsed_at": None,
    }
    statement = insert(MeetingAnswer).values(
        program_id=program_of(session), id=uuid4(), meeting_id=meeting_id, person_id=person_id, version=1, **values
    )
    run(
        session,
        statement.on_conflict_do_update(
            index_elements=["program_id", "meeting_id", "person_id"],
            set_={**values, "version": col(MeetingAnswer.version) + 1},
        ),
    )
    events.write(
        session,
        "meeting.answered",
        "meeting",
        meeting_id,
        by=by,
        at=at,
        person=str(person_id),
        answer=said,
        means=means,
        before="" if before is None else before.answer,
        alternate=str(alternate_id or ""),
    )
    return alternate_id is not None or (before is not None and before.alternate_id is not None)


def _lock_asked(session: Session, meeting_id: UUID, person_id: UUID, *, at: datetime) -> MeetingQuestion:
    """A meeting to come that invites a person, locked. Raises Refusal."""
    meeting = lock_meeting(session, meeting_id)
    if meeting.state != "planned" or meeting.ends_at <= at:
        raise Refusal("answer.over", N_("This meeting no longer takes answers."))
    found = asked_of(session, person_id, [meeting])
    if not found:
        raise Refusal("answer.not_invited", N_("This meeting does not invite this person."))
    return found[0]


def _who_comes_instead(asked: MeetingQuestion, said: str, alternate_id: UUID | None, stamp: Stamp) -> UUID | None:
    """Whom a person names to come instead; by a mail, who was named before. Raises Refusal."""
    if alternate_id is not None and (said != DECLINED or alternate_id not in asked.alternates):
        raise Refusal("answer.alternate", N_("Name one of the alternates of the seat."), source="CM-2R")
    before = asked.answer
    if before is None or stamp.written_at is None:
        return alternate_id
    if stamp.written_at < (before.stamped_at or before.answered_at):
        raise Refusal("answer.stale", N_("A later answer was recorded already."))
    return before.alternate_id if said == before.answer == DECLINED else alternate_id
