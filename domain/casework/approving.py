"""Who may approve what somebody did: those on whom the approval falls, but for whoever is barred from it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.roles.roles import Falls, Holder, Link, Standing
from locales import N_


class Doing(Protocol):
    """Of a task who did it, and who is barred from approving that."""

    @property
    def done_by(self) -> UUID | None:
        """Who did it."""

    @property
    def done_for(self) -> UUID | None:
        """For whom they acted."""

    @property
    def may_not_approve(self) -> list[Any]:
        """The links of whom the protocol bars."""


class Owed(NamedTuple):
    """Of a task what says on whom it falls."""

    state: str
    due_on: date | None
    owed_by_id: UUID | None
    approved_by_id: UUID | None
    done_by: UUID | None
    done_for: UUID | None
    may_not_approve: list[Link]


def bar_to_approval(task: Doing, by: Actor, people_of: Callable[[Link], Collection[UUID]]) -> Refusal | None:
    """Why `by` may not approve or send back this task, under whichever hat; None where nothing bars them.

    `people_of` gives whom a link of the protocol's bar means on the day.
    """
    own: list[UUID | None] = [task.done_by, task.done_for]
    if by.is_one_of(*own):
        return Refusal(
            "task.own_request",
            N_("You cannot approve what you did yourself, nor what was done on your behalf."),
        )
    for link in task.may_not_approve:
        if by.is_one_of(*(people_of(link) if "person" not in link else [UUID(link["person"])])):
            return Refusal("task.own_case", N_("The protocol bars you from approving this step."))
    return None


def people_of(today: Standing, link: Link) -> list[UUID]:
    """Whom a link means on the day of `today`, absent holders included."""
    return [tenure.person_id for tenure in today.tenures_of(link)]


def falls_for_approval(today: Standing, task: Doing, chain: Sequence[Link]) -> Falls:
    """On whom the approval of a task falls by its chain: whoever is barred from giving it is passed over."""
    return today.falls(chain, kind="approvals", barred=_barred(today, task))


def who_may_approve(today: Standing, task: Doing, chain: Sequence[Link]) -> list[Holder]:
    """Those on whom the approval of a task falls by its chain, and whom nothing bars from giving it."""
    return list(falls_for_approval(today, task, chain).holders)


def _barred(today: Standing, task: Doing) -> set[UUID]:
    """Who is barred from approving a task on the day of `today`, whatever they hold."""
    barred = {one for one in (task.done_by, task.done_for) if one is not None}
    for link in task.may_not_approve:
        barred |= {UUID(link["person"])} if "person" in link else set(people_of(today, link))
    return barred
