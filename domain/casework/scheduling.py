"""The due days and reminders of a case's tasks, from its protocol, its named days and its calendar."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple, TypedDict
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam
from sqlmodel import Session
from sqlmodel.sql.expression import Select as Picked

from domain.casework.lateness import had_passed, is_this, keep_lateness
from domain.declarations import PlannedDay, Protocol, planning
from domain.kernel import (
    Actor,
    Calendar,
    Question,
    built,
    calendar_of,
    changes,
    col,
    every,
    first,
    kept_by_id,
    local_day,
    of,
    only,
    periods,
    program_of,
    rewrite,
    run,
    surely,
    tuples,
)
from domain.record import events
from models.casework import LIVE, Case, ProtocolVersion, Task
from models.lifecycles import CASE, TASK
from models.program import Program

#: On which working days, counted from the due day, a duty outside any case reminds the one who owes it.
OUTSIDE_A_CASE: Final = (-2, 0, 3, 7)

#: Where a task's due rule keeps the day that was agreed on instead of the one that its protocol counts.
AGREED: Final = "agreed_on"

#: The calendar of a protocol that counts in the program's days alone, and in no organization's.
PROGRAM: Final = "program"


def version_of(session: Session, version_id: UUID) -> ProtocolVersion:
    """A recorded version of a protocol, which a case pins by this id."""
    version = session.get(ProtocolVersion, (program_of(session), version_id))
    if version is None:
        msg = "a case's protocol version does not exist"
        raise LookupError(msg)
    return version


def protocol_of(version: ProtocolVersion) -> Protocol:
    """The protocol that a recorded version holds, as it was declared."""
    return Protocol.model_validate(version.declared)


#: A version of a protocol never changes, so it is read once a process. There are as many as were ever declared.
_read: Final[dict[UUID, Protocol]] = {}


def pinned_protocol(session: Session, version_id: UUID) -> Protocol:
    """The protocol of the version that a case pins by this id."""
    if version_id not in _read:
        _read[version_id] = protocol_of(version_of(session, version_id))
    return _read[version_id]


def protocols_of(session: Session, case_ids: Iterable[UUID]) -> dict[UUID, Protocol]:
    """The protocol that each of these cases follows, in the version that it pins."""

    def read(ids: list[UUID]) -> dict[UUID, Protocol]:
        return {case_id: pinned_protocol(session, version) for case_id, version in run(session, *asked_of_pins(ids))}

    return kept_by_id(session, protocols_of, case_ids, read)


def asked_of_pins(case_ids: Iterable[UUID]) -> Question[Picked[UUID, UUID]]:
    """What `protocols_of` asks."""
    return Question(_PINS, {"cases": sorted(set(case_ids))})


_PINS: Final = built(
    only(Case.id, Case.protocol_version_id).where(col(Case.id) == any_(bindparam("cases", type_=ARRAY(Uuid()))))
)


def calendar_for(session: Session, protocol: Protocol, organization_id: UUID | None) -> Calendar:
    """The calendar in which a protocol counts for a case at this organization, or at none."""
    return calendar_of(session, organization_id if protocol.calendar != PROGRAM else None)


def due_days(session: Session, case: Case, protocol: Protocol, calendar: Calendar) -> dict[str, PlannedDay]:
    """The due day of each step of a case whose anchor is known, and whether the case asks for the step at all."""
    anchors = named_days(session, case, protocol)
    opened = local_day(session, case.opened_at)
    return planning.due_days(protocol, anchors, calendar, opened_on=opened, meant_on=meant_on(case, protocol))


def meant_on(case: Case, protocol: Protocol) -> date | None:
    """The local day on which a case was meant to begin automatically; None where a person opens it."""
    span = periods.period(case.period)
    if protocol.starts is not None and protocol.starts.each is not None and span is not None:
        return protocol.starts.on(span)
    return planning.meant_on(protocol, case.anchors)


class Ladder(TypedDict):
    """The ladder of a task as columns: its days, the rung that it is at, and the next day on it."""

    ladder: list[date]
    rung: int
    next_check: date | None


class Timing(NamedTuple):
    """The due day and the ladder of a task."""

    due_on: date | None
    ladder: list[date]


def timing(protocol: Protocol, day: PlannedDay | None, calendar: Calendar) -> Timing:
    """The due day and the ladder of one step. Empty where its anchor's day is not known yet."""
    if day is None:
        return Timing(None, [])
    return Timing(day.due_on, _rungs(_offsets(protocol), day.due_on, calendar))


