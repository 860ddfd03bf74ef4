"""An objection on the agenda of the committee that settles it: by its rule, and at once (GV-4)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime, time
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, and_, or_

from domain.kernel import (
    SHAPE,
    Actor,
    Refusal,
    also,
    col,
    first,
    in_program,
    joins,
    local_day,
    of,
    only,
    run,
    scalar,
    scalars,
    select,
)
from meetings import agenda_drawing, agendas, assembling, carrying, endorsements, freezing, posting
from meetings.agenda_items import TALKED_ABOUT, PresentedItem, item_of, items_of, lock_item, open_item, put_last
from meetings.agenda_rules import OBJECTION
from meetings.committees import committee_of, committees
from meetings.locking import lock_meeting, read_meeting
from meetings.reasons import COULD_NOT_WAIT
from models.agenda import AgendaItem
from models.meeting import Meeting
from models.minutes import Decision, Endorsement

#: The states of a meeting that nobody closed, and the outcomes of an item on which an objection may still be settled.
_NOT_CLOSED: Final = ("planned", "under_way")
_TO_BE_SETTLED: Final = ("", "treated")
#: The outcome of an item that is left to another meeting.
CARRIED: Final = "carried"


class StandingItem(AgendaItem):
    """The item by which an objection stands on the agenda of a meeting."""

    model_config = SHAPE
    starts: datetime = also(Meeting.starts)
    starts_at: datetime = also(Meeting.starts_at)
    meeting_state: str = also(Meeting.state)
    frozen: datetime | None = also(Meeting.agenda_frozen_at)


def is_of_objection(row: AgendaItem, decision_id: UUID | None = None) -> bool:
    """Whether an item of an agenda is there for an objection: to this decision, where one is named."""
    return row.kind == OBJECTION and (decision_id is None or row.subject == str(decision_id))


def bring_before_committee(
    session: Session, decision_id: UUID, meetings: Sequence[Meeting], *, at: datetime
) -> UUID | None:
    """Put an objection on the agenda of the first of these meetings that can have it; the item's id.

    They are those that `hold_next_meetings` gave. On an agenda that is not frozen it comes by the rule, at once; to one
    that is frozen, or to a meeting that sits, it is added as what could not wait. Where that cannot be done, or what
    the sitting made of it is settled, it goes on the next one. Where no meeting has it, the rule has it on the next
    agenda that is made, and this is None.
    """
    if meetings:
        _leave_past_ones(session, decision_id, at=at)
    for meeting in meetings:
        found = _bring_to(session, meeting, decision_id, at=at)
        if found is not None:
            return found
    return None


def bring_all(session: Session, *, at: datetime) -> tuple[UUID, ...]:
    """Bring each objection that stands before the next meeting that can have it; the items that came elsewhere.

    An objection stays on an agenda that went out frozen, before people who sit now, and where no meeting comes earlier.
    An objection of a past meeting that was never closed is carried over, as its close would do.
    """
    meetings = hold_next_meetings(session, at)
    if not meetings:
        return ()
    brought = []
    for decision_id in _hold_standing(session, at):
        earlier = _earlier_than_it_stands(session, decision_id, meetings, at)
        found = bring_before_committee(session, decision_id, earlier, at=at)
        if found is not None:
            brought.append(found)
    return tuple(brought)


def _earlier_than_it_stands(
    session: Session, decision_id: UUID, meetings: Sequence[Meeting], at: datetime
) -> Sequence[Meeting]:
    """Those of these meetings to which an objection may still be brought: before the agenda on which it stands now."""
    if any(_may_still_settle(session, one.id, decision_id) for one in meetings if one.state == "under_way"):
        return ()
    _leave_past_ones(session, decision_id, at=at)
    there = _item_before(session, decision_id, _is_to_come(session, at), outcomes=[""])
    if there is None:
        return meetings
    if there.frozen is not None or there.meeting_state != "planned":
        return ()
    return [one for one in meetings if one.starts_at < there.starts_at]


def bring_after(session: Session, meeting: Meeting, *, at: datetime) -> None:
    """`bring_all`, once a meeting was cancelled, moved or closed that `hold_with` held.

    Only where it is of the committee that settles objections.
    """
    if meeting.committee_id == _committee_id(session):
        bring_all(session, at=at)


def hold_with(session: Session, meeting_id: UUID, *, at: datetime) -> None:
    """Hold a meeting that is about to be cancelled, moved or closed, with all that `bring_after` then needs.

    The meetings in the order of their time and before the decisions, as everyone does: two who held them in another
    order would each wait for the other. Only of the committee that settles objections.
    """
    if read_meeting(session, meeting_id).committee_id == _committee_id(session):
        hold_next_meetings(session, at, besides=meeting_id)
        _hold_standing(session, at)


def _hold_standing(session: Session, at: datetime) -> list[UUID]:
    """The decisions of every committee to which a partner objects, locked, in the order of their ids."""
    objected = select(Endorsement.decision_id).where(*_objecting())
    decisions = only(Decision.id).where(
        col(Decision.id).in_(objected), col(Decision.needs_endorsement), Decision.state != "withdrawn"
    )
    held = scalars(session, decisions.order_by(col(Decision.id)).with_for_update()).all()
    said = endorsements.endorsements(session, held, at=at)
    return [decision_id for decision_id in held if any(one.word.objects for one in said[decision_id])]


def _objecting() -> tuple[ColumnElement[bool], ...]:
    """The conditions that a word is an objection that stands."""
    return (
        in_program(Endorsement),
        col(Endorsement.said) == "objected",
        col(Endorsement.superseded_at).is_(None),
        col(Endorsement.settled_by_id).is_(None),
    )


def _may_still_settle(session: Session, meeting_id: UUID, decision_id: UUID) -> bool:
    """Whether people who sit have an objection before them: what they said of it is final once they close."""
    there = item_on(session, meeting_id, decision_id)
    return there is not None and there.outcome != "decided"


def _committee_id(session: Session) -> UUID:
    """The committee that settles objections."""
    return committee_of(session, endorsements.declared(session).committee).id


def _bring_to(session: Session, meeting: Meeting, decision_id: UUID, *, at: datetime) -> UUID | None:
    if meeting.agenda_frozen_at is None and meeting.state == "planned":
        assembling.assemble(session, meeting.id, by=posting.BY_AGENDAS, at=at)
        there = item_on(session, meeting.id, decision_id)
        return there.id if there is not None else None
    there = item_on(session, meeting.id, decision_id)
    # One that was taken back meanwhile holds again, by what is objected now: only what is settled already is left.
    if there is not None and there.state == "settled":
        return there.id if there.outcome in _TO_BE_SETTLED else None
    with suppress(Refusal), session.begin_nested():
        return _add_late(session, meeting, decision_id, at=at)
    return None


def _add_late(session: Session, meeting: Meeting, decision_id: UUID, *, at: datetime) -> UUID | None:
    committee_id = meeting.committee_id
    drawn = agenda_drawing.draw(session, committees(session)[committee_id], meeting, at=at)
    found = next((one for one in drawn if (one.kind, one.subject) == (OBJECTION, str(decision_id))), None)
    if found is None:
        return None
    assembling.bring_forward(session, meeting, found.subject, by=posting.BY_AGENDAS, at=at)
    made = open_item(session, committee_id, found, by=posting.BY_AGENDAS, at=at, verb="agenda_item.drawn")
    there = item_of(session, made).meeting_id
    if there is not None:
        return made if there == meeting.id else None
    if meeting.agenda_frozen_at is None:
        # A meeting that sits and has no frozen agenda: no numbers, and no addenda.
        row = lock_item(session, made)
        put_last(session, row, meeting.id, late=True, late_reason=COULD_NOT_WAIT, by=posting.BY_AGENDAS, at=at)
        return made
    addendum = freezing.add_late(session, meeting.id, made, reason=COULD_NOT_WAIT, by=posting.BY_AGENDAS, at=at)
    posting.post(session, addendum, "addendum", at=at)
    return made


def _leave_past_ones(session: Session, decision_id: UUID, *, at: datetime) -> None:
    """Have an objection wait in the pool where a past meeting has it, and said nothing of it."""
    past = ~_is_to_come(session, at), col(Meeting.state).in_(_NOT_CLOSED)
    there = _item_before(session, decision_id, *past, outcomes=[""])
    if there is not None:
        carrying.carry_one(session, there.id, by=posting.BY_AGENDAS, at=at)


def item_on(session: Session, meeting_id: UUID, decision_id: UUID) -> PresentedItem | None:
    """The item by which an objection stands on a meeting's agenda, whatever became of it; None where none is."""
    return next((row for row in items_of(session, meeting_id) if is_of_objection(row, decision_id)), None)


