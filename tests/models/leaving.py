"""Who leaves, in its tables: a departure, what became of a thing, a hand-over with its summary, and an interview."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from sqlalchemy import select

from models.base import table_of
from models.casework import Task, TaskWords
from models.departure import Departure, FollowUpSummary, HandOver, Interview, Settlement
from models.follow_up import FollowUp
from tests.cast import AT, TODAY, Cast

_task = table_of(Task)
_follow_up = table_of(FollowUp)


def leave(cast: Cast) -> None:
    """Rows of every table of departures, as the verbs write them: those are a layer above these tests."""
    with cast.session() as session:
        here: dict[str, Any] = {"program_id": cast.program_id}
        person = cast.people["coordinator"]
        task = session.execute(
            select(_task.c.id, _task.c.case_id)
            .where(_task.c.program_id == cast.program_id, _task.c.case_id.is_not(None))
            .limit(1)
        ).one()
        session.add(
            Departure(
                **here,
                case_id=task.case_id,
                person_id=cast.people["worker_em"],
                organization_id=cast.organizations["en-marge"],
                last_day=TODAY,
                was_to_end={},
            )
        )
        session.add(
            Settlement(
                **here,
                case_id=task.case_id,
                task_id=task.id,
                kind="task",
                holding_id=uuid4(),
                successor_id=cast.people["manager_em"],
                settled_at=AT,
                settled_by=person,
                settled_as="coordinator",
            )
        )
        follow_up = session.execute(
            select(_follow_up.c.id).where(_follow_up.c.program_id == cast.program_id).limit(1)
        ).scalar_one()
        session.add(
            HandOver(
                **here,
                case_id=task.case_id,
                task_id=task.id,
                follow_up_id=follow_up,
                from_id=cast.people["worker_em"],
                to_id=cast.people["manager_em"],
                proposed_at=AT,
                proposed_by=person,
                answer_by=TODAY,
            )
        )
        session.add(
            FollowUpSummary(
                **here, follow_up_id=follow_up, task_id=task.id, words=b"sealed", written_by=person, written_at=AT
            )
        )
        session.add(
            TaskWords(
                **here,
                task_id=task.id,
                participant_id=session.execute(
                    select(_follow_up.c.participant_id).where(_follow_up.c.id == follow_up)
                ).scalar_one(),
                sealed=b"sealed",
            )
        )
        session.add(
            Interview(
                **here,
                case_id=task.case_id,
                applicant=1,
                interviewer_id=person,
                leadership=80,
                clinical=70,
                recorded_at=AT,
            )
        )
