"""The minutes of a meeting: drafted from what was recorded, circulated, and approved by a later meeting for good."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import null
from sqlmodel import Session

from domain.kernel import (
    SHAPE,
    Actor,
    Refusal,
    add_row,
    also,
    changes,
    col,
    every,
    first,
    local_day,
    of,
    only,
    open_words,
    program_of,
    replaced,
    rewrite,
    run,
    scalar,
    seal_words,
)
from domain.record import events
from locales import LANGUAGES, N_, pick
from meetings import attendance, minutes_posting
from meetings.agenda_items import PresentedItem, change_item, items_of, lock_item, write_item_event
from meetings.agenda_items import item_state_after as item_moved
from meetings.agenda_papers import head_of, item_line
from meetings.attendance import Attended
from meetings.attendance_changes import RecordedAttendance, attendance_changes
from meetings.committees import CommitteeSeat, committees
from meetings.decision_rows import RegisteredDecision
from meetings.decisions import decisions_of, endorsements_in_words, owner_of, quorum_words
from meetings.documents.content import (
    NOTHING,
    AttendanceLine,
    Both,
    DecisionLine,
    Kept,
    MinutesContent,
    MinutesItem,
    as_json,
    minutes_from,
)
from meetings.invitations import PersonalNews
from meetings.local_times import clock_of
from meetings.locking import changed_meanwhile, lock_meeting, read_meeting
from meetings.texts import checked_text
from models.lifecycles import MINUTES, NoSuchMove
from models.meeting import Meeting
from models.minutes import Minutes
from models.program import Person
from models.record import Event

#: In which states a later meeting approves minutes.
APPROVING: Final = ("under_way", "held")


#: What stands in a column that is filled once it is opened.
_OPENED: Final[Any] = null()


class OpenedMinutes(Minutes):
    """Minutes with what they say, and what they said when they were last sent: opened from what is sealed."""

    model_config = SHAPE
    content: Kept = also(_OPENED)
    circulated: Kept = also(_OPENED)


def draft(session: Session, meeting_id: UUID, *, by: Actor, at: datetime) -> UUID:
    """Draft the minutes of a meeting that was held, and return their id. `running.close_meeting` does it.

    Raises Refusal: the meeting is not held, or has its minutes.
    """
    meeting = lock_meeting(session, meeting_id)
    if meeting.state != "held":
        raise Refusal("minutes.not_held", N_("Minutes are drafted once the meeting is closed."))
    if find(session, meeting_id) is not None:
        raise Refusal("minutes.there_already", N_("The minutes of this meeting are drafted already."))
    row = Minutes(program_id=program_of(session), meeting_id=meeting_id)
    row.sealed = _sealed(session, row, as_json(recorded(session, meeting_id)), {}, at=at)
    add_row(session, row)
    events.write(session, "minutes.drafted", "minutes", row.id, by=by, at=at, meeting=str(meeting_id))
    return row.id


def recorded(session: Session, meeting_id: UUID) -> MinutesContent:
    """What is recorded of a meeting by now, as its minutes say it: attendance, quorum, items, notes and decisions.

    The quorum is that of the moment at which most seats were filled; each decision has its own.
    """
    meeting = read_meeting(session, meeting_id)
    attended = attendance.attendance_of(session, meeting_id)
    sat = _attendance(session, meeting, attended)
    decided = decisions_of(session, meeting_id)
    endorsed = endorsements_in_words(session, decided)
    items = items_of(session, meeting_id)
    seats = [one.seat for one in attended]
    titles = {key: Both(fr=row.title_fr, en=row.title_en) for key, row in committees(session).items()}
    return MinutesContent(
        head=head_of(session, meeting),
        attendance=sat.attendance,
        has_quorum=sat.has_quorum,
        quorum=sat.quorum,
        items=tuple(
            _item(row, str(place), decided, endorsed, seats, titles) for place, row in enumerate(items, start=1)
        ),
        decisions=tuple(_decision_line(row, endorsed, seats) for row in decided if row.item_id is None),
    )


def _attendance(session: Session, meeting: Meeting, attended: Sequence[Attended]) -> RecordedAttendance:
    stood, names = attendance.fullest(session, meeting.id), _names(session, attended)
    return RecordedAttendance(
        tuple(_attendance_line(one, names, meeting.time_zone) for one in attended),
        stood.is_met,
        quorum_words(stood, [one.seat for one in attended]),
    )


def corrected_attendance(session: Session, row: OpenedMinutes) -> tuple[Both, ...]:
    """Where the attendance as it stands is not the one that minutes have, each in a sentence."""
    meeting = read_meeting(session, row.meeting_id)
    now = _attendance(session, meeting, attendance.attendance_of(session, meeting.id))
    return attendance_changes(content_of(row), now)


def find(session: Session, meeting_id: UUID, *, lock: bool = False) -> OpenedMinutes | None:
    """A meeting's minutes, what they say opened; None while there are none."""
    asked = of(OpenedMinutes).where(Minutes.meeting_id == meeting_id)
    row = first(session, asked.with_for_update() if lock else asked)
    if row is None or row.sealed is None:
        return row
    return replaced(row, **open_words(session, _place(row), row.sealed))


