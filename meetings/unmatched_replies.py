"""The mails that came as answers and were not taken: seen by the calendar's keeper, set aside, or taken after all.

Taking one is a deliberate act: the coordinator says whose answer it is, to which meeting, and what it says. What the
mail claims of itself is shown, and decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session

from domain.kernel import (
    Actor,
    Order,
    Part,
    Question,
    Refusal,
    built,
    changes,
    col,
    every,
    first,
    in_program,
    of,
    rewrite,
    scalar,
    scalars,
    select,
)
from domain.record import events
from locales import N_
from meetings import answers
from meetings.answers import MeetingQuestion
from meetings.locking import changed_meanwhile
from models.invitation import ANSWERS, StrayReply
from models.meeting import Meeting

#: Why a mail was not taken, by the codes of `meetings.mail_replies` and `meetings.replies`.
REASONS: Final[Mapping[str, str]] = {
    "too_large": N_("It is larger than an answer, or in more parts, and was not read."),
    "auto_reply": N_("It was sent automatically: an absence, or mail that could not be delivered."),
    "no_calendar": N_("It holds no answer of a calendar: a person wrote it."),
    "not_a_reply": N_("It holds calendar data that is not an answer."),
    "counter_proposal": N_("It asks for another time. Meetings are moved by the coordinator."),
    "several_events": N_("It answers about several things at once."),
    "this_and_future": N_("It answers about a date and all later ones, which calendars understand differently."),
    "no_answer": N_("It says neither yes, no nor perhaps."),
    "malformed": N_("It cannot be understood."),
    "failed_check": N_("The server that received it says that it is not from the address that it names."),
    "from_differs": N_("It does not come from the person who is said to answer: it may be forged."),
    "unknown_meeting": N_("It is about a meeting that the program does not know."),
    "not_invited": N_("It is the answer of someone who is not invited to the meeting."),
    "ambiguous": N_("Several invited people have this address: it does not say who answers."),
    "for_another": N_("Someone else sent it for the invited person."),
    "delegated": N_("It names someone else to come. Alternates are named by the link of the invitation."),
    "no_such_date": N_("It is about a date on which there is no meeting of that season."),
    "stale": N_("It was written before the current answer, or before the meeting’s last change."),
    "over": N_("The meeting no longer takes answers."),
}

#: The address that a mail says it comes from is of use while somebody may look at the answer, and kept so long.
ADDRESS_KEPT: Final = timedelta(days=180)

SET_ASIDE: Final = "set_aside"
TAKEN: Final = "taken"


_LAST_RECEIVED: Final = Order(StrayReply.received_at, StrayReply.id, newest_first=True)
_LAST_SEEN: Final = Order(StrayReply.seen_at, StrayReply.id, newest_first=True)


def waiting(session: Session, *, most: int, after: UUID | None = None) -> Part[StrayReply]:
    """The mails that were not looked at yet, the last ones first."""
    unseen = of(StrayReply).where(col(StrayReply.seen_at).is_(None))
    return _LAST_RECEIVED.part(session, unseen, after=after, most=most)


def seen_to(session: Session, *, most: int, after: UUID | None = None) -> Part[StrayReply]:
    """The mails that were settled, with who, when and what became of each; the last ones first."""
    seen = of(StrayReply).where(col(StrayReply.seen_at).is_not(None))
    return _LAST_SEEN.part(session, seen, after=after, most=most)


def count(session: Session, *, are_waiting: bool = True) -> int:
    """How many mails were not looked at yet; or, without `are_waiting`, how many were settled."""
    return scalar(session, *(ASKED_OF_WAITING if are_waiting else _ASKED_OF_SEEN)) or 0


_COUNTED: Final = select(func.count()).where(in_program(StrayReply))
#: What `count` asks.
ASKED_OF_WAITING: Final = Question(built(_COUNTED.where(col(StrayReply.seen_at).is_(None))))
_ASKED_OF_SEEN: Final = Question(built(_COUNTED.where(col(StrayReply.seen_at).is_not(None))))


def stray_of(session: Session, stray_id: UUID, *, lock: bool = False) -> StrayReply:
    """One of them. Raises Refusal where there is none."""
    asked = of(StrayReply).where(StrayReply.id == stray_id)
    row = first(session, asked.with_for_update() if lock else asked)
    if row is None:
        raise Refusal("stray.unknown", N_("There is no such e-mail."))
    return row


def meetings_of(session: Session, stray: StrayReply, *, at: datetime) -> tuple[Meeting, ...]:
    """The meetings to come that a mail may be taken for, the next one first.

    Of the season that it names where it names one; of the whole program where it names nothing that is known.
    """
    statement = of(Meeting).where(Meeting.state == "planned", col(Meeting.ends_at) > at)
    if stray.series_id is not None:
        statement = statement.where(Meeting.series_id == stray.series_id)
    elif stray.meeting_id is not None:
        statement = statement.where(Meeting.id == stray.meeting_id)
    return tuple(every(session, statement.order_by(col(Meeting.starts_at), col(Meeting.id))))


def set_aside(session: Session, stray_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """Leave a mail for what it is: it changes nothing. Raises Refusal: it was settled already."""
    row = _lock(session, stray_id, seen)
    _settle(session, row, SET_ASIDE, by=by, at=at)
    events.write(session, "reply.put_away", "stray_reply", stray_id, by=by, at=at)


def take(
    session: Session,
    stray_id: UUID,
    person_id: UUID,
    said: str,
    *,
    meeting_id: UUID | None = None,
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> int:
    """Take a mail as what this person answers to a meeting, or without one to each to come of the season that it names.

    It counts as an answer by mail, given now: what was written before it is out of date. Returns how many meetings it
    answered. Raises Refusal.
    """
    row = _lock(session, stray_id, seen)
    if said not in ANSWERS:
        raise Refusal("stray.answer.missing", N_("Choose what the person answers: yes, perhaps or no."))
    if meeting_id is None and (row.series_id is None or row.meeting_id is not None):
        raise Refusal("stray.meeting.missing", N_("Choose the meeting that the mail answers."))
    about = [one for one in meetings_of(session, row, at=at) if meeting_id in (None, one.id)]
    if not about:
        raise Refusal("stray.other_meeting", N_("This e-mail cannot be taken for this meeting."))
    asked_of = answers.asked_of(session, person_id, about)
    if not asked_of:
        raise Refusal("answer.not_invited", N_("This meeting does not invite this person."))
    _record(session, asked_of, person_id, said, by=by, at=at)
    _settle(session, row, TAKEN, by=by, at=at, person_id=person_id, meeting_id=meeting_id or row.meeting_id)
    facts: dict[str, events.Fact] = {"person": str(person_id), "answer": said, "claimed": row.claimed}
    facts |= {"meetings": len(asked_of)}
    events.write(session, "reply.taken", "stray_reply", stray_id, by=by, at=at, case_id=None, **facts)
    return len(asked_of)


def _record(
    session: Session, asked_of: Sequence[MeetingQuestion], person_id: UUID, said: str, *, by: Actor, at: datetime
) -> None:
    """Record what a person answers to each of these meetings, and tell of them."""
    named = []
    for asked in asked_of:
        # Whom they named to come instead still comes, as long as they do not.
        stays = asked.answer.alternate_id if asked.answer is not None and said == answers.DECLINED else None
        about = asked.meeting.id
        if answers.record(session, about, person_id, said, means="mail", alternate_id=stays, by=by, at=at):
            named.append(about)
    answers.tell(session, named, at=at)


def forget_addresses(session: Session, *, by: Actor, at: datetime) -> int:
    """Forget the sender's addresses of old mails, whatever became of them; of how many. What else is known stays.

    A person outside the program who wrote by mistake is not kept on file for good.
    """
    old = changes(StrayReply).where(col(StrayReply.received_at) < at - ADDRESS_KEPT, StrayReply.from_address != "")
    rows = sorted(scalars(session, old.values(from_address="").returning(col(StrayReply.id))))
    if rows:
        forgotten: list[tuple[UUID, dict[str, events.Fact]]] = [(stray_id, {}) for stray_id in rows]
        events.write_many(session, "reply.address_forgotten", "stray_reply", forgotten, by=by, at=at)
    return len(rows)


def _lock(session: Session, stray_id: UUID, seen: int | None) -> StrayReply:
    """A mail that was not settled yet, locked. Raises Refusal."""
    row = stray_of(session, stray_id, lock=True)
    if row.seen_at is not None:
        raise Refusal("stray.settled", N_("Someone has already dealt with this e-mail."))
    if seen is not None and row.version != seen:
        raise changed_meanwhile("stray")
    return row


def _settle(session: Session, row: StrayReply, outcome: str, *, by: Actor, at: datetime, **values: Any) -> None:
    rewrite(session, StrayReply, row.id, outcome=outcome, seen_at=at, seen_by=by.person_id, **values)
