"""The steps of a case: how its protocol lays them out as tasks, who owes each, and which waits for which."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import TypedDict
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import delete, insert
from sqlmodel import Session

from domain.casework import scheduling
from domain.casework.anew import keep_missed
from domain.casework.locking import of_case
from domain.casework.subjects import ROLE_OF_WORKER
from domain.declarations import REQUESTER, PlannedDay, Protocol, Step, instances
from domain.declared import Bilingual
from domain.kernel import col, only, program, run, scalars, select, surely
from domain.roles import Link, responsibility
from locales import N_, say
from models.casework import Case, Task, TaskNeed
from models.program import Tenure
from models.stored import JsonObject

#: The role that the case's person holds, by the kind of subject that its protocol declares.
ROLE_OF_SUBJECT = {"worker": ROLE_OF_WORKER}

#: One thing that a step is done for, a task each: an id, and its title in French and in English.
Instance = tuple[str, str, str]


def add_steps(
    session: Session, case: Case, protocol: Protocol, items: Callable[[Step], Iterable[Instance]] | None = None
) -> None:
    """Add its steps to a case that opened, or those of the `items` that join it, and record what they had missed."""
    write_steps(session, steps_of(session, case, protocol, items))
    tie(session, case, protocol)
    keep_missed(session, case, protocol)


def write_steps(session: Session, steps: Iterable[Task]) -> None:
    """Write new tasks of a case in one statement."""
    if rows := [step.model_dump() for step in steps]:
        run(session, insert(Task), rows)


def steps_of(
    session: Session, case: Case, protocol: Protocol, items: Callable[[Step], Iterable[Instance]] | None = None
) -> Iterator[Task]:
    """The case's own copy of the steps of a protocol, as tasks that are not written yet.

    What had lapsed when the case opened is left out. `items` says for what each step is done, where that is not what
    the protocol declares.
    """
    items = items or declared_items
    calendar = scheduling.calendar_for(session, protocol, case.organization_id)
    days = scheduling.due_days(session, case, protocol, calendar)
    hung_on = {anchor.step for anchor in protocol.anchors.values() if anchor.step}
    chain_of = cache(lambda role: responsibility(session, links_of(session, protocol, role, case)))
    for place, step in enumerate(protocol.steps):
        if _has_lapsed(days.get(step.id)):
            continue
        owner = chain_of(step.by) if step.by else None
        timing = scheduling.timing(protocol, days.get(step.id), calendar)
        for item, title_fr, title_en in items(step):
            yield Task(
                program_id=case.program_id,
                case_id=case.id,
                item=item,
                position=place,
                title_fr=title_fr,
                title_en=title_en,
                owed_by_id=owner,
                declared_owed_by_id=owner,
                approved_by_id=chain_of(step.approved_by.role) if step.approved_by else None,
                may_not_approve=_barred(session, protocol, step, case),
                dates_hang=step.id in hung_on,
                **_declared_of(protocol, step),
                **timing._asdict(),
            )


class _Declared(TypedDict):
    step: str
    holding: str
    stage: str
    sources: list[str]
    clause: str
    evidence: str
    system: str
    asks: list[JsonObject]
    required: bool
    on_reject: str
    waived_by: list[str]
    due_rule: JsonObject
    action: str
    undo: str


def _declared_of(protocol: Protocol, step: Step) -> _Declared:
    """What the protocol says of a step, whatever it is done for and whoever has it, as columns."""
    return {
        "step": step.id,
        "holding": step.settles,
        "stage": step.stage,
        "sources": list(step.source),
        "clause": step.clause or "",
        "evidence": step.evidence,
        "system": step.system or "",
        "asks": [_dumped(one) for one in step.asks],
        "required": step.required,
        "on_reject": step.on_reject or "",
        "waived_by": [] if step.waive == "never" else _held_roles(protocol, step.waive.by),
        "due_rule": _dumped(step.due) if step.due else {},
        "action": step.action or "",
        "undo": step.undone_by or "",
    }


def _has_lapsed(day: PlannedDay | None) -> bool:
    return day is not None and day.is_lapsed


def _dumped(declared: BaseModel) -> JsonObject:
    return declared.model_dump(mode="json", exclude_none=True)


def _barred(session: Session, protocol: Protocol, step: Step, case: Case) -> list[Link]:
    """The links of those who may not approve a step, besides who asks for it."""
    names = step.approved_by.not_same_as if step.approved_by else []
    return [link for name in names if name != REQUESTER for link in links_of(session, protocol, name, case)[:1]]


def tie(session: Session, case: Case, protocol: Protocol) -> None:
    """Write which task waits for which, anew.

    Where two steps are done for each of the same things, one waits for the other of that thing alone. So agreeing with
    one participant does not wait until every other was told, and no telephone waits for a computer.
    """
    rows = run(session, select(Task.id, Task.step, Task.item).where(of_case(case.id))).all()
    by_step: dict[str, dict[str, UUID]] = {}
    for row in rows:
        by_step.setdefault(row.step, {})[row.item] = row.id
    everyone = [row.id for row in rows]
    run(
        session,
        delete(TaskNeed).where(col(TaskNeed.program_id) == case.program_id, col(TaskNeed.task_id).in_(everyone)),
    )
    edges = [
        {"program_id": case.program_id, "task_id": waiting, "needs_id": needed}
        for step in protocol.steps
        for name in protocol.waits_for(step)
        for item, waiting in by_step.get(step.id, {}).items()
        for other, needed in by_step.get(name, {}).items()
        if item == other or not _is_of_the_same_things(item, step, protocol.by_id[name])
    ]
    if edges:
        run(session, insert(TaskNeed), edges)


def _is_of_the_same_things(item: str, step: Step, other: Step) -> bool:
    """Whether `other` is done, on its own, for the same thing as `step` here."""
    kinds = [one.for_each.over if one.for_each else None for one in (step, other)]
    if kinds[0] is not None:
        return kinds[0] == kinds[1]
    return item != "" and item in {one for one, _, _ in declared_items(other)}


def declared_items(step: Step) -> Iterator[Instance]:
    """The things that a protocol declares for a step; none where it is done for what a person has in hand."""
    for item in instances(step):
        if item is None:
            yield "", step.title.fr, step.title.en
        else:
            yield instance_of(step, item.id, item.title)


def instance_of(step: Step, item: str, title: Bilingual) -> Instance:
    """A step as it is done for one thing: "Take back the equipment: cell phone"."""
    return (
        item,
        say("fr", _ONE_OF, step=step.title.fr, item=title.fr),
        say("en", _ONE_OF, step=step.title.en, item=title.en),
    )


_ONE_OF = N_("%(step)s: %(item)s")


def links_of(session: Session, protocol: Protocol, role: str, case: Case) -> list[Link]:
    """The chain on which a duty of a protocol's role falls in this case, as it is stored."""
    links: list[Link] = []
    for name in protocol.chain(role):
        declared = protocol.roles[name]
        if declared.subject is not None:
            at = str(case.organization_id)
            held = _roles_of(session, case, declared.subject)
            links.extend(Link(role, at, person=case.subject_id) for role in held)
            continue
        links.extend(Link(surely(declared.holds), place) for place in _places(session, declared.at or "", case))
    return links


def _roles_of(session: Session, case: Case, subject: str) -> list[str]:
    """The roles that the case's person holds, or held, at its organization."""
    if subject in ROLE_OF_SUBJECT:
        return [ROLE_OF_SUBJECT[subject]]
    found = scalars(
        session,
        only(Tenure.role)
        .where(Tenure.person_id == case.subject_id, Tenure.organization_id == case.organization_id)
        .distinct()
        .order_by(col(Tenure.role)),
    )
    return list(found)


def _places(session: Session, at: str, case: Case) -> list[str]:
    if at in ("employer", "partner"):
        return [str(case.organization_id)]
    if at == "coordination":
        return [str(place) for place in program(session).coordination.organizations]
    return ["*"] if at == "anywhere" else [at]


def _held_roles(protocol: Protocol, name: str) -> list[str]:
    """The agreements' roles that a protocol's role means, without a chain: the right to waive does not pass down."""
    declared = protocol.roles[name]
    if declared.holds:
        return [declared.holds]
    return [ROLE_OF_SUBJECT[declared.subject]] if declared.subject in ROLE_OF_SUBJECT else []