def approving(session: Session, meeting: Meeting) -> list[Meeting]:
    """The later meetings of a meeting's committee in which its minutes can be approved, the first one first."""
    statement = of(Meeting).where(
        Meeting.committee_id == meeting.committee_id,
        col(Meeting.starts_at) > meeting.starts_at,
        col(Meeting.state).in_(APPROVING),
    )
    return every(session, statement.order_by(col(Meeting.starts_at)))


def minutes_of(session: Session, meeting_id: UUID, *, lock: bool = False) -> OpenedMinutes:
    """As `find`. Raises Refusal where there are none yet."""
    row = find(session, meeting_id, lock=lock)
    if row is None:
        raise none_yet()
    return row


def corrected_since(session: Session, row: OpenedMinutes) -> date | None:
    """The local day since which minutes that were sent are taken back to be corrected; None of all others."""
    if row.state != "draft" or not row.circulations:
        return None
    amended = only(Event.at).where(Event.subject_id == row.id, Event.verb == "minutes.amended")
    since = scalar(session, amended.order_by(col(Event.at).desc()).limit(1))
    return None if since is None else local_day(session, since)


def none_yet(corrected: date | None = None) -> Refusal:
    """That a meeting has no minutes, or that they are `corrected` since a day: said to who may not read a draft."""
    if corrected is None:
        return Refusal("minutes.none", N_("This meeting has no minutes yet."))
    said = N_("The minutes were sent, and are being corrected since %(day)s.")
    return Refusal("minutes.none", said, day=corrected)


def content_of(row: OpenedMinutes) -> MinutesContent:
    """What the minutes of a row say."""
    return minutes_from(row.content)


def is_intact(row: OpenedMinutes) -> bool:
    """Whether approved minutes still say what was approved, by their digest; False before they are approved."""
    return row.state == "approved" and row.digest == _digest(row.content)


