"""An objection on the agenda of the committee that settles it: by its rule, and at once (GV-4)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import Session

from duties.actors import Actor
from duties.here import many, one, program_of
from duties.refusals import Refusal
from meetings import agenda_rules, agendas, assembling, endorsements, freezing, posting
from meetings.agenda_items import item_of, items_of, open_item
from meetings.committees import committee_of, committees
from meetings.holding import lock_meeting
from meetings.reasons import COULD_NOT_WAIT
from models.agenda import AgendaItem
from models.base import refers, table_of
from models.meeting import Meeting

_meeting = table_of(Meeting)
_item = table_of(AgendaItem)


def is_of_objection(row: Mapping[str, Any], decision_id: UUID | None = None) -> bool:
    """Whether an item of an agenda is there for an objection: to this decision, where one is named."""
    is_one = row["kind"] == agenda_rules.OBJECTION
    return is_one and (decision_id is None or row["subject"] == str(decision_id))


def bring_before_committee(
    session: Session, decision_id: UUID, meeting: Mapping[str, Any] | None, *, at: datetime
) -> UUID | None:
    """Put an objection on the agenda of the next meeting, which `hold_next_meeting` gave; the item's id.

    On one that is not frozen it comes by the rule, at once; to one that is frozen, or to a meeting that sits, it is
    added as what could not wait. Where no meeting is planned, or an addendum cannot go out now, the rule has it on the
    next agenda that is made, and this is None.
    """
    if meeting is None:
        return None
    if meeting["agenda_frozen_at"] is None and meeting["state"] == "planned":
        assembling.assemble(session, meeting["id"], by=posting.BY_AGENDAS, at=at)
        return _item_on(session, meeting["id"], decision_id)
    there = _item_on(session, meeting["id"], decision_id)
    if meeting["agenda_frozen_at"] is None:
        return there
    # One that is settled there already is left; one that was taken back meanwhile holds again, by what is objected now.
    if there is not None and item_of(session, there)["state"] != "scheduled":
        return there
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
    names = ("title_fr", "title_en", "section_fr", "section_en", "purpose", "audience", "minutes", "presenter_seat_id")
    values = {name: getattr(found, name) for name in (*names, "kind", "subject", "rule")}
    values |= {"committee_id": committee_id, "asked_by": None}
    made = open_item(session, values, found.reasons, by=posting.BY_AGENDAS, at=at, verb="agenda_item.drawn")
    if item_of(session, made)["meeting_id"] is not None:
        return made
    addendum = freezing.add_late(session, meeting["id"], made, reason=COULD_NOT_WAIT, by=posting.BY_AGENDAS, at=at)
    posting.post(session, addendum, "addendum", addendum=addendum.addendum, at=at)
    return made


def _item_on(session: Session, meeting_id: UUID, decision_id: UUID) -> UUID | None:
    found: UUID | None = next(
        (row["id"] for row in items_of(session, meeting_id) if is_of_objection(row, decision_id)), None
    )
    return found


def is_over(session: Session, decision_id: UUID, *, by: Actor, at: datetime) -> bool:
    """Say on the committee's agenda that nothing is objected to a decision any more; whether anything changed."""
    committee = endorsements.declared(session).committee
    return agendas.withdraw(session, committee, agenda_rules.OBJECTION, str(decision_id), by=by, at=at)


def item_that_sits(session: Session, decision_id: UUID) -> dict[str, Any] | None:
    """The item by which an objection stands before a committee that sits now, unless settled; None where none is."""
    return _item_before(session, decision_id, ["under_way"])


def stands_on(session: Session, decision_id: UUID) -> dict[str, Any] | None:
    """The item by which an objection stands on the agenda of the meeting that sits or is next; None where none is."""
    return _item_before(session, decision_id, ["planned", "under_way"])


def _item_before(session: Session, decision_id: UUID, states: Collection[str]) -> dict[str, Any] | None:
    return one(
        session,
        select(_item.c.id, _item.c.version, _item.c.meeting_id, _meeting.c.starts)
        .join(_meeting, refers(_item.c.meeting_id, _meeting))
        .where(
            _item.c.program_id == program_of(session),
            _item.c.kind == agenda_rules.OBJECTION,
            _item.c.subject == str(decision_id),
            _item.c.outcome.in_(["", "treated"]),
            _meeting.c.state.in_(states),
        )
        .order_by(_meeting.c.starts)
        .limit(1),
    )


def hold_next_meeting(session: Session, at: datetime) -> dict[str, Any] | None:
    """The meeting of the committee that settles objections that sits now or is the next to, held; None where none is.

    Held before the decision, as whoever decides in it does.
    """
    committee_id = committee_of(session, endorsements.declared(session).committee)["id"]
    rows = many(
        session,
        select(_meeting.c.id)
        .where(
            _meeting.c.program_id == program_of(session),
            _meeting.c.committee_id == committee_id,
            _meeting.c.state.in_(["planned", "under_way"]),
            _meeting.c.ends_at > at,
        )
        .order_by(_meeting.c.starts_at, _meeting.c.id)
        .limit(1),
    )
    return lock_meeting(session, rows[0]["id"]) if rows else None
