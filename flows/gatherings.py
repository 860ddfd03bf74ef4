"""The round of meetings: ends seats with their roles, tells what changed, asks for what was not closed, fills, sends
and freezes agendas, and drafts the next dates.

Each piece is a transaction of its own, and each finds by itself what is due. A round that is lost, late or run twice
changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.kernel.refusals import Refusal
from flows.engine import Means
from flows.marks import alone, in_its_own, last_of, mark_of, set_mark
from meetings import assembling, drafting, freezing, held_words, invitations, objections, posting, seating, unclosed
from meetings.freezing import Outgoing
from meetings.locking import read_meeting
from meetings.posting import Occasion

KEY: Final = "gatherings"
CRON: Final = "*/15 * * * *"


def due_at(_: Session, at: datetime) -> datetime:
    """The last quarter of an hour."""
    return last_of(CRON, at)


def gather(means: Means, program_id: UUID, ran_by: str) -> int:
    """Look at every meeting of one program; how many letters were written, agendas sent or frozen, and years drafted.

    A failure for one meeting is logged and does not hold up the others: the next round comes to it again.
    """
    at = means.clock()
    with alone(means, program_id, KEY) as mine:
        if not mine:
            return 0
        with means.sessions(program_id) as session:
            done = mark_of(session, KEY)
            if done is not None and done >= due_at(session, at):
                return 0
        # Before the calendars are told: one who was to come by a seat that ended with their role no longer comes.
        found = in_its_own(
            means, program_id, KEY, lambda session: seating.end_with_roles(session, by=posting.BY_AGENDAS, at=at)
        )
        found += in_its_own(means, program_id, KEY, lambda session: len(invitations.tell_all(session, at=at)))
        found += in_its_own(
            means, program_id, KEY, lambda session: unclosed.ask_to_close(session, by=posting.BY_AGENDAS, at=at)
        )
        # Before agendas go out: one that is frozen by then takes an objection as what could not wait.
        found += in_its_own(means, program_id, KEY, lambda session: len(objections.bring_all(session, at=at)))
        for meeting_id in _due(means, program_id, lambda session: assembling.due_to_circulate(session, at)):
            found += in_its_own(means, program_id, KEY, partial(_circulate, meeting_id=meeting_id, at=at))
        for meeting_id in _due(means, program_id, lambda session: assembling.due_to_freeze(session, at)):
            found += in_its_own(means, program_id, KEY, partial(_freeze, meeting_id=meeting_id, at=at))
        found += in_its_own(
            means, program_id, KEY, lambda session: len(drafting.draft_due(session, by=posting.BY_AGENDAS, at=at))
        )
        with means.sessions(program_id) as session:
            set_mark(session, KEY, at, ran_by, found)
            session.commit()
    return found


def _circulate(session: Session, meeting_id: UUID, at: datetime) -> int:
    if read_meeting(session, meeting_id).agenda_frozen_at is None:
        assembling.draw_up(session, meeting_id, by=posting.BY_AGENDAS, at=at)
    return _send(session, meeting_id, freezing.circulate, "circulated", at)


def _freeze(session: Session, meeting_id: UUID, at: datetime) -> int:
    meeting = read_meeting(session, meeting_id)
    if meeting.starts_at <= at and meeting.agenda_circulated_at is None:
        return 0  # a meeting that began before anyone looked has no agenda to send
    assembling.draw_up(session, meeting_id, by=posting.BY_AGENDAS, at=at)
    return _send(session, meeting_id, freezing.freeze, "frozen", at)


def _send(session: Session, meeting_id: UUID, send_out: Callable[..., Outgoing], what: Occasion, at: datetime) -> int:
    """Send an agenda as it is circulated or frozen; where a rule refuses, the coordinator is told that it is stuck."""
    try:
        with session.begin_nested():
            _hold_back(session, meeting_id, at)
            posting.post(session, send_out(session, meeting_id, by=posting.BY_AGENDAS, at=at), what, at=at)
    except Refusal as refusal:
        return posting.tell_stuck(session, read_meeting(session, meeting_id), refusal, at=at)
    return 1


def _hold_back(session: Session, meeting_id: UUID, at: datetime) -> None:
    """Hold back what members wrote and no one looked at yet; the coordinator is told how much."""
    held = held_words.hold_back(session, meeting_id, by=posting.BY_AGENDAS, at=at)
    if held:
        posting.tell_held(session, read_meeting(session, meeting_id), held, at=at)


def _due(means: Means, program_id: UUID, find: Callable[[Session], tuple[UUID, ...]]) -> tuple[UUID, ...]:
    with means.sessions(program_id) as session:
        return find(session)
