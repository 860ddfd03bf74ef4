"""What becomes of a decision by the words of the partners, and what rests on it: it begins, or it waits (GV-4).

Whatever else rests on a decision asks `domain.endorsement.counting`; what the decision itself opened is moved here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.casework import assigning, complete_task, undo_task, wakeups, words
from domain.endorsement import outcome
from domain.kernel import SHAPE, Actor, Refusal, also, calendar_of, col, first, joins, local_day, of, only, scalar
from domain.record import events
from meetings.decision_rows import change_decision, lock_decision
from meetings.endorsements import endorsements_of
from models.agenda import AgendaItem
from models.casework import Case, Task
from models.lifecycles import ENDORSEMENT
from models.minutes import COUNTING, Decision

#: What the program does by itself once the partners have spoken.
BY_ENDORSEMENT: Final = Actor.system("endorsement")
#: What was to be done by a day that passed while the decision was pending is due so many working days after.
DAYS_AFTER: Final = 5


class TaskOfItem(Task):
    """A task that an item of an agenda was asked for with, and how its case stands."""

    model_config = SHAPE
    case_state: str | None = also(Case.state)


def look_again(session: Session, decision_id: UUID, *, at: datetime, objected_now: bool = False) -> bool:
    """Have a decision be as the partners' words make it, and what rests on it begin or wait; whether that changed.

    An objection of before endorsements bound stops nothing by itself: `objected_now` says that one is made now.
    """
    row = lock_decision(session, decision_id)
    if not row.needs_endorsement or row.state == "withdrawn":
        return False
    wanted = outcome(one.word for one in endorsements_of(session, decision_id, at=at))
    state = row.endorsement
    for move in _moves(row, wanted, objected_now=objected_now):
        state = ENDORSEMENT.after(state, move)
    if state == row.endorsement:
        return False
    counted, counts = row.endorsement in COUNTING, state in COUNTING
    if counts == counted:
        change_decision(session, row, endorsement=state)
    elif counts:
        change_decision(session, row, endorsement=state, counts_since=row.counts_since or at, suspended_at=None)
        begin(session, row, at=at)
    else:
        change_decision(session, row, endorsement=state, suspended_at=at)
        stop(session, row, at=at)
    return True


#: The moves of `models.lifecycles.ENDORSEMENT` to what the words make of a decision that was objected to.
_SETTLED: Final[Mapping[str, Sequence[str]]] = {"pending": ("settle",), "endorsed": ("settle", "endorse")}


def _moves(row: Decision, wanted: str, *, objected_now: bool) -> Sequence[str]:
    """The moves of `models.lifecycles.ENDORSEMENT` by which a decision comes to be what the words make of it."""
    state = row.endorsement
    if wanted == state:
        return ()
    if wanted == "objected":
        return ("object",) if state != "earlier" or objected_now else ()
    if state == "objected":
        # One of before endorsements bound, on which nobody set a day, counts again as it did.
        is_earlier = row.endorse_by is None and wanted == "pending"
        return ("settle_as_before",) if is_earlier else _SETTLED[wanted]
    # What counts goes on counting, whoever leaves; only an objection stops it.
    return ("endorse",) if wanted == "endorsed" else ()


def begin(session: Session, row: Decision, *, at: datetime) -> None:
    """What a decision asks of people begins, now that it counts."""
    events.write(session, "decision.counts", "decision", row.id, by=BY_ENDORSEMENT, at=at, number=row.number)
    carry_out(session, row, at=at)


def carry_out(session: Session, row: Decision, *, at: datetime) -> None:
    """Open the task that a decision in force asks for, and do what it grants."""
    if row.task_id is not None:
        by_when = calendar_of(session).add_working_days(local_day(session, at), DAYS_AFTER)
        assigning.begin(session, row.task_id, due_on=by_when, by=BY_ENDORSEMENT, at=at)
    if row.item_id is not None and row.grants:
        complete_asked(session, row.item_id, row.number, by=BY_ENDORSEMENT, at=at)


def stop(session: Session, row: Decision, *, at: datetime) -> None:
    """What a decision asks of people waits, since it does not count: what is done already stays done."""
    events.write(session, "decision.suspended", "decision", row.id, by=BY_ENDORSEMENT, at=at, number=row.number)
    if row.task_id is not None:
        assigning.put_off(session, row.task_id, by=BY_ENDORSEMENT, at=at)
    if row.item_id is not None and row.grants:
        reopen_asked(session, row.item_id, row.number, at=at)


def complete_asked(session: Session, item_id: UUID, number: str, *, by: Actor, at: datetime) -> bool:
    """Do the task that an item was asked for with, by a decision that says so, where it can be. Whether it was.

    One that asks for more than a decision, such as evidence, stays open: what was decided is recorded all the same.
    """
    task = asked_task(session, item_id)
    if task is None or task.state != "open" or task.case_state not in (None, "open"):
        return False
    return is_done(session, lambda: complete_task(session, task.id, by=by, at=at, note=number, in_its_act=True))


def reopen_asked(session: Session, item_id: UUID, number: str, *, at: datetime) -> bool:
    """Undo the task that a decision did, where nothing was built on it; what was given as its proof keeps it done."""
    task = asked_task(session, item_id)
    if task is None or task.state != "done" or words.opened(session, task)["note"] != number or task.evidence != "none":
        return False
    return is_done(session, lambda: undo_task(session, task.id, by=BY_ENDORSEMENT, at=at, reason=number))


def is_done(session: Session, act: Callable[[], object]) -> bool:
    """Do what a rule may refuse; whether it was done."""
    with suppress(Refusal), session.begin_nested():
        act()
        return True
    return False


def ask_committee_again(session: Session, item_id: UUID, *, at: datetime) -> None:
    """Have the engine put on an agenda again what a decision did not do, or does no more."""
    task = asked_task(session, item_id)
    if task is not None and task.state == "open" and task.case_id is not None:
        wakeups.wake(session, task.case_id, at=at)


def is_decided_in_part(session: Session, task_id: UUID) -> bool:
    """Whether a committee decided what a task asks, and the decision waits for the partners."""
    waits = (
        only(Decision.id)
        .join(AgendaItem, joins(Decision.item_id, AgendaItem))
        .where(
            AgendaItem.task_id == task_id,
            col(Decision.grants),
            Decision.state != "withdrawn",
            col(Decision.endorsement).in_(["pending", "objected"]),
        )
    )
    return scalar(session, waits.limit(1)) is not None


def asked_task(session: Session, item_id: UUID) -> TaskOfItem | None:
    """The task that an item was asked for with, and how its case stands; None where nothing asked for it."""
    statement = (
        of(TaskOfItem).join(AgendaItem, joins(AgendaItem.task_id, Task)).outerjoin(Case, joins(Task.case_id, Case))
    )
    return first(session, statement.where(AgendaItem.id == item_id))
