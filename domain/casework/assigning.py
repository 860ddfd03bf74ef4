"""A duty outside any case: a task that a role owes because a person decided so, and its cancelling."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal, NamedTuple
from uuid import UUID, uuid4

from sqlmodel import Session

from domain.casework import scheduling
from domain.casework.locking import change_task, lock_task, wait_again, write_task_event
from domain.declared import Bilingual
from domain.kernel import Actor, Refusal, add_row, local_day, program_calendar, program_of, surely
from domain.record import write
from domain.roles import Link, responsibility
from locales import N_
from models.casework import Task
from models.lifecycles import TASK, NoSuchMove


class ReminderDay(NamedTuple):
    """The local day on which a person is reminded of a duty: its owner, their director, or the coordinator."""

    on: date
    to: Literal["owner", "director", "coordinator"]


def assign(
    session: Session,
    step: str,
    item: str,
    *,
    title_fr: str,
    title_en: str,
    chain: Sequence[Link],
    due_on: date,
    by: Actor,
    at: datetime,
    evidence: str = "none",
    sources: Sequence[str] = (),
    waits: bool = False,
    at_once: bool = False,
    reminders: Sequence[ReminderDay] = (),
) -> UUID:
    """Open a task outside any case for the people on which the chain falls, and return its id.

    Where the first link of the chain has no one, the next one has it, and it counts with that vacancy on the
    coordinator's board. It reminds its owner as a task of a case does, and then the coordinator; no manager, who does
    not see it. With "act" as its `evidence`, only the act that it asks for completes it.

    `sources` are the facts of the guide behind it. One that `waits` for what it rests on is planned, and not owed
    before `begin`. With `at_once`, its owner hears of it with the next digest, and not only near its day. With
    `reminders`, in the order of their days, it reminds by these instead. Raises Refusal for a day so far away that no
    holidays are known.
    """
    today = local_day(session, at)
    if reminders:
        ladder = scheduling.climbing([one.on for one in reminders])
    else:
        ladder = scheduling.ladder_outside(session, due_on, on=today, at_once=at_once)
    chain_id = responsibility(session, chain)
    task = Task(
        program_id=program_of(session),
        id=uuid4(),
        step=step,
        item=item,
        title_fr=title_fr,
        title_en=title_en,
        sources=list(sources),
        owed_by_id=chain_id,
        declared_owed_by_id=chain_id,
        state=TASK.initial if waits else TASK.after(TASK.initial, "open"),
        due_on=due_on,
        evidence=evidence,
        opened_at=None if waits else at,
        ladder_to=[one.to for one in reminders],
        **(ladder | {"next_check": None} if waits else ladder),
    )
    add_row(session, task)
    verb = "task.planned" if waits else "task.opened"
    write(session, verb, "task", task.id, by=by, at=at, step=step, item=item)
    return task.id


def assign_within(
    session: Session,
    step: str,
    item: str,
    title: Bilingual,
    chain: Sequence[Link],
    *,
    within: int,
    by: Actor,
    at: datetime,
    due_on: date | None = None,
    evidence: str = "none",
    sources: Sequence[str] = (),
    at_once: bool = False,
) -> UUID:
    """As `assign`, due `within` so many working days, unless its day is known."""
    due_on = due_on or program_calendar.calendar_of(session).add_working_days(local_day(session, at), within)
    return assign(
        session,
        step,
        item,
        title_fr=title.fr,
        title_en=title.en,
        chain=chain,
        due_on=due_on,
        by=by,
        at=at,
        evidence=evidence,
        sources=sources,
        at_once=at_once,
    )


def begin(session: Session, task_id: UUID, *, by: Actor, at: datetime, due_on: date | None = None) -> bool:
    """Open a duty outside any case that waited for what it rests on; returns whether it did wait.

    It is due by its day or, where that is past, by `due_on`. Its reminders count from today.
    """
    held = lock_task(session, task_id, by=by, at=at, seen=None)
    if held.task.state != TASK.initial:
        return False
    today = local_day(session, at)
    had = surely(held.task.due_on)
    due = had if had > today or due_on is None else due_on
    change_task(
        session,
        held,
        state=TASK.after(held.task.state, "open"),
        due_on=due,
        opened_at=at,
        **scheduling.ladder_outside(session, due, on=today, at_once=True),
    )
    write_task_event(session, held, "task.opened", step=held.task.step, item=held.task.item)
    return True


def put_off(session: Session, task_id: UUID, *, by: Actor, at: datetime) -> bool:
    """Make an open duty outside any case wait again, since what it rests on does not hold; whether it was open."""
    held = lock_task(session, task_id, by=by, at=at, seen=None)
    if held.task.state != "open":
        return False
    wait_again(session, held.task, by=by, at=at)
    return True


def fall_on(session: Session, task_id: UUID, chain: Sequence[Link], *, by: Actor, at: datetime) -> None:
    """Make a task fall on this chain: it passes over other deputies, or another has what it is about. All else stays.

    One that was handed back stays with its present owner, and falls so after it is reassigned.
    """
    held = lock_task(session, task_id, by=by, at=at, seen=None)
    now = responsibility(session, chain)
    is_with_them = held.task.owed_by_id == held.task.declared_owed_by_id
    change_task(session, held, declared_owed_by_id=now, owed_by_id=now if is_with_them else held.task.owed_by_id)


def call_off(session: Session, task_id: UUID, *, by: Actor, at: datetime) -> None:
    """Cancel a duty outside any case that is no longer owed. Raises Refusal where it is done, or ended already."""
    held = lock_task(session, task_id, by=by, at=at, seen=None)
    try:
        state = TASK.after(held.task.state, "cancel")
    except NoSuchMove:
        raise Refusal("task.over", N_("This task is done or was cancelled: it is no longer owed.")) from None
    change_task(session, held, state=state, next_check=None)
    write_task_event(session, held, "task.called_off", step=held.task.step, item=held.task.item)


def restore(session: Session, task_id: UUID, *, by: Actor, at: datetime) -> bool:
    """Make a cancelled duty outside any case wait again for what it rests on; returns whether it was cancelled."""
    held = lock_task(session, task_id, by=by, at=at, seen=None)
    if held.task.state != "cancelled":
        return False
    change_task(session, held, state=TASK.after(held.task.state, "restore"), opened_at=None, next_check=None)
    write_task_event(session, held, "task.planned", step=held.task.step, item=held.task.item)
    return True
