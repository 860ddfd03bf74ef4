"""What is asked of people for what their organization owes: of which people, by when, and who else is told.

There is one task a period, for every kind of check that can still be met: a statement, a document, a count, a seat. It
opens so many working days before the last day, and reminds its owner, then their director, then the coordinator, in the
one letter a day that each of them gets. What it asks for completes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.casework import BY_ITS_ACT, ReminderDay, assigning, complete_task
from domain.declarations import (
    COORDINATOR,
    RULES,
    PeriodFinding,
    PeriodOwed,
    ProofDeadline,
    Records,
    VersionClause,
    Watch,
)
from domain.kernel import (
    Actor,
    Calendar,
    col,
    every,
    in_program,
    local_day,
    only,
    rewrite,
    run,
    scalars,
    select,
    surely,
)
from domain.roles import Link
from locales import say, show_day
from models.casework import Task
from models.obligation import ObligationPeriod
from models.program import Organization

BY_OBLIGATIONS: Final = Actor.system("obligations")

#: The steps of these tasks.
ASKS: Final = frozenset(rule.asks_by for rule in RULES if rule.asks_by)

#: Where people are asked late, this many working days lie between one recipient and the next.
APART: Final = 5


@dataclass(frozen=True)
class Judged:
    """One period as it was just found to stand, with the id of its row and the task that was asked for it, if any."""

    period: PeriodOwed
    id: UUID
    task_id: UUID | None
    found: PeriodFinding

    @property
    def clause(self) -> VersionClause:
        """The text by which it is judged."""
        return self.period.clause


def ask(session: Session, records: Records, judged: Sequence[Judged], *, by: Actor, at: datetime) -> None:
    """Ask people for what these periods lack, each once; end what was asked for and is there now."""
    open_tasks = _open_tasks_of(session, judged)
    is_time = _Times(records)
    for one in judged:
        task = open_tasks.get(one.task_id) if one.task_id is not None else None
        wanted = ask_of(one)
        if task is not None:
            if wanted is not None and (wanted.stays or _stands(session, task, wanted, records.calendar)):
                continue
            _end(session, one, task.id, is_wanted=wanted is not None, by=by, at=at)
        if wanted is not None and is_time.to_ask(wanted.last):
            _open(session, records, one, wanted, at=at)


def let_go(session: Session, task_ids: Sequence[UUID], *, at: datetime) -> None:
    """End what was asked for periods that no longer bind anyone."""
    open_ = scalars(
        session, only(Task.id).where(col(Task.id).in_(task_ids), Task.state == "open").order_by(col(Task.id))
    ).all()
    for task_id in open_:
        assigning.call_off(session, task_id, by=BY_OBLIGATIONS, at=at)


def ask_of(judged: Judged) -> ProofDeadline | None:
    """What is asked of people for one period as it stands, at any time; None where nothing is missing."""
    rule = judged.clause.rule
    return rule.asks(judged.period, judged.found) if judged.found.state in rule.asks_in else None


# ----------------------------------------------------------------------------------------------------------- the tasks


def _open(session: Session, records: Records, judged: Judged, wanted: ProofDeadline, *, at: datetime) -> None:
    calendar, on, clause = records.calendar, records.on, judged.clause
    due = due_day(wanted.due, calendar, on=on)
    place = judged.period.one.organization_id
    name = records.read(_names)[place]
    task_id = assigning.assign(
        session,
        wanted.step,
        str(judged.id),
        title_fr=_said("fr", wanted, clause, name),
        title_en=_said("en", wanted, clause, name),
        chain=chain_of(clause, place),
        due_on=due,
        by=BY_OBLIGATIONS,
        at=at,
        evidence=BY_ITS_ACT,
        sources=[clause.fact],
        reminders=reminders(records.watch, wanted.last, due, calendar, on=on),
    )
    rewrite(session, ObligationPeriod, judged.id, task_id=task_id)


def due_day(last: date, calendar: Calendar, *, on: date) -> date:
    """The local day by which people are asked, on the day `on`, for what has to be there by the day `last`.

    It is the last working day by then: one who goes by a later day would miss what they owe. Where that is past, it is
    the last day itself; where that is past too, the next working day.
    """
    day = calendar.previous_working_day(last)
    if day >= on:
        return day
    return last if last >= on else calendar.next_working_day(on)


def chain_of(clause: VersionClause, organization_id: UUID) -> list[Link]:
    """Those who are asked: the one who owes it, for an organization its manager; then director and coordinator.

    A statement is asked only of the one who states it: no one states in another's place.
    """
    here = str(organization_id)
    stated = clause.rule.stated()
    if stated is not None:
        return [Link(stated.by, "*" if stated.by == COORDINATOR else here)]
    owner = "manager" if clause.owed_by == "organization" else clause.owed_by
    first = Link(owner, "*" if owner == COORDINATOR else here)
    behind = [Link("director", here), Link(COORDINATOR)]
    return [first, *(link for link in behind if link != first)]


def reminders(watch: Watch, last: date, due: date, calendar: Calendar, *, on: date) -> list[ReminderDay]:
    """The reminders of what is asked from the local day `on`, with `last` as its last day: when, and to which person.

    Where a time to ask is past, its owner is asked on that day, and those above them some days later each. No one is
    told that something is missing that was only just asked for. On the last day for proof it is said once more.
    """
    found: list[ReminderDay] = []
    day, is_late = on, False
    for asked in watch.asked:
        point = _before(last, asked.working_days, calendar)
        soonest = calendar.add_working_days(day, APART) if is_late else day
        day, is_late = max(point, soonest), is_late or point < on
        found.extend(ReminderDay(day, to) for to in asked.to)
    if due > day:
        found.extend(ReminderDay(due, to) for to in watch.asked[-1].to)
    return found


def _before(last: date, working_days: int, calendar: Calendar) -> date:
    return calendar.add_working_days(last, -working_days) if working_days else calendar.previous_working_day(last)


class _Times:
    """When it is time to ask: the first time before each last day, counted once."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._first = records.watch.asked[0].working_days
        self._far = records.on + timedelta(days=2 * self._first + 90)  # no one works on so few days as this
        self._from: dict[date, date] = {}

    def to_ask(self, last: date) -> bool:
        """Whether it is time by now to ask people for what has this last day."""
        if last > self._far:
            return False
        if last not in self._from:
            self._from[last] = _before(last, self._first, self._records.calendar)
        return self._from[last] <= self._records.on


