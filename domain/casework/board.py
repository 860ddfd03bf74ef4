"""What people look at: each one's own work today, how far a case is, what is vacant, and what is late. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Select, Uuid, and_, any_, bindparam, func, literal, or_, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Session

from domain.casework.approving import falls_for_approval
from domain.kernel.scope import many, program_of, run
from domain.roles.roles import HAVING, Falls, Holder, Link, Standing
from domain.roles.sight import task_is_open_to
from domain.terms.agreed_roles import created_roles, creates_on
from models.agreement import AgreementRole, AgreementVersion
from models.base import refers, table_of
from models.casework import LIVE, SETTLED, Case, ProtocolVersion, Responsibility, Task
from models.committee import Committee, Seat, SeatHolder
from models.program import Organization, Role

#: Ids of chains in a statement.
CHAINS: Final = ARRAY(Uuid())

_task = table_of(Task)
_case = table_of(Case)
_protocol = table_of(ProtocolVersion)
_chain = table_of(Responsibility)
_role = table_of(Role)
_organization = table_of(Organization)
_version = table_of(AgreementVersion)
_created = table_of(AgreementRole)
_committee = table_of(Committee)
_seat = table_of(Seat)
_holder = table_of(SeatHolder)


_CHAINS_ASKED: Final = select(_chain.c.id, _chain.c.links).where(
    _chain.c.program_id == bindparam("here", type_=Uuid()), _chain.c.id == any_(bindparam("chains", type_=CHAINS))
)


@dataclass(frozen=True)
class Hats:
    """What a person has on a day, and under which hat.

    `tasks` are the chains whose duty is theirs to do. `alone` are single tasks, by their ids: what they may approve,
    and what is needed before whoever its chain waits for begins.
    """

    person_id: UUID
    tasks: Mapping[UUID, Holder]
    alone: Mapping[UUID, Holder]

    def of(self, task: Mapping[str, Any]) -> Holder | None:
        """The hat under which they have a task that is open or waits for an approval; None where they have it not."""
        return self.alone.get(task["id"]) or (self.tasks.get(task["owed_by_id"]) if task["state"] == "open" else None)

    def to_approve(self, tasks: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Those of these tasks that wait for their approval."""
        return [dict(task) for task in tasks if task["state"] == "submitted" and task["id"] in self.alone]


@dataclass(frozen=True)
class Vacancy:
    """A place that nobody holds on the day: a role of an agreement, or a committee's seat.

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

    What an open or a closed case no longer asks for is not counted; of a cancelled one all that it asked for is.
    """
    rows = session.execute(
        select(
            _task.c.case_id,
            func.count().filter(_task.c.required, is_asked()),
            func.count().filter(_task.c.required, _task.c.state.in_(SETTLED)),
            func.count().filter(is_late(day)),
        )
        .join(_case, refers(_task.c.case_id, _case))
        .where(_task.c.program_id == program_of(session), _task.c.case_id.in_(ids := list(case_ids)))
        .group_by(_task.c.case_id)
    )
    return dict.fromkeys(ids, Progress()) | {case_id: Progress(*counts) for case_id, *counts in rows}


def is_asked() -> ColumnElement[bool]:
    """The condition on a task and its case that the case asks for it or, cancelled, asked for it to its end.

    What a newer version of the protocol had called off before is no part of it: the version that the case follows does
    not have that step.
    """
    has_step = _protocol.c.declared["steps"].op("@>")(
        func.jsonb_build_array(func.jsonb_build_object("id", _task.c.step))
    )
    in_its_version = (
        select(_protocol.c.id)
        .where(
            _protocol.c.program_id == _case.c.program_id,
            _protocol.c.id == _case.c.protocol_version_id,
            has_step,
        )
        .correlate(_case, _task)
        .exists()
    )
    return or_(_task.c.state != "cancelled", and_(_case.c.state == "cancelled", in_its_version))


def is_late(day: date) -> ColumnElement[bool]:
    """The condition on a task that somebody owes it, and that its due day is past."""
    return and_(_task.c.state.in_(LIVE), _task.c.due_on < day)


def late_on(task: Mapping[str, Any], day: date) -> bool:
    """As `is_late`, of a task that was read. One that cannot begin yet is nobody's, and is late nowhere."""
    return task["state"] in LIVE and task["due_on"] is not None and task["due_on"] < day


def hats_of(session: Session, standing: Standing, person_id: UUID) -> Hats:
    """The chains with something open whose duty falls on this person on the day of `standing`."""
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
        found = many(session, _ONE_BY_ONE, {"here": program_of(session), "chains": list(one_by_one)})
        alone = {row["id"]: who_has(standing, row, chains).on(person_id) for row in found}
    return Hats(
        person_id,
        {chain: hat for chain, hat in tasks.items() if hat},
        {task_id: hat for task_id, hat in alone.items() if hat},
    )


