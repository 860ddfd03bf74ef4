"""Putting steps of a case on a committee's agenda while they are open, and taking them off when they no longer are."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlmodel import Session

from domain.accompaniment.workers import DECIDE
from domain.casework import scheduling, subjects
from domain.declarations.protocol import Agenda
from domain.kernel.actors import ENGINE, Actor
from domain.kernel.refusals import Refusal
from domain.kernel.scope import local_day, many, one, program_of
from domain.terms.admission import ADMISSION
from locales import N_, say
from meetings import admissions, agendas
from meetings.partner_years import year_record
from meetings.reasons import ENDED, Reason
from meetings.resting import is_decided_in_part
from models.agenda import AgendaItem
from models.base import refers, table_of
from models.casework import Case, Task
from models.committee import Committee
from models.meeting import Meeting

_log = logging.getLogger(__name__)

BY_ENGINE: Final = Actor.system(ENGINE)

_task = table_of(Task)
_case = table_of(Case)
_item = table_of(AgendaItem)
_committee = table_of(Committee)
_meeting = table_of(Meeting)


def put_on_agendas(session: Session, case: Mapping[str, Any], *, at: datetime) -> None:
    """Ask for an agenda item for each step of a held case that is open and wants one; withdraw what is not open.

    A decision on the item completes the step. Where the committee takes no such items, the step stays with whoever
    owes it, and the log says so.
    """
    steps = scheduling.pinned_protocol(session, case["protocol_version_id"]).by_id
    wanted = {name: step.agenda for name, step in steps.items() if step.agenda}
    if not wanted:
        return
    rows = many(
        session,
        select(_task)
        .where(
            _task.c.program_id == program_of(session),
            _task.c.case_id == case["id"],
            _task.c.step.in_(wanted),
            _task.c.opened_at.is_not(None),
        )
        .order_by(_task.c.position),
    )
    for row in rows:
        try:
            with session.begin_nested():
                _put(session, case, row, wanted[row["step"]], at)
        except Refusal as refusal:
            _log.warning("a step could not be put on an agenda", extra={"case": case["id"], "code": refusal.code})


def forgotten(session: Session, *, only: UUID | None = None) -> list[UUID]:
    """The cases of candidates on whom the committee has still to decide, and whom none of its agendas has.

    Nobody else would hear of them: the step has no due day. However the item went: it was withdrawn or referred
    elsewhere, or no rule took it when it was asked for. One that says that its fact no longer holds is not it. `only`
    looks at one case alone.
    """
    waits = or_(
        _item.c.state.in_(["pool", "scheduled"]),
        # What is carried over waits in the pool once the meeting is closed.
        and_(_item.c.outcome == "carried", _meeting.c.state == "under_way"),
    )
    there = (
        select(_item.c.id)
        .join(_committee, refers(_item.c.committee_id, _committee))
        .outerjoin(_meeting, refers(_item.c.meeting_id, _meeting))
        .where(
            _item.c.program_id == _task.c.program_id,
            _item.c.task_id == _task.c.id,
            _committee.c.key == admissions.COMMITTEE,
            ~_item.c.reasons.contains([{"code": ENDED}]),
            waits,
        )
    )
    return list(
        session.scalars(
            select(_case.c.id)
            .join(_task, (_task.c.program_id == _case.c.program_id) & (_task.c.case_id == _case.c.id))
            .where(
                _case.c.program_id == program_of(session),
                _case.c.protocol == ADMISSION,
                _case.c.state == "open",
                _task.c.step == DECIDE,
                _task.c.state == "open",
                ~there.exists(),
                *([] if only is None else [_case.c.id == only]),
            )
            .order_by(_case.c.id)
        )
    )


def put_back(session: Session, case_id: UUID, *, at: datetime) -> int:
    """Put what a case wants of a committee on its agendas again; how many such cases an agenda now has: one or none."""
    case = one(
        session,
        select(_case).where(_case.c.program_id == program_of(session), _case.c.id == case_id).with_for_update(),
    )
    if case is None:
        return 0
    put_on_agendas(session, case, at=at)
    return int(not forgotten(session, only=case_id))


def _put(session: Session, case: Mapping[str, Any], task: Mapping[str, Any], agenda: Agenda, at: datetime) -> None:
    words = subjects.in_words(session, [case["id"]], "fr")[case["id"]]
    # A participant's item goes by the number or the candidate's reference, by which it circulates anyway.
    subject = words.subject if words.kind == "participant" else f"task/{task['id']}"
    # What the committee decided on it, and the partners have still to endorse, is not asked of the committee again.
    if case["state"] != "open" or task["state"] != "open" or is_decided_in_part(session, task["id"]):
        agendas.withdraw(session, agenda.committee, agenda.kind, subject, by=BY_ENGINE, at=at, task_id=task["id"])
        return
    titles = {language: _title(session, case, task, language) for language in ("fr", "en")}
    opened = local_day(session, task["opened_at"])
    since = opened.isoformat()
    asked = Reason("step_open", N_("A procedure asks it of the committee since %(since)s."), {"since": since})
    # Of a case about an agreement, its partner's year up to the day on which the step opened.
    of_year = (
        year_record(session, case["organization_id"], opened) if case["subject_kind"] == "agreement_version" else ()
    )
    agendas.ask(
        session,
        agenda.committee,
        agenda.kind,
        subject,
        title_fr=titles["fr"],
        title_en=titles["en"],
        reasons=[asked, *of_year],
        by=BY_ENGINE,
        at=at,
        task_id=task["id"],
    )


def _title(session: Session, case: Mapping[str, Any], task: Mapping[str, Any], language: str) -> str:
    """The step and what it is about. Never a person: of a case about one, only the organization is said."""
    words = subjects.in_words(session, [case["id"]], language)[case["id"]]
    about = words.organization if words.kind == "worker" else words.subject
    return say(language, _TITLE, step=task[f"title_{language}"], about=about)


_TITLE = N_("%(step)s – %(about)s")
