"""Settles a thing that a leaver leaves behind: who takes it over, or how it ends. One settler for each kind.

A settlement does what it says in the same transaction: the task falls on the successor, the seat is theirs from the day
after the last one, the equipment is back. No one can merely declare it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.casework import LockedTask, TaskOutcome, change_task, lock_task, needed_reason
from domain.departure import hand_over_letters, hand_overs
from domain.departure.asking_steps import record
from domain.departure.departure_row import departure_of, is_authors_alone
from domain.departure.endings import ENDINGS, OF_THE_LEAVER, TAKEN_OVER
from domain.departure.one_settling import Settling, refuse_unfit
from domain.departure.settlers import SETTLERS, thing_of
from domain.equipment import lending
from domain.holdings import FOLLOW_UP, candidates, things
from domain.kernel import Actor, Refusal, col, is_text, only, scalar, surely, trimmed
from locales import N_
from models.casework import Case, Task
from models.departure import Departure
from models.equipment import Loan

LONGEST_NOTE: Final = 1_000

_AUTHORS_ALONE: Final = N_(
    "Until the last day, %(day)s, is over, only its author can send this referral, "
    "delete it, or leave it to the coordinator. No one else reads it before."
)


def settle_holding(
    session: Session,
    task_id: UUID,
    *,
    successor_id: UUID | None = None,
    ended_as: str = "",
    note: str = "",
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> TaskOutcome:
    """Settle the thing that a task asks about: a successor takes it over, or it ends as its kind allows.

    Raises Refusal: settled already, neither or both given, a successor who is not there to take it, an ending that such
    a thing does not have.
    """
    task, case, departure = _asking(session, lock_task(session, task_id, by=by, at=at, seen=seen))
    kind = task.holding
    if (successor_id is None) == (not ended_as):
        raise Refusal("holding.one_way", N_("Say who takes this over, or how it ends: one of the two."))
    note = _checked(note)
    if ended_as and ended_as not in ENDINGS[kind]:
        raise Refusal("holding.no_such_end", N_("This cannot end that way."))
    if kind == candidates.DRAFT:
        _refuse_of_draft(session, departure, ended_as, by=by, at=at)
    if ended_as in _WITH_A_REASON:
        note = needed_reason(note)
    if successor_id is not None:
        return _pass_on(Settling(session, task, case, departure, successor_id, ended_as, note, by, at))
    SETTLERS[kind](Settling(session, task, case, departure, None, ended_as, note, by, at))
    return record(session, task, ended_as=ended_as, note=note, by=by, at=at)


def _asking(session: Session, held: LockedTask) -> tuple[Task, Case, Departure]:
    """A held task that asks about a thing, with the open case and the departure by which it does. Raises Refusal."""
    if not held.task.holding or held.case is None:
        raise _settles_nothing()
    if held.case.state != "open" or held.task.state != "open":
        raise Refusal("holding.settled", N_("This is already settled, or its case is no longer open."))
    departure = departure_of(session, held.case.id)
    if departure is None:
        raise _settles_nothing()
    return held.task, held.case, departure


def _settles_nothing() -> Refusal:
    return Refusal("holding.none", N_("This task settles nothing that a person has in hand."))


def _pass_on(one_thing: Settling) -> TaskOutcome:
    """Have the successor take a thing over; a follow-up is offered to them. Raises Refusal."""
    session, task, note = one_thing.session, one_thing.task, one_thing.note
    successor_id = surely(one_thing.successor_id)
    if not TAKEN_OVER[task.holding]:
        raise Refusal("holding.nobody_takes_it", N_("This cannot be taken over: say how it ends."))
    if task.holding == FOLLOW_UP:
        # Nothing moves before the new worker accepts.
        return hand_overs.propose(session, task.id, successor_id, note=note, **one_thing.acted)
    refuse_unfit(one_thing, successor_id)
    SETTLERS[task.holding](one_thing)
    moved = record(session, task, successor_id=successor_id, note=note, **one_thing.acted)
    if not one_thing.by.is_one_of(successor_id):  # else they said so themselves
        hand_over_letters.passed_on(session, task, successor_id, **one_thing.acted)
    return moved


def report_missing(
    session: Session, task_id: UUID, *, note: str, by: Actor, at: datetime, seen: int | None = None
) -> TaskOutcome:
    """Note that a piece of equipment is missing. It stays asked for, until it is back or given up. Raises Refusal."""
    held = lock_task(session, task_id, by=by, at=at, seen=seen)
    if held.task.holding != things.EQUIPMENT or held.task.state != "open":
        raise Refusal("equipment.not_asked_for", N_("Only equipment that is still asked for can be reported missing."))
    thing_id = thing_of(session, held.task)
    if thing_id is not None:
        lending.report_missing(session, lending.hold(session, thing_id), note, by=by, at=at, case_id=held.case_id)
    change_task(session, held)
    return TaskOutcome(task_id, "open")


def missing_since(session: Session, task: Task) -> datetime | None:
    """The day since which the equipment that a task asks for is known to be missing."""
    return scalar(session, only(Loan.missing_since).where(col(Loan.id) == UUID(task.item)))


_WITH_A_REASON: Final = ("left_vacant", "lost", "not_replaced", "nobody_deputizes", "left_unfinished", "thrown_away")


def _refuse_of_draft(session: Session, departure: Departure, ended_as: str, *, by: Actor, at: datetime) -> None:
    """Refuse that anyone but its author decides on a draft before the last day is over, or destroys it."""
    if by.is_one_of(departure.person_id):
        return
    if ended_as in OF_THE_LEAVER:
        said = N_(
            "Only its author can delete what was written about a young person. Leave it to "
            "the coordinator, who reads it and decides."
        )
        raise Refusal("draft.unread", said, source="AD-R1")
    if ended_as and is_authors_alone(session, departure, at):
        raise Refusal("draft.authors", _AUTHORS_ALONE, source="AD-R1", day=departure.last_day.isoformat())


def _checked(note: str) -> str:
    note = trimmed(note)
    if len(note) > LONGEST_NOTE or not is_text(note):
        raise Refusal(
            "note.too_long", N_("This note is longer than %(most)s characters. Shorten it."), most=LONGEST_NOTE
        )
    return note
