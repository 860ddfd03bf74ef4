"""What lines of tasks show beside the tasks: their help, what they wait for, their proofs, and what they can lend."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, literal
from sqlmodel.sql.expression import SelectOfScalar

from api.access.session import RequestContext
from api.access.tasks import closed_to
from domain.casework import protocols_of
from domain.equipment import inventory
from domain.kernel import Question, built, col, every, joins, of, only, run, title_of, tuples
from domain.roles import task_is_open_to
from locales import typeset
from models.casework import SETTLED, Case, Evidence, Task, TaskNeed
from models.lifecycles import TASK


@dataclass(frozen=True)
class EvidenceLine:
    """One piece of evidence. `href` is where a document can be had."""

    kind: str
    label: str
    href: str
    size: int
    withdrawn: bool
    at: datetime


def lendable(
    context: RequestContext, tasks: Sequence[Task]
) -> dict[tuple[str, UUID | None], Sequence[tuple[str, str]]]:
    """What each of these tasks can hand over, by kind and case: serial numbers of the inventory, with their words."""
    asking = [task for task in tasks if task.evidence == "serial" and task.state == "open"]
    if not asking:
        return {}
    rows = run(
        context.session, only(Case.id, Case.subject_id).where(col(Case.id).in_({task.case_id for task in asking}))
    )
    subjects_of = {row.id: row.subject_id for row in rows}
    found: dict[tuple[str, UUID | None], Sequence[tuple[str, str]]] = {}
    for task in asking:
        kind, case_id = task.item or task.step, task.case_id
        things = inventory.available(context.session, kind, for_person=subjects_of.get(case_id))
        found[kind, case_id] = [(one.serial, " – ".join(filter(None, (one.serial, one.label)))) for one in things]
    return found


def chains_of(tasks: Sequence[Task]) -> list[UUID | None]:
    """Who owes each of these tasks, and who approves it, as chains of roles."""
    return [chain for task in tasks for chain in (task.owed_by_id, task.approved_by_id)]


def steps_of(
    context: RequestContext, cases: set[UUID]
) -> tuple[dict[tuple[UUID | None, str], str], set[tuple[UUID | None, str]]]:
    """The author's help for each step of these cases that has one, and the steps that a decision alone does."""
    helps: dict[tuple[UUID | None, str], str] = {}
    endorsed = set[tuple[UUID | None, str]]()
    for case_id, protocol in protocols_of(context.session, cases).items():
        for step in protocol.steps:
            if step.help:
                helps[case_id, step.id] = step.help.in_language(context.language)
            if step.is_endorsed:
                endorsed.add((case_id, step.id))
    return helps, endorsed


def needs(context: RequestContext, tasks: Sequence[Task]) -> dict[UUID, list[tuple[UUID, str]]]:
    """For each of these tasks that cannot begin yet, those that it still waits for and the reader may see."""
    ids = [task.id for task in tasks if task.state == TASK.initial]
    if not ids:
        return {}
    rows = tuples(
        context.session,
        only(TaskNeed.task_id, Task.id, title_of(Task, context.language))
        .join(Task, joins(TaskNeed.needs_id, Task))
        .where(
            col(TaskNeed.task_id).in_(ids),
            col(Task.state).not_in(SETTLED),
            task_is_open_to(literal(context.asker.person_id, Uuid())),
        )
        .order_by(col(Task.position), col(Task.item)),
    )
    closed = closed_to(context.session, context.asker, {needed for _, needed, _ in rows})
    found: dict[UUID, list[tuple[UUID, str]]] = defaultdict(list)
    for task_id, needed, title in rows:
        if needed not in closed:
            found[task_id].append((needed, typeset(context.language, title)))
    return found


def evidence_of(context: RequestContext, ids: Sequence[UUID], *, withdrawn: bool) -> dict[UUID, list[EvidenceLine]]:
    """The proofs of each of these tasks; `withdrawn`, also those that were taken back."""
    found: dict[UUID, list[EvidenceLine]] = defaultdict(list)
    for row in every(context.session, *asked_of_evidence(ids)):
        if row.withdrawn_at is not None and not withdrawn:
            continue
        found[row.task_id].append(
            EvidenceLine(
                kind=row.kind,
                label=row.label,
                href=f"/evidence/{row.id}" if row.kind == "document" else "",
                size=row.size,
                withdrawn=row.withdrawn_at is not None,
                at=row.added_at,
            )
        )
    return found


def asked_of_evidence(ids: Sequence[UUID]) -> Question[SelectOfScalar[Evidence]]:
    """What `evidence_of` asks."""
    return Question(_EVIDENCE, {"proven": list(ids)})


_EVIDENCE: Final = built(
    of(Evidence)
    .where(col(Evidence.task_id) == any_(bindparam("proven", type_=ARRAY(Uuid()))))
    .order_by(col(Evidence.added_at), col(Evidence.id))
)
