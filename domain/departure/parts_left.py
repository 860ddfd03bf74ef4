"""The part in a follow-up that a worker leaves: who may have it next, and how its participant wants that done."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlmodel import Session, or_

from domain.accompaniment import proposals
from domain.follow_ups import assigning
from domain.holdings import FOLLOW_UP, without_a_follower
from domain.kernel import Refusal, col, first, joins, local_day, of, only, surely, tuples
from domain.terms import PRIMARY
from locales import N_
from models.casework import Evidence, Task
from models.follow_up import Assignment, FollowUp


def part_of(session: Session, task: Task) -> Assignment | None:
    """The leaver's part in the follow-up that a task asks about, while it goes on or no one has its place."""
    if task.holding != FOLLOW_UP:
        return None
    return first(
        session,
        of(Assignment).where(
            col(Assignment.id) == UUID(task.item), or_(col(Assignment.ended_at).is_(None), without_a_follower())
        ),
    )


def considered_for(session: Session, task: Task, leaver_id: UUID, at: datetime) -> list[proposals.WorkerProposal]:
    """The workers to consider for the follow-up of a task, the best fit first, those who cannot have it last.

    The place of the second of a pair is not for the primary worker, whose own place it would leave empty.
    """
    part = part_of(session, task)
    if part is None:
        return []
    row = surely(first(session, of(FollowUp).where(FollowUp.id == part.follow_up_id)))
    offered = proposals.proposals(session, row.participant_id, at=at, asks=row.intensity)
    not_for = {leaver_id, *primary_beside(session, part, local_day(session, at))}
    return [one_of for one_of in offered if one_of.person_id not in not_for]


def fit_for(session: Session, task: Task, leaver_id: UUID, at: datetime) -> list[proposals.WorkerProposal]:
    """Those who can be assigned a task's follow-up, with what speaks for each, the best fit first. DP-03a, DP-03b."""
    return [one_of for one_of in considered_for(session, task, leaver_id, at) if one_of.possible]


def ways_agreed(session: Session, case_id: UUID) -> dict[str, str]:
    """How each participant wants the hand-over of a departure's follow-ups, where that is agreed; by the item. DP-04"""
    rows = tuples(
        session,
        only(Task.item, Evidence.label)
        .join(Evidence, joins(Evidence.task_id, Task))
        .where(
            Task.case_id == case_id,
            Task.evidence == "way",
            Evidence.kind == "way",
            col(Evidence.withdrawn_at).is_(None),
        )
        .order_by(col(Evidence.added_at)),
    )
    return dict(rows)


def primary_beside(session: Session, part: Assignment, day: date) -> set[UUID]:
    """The follow-up's primary worker on a local day, where the part is the second's; else none."""
    beside = assigning.on_day(session, day, follow_up_ids=[part.follow_up_id])
    return {row.person_id for row in beside if row.kind == PRIMARY != part.kind}


def refuse_primary(session: Session, part: Assignment, to_id: UUID, at: datetime) -> None:
    """Refuse to give the second's part in a follow-up to its primary worker."""
    if to_id in primary_beside(session, part, local_day(session, at)):
        said = N_(
            "This person is already the primary worker of this follow-up. Choose someone "
            "else as the second, or leave it vacant with the reason."
        )
        raise Refusal("successor.primary", said, source="DP-03b")
