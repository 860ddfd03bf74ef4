"""What people look at: their own work today, how far a case is, what is vacant, and what is late. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Date, Integer, Text, Uuid, any_, bindparam, func, literal
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Session, and_, or_
from sqlmodel.sql.expression import Select as Picked
from sqlmodel.sql.expression import SelectOfScalar

from domain.casework.approving import OWING, TaskOwing, falls_for_approval
from domain.kernel import (
    SHAPE,
    AnySelect,
    Order,
    Part,
    Question,
    Values,
    also,
    built,
    col,
    every,
    in_program,
    inside,
    joins,
    kept,
    of,
    only,
    or_last,
    run,
    same,
    scalar,
    scalars,
    select,
    surely,
    value_of,
)
from domain.roles import DayTenures, Falls, Holder, Link, task_is_open_to
from models.casework import LIVE, SETTLED, Case, ProtocolVersion, Responsibility, Task

T = TypeVar("T", bound=Task)
#: Ids of chains in a statement.
CHAINS: Final = ARRAY(Uuid())


_CHAINS_ASKED: Final = built(
    only(Responsibility.id, Responsibility.links).where(
        col(Responsibility.id) == any_(bindparam("chains", type_=CHAINS))
    )
)


@dataclass(frozen=True)
class Hats:
    """What a person has on a day, and in which role.

    `tasks` are the chains with a duty that is theirs to do. `alone` are single tasks, by their ids: what they may
    approve, and what is needed before the one its chain waits for begins.
    """

    person_id: UUID
    tasks: Mapping[UUID, Holder]
    alone: Mapping[UUID, Holder]

    def of(self, task: Task) -> Holder | None:
        """The role in which the person has a task that is open or waits for approval; None where they lack it."""
        return self.alone.get(task.id) or (self.tasks.get(surely(task.owed_by_id)) if task.state == "open" else None)

    def to_approve(self, tasks: Iterable[T]) -> list[T]:
        """Those of these tasks that wait for their approval."""
        return [task for task in tasks if task.state == "submitted" and task.id in self.alone]


class TaskWithCase(Task):
    """A task with what lists show of its case, where it has one."""

    model_config = SHAPE
    protocol: str | None = also(Case.protocol)
    protocol_version_id: UUID | None = also(Case.protocol_version_id)
    subject_id: UUID | None = also(Case.subject_id)
    organization_id: UUID | None = also(Case.organization_id)
    case_state: str | None = also(Case.state)


@dataclass(frozen=True)
class Progress:
    """How far a case is: how many of the tasks that it requires are settled, and how many of any are late."""

    required: int = 0
    settled: int = 0
    late: int = 0


def progress(session: Session, case_ids: Iterable[UUID], day: date) -> dict[UUID, Progress]:
    """How far each of these cases is on a local day, or was when it was cancelled.

    What an open or closed case no longer asks for is not counted; of a cancelled one all that it asked for is.
    """
    rows = run(
        session,
        only(
            surely(Task.case_id),
            value_of(func.count().filter(col(Task.required), is_asked())),
            value_of(func.count().filter(col(Task.required), col(Task.state).in_(SETTLED))),
            value_of(func.count().filter(is_late(day))),
        )
        .join(Case, joins(Task.case_id, Case))
        # Of the cases too: they are found by their ids, and not among all that there ever were.
        .where(col(Task.case_id).in_(ids := list(case_ids)), col(Case.id).in_(ids))
        .group_by(col(Task.case_id)),
    )
    return dict.fromkeys(ids, Progress()) | {case_id: Progress(*counts) for case_id, *counts in rows}


def is_asked() -> ColumnElement[bool]:
    """The condition on a task and its case that the case asks for it or, when cancelled, asked for it to its end.

    A step that a newer version of the protocol had cancelled before is left out: the case's version does not have it.
    """
    has_step = inside(ProtocolVersion.declared)["steps"].op("@>")(
        func.jsonb_build_array(func.jsonb_build_object("id", col(Task.step)))
    )
    in_its_version = (
        select(ProtocolVersion.id)
        .where(joins(Case.protocol_version_id, ProtocolVersion), has_step)
        .correlate(Case, Task)
        .exists()
    )
    return or_(Task.state != "cancelled", and_(Case.state == "cancelled", in_its_version))


def is_late(day: date | ColumnElement[date]) -> ColumnElement[bool]:
    """The condition on a task that it is owed, and that its due day is past."""
    return and_(col(Task.state).in_(LIVE), col(Task.due_on) < day)


def late_on(task: Task, day: date) -> bool:
    """As `is_late`, for a task that was read. One that cannot begin yet is not owed, and is late nowhere."""
    return task.state in LIVE and task.due_on is not None and task.due_on < day


def hats_of(session: Session, standing: DayTenures, person_id: UUID) -> Hats:
    """The chains with something open that fall on this person on the day of `standing`."""
    return kept(session, (hats_of, standing.day, person_id), lambda: _hats(session, standing, person_id))


def _hats(session: Session, standing: DayTenures, person_id: UUID) -> Hats:
    asked = asked_of_mine(standing, person_id)
    if not asked:
        return Hats(person_id, {}, {})
    chains, one_by_one, _ = asked
    rows = run(session, *chains).all()
    to_do = {row.id: standing.falls_by(row.links, None) for row in rows if row.to_do}
    waiting = {chain for chain, falls in to_do.items() if falls.waits_for}
    is_asked = waiting or any(row.to_approve for row in rows)
    apart = run(session, *one_by_one).all() if is_asked else []
    alone = _fall_one_by_one(standing, apart, waiting, {row.id: row.links for row in rows})
    return Hats(person_id, _those_on(person_id, to_do), _those_on(person_id, alone))


def _fall_one_by_one(
    standing: DayTenures, rows: Iterable[Any], waiting: Collection[UUID], links: Mapping[UUID, list[Link]]
) -> dict[UUID, Falls]:
    """On whom each task falls that waits for an approval, or whose chain is `waiting` for who begins in its role."""
    tasks = {row.id: TaskOwing(*tuple(row)[1:8]) for row in rows}
    return {
        task_id: who_has(standing, task, links)
        for task_id, task in tasks.items()
        if task.state == "submitted" or task.owed_by_id in waiting
    }


def _those_on(person_id: UUID, found: Mapping[UUID, Falls]) -> dict[UUID, Holder]:
    return {one: hat for one, falls in found.items() if (hat := falls.on(person_id)) is not None}


@dataclass(frozen=True)
class OwnCounts:
    """How much is now for a person to do and to approve, how much of it is late, and under which hats."""

    hats: Hats
    to_do: int = 0
    to_approve: int = 0
    late: int = 0


def counts_of(session: Session, standing: DayTenures, person_id: UUID) -> OwnCounts:
    """How much is now for a person: as many as `work` lists on the day of `standing`."""
    hats, asked = hats_of(session, standing, person_id), asked_of_mine(standing, person_id)
    if not asked:
        return OwnCounts(hats)
    _, one_by_one, by_chain = asked
    counts = [(row.all, 0, row.late) for row in run(session, *by_chain) if row.owed_by_id in hats.tasks]
    if hats.alone:
        alone = [row for row in run(session, *one_by_one) if row.id in hats.alone and row.is_open]
        counts += [(row.state == "open", row.state == "submitted", _is_past(row, standing.day)) for row in alone]
    to_do, to_approve, late = (sum(each) for each in zip((0, 0, 0), *counts, strict=True))
    return OwnCounts(hats, to_do, to_approve, late)


def _is_past(row: Any, day: date) -> bool:
    return row.due_on is not None and row.due_on < day


def asked_of_mine(standing: DayTenures, person_id: UUID) -> list[Question[AnySelect]]:
    """What `hats_of` and `counts_of` ask, to be asked ahead with other things; nothing where the person has no role.

    The chains in use that name one of their roles, what is asked task by task, and the open tasks of each chain.
    """
    roles = _roles_for(standing, person_id)
    if not roles:
        return []
    named = {f"link_{place}": [{"role": role}] for place, role in enumerate(roles)}
    coming = sorted({held.role for held in standing.coming})
    return [
        Question(_chains_in_use(len(roles)), named),
        Question(_one_by_one(len(roles)), {**named, "person": person_id, "coming": coming}),
        Question(_open_by_chain(len(roles)), {**named, "person": person_id, "day": standing.day}),
    ]


_PERSON: Final = bindparam("person", type_=Uuid())
_DAY: Final = bindparam("day", type_=Date())


@cache
def _one_by_one(links: int) -> AnySelect:
    """The tasks of which it depends on the task, and not on its chain alone, who has them: of chains with these links.

    Those that wait for an approval, and those whose chain begins with a role in which somebody is to begin.
    """
    chains = only(Responsibility.id).where(_names(links))
    first_role = inside(Responsibility.links)[0]["role"].astext
    awaiting = chains.where(first_role == any_(bindparam("coming", type_=ARRAY(Text()))))
    return built(
        select(Task.id, *OWING, value_of(task_is_open_to(_PERSON).label("is_open"))).where(
            in_program(Task),
            or_(
                and_(Task.state == "open", col(Task.owed_by_id).in_(awaiting)),
                and_(Task.state == "submitted", col(Task.approved_by_id).in_(chains)),
            ),
        )
    )


@cache
def _open_by_chain(links: int) -> AnySelect:
    """How many open tasks a person may see of each chain that names one of so many links, and how many are late."""
    return built(
        select(
            Task.owed_by_id,
            value_of(func.count().label("all")),
            value_of(func.count().filter(col(Task.due_on) < _DAY).label("late")),
        )
        .where(
            in_program(Task),
            Task.state == "open",
            col(Task.owed_by_id).in_(only(Responsibility.id).where(_names(links))),
            task_is_open_to(_PERSON),
        )
        .group_by(col(Task.owed_by_id))
    )


@cache
def _chains_in_use(links: int) -> AnySelect:
    """The chains in use that name one of that many links. The statement is built once for each number."""
    to_do = only(Task.id).where(Task.owed_by_id == Responsibility.id, col(Task.state).in_(["planned", "open"])).exists()
    to_approve = only(Task.id).where(Task.approved_by_id == Responsibility.id, Task.state == "submitted").exists()
    return built(
        only(
            Responsibility.id,
            Responsibility.links,
            value_of(to_do.label("to_do")),
            value_of(to_approve.label("to_approve")),
        ).where(_names(links), or_(to_do, to_approve))
    )


def _names(links: int) -> ColumnElement[bool]:
    """The condition on a chain that it names one of so many links."""
    return or_(*(col(Responsibility.links).contains(bindparam(f"link_{n}", type_=JSONB)) for n in range(links)))


def is_mine(hats: Hats) -> ColumnElement[bool]:
    """The condition on a task that the person of `hats` is now to do or approve it.

    A task about a participant who barred them is left out: another has to have it.
    """
    return and_(
        is_for(literal(list(hats.tasks), CHAINS), literal(list(hats.alone), CHAINS)),
        task_is_open_to(literal(hats.person_id, Uuid())),
    )


def keeps_back(session: Session, hats: Hats) -> bool:
    """Whether a task falls to the person of `hats` that they are not shown, since a participant barred them.

    It stays undone until another has the duty: the person is told that, but not about which participant.
    """
    return scalar(session, *asked_of_kept_back(hats)) is not None


def asked_of_kept_back(hats: Hats) -> Question[SelectOfScalar[UUID]]:
    """What `keeps_back` asks."""
    return Question(_KEPT_BACK, _in_hand(hats))


def _in_hand(hats: Hats) -> Values:
    return {"person": hats.person_id, "tasks": list(hats.tasks), "alone": list(hats.alone)}


def is_for(tasks: ColumnElement[Any], alone: ColumnElement[Any]) -> ColumnElement[bool]:
    """The condition on a task that these chains, or these single tasks, make it a person's now.

    It ignores whether they may see it (`Hats`).
    """
    return or_(
        and_(Task.state == "open", col(Task.owed_by_id) == any_(tasks)),
        and_(col(Task.state).in_(LIVE), col(Task.id) == any_(alone)),
    )


def open_to(session: Session, person_id: UUID, task_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Those of these tasks that are not about a participant who barred this person."""
    return frozenset(
        scalars(
            session, only(Task.id).where(col(Task.id).in_(list(task_ids)), task_is_open_to(literal(person_id, Uuid())))
        )
    )