def ladder_from(session: Session, task: Task, case: Case | None, *, on: date, approval: bool = False) -> Ladder:
    """The ladder of a task for the person who has it from the local day `on`, as columns: from its first rung on.

    It counts from the due day. Where that is past when they get it, it counts from the next working day, so that no
    manager hears of what was only just assigned. An approver is reminded also where the task has no due day.
    """
    rungs = task.ladder  # of a duty outside any case, as it was asked for
    if case is not None:
        remind, calendar = _reminding(session, case)
        asked = task.due_on is not None or approval
        rungs = _rungs_from(remind, task.due_on, on, calendar) if asked else []
    return climbing(rungs)


def climbing(ladder: list[date]) -> Ladder:
    """A ladder as columns of the task of which it begins anew."""
    return Ladder(ladder=ladder, rung=0, next_check=ladder[0] if ladder else None)


def ladder_outside(session: Session, due: date, *, on: date, at_once: bool = False) -> Ladder:
    """The ladder of a duty outside any case that a person gets on the local day `on`, as columns of its task.

    With `at_once` its first rung is the first working day from `on`, and the others stay where they are.
    """
    calendar = calendar_of(session)
    rungs = _rungs_from(OUTSIDE_A_CASE, due, on, calendar)
    if at_once:
        rungs[0] = min(rungs[0], calendar.next_working_day(on))
    return climbing(rungs)


def agree_on_day(session: Session, task_id: UUID, day: date, *, at: datetime) -> None:
    """Make an unsettled task of a case due on the agreed local `day`, and not when its protocol counts.

    It reminds as a task that a person gets on the local day of `at`: not before that day, and then from the first rung
    on. A day that is not worked, or is past, becomes the next working day. The day stays when the case's named days or
    its calendar move.
    """
    on = local_day(session, at)
    task = first(session, of(Task).where(Task.id == task_id).with_for_update())
    if task is None or task.case_id is None or task.state not in (TASK.initial, "open"):
        return
    remind, calendar = _reminding(session, _case_row(session, task.case_id))
    due = calendar.next_working_day(max(day, on))
    rungs = _rungs_from(remind, due, on, calendar)
    keep_lateness(session, is_this(task_id), at=at)
    ladder = climbing(rungs) if task.state == "open" else climbing(rungs) | {"next_check": None}
    rewrite(session, Task, task_id, due_on=due, due_rule={**task.due_rule, AGREED: due.isoformat()}, **ladder)


def remind_anew(session: Session, case_id: UUID, tasks: Sequence[UUID], *, on: date) -> None:
    """Restart the reminders of one case's tasks that opened on the local day `on`, after their due day."""
    case = _case_row(session, case_id)
    remind, calendar = _reminding(session, case)
    rungs = _rungs_from(remind, None, on, calendar)
    run(
        session,
        changes(Task).where(col(Task.id).in_(tasks)).values(ladder=rungs, next_check=rungs[0] if rungs else None),
    )


def reschedule(session: Session, case_id: UUID, *, at: datetime, only: Collection[UUID] | None = None) -> int:
    """Set the due days of a case's unsettled tasks anew, after one of its named days became known or moved.

    `only` are the ids of the tasks that are asked for differently now, where not all are. A reminder that was sent is
    not sent again: the ladder goes on from where it was. A task's version stays where only its reminders move, so that
    no one's page becomes outdated. Returns how many due days moved.
    """
    case = _case_row(session, case_id)
    protocol = pinned_protocol(session, case.protocol_version_id)
    calendar = calendar_for(session, protocol, case.organization_id)
    return _reschedule(session, case, protocol, calendar, at=at, only=only)


def days_to_move(session: Session, calendars: Callable[[UUID | None], Calendar]) -> dict[UUID, int]:
    """How many due days would move in each open case with these calendars; writes nothing.

    `calendars` gives the closed days of the program alone, or those on which an organization works too.
    """
    found: dict[UUID, int] = {}
    for case in _open_cases(session):
        protocol = pinned_protocol(session, case.protocol_version_id)
        calendar = calendars(case.organization_id if protocol.calendar != PROGRAM else None)
        found[case.id] = sum(timing.due_on != row.due_on for row, timing in _moving(session, case, protocol, calendar))
    return {case_id: days for case_id, days in found.items() if days}


