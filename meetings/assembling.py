"""A meeting's agenda as a whole: assembled by rule, and what is left of it afterwards.

The round draws agendas up, and sends them out and freezes them (`meetings.freezing`) at the declared hours, by
`due_to_circulate` and `due_to_freeze`; the coordinator may do all of it before. `return_to_pool` is for a meeting that
was cancelled, `carry_over` for one that is being closed, `carry_from_unclosed` for those left unclosed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlmodel import Session, or_

from domain.kernel import SHAPE, Actor, Refusal, also, col, every, inside, joins, of, only, same, scalar, scalars
from domain.record import events
from locales import N_
from meetings.agenda_drawing import draw
from meetings.agenda_items import (
    UNPRINTED,
    PresentedItem,
    as_it_is,
    change_item,
    end,
    is_asked,
    item_state_after,
    items_of,
    kept_by_hand,
    lock_agenda,
    lock_item,
    open_item,
    open_row,
    refuse_unless_open,
    set_positions,
    write_item_event,
)
from meetings.agenda_rules import OBJECTION, OF_ONE_MEETING, Drawn
from meetings.committees import committees
from meetings.endorsements import declared
from meetings.locking import lock_meeting, read_meeting
from meetings.reasons import (
    CARRIED,
    EDITED,
    ENDED,
    LATE_REQUEST,
    RETURNED,
    THREE_TIMES,
    TOO_OFTEN,
    ItemReason,
    Kept,
    edited,
    is_drawn,
    is_over,
    merged,
    speak_for_it,
    taken_off,
    with_edited,
    without,
)
from meetings.unclosed import unclosed
from models.agenda import AgendaItem
from models.committee import Committee
from models.meeting import Meeting

#: The longest time before a meeting that a program's file may declare, in hours: `Agenda` in
#: domain.declarations.program_committees.
_LONGEST_NOTICE: Final = timedelta(hours=720)

#: Where an item stands on an agenda: it does not follow it to another one.
_OF_A_PLACE: Final = frozenset({"position", "section_fr", "section_en"})


@dataclass(frozen=True)
class Assembled:
    """What assembling changed: items that came on the agenda, that went, and that say something else than before."""

    added: tuple[UUID, ...] = ()
    removed: tuple[UUID, ...] = ()
    changed: tuple[UUID, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything changed."""
        return bool(self.added or self.removed or self.changed)


def draw_up(session: Session, meeting_id: UUID, *, by: Actor, at: datetime) -> Assembled:
    """Assemble a meeting's agenda, with the items of past meetings that were never closed.

    Raises Refusal, as `assemble`.
    """
    carry_from_unclosed(session, meeting_id, by=by, at=at)
    return assemble(session, meeting_id, by=by, at=at)


def take_over(session: Session, meeting_id: UUID, *, by: Actor, at: datetime) -> tuple[UUID, ...]:
    """Before an agenda is frozen by hand, take over the items of past meetings that were never closed; return those
    items.

    So it has each objection that no earlier one has. Where there is no such item, the agenda stays as it was left.
    Raises Refusal, as `assemble`.
    """
    carried = carry_from_unclosed(session, meeting_id, by=by, at=at)
    if carried or _lacks_objection(session, meeting_id, at):
        assemble(session, meeting_id, by=by, at=at)
    return carried


def assemble(session: Session, meeting_id: UUID, *, by: Actor, at: datetime) -> Assembled:
    """Bring a meeting's agenda up to date with what is on record. Again at once: nothing changes.

    New items come on, and those whose fact no longer holds go, unless people touched them; one whose fact holds again
    comes back. What people changed by hand (words, minutes, purpose, order) stays as they left it, and what they took
    off stays off. An objection moves here from a later agenda that is not frozen. Raises Refusal: the meeting is not
    planned, or its agenda is frozen.
    """
    meeting = lock_meeting(session, meeting_id)
    refuse_unless_open(meeting)
    committee = committees(session)[meeting.committee_id]
    drawn = draw(session, committee, meeting, at=at)
    for one in drawn:
        if one.kind == OBJECTION:
            bring_forward(session, meeting, one.subject, by=by, at=at)
    rows = _rows_at_hand(session, meeting)
    added, changed = _follow_rules(session, meeting, rows, drawn, by=by, at=at)
    added += _leftovers(session, meeting, rows, drawn)
    removed = _remove(session, rows, {(one.kind, one.subject) for one in drawn})
    item_state_after = _put_in_order(session, meeting_id, drawn, set(added))
    done = Assembled(tuple(added), tuple(removed), tuple(changed))
    if done or item_state_after:  # an order alone is a change too, of which the record is told
        counts = {"added": len(added), "removed": len(removed), "changed": len(changed), "moved": item_state_after}
        events.write(session, "agenda.assembled", "meeting", meeting_id, by=by, at=at, case_id=None, **counts)
    return done