def work(session: Session, hats: Hats) -> list[TaskWithCase]:
    """The tasks that are now for the person of `hats`, the most pressing first, each with its case."""
    return every(session, _WORK, {**_in_hand(hats), "most": None})


def part_of_work(
    session: Session, hats: Hats, *may_see: ColumnElement[bool], most: int, after: UUID | None
) -> Part[TaskWithCase]:
    """As `work`, so many of them: those after a task that the reader may see, wherever it is now."""
    return _PRESSING.part_of(session, _WORK, *may_see, after=after, most=most, values=_in_hand(hats))


def handed_back(session: Session, *, reader: UUID) -> list[TaskWithCase]:
    """The tasks that were handed back and not answered, the longest first, as the reader may see them."""
    return every(session, *asked_of_handed_back(reader))


def asked_of_handed_back(reader: UUID) -> Question[SelectOfScalar[TaskWithCase]]:
    """What `handed_back` asks."""
    return Question(_HANDED_BACK, {"person": reader})


def late(session: Session, day: date, *, reader: UUID, limit: int = 200) -> list[TaskWithCase]:
    """Every open or waiting task of the program whose due day is past, the latest first, as a reader may see them."""
    return every(session, *asked_of_late(day, reader, limit))


def asked_of_late(day: date, reader: UUID, limit: int) -> Question[SelectOfScalar[TaskWithCase]]:
    """What `late` asks."""
    return Question(_LATE, {"day": day, "person": reader, "most_late": limit})


