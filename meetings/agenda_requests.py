"""What members ask their committee to talk about: in time, or late for a meeting whose agenda is frozen."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID, uuid4

from sqlmodel import Session

from domain.kernel import Actor, Refusal, local_day, says_something
from locales import N_
from meetings.agenda_items import (
    PresentedItem,
    change_item,
    lock_item,
    open_item,
    pool_of,
    refuse_other_committee,
    refuse_unless_late,
    write_item_event,
)
from meetings.agenda_rules import REQUEST, item_by, needed_rule
from meetings.agendas import as_asked, no_title
from meetings.committees import committee_of, membership
from meetings.locking import read_meeting
from meetings.texts import checked_line
from models.agenda import LATE_REQUEST, AgendaItem, ItemReason, Reasons


def request(
    session: Session,
    committee_key: str,
    *,
    title_fr: str,
    title_en: str,
    by: Actor,
    at: datetime,
    minutes: int | None = None,
    purpose: str | None = None,
    meeting_id: UUID | None = None,
    late_reason: str = "",
) -> UUID:
    """Ask, as a member of the committee, that it talks about something; return the item's id. Raises Refusal.

    The item waits in the pool for the next agenda. With `meeting_id`, a meeting whose agenda is frozen, it is asked for
    late, with `late_reason`, and comes on it only by the host's yes (`meetings.freezing.add_late`). A title in one of
    the languages is enough.
    """
    committee, day = committee_of(session, committee_key), local_day(session, at)
    seat = membership(session, committee.id).seat_of(by.person_id, day) if by.person_id else None
    if by.role != "coordinator" and seat is None:  # who is the committees' secretary, with a seat or without
        raise Refusal("agenda.not_a_member", N_("Members of the committee may request an item on its agenda."))
    reasons = Reasons([ItemReason("asked", facts={"day": day.isoformat()})])
    if meeting_id is not None:
        meeting = read_meeting(session, meeting_id)
        refuse_other_committee(meeting, committee.id)
        refuse_unless_late(meeting)
        late_reason = needed_line(late_reason)
        reasons = reasons.and_also([ItemReason(LATE_REQUEST, facts={"meeting": str(meeting_id)})])
    rule = needed_rule(committee, REQUEST)
    titles = checked_line(title_fr), checked_line(title_en)
    if not any(titles):
        raise no_title()
    item = item_by(rule, REQUEST, str(uuid4()), titles, seat.id if seat else None)
    late = late_reason if meeting_id is not None else ""
    asked = replace(as_asked(item, minutes, purpose, by), late_reason=late, reasons=reasons)
    return open_item(session, committee.id, asked, by=by, at=at)


def late_requests(session: Session, meeting_id: UUID) -> list[PresentedItem]:
    """What was asked for late for this meeting and waits for the host's yes, the first asked first."""
    committee_id = read_meeting(session, meeting_id).committee_id
    return [row for row in pool_of(session, committee_id) if is_late_for(row, meeting_id)]


def decline_late(session: Session, item_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """Leave what was asked for late to a later meeting: it stays in the pool. Raises Refusal."""
    row = lock_item(session, item_id, seen=seen)
    if row.state != "pool" or not any(reason.code == LATE_REQUEST for reason in row.reasons):
        raise Refusal("agenda.not_late", N_("No one asked for this item after the agenda was frozen."))
    change_item(session, row, reasons=row.reasons.without(LATE_REQUEST), late_reason="")
    write_item_event(session, "agenda_item.late_declined", row, by=by, at=at)


def is_late_for(row: AgendaItem, meeting_id: UUID, *, asked_by: UUID | None = None) -> bool:
    """Whether an item of the pool was asked for late for this meeting; with `asked_by`, by this person."""
    return asked_by in (None, row.asked_by) and any(
        (reason.code, reason.meeting) == (LATE_REQUEST, str(meeting_id)) for reason in row.reasons
    )


def needed_line(line: str) -> str:
    """The reason for something late, on one line. Raises Refusal where there is none."""
    line = checked_line(line)
    if not says_something(line):
        raise Refusal("agenda.late_without_reason", N_("Say in a few words why this cannot wait."))
    return line