def _follow_rules(
    session: Session, meeting: Meeting, rows: Sequence[AgendaItem], drawn: Sequence[Drawn], *, by: Actor, at: datetime
) -> tuple[list[UUID], list[UUID]]:
    """Have the agenda hold what its rules draw, as they say it; the items that came on it, and those that changed."""
    # What was withdrawn because its fact was over is none that the agenda has: it comes back with its fact.
    known = {(row.kind, row.subject): row for row in rows if row.state != "withdrawn"}
    gone = {(row.kind, row.subject): row for row in rows if row.state == "withdrawn"}
    off = _taken_off_here(meeting.id, rows, known)
    added, changed = [], []
    for one in drawn:
        key = one.kind, one.subject
        row = known.get(key)
        if key in off:
            continue
        if row is None:
            added += _put(session, meeting, one, gone.get(key), by=by, at=at)
        elif row.state == "pool":
            _schedule(session, meeting, row, one)
            added.append(row.id)
        elif _refresh(session, row, one):
            changed.append(row.id)
    return added, changed


def bring_forward(session: Session, meeting: Meeting, subject: str, *, by: Actor, at: datetime) -> UUID | None:
    """Have an objection wait in the pool for this held meeting, where a later one has it; return its item.

    An objection belongs before the next meeting of its committee. A later agenda that is frozen keeps it, as printed,
    and so does every other where this meeting is over.
    """
    if meeting.ends_at <= at:
        return None
    later_id = scalar(
        session,
        only(AgendaItem.meeting_id).where(
            AgendaItem.committee_id == meeting.committee_id,
            AgendaItem.kind == OBJECTION,
            AgendaItem.subject == subject,
            AgendaItem.state == "scheduled",
            AgendaItem.meeting_id != meeting.id,
        ),
    )
    # Meetings are held in the order of their time: one that comes before this one is not waited for.
    if later_id is None or read_meeting(session, later_id).starts_at <= meeting.starts_at:
        return None
    later = lock_meeting(session, later_id)
    row = open_row(session, meeting.committee_id, OBJECTION, subject)
    if (
        row is None
        or row.meeting_id != later_id
        or later.state != "planned"
        or later.agenda_frozen_at is not None
        or later.starts_at <= meeting.starts_at
    ):
        return None
    by_hand = edited(row.reasons) - _OF_A_PLACE
    reasons = with_edited(without(row.reasons, EDITED), by_hand)
    change_item(
        session, row, state=item_state_after(row.state, "put_back"), meeting_id=None, position=0, reasons=reasons
    )
    set_positions(session, items_of(session, later_id))
    write_item_event(session, "agenda_item.put_on", row, by=by, at=at, meeting=str(meeting.id))
    return row.id


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
    """Put what was on the agenda of a cancelled meeting back in the pool, once; return the items.

    What each meeting has anew goes with the meeting, and so does what was on the frozen agenda for a fact that no
    longer holds. The agenda as it went out stays on record. Raises Refusal where the meeting is not cancelled.
    """
    meeting = lock_meeting(session, meeting_id)
    if meeting.state != "cancelled":
        raise Refusal("agenda.not_cancelled", N_("Only a cancelled meeting gives back the items of its agenda."))
    back = []
    returned = ItemReason(RETURNED, facts={"day": meeting.starts.date().isoformat()}).kept()
    for row in lock_agenda(session, meeting_id):
        if row.kind in OF_ONE_MEETING or is_over(row.reasons):
            change_item(session, row, state=item_state_after(row.state, "withdraw"))
            continue
        state, reasons = item_state_after(row.state, "put_back"), merged(without(row.reasons, LATE_REQUEST), [returned])
        change_item(session, row, state=state, meeting_id=None, position=0, reasons=reasons, **UNPRINTED)
        back.append(row.id)
    if back:
        events.write(session, "agenda.returned", "meeting", meeting_id, by=by, at=at, case_id=None, items=len(back))
    return tuple(back)