def edit_note(
    session: Session,
    meeting_id: UUID,
    number: str,
    *,
    said_fr: str | None = None,
    said_en: str | None = None,
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> int:
    """Change what the draft says of the item with this number, and return the draft's version. Raises Refusal."""
    row = _lock_draft(session, meeting_id, seen)
    content = content_of(row)
    if number not in {item.line.number for item in content.items}:
        raise Refusal("minutes.no_such_item", N_("These minutes have no item with this number."))
    given = {language: checked_text(said) for language, said in (("fr", said_fr), ("en", said_en)) if said is not None}
    items = tuple(
        replace(item, said=replace(item.said, **given)) if item.line.number == number else item
        for item in content.items
    )
    version = _say(session, row, replace(content, items=items), at)
    events.write(session, "minutes.edited", "minutes", row.id, by=by, at=at, item=number, languages=sorted(given))
    return version


def refresh(session: Session, meeting_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> int:
    """Draft anew what was corrected since, such as the attendance; what the draft says of each item stays.

    Raises Refusal: the minutes are no draft.
    """
    row = _lock_draft(session, meeting_id, seen)
    said = {item.line.number: item.said for item in content_of(row).items}
    anew = recorded(session, meeting_id)
    items = tuple(replace(item, said=said.get(item.line.number, item.said)) for item in anew.items)
    version = _say(session, row, replace(anew, items=items), at)
    events.write(session, "minutes.refreshed", "minutes", row.id, by=by, at=at)
    return version


def circulate(
    session: Session, meeting_id: UUID, *, by: Actor, at: datetime, seen: int | None = None
) -> tuple[PersonalNews, ...]:
    """Send the draft to everyone whom the meeting invited, who may ask for changes; returns who is written to.

    Where it had gone out before, it goes to those alone for whom something changed. Raises Refusal, also where the
    attendance was corrected since and the draft does not say so.
    """
    row, state = _lock_to(session, meeting_id, seen, "circulate")
    _refuse_corrected(session, row, _TO_INCLUDE)
    content = replace(content_of(row), state="circulated")
    before = minutes_from(row.circulated) if row.circulations else None
    n = row.circulations + 1
    told = minutes_posting.post(session, meeting_id, content, before=before, n=n, at=at)
    _change(session, row, as_json(content), as_json(content), at, state=state, circulated_at=at, circulations=n)
    events.write(session, "minutes.circulated", "minutes", row.id, by=by, at=at, n=n, letters=len(told))
    return told


def amend(session: Session, meeting_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> int:
    """Take circulated minutes back to a draft, to change them; return their version. Raises Refusal."""
    row, state = _lock_to(session, meeting_id, seen, "amend")
    version = _say(session, row, replace(content_of(row), state="draft"), at, state=state)
    events.write(session, "minutes.amended", "minutes", row.id, by=by, at=at)
    return version


def approve(
    session: Session, meeting_id: UUID, *, in_meeting: UUID, by: Actor, at: datetime, seen: int | None = None
) -> int:
    """Record that a later meeting of the committee approved the minutes; return their version. They never change again.

    That meeting is under way or held; its item for them, if it has one, is then treated. Raises Refusal, also where
    the attendance was corrected since they were sent.
    """
    # The later meeting is the first to be held: what else is recorded in it waits for this one, or this for that.
    later = lock_meeting(session, in_meeting)
    row, state = _lock_to(session, meeting_id, seen, "approve")
    meeting = read_meeting(session, meeting_id)
    is_later = later.committee_id == meeting.committee_id and later.starts_at > meeting.starts_at
    if not is_later or later.state not in APPROVING:
        raise Refusal(
            "minutes.not_later", N_("Minutes are approved in a later meeting of the committee, once it is opened.")
        )
    _refuse_corrected(session, row, _TO_REOPEN)
    content = replace(content_of(row), state="approved", approved_on=later.starts.date())
    digest, values = _digest(as_json(content)), {"approved_at": at, "approved_in_id": in_meeting}
    version = _say(session, row, content, at, state=state, digest=digest, **values)
    events.write(session, "minutes.approved", "minutes", row.id, by=by, at=at, meeting=str(in_meeting), digest=digest)
    if later.state == "under_way":
        _settle_item(session, in_meeting, str(meeting_id), by=by, at=at)
    return version


_TO_INCLUDE: Final = N_(
    "The attendance was corrected since this draft: %(corrected)s. Include the corrections first, then send it."
)
_TO_REOPEN: Final = N_(
    "The attendance was corrected since these minutes were sent: %(corrected)s. Reopen them for changes, include the "
    "corrections, and send them again."
)


def _refuse_corrected(session: Session, row: OpenedMinutes, sentence: str) -> None:
    """Refuse that minutes go out, or stay for good, with another attendance than the one that stands."""
    corrected = corrected_attendance(session, row)
    if corrected:
        raise Refusal(
            "minutes.attendance_corrected",
            sentence,
            corrected={language: "; ".join(pick(language, one) for one in corrected) for language in LANGUAGES},
        )


def _settle_item(session: Session, meeting_id: UUID, subject: str, *, by: Actor, at: datetime) -> None:
    """The item of a meeting that asked it to approve these minutes is treated."""
    for item in items_of(session, meeting_id):
        if item.kind == "minutes" and item.subject == subject and not item.outcome:
            row = lock_item(session, item.id)
            settled = {"state": item_moved(row.state, "settle"), "settled_at": at, "settled_as": by.role}
            change_item(session, row, outcome="treated", **settled)
            write_item_event(session, "agenda_item.treated", row, by=by, at=at, before="", outcome="treated")


def _attendance_line(one: Attended, names: Mapping[UUID, str], zone: str) -> AttendanceLine:
    person = one.person_id or next(iter(one.expected), None)
    return AttendanceLine(
        seat=Both(fr=one.seat.title_fr, en=one.seat.title_en),
        organization=Both(fr=one.seat.organization, en=one.seat.organization),
        person=names.get(person, "") if person else "",
        state=one.state,  # type: ignore[arg-type]
        remote=one.is_remote,
        arrived=clock_of(one.arrived_at, zone) if one.arrived_at else None,
        left=clock_of(one.left_at, zone) if one.left_at else None,
    )


def _item(
    row: PresentedItem,
    number: str,
    decided: Sequence[RegisteredDecision],
    endorsed: Mapping[UUID, Both],
    seats: Sequence[CommitteeSeat],
    titles: Mapping[UUID, Both],
) -> MinutesItem:
    return MinutesItem(
        line=item_line(row, number),
        audience=row.audience,  # type: ignore[arg-type]  # one of the words of both
        said=Both(fr=row.note_fr, en=row.note_en),
        outcome=row.outcome,  # type: ignore[arg-type]
        referred_to=titles[row.referred_to_id] if row.referred_to_id else NOTHING,
        decisions=tuple(_decision_line(one, endorsed, seats) for one in decided if one.item_id == row.id),
    )


def _decision_line(
    row: RegisteredDecision, endorsed: Mapping[UUID, Both], seats: Sequence[CommitteeSeat]
) -> DecisionLine:
    return DecisionLine(
        number=row.number,
        text=Both(fr=row.text_fr, en=row.text_en),
        owner=owner_of(row),
        due_on=row.due_on,
        has_quorum=row.has_quorum,
        quorum=quorum_words(row.quorum, seats),
        endorsement=endorsed[row.id],
    )


def _names(session: Session, attended: Sequence[Attended]) -> dict[UUID, str]:
    wanted = {person for one in attended for person in (one.person_id, *one.expected) if person}
    rows = run(session, only(Person.id, Person.given_name, Person.family_name).where(col(Person.id).in_(wanted)))
    return {row.id: f"{row.given_name} {row.family_name}" for row in rows}


def write_redacted(
    session: Session, row: OpenedMinutes, content: Kept, circulated: Kept, *, by: Actor, at: datetime
) -> None:
    """Have minutes say what is left once words were taken out, sealed under the meeting's key of now.

    For `redacting` alone. Of approved ones the digest is that of what is left: the record has both.
    """
    approved = {"digest": _digest(content)} if row.state == "approved" else {}
    _change(session, row, content, circulated, at, **approved)
    if content != row.content:
        before, digest = _digest(row.content), _digest(content)
        events.write(session, "minutes.redacted", "minutes", row.id, by=by, at=at, before=before, digest=digest)


def count_circulation(session: Session, row: Minutes, n: int) -> None:
    """That minutes went out for the `n`th time, with what they say by now."""
    run(session, changes(Minutes).where(Minutes.id == row.id).values(circulations=n))


def _sealed(session: Session, row: Minutes, content: Kept, circulated: Kept, *, at: datetime) -> bytes:
    words = {"content": content, "circulated": circulated}
    return seal_words(session, "meeting", row.meeting_id, _place(row), words, at=at)


def _place(row: Minutes) -> str:
    return f"minutes/{row.id}"


def _lock(session: Session, meeting_id: UUID, seen: int | None) -> OpenedMinutes:
    row = minutes_of(session, meeting_id, lock=True)
    if seen is not None and row.version != seen:
        raise changed_meanwhile("minutes")
    return row


def _lock_draft(session: Session, meeting_id: UUID, seen: int | None) -> OpenedMinutes:
    row = _lock(session, meeting_id, seen)
    if row.state == "approved":
        raise Refusal("minutes.approved", _APPROVED)
    if row.state != "draft":
        raise Refusal("minutes.not_draft", N_("These minutes are with the members: reopen them to change them."))
    return row


def _lock_to(session: Session, meeting_id: UUID, seen: int | None, move: str) -> tuple[OpenedMinutes, str]:
    """Minutes that are locked for a move, and their state after it. Raises Refusal."""
    row = _lock(session, meeting_id, seen)
    try:
        return row, MINUTES.after(row.state, move)
    except NoSuchMove:
        if row.state == "approved":
            raise Refusal("minutes.approved", _APPROVED) from None
        raise Refusal("minutes.state", N_("This cannot be done with these minutes in their current state.")) from None


_APPROVED: Final = N_("These minutes are approved: they stay as they are.")


def _say(session: Session, row: OpenedMinutes, content: MinutesContent, at: datetime, **values: Any) -> int:
    return _change(session, row, as_json(content), row.circulated, at, **values)


def _change(session: Session, row: Minutes, content: Kept, circulated: Kept, at: datetime, **values: Any) -> int:
    """Write what minutes say, sealed, beside other columns; their version then."""
    sealed = _sealed(session, row, content, circulated, at=at)
    rewrite(session, Minutes, row.id, sealed=sealed, **values)
    return row.version + 1


def _digest(content: Kept) -> str:
    written = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(written.encode()).hexdigest()
