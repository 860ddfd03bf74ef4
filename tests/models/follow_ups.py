"""Follow-ups in their tables: one under way, one that ended; parts, a break, attempts, a missed meeting, notes."""

from __future__ import annotations

import secrets
from datetime import time, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select

from models.base import table_of
from models.casework import Task
from models.discussion import CaseDiscussion, ProcessMark
from models.follow_up import (
    Activity,
    ActivityPart,
    Assignment,
    ContactAttempt,
    FollowUp,
    FollowUpBreak,
    NoShow,
    NoteImport,
    NoteImportSheet,
    SelfReport,
    WeeklyNote,
)
from models.meeting import Meeting
from models.participant import Participant
from tests.cast import AT, TODAY, Cast

_task = table_of(Task)
_participant = table_of(Participant)
_meeting = table_of(Meeting)

#: What stands where something is sealed. These tests are of the tables: they open nothing.
SEALED = secrets.token_bytes(64)
MONDAY = TODAY - timedelta(days=TODAY.weekday())


def accompany(cast: Cast) -> None:
    """Rows of every table of follow-ups, as the verbs write them: those are a layer above these tests."""
    with cast.session() as session:
        here: dict[str, Any] = {"program_id": cast.program_id}
        coordinator, worker = cast.people["coordinator"], cast.people["worker_em"]
        people = session.scalars(
            select(_participant.c.id)
            .where(_participant.c.program_id == cast.program_id, _participant.c.state != "destroyed")
            .order_by(_participant.c.number.nulls_last())
        ).all()
        vacancy: UUID = session.execute(
            select(_task.c.id).where(_task.c.program_id == cast.program_id).limit(1)
        ).scalar_one()
        under_way, ended = uuid4(), uuid4()
        known: dict[str, Any] = {
            "state_since": TODAY,
            "state_at": AT,
            "state_by": coordinator,
            "state_as": "coordinator",
            "active_since": TODAY,
            "active_at": AT,
            "opened_on": TODAY,
            "opened_at": AT,
            "opened_by": coordinator,
        }
        session.add(FollowUp(**here, **known, id=under_way, participant_id=people[0], vacancy_task_id=vacancy))
        session.add(
            FollowUp(
                **here, **known, id=ended, participant_id=people[1], state="inactive", inactive_reason="lost_contact"
            )
        )
        session.flush()
        for kind, person in (("primary", worker), ("second", coordinator)):
            session.add(
                Assignment(
                    **here,
                    follow_up_id=under_way,
                    person_id=person,
                    organization_id=cast.organizations["en-marge"],
                    kind=kind,
                    starts_on=TODAY,
                    ends_on=TODAY + timedelta(days=30),
                    assigned_at=AT,
                    assigned_by=coordinator,
                    assigned_as="coordinator",
                    ended_at=AT,
                    ended_by=coordinator,
                    ended_as="coordinator",
                )
            )
        of_one: dict[str, Any] = {**here, "follow_up_id": under_way}
        session.add(
            FollowUpBreak(
                **of_one,
                starts_on=TODAY,
                returns_on=TODAY + timedelta(days=14),
                terms=SEALED,
                agreed_at=AT,
                agreed_by=worker,
            )
        )
        session.add(
            ContactAttempt(**of_one, tried_on=TODAY, means="call", reached=False, tried_by=worker, recorded_at=AT)
        )
        session.add(
            NoShow(
                **of_one,
                expected_at=AT - timedelta(hours=3),
                waited_minutes=15,
                strategy="new_meeting",
                agreed_on=TODAY,
                recorded_by=worker,
                recorded_at=AT,
            )
        )
        session.add(
            WeeklyNote(
                **of_one,
                week=MONDAY,
                why_none="no_news",
                words=SEALED,
                has_words=True,
                is_complete=True,
                written_by=worker,
                written_at=AT,
            )
        )
        session.add(SelfReport(**of_one, n=1, done_on=TODAY, risk="yellow", recorded_by=worker, recorded_at=AT))
        met: UUID = session.execute(
            select(_meeting.c.id).where(_meeting.c.program_id == cast.program_id).limit(1)
        ).scalar_one()
        raised: dict[str, Any] = {"raised": SEALED, "urgent": True, "raised_by": worker, "raised_at": AT}
        session.add(CaseDiscussion(**of_one, **raised))
        session.add(
            CaseDiscussion(
                **of_one,
                **raised,
                meeting_id=met,
                outcome="changes",
                said=SEALED,
                due_on=TODAY,
                task_id=vacancy,
                recorded_by=coordinator,
                recorded_at=AT,
            )
        )
        session.add(
            CaseDiscussion(
                **here, follow_up_id=ended, meeting_id=met, outcome="goes_on", recorded_by=coordinator, recorded_at=AT
            )
        )
        session.add(ProcessMark(**of_one, week=MONDAY, focus=True, marked_by=worker, marked_at=AT))
        for saved_as in (None, "youth_worker"):
            sent, saved_at = uuid4(), AT if saved_as else None
            saved: dict[str, Any] = {"saved_at": saved_at, "saved_as": saved_as}
            session.add(NoteImport(**here, **saved, id=sent, uploaded_by=worker, uploaded_at=AT, told=["links"]))
            session.flush()
            session.add(NoteImportSheet(**of_one, note_import_id=sent, position=1, name="J", lines=[{}], sealed=SEALED))
        activity = uuid4()
        at_noon: dict[str, Any] = {"begins": time(12), "minutes": 60}
        session.add(
            Activity(**here, **at_noon, id=activity, held_on=TODAY, kind="meal", planned_by=worker, planned_at=AT)
        )
        session.flush()
        session.add(ActivityPart(**of_one, activity_id=activity, place=1, alone=False, sealed=SEALED, where_mark="a"))
