"""What is told to no one until it is decided: after a restore, news of meetings of which people were told otherwise.

A season or a meeting that people were told of since the copy waits as a whole. Where it waits whether a person is
expected at all, by a seat, as a guest or for someone who is away, they go on with what they were told.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.kernel import MATTER, Refusal, col, is_undecided, only, scalars
from locales import N_
from meetings.entries import CalendarEntry
from meetings.invitees import Invitees, invitees_of
from meetings.itip import Message
from meetings.shown_entries import Invitable
from models.meeting import Meeting

#: The kinds of matters by which it may wait who is expected: of seats and guests, of absences and committees.
_WHO_COMES: Final = ("role", "other")


@dataclass(frozen=True)
class Kept:
    """A season or a meeting that a restore changed and that is kept, and the people who were told of it before that."""

    id: UUID
    people: Collection[UUID]


def told_now(session: Session, things: Iterable[Invitable], kept: Kept | None) -> list[Invitable]:
    """Those of these seasons and meetings of which people may be told: none that waits, or what is `kept` alone."""
    if kept is not None:
        return [one for one in things if one.id == kept.id]
    asked = only(MATTER.subject_id).where(MATTER.kind == "meeting", col(MATTER.decided_at).is_(None))
    waiting = frozenset(scalars(session, asked))
    return [one for one in things if one.id not in waiting]


def refuse_while_waiting(session: Session, meeting: Meeting) -> None:
    """Refuse to change a meeting, or to send papers of it, while it waits what people were told. Raises Refusal."""
    refuse_while_any_waits(session, [meeting.series_id or meeting.id])


def refuse_while_any_waits(session: Session, ids: Collection[UUID]) -> None:
    """As `refuse_while_waiting`, of seasons and of meetings that stand alone."""
    if is_undecided(session, "meeting", col(MATTER.subject_id).in_(ids)):
        raise Refusal(
            "meeting.undecided",
            N_(
                "After the restore, people may have been told otherwise of this meeting or its season. Decide on that "
                "first, on the page “After a restore” (/restored)."
            ),
        )


def as_copied(session: Session, meetings: Sequence[Meeting], committee_ids: Collection[UUID]) -> Invitees | None:
    """Who is invited to these meetings as the copy has it; None where nothing of that waits to be decided."""
    if not any(is_undecided(session, kind) for kind in _WHO_COMES):
        return None
    return invitees_of(session, meetings, committee_ids, as_copied=True)


def as_far_as_decided(
    meetings: Sequence[Meeting], now: Invitees, copied: Invitees | None, told: Mapping[UUID, CalendarEntry | None]
) -> dict[UUID, list[Meeting]]:
    """Which of these meetings each person is to see: where it waits whether one invites them, if they were told so."""
    theirs = now.by_person(meetings)
    if copied is None:
        return theirs
    before = copied.by_person(meetings)
    found: dict[UUID, list[Meeting]] = {}
    for person_id in {*theirs, *before}:
        invited, was_invited = ({one.id for one in by.get(person_id, ())} for by in (theirs, before))
        known = told.get(person_id)
        sees = [
            one
            for one in meetings
            if one.id in invited & was_invited or (one.id in invited ^ was_invited and _knows(known, one))
        ]
        if sees:
            found[person_id] = sees
    return found


def newer(messages: Iterable[Message]) -> tuple[Message, ...]:
    """Messages above all that calendars were told, also since a copy; what was answered to a date stays."""
    return tuple(replace(one, bumps=True, keeps_answers=True) for one in messages)


def _knows(told: CalendarEntry | None, meeting: Meeting) -> bool:
    """Whether a person was told last that this meeting is theirs."""
    if told is None or meeting.original is None:
        return told is not None
    return told.held(meeting.original) is not None