def carry_over(session: Session, meeting_id: UUID, *, by: Actor, at: datetime) -> tuple[UUID, ...]:
    """Put what a meeting did not reach, whose outcome is "carried", in the pool again, a meeting older; once.

    What three meetings did not reach asks for a decision or an end. What each meeting has anew is not put in the pool:
    the next agenda has it by its rule, says how often it was not reached, and after three times asks for a decision on
    the rule. Nor is an item whose fact is over. Returns the new items.
    """
    lock_meeting(session, meeting_id)
    made = []
    for row in items_of(session, meeting_id):
        if row.outcome != "carried" or row.kind in OF_ONE_MEETING or is_over(row.reasons):
            continue
        if _has_successor(session, row):
            continue
        seen = row.times_seen + 1
        item = replace(as_it_is(row), times_seen=seen, carried_from_id=row.id)
        if seen >= TOO_OFTEN:
            item = replace(item, purpose="decision")
        reasons = _older(row.reasons, seen)
        made.append(open_item(session, row.committee_id, item, reasons, by=by, at=at, verb="agenda_item.carried"))
    if made:
        events.write(session, "agenda.carried_over", "meeting", meeting_id, by=by, at=at, case_id=None, items=len(made))
    return tuple(made)


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
            if row.kind not in OF_ONE_MEETING and not is_over(row.reasons):
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
    settled = {"outcome": "carried", "settled_at": at, "settled_as": by.role}
    change_item(session, row, state=item_state_after(row.state, "settle"), **settled)
    write_item_event(session, "agenda_item.treated", row, by=by, at=at, before="", outcome="carried")


def take_back(session: Session, row: AgendaItem, *, by: Actor, at: datetime) -> bool:
    """The item was settled otherwise, so it leaves the agendas it was carried over to.

    An item that was asked for again since stays. What is frozen stays as printed, and says that its fact is over. An
    objection stays until it is settled or taken back. Returns whether the committee has it open there all the same.
    """
    found = every(
        session,
        of(AgendaItem)
        .where(
            AgendaItem.carried_from_id == row.id,
            AgendaItem.committee_id == row.committee_id,
            col(AgendaItem.state).in_(["pool", "scheduled"]),
        )
        .with_for_update(),
    )
    if not found:
        return False
    (after,) = found  # of one subject one item is open
    if after.kind == OBJECTION:
        return True
    anew = [reason for reason in after.reasons if reason not in row.reasons]
    if speak_for_it(anew) and not is_drawn(after.reasons):
        return True
    return end(session, after, carried_from_id=None, by=by, at=at)


def due_to_circulate(session: Session, at: datetime) -> tuple[UUID, ...]:
    """The planned meetings to come whose agenda should be out by now, and is not; the first meeting first."""
    near = [row for row in _meetings_near(session, at) if row.agenda_circulated_at is None and row.starts_at > at]
    return tuple(row.id for row in near if _is_due(row, "circulate_hours", at))


def due_to_freeze(session: Session, at: datetime) -> tuple[UUID, ...]:
    """The planned meetings whose agenda should be frozen by now, and is not; the first meeting first.

    Not a past one: its agenda is no longer needed, and what it would take from the pool is the next one's.
    """
    near = [row for row in _meetings_near(session, at) if row.ends_at > at]
    return tuple(row.id for row in near if _is_due(row, "freeze_hours", at))


# -------------------------------------------------------------------------------------------------------- assembling


def _lacks_objection(session: Session, meeting_id: UUID, at: datetime) -> bool:
    """Whether an agenda lacks an objection that no earlier meeting has, nor one whose agenda went out frozen."""
    meeting = read_meeting(session, meeting_id)
    committee = committees(session)[meeting.committee_id]
    if committee.key != declared(session).committee:
        return False
    has_it = or_(
        Meeting.id == meeting_id,
        col(Meeting.starts_at) < meeting.starts_at,
        col(Meeting.agenda_frozen_at).is_not(None),
        Meeting.state != "planned",
    )
    elsewhere = scalars(
        session,
        only(AgendaItem.subject)
        .join(Meeting, joins(AgendaItem.meeting_id, Meeting))
        .where(
            AgendaItem.committee_id == meeting.committee_id,
            AgendaItem.kind == OBJECTION,
            AgendaItem.state == "scheduled",
            has_it,
        ),
    ).all()
    drawn = draw(session, committee, meeting, at=at)
    return any(one.kind == OBJECTION and one.subject not in elsewhere for one in drawn)