#: The tasks of which it depends on the task, and not on its chain alone, who has them.
_ONE_BY_ONE: Final = select(
    *(_task.c[name] for name in ("id", "state", "due_on", "owed_by_id", "approved_by_id")),
    *(_task.c[name] for name in ("done_by", "done_for", "may_not_approve")),
).where(
    _task.c.program_id == bindparam("here", type_=Uuid()),
    or_(
        and_(_task.c.state == "open", _task.c.owed_by_id == any_(bindparam("chains", type_=CHAINS))),
        and_(_task.c.state == "submitted", _task.c.approved_by_id == any_(bindparam("chains", type_=CHAINS))),
    ),
)


@cache
def _chains_in_use(links: int) -> Select[Any]:
    """The chains that name one of so many links, with something to do or to approve. Built once for each number."""
    here = bindparam("here", type_=Uuid())
    named = or_(*(_chain.c.links.contains(bindparam(f"link_{place}", type_=JSONB)) for place in range(links)))
    to_do = (
        select(_task.c.id)
        .where(_task.c.program_id == here, _task.c.owed_by_id == _chain.c.id, _task.c.state.in_(["planned", "open"]))
        .exists()
    )
    to_approve = (
        select(_task.c.id)
        .where(_task.c.program_id == here, _task.c.approved_by_id == _chain.c.id, _task.c.state == "submitted")
        .exists()
    )
    return select(_chain.c.id, _chain.c.links, to_do.label("to_do"), to_approve.label("to_approve")).where(
        _chain.c.program_id == here, named, or_(to_do, to_approve)
    )


def is_mine(hats: Hats) -> ColumnElement[bool]:
    """The condition on a task that it is now for the person of `hats` to do, or to approve.

    What is of the file of a participant who barred them is not: somebody else has to have it.
    """
    return and_(
        is_for(literal(list(hats.tasks), CHAINS), literal(list(hats.alone), CHAINS)),
        task_is_open_to(literal(hats.person_id, Uuid())),
    )


def keeps_back(session: Session, hats: Hats) -> bool:
    """Whether something falls to the person of `hats` that they are not shown, since a participant barred them.

    Nobody does it then before somebody else has the duty: they are told that, and not of whom.
    """
    found = select(_task.c.id).where(
        _task.c.program_id == program_of(session),
        is_for(literal(list(hats.tasks), CHAINS), literal(list(hats.alone), CHAINS)),
        ~task_is_open_to(literal(hats.person_id, Uuid())),
    )
    return session.scalar(found.limit(1)) is not None


def is_for(tasks: ColumnElement[Any], alone: ColumnElement[Any]) -> ColumnElement[bool]:
    """The condition on a task that it is now for whoever has the duty of these chains, or of these single tasks.

    Whatever keeps them from it (`Hats`).
    """
    return or_(
        and_(_task.c.state == "open", _task.c.owed_by_id == any_(tasks)),
        and_(_task.c.state.in_(LIVE), _task.c.id == any_(alone)),
    )


