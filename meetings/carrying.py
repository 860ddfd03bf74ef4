"""What becomes of the items of a meeting afterwards: carried over to another, taken back, or put in the pool again.

`carry_over` is for a meeting that is being closed, `carry_from_unclosed` for those left unclosed, `return_to_pool` for
one that was cancelled, `take_up_again` for one that is moved ahead.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from domain.kernel import Actor, Refusal, every, of, only, scalar
from domain.record import events
from locales import N_
from meetings.agenda_items import (
    IS_OPEN,
    UNPRINTED,
    as_it_is,
    change_item,
    end,
    item_state_after,
    items_of,
    lock_agenda,
    lock_item,
    move_item,
    open_item,
    open_row,
    set_positions,
    write_item_event,
)
from meetings.agenda_rules import OBJECTION, OF_ONE_MEETING
from meetings.locking import lock_meeting, read_meeting
from meetings.reasons import TOO_OFTEN
from meetings.unclosed import unclosed
from models.agenda import CARRIED, LATE_REQUEST, RETURNED, THREE_TIMES, AgendaItem, ItemReason, Reasons


def carry_from_unclosed(session: Session, meeting_id: UUID, *, by: Actor, at: datetime) -> tuple[UUID, ...]:
    """Before a meeting's agenda goes out, carry over the items of past meetings that were never closed.

    It does what their close would do. A record made afterwards of such a meeting may correct an item's outcome; then
    the item is taken back (`take_back`). Returns the new items, which wait in the pool.
    """
    meeting = read_meeting(session, meeting_id)
    made: tuple[UUID, ...] = ()
    for earlier in unclosed(session, at, committee_id=meeting.committee_id):
        if earlier.starts_at >= meeting.starts_at:
            continue
        lock_meeting(session, earlier.id)
        for row in lock_agenda(session, earlier.id):
            if row.kind not in OF_ONE_MEETING and not row.reasons.is_over:
                _is_carried(session, row, by=by, at=at)
        made += carry_over(session, earlier.id, by=by, at=at)
    return made


def carry_one(session: Session, item_id: UUID, *, by: Actor, at: datetime) -> None:
    """Carry over one item of a meeting that is over, as `carry_from_unclosed` does all of them. The meeting is held."""
    row = lock_item(session, item_id)
    _is_carried(session, row, by=by, at=at)
    if row.meeting_id is not None:
        carry_over(session, row.meeting_id, by=by, at=at)


def _is_carried(session: Session, row: AgendaItem, *, by: Actor, at: datetime) -> None:
    move_item(session, row, "settle", outcome="carried", settled_at=at, settled_as=by.role)
    write_item_event(session, "agenda_item.treated", row, by=by, at=at, before="", outcome="carried")


def carry_over(session: Session, meeting_id: UUID, *, by: Actor, at: datetime) -> tuple[UUID, ...]:
    """Put what a meeting did not reach ("carried") in the pool again, a meeting older, once; returns the new items.

    What three meetings did not reach asks for a decision or an end. What each meeting has anew is not put in the pool,
    since the next agenda has it by its rule and counts by itself, nor an item whose fact is over.
    """
    lock_meeting(session, meeting_id)
    made = []
    for row in items_of(session, meeting_id):
        if row.outcome != "carried" or row.kind in OF_ONE_MEETING or row.reasons.is_over:
            continue
        if _has_successor(session, row):
            continue
        seen = row.times_seen + 1
        item = replace(as_it_is(row), times_seen=seen, carried_from_id=row.id, reasons=_older(row.reasons, seen))
        if seen >= TOO_OFTEN:
            item = replace(item, purpose="decision")
        made.append(open_item(session, row.committee_id, item, by=by, at=at, verb="agenda_item.carried"))
    if made:
        events.write(session, "agenda.carried_over", "meeting", meeting_id, by=by, at=at, case_id=None, items=len(made))
    return tuple(made)


def _has_successor(session: Session, row: AgendaItem) -> bool:
    """Whether the committee has what an item was carried over to. What another one was referred is its own to treat."""
    after = only(AgendaItem.id).where(AgendaItem.carried_from_id == row.id, AgendaItem.committee_id == row.committee_id)
    return scalar(session, after) is not None


def _older(reasons: Reasons, seen: int) -> Reasons:
    code = THREE_TIMES if seen >= TOO_OFTEN else CARRIED
    return Reasons((*reasons.without(CARRIED, THREE_TIMES, RETURNED), ItemReason(code, facts={"n": seen})))


def take_back(session: Session, row: AgendaItem, *, by: Actor, at: datetime) -> bool:
    """The item was settled otherwise, so it leaves the agendas it was carried over to.

    An item that was asked for again since stays. What is frozen stays as printed, and says that its fact is over. An
    objection stays until it is settled or taken back. Returns whether the committee has it open there all the same.
    """
    found = every(
        session,
        of(AgendaItem)
        .where(AgendaItem.carried_from_id == row.id, AgendaItem.committee_id == row.committee_id, IS_OPEN)
        .with_for_update(),
    )
    if not found:
        return False
    (after,) = found  # of one subject one item is open
    if after.kind == OBJECTION:
        return True
    anew = Reasons(reason for reason in after.reasons if reason not in row.reasons)
    if anew.speak_for_it and not after.reasons.is_drawn:
        return True
    return end(session, after, carried_from_id=None, by=by, at=at)


def take_up_again(session: Session, meeting_id: UUID, *, by: Actor, at: datetime) -> None:
    """Give a meeting that is moved ahead the items back that were carried over from it while it seemed to be over.

    It was not held, so nothing was said of them. An item that is open elsewhere by now is left there, and leaves this
    agenda; so does one whose successor was settled. A frozen agenda stays as printed.
    """
    meeting = lock_meeting(session, meeting_id)
    if meeting.state != "planned" or meeting.agenda_frozen_at is not None:
        return
    for settled in items_of(session, meeting_id):
        if settled.outcome != "carried":
            continue
        row = lock_item(session, settled.id)
        there = item_state_after(row.state, "correct")
        values = {**UNPRINTED, "outcome": "", "settled_at": None, "settled_as": None}
        goes_on = _has_successor(session, row)
        if not goes_on and open_row(session, row.committee_id, row.kind, row.subject) is None:
            change_item(session, row, state=there, **values)
            continue
        state = item_state_after(there, "withdraw")
        change_item(session, row, state=state, meeting_id=None, position=0, **values)
        write_item_event(session, "agenda_item.taken_off", row, by=by, at=at, meeting=str(meeting_id))
    set_positions(session, items_of(session, meeting_id))


def return_to_pool(session: Session, meeting_id: UUID, *, by: Actor, at: datetime) -> tuple[UUID, ...]:
    """Put what was on the agenda of a cancelled meeting back in the pool, once; return the items. Raises Refusal.

    What each meeting has anew goes with the meeting, and so does what is over on the frozen agenda, which stays on
    record as it went out.
    """
    meeting = lock_meeting(session, meeting_id)
    if meeting.state != "cancelled":
        raise Refusal("agenda.not_cancelled", N_("Only a cancelled meeting gives back the items of its agenda."))
    back = []
    returned = ItemReason(RETURNED, facts={"day": meeting.starts.date().isoformat()})
    for row in lock_agenda(session, meeting_id):
        if row.kind in OF_ONE_MEETING or row.reasons.is_over:
            move_item(session, row, "withdraw")
            continue
        reasons = row.reasons.without(LATE_REQUEST).and_also([returned])
        move_item(session, row, "put_back", reasons=reasons, **UNPRINTED)
        back.append(row.id)
    if back:
        events.write(session, "agenda.returned", "meeting", meeting_id, by=by, at=at, case_id=None, items=len(back))
    return tuple(back)
