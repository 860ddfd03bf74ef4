"""Who may approve what was done: those on which the approval falls, without those barred from it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from domain.kernel import Actor, Refusal
from domain.roles import DayTenures, Falls, Holder, Link
from locales import N_
from models.casework import Task


@dataclass(frozen=True)
class TaskOwing:
    """What says on which people a task falls."""

    state: str
    due_on: date | None
    owed_by_id: UUID | None
    approved_by_id: UUID | None
    done_by: UUID | None
    done_for: UUID | None
    may_not_approve: list[Link]


#: The columns of which a `TaskOwing` is made.
OWING: Final = (
    Task.state,
    Task.due_on,
    Task.owed_by_id,
    Task.approved_by_id,
    Task.done_by,
    Task.done_for,
    Task.may_not_approve,
)


def bar_to_approval(task: Task | TaskOwing, by: Actor, people_of: Callable[[Link], Collection[UUID]]) -> Refusal | None:
    """The refusal if `by` may not approve or send back this task, in any role; None where nothing bars them.

    `people_of` gives the people that a link of the protocol's bar means on the day.
    """
    own: list[UUID | None] = [task.done_by, task.done_for]
    if by.is_one_of(*own):
        return Refusal(
            "task.own_request", N_("You cannot approve what you did yourself, nor what was done on your behalf.")
        )
    for link in task.may_not_approve:
        if by.is_one_of(*([link.person] if link.person else people_of(link))):
            return Refusal("task.own_case", N_("The protocol bars you from approving this step."))
    return None


def people_of(today: DayTenures, link: Link) -> list[UUID]:
    """The people that a link means on the day of `today`, absent holders included."""
    return [tenure.person_id for tenure in today.tenures_of(link)]


def falls_for_approval(today: DayTenures, task: Task | TaskOwing, chain: Sequence[Link]) -> Falls:
    """The people on which the approval of a task falls by its chain, passing over those barred from giving it."""
    return today.falls(chain, kind="approvals", barred=_barred(today, task))


def who_may_approve(today: DayTenures, task: Task | TaskOwing, chain: Sequence[Link]) -> list[Holder]:
    """Those on which the approval of a task falls by its chain, and who are not barred from giving it."""
    return list(falls_for_approval(today, task, chain).holders)


def _barred(today: DayTenures, task: Task | TaskOwing) -> set[UUID]:
    """Those barred from approving a task on the day of `today`, in any role."""
    barred = {one for one in (task.done_by, task.done_for) if one is not None}
    for link in task.may_not_approve:
        barred |= {link.person} if link.person else set(people_of(today, link))
    return barred
