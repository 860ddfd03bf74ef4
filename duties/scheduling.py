"""The due days and reminders of a case's tasks, from its protocol, its named days and its calendar."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_, select, update
from sqlmodel import Session

from duties.calendars import Calendar, Closure
from duties.declared import Bilingual
from duties.here import local_day, program, program_of
from duties.planning import due_on
from duties.protocol import Protocol, Step
from models.base import table_of
from models.casework import SETTLED, Case, ProtocolVersion, Task
from models.program import Closure as ClosureRow

_task = table_of(Task)


def calendar_of(session: Session, organization_id: UUID | None = None) -> Calendar:
    """The days on which the program works, and where an organization is named, on which it works too."""
    declared = program(session).calendar
    rows = session.scalars(
        select(ClosureRow).where(
            and_(
                ClosureRow.program_id == program_of(session),  # type: ignore[arg-type]
                or_(ClosureRow.organization_id.is_(None), ClosureRow.organization_id == organization_id),  # type: ignore[union-attr, arg-type]
            )
        )
    )
    closures = tuple(Closure(row.starts_on, row.ends_on, Bilingual(fr=row.reason_fr, en=row.reason_en)) for row in rows)
    return Calendar(country=declared["country"], subdivision=declared["subdivision"], closures=closures)


def protocol_of(version: ProtocolVersion) -> Protocol:
    """The protocol that a recorded version holds, as it was declared."""
    return Protocol.model_validate(version.declared)


def calendar_for(session: Session, protocol: Protocol, organization_id: UUID) -> Calendar:
    """The calendar that a protocol counts in for a case at this organization."""
    return calendar_of(session, organization_id if protocol.calendar == "employer" else None)


def timing(
    protocol: Protocol, step: Step, anchors: Mapping[str, date], calendar: Calendar, *, not_before: date
) -> dict[str, Any]:
    """The due day and the ladder of one step, as columns of its task. Empty where its anchor's day is not known yet.

    A due day that lies before `not_before`, the day the case opened, becomes the first working day from then:
    nobody is late for a day that had gone by before they were asked.
    """
    if step.due is None or step.due.anchor not in anchors:
        return {"due_on": None, "ladder": []}
    due = due_on(step, anchors[step.due.anchor], calendar)
    due = max(due, calendar.next_working_day(not_before))
    ladder = sorted(calendar.add_working_days(due, rung.after_working_days) for rung in protocol.remind)
    return {"due_on": due, "ladder": [day.isoformat() for day in ladder]}


def reschedule(session: Session, case_id: UUID) -> None:
    """Set the due days of a case's unsettled tasks anew, after one of its named days became known or moved.

    A reminder that was sent is not sent again: the ladder goes on from where it was.
    """
    case = session.get(Case, (program_of(session), case_id), populate_existing=True)
    if case is None:
        msg = "a case that is held does not exist"
        raise LookupError(msg)
    version = session.get(ProtocolVersion, (program_of(session), case.protocol_version_id))
    if version is None:
        msg = "a case's protocol version does not exist"
        raise LookupError(msg)
    protocol = protocol_of(version)
    calendar = calendar_for(session, protocol, case.organization_id)
    anchors = named_days(session, case, protocol)
    opened = local_day(session, case.opened_at)
    mine = and_(_task.c.program_id == program_of(session), _task.c.case_id == case_id)
    rows = session.execute(
        select(_task.c.id, _task.c.step, _task.c.state, _task.c.rung).where(mine, _task.c.state.not_in(SETTLED))
    ).all()
    for row in rows:
        step = protocol.by_id.get(row.step)
        if step is None:
            continue
        columns = timing(protocol, step, anchors, calendar, not_before=opened)
        left = columns["ladder"][row.rung :]
        session.execute(
            update(_task)
            .where(_task.c.program_id == program_of(session), _task.c.id == row.id)
            .values(
                **columns,
                next_check=date.fromisoformat(left[0]) if left and row.state == "open" else None,
                version=_task.c.version + 1,
            )
        )


def named_days(session: Session, case: Case, protocol: Protocol) -> dict[str, date]:
    """The days of a case that are known: those given when it opened, and the days on which certain steps were done."""
    days = {name: date.fromisoformat(day) for name, day in case.anchors.items()}
    for name, anchor in protocol.anchors.items():
        if anchor.step is None:
            continue
        done = session.scalars(
            select(_task.c.done_at).where(
                _task.c.program_id == program_of(session),
                _task.c.case_id == case.id,
                _task.c.step == anchor.step,
                _task.c.state == "done",
            )
        ).all()
        if done:
            days[name] = local_day(session, max(done))
    return days
