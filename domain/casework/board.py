"""What people look at: their own work today, how far a case is, what is vacant, and what is late. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Final, NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Uuid, any_, bindparam, func, literal
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Session, and_, or_
from sqlmodel.sql.expression import SelectOfScalar

from domain.casework.approving import Owed, falls_for_approval
from domain.kernel.rows import (
    SHAPE,
    AnySelect,
    also,
    col,
    every,
    in_program,
    inside,
    joins,
    of,
    only,
    run,
    same,
    scalar,
    scalars,
    select,
    surely,
    tuples,
    value_of,
)
from domain.kernel.scope import program_of
from domain.roles.roles import HAVING, Falls, Holder, Link, Standing
from domain.roles.sight import task_is_open_to
from domain.terms.agreed_roles import created_roles, creates_on
from models.agreement import AgreementRole, AgreementVersion
from models.casework import LIVE, SETTLED, Case, ProtocolVersion, Responsibility, Task
from models.committee import Committee, Seat, SeatHolder
from models.program import Organization, Role

T = TypeVar("T", bound=Task)
#: Ids of chains in a statement.
CHAINS: Final = ARRAY(Uuid())


_CHAINS_ASKED: Final = only(Responsibility.id, Responsibility.links).where(
    col(Responsibility.id) == any_(bindparam("chains", type_=CHAINS))
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


class Falling(NamedTuple):
    """A task that waits on a vacant role, by the first link of its chain."""

    id: UUID
    title_fr: str
    title_en: str
    due_on: date | None
    case_id: UUID | None
    role: str
    at: str

    @property
    def first(self) -> Link:
        """The first link of the task's chain."""
        return {"role": self.role, "at": self.at}


@dataclass(frozen=True)
class Vacancy:
    """A place that is vacant on the day: a role of an agreement, or a committee's seat.

    `tasks` counts the open tasks and waiting approvals that first fall to it.
    """

    kind: str  # role or seat
    role: str
    title_fr: str
    title_en: str
    organization_id: UUID
    organization: str
    tasks: int = 0


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
        .where(col(Task.case_id).in_(ids := list(case_ids)))
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


def is_late(day: date) -> ColumnElement[bool]:
    """The condition on a task that it is owed, and that its due day is past."""
    return and_(col(Task.state).in_(LIVE), col(Task.due_on) < day)


def late_on(task: Task, day: date) -> bool:
    """As `is_late`, for a task that was read. One that cannot begin yet is not owed, and is late nowhere."""
    return task.state in LIVE and task.due_on is not None and task.due_on < day


def hats_of(session: Session, standing: Standing, person_id: UUID) -> Hats:
    """The chains with something open that fall on this person on the day of `standing`."""
    links = _links_of(standing, person_id)
    if not links:
        return Hats(person_id, {}, {})
    asked = {f"link_{place}": [link] for place, link in enumerate(links)}
    rows = run(session, _chains_in_use(len(links)), {"here": program_of(session), **asked}).all()
    chains = {row.id: row.links for row in rows}
    waiting = {row.id for row in rows if row.to_do and standing.falls_by(row.links, None).waits_for}
    tasks = {row.id: standing.falls(row.links).on(person_id) for row in rows if row.to_do and row.id not in waiting}
    one_by_one = waiting | {row.id for row in rows if row.to_approve}
    alone: dict[UUID, Holder | None] = {}
    if one_by_one:
        found = tuples(session, _ONE_BY_ONE, {"here": program_of(session), "chains": list(one_by_one)})
        alone = {task_id: who_has(standing, Owed(*row), chains).on(person_id) for task_id, *row in found}
    return Hats(
        person_id,
        {chain: hat for chain, hat in tasks.items() if hat},
        {task_id: hat for task_id, hat in alone.items() if hat},
    )


#: The tasks of which it depends on the task, and not on its chain alone, who has them.
_ONE_BY_ONE: Final = select(
    Task.id,
    Task.state,
    Task.due_on,
    Task.owed_by_id,
    Task.approved_by_id,
    Task.done_by,
    Task.done_for,
    Task.may_not_approve,
).where(
    in_program(Task),
    or_(
        and_(Task.state == "open", col(Task.owed_by_id) == any_(bindparam("chains", type_=CHAINS))),
        and_(Task.state == "submitted", col(Task.approved_by_id) == any_(bindparam("chains", type_=CHAINS))),
    ),
)


