"""What people are promised about letters and calendars: one letter an act, and a calendar that shows what is so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from email import message_from_bytes
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, or_

from domain.kernel import col, inside, joins, local_day, only, run, same, scalars, surely, tuples
from meetings.agenda_papers import readers_of
from meetings.invitations import THREAD
from models.committee import SeatHolder
from models.invitation import Invitation
from models.meeting import Meeting, MeetingSeries
from models.outbox import Notice
from models.record import Event
from simulation.promises import promise, shared, since


@promise("A planning act writes one letter to a person, with everything that concerns them in it.", stays=True)
def one_letter_an_act(session: Session, at: datetime) -> Iterable[str]:
    """Each letter about a committee that was written beside another one to the same person, at the same moment."""
    committee_of = _committees_by_uid(session)
    seen: set[tuple[Any, datetime, Any]] = set()
    for letter in shared(session, _letters, at):
        committees = {committee_of.get(one.uid) for one in letter.files}
        acts = {(letter.person_id, letter.created_at, committee) for committee in committees}
        if acts & seen:
            yield f"notice {letter.id}"
        seen |= acts


@promise(
    "No calendar gets two versions of a meeting under one number: each letter's is newer than the one before.",
    stays=True,
)
def sequences_rise(session: Session, at: datetime) -> Iterable[str]:
    """Each letter with a file whose SEQUENCE is lower, or whose DTSTAMP is no later, than in an earlier letter."""
    newest: dict[tuple[UUID, str], tuple[int, datetime]] = {}
    for letter in shared(session, _letters, at):
        for one in letter.files:
            before = newest.get((letter.person_id, one.uid))
            if before is not None and (one.version[0] < before[0] or one.version[1] <= before[1]):
                yield f"notice {letter.id}"
            newest[letter.person_id, one.uid] = one.version


@promise("A letter about a meeting tells a change: it never says again what the one before it said.", stays=True)
def letters_tell_a_change(session: Session, at: datetime) -> Iterable[str]:
    """Each letter with a file that has the days, hours and places of the same person's file before it, and no other."""
    last: dict[tuple[UUID, str], Sequence[bytes]] = {}
    for letter in shared(session, _letters, at):
        for one in letter.files:
            if last.get((letter.person_id, one.uid)) == one.says:
                yield f"notice {letter.id}"
            last[letter.person_id, one.uid] = one.says


@promise(
    "A season goes on as another one where its hour or its length is another one, and else stays what it is.",
    stays=True,
)
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
def what_was_told_is_newest(session: Session, at: datetime) -> Iterable[str]:
    """Each invitation to what is still to come whose number or moment is older than one that a letter brought."""
    rows = run(
        session,
        only(
            Invitation.id,
            inside(Invitation.told)["uid"].astext.label("uid"),
            Invitation.sequence,
            Invitation.told_at,
            Notice.message,
        )
        .join(
            Notice,
            and_(
                same(Notice, Invitation),
                Notice.person_id == Invitation.person_id,
                Notice.thread == THREAD,
                # A letter that brought anything newer was written then, or since.
                col(Notice.created_at) >= col(Invitation.told_at) - _MEANWHILE,
            ),
        )
        .outerjoin(MeetingSeries, joins(Invitation.series_id, MeetingSeries))
        .outerjoin(Meeting, joins(Invitation.meeting_id, Meeting))
        .where(or_(col(MeetingSeries.ends_on) >= local_day(session, at), col(Meeting.ends_at) >= at)),
    )
    for invitation_id, uid, sequence, told_at, message in rows:
        for one in _files(message):
            if uid == one.uid and (sequence, told_at) < one.version:
                yield f"invitation {invitation_id}"