def open_at(session: Session, organization_id: UUID) -> list[TaskWithCase]:
    """What waits now on a role of an organization, the most pressing first, each with its case.

    By the first link of each duty: what falls to another today because the role is vacant is included.
    """
    first = inside(Responsibility.links)[0]["at"].astext == str(organization_id)
    waits = or_(
        *(
            and_(
                Task.state == state,
                select(Responsibility.id)
                .where(same(Responsibility, Task), Responsibility.id == column, first)
                .exists(),
            )
            for column, state in ((col(Task.owed_by_id), "open"), (col(Task.approved_by_id), "submitted"))
        )
    )
    return every(session, tasks_with_cases().where(waits).order_by(col(Task.due_on).asc().nulls_last(), col(Task.id)))


def chains(session: Session, ids: Iterable[UUID | None]) -> dict[UUID, list[Link]]:
    """The links of several chains, read at once."""
    return {row.id: row.links for row in run(session, *asked_of_chains(ids))}


def asked_of_chains(ids: Iterable[UUID | None]) -> Question[Picked[UUID, list[Link]]]:
    """What `chains` asks."""
    return Question(_CHAINS_ASKED, {"chains": sorted({one for one in ids if one is not None})})


def who(standing: DayTenures, task: Task | TaskOwing, links: Mapping[UUID, list[Link]]) -> Falls | None:
    """Those on which a task waits now: its doer while open, its approver while it waits; None for none."""
    if task.state == "submitted" or (task.state in ("open", "planned") and task.owed_by_id):
        return who_has(standing, task, links)
    return None