@cache
def _chains_in_use(links: int) -> AnySelect:
    """The chains in use that name one of that many links. The statement is built once for each number."""
    named = or_(
        *(col(Responsibility.links).contains(bindparam(f"link_{place}", type_=JSONB)) for place in range(links))
    )
    to_do = only(Task.id).where(Task.owed_by_id == Responsibility.id, col(Task.state).in_(["planned", "open"])).exists()
    to_approve = only(Task.id).where(Task.approved_by_id == Responsibility.id, Task.state == "submitted").exists()
    return only(
        Responsibility.id,
        Responsibility.links,
        value_of(to_do.label("to_do")),
        value_of(to_approve.label("to_approve")),
    ).where(named, or_(to_do, to_approve))


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
    found = only(Task.id).where(
        is_for(literal(list(hats.tasks), CHAINS), literal(list(hats.alone), CHAINS)),
        ~task_is_open_to(literal(hats.person_id, Uuid())),
    )
    return scalar(session, found.limit(1)) is not None


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
            session,
            only(Task.id).where(
                col(Task.id).in_(list(task_ids)),
                task_is_open_to(literal(person_id, Uuid())),
            ),
        )
    )


def work(session: Session, hats: Hats, *, limit: int | None = None, offset: int = 0) -> list[TaskWithCase]:
    """The tasks that are now for the person of `hats`, the most pressing first, each with its case.

    All of them, or `limit` from `offset` on where a page shows so many at a time.
    """
    return every(
        session,
        tasks_with_cases()
        .where(is_mine(hats))
        .order_by(col(Task.due_on).asc().nulls_last(), col(Task.opened_at), col(Task.id))
        .limit(limit)
        .offset(offset),
    )


def handed_back(session: Session, *, reader: UUID) -> list[TaskWithCase]:
    """The tasks that were handed back and not answered, the longest first, as the reader may see them."""
    return every(
        session,
        tasks_with_cases()
        .where(
            col(Task.handed_back_at).is_not(None),
            Task.state == "open",
            task_is_open_to(literal(reader, Uuid())),
        )
        .order_by(col(Task.handed_back_at), col(Task.id)),
    )


def late(session: Session, day: date, *, reader: UUID, limit: int = 200) -> list[TaskWithCase]:
    """Every open or waiting task of the program whose due day is past, the latest first, as a reader may see them."""
    return every(
        session,
        tasks_with_cases()
        .where(is_late(day), task_is_open_to(literal(reader, Uuid())))
        .order_by(col(Task.due_on), col(Task.id))
        .limit(limit),
    )


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
    return every(
        session,
        tasks_with_cases().where(waits).order_by(col(Task.due_on).asc().nulls_last(), col(Task.id)),
    )


def chains(session: Session, ids: Iterable[UUID | None]) -> dict[UUID, list[Link]]:
    """The links of several chains, read at once."""
    asked = {"here": program_of(session), "chains": list({one for one in ids if one is not None})}
    return {row.id: row.links for row in run(session, _CHAINS_ASKED, asked)}


def who(standing: Standing, task: Task | Owed, links: Mapping[UUID, list[Link]]) -> Falls | None:
    """Those on which a task waits now: its doer while open, its approver while it waits; None for none."""
    if task.state == "submitted" or (task.state in ("open", "planned") and task.owed_by_id):
        return who_has(standing, task, links)
    return None


def who_has(standing: Standing, task: Task | Owed, links: Mapping[UUID, list[Link]]) -> Falls:
    """Those on which a task falls: if handed in, those who may approve it; else those who do it.

    A task that is due after a person begins in the role that owes it waits for that person.
    """
    if task.state == "submitted":
        return falls_for_approval(standing, task, links[surely(task.approved_by_id)])
    return standing.falls_by(links[surely(task.owed_by_id)], task.due_on)