def open_to(session: Session, person_id: UUID, task_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Those of these tasks that are of no file from which its participant keeps this person."""
    return frozenset(
        session.scalars(
            select(_task.c.id).where(
                _task.c.program_id == program_of(session),
                _task.c.id.in_(list(task_ids)),
                task_is_open_to(literal(person_id, Uuid())),
            )
        )
    )


def work(session: Session, hats: Hats, *, limit: int | None = None, offset: int = 0) -> list[dict[str, Any]]:
    """The tasks that are now for the person of `hats`, the most pressing first, each with its case.

    All of them, or where a page shows so many at a time, `limit` from `offset` on.
    """
    return many(
        session,
        _tasks_with_cases(session)
        .where(is_mine(hats))
        .order_by(_task.c.due_on.asc().nulls_last(), _task.c.opened_at, _task.c.id)
        .limit(limit)
        .offset(offset),
    )


def handed_back(session: Session, *, reader: UUID) -> list[dict[str, Any]]:
    """What somebody handed back and nobody has answered, the longest first, as the reader may see it."""
    return many(
        session,
        _tasks_with_cases(session)
        .where(
            _task.c.handed_back_at.is_not(None),
            _task.c.state == "open",
            task_is_open_to(literal(reader, Uuid())),
        )
        .order_by(_task.c.handed_back_at, _task.c.id),
    )


def late(session: Session, day: date, *, reader: UUID, limit: int = 200) -> list[dict[str, Any]]:
    """Every open or waiting task of the program whose due day is past, the latest first, as a reader may see them."""
    return many(
        session,
        _tasks_with_cases(session)
        .where(is_late(day), task_is_open_to(literal(reader, Uuid())))
        .order_by(_task.c.due_on, _task.c.id)
        .limit(limit),
    )


def open_at(session: Session, organization_id: UUID) -> list[dict[str, Any]]:
    """What waits now on a role of an organization, the most pressing first, each with its case.

    By the first link of each duty: what falls to somebody else today, because nobody holds the role, is among them.
    """
    first = _chain.c.links[0]["at"].astext == str(organization_id)
    waits = or_(
        *(
            and_(
                _task.c.state == state,
                select(_chain.c.id)
                .where(_chain.c.program_id == _task.c.program_id, _chain.c.id == column, first)
                .exists(),
            )
            for column, state in ((_task.c.owed_by_id, "open"), (_task.c.approved_by_id, "submitted"))
        )
    )
    return many(
        session,
        _tasks_with_cases(session).where(waits).order_by(_task.c.due_on.asc().nulls_last(), _task.c.id),
    )


def chains(session: Session, ids: Iterable[UUID | None]) -> dict[UUID, list[Link]]:
    """The links of several chains, read at once."""
    asked = {"here": program_of(session), "chains": list({one for one in ids if one is not None})}
    return {row.id: row.links for row in run(session, _CHAINS_ASKED, asked)}


def who(standing: Standing, task: Mapping[str, Any], links: Mapping[UUID, list[Link]]) -> Falls | None:
    """On whom a task waits now: its doer while open, its approver while it waits; None where it waits on nobody."""
    if task["state"] == "submitted" or (task["state"] in ("open", "planned") and task["owed_by_id"]):
        return who_has(standing, task, links)
    return None


def who_has(standing: Standing, task: Mapping[str, Any], links: Mapping[UUID, list[Link]]) -> Falls:
    """On whom a task falls: to approve it, where it was handed in, those whom nothing bars; else to do it.

    A task that is due once somebody begins in the role that owes it waits for them.
    """
    if task["state"] == "submitted":
        return falls_for_approval(standing, task, links[task["approved_by_id"]])
    return standing.falls_by(links[task["owed_by_id"]], task["due_on"])


def vacancies(session: Session, standing: Standing) -> list[Vacancy]:
    """Every role that an agreement creates on the day and too few hold then, and every seat without a principal.

    A place for which somebody is appointed from a later day on is not vacant: it is theirs from that day.
    So is a role that no agreement creates any more, because a partner left, as long as something still falls to it.
    Each with the number of open tasks that first fall to it, in the state of this very transaction.
    """
    created = session.execute(
        _places_of_roles(session, func.max(_created.c.headcount))
        .where(
            creates_on(standing.day),
            or_(_version.c.state != "ended", _version.c.ends_on >= standing.day),
            or_(_organization.c.ends_on.is_(None), _organization.c.ends_on >= standing.day),
        )
        .group_by(
            _created.c.role,
            _organization.c.id,
            _organization.c.short_name,
            _role.c.title_fr,
            _role.c.title_en,
        )
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
) -> dict[Vacancy, list[dict[str, Any]]]:
    """For each vacant role what `Vacancy.tasks` counts there, the most pressing first, as a reader may see them.

    A task comes with its `case_id`.
    """
    empty = [one for one in vacancies if one.kind == "role" and one.tasks]
    if not empty:
        return {}
    first = _chain.c.links[0]
    found: list[dict[str, Any]] = []
    for column, state in ((_task.c.owed_by_id, "open"), (_task.c.approved_by_id, "submitted")):
        asked = (
            select(
                _task.c.id,
                _task.c.title_fr,
                _task.c.title_en,
                _task.c.due_on,
                _task.c.case_id,
                first["role"].astext.label("role"),
                first["at"].astext.label("place"),
            )
            .select_from(_task)
            .join(_chain, and_(_chain.c.program_id == _task.c.program_id, _chain.c.id == column))
            .where(
                _task.c.program_id == program_of(session),
                _task.c.state == state,
                task_is_open_to(literal(reader, Uuid())),
                or_(
                    first["role"].astext.in_({one.role for one in empty}),
                    first["at"].astext.in_({f"{HAVING}{one.role}" for one in empty}),
                ),
            )
        )
        found += many(session, asked)
    found.sort(key=lambda task: (task["due_on"] or date.max, task["id"]))
    return {
        one: [
            task
            for task in found
            if _wants(standing, {"role": task["role"], "at": task["place"]}, one.role, one.organization_id)
        ]
        for one in empty
    }


def _wants(standing: Standing, link: Link, role: str, organization_id: UUID) -> bool:
    """Whether the first link of a chain, which nobody holds, would be held by whoever is given a role of a place.

    Where it is for the places of a role that nobody holds anywhere, it is that role which is missing first.
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
    here = program_of(session)
    held = (
        select(_holder.c.id)
        .where(
            _holder.c.program_id == here,
            _holder.c.seat_id == _seat.c.id,
            _holder.c.kind == "principal",
            _holder.c.withdrawn_at.is_(None),
            # Also of whoever begins later: then it is theirs from that day on.
            or_(_holder.c.ends_on.is_(None), _holder.c.ends_on >= standing.day),
        )
        .exists()
    )
    rows = session.execute(
        select(
            _seat.c.role,
            _seat.c.title_fr,
            _seat.c.title_en,
            _organization.c.id,
            _organization.c.short_name,
            _committee.c.title_fr.label("committee_fr"),
            _committee.c.title_en.label("committee_en"),
        )
        .join(_committee, and_(_committee.c.program_id == _seat.c.program_id, _committee.c.id == _seat.c.committee_id))
        .join(
            _organization,
            and_(_organization.c.program_id == _seat.c.program_id, _organization.c.id == _seat.c.organization_id),
        )
        .where(
            _seat.c.program_id == here,
            ~held,
            or_(_seat.c.ends_on.is_(None), _seat.c.ends_on >= standing.day),
        )
        .order_by(_committee.c.key, _organization.c.short_name, _seat.c.key)
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
    here = program_of(session)
    first = _chain.c.links[0]
    found: list[tuple[Link, int]] = []
    for column, state in ((_task.c.owed_by_id, "open"), (_task.c.approved_by_id, "submitted")):
        rows = session.execute(
            # Grouped by the columns' names: written out a second time, each key would be a parameter of its own.
            select(first["role"].astext.label("first_role"), first["at"].astext.label("first_at"), func.count())
            .select_from(_task)
            .join(_chain, and_(_chain.c.program_id == _task.c.program_id, _chain.c.id == column))
            .where(_task.c.program_id == here, _task.c.state == state)
            .group_by("first_role", "first_at")
        ).all()
        found += [({"role": role, "at": at}, count) for role, at, count in rows]
    return found


def _falling_to(
    standing: Standing, waiting: Iterable[tuple[Link, int]], places: set[tuple[str, UUID]]
) -> dict[tuple[str, UUID], int]:
    """How much of what waits names one of these places as the first of its chain."""
    counts: dict[tuple[str, UUID], int] = {}
    for link, count in waiting:
        for place in places:
            if _wants(standing, link, *place):
                counts[place] = counts.get(place, 0) + count
    return counts


def _once_created(
    session: Session, standing: Standing, waiting: Iterable[tuple[Link, int]], created: set[tuple[str, UUID]]
) -> list[Any]:
    """The roles that an agreement created once, none does now, nobody holds, and to which something falls all the same.

    Each as a row of `vacancies`. What a role that is still `created` would take is not among it.
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
    rows = session.execute(_places_of_roles(session, literal(1)).distinct()).all()
    return [
        row
        for row in rows
        if (row.role, row.id) not in created and any(_wants(standing, link, row.role, row.id) for link in lost)
    ]


def _places_of_roles(session: Session, headcount: ColumnElement[int]) -> Select[Any]:
    """Each role that an agreement creates, at its organization and in words, with how many are to hold it."""
    return (
        created_roles(
            session,
            _created.c.role,
            headcount.label("headcount"),
            _organization.c.id,
            _organization.c.short_name,
            _role.c.title_fr,
            _role.c.title_en,
        )
        .join(_role, and_(_role.c.program_id == _created.c.program_id, _role.c.key == _created.c.role))
        .order_by(_organization.c.short_name, _created.c.role)
    )


def _links_of(standing: Standing, person_id: UUID) -> list[Link]:
    """The links under which something can fall on this person: their own, and those of whom they act for."""
    people = [person_id]
    for one in people:
        people.extend(absence.person_id for absence in standing.acting_for(one) if absence.person_id not in people)
    roles = {tenure.role for one in people for tenure in standing.roles_of(one)}
    return [{"role": role} for role in sorted(roles)]


def _tasks_with_cases(session: Session) -> Any:
    return (
        select(
            _task,
            _case.c.protocol,
            _case.c.subject_id,
            _case.c.organization_id,
            _case.c.state.label("case_state"),
        )
        .outerjoin(_case, and_(_case.c.program_id == _task.c.program_id, _case.c.id == _task.c.case_id))
        .where(_task.c.program_id == program_of(session))
    )
