"""An objection on the agenda of the committee that settles it: by its rule, and at once (GV-4)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, time
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlmodel import Session

from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.scope import local_day, one, program_of
from meetings import agenda_rules, agendas, assembling, endorsements, freezing, posting
from meetings.agenda_items import TALKED_ABOUT, change_item, item_of, items_of, lock_item, moved, open_item, tell
from meetings.committees import committee_of, committees
from meetings.locking import lock_meeting, read_meeting
from meetings.reasons import COULD_NOT_WAIT
from models.agenda import AgendaItem
from models.base import refers, table_of
from models.meeting import Meeting
from models.minutes import Decision, Endorsement

_meeting = table_of(Meeting)
_item = table_of(AgendaItem)
_decision = table_of(Decision)
_word = table_of(Endorsement)

#: The states of a meeting that nobody closed, and the outcomes of an item on which an objection may still be settled.
_NOT_CLOSED: Final = ("planned", "under_way")
_TO_BE_SETTLED: Final = ("", "treated")
#: The outcome of an item that is left to another meeting.
CARRIED: Final = "carried"


def is_of_objection(row: Mapping[str, Any], decision_id: UUID | None = None) -> bool:
    """Whether an item of an agenda is there for an objection: to this decision, where one is named."""
    is_one = row["kind"] == agenda_rules.OBJECTION
    return is_one and (decision_id is None or row["subject"] == str(decision_id))


def bring_before_committee(
    session: Session, decision_id: UUID, meetings: Sequence[Mapping[str, Any]], *, at: datetime
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

    One stays where it is on an agenda that went out frozen, before people who sit now, and where no meeting comes
    earlier. What a meeting that is over holds of it, that nobody closed, is carried over, as its close would do.
    """
    meetings = hold_next_meetings(session, at)
    if not meetings:
        return ()
    sitting = [one["id"] for one in meetings if one["state"] == "under_way"]
    brought = []
    for decision_id in _hold_standing(session, at):
        if any(_may_still_settle(session, meeting_id, decision_id) for meeting_id in sitting):
            continue
        _leave_past_ones(session, decision_id, at=at)
        there = _item_before(session, decision_id, _is_to_come(session, at), outcomes=[""])
        if there is not None and (there["frozen"] is not None or there["meeting_state"] != "planned"):
            continue
        before = [one for one in meetings if there is None or one["starts_at"] < there["starts_at"]]
        found = bring_before_committee(session, decision_id, before, at=at)
        if found is not None:
            brought.append(found)
    return tuple(brought)


def bring_after(session: Session, meeting: Mapping[str, Any], *, at: datetime) -> None:
    """`bring_all`, once a meeting was cancelled, moved or closed that `hold_with` held.

    Only where it is of the committee that settles objections.
    """
    if meeting["committee_id"] == _committee_id(session):
        bring_all(session, at=at)


def hold_with(session: Session, meeting_id: UUID, *, at: datetime) -> None:
    """Hold a meeting that is about to be cancelled, moved or closed, with all that `bring_after` then needs.

    The meetings in the order of their time and before the decisions, as everyone does: two who held them in another
    order would each wait for the other. Only of the committee that settles objections.
    """
    if read_meeting(session, meeting_id)["committee_id"] == _committee_id(session):
        hold_next_meetings(session, at, besides=meeting_id)
        _hold_standing(session, at)


def _hold_standing(session: Session, at: datetime) -> list[UUID]:
    """The decisions, of whichever committee, to which a partner objects, held, in the order of their ids."""
    objected = select(_word.c.decision_id).where(*_objecting(session))
    held = session.scalars(
        select(_decision.c.id)
        .where(
            _decision.c.program_id == program_of(session),
            _decision.c.id.in_(objected),
            _decision.c.needs_endorsement,
            _decision.c.state != "withdrawn",
        )
        .order_by(_decision.c.id)
        .with_for_update()
    ).all()
    said = endorsements.endorsements(session, held, at=at)
    return [decision_id for decision_id in held if any(one.word.objects for one in said[decision_id])]


def _objecting(session: Session) -> tuple[ColumnElement[bool], ...]:
    """The conditions that a word is an objection that stands."""
    return (
        _word.c.program_id == program_of(session),
        _word.c.said == "objected",
        _word.c.superseded_at.is_(None),
        _word.c.settled_by_id.is_(None),
    )