def vacancies(session: Session, standing: Standing) -> list[Vacancy]:
    """The roles that an agreement creates on the day with too few holders, and the seats without a principal.

    A place with an appointment from a later day on is not vacant: it is theirs from that day. A role that no agreement
    creates any more, because a partner left, counts as long as something still falls to it. Each comes with the number
    of open tasks that first fall to it, as this very transaction sees them.
    """
    created = run(
        session,
        _places_of_roles(func.max(col(AgreementRole.headcount)))
        .where(
            creates_on(standing.day),
            or_(AgreementVersion.state != "ended", col(AgreementVersion.ends_on) >= standing.day),
            or_(col(Organization.ends_on).is_(None), col(Organization.ends_on) >= standing.day),
        )
        .group_by(
            col(AgreementRole.role),
            col(Organization.id),
            col(Organization.short_name),
            col(Role.title_fr),
            col(Role.title_en),
        ),
    ).all()
    empty = [
        row
        for row in created
        if len(standing.holding(row.role, row.id)) + len(standing.to_hold(row.role, row.id)) < row.headcount
    ]
    waiting = _waiting(session)
    empty += _once_created(session, standing, waiting, {(row.role, row.id) for row in created})
    falling = _falling_to(standing, waiting, {(row.role, row.id) for row in empty})
    found = [
        Vacancy(
            "role",
            row.role,
            row.title_fr,
            row.title_en,
            row.id,
            row.short_name,
            falling.get((row.role, row.id), 0) if not standing.holding(row.role, row.id) else 0,
        )
        for row in empty
    ]
    return found + _empty_seats(session, standing)


def falling(
    session: Session, standing: Standing, vacancies: Iterable[Vacancy], *, reader: UUID
) -> dict[Vacancy, list[Falling]]:
    """For each vacant role the tasks that `Vacancy.tasks` counts, the most pressing first, as a reader may see them."""
    empty = [one for one in vacancies if one.kind == "role" and one.tasks]
    if not empty:
        return {}
    first = inside(Responsibility.links)[0]
    found: list[Falling] = []
    for column, state in ((col(Task.owed_by_id), "open"), (col(Task.approved_by_id), "submitted")):
        asked = (
            select(
                Task.id,
                Task.title_fr,
                Task.title_en,
                Task.due_on,
                Task.case_id,
                first["role"].astext,
                first["at"].astext,
            )
            .select_from(Task)
            .join(Responsibility, and_(same(Responsibility, Task), Responsibility.id == column))
            .where(
                in_program(Task),
                Task.state == state,
                task_is_open_to(literal(reader, Uuid())),
                or_(
                    first["role"].astext.in_({one.role for one in empty}),
                    first["at"].astext.in_({f"{HAVING}{one.role}" for one in empty}),
                ),
            )
        )
        found += [Falling(*row) for row in tuples(session, asked)]
    found.sort(key=lambda task: (task.due_on or date.max, task.id))
    return {
        one: [task for task in found if _wants(standing, task.first, one.role, one.organization_id)] for one in empty
    }


def _wants(standing: Standing, link: Link, role: str, organization_id: UUID) -> bool:
    """Whether the first link of a chain, which is vacant, would be held by a new holder of a place's role.

    Where it is for the places of a role that is vacant everywhere, that role comes first.
    """
    at: str = link["at"]
    if not standing.has_nobody(link):
        return False
    if at.startswith(HAVING):
        named = at.removeprefix(HAVING)
        places = {tenure.organization_id for tenure in standing.holding(named)}
        return role == link["role"] and organization_id in places if places else role == named
    return role == link["role"] and at in ("*", str(organization_id))