def _stands(session: Session, task: Task, wanted: ProofDeadline, calendar: Calendar) -> bool:
    """Whether a task still asks for the same by the same day; a task whose day was past when it opened does."""
    opened = local_day(session, surely(task.opened_at))
    return task.step == wanted.step and (wanted.due < opened or task.due_on == due_day(wanted.due, calendar, on=opened))


def _end(session: Session, judged: Judged, task_id: UUID, *, is_wanted: bool, by: Actor, at: datetime) -> None:
    """Complete a task that was done; call it off where nobody can do it any more or is to, or by another day."""
    if not is_wanted and judged.clause.rule.is_done(judged.period, judged.found):
        complete_task(session, task_id, by=by, at=at, in_its_act=True)
    else:
        assigning.call_off(session, task_id, by=BY_OBLIGATIONS, at=at)


def _said(language: str, wanted: ProofDeadline, clause: VersionClause, place: str) -> str:
    stated = clause.rule.stated()
    text = {"fr": clause.text_fr, "en": clause.text_en}[language]
    what = text if stated is None else stated.statement.in_language(language)
    return say(
        language, wanted.sentence, organization=place, day=show_day(language, wanted.last), what=what.rstrip(".")
    )


def _open_tasks_of(session: Session, judged: Sequence[Judged]) -> dict[UUID, Task]:
    ids = [one.task_id for one in judged if one.task_id is not None]
    if not ids:
        return {}
    rows = every(session, select(Task).where(in_program(Task), col(Task.id).in_(ids), col(Task.step).in_(sorted(ASKS))))
    return {row.id: row for row in rows if row.state == "open"}


def _names(records: Records) -> dict[UUID, str]:
    rows = run(records.session, only(Organization.id, Organization.short_name))
    return {row.id: row.short_name for row in rows}
