"""Asking the Clinical Committee to talk about the follow-ups that a departure hands over, once summed up."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, cast, or_, select
from sqlalchemy.types import Uuid
from sqlmodel import Session

from domain.follow_ups.summaries import ON_AGENDA, WRITTEN
from domain.kernel.actors import Actor
from domain.kernel.scope import local_day, many, program_of
from domain.terms.days import CLINICAL
from locales import N_, say
from meetings import agendas
from meetings.reasons import ENDED, Reason
from models.agenda import AgendaItem
from models.base import refers, table_of
from models.casework import Task
from models.follow_up import Assignment, FollowUp
from models.participant import Participant
from models.record import Event

_item = table_of(AgendaItem)
_task = table_of(Task)
_assignment = table_of(Assignment)
_follow_up = table_of(FollowUp)
_participant = table_of(Participant)
_event = table_of(Event)

_TITLE = N_("%(number)s: hand-over, status of the follow-up")
_WHY = N_("The worker leaves; the summary was ready on %(day)s.")


def ask_for_summaries(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> None:
    """Put each summary that was written in a departure on the agenda, once: those that join late among them.

    One about which the committee was asked since, or whose item it had then, is left as it is, whatever became of it.
    """
    for row in summaries_of(session, case_id):
        if row["asked"]:
            continue
        agendas.ask(
            session,
            CLINICAL,
            ON_AGENDA,
            row["number"],
            title_fr=say("fr", _TITLE, number=row["number"]),
            title_en=say("en", _TITLE, number=row["number"]),
            reasons=[Reason("departure", _WHY, {"day": local_day(session, at).isoformat()})],
            by=by,
            at=at,
        )


def summaries_of(session: Session, case_id: UUID) -> list[dict[str, Any]]:
    """The participants whose summary was written in a case, by number, and whether the committee is asked of it.

    It was asked since, or has an item about them before it still, or had one when the summary was written: it reads the
    summary as it stands by then, and a correction puts nothing before it twice.
    """
    here = program_of(session)
    withdrawn = (
        select(_event.c.id)
        .where(
            _event.c.program_id == _item.c.program_id,
            _event.c.subject_id == _item.c.id,
            _event.c.verb == "agenda_item.withdrawn",
            _event.c.at >= _task.c.done_at,
        )
        .exists()
    )
    asked = (
        select(_item.c.id)
        .where(
            _item.c.program_id == here,
            _item.c.kind == ON_AGENDA,
            _item.c.subject == _participant.c.number,
            or_(
                _item.c.asked_at >= _task.c.done_at,
                # One whose fact is over, as printed on a frozen agenda, has to hold again.
                and_(_item.c.state.in_(["pool", "scheduled"]), ~_item.c.reasons.contains([{"code": ENDED}])),
                _item.c.settled_at >= _task.c.done_at,
                and_(_item.c.state == "withdrawn", withdrawn),
            ),
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
