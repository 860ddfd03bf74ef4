"""Progress notes that a worker owes and did not finish, each by the participant's number and the week. Guide: DP-05."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from domain.follow_ups import owed
from domain.holdings.holding import Holding, Leaving
from domain.kernel.bilingual import both
from domain.kernel.scope import many, program_of
from locales import N_
from models.base import refers, table_of
from models.follow_up import Assignment, FollowUp, WeeklyNote
from models.participant import Participant

NOTE: Final = "note"

_assignment = table_of(Assignment)
_follow_up = table_of(FollowUp)
_note = table_of(WeeklyNote)
_participant = table_of(Participant)

_NOTE = N_("Note of %(number)s, week of %(day)s")


def unfinished_of(leaving: Leaving) -> list[Holding]:
    """The notes that they began and left unfinished, and those of weeks that are over and that they owe still.

    The week of their last day is among them from that day on. A note is out of their hands once
    somebody finishes it, whoever that is.
    """
    session, here = leaving.session, program_of(leaving.session)
    due = {
        (one.follow_up_id, one.week): one.organization_id
        for one in owed.missing(session, leaving.day, people=[leaving.person_id], last_day=leaving.last_day)
    }
    begun = many(
        session,
        select(_note.c.follow_up_id, _note.c.week, _assignment.c.organization_id)
        .outerjoin(
            _assignment,
            (_assignment.c.program_id == _note.c.program_id)
            & (_assignment.c.follow_up_id == _note.c.follow_up_id)
            & (_assignment.c.person_id == _note.c.written_by)
            & _assignment.c.withdrawn_at.is_(None),
        )
        .where(
            _note.c.program_id == here,
            _note.c.written_by == leaving.person_id,
            ~_note.c.is_complete,
            leaving.began_by_then(_note.c.week),
        )
        .order_by(_assignment.c.starts_on),
    )
    found = due | {(row["follow_up_id"], row["week"]): row["organization_id"] for row in begun}
    numbered = session.execute(
        select(_follow_up.c.id, _participant.c.number)
        .join(_participant, refers(_follow_up.c.participant_id, _participant))
        .where(_follow_up.c.program_id == here, _follow_up.c.id.in_({follow_up for follow_up, _ in found}))
    )
    numbers = {row.id: row.number for row in numbered}
    return [
        Holding(
            NOTE,
            owed.owed_id(follow_up_id, week, leaving.person_id),
            both(_NOTE, number=numbers[follow_up_id], day=week),
            f"/follow-ups/{follow_up_id}",
        )
        for (follow_up_id, week), organization_id in sorted(
            found.items(), key=lambda one: (numbers[one[0][0]], one[0][1])
        )
        if leaving.concerns(organization_id)
    ]
