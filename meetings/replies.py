"""Taking the mails by which calendars answer invitations: bound to the person who was invited, or kept as strays.

An address in a mail proves nothing of its sender: such an answer changes only what that same person said to a meeting
that invites them, everyone sees by which means it came, and it never invites anybody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from duties import events
from duties.actors import Actor
from duties.here import many, one, program_of
from duties.refusals import Refusal
from meetings import answers
from meetings.mail_replies import MailReply, Stray, read_reply
from models.base import refers, table_of
from models.invitation import Invitation, StrayReply
from models.meeting import Meeting, MeetingSeries
from models.program import Person

BY_MAIL: Final = Actor.system("mail")

#: Beside the reasons of `meetings.mail_replies`: what a mail that can be read says, and cannot be taken.
UNKNOWN_MEETING: Final = "unknown_meeting"
NOT_INVITED: Final = "not_invited"  # somebody else's invitation, passed on or made up
FOR_ANOTHER: Final = "for_another"  # sent for the invited person by somebody else
DELEGATED: Final = "delegated"
NO_SUCH_DATE: Final = "no_such_date"
STALE: Final = "stale"
OVER: Final = "over"

_meeting = table_of(Meeting)
_series = table_of(MeetingSeries)
_invitation = table_of(Invitation)
_person = table_of(Person)
_stray = table_of(StrayReply)


@dataclass(frozen=True, slots=True)
class Received:
    """What came of a mail: how many meetings it answered, or why it is a stray."""

    answered: int = 0
    stray: str = ""


def receive(session: Session, message: bytes, *, at: datetime) -> Received:
    """Take a mail as an answer, or keep that it came and why it was not taken. The same one again changes nothing.

    `message` is the mail as it arrived. Raises nothing that a mail can cause.
    """
    read = read_reply(message)
    person_id: UUID | None = None
    meeting_id: UUID | None = None
    if isinstance(read, Stray):
        reason = str(read.reason)
    else:
        reason, person_id, meetings = _bound(session, read, at)
        meeting_id = meetings[0]["id"] if len(meetings) == 1 else None
        if not reason and person_id is not None:
            answered, reason = _answered(session, read, person_id, meetings, at)
            if answered:
                return Received(answered)
    stray_id = uuid4()
    kept = session.scalar(
        insert(_stray)
        .values(
            program_id=program_of(session),
            id=stray_id,
            digest=hashlib.sha256(message).hexdigest(),
            reason=reason,
            person_id=person_id,
            meeting_id=meeting_id,
            received_at=at,
        )
        .on_conflict_do_nothing(index_elements=["program_id", "digest"])
        .returning(_stray.c.id)
    )
    if kept is not None:
        events.write(session, "reply.strayed", "stray_reply", stray_id, by=BY_MAIL, at=at, reason=reason)
    return Received(stray=reason)


def knows(session: Session, message: bytes) -> bool:
    """Whether a mail speaks of a meeting or a season of this program."""
    read = read_reply(message)
    return isinstance(read, MailReply) and _thing(session, read.uid) is not None


def strays(session: Session) -> list[dict[str, Any]]:
    """The mails that were not taken and that nobody has looked at, the last ones first."""
    return many(
        session,
        select(_stray)
        .where(_stray.c.program_id == program_of(session), _stray.c.seen_at.is_(None))
        .order_by(_stray.c.received_at.desc(), _stray.c.id),
    )


def put_away(session: Session, stray_id: UUID, *, by: Actor, at: datetime) -> None:
    """Somebody has seen to a stray."""
    session.execute(
        update(_stray)
        .where(_stray.c.program_id == program_of(session), _stray.c.id == stray_id, _stray.c.seen_at.is_(None))
        .values(seen_at=at)
    )
    events.write(session, "reply.put_away", "stray_reply", stray_id, by=by, at=at)


def _bound(session: Session, reply: MailReply, at: datetime) -> tuple[str, UUID | None, Sequence[Mapping[str, Any]]]:
    """Why a reply cannot be taken, or ""; the invited person whose it is; and the meetings that it answers."""
    thing = _thing(session, reply.uid)
    if thing is None:
        return UNKNOWN_MEETING, None, ()
    invitation = one(
        session,
        select(_invitation)
        .join(_person, refers(_invitation.c.person_id, _person))
        .where(
            _invitation.c.program_id == program_of(session),
            or_(_invitation.c.series_id == thing["id"], _invitation.c.meeting_id == thing["id"]),
            func.lower(_person.c.email) == reply.attendee,
        ),
    )
    if invitation is None:
        return NOT_INVITED, None, ()
    person_id: UUID = invitation["person_id"]
    if reply.from_address != reply.attendee:
        return FOR_ANOTHER, person_id, ()
    if reply.partstat == "delegated":
        return DELEGATED, person_id, ()
    # What answers an earlier SEQUENCE of a meeting answers another day or hour. Calendars number a date of a season as
    # they like, so that of a season what was written before the last news is out of date.
    is_earlier = reply.sequence < invitation["sequence"]
    if is_earlier and (invitation["series_id"] is None or reply.dtstamp < invitation["told_at"]):
        return STALE, person_id, ()
    meetings = _meetings(session, thing, reply, at)
    return ("" if meetings else NO_SUCH_DATE), person_id, meetings


def _answered(
    session: Session, reply: MailReply, person_id: UUID, meetings: Sequence[Mapping[str, Any]], at: datetime
) -> tuple[int, str]:
    """How many of the meetings took the answer, and why the last one that did not, did not."""
    count, reason = 0, ""
    for meeting in meetings:
        try:
            answers.answer(
                session,
                meeting["id"],
                person_id,
                reply.partstat,
                means="mail",
                sequence=reply.sequence,
                stamped_at=reply.dtstamp,
                by=BY_MAIL,
                at=at,
            )
        except Refusal as refusal:
            reason = {"answer.stale": STALE, "answer.not_invited": NOT_INVITED}.get(refusal.code, OVER)
        else:
            count += 1
    return count, reason


def _thing(session: Session, uid: str) -> dict[str, Any] | None:
    here = program_of(session)
    return one(session, select(_series).where(_series.c.program_id == here, _series.c.uid == uid)) or one(
        session, select(_meeting).where(_meeting.c.program_id == here, _meeting.c.uid == uid)
    )


def _meetings(
    session: Session, thing: Mapping[str, Any], reply: MailReply, at: datetime
) -> Sequence[Mapping[str, Any]]:
    """The meetings that a reply is about: the one, every one to come of a season, or the date that it names."""
    if "original" in thing:
        return (thing,)
    rows = many(
        session,
        select(_meeting)
        .where(
            _meeting.c.program_id == program_of(session),
            _meeting.c.series_id == thing["id"],
            _meeting.c.state == "planned",
            _meeting.c.ends_at > at,
        )
        .order_by(_meeting.c.original),
    )
    if reply.recurrence is None:
        return rows
    if reply.recurrence.tzinfo is None:
        # Of a calendar's own clock the day alone is known: there is one meeting on it at most.
        return [row for row in rows if row["original"].date() == reply.recurrence.date()]
    local = reply.recurrence.astimezone(UTC).astimezone(ZoneInfo(thing["time_zone"])).replace(tzinfo=None)
    return [row for row in rows if row["original"] == local]