def _rows_at_hand(session: Session, meeting: Meeting) -> list[AgendaItem]:
    """The committee's pool and what this meeting has or had, locked: of one subject, the open item before others."""
    return every(
        session,
        of(AgendaItem)
        .where(
            AgendaItem.committee_id == meeting.committee_id,
            or_(AgendaItem.state == "pool", AgendaItem.meeting_id == meeting.id),
        )
        .order_by(col(AgendaItem.state).in_(["pool", "scheduled"]), col(AgendaItem.asked_at), col(AgendaItem.id))
        .with_for_update(),
    )


def _taken_off_here(
    meeting_id: UUID, rows: Sequence[AgendaItem], known: Mapping[tuple[str, str], AgendaItem]
) -> set[tuple[str, str]]:
    """What people took off this agenda, and did not put on again."""
    return {
        key
        for row in rows
        if str(meeting_id) in taken_off(row.reasons) and known.get(key := (row.kind, row.subject), row) is row
    }


def _put(
    session: Session, meeting: Meeting, one: Drawn, before: AgendaItem | None, *, by: Actor, at: datetime
) -> list[UUID]:
    """A new item on the agenda; none where its subject is open elsewhere, on another meeting's.

    It says what people made it say `before`, when it was on this agenda and its fact was over.
    """
    if _is_open_elsewhere(session, meeting, one):
        return []
    by_hand = kept_by_hand(before) - _OF_A_PLACE if before is not None else frozenset()
    made = open_item(
        session,
        meeting.committee_id,
        replace(one, **{name: getattr(before, name) for name in by_hand}),
        with_edited(one.reasons, by_hand),
        meeting_id=meeting.id,
        by=by,
        at=at,
        verb="agenda_item.drawn",
    )
    return [made]


def _is_open_elsewhere(session: Session, meeting: Meeting, one: Drawn) -> bool:
    found = scalar(
        session,
        only(AgendaItem.id).where(
            AgendaItem.committee_id == meeting.committee_id,
            AgendaItem.kind == one.kind,
            AgendaItem.subject == one.subject,
            col(AgendaItem.state).in_(["pool", "scheduled"]),
        ),
    )
    return found is not None


def _schedule(session: Session, meeting: Meeting, row: AgendaItem, one: Drawn) -> None:
    change_item(
        session,
        row,
        **_by_rule(row, one),
        state=item_state_after(row.state, "schedule"),
        meeting_id=meeting.id,
        late_reason="",
        reasons=without(_reasons(row, one), LATE_REQUEST),
    )


def _refresh(session: Session, row: AgendaItem, one: Drawn) -> bool:
    """Have an item say what its rule says now, but for what people changed. Whether that is anything else."""
    if row.state != "scheduled":
        return False
    wanted = {**_by_rule(row, one), "reasons": _reasons(row, one)}
    differs = any(getattr(row, name) != value for name, value in wanted.items())
    if differs:
        change_item(session, row, **wanted)
    return differs


def _by_rule(row: AgendaItem, one: Drawn) -> dict[str, Any]:
    by_hand = kept_by_hand(row)
    wanted = {name: value for name, value in one.said.items() if name not in by_hand}
    if row.times_seen >= TOO_OFTEN and "purpose" in wanted and row.kind not in OF_ONE_MEETING:
        wanted["purpose"] = "decision"
    if row.kind in OF_ONE_MEETING:  # the meeting before may have been held since it was drawn
        wanted |= {"times_seen": one.times_seen, "carried_from_id": one.carried_from_id}
    return {**wanted, "rule": one.rule}


def _reasons(row: AgendaItem, one: Drawn) -> list[Kept]:
    """What the rules say now, and what was said otherwise than by a rule. What a rule draws is not over."""
    said = without(row.reasons, ENDED) if one.reasons else row.reasons
    return merged(list(one.reasons), (reason for reason in said if "rule" not in reason))