def is_over(session: Session, decision_id: UUID, *, by: Actor, at: datetime) -> bool:
    """Say on the committee's agenda that nothing is objected to a decision any more; whether anything changed."""
    committee = endorsements.declared(session).committee
    return agendas.withdraw(session, committee, OBJECTION, str(decision_id), by=by, at=at)


def item_that_sits(session: Session, decision_id: UUID) -> StandingItem | None:
    """The item by which an objection stands before a committee that sits now, unless settled; None where none is.

    Of a sitting that was never closed also what was carried over since: its record, made afterwards, may settle it.
    Not where all objections came after its day: it heard nothing of them.
    """
    first_said = scalar(
        session, select(func.min(col(Endorsement.said_at))).where(Endorsement.decision_id == decision_id, *_objecting())
    )
    if first_said is None:
        return None
    since = datetime.combine(local_day(session, first_said), time.min)
    sits = col(Meeting.state) == "under_way", col(Meeting.starts) >= since
    last_first = (col(AgendaItem.outcome) == CARRIED, col(Meeting.starts).desc())
    return _item_before(session, decision_id, *sits, outcomes=[*_TO_BE_SETTLED, CARRIED], order=last_first)


def stands_on(session: Session, decision_id: UUID, *, at: datetime) -> StandingItem | None:
    """The item by which an objection stands on the agenda of the meeting that sits or is next; None where none is."""
    return _item_before(session, decision_id, _is_to_come(session, at))


