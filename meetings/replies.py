"""Taking the mails by which calendars answer invitations: bound to the person who was invited, or kept as strays.

An address in a mail proves nothing of its sender: such an answer changes only what that same person said to a meeting
that invites them, everyone sees by which means it came, and it never invites anybody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Literal, TypeGuard
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, or_

from domain.access import voiding
from domain.kernel import Actor, Refusal, col, every, first, frozen, joins, of, program_of, scalar, surely
from domain.people import calendar_readers
from domain.record import events
from meetings import answers
from meetings.answers import Stamp
from meetings.locking import original_of
from meetings.mail_replies import MailReply, Stray, read_reply, sender_of
from models.invitation import Invitation, StrayReply
from models.meeting import Meeting, MeetingSeries
from models.program import Person

BY_MAIL: Final = Actor.system("mail")

#: Beside `mail_replies.Reason`: what a mail that can be read says, and cannot be taken.
NotTaken = Literal[
    "unknown_meeting",
    "not_invited",  # another person's invitation, passed on or made up
    "ambiguous",  # several who are invited share the address
    "for_another",  # sent for the invited person by another one
    "delegated",
    "no_such_date",
    "stale",
    "over",
]


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
    claimed = read.claimed if isinstance(read, Stray) else read
    bound = _Bound(str(read.reason)) if isinstance(read, Stray) else _bound(session, read, at)
    if isinstance(read, MailReply) and not bound.reason and bound.person_id is not None:
        answered, reason = _answered(session, read, bound.person_id, bound.meetings, at)
        if answered:
            if read.replaces:
                calendar_readers.learn(session, bound.person_id, by=BY_MAIL, at=at)
            return Received(answered)
        bound = replace(bound, reason=reason)
    # Of a mail that was not read as an answer, what it claims is bound for whoever looks at it, and decides nothing.
    about = _bound(session, claimed, at) if isinstance(read, Stray) and claimed is not None else bound
    _keep(session, message, claimed, about, bound.reason, at)
    return Received(stray=bound.reason)


def _keep(
    session: Session, message: bytes, claimed: MailReply | None, about: _Bound, reason: str, at: datetime
) -> None:
    """Keep that a mail came which was not taken, once."""
    stray_id = uuid4()
    kept = scalar(
        session,
        insert(StrayReply)
        .values(
            program_id=program_of(session),
            id=stray_id,
            digest=hashlib.sha256(message).hexdigest(),
            reason=reason,
            from_address=claimed.from_address if claimed is not None else sender_of(message),
            claimed=claimed.partstat if claimed is not None else "",
            person_id=about.person_id,
            meeting_id=about.meeting_id,
            series_id=about.series_id,
            received_at=at,
            outcome="",
            version=1,
        )
        .on_conflict_do_nothing(index_elements=["program_id", "digest"])
        .returning(col(StrayReply.id)),
    )
    if kept is not None:
        events.write(session, "reply.strayed", "stray_reply", stray_id, by=BY_MAIL, at=at, reason=reason)


def knows(session: Session, message: bytes) -> bool:
    """Whether a mail speaks of a meeting or a season of this program."""
    read = read_reply(message)
    return isinstance(read, MailReply) and _thing(session, read.uid) is not None


@dataclass(frozen=True, slots=True)
class _Bound:
    """What a reply is bound to: why it cannot be taken, or ""; whose it is, of those invited; and what it answers.

    `thing` is the season or the single meeting that it names, `meetings` those of it that the answer is about.
    """

    reason: str = ""
    person_id: UUID | None = None
    thing: Meeting | MeetingSeries | None = None
    meetings: Sequence[Meeting] = ()

    @property
    def meeting_id(self) -> UUID | None:
        """The one meeting that it is about, where it is one."""
        return self.meetings[0].id if len(self.meetings) == 1 else None

    @property
    def series_id(self) -> UUID | None:
        """The season that it is about, or a date of it."""
        return self.thing.id if self.thing is not None and not _is_one(self.thing) else None


def _bound(session: Session, reply: MailReply, at: datetime) -> _Bound:
    thing = _thing(session, reply.uid)
    if thing is None:
        return _Bound("unknown_meeting")
    meetings = _meetings(session, thing, reply, at)
    theirs = of(Invitation).join(Person, joins(Invitation.person_id, Person))
    to_it = or_(Invitation.series_id == thing.id, Invitation.meeting_id == thing.id)
    invitations = every(session, theirs.where(to_it, func.lower(col(Person.email)) == reply.attendee))
    # A UID is everyone's, and the address all that a calendar sends back of whom it answers for. Of those who share
    # one, whoever is not invited any more answers nothing.
    asked = [row for row in invitations if row.told] or invitations
    if len(asked) != 1:
        return _Bound("ambiguous" if asked else "not_invited", None, thing, meetings)
    (invitation,) = asked
    reason = _refused(reply, invitation) or ("" if meetings else "no_such_date")
    if voiding.is_kept_out(session, invitation.person_id, at=at):
        reason = "not_invited"
    return _Bound(reason, invitation.person_id, thing, meetings)


def _refused(reply: MailReply, invitation: Invitation) -> NotTaken | Literal[""]:
    """Why the answer of an invited person cannot be taken, or ""."""
    if reply.from_address != reply.attendee:
        return "for_another"
    if reply.partstat == "delegated":
        return "delegated"
    # What answers an earlier SEQUENCE of a meeting answers another day or hour. Calendars number a date of a season as
    # they like, so that of a season what was written before the last news is out of date.
    is_earlier = reply.sequence < invitation.sequence
    if is_earlier and (invitation.series_id is None or reply.dtstamp < surely(invitation.told_at)):
        return "stale"
    return ""


def _answered(
    session: Session, reply: MailReply, person_id: UUID, meetings: Sequence[Meeting], at: datetime
) -> tuple[int, str]:
    """How many of the meetings took the answer, and why the last one that did not, did not."""
    count = 0
    reason: NotTaken | Literal[""] = ""
    named: list[UUID] = []
    for meeting in meetings:
        try:
            names = answers.record(
                session,
                meeting.id,
                person_id,
                reply.partstat,
                means="mail",
                stamp=Stamp(reply.sequence, reply.dtstamp),
                by=BY_MAIL,
                at=at,
            )
        except Refusal as refusal:
            reason = _REFUSED.get(refusal.code, "over")
        else:
            count += 1
            named += [meeting.id] if names else []
    answers.tell(session, named, at=at)
    return count, reason


#: Why an answer was not taken, by the code of its refusal; else the meeting takes none any more.
_REFUSED: Final[Mapping[str, NotTaken]] = {"answer.stale": "stale", "answer.not_invited": "not_invited"}


def _is_one(thing: Meeting | MeetingSeries) -> TypeGuard[Meeting]:
    return isinstance(thing, frozen(Meeting))


def _thing(session: Session, uid: str) -> Meeting | MeetingSeries | None:
    return first(session, of(MeetingSeries).where(MeetingSeries.uid == uid)) or first(
        session, of(Meeting).where(Meeting.uid == uid)
    )


def _meetings(session: Session, thing: Meeting | MeetingSeries, reply: MailReply, at: datetime) -> Sequence[Meeting]:
    """The meetings that a reply is about: the one, every one to come of a season, or the date that it names."""
    if _is_one(thing):
        return (thing,)
    statement = of(Meeting).where(Meeting.series_id == thing.id, Meeting.state == "planned", col(Meeting.ends_at) > at)
    rows = every(session, statement.order_by(col(Meeting.original)))
    if reply.recurrence is None:
        return rows
    if reply.has_no_zone:
        # Of a calendar's own clock the day alone is known: there is one meeting on it at most.
        return [row for row in rows if original_of(row).date() == reply.recurrence.date()]
    local = reply.recurrence.astimezone(UTC).astimezone(ZoneInfo(thing.time_zone)).replace(tzinfo=None)
    return [row for row in rows if row.original == local]