def _may_still_settle(session: Session, meeting_id: UUID, decision_id: UUID) -> bool:
    """Whether people who sit have an objection before them: what they said of it is final once they close."""
    there = _item_on(session, meeting_id, decision_id)
    return there is not None and there["outcome"] != "decided"


def _committee_id(session: Session) -> UUID:
    """The committee that settles objections."""
    found: UUID = committee_of(session, endorsements.declared(session).committee)["id"]
    return found


def _bring_to(session: Session, meeting: Mapping[str, Any], decision_id: UUID, *, at: datetime) -> UUID | None:
    if meeting["agenda_frozen_at"] is None and meeting["state"] == "planned":
        assembling.assemble(session, meeting["id"], by=posting.BY_AGENDAS, at=at)
        there = _item_on(session, meeting["id"], decision_id)
        return there["id"] if there is not None else None
    there = _item_on(session, meeting["id"], decision_id)
    # One that was taken back meanwhile holds again, by what is objected now: only what is settled already is left.
    if there is not None and there["state"] == "settled":
        return there["id"] if there["outcome"] in _TO_BE_SETTLED else None
    try:
        with session.begin_nested():
            return _add_late(session, meeting, decision_id, at=at)
    except Refusal:
        return None


def _add_late(session: Session, meeting: Mapping[str, Any], decision_id: UUID, *, at: datetime) -> UUID | None:
    committee_id = meeting["committee_id"]
    subject = (agenda_rules.OBJECTION, str(decision_id))
    drawn = agenda_rules.draw(session, committees(session)[committee_id], meeting, at=at)
    found = next((one for one in drawn if (one.kind, one.subject) == subject), None)
    if found is None:
        return None
    assembling.bring_forward(session, meeting, found.subject, by=posting.BY_AGENDAS, at=at)
    names = ("title_fr", "title_en", "section_fr", "section_en", "purpose", "audience", "minutes", "presenter_seat_id")
    values = {name: getattr(found, name) for name in (*names, "kind", "subject", "rule")}
    values |= {"committee_id": committee_id, "asked_by": None}
    made = open_item(session, values, found.reasons, by=posting.BY_AGENDAS, at=at, verb="agenda_item.drawn")
    there = item_of(session, made)["meeting_id"]
    if there is not None:
        return made if there == meeting["id"] else None
    if meeting["agenda_frozen_at"] is None:
        _add_to_sitting(session, meeting, made, at=at)
        return made
    addendum = freezing.add_late(session, meeting["id"], made, reason=COULD_NOT_WAIT, by=posting.BY_AGENDAS, at=at)
    posting.post(session, addendum, "addendum", addendum=addendum.addendum, at=at)
    return made


def _add_to_sitting(session: Session, meeting: Mapping[str, Any], item_id: UUID, *, at: datetime) -> None:
    """Put it last on the agenda of a meeting that sits and that nobody froze: it has no numbers, and no addenda."""
    row = lock_item(session, item_id)
    last = max((one["position"] for one in items_of(session, meeting["id"])), default=0)
    change_item(
        session,
        row,
        state=moved(row, "schedule"),
        meeting_id=meeting["id"],
        position=last + 1,
        late=True,
        late_reason=COULD_NOT_WAIT,
    )
    tell(session, "agenda_item.put_on", row, by=posting.BY_AGENDAS, at=at, meeting=str(meeting["id"]))


def _leave_past_ones(session: Session, decision_id: UUID, *, at: datetime) -> None:
    """Have an objection wait in the pool where a meeting that is over has it, and nobody said anything of it."""
    past = ~_is_to_come(session, at), _meeting.c.state.in_(_NOT_CLOSED)
    there = _item_before(session, decision_id, *past, outcomes=[""])
    if there is not None:
        assembling.carry_one(session, there["id"], by=posting.BY_AGENDAS, at=at)


def _item_on(session: Session, meeting_id: UUID, decision_id: UUID) -> dict[str, Any] | None:
    return next((row for row in items_of(session, meeting_id) if is_of_objection(row, decision_id)), None)


def is_over(session: Session, decision_id: UUID, *, by: Actor, at: datetime) -> bool:
    """Say on the committee's agenda that nothing is objected to a decision any more; whether anything changed."""
    committee = endorsements.declared(session).committee
    return agendas.withdraw(session, committee, agenda_rules.OBJECTION, str(decision_id), by=by, at=at)