def _empty_seats(session: Session, standing: Standing) -> list[Vacancy]:
    held = (
        only(SeatHolder.id)
        .where(
            SeatHolder.seat_id == Seat.id,
            SeatHolder.kind == "principal",
            col(SeatHolder.withdrawn_at).is_(None),
            # Also one who begins later: then it is theirs from that day on.
            or_(col(SeatHolder.ends_on).is_(None), col(SeatHolder.ends_on) >= standing.day),
        )
        .exists()
    )
    rows = run(
        session,
        select(
            Seat.role,
            Seat.title_fr,
            Seat.title_en,
            Organization.id,
            Organization.short_name,
            value_of(col(Committee.title_fr).label("committee_fr")),
            value_of(col(Committee.title_en).label("committee_en")),
        )
        .join(Committee, joins(Seat.committee_id, Committee))
        .join(
            Organization,
            joins(Seat.organization_id, Organization),
        )
        .where(
            in_program(Seat),
            ~held,
            or_(col(Seat.ends_on).is_(None), col(Seat.ends_on) >= standing.day),
        )
        .order_by(col(Committee.key), col(Organization.short_name), col(Seat.key)),
    ).all()
    return [
        Vacancy(
            "seat",
            row.role,
            f"{row.committee_fr} – {row.title_fr}",
            f"{row.committee_en} – {row.title_en}",
            row.id,
            row.short_name,
        )
        for row in rows
    ]


def _waiting(session: Session) -> list[tuple[Link, int]]:
    """How many open tasks and waiting approvals there are by the first link of their chain."""
    first = inside(Responsibility.links)[0]
    found: list[tuple[Link, int]] = []
    for column, state in ((col(Task.owed_by_id), "open"), (col(Task.approved_by_id), "submitted")):
        rows = run(
            # Grouped by the columns' names: written out a second time, each key would be a parameter of its own.
            session,
            # Grouped by the columns' names: written out a second time, each key would be a parameter of its own.
            select(
                value_of(first["role"].astext.label("first_role")),
                value_of(first["at"].astext.label("first_at")),
                value_of(func.count()),
            )
            .select_from(Task)
            .join(Responsibility, and_(same(Responsibility, Task), Responsibility.id == column))
            .where(in_program(Task), Task.state == state)
            .group_by("first_role", "first_at"),
        ).all()
        found += [({"role": role, "at": at}, count) for role, at, count in rows]
    return found


def _falling_to(
    standing: Standing, waiting: Iterable[tuple[Link, int]], places: set[tuple[str, UUID]]
) -> dict[tuple[str, UUID], int]:
    """How much of what waits has one of these places as the first of its chain."""
    counts: dict[tuple[str, UUID], int] = {}
    for link, count in waiting:
        for place in places:
            if _wants(standing, link, *place):
                counts[place] = counts.get(place, 0) + count
    return counts


def _once_created(
    session: Session, standing: Standing, waiting: Iterable[tuple[Link, int]], created: set[tuple[str, UUID]]
) -> list[Any]:
    """The roles that an agreement created once and none does now, that are vacant, and to which something still falls.

    Each as a row of `vacancies`. What a role that is still `created` would take is left out.
    """
    lost = [
        link
        for link, _ in waiting
        if standing.has_nobody(link)
        and not standing.coming_to(link)
        and not any(_wants(standing, link, *place) for place in created)
    ]
    if not lost:
        return []
    rows = run(session, _places_of_roles(literal(1)).distinct()).all()
    return [
        row
        for row in rows
        if (row.role, row.id) not in created and any(_wants(standing, link, row.role, row.id) for link in lost)
    ]


def _places_of_roles(headcount: ColumnElement[int]) -> AnySelect:
    """Each role that an agreement creates, at its organization and in words, with how many are to hold it."""
    return (
        created_roles(
            col(AgreementRole.role),
            headcount.label("headcount"),
            col(Organization.id),
            col(Organization.short_name),
            col(Role.title_fr),
            col(Role.title_en),
        )
        .join(Role, and_(same(Role, AgreementRole), Role.key == AgreementRole.role))
        .order_by(col(Organization.short_name), col(AgreementRole.role))
    )


def _links_of(standing: Standing, person_id: UUID) -> list[Link]:
    """The links by which something can fall on this person: their own, and those of the people they replace."""
    people = [person_id]
    for one in people:
        people.extend(absence.person_id for absence in standing.acting_for(one) if absence.person_id not in people)
    roles = {tenure.role for one in people for tenure in standing.roles_of(one)}
    return [{"role": role} for role in sorted(roles)]


def tasks_with_cases() -> SelectOfScalar[TaskWithCase]:
    """The tasks of the program, each with its case. Callers narrow them."""
    return of(TaskWithCase).outerjoin(Case, joins(Task.case_id, Case))