def follow_calendar(session: Session, *, by: Actor, at: datetime) -> None:
    """Set the due days of every open case anew, after days were closed or opened. What is done keeps its day.

    The cases are locked in the order of their ids. Each in which days move has its event.
    """
    session.get(Program, program_of(session), populate_existing=True)  # its holidays may be another place's now
    for case in _open_cases(session, hold=True):
        protocol = pinned_protocol(session, case.protocol_version_id)
        moved = _reschedule(session, case, protocol, calendar_for(session, protocol, case.organization_id), at=at)
        if moved:
            events.write(session, "case.rescheduled", "case", case.id, by=by, at=at, case_id=case.id, days=moved)


def _open_cases(session: Session, *, hold: bool = False) -> Sequence[Case]:
    asked = of(Case).where(Case.state == CASE.initial).order_by(col(Case.id))
    return every(session, asked.with_for_update(of=Case) if hold else asked)


def _reschedule(
    session: Session,
    case: Case,
    protocol: Protocol,
    calendar: Calendar,
    *,
    at: datetime,
    only: Collection[UUID] | None = None,
) -> int:
    moved, today = 0, local_day(session, at)
    for row, timing in _moving(session, case, protocol, calendar):
        if only is not None and row.id not in only:
            continue
        left = timing.ladder[row.rung :] if row.state in LIVE else []
        days_move = int(timing.due_on != row.due_on)
        if days_move and had_passed(row.due_on, today):
            keep_lateness(session, is_this(row.id), at=at)
        run(
            session,
            changes(Task)
            .where(Task.id == row.id)
            .values(**timing._asdict(), next_check=left[0] if left else None, version=col(Task.version) + days_move),
        )
        moved += days_move
    return moved


def _moving(session: Session, case: Case, protocol: Protocol, calendar: Calendar) -> Iterator[tuple[Task, Timing]]:
    """Each unsettled task of a case whose due day or ladder changes by this calendar, with both."""
    days = due_days(session, case, protocol, calendar)
    remind = _offsets(protocol)
    rows = every(session, of(Task).where(Task.case_id == case.id, col(Task.state).in_([TASK.initial, *LIVE])))
    for row in rows:
        step = protocol.by_id.get(row.step)
        if step is None:
            continue
        due, ladder = timing(protocol, days.get(step.id), calendar)
        if agreed := row.due_rule.get(AGREED):
            due = calendar.next_working_day(date.fromisoformat(str(agreed)))
            ladder = _rungs(remind, due, calendar)
        had = row.done_at if row.state == "submitted" else row.opened_at
        if row.state in LIVE and had is not None and (due or row.state == "submitted"):
            ladder = _rungs_from(remind, due, local_day(session, had), calendar)
        if (row.due_on, row.ladder) != (due, ladder):
            yield row, Timing(due, ladder)


def _rungs(remind: Sequence[int], start: date, calendar: Calendar) -> list[date]:
    return sorted(calendar.add_working_days(start, offset) for offset in remind)


def _rungs_from(remind: Sequence[int], due: date | None, on: date, calendar: Calendar) -> list[date]:
    """The days of reminders for a person who has a task from the day `on`: from the next working day at the soonest.

    They count from the due day, or from that next day where there is none or it is past.
    """
    soonest = calendar.add_working_days(on, 1)
    start = due if due is not None and due >= on else soonest
    return [max(rung, soonest) for rung in _rungs(remind, start, calendar)]


def _offsets(protocol: Protocol) -> tuple[int, ...]:
    return tuple(rung.after_working_days for rung in protocol.remind)


def _reminding(session: Session, case: Case) -> tuple[tuple[int, ...], Calendar]:
    """The reminders that a case's protocol declares, and the calendar in which it counts."""
    protocol = pinned_protocol(session, case.protocol_version_id)
    return _offsets(protocol), calendar_for(session, protocol, case.organization_id)


def _case_row(session: Session, case_id: UUID) -> Case:
    return surely(session.get(Case, (program_of(session), case_id), populate_existing=True))


def named_days(session: Session, case: Case, protocol: Protocol) -> dict[str, date]:
    """The known days of a case: those given when it opened, and the days on which certain steps were done.

    A step that was waived counts from then: else what follows on it would never fall due.
    """
    days = dict(case.anchors)
    for name, anchor in protocol.anchors.items():
        if anchor.step is None:
            continue
        over = col(Task.state).in_(("done", "waived"))
        steps = only(Task.done_at, Task.settled_at).where(Task.case_id == case.id, Task.step == anchor.step, over)
        done = [surely(done_at or waived_at) for done_at, waived_at in tuples(session, steps)]
        if done:
            days[name] = local_day(session, max(done))
    return days
