"""What people are promised about letters and calendars: one letter an act, and a calendar that shows what is so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from email import message_from_bytes, policy
from typing import Any, Final
from uuid import UUID

from icalendar import Calendar
from sqlalchemy.orm import aliased
from sqlmodel import Session
from sqlmodel.sql.expression import Select

from domain.kernel import col, every, inside, joins, of, only, run, scalars, select, surely, tuples
from meetings.agenda_papers import readers_of
from meetings.invitations import THREAD
from models.committee import SeatHolder
from models.invitation import Invitation
from models.meeting import Meeting, MeetingSeries
from models.outbox import Notice
from models.record import Event
from simulation.promises import promise


@promise("A planning act writes one letter to a person, with everything that concerns them in it.")
def one_letter_an_act(session: Session, at: datetime) -> Iterable[str]:  # noqa: ARG001
    """Each letter about a committee that was written beside another one to the same person, at the same moment."""
    committee_of = _committees_by_uid(session)
    seen: set[tuple[Any, datetime, Any]] = set()
    for letter_id, person_id, message, created_at in tuples(session, _letters()):
        committees = {committee_of.get(uid) for uid, _ in _versions(message)}
        acts = {(person_id, created_at, committee) for committee in committees}
        if acts & seen:
            yield f"notice {letter_id}"
        seen |= acts


@promise("No calendar gets two versions of a meeting under one number: each letter's is newer than the one before.")
def sequences_rise(session: Session, at: datetime) -> Iterable[str]:  # noqa: ARG001
    """Each letter with a file whose SEQUENCE is lower, or whose DTSTAMP is no later, than in an earlier letter."""
    newest: dict[tuple[Any, str], tuple[int, datetime]] = {}
    for letter_id, person_id, message, _ in tuples(session, _letters()):
        for uid, version in _versions(message):
            before = newest.get((person_id, uid))
            if before is not None and (version[0] < before[0] or version[1] <= before[1]):
                yield f"notice {letter_id}"
            newest[person_id, uid] = version


@promise("A letter about a meeting tells a change: it never says again what the one before it said.")
def letters_tell_a_change(session: Session, at: datetime) -> Iterable[str]:  # noqa: ARG001
    """Each letter with a file that has the days, hours and places of the same person's file before it, and no other."""
    last: dict[tuple[Any, str], Any] = {}
    for letter_id, person_id, message, _ in tuples(session, _letters()):
        for uid, says in _sayings(message):
            if last.get((person_id, uid)) == says:
                yield f"notice {letter_id}"
            last[person_id, uid] = says


@promise("A season goes on as another one where its hour or its length is another one, and else stays what it is.")
def seasons_go_on_at_another_hour(session: Session, at: datetime) -> Iterable[str]:  # noqa: ARG001
    """Each season that follows one of the same hour and length: everyone was told of a change that is none."""
    earlier = aliased(MeetingSeries)
    rows = scalars(
        session,
        only(MeetingSeries.id)
        .join(earlier, joins(MeetingSeries.follows_id, earlier))
        .where(MeetingSeries.at == earlier.at, MeetingSeries.minutes == earlier.minutes),
    )
    yield from (f"meeting_series {one}" for one in rows)


@promise("What a person was told last of a season or meeting is what their own calendar says is the newest of it.")
def what_was_told_is_newest(session: Session, at: datetime) -> Iterable[str]:  # noqa: ARG001
    """Each invitation whose number or moment is older than one that a letter brought to its person."""
    of_person: dict[UUID, list[Invitation]] = {}
    for one in every(session, of(Invitation)):
        of_person.setdefault(one.person_id, []).append(one)
    for _, person_id, message, _ in tuples(session, _letters()):
        for uid, version in _versions(message):
            for told in of_person.get(person_id, ()):
                if told.told.get("uid") == uid and (told.sequence, surely(told.told_at)) < version:
                    yield f"invitation {told.id}"


@promise("A second representative gets the agenda and the minutes that the first one gets.")
def second_representatives_get_papers(session: Session, at: datetime) -> Iterable[str]:
    """Each meeting whose frozen agenda went to people and not to a second representative who had the seat then."""
    rows = tuples(
        session,
        only(Meeting.id, surely(Meeting.agenda_frozen_at))
        .where(
            Meeting.state == "planned", col(Meeting.agenda_frozen_at).is_not(None), col(Meeting.agenda_frozen_at) <= at
        )
        .order_by(col(Meeting.starts_at), col(Meeting.id)),
    )
    for meeting_id, frozen_at in rows:
        key = f"agenda:{meeting_id}:frozen:%"
        got = set(scalars(session, only(Notice.person_id).where(col(Notice.key).like(key))))
        unreached = set(
            scalars(
                session,
                only(Event.subject_id).where(
                    Event.verb == "notice.no_address", inside(Event.facts)["key"].astext.like(key)
                ),
            )
        )
        aware = {one.person_id for one in readers_of(session, meeting_id) if one.is_kept_aware}
        # One who got the seat since then gets what goes out from then on.
        since = set(_seated_since(session, frozen_at))
        if got and aware - got - unreached - since:
            yield f"meeting {meeting_id}"


# ------------------------------------------------------------------------------------------------------------ below


def _letters() -> Select[UUID, UUID, bytes, datetime]:
    """The letters about meetings, as they were written."""
    return (
        select(Notice.id, Notice.person_id, Notice.message, Notice.created_at)
        .where(Notice.thread == THREAD)
        .order_by(col(Notice.n))
    )


def _versions(message: bytes) -> Iterator[tuple[str, tuple[int, datetime]]]:
    """Of each file for a calendar that a letter brings: the UID, and its SEQUENCE and DTSTAMP."""
    for calendar in _calendars(message):
        event: Any = calendar.walk("VEVENT")[0]
        yield str(event["uid"]), (int(event["sequence"]), event["dtstamp"].dt)


def _sayings(message: bytes) -> Iterator[tuple[str, tuple[str, tuple[tuple[bytes, ...], ...]]]]:
    """Of each file for a calendar that a letter brings: the UID, and what it says of days, hours and places."""
    for calendar in _calendars(message):
        events: Any = calendar.walk("VEVENT")
        says = tuple(tuple(_lines(event[name]) for name in _MATTER if name in event) for event in events)
        yield str(events[0]["uid"]), (str(calendar["method"]), says)


def _lines(value: Any) -> bytes:
    """What a property says; several lines of one name are a list."""
    return b"\n".join(one.to_ical() for one in (value if isinstance(value, list) else [value]))


_MATTER: Final = ("recurrence-id", "dtstart", "dtend", "rrule", "exdate", "location")


def _calendars(message: bytes) -> Iterator[Calendar]:
    """The files for a calendar that a letter brings."""
    for part in message_from_bytes(message, policy=policy.SMTP).walk():
        if part.get_content_type() == "text/calendar":
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)  # noqa: S101 - a part of its own
            yield Calendar.from_ical(content)


def _committees_by_uid(session: Session) -> dict[str, UUID]:
    found: dict[str, UUID] = {}
    for table in (Meeting, MeetingSeries):
        rows = run(session, only(table.uid, table.committee_id))
        found |= {row.uid: row.committee_id for row in rows if row.uid is not None}
    return found


def _seated_since(session: Session, moment: datetime) -> Iterator[UUID]:
    """Who was given a seat, or taken one, after a moment."""
    yield from scalars(session, only(SeatHolder.person_id).where(col(SeatHolder.recorded_at) > moment))
