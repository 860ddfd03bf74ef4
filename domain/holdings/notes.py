"""Progress notes that a worker owes and did not finish, each by the participant's number and the week. Guide: DP-05."""

from __future__ import annotations

from typing import Final

from domain.follow_ups import owed
from domain.holdings.holding import Holding, Leaving
from domain.kernel import both, col, joins, only, same, surely, tuples
from locales import N_
from models.follow_up import Assignment, FollowUp, WeeklyNote
from models.participant import Participant

NOTE: Final = "note"

_NOTE = N_("Note of %(number)s, week of %(day)s")


def unfinished_of(leaving: Leaving) -> list[Holding]:
    """The notes that they began and left unfinished, and those that may still be written of weeks that are over.

    The week of their last day is among them from that day on. A note is out of their hands when anyone finishes it.
    """
    session = leaving.session
    due = {
        (one.follow_up_id, one.week): one.organization_id
        for one in owed.missing(
            session, leaving.day, people=[leaving.person_id], last_day=leaving.last_day, back=owed.WEEKS_WRITTEN
        )
    }
    begun = tuples(
        session,
        only(WeeklyNote.follow_up_id, WeeklyNote.week, Assignment.organization_id)
        .outerjoin(
            Assignment,
            same(Assignment, WeeklyNote)
            & (col(Assignment.follow_up_id) == col(WeeklyNote.follow_up_id))
            & (col(Assignment.person_id) == col(WeeklyNote.written_by))
            & col(Assignment.withdrawn_at).is_(None),
        )
        .where(
            WeeklyNote.written_by == leaving.person_id,
            ~col(WeeklyNote.is_complete),
            leaving.began_by_then(col(WeeklyNote.week)),
        )
        .order_by(col(Assignment.starts_on)),
    )
    found = due | {(follow_up_id, week): place for follow_up_id, week, place in begun}
    numbered = only(FollowUp.id, surely(Participant.number)).join(
        Participant, joins(FollowUp.participant_id, Participant)
    )
    numbers = dict(tuples(session, numbered.where(col(FollowUp.id).in_({follow_up for follow_up, _ in found}))))
    weeks = sorted(found.items(), key=lambda one: (numbers[one[0][0]], one[0][1]))
    return [
        Holding(
            NOTE,
            owed.owed_id(follow_up_id, week, leaving.person_id),
            both(_NOTE, number=numbers[follow_up_id], day=week),
            f"/follow-ups/{follow_up_id}",
        )
        for (follow_up_id, week), organization_id in weeks
        if leaving.concerns(organization_id)
    ]
