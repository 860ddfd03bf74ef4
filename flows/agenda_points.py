"""Putting steps of a case on a committee's agenda while they are open, and taking them off when they no longer are."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session, and_, or_

from domain.accompaniment import DECIDE
from domain.casework import scheduling, subjects
from domain.declarations import AgendaPlace
from domain.kernel import (
    ENGINE,
    Actor,
    Refusal,
    col,
    every,
    first,
    joins,
    local_day,
    of,
    only,
    same,
    scalars,
    select,
    surely,
    title_of,
)
from domain.terms import ADMISSION
from locales import N_, say
from meetings import admissions, agendas
from meetings.agenda_items import STILL_HOLDS
from meetings.partner_years import year_record
from meetings.resting import is_decided_in_part
from models.agenda import AgendaItem, ItemReason
from models.casework import Case, Task
from models.committee import Committee
from models.meeting import Meeting

_log = logging.getLogger(__name__)

BY_ENGINE: Final = Actor.system(ENGINE)


def put_on_agendas(session: Session, case: Case, *, at: datetime) -> None:
    """Request an agenda item for each open step of a locked case that wants one; withdraw those of other steps.

    A decision on the item completes the step. Where the committee takes no such items, the step stays with its owner,
    and the log says so.
    """
    steps = scheduling.pinned_protocol(session, case.protocol_version_id).by_id
    wanted = {name: step.agenda for name, step in steps.items() if step.agenda}
    if not wanted:
        return
    rows = every(
        session,
        of(Task)
        .where(Task.case_id == case.id, col(Task.step).in_(wanted), col(Task.opened_at).is_not(None))
        .order_by(col(Task.position)),
    )
    for row in rows:
        try:
            with session.begin_nested():
                _put(session, case, row, wanted[row.step], at)
        except Refusal as refusal:
            _log.warning("a step could not be put on an agenda", extra={"case": case.id, "code": refusal.code})


def forgotten(session: Session, *, case_id: UUID | None = None) -> list[UUID]:
    """The cases of candidates that wait for the committee's decision and are on none of its agendas.

    No one else would be told of them: the step has no due day. The item may have been withdrawn or referred elsewhere,
    or no rule took it when it was requested. An item that says that its fact no longer holds does not count. `case_id`
    looks at one case alone.
    """
    waits = or_(
        col(AgendaItem.state).in_(["pool", "scheduled"]),
        # What is carried over waits in the pool after the meeting is closed.
        and_(AgendaItem.outcome == "carried", Meeting.state == "under_way"),
    )
    there = (
        select(AgendaItem.id)
        .join(Committee, joins(AgendaItem.committee_id, Committee))
        .outerjoin(Meeting, joins(AgendaItem.meeting_id, Meeting))
        .where(joins(AgendaItem.task_id, Task), Committee.key == admissions.COMMITTEE, STILL_HOLDS, waits)
    )
    return list(
        scalars(
            session,
            only(Case.id)
            .join(Task, same(Task, Case) & (col(Task.case_id) == col(Case.id)))
            .where(
                Case.protocol == ADMISSION,
                Case.state == "open",
                Task.step == DECIDE,
                Task.state == "open",
                ~there.exists(),
                *([] if case_id is None else [col(Case.id) == case_id]),
            )
            .order_by(col(Case.id)),
        )
    )


def put_back(session: Session, case_id: UUID, *, at: datetime) -> int:
    """Put what a case wants of a committee on its agendas again; how many such cases an agenda now has: one or none."""
    case = first(session, of(Case).where(Case.id == case_id).with_for_update())
    if case is None:
        return 0
    put_on_agendas(session, case, at=at)
    return int(not forgotten(session, case_id=case_id))


def _put(session: Session, case: Case, task: Task, agenda: AgendaPlace, at: datetime) -> None:
    words = subjects.in_words(session, [case.id], "fr")[case.id]
    # A participant's item goes by the number or the candidate's reference, by which it circulates anyway.
    subject = words.subject if words.kind == "participant" else f"task/{task.id}"
    # A step that the committee decided, and the partners have still to endorse, is not asked of the committee again.
    if case.state != "open" or task.state != "open" or is_decided_in_part(session, task.id):
        agendas.withdraw(session, agenda.committee, agenda.kind, subject, by=BY_ENGINE, at=at, task_id=task.id)
        return
    opened = local_day(session, surely(task.opened_at))
    facts = {"since": opened.isoformat()}
    reasons = [ItemReason("step_open", N_("A procedure has asked this of the committee since %(since)s."), facts)]
    # For a case about an agreement, its partner's year up to the day on which the step opened.
    if case.subject_kind == "agreement_version":
        reasons += year_record(session, surely(case.organization_id), opened)
    agendas.ask(
        session,
        agenda.committee,
        agenda.kind,
        subject,
        title_fr=_title(session, case, task, "fr"),
        title_en=_title(session, case, task, "en"),
        reasons=reasons,
        by=BY_ENGINE,
        at=at,
        task_id=task.id,
    )


def _title(session: Session, case: Case, task: Task, language: str) -> str:
    """The step and its subject. Never a person: for a case about one, only the organization is said."""
    words = subjects.in_words(session, [case.id], language)[case.id]
    about = words.organization if words.kind == "worker" else words.subject
    return say(language, _TITLE, step=title_of(task, language), about=about)


_TITLE = N_("%(step)s – %(about)s")