def _leftovers(session: Session, meeting: Meeting, rows: Sequence[AgendaItem], drawn: Sequence[Drawn]) -> list[UUID]:
    """What waits in the pool and no rule takes any more, or another committee referred: it is not forgotten."""
    taken = {(one.kind, one.subject) for one in drawn}
    found = []
    for row in rows:
        is_off = str(meeting.id) in taken_off(row.reasons)
        waits = row.state == "pool" and is_asked(row) and not is_over(row.reasons)
        if waits and (row.kind, row.subject) not in taken and not is_off:
            change_item(session, row, state=item_state_after(row.state, "schedule"), meeting_id=meeting.id)
            found.append(row.id)
    return found


def _remove(session: Session, rows: Sequence[AgendaItem], drawn: set[tuple[str, str]]) -> list[UUID]:
    """Withdraw what rules alone had put here or in the pool, and draw no more, and what was over as printed."""
    gone = []
    for row in rows:
        if (
            row.state in ("pool", "scheduled")
            and (is_drawn(row.reasons) or is_over(row.reasons))
            and (row.kind, row.subject) not in drawn
        ):
            change_item(session, row, state=item_state_after(row.state, "withdraw"), position=0)
            gone.append(row.id)
    return gone


def _put_in_order(session: Session, meeting_id: UUID, drawn: Sequence[Drawn], added: set[UUID]) -> int:
    """The order of the rules; where people put items in another order, theirs, and what is new after its like.

    Returns how many items stood elsewhere.
    """
    rows = items_of(session, meeting_id)
    ranks = {(one.kind, one.subject): rank for rank, one in enumerate(drawn)}
    rank = {row.id: ranks.get((row.kind, row.subject), len(ranks)) for row in rows}
    by_rule = sorted(rows, key=lambda row: (rank[row.id], row.asked_at, str(row.id)))
    if not any("position" in edited(row.reasons) for row in rows):
        return set_positions(session, by_rule)
    order = [row for row in rows if row.id not in added]
    for row in by_rule:
        if row.id in added:
            order.insert(_place_after_its_like(order, row, rank), row)
    return set_positions(session, order)


def _place_after_its_like(order: Sequence[PresentedItem], row: PresentedItem, rank: Mapping[UUID, int]) -> int:
    """After the last item of its section, else after the last one that the rules put before it."""
    same = [place for place, one in enumerate(order, start=1) if one.section_fr == row.section_fr]
    before = [place for place, one in enumerate(order, start=1) if rank[one.id] <= rank[row.id]]
    return max(same or before, default=0)


# --------------------------------------------------------------------------------------------------------- afterwards


def _has_successor(session: Session, row: AgendaItem) -> bool:
    """Whether the committee has what an item was carried over to. What another one was referred is its own to treat."""
    found = scalar(
        session,
        only(AgendaItem.id).where(AgendaItem.carried_from_id == row.id, AgendaItem.committee_id == row.committee_id),
    )
    return found is not None


def _older(reasons: Sequence[Kept], seen: int) -> list[Kept]:
    code = THREE_TIMES if seen >= TOO_OFTEN else CARRIED
    return [*without(reasons, CARRIED, THREE_TIMES, RETURNED), ItemReason(code, facts={"n": seen}).kept()]


class _MeetingWithAgenda(Meeting):
    """A meeting with what its committee's file declares of agendas."""

    model_config = SHAPE
    agenda: dict[str, Any] = also(Committee.agenda)


def _is_due(row: _MeetingWithAgenda, hours: str, at: datetime) -> bool:
    """Whether what is done so many declared hours before a meeting is due."""
    return row.starts_at - timedelta(hours=row.agenda[hours]) <= at


def _meetings_near(session: Session, at: datetime) -> list[_MeetingWithAgenda]:
    return every(
        session,
        of(_MeetingWithAgenda)
        .join(Committee, same(Committee, Meeting) & (col(Committee.id) == col(Meeting.committee_id)))
        .where(
            Meeting.state == "planned",
            col(Meeting.agenda_frozen_at).is_(None),
            col(Meeting.starts_at) <= at + _LONGEST_NOTICE,
            inside(Committee.agenda).has_key("rules"),
        )
        .order_by(col(Meeting.starts_at), col(Meeting.id)),
    )