def _is_to_come(session: Session, at: datetime) -> ColumnElement[bool]:
    """The condition that a meeting sits, also beyond its hour, or is to come: one that is over treats nothing more."""
    today = datetime.combine(local_day(session, at), time.min)
    return or_(
        and_(Meeting.state == "planned", col(Meeting.ends_at) > at),
        and_(Meeting.state == "under_way", col(Meeting.starts) >= today),
    )


def _item_before(
    session: Session,
    decision_id: UUID,
    *meetings: ColumnElement[bool],
    outcomes: Collection[str] = _TO_BE_SETTLED,
    order: Sequence[ColumnElement[Any]] = (col(Meeting.starts),),
) -> StandingItem | None:
    standing = of(StandingItem).join(Meeting, joins(AgendaItem.meeting_id, Meeting)).where(*meetings)
    mine = standing.where(
        AgendaItem.kind == OBJECTION,
        col(AgendaItem.subject) == str(decision_id),
        col(AgendaItem.state).in_(TALKED_ABOUT),
        col(AgendaItem.outcome).in_(outcomes),
    )
    return first(session, mine.order_by(*order).limit(1))


def hold_next_meetings(session: Session, at: datetime, *, besides: UUID | None = None) -> tuple[Meeting, ...]:
    """The meetings before which an objection may come now, locked, the first one first; none where none is planned.

    Of the committee that settles objections: the one that sits, also beyond its hour, and those to come, up to the
    first whose agenda is not frozen. They are locked before the decision, as by every verb that decides in one. With
    `besides`, this meeting is among them at its place, with all that may be next once it is not. Past ones that still
    have an objection are locked too, and are not among them.
    """
    to_come = _is_to_come(session, at)
    still_has_one = (
        select(AgendaItem.id)
        .where(joins(AgendaItem.meeting_id, Meeting), AgendaItem.kind == OBJECTION)
        .where(AgendaItem.state == "scheduled")
        .correlate(Meeting)
        .exists()
    )
    wanted = or_(to_come, and_(col(Meeting.state).in_(_NOT_CLOSED), still_has_one), Meeting.id == besides)
    meetings = only(Meeting.id, to_come.label("is_to_come")).where(wanted)
    of_it = meetings.where(Meeting.committee_id == _committee_id(session))
    rows = run(session, of_it.order_by(col(Meeting.starts_at), col(Meeting.id))).all()
    found = []
    is_next_held = False
    for meeting_id, is_to_come in rows:
        if is_next_held and meeting_id != besides:
            continue
        meeting = lock_meeting(session, meeting_id)
        if not is_to_come and meeting_id != besides:
            continue
        if meeting.state in _NOT_CLOSED:  # another may have cancelled it while this one waited
            found.append(meeting)
        if meeting.state == "planned" and meeting.agenda_frozen_at is None and meeting_id != besides:
            is_next_held = True
    return tuple(found)
