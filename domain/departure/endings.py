"""How a thing that a leaver leaves behind can end, by its kind, and in which words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.departure.departure_row import departure_of, first_day_without
from domain.departure.taking_tasks import chain_of
from domain.holdings import FOLLOW_UP, NOTE, candidates, duty, roles, seats, things
from domain.kernel import first, of
from domain.roles import DayTenures, Link, standing
from locales import N_
from models.casework import Case, Task

#: How each kind of thing can end without a successor.
ENDINGS: Final[Mapping[str, tuple[str, ...]]] = {
    FOLLOW_UP: ("left_vacant",),
    roles.TENURE: ("recruiting", "not_replaced"),
    roles.SIGNATURE: ("with_the_role",),
    duty.TASK: ("with_the_role", "left_vacant"),
    duty.APPROVAL: ("with_the_role", "left_vacant"),
    duty.DECISION: ("with_the_role", "left_vacant"),
    seats.SEAT: ("left_vacant",),
    seats.GUEST: ("not_invited",),
    seats.DEPUTIZING: ("nobody_deputizes",),
    things.EQUIPMENT: ("returned", "lost"),
    things.ACCOUNT: ("closed",),
    NOTE: ("left_unfinished",),
    candidates.CANDIDATE: ("left_vacant",),
    candidates.REFERRAL: ("with_the_role", "left_vacant"),
    candidates.DRAFT: ("to_the_coordinator", "thrown_away"),
}

#: What the leaver alone may say of their own: no one else knows what would be lost.
OF_THE_LEAVER: Final = ("thrown_away",)


def endings(kind: str, *, own: bool, over: bool) -> tuple[str, ...]:
    """The ways in which a thing of a kind can end without a successor, as the leaver may say it, or another.

    `over` is whether the last day is over: before that, its author alone says what becomes of a draft.
    """
    if kind == candidates.DRAFT and not own and not over:
        return ()
    return tuple(end for end in ENDINGS[kind] if own or end not in OF_THE_LEAVER)


def would_be_nobodys(session: Session, task: Task, case: Case, at: datetime) -> bool:
    """Whether what a task asks about would have no one if it stayed with its role: then it cannot end so."""
    departure = departure_of(session, case.id)
    if departure is None or task.holding not in APPROVED_OR_OWED:
        return False
    row = first(session, of(Task).where(Task.id == UUID(task.item)))
    if row is None:
        return False
    approval = task.holding == duty.APPROVAL
    then = standing(session, first_day_without(session, departure, at))
    chain = chain_of(session, row, approval=approval)
    return not has_somebody_in_line(then, chain, "approvals" if approval else "tasks", departure.person_id)


def has_somebody_in_line(then: DayTenures, chain: list[Link], kind: str, leaver_id: UUID) -> bool:
    """Whether a duty would fall on another than the leaver, by its chain, after they are gone."""
    return any(holder.person_id != leaver_id for holder in then.falls(chain, kind=kind).holders)


#: Whether a thing of the kind can be taken over.
TAKEN_OVER: Final[Mapping[str, bool]] = {
    kind: kind not in (roles.SIGNATURE, seats.GUEST, things.EQUIPMENT, things.ACCOUNT, NOTE, candidates.DRAFT)
    for kind in ENDINGS
}

#: An ending in words, as a choice.
ENDS: Final[Mapping[str, str]] = {
    "with_the_role": N_("Stays with the role, for the next in line"),
    "left_vacant": N_("Vacant for now"),
    "nobody_deputizes": N_("No deputy any more"),
    "not_invited": N_("The invitation is withdrawn"),
    "returned": N_("Returned"),
    "lost": N_("Declared lost: it does not come back"),
    "closed": N_("Closed"),
    "recruiting": N_("Start recruiting"),
    "not_replaced": N_("No successor"),
    "by_itself": N_("No longer in their hands, automatically"),
    "left_unfinished": N_("Stays unfinished: not enough is known to complete it"),
    "thrown_away": N_("Deleted: what was written is destroyed"),
    "to_the_coordinator": N_("Goes to the coordinator, unfinished"),
}

#: The kinds that are tasks, to do or to approve: who takes one over is asked of the task itself.
APPROVED_OR_OWED: Final = (duty.TASK, duty.APPROVAL, duty.DECISION, candidates.REFERRAL)