def item_that_sits(session: Session, decision_id: UUID) -> dict[str, Any] | None:
    """The item by which an objection stands before a committee that sits now, unless settled; None where none is.

    Of a sitting that nobody closed also what was carried over since: whoever records it afterwards may settle it there.
    Not where all that is objected was said after its day: it heard nothing of that.
    """
    first_said = session.scalar(
        select(func.min(_word.c.said_at)).where(_word.c.decision_id == decision_id, *_objecting(session))
    )
    if first_said is None:
        return None
    since = datetime.combine(local_day(session, first_said), time.min)
    sits = _meeting.c.state == "under_way", _meeting.c.starts >= since
    last_first = (_item.c.outcome == CARRIED, _meeting.c.starts.desc())
    return _item_before(session, decision_id, *sits, outcomes=[*_TO_BE_SETTLED, CARRIED], order=last_first)


def stands_on(session: Session, decision_id: UUID, *, at: datetime) -> dict[str, Any] | None:
    """The item by which an objection stands on the agenda of the meeting that sits or is next; None where none is."""
    return _item_before(session, decision_id, _is_to_come(session, at))


def _is_to_come(session: Session, at: datetime) -> ColumnElement[bool]:
    """The condition that a meeting sits, also beyond its hour, or is to come: one that is over treats nothing more."""
    today = datetime.combine(local_day(session, at), time.min)
    return or_(
        and_(_meeting.c.state == "planned", _meeting.c.ends_at > at),
        and_(_meeting.c.state == "under_way", _meeting.c.starts >= today),
    )


def _item_before(
    session: Session,
    decision_id: UUID,
    *meetings: ColumnElement[bool],
    outcomes: Collection[str] = _TO_BE_SETTLED,
    order: Sequence[ColumnElement[Any]] = (_meeting.c.starts,),
) -> dict[str, Any] | None:
    return one(
        session,
        select(
            *(_item.c[name] for name in ("id", "version", "meeting_id")),
            *(_meeting.c[name] for name in ("starts", "starts_at")),
            _meeting.c.state.label("meeting_state"),
            _meeting.c.agenda_frozen_at.label("frozen"),
        )
        .join(_meeting, refers(_item.c.meeting_id, _meeting))
        .where(
            _item.c.program_id == program_of(session),
            _item.c.kind == agenda_rules.OBJECTION,
            _item.c.subject == str(decision_id),
            _item.c.state.in_(TALKED_ABOUT),
            _item.c.outcome.in_(outcomes),
            *meetings,
        )
        .order_by(*order)
        .limit(1),
    )


def hold_next_meetings(session: Session, at: datetime, *, besides: UUID | None = None) -> tuple[dict[str, Any], ...]:
    """The meetings before which an objection may come now, held, the first one first; none where none is planned.

    Of the committee that settles objections, that which sits, also beyond its hour, and those to come, up to the first
    whose agenda is not frozen. Held before the decision, as whoever decides in one does. With `besides`, this meeting
    among them at its place, and all that may be next once it is not. Those that are over and still have an objection
    are held as well, and are not among them.
    """
    to_come = _is_to_come(session, at)
    still_has_one = (
        select(_item.c.id)
        .where(refers(_item.c.meeting_id, _meeting), _item.c.kind == agenda_rules.OBJECTION)
        .where(_item.c.state == "scheduled")
        .correlate(_meeting)
        .exists()
    )
    rows = session.execute(
        select(_meeting.c.id, to_come.label("is_to_come"))
        .where(
            _meeting.c.program_id == program_of(session),
            _meeting.c.committee_id == _committee_id(session),
            or_(to_come, and_(_meeting.c.state.in_(_NOT_CLOSED), still_has_one), _meeting.c.id == besides),
        )
        .order_by(_meeting.c.starts_at, _meeting.c.id)
    ).all()
    found = []
    is_next_held = False
    for meeting_id, is_to_come in rows:
        if is_next_held and meeting_id != besides:
            continue
        meeting = lock_meeting(session, meeting_id)
        if not is_to_come and meeting_id != besides:
            continue
        if meeting["state"] in _NOT_CLOSED:  # another may have cancelled it while this one waited
            found.append(meeting)
        if meeting["state"] == "planned" and meeting["agenda_frozen_at"] is None and meeting_id != besides:
            is_next_held = True
    return tuple(found)
