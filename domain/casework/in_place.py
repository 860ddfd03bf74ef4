"""The words of a step, as declared, for a person who has it in place of the role that owes it."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlmodel import Session

from domain.casework.scheduling import protocols_of
from domain.declarations import Instead
from domain.declared import Bilingual
from domain.kernel import surely
from domain.roles import Falls
from models.casework import Task


def is_in_place(task: Task, falls: Falls | None) -> bool:
    """Whether those on which a task falls do it in another's place.

    The role that owes it is vacant, or its holders are away, or they handed it back. An approver does not do it.
    """
    if falls is None or not falls.holders or task.state == "submitted":
        return False
    if task.declared_owed_by_id is not None and task.owed_by_id != task.declared_owed_by_id:
        return True
    return falls.in_place or all(one.acting_for is not None for one in falls.holders)


def words_in_place(session: Session, tasks: Iterable[Task]) -> dict[UUID, Instead]:
    """The declared words of each of these tasks for a person who has it in another's place, where there are some.

    A step that is done for each of some things names the thing: "Confirm that they received it: the telephone".
    """
    of_cases = [task for task in tasks if task.case_id is not None]
    if not of_cases:
        return {}
    declared = {
        (case_id, step.id): (step.title, step.instead)
        for case_id, protocol in protocols_of(session, {surely(task.case_id) for task in of_cases}).items()
        for step in protocol.steps
        if step.instead is not None
    }
    return {
        task.id: Instead(title=_with_its_thing(task, *declared[key]), help=declared[key][1].help)
        for task in of_cases
        if (key := (task.case_id, task.step)) in declared
    }


def _with_its_thing(task: Task, said: Bilingual, instead: Instead) -> Bilingual:
    return Bilingual(
        fr=instead.title.fr + task.title_fr.removeprefix(said.fr) if task.item else instead.title.fr,
        en=instead.title.en + task.title_en.removeprefix(said.en) if task.item else instead.title.en,
    )
