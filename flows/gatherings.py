"""The round of meetings: ends seats with their roles, tells what changed, asks for what was not closed, fills, sends
and freezes agendas, and drafts the next dates.

Each piece is a transaction of its own, and each finds by itself what is due. A round that is lost, late or run twice
changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.kernel import Actor, Refusal
from flows.marks import due_everywhere
from flows.turns import Turn, in_parts
from meetings import assembling, drafting, freezing, held_words, invitations, objections, posting, seating, unclosed
from meetings.freezing import Outgoing
from meetings.locking import read_meeting
from meetings.posting import Occasion

CRON: Final = "*/15 * * * *"


@in_parts("gatherings", CRON, due_everywhere, by=posting.BY_AGENDAS)
def gather(turn: Turn) -> int:
    """Look at every meeting of one program; how many letters were written, agendas sent or frozen, and years drafted.

    A failure for one meeting is logged and does not hold up the others: the next round comes to it again.
    """
    # Before the calendars are told: who was to come by a seat that ended with their role comes no more.
    found = turn.act(seating.end_with_roles)
    found += turn.once(lambda session: len(invitations.tell_all(session, at=turn.at)))
    found += turn.act(unclosed.ask_to_close)
    # Before agendas go out: one that is frozen by then takes an objection as what could not wait.
    found += turn.once(lambda session: len(objections.bring_all(session, at=turn.at)))
    # Frozen ones first: nobody has a draft and what it became in the same minute.
    found += turn.each(turn.look(lambda session: assembling.due_to_freeze(session, turn.at)), _freeze)
    found += turn.each(turn.look(lambda session: assembling.due_to_circulate(session, turn.at)), _circulate)
    return found + turn.once(lambda session: len(drafting.draft_due(session, by=turn.by, at=turn.at)))


def _circulate(session: Session, meeting_id: UUID, *, by: Actor, at: datetime) -> int:
    if read_meeting(session, meeting_id).agenda_frozen_at is None:
        assembling.draw_up(session, meeting_id, by=by, at=at)
    return _send(session, meeting_id, freezing.circulate, "circulated", by, at)


def _freeze(session: Session, meeting_id: UUID, *, by: Actor, at: datetime) -> int:
    meeting = read_meeting(session, meeting_id)
    if meeting.starts_at <= at and meeting.agenda_circulated_at is None:
        return 0  # a meeting that began before anyone looked has no agenda to send
    assembling.draw_up(session, meeting_id, by=by, at=at)
    return _send(session, meeting_id, freezing.freeze, "frozen", by, at)


def _send(
    session: Session, meeting_id: UUID, send_out: Callable[..., Outgoing], what: Occasion, by: Actor, at: datetime
) -> int:
    """Send an agenda as it is circulated or frozen; where a rule refuses, the coordinator is told that it is stuck."""
    try:
        with session.begin_nested():
            _hold_back(session, meeting_id, by, at)
            posting.post(session, send_out(session, meeting_id, by=by, at=at), what, at=at)
    except Refusal as refusal:
        return posting.tell_stuck(session, read_meeting(session, meeting_id), refusal, at=at)
    return 1


def _hold_back(session: Session, meeting_id: UUID, by: Actor, at: datetime) -> None:
    """Hold back what members wrote and no one looked at yet; the coordinator is told how much."""
    held = held_words.hold_back(session, meeting_id, by=by, at=at)
    if held:
        posting.tell_held(session, read_meeting(session, meeting_id), held, at=at)