def who_has(standing: DayTenures, task: Task | TaskOwing, links: Mapping[UUID, list[Link]]) -> Falls:
    """Those on which a task falls: if handed in, those who may approve it; else those who do it.

    A task that is due after a person begins in the role that owes it waits for that person.
    """
    if task.state == "submitted":
        return falls_for_approval(standing, task, links[surely(task.approved_by_id)])
    return standing.falls_by(links[surely(task.owed_by_id)], task.due_on)


def tasks_with_cases() -> SelectOfScalar[TaskWithCase]:
    """The tasks of the program, each with its case. Callers narrow them."""
    return of(TaskWithCase).outerjoin(Case, joins(Task.case_id, Case))


_TASKS, _ALONE = bindparam("tasks", type_=CHAINS), bindparam("alone", type_=CHAINS)
_PRESSING: Final = Order(or_last(Task.due_on), or_last(Task.opened_at), Task.id)
_WORK: Final = built(_PRESSING.of(tasks_with_cases().where(is_for(_TASKS, _ALONE), task_is_open_to(_PERSON))))
_HANDED_BACK: Final = built(
    tasks_with_cases()
    .where(col(Task.handed_back_at).is_not(None), Task.state == "open", task_is_open_to(_PERSON))
    .order_by(col(Task.handed_back_at), col(Task.id))
)
_LATE: Final = built(
    tasks_with_cases()
    .where(is_late(_DAY), task_is_open_to(_PERSON))
    .order_by(col(Task.due_on), col(Task.id))
    .limit(bindparam("most_late", type_=Integer()))
)
_KEPT_BACK: Final = built(only(Task.id).where(is_for(_TASKS, _ALONE), ~task_is_open_to(_PERSON)).limit(1))


def _roles_for(standing: DayTenures, person_id: UUID) -> list[str]:
    """The roles by which something can fall on this person: their own, and those of the people they replace."""
    people = [person_id]
    for one in people:
        people.extend(absence.person_id for absence in standing.acting_for(one) if absence.person_id not in people)
    return sorted({tenure.role for one in people for tenure in standing.roles_of(one)})
