"""What the engine does by itself in a departure: the last day, and the summaries for the Clinical Committee."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import cast, select
from sqlalchemy.types import Uuid
from sqlmodel import Session

from duties import departures
from duties.actors import Actor
from duties.here import local_day, many, program_of
from flows.engine import Act, Action
from locales import N_, say
from meetings import agendas
from meetings.reasons import Reason
from models.agenda import AgendaItem
from models.base import refers, table_of
from models.casework import Task
from models.follow_up import Assignment, FollowUp
from models.participant import Participant

#: The committee that talks about follow-ups, and the kind under which its file takes a summary.
CLINICAL: Final = "clinical"
SUMMARY: Final = "follow_up_summary"
#: The step that writes one.
WRITTEN: Final = "write_summary"

_item = table_of(AgendaItem)
_task = table_of(Task)
_assignment = table_of(Assignment)
_follow_up = table_of(FollowUp)
_participant = table_of(Participant)

_TITLE = N_("%(number)s: hand-over, where the follow-up stands")
_WHY = N_("The worker leaves; the summary was ready on %(day)s.")


def keep_last_day(session: Session, act: Act, by: Actor, at: datetime) -> None:
    """Have the roles that are left behind end on the last day. Opening a departure did so; taking it up again does."""
    departures.take_up_again(session, act.case_id, by=by, at=at)


def is_kept(session: Session, act: Act, at: datetime) -> bool:  # noqa: ARG001 - an action's shape
    """Whether the departure holds."""
    return not departures.is_called_off(session, act.case_id)


def call_off(session: Session, act: Act, by: Actor, at: datetime) -> None:
    """Have the roles end when they were to end before: the person stays."""
    departures.call_off(session, act.case_id, by=by, at=at)


def is_called_off(session: Session, act: Act, at: datetime) -> bool:  # noqa: ARG001 - an action's shape
    """Whether the departure was called off."""
    return departures.is_called_off(session, act.case_id)


def put_summaries_on_agenda(session: Session, act: Act, by: Actor, at: datetime) -> None:
    """Have the Clinical Committee talk about each follow-up that is handed over, by number. Guide: DP-06."""
    ask_for_summaries(session, act.case_id, by=by, at=at)


def ask_for_summaries(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> None:
    """Put each summary that was written in a departure on the agenda, once: those that join late among them.

    One about which the committee was asked since it was written is left as it is, whatever became of it.
    """
    for row in _summaries(session, case_id):
        if row["asked"]:
            continue
        agendas.ask(
            session,
            CLINICAL,
            SUMMARY,
            row["number"],
            title_fr=say("fr", _TITLE, number=row["number"]),
            title_en=say("en", _TITLE, number=row["number"]),
            reasons=[Reason("departure", _WHY, {"day": local_day(session, at).isoformat()})],
            by=by,
            at=at,
        )


def are_on_agenda(session: Session, act: Act, at: datetime) -> bool:  # noqa: ARG001 - an action's shape
    """Whether the committee was asked to talk about each of them."""
    return all(row["asked"] for row in _summaries(session, act.case_id))


def _summaries(session: Session, case_id: UUID) -> list[dict[str, Any]]:
    """The participants whose summary was written in a case, by number, and whether the committee was asked since."""
    here = program_of(session)
    asked = (
        select(_item.c.id)
        .where(
            _item.c.program_id == here,
            _item.c.kind == SUMMARY,
            _item.c.subject == _participant.c.number,
            _item.c.asked_at >= _task.c.done_at,
        )
        .exists()
    )
    return many(
        session,
        select(_participant.c.number, asked.label("asked"))
        .select_from(_task)
        .join(
            _assignment,
            (_assignment.c.program_id == _task.c.program_id) & (_assignment.c.id == cast(_task.c.item, Uuid())),
        )
        .join(_follow_up, refers(_assignment.c.follow_up_id, _follow_up))
        .join(_participant, refers(_follow_up.c.participant_id, _participant))
        .where(
            _task.c.program_id == here,
            _task.c.case_id == case_id,
            _task.c.step == WRITTEN,
            _task.c.state == "done",
        )
        .order_by(_participant.c.number),
    )


ACTIONS: Final[Mapping[str, Action]] = {
    "keep_last_day": Action(keep_last_day, is_kept),
    "call_off_departure": Action(call_off, is_called_off),
    "put_summaries_on_agenda": Action(put_summaries_on_agenda, are_on_agenda),
}
"""What a step of this protocol may name as its action, or as its undo."""
