"""A meeting's agenda as a whole, and how it comes to be.

Rules of the committee's file (`agenda_rules`) draw items from what is on record (`agenda_drawing`); others are asked
for (`agendas`, `agenda_requests`) and wait in the pool. `assemble` brings both on an agenda. The round does so, and
sends it out and freezes it (`freezing`) at the declared hours; the coordinator may do all of it before. What it says on
paper is in `agenda_papers`; what becomes of its items afterwards, in `carrying`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlmodel import Session, or_

from domain.kernel import SHAPE, Actor, also, col, every, inside, joins, of, only, scalar, scalars
from domain.record import events
from meetings.agenda_drawing import draw
from meetings.agenda_items import (
    IS_OPEN,
    PresentedItem,
    change_item,
    is_asked,
    items_of,
    kept_by_hand,
    move_item,
    open_item,
    open_row,
    refuse_unless_open,
    set_positions,
    write_item_event,
)
from meetings.agenda_rules import OBJECTION, OF_ONE_MEETING, NewItem
from meetings.carrying import carry_from_unclosed
from meetings.committees import committees
from meetings.endorsements import declared
from meetings.locking import lock_meeting, read_meeting
from meetings.reasons import TOO_OFTEN
from models.agenda import EDITED, ENDED, LATE_REQUEST, AgendaItem
from models.committee import Committee, KeptAgenda
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
    """Assemble a meeting's agenda, with the items of past meetings that were never closed. Raises Refusal."""
    carry_from_unclosed(session, meeting_id, by=by, at=at)
    return assemble(session, meeting_id, by=by, at=at)


def take_over(session: Session, meeting_id: UUID, *, by: Actor, at: datetime) -> tuple[UUID, ...]:
    """Before an agenda is frozen by hand, take over the items of past meetings that were never closed; return them.

    So it has each objection that no earlier one has. Where there is none, it stays as it was left. Raises Refusal.
    """
    carried = carry_from_unclosed(session, meeting_id, by=by, at=at)
    if carried or _lacks_objection(session, meeting_id, at):
        assemble(session, meeting_id, by=by, at=at)
    return carried


