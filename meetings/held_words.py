"""Items whose words may not leave on a paper: held for the coordinator, and no one else is told.

An agenda leaves by itself on its hour, unread. So two kinds of a member's words are taken off it and wait in the pool:
words with the shape of any name, and words that name a person on file in another writing. The coordinator is told, and
puts the item on by hand: that is their look.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from domain.kernel import Actor, local_day
from domain.mail import COORDINATION, NameGate, unanswered
from domain.names import Ours, ours, shapes_in
from domain.roles import standing
from meetings import agendas
from meetings.agenda_items import items_of
from meetings.agenda_rules import REQUEST
from models.agenda import EDITED, AgendaItem


def hold_back(session: Session, meeting_id: UUID, *, by: Actor, at: datetime) -> tuple[UUID, ...]:
    """Take off an agenda that leaves by itself what is to be looked at first; the ids of the items."""
    asked = [row for row in items_of(session, meeting_id) if _is_a_members(session, row, at)]
    if not asked:
        return ()
    gate, known, year = NameGate.here(session), Ours.of(ours(session)), local_day(session, at).year
    held = [row.id for row in asked if _waits(session, gate, known, row, year)]
    for item_id in held:
        agendas.take_off(session, item_id, by=by, at=at)
    return tuple(held)


def _is_a_members(session: Session, row: AgendaItem, at: datetime) -> bool:
    """Whether an item comes from a member who does not keep the agenda, and its keeper has not had it in hand."""
    if row.kind != REQUEST or row.frozen_at is not None:
        return False
    keepers = {one.person_id for one in standing(session, local_day(session, at)).falls(COORDINATION).holders}
    return row.asked_by not in keepers and all(reason.code != EDITED for reason in row.reasons)


def _waits(session: Session, gate: NameGate, known: Ours, row: AgendaItem, year: int) -> bool:
    """Whether a word of an item has the shape of a name, or may name a person on file."""
    return any(
        shapes_in(text, known, year=year) or gate.stops(text) or unanswered(session, gate, text)
        for text in (row.title_fr, row.title_en, row.late_reason)
        if text
    )
