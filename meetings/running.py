"""A meeting while people sit in it: opened, its items treated one by one, and closed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from operator import attrgetter, itemgetter
from typing import Any, Final
from uuid import UUID

from sqlmodel import Session

from domain.casework import complete_task
from domain.kernel import Actor, Refusal, only, surely, there_is
from domain.record import events
from locales import N_
from meetings import agenda_requests, agendas, attendance, carrying, discussing, freezing, minutes, objections, unclosed
from meetings.agenda_items import (
    ONLY_HEARD,
    PresentedItem,
    change_item,
    item_of,
    items_of,
    lock_item,
    not_on_one,
    noted,
    open_row,
    put_last,
    refuse_to_let_go,
    write_item_event,
)
from meetings.agenda_items import item_state_after as item_moved
from meetings.committees import committee_of, committees
from meetings.decisions import decisions_of
from meetings.local_times import local_of
from meetings.locking import lock_meeting, write_meeting
from meetings.schedule import meeting_state_after
from meetings.texts import checked_text
from meetings.wording import when_in_both
from models.agenda import OUTCOMES, AgendaItem
from models.meeting import Meeting
from models.minutes import Minutes

#: So long before its hour a meeting may be opened.
OPENED_BEFORE: Final = timedelta(hours=2)
#: What people say became of an item; "decided" is said by recording the decision.
SAID: Final = tuple(outcome for outcome in OUTCOMES if outcome != "decided")
#: The outcomes after which no agenda of the committee has an item any more.
_LETS_GO: Final = frozenset({"treated", "referred", "withdrawn"})


def open_meeting(session: Session, meeting_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """Begin a meeting: every seat of the day then waits to be recorded. Raises Refusal: not planned, or too early.

    A meeting that was not opened in time is opened afterwards, to record what happened.
    """
    row = lock_meeting(session, meeting_id, seen=seen)
    state = meeting_state_after(row, "open")
    if at < opens_at(row):
        first = local_of(opens_at(row), row.time_zone)
        raise Refusal(
            "meeting.too_early",
            N_("It is too early: this meeting may be opened from %(moment)s on."),
            moment=when_in_both(first),
        )
    write_meeting(session, row, state=state, opened_at=at)
    attendance.expect_everyone(session, row, at=at)
    events.write(session, "meeting.opened", "meeting", meeting_id, by=by, at=at)


def opens_at(meeting: Meeting) -> datetime:
    """The moment from which a meeting may be opened: a while before its hour, and at any time afterwards."""
    return meeting.starts_at - OPENED_BEFORE


def put_back(session: Session, meeting_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """Take back that a meeting was opened. Raises Refusal where something was recorded or approved in it already."""
    row = lock_meeting(session, meeting_id, seen=seen)
    state = meeting_state_after(row, "put_back")
    if _took_place(session, row):
        raise Refusal("meeting.recorded", N_("Something was recorded in this meeting: it took place."))
    write_meeting(session, row, state=state, opened_at=None)
    events.write(session, "meeting.put_back", "meeting", meeting_id, by=by, at=at)


def _took_place(session: Session, row: Meeting) -> bool:
    """Whether anything was recorded in a meeting that was opened, said of a case, or approved in it."""
    # What was carried over before anybody opened it says nothing of whether it took place.
    has_items = any(
        item.note_fr
        or item.note_en
        or (item.settled_at and row.opened_at and item.outcome and item.settled_at >= row.opened_at)
        for item in items_of(session, row.id)
    )
    return has_items or attendance.is_recorded(session, row.id) or _spoke(session, row.id)


def _spoke(session: Session, meeting_id: UUID) -> bool:
    """Whether a meeting decided something, said something of a case, or approved minutes."""
    return (
        bool(decisions_of(session, meeting_id))
        or discussing.was_any_in(session, meeting_id)
        or there_is(session, only(Minutes.id).where(Minutes.approved_in_id == meeting_id))
    )


def treat(
    session: Session,
    item_id: UUID,
    outcome: str,
    *,
    note_fr: str | None = None,
    note_en: str | None = None,
    refer_to: str = "",
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> int:
    """Say what became of an item, or correct it, while the meeting is under way; return the version that it is now.

    `outcome` is one of `SAID`: treated, carried to the next meeting, referred to the committee with the key `refer_to`,
    withdrawn, or "" where nothing is said of it yet. The notes are for the minutes; one that is not given stays. An
    item that is decided keeps its outcome: "decided" is given with its note alone. One whose task is done by its act
    alone, as that of a candidate, stays before the committee until then. A correction keeps the moment at which it was
    settled first. Once the committee has heard what it is only told, the task to see that it does is done.
    Raises Refusal.
    """
    row = _lock_in_sitting(session, item_id, seen)
    notes = {"note_fr": note_fr, "note_en": note_en}
    said = {name: checked_text(note) for name, note in notes.items() if note is not None}
    _refuse_outcome(session, row, outcome)
    _refuse_to_leave(session, row, outcome, refer_to)
    columns = noted(session, row, said, at=at)
    target = committee_of(session, refer_to).id if outcome == "referred" else None
    if (outcome, target) == (row.outcome, row.referred_to_id):
        version = change_item(session, row, **columns)
        write_item_event(session, "agenda_item.noted", row, by=by, at=at)
        return version
    if row.outcome == "referred":
        agendas.take_back_referral(session, item_id, by=by, at=at)
    _take_from_elsewhere(session, row, outcome, by=by, at=at)
    columns |= _settled(row, outcome, by=by, at=at)
    version = change_item(session, row, **columns, outcome=outcome, referred_to_id=target)
    if outcome == "referred":
        agendas.refer(session, item_id, refer_to, by=by, at=at)
    if outcome == "treated" and row.kind in ONLY_HEARD and row.task_id is not None:
        with suppress(Refusal), session.begin_nested():  # it was done or called off before
            complete_task(session, row.task_id, by=by, at=at)
    write_item_event(session, "agenda_item.treated", row, by=by, at=at, before=row.outcome, outcome=outcome)
    return version


def take_up(session: Session, item_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> int:
    """Say that the sitting comes to an item, whatever its place; returns the version that it is now. Raises Refusal."""
    row = _lock_in_sitting(session, item_id, seen)
    if row.outcome:
        raise Refusal("item.treated_already", N_("Something is recorded of this item already: correct that first."))
    version = change_item(session, row, taken_up_at=at)
    write_item_event(session, "agenda_item.taken_up", row, by=by, at=at)
    return version


def current_of(rows: Sequence[PresentedItem]) -> PresentedItem | None:
    """The item that a meeting under way is at: of those left the one taken up last, else the first; None: none is."""
    left = [row for row in rows if not row.outcome]
    taken_up = [row for row in left if row.taken_up_at is not None]
    return max(taken_up, key=attrgetter("taken_up_at"), default=next(iter(left), None))


def add_item(
    session: Session,
    meeting_id: UUID,
    *,
    title_fr: str = "",
    title_en: str = "",
    minutes: int | None = None,
    reason: str,
    by: Actor,
    at: datetime,
) -> UUID:
    """Put on the agenda what comes up while the meeting is under way, with the reason why it is now; return its id.

    On a frozen agenda it is a late item as any other, numbered "7.1" and kept as an addendum. A title that is given in
    one language stands in the other too, as it was typed: no one translates while people sit. Raises Refusal.
    """
    meeting = lock_meeting(session, meeting_id)
    if meeting.state != "under_way":
        raise Refusal("item.not_under_way", N_("Unplanned items are added while the meeting is under way."))
    is_frozen = meeting.agenda_frozen_at is not None
    item_id = agenda_requests.request(
        session,
        committees(session)[meeting.committee_id].key,
        title_fr=title_fr.strip() or title_en,
        title_en=title_en.strip() or title_fr,
        minutes=minutes,
        meeting_id=meeting_id if is_frozen else None,
        late_reason=agenda_requests.needed_line(reason),
        by=by,
        at=at,
    )
    if is_frozen:
        freezing.add_late(session, meeting_id, item_id, by=by, at=at)
        return item_id
    put_last(session, lock_item(session, item_id), meeting_id, by=by, at=at)
    return item_id


def close_meeting(
    session: Session, meeting_id: UUID, *, carry_rest: bool = False, by: Actor, at: datetime, seen: int | None = None
) -> UUID:
    """End a meeting, carry over what it did not reach, and draft its minutes; return their id.

    With `carry_rest`, items of which nothing was said are carried, but for those whose fact is over: these end. A turn
    in which a case was recorded is treated. Raises Refusal. An objection not settled comes before the next meeting.
    """
    objections.hold_with(session, meeting_id, at=at)
    row = lock_meeting(session, meeting_id, seen=seen)
    state = meeting_state_after(row, "close")
    _treat_turns(session, items_of(session, meeting_id), discussing.turns_heard(session, row), by=by, at=at)
    items = items_of(session, meeting_id)
    untreated = [(item.number or str(place), item) for place, item in enumerate(items, 1) if not item.outcome]
    if untreated and not carry_rest:
        raise Refusal(
            "meeting.untreated",
            N_("Items with nothing recorded yet (%(n)s): %(numbers)s."),
            n=len(untreated),
            numbers=", ".join(number for number, _ in untreated),
        )
    for _, item in untreated:
        treat(session, item.id, "withdrawn" if item.reasons.is_over else "carried", by=by, at=at)
    quorate = attendance.had_quorum(session, meeting_id)
    write_meeting(session, row, state=state, closed_at=at, settled_by=by.person_id, quorate=quorate)
    carried = carrying.carry_over(session, meeting_id, by=by, at=at)
    objections.bring_after(session, row, at=at)
    unclosed.is_closed(session, meeting_id, by=by, at=at)
    events.write(session, "meeting.closed", "meeting", meeting_id, by=by, at=at, items=len(items), carried=len(carried))
    return minutes.draft(session, meeting_id, by=by, at=at)


def _treat_turns(
    session: Session, items: Iterable[PresentedItem], heard: Collection[UUID], *, by: Actor, at: datetime
) -> None:
    """Have the turns of which nothing else was said be treated, where a case was recorded in them."""
    for item in items:
        if not item.outcome and item.id in heard:
            treat(session, item.id, "treated", by=by, at=at)


def minutes_used(meeting: Meeting, rows: Sequence[PresentedItem], at: datetime) -> dict[UUID, int]:
    """The minutes that each item took: from the moment at which the one before was settled, or the meeting opened.

    Of a meeting under way the item that it is at has its own so far. Nothing is known of a meeting that was
    opened after its end, to record what happened, nor of an item that was not reached.
    """
    if meeting.opened_at is None or meeting.opened_at > meeting.ends_at:
        return {}
    last = meeting.opened_at
    used: dict[UUID, int] = {}
    ends = [(row.settled_at, row.id) for row in rows if row.settled_at and row.outcome != "carried"]
    ends.sort(key=itemgetter(0))
    current = current_of(rows) if meeting.state == "under_way" else None
    if current is not None:
        ends.append((at, current.id))
    for ended_at, item_id in ends:
        used[item_id] = max(0, round((ended_at - last).total_seconds() / 60))
        last = max(last, ended_at)
    return used


def _lock_in_sitting(session: Session, item_id: UUID, seen: int | None) -> AgendaItem:
    """An item, locked with its meeting, which is under way. Raises Refusal."""
    meeting_id = item_of(session, item_id).meeting_id
    if meeting_id is None:
        raise not_on_one()
    if lock_meeting(session, meeting_id).state != "under_way":
        raise Refusal("item.not_under_way", N_("The outcome of an item is recorded while the meeting is under way."))
    return lock_item(session, item_id, seen=seen)


def _take_from_elsewhere(session: Session, row: AgendaItem, outcome: str, *, by: Actor, at: datetime) -> None:
    """Take an item from the later agenda to which it was carried over. Raises Refusal: it stays, and ends not here.

    It can be carried over before its meeting is closed: by the round, where nobody closed it in time. What is settled
    otherwise, a rule may have put on a later agenda meanwhile.
    """
    stays = row.outcome == "carried" and carrying.take_back(session, row, by=by, at=at)
    if outcome or row.state != "settled":
        return
    if stays or open_row(session, row.committee_id, row.kind, row.subject) is not None:
        raise Refusal(
            "item.open_elsewhere",
            N_("A later agenda has this item already. Say what became of it here, or leave it carried over."),
        )


def _settled(row: AgendaItem, outcome: str, *, by: Actor, at: datetime) -> dict[str, Any]:
    """The columns that say whether an item is settled, since when, and by which role."""
    state = item_moved(row.state, "correct") if row.state == "settled" else row.state
    if not outcome:
        return {"state": state, "settled_at": None, "settled_as": None}
    return {"state": item_moved(state, "settle"), "settled_at": row.settled_at or at, "settled_as": by.role}


def _refuse_outcome(session: Session, row: AgendaItem, outcome: str) -> None:
    stands = row.outcome == "decided" and _is_decided(session, row)
    if outcome == "decided" and not stands:
        raise Refusal("item.no_decision", N_("Record the decision: the item is decided by it."))
    if outcome not in OUTCOMES:
        raise Refusal("item.outcome", N_("Choose one of the outcomes offered for this item."))
    if stands and outcome != "decided":
        raise Refusal("item.decided", N_("A decision was recorded on this item, and is in effect."))
    if outcome == "carried" and row.reasons.is_over:
        raise Refusal(
            "item.over",
            N_("The reason for this item no longer applies, so it will not come back. Treat it, or end it."),
        )


def _is_decided(session: Session, row: AgendaItem) -> bool:
    """Whether a decision that stands was taken on an item.

    What is decided on the way to the decision, as the risk of a candidate, leaves the item open and holds nothing.
    """
    taken = decisions_of(session, surely(row.meeting_id))
    return any(one.item_id == row.id and one.state != "withdrawn" for one in taken)


def _refuse_to_leave(session: Session, row: AgendaItem, outcome: str, refer_to: str) -> None:
    """Refuse that an item ends, or goes to another committee, where it may not. Raises Refusal."""
    if (outcome == "referred") != bool(refer_to):
        raise Refusal("item.refer_to", N_("Say to which committee the item is referred."))
    if refer_to and committee_of(session, refer_to).id == row.committee_id:
        raise Refusal("agenda.own_committee", N_("An item is referred to another committee."))
    if outcome in _LETS_GO and outcome != row.outcome:
        refuse_to_let_go(session, row)