def assemble(session: Session, meeting_id: UUID, *, by: Actor, at: datetime) -> Assembled:
    """Bring a meeting's agenda up to date with what is on record. Again at once: nothing changes. Raises Refusal.

    New items come on, and those whose fact no longer holds go, unless people touched them; one whose fact holds again
    comes back. What people changed by hand (words, minutes, purpose, order) stays as they left it, and what they took
    off stays off. An objection moves here from a later agenda that is not frozen.
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
    removed = _remove(session, rows, {one.key for one in drawn})
    moved = _put_in_order(session, meeting_id, drawn, set(added))
    done = Assembled(tuple(added), tuple(removed), tuple(changed))
    if done or moved:  # an order alone is a change too, of which the record is told
        counts = {"added": len(added), "removed": len(removed), "changed": len(changed), "moved": moved}
        events.write(session, "agenda.assembled", "meeting", meeting_id, by=by, at=at, case_id=None, **counts)
    return done


def _follow_rules(
    session: Session, meeting: Meeting, rows: Sequence[AgendaItem], drawn: Sequence[NewItem], *, by: Actor, at: datetime
) -> tuple[list[UUID], list[UUID]]:
    """Have the agenda hold what its rules draw, as they say it; the items that came on it, and those that changed."""
    # What was withdrawn because its fact was over is none that the agenda has: it comes back with its fact.
    known = {row.key: row for row in rows if row.state != "withdrawn"}
    gone = {row.key: row for row in rows if row.state == "withdrawn"}
    off = _taken_off_here(meeting.id, rows, known)
    added, changed = [], []
    for one in drawn:
        row = known.get(one.key)
        if one.key in off:
            continue
        if row is None:
            added += _put(session, meeting, one, gone.get(one.key), by=by, at=at)
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
    is_open = later.state == "planned" and later.agenda_frozen_at is None
    if row is None or row.meeting_id != later_id or not is_open or later.starts_at <= meeting.starts_at:
        return None
    by_hand = row.reasons.edited - _OF_A_PLACE
    move_item(session, row, "put_back", reasons=row.reasons.without(EDITED).with_edited(by_hand))
    set_positions(session, items_of(session, later_id))
    write_item_event(session, "agenda_item.put_on", row, by=by, at=at, meeting=str(meeting.id))
    return row.id


def due_to_circulate(session: Session, at: datetime) -> tuple[UUID, ...]:
    """The planned meetings to come whose agenda should be out by now, and is not; the first meeting first."""
    near = [row for row in _meetings_near(session, at) if row.agenda_circulated_at is None and row.starts_at > at]
    return tuple(row.id for row in near if row.circulates_at <= at)


def due_to_freeze(session: Session, at: datetime) -> tuple[UUID, ...]:
    """The planned meetings to come whose agenda should be frozen by now, and is not; the first meeting first."""
    return tuple(row.id for row in _meetings_near(session, at) if row.ends_at > at and row.freezes_at <= at)


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
        .order_by(IS_OPEN, col(AgendaItem.asked_at), col(AgendaItem.id))
        .with_for_update(),
    )


def _taken_off_here(
    meeting_id: UUID, rows: Iterable[AgendaItem], known: Mapping[tuple[str, str], AgendaItem]
) -> set[tuple[str, str]]:
    """What people took off this agenda, and did not put on again."""
    return {row.key for row in rows if str(meeting_id) in row.reasons.taken_off and known.get(row.key, row) is row}


def _put(
    session: Session, meeting: Meeting, one: NewItem, before: AgendaItem | None, *, by: Actor, at: datetime
) -> list[UUID]:
    """A new item, as people made it say `before` its fact was over; none where its subject is open elsewhere."""
    there = AgendaItem.committee_id == meeting.committee_id, AgendaItem.kind == one.kind
    if scalar(session, only(AgendaItem.id).where(*there, AgendaItem.subject == one.subject, IS_OPEN)) is not None:
        return []
    by_hand = kept_by_hand(before) - _OF_A_PLACE if before is not None else frozenset()
    said = {name: getattr(before, name) for name in by_hand}
    item = replace(one, **said, reasons=one.reasons.with_edited(by_hand))
    verb = "agenda_item.drawn"
    return [open_item(session, meeting.committee_id, item, meeting_id=meeting.id, by=by, at=at, verb=verb)]


def _schedule(session: Session, meeting: Meeting, row: AgendaItem, one: NewItem) -> None:
    said = _by_rule(row, one)
    said["reasons"] = said["reasons"].without(LATE_REQUEST)
    move_item(session, row, "schedule", **said, meeting_id=meeting.id, late_reason="")


def _refresh(session: Session, row: AgendaItem, one: NewItem) -> bool:
    """Have an item say what its rule says now, but for what people changed. Whether that is anything else."""
    wanted = _by_rule(row, one)
    differs = row.state == "scheduled" and any(getattr(row, name) != value for name, value in wanted.items())
    if differs:
        change_item(session, row, **wanted)
    return differs


#: What a rule says of an item, by the columns, as long as nobody changed it by hand.
_SAID_BY_RULE: Final = frozenset(
    {"title_fr", "title_en", "section_fr", "section_en", "purpose", "audience", "minutes", "presenter_seat_id"}
)


def _by_rule(row: AgendaItem, one: NewItem) -> dict[str, Any]:
    wanted = {name: getattr(one, name) for name in _SAID_BY_RULE - kept_by_hand(row)}
    if row.times_seen >= TOO_OFTEN and "purpose" in wanted and row.kind not in OF_ONE_MEETING:
        wanted["purpose"] = "decision"
    if row.kind in OF_ONE_MEETING:  # the meeting before may have been held since it was drawn
        wanted |= {"times_seen": one.times_seen, "carried_from_id": one.carried_from_id}
    # What the rules say now, and what was said otherwise than by a rule. What a rule draws is not over.
    said = row.reasons.without(ENDED) if one.reasons else row.reasons
    return {**wanted, "rule": one.rule, "reasons": one.reasons.and_also(reason for reason in said if not reason.rule)}


def _leftovers(session: Session, meeting: Meeting, rows: Sequence[AgendaItem], drawn: Sequence[NewItem]) -> list[UUID]:
    """What waits in the pool and no rule takes any more, or another committee referred: it is not forgotten."""
    taken = {one.key for one in drawn}
    found = []
    for row in rows:
        may_come = not row.reasons.is_over and str(meeting.id) not in row.reasons.taken_off
        if row.state == "pool" and is_asked(row) and may_come and row.key not in taken:
            move_item(session, row, "schedule", meeting_id=meeting.id)
            found.append(row.id)
    return found


def _remove(session: Session, rows: Sequence[AgendaItem], drawn: set[tuple[str, str]]) -> list[UUID]:
    """Withdraw what rules alone had put here or in the pool, and draw no more, and what was over as printed."""
    gone = []
    for row in rows:
        is_open, is_by_rule = row.state in ("pool", "scheduled"), row.reasons.is_drawn or row.reasons.is_over
        if is_open and is_by_rule and row.key not in drawn:
            move_item(session, row, "withdraw")
            gone.append(row.id)
    return gone


def _put_in_order(session: Session, meeting_id: UUID, drawn: Sequence[NewItem], added: set[UUID]) -> int:
    """Order by the rules, or as people ordered it with what is new after its like; returns how many stood elsewhere."""
    rows = items_of(session, meeting_id)
    ranks = {one.key: rank for rank, one in enumerate(drawn)}
    rank = {row.id: ranks.get(row.key, len(ranks)) for row in rows}
    by_rule = sorted(rows, key=lambda row: (rank[row.id], row.asked_at, str(row.id)))
    if not any("position" in row.reasons.edited for row in rows):
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


class _MeetingWithAgenda(Meeting):
    """A meeting with what its committee's file declares of agendas."""

    model_config = SHAPE
    agenda: KeptAgenda = also(Committee.agenda)

    @property
    def circulates_at(self) -> datetime:
        """When its agenda should be out."""
        return self.starts_at - timedelta(hours=self.agenda.get("circulate_hours", 0))

    @property
    def freezes_at(self) -> datetime:
        """When its agenda should be frozen."""
        return self.starts_at - timedelta(hours=self.agenda.get("freeze_hours", 0))


def _meetings_near(session: Session, at: datetime) -> list[_MeetingWithAgenda]:
    return every(
        session,
        of(_MeetingWithAgenda)
        .join(Committee, joins(Meeting.committee_id, Committee))
        .where(
            Meeting.state == "planned",
            col(Meeting.agenda_frozen_at).is_(None),
            col(Meeting.starts_at) <= at + _LONGEST_NOTICE,
            inside(Committee.agenda).has_key("rules"),
        )
        .order_by(col(Meeting.starts_at), col(Meeting.id)),
    )