@promise("A second representative gets the agenda and the minutes that the first one gets.")
def second_representatives_get_papers(session: Session, at: datetime) -> Iterable[str]:
    """Each meeting whose frozen agenda went to people and not to a second representative who had the seat then."""
    rows = tuples(
        session,
        only(Meeting.id, surely(Meeting.agenda_frozen_at))
        .where(
            Meeting.state == "planned", col(Meeting.agenda_frozen_at) <= at, col(Meeting.ends_at) >= since(session, at)
        )
        .order_by(col(Meeting.starts_at), col(Meeting.id)),
    )
    for meeting_id, frozen_at in rows:
        key = f"agenda:{meeting_id}:frozen:%"
        got = set(scalars(session, only(Notice.person_id).where(col(Notice.key).like(key))))
        aware = {one.person_id for one in readers_of(session, meeting_id) if one.is_kept_aware}
        # One who got the seat since then gets what goes out from then on.
        missed = aware - got - set(_seated_since(session, frozen_at))
        unreached = scalars(
            session,
            only(Event.subject_id).where(
                col(Event.subject_id).in_(missed),
                Event.verb == "notice.no_address",
                inside(Event.facts)["key"].astext.like(key),
            ),
        )
        if got and missed - set(unreached):
            yield f"meeting {meeting_id}"


# ------------------------------------------------------------------------------------------------------------ below


#: Between the moment that a file says and that of its letter.
_MEANWHILE: Final = timedelta(minutes=1)
#: What a file says of days, hours and places.
_MATTER: Final = (b"RECURRENCE-ID", b"DTSTART", b"DTEND", b"RRULE", b"EXDATE", b"LOCATION")


class _File(NamedTuple):
    """A file for a calendar that a letter brings: the SEQUENCE and DTSTAMP of its first entry, and what it says."""

    uid: str
    version: tuple[int, datetime]
    says: tuple[bytes, ...]


class _Letter(NamedTuple):
    id: UUID
    person_id: UUID
    created_at: datetime
    files: tuple[_File, ...]


def _letters(session: Session, _at: datetime) -> list[_Letter]:
    """The letters about meetings, as they were written."""
    rows = tuples(
        session,
        only(Notice.id, Notice.person_id, Notice.created_at, Notice.message)
        .where(Notice.thread == THREAD)
        .order_by(col(Notice.n)),
    )
    return [_Letter(letter_id, who, when, _files(message)) for letter_id, who, when, message in rows]


@lru_cache(maxsize=4096)
def _files(message: bytes) -> tuple[_File, ...]:
    """The files for a calendar that a letter brings. One that was read lately is not read again."""
    parts = message_from_bytes(message).walk()
    brought = [part.get_payload(decode=True) for part in parts if part.get_content_type() == "text/calendar"]
    return tuple(_file(content) for content in brought if isinstance(content, bytes))


def _file(content: bytes) -> _File:
    lines = content.replace(b"\r\n ", b"").split(b"\r\n")
    events = lines[lines.index(b"BEGIN:VEVENT") :]
    first = {name: value for name, _, value in (line.partition(b":") for line in events[: events.index(_END)])}
    told = [(_name(line), line) for line in events]
    method = next(line for line in lines if line.startswith(b"METHOD:"))
    # Of each entry in one order, however its lines stand.
    says: list[bytes] = [method]
    entry: list[tuple[int, bytes]] = []
    for name, line in told:
        if name in _MATTER:
            entry.append((_MATTER.index(name), line))
        elif line == _END:
            says += [one for _, one in sorted(entry)] + [_END]
            entry = []
    stamped = datetime.fromisoformat(first[b"DTSTAMP"].decode())
    return _File(first[b"UID"].decode(), (int(first[b"SEQUENCE"]), stamped), tuple(says))


_END: Final = b"END:VEVENT"


def _name(line: bytes) -> bytes:
    return line.partition(b":")[0].partition(b";")[0]


def _committees_by_uid(session: Session) -> dict[str, UUID]:
    found: dict[str, UUID] = {}
    for table in (Meeting, MeetingSeries):
        rows = run(session, only(table.uid, table.committee_id))
        found |= {row.uid: row.committee_id for row in rows if row.uid is not None}
    return found


def _seated_since(session: Session, moment: datetime) -> Iterator[UUID]:
    """Who was given a seat, or taken one, after a moment."""
    yield from scalars(session, only(SeatHolder.person_id).where(col(SeatHolder.recorded_at) > moment))
