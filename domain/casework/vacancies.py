"""What is vacant: roles of agreements that too few hold, and seats without a principal; and what falls to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, CompoundSelect, Date, Text, Uuid, any_, bindparam, func, literal, union_all
from sqlmodel import Session, and_, or_

from domain.kernel import (
    AnySelect,
    Question,
    built,
    col,
    in_program,
    inside,
    joins,
    kept,
    lasts,
    only,
    run,
    same,
    select,
    value_of,
)
from domain.roles import HAVING, DayTenures, Link, task_is_open_to
from domain.terms import created_roles, creates_on
from models.agreement import AgreementRole, AgreementVersion
from models.casework import Responsibility, Task
from models.committee import Committee, Seat, SeatHolder
from models.program import Organization, Role


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
        return Link(self.role, self.at)


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


def find(session: Session, standing: DayTenures) -> list[Vacancy]:
    """The roles that an agreement creates on the day with too few holders, and the seats without a principal.

    A place with an appointment from a later day on is not vacant: it is theirs from that day. A role that no agreement
    creates any more, because a partner left, counts as long as something still falls to it. Each comes with the number
    of open tasks that first fall to it, as this very transaction sees them.
    """
    return kept(session, (find, standing.day), lambda: _find(session, standing))


def _find(session: Session, standing: DayTenures) -> list[Vacancy]:
    created = run(session, _CREATED, {"day": standing.day}).all()
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
    session: Session, standing: DayTenures, vacancies: Sequence[Vacancy], *, reader: UUID
) -> dict[Vacancy, list[Falling]]:
    """For each vacant role the tasks that `Vacancy.tasks` counts, the most pressing first, as a reader may see them."""
    asked = asked_of_falling(vacancies, reader)
    found = [Falling(*row) for one in asked for row in run(session, *one)]
    found.sort(key=lambda task: (task.due_on or date.max, task.id))
    return {
        one: [task for task in found if _wants(standing, task.first, one.role, one.organization_id)]
        for one in vacancies
        if one.kind == "role" and one.tasks
    }


def asked_of_falling(vacancies: Iterable[Vacancy], reader: UUID) -> list[Question[Any]]:
    """What `falling` asks."""
    roles = sorted({one.role for one in vacancies if one.kind == "role" and one.tasks})
    havings = [f"{HAVING}{role}" for role in roles]
    return [Question(_FALLING, {"roles": roles, "havings": havings, "person": reader})] if roles else []


def _wants(standing: DayTenures, link: Link, role: str, organization_id: UUID) -> bool:
    """Whether the first link of a chain, which is vacant, would be held by a new holder of a place's role.

    Where it is for the places of a role that is vacant everywhere, that role comes first.
    """
    if not standing.has_nobody(link):
        return False
    if link.at.startswith(HAVING):
        named = link.at.removeprefix(HAVING)
        places = {tenure.organization_id for tenure in standing.holding(named)}
        return role == link.role and organization_id in places if places else role == named
    return role == link.role and link.at in ("*", str(organization_id))


def _empty_seats(session: Session, standing: DayTenures) -> list[Vacancy]:
    rows = run(session, _EMPTY_SEATS, {"day": standing.day}).all()
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
    return [(Link(role, at), count) for role, at, count in run(session, _WAITING, {}).all()]


def _falling_to(
    standing: DayTenures, waiting: Iterable[tuple[Link, int]], places: set[tuple[str, UUID]]
) -> dict[tuple[str, UUID], int]:
    """How much of what waits has one of these places as the first of its chain."""
    counts: dict[tuple[str, UUID], int] = {}
    for link, count in waiting:
        for place in places:
            if _wants(standing, link, *place):
                counts[place] = counts.get(place, 0) + count
    return counts


def _once_created(
    session: Session, standing: DayTenures, waiting: Iterable[tuple[Link, int]], created: set[tuple[str, UUID]]
) -> list[Any]:
    """The roles that an agreement created once, none does now, nobody holds, and to which something falls all the same.

    Each as a row of `find`. What a role that is still `created` would take is not among it.
    """
    lost = [link for link, _ in waiting if _is_lost(standing, link, created)]
    if not lost:
        return []
    rows = run(session, _places_of_roles(literal(1)).distinct()).all()
    gone = [row for row in rows if (row.role, row.id) not in created]
    return [row for row in gone if any(_wants(standing, link, row.role, row.id) for link in lost)]


def _is_lost(standing: DayTenures, link: Link, created: Iterable[tuple[str, UUID]]) -> bool:
    """Whether what falls to a link would fall to no holder of a role that is created, nor to who is to come."""
    is_vacant = standing.has_nobody(link) and not standing.coming_to(link)
    return is_vacant and not any(_wants(standing, link, *place) for place in created)


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


_PERSON: Final = bindparam("person", type_=Uuid())
_DAY: Final = bindparam("day", type_=Date())
_ROLE, _AT = (inside(Responsibility.links)[0][key].astext for key in ("role", "at"))  # of the first link


def _waiting_in(column: ColumnElement[Any], state: str) -> AnySelect:
    return (
        select(value_of(_ROLE.label("first_role")), value_of(_AT.label("first_at")), value_of(func.count()))
        .select_from(Task)
        .join(Responsibility, and_(same(Responsibility, Task), Responsibility.id == column))
        .where(in_program(Task), Task.state == state)
        # By the columns' names: written out a second time, each key would be a parameter of its own.
        .group_by("first_role", "first_at")
    )


def _falling_in(column: ColumnElement[Any], state: str) -> AnySelect:
    return (
        select(Task.id, Task.title_fr, Task.title_en, Task.due_on, Task.case_id, _ROLE, _AT)
        .select_from(Task)
        .join(Responsibility, and_(same(Responsibility, Task), Responsibility.id == column))
        .where(
            in_program(Task),
            Task.state == state,
            task_is_open_to(_PERSON),
            or_(
                any_(bindparam("roles", type_=ARRAY(Text()))) == _ROLE,
                any_(bindparam("havings", type_=ARRAY(Text()))) == _AT,
            ),
        )
    )


_FALLING: Final[CompoundSelect[Any]] = built(
    union_all(_falling_in(col(Task.owed_by_id), "open"), _falling_in(col(Task.approved_by_id), "submitted"))
)
_WAITING: Final = built(
    union_all(_waiting_in(col(Task.owed_by_id), "open"), _waiting_in(col(Task.approved_by_id), "submitted"))
)
_CREATED: Final = built(
    _places_of_roles(func.max(col(AgreementRole.headcount)))
    .where(
        creates_on(_DAY),
        or_(AgreementVersion.state != "ended", col(AgreementVersion.ends_on) >= _DAY),
        lasts(Organization, _DAY),
    )
    .group_by(
        col(AgreementRole.role),
        col(Organization.id),
        col(Organization.short_name),
        col(Role.title_fr),
        col(Role.title_en),
    )
)
_HELD: Final = (
    only(SeatHolder.id)
    .where(
        SeatHolder.seat_id == Seat.id,
        SeatHolder.kind == "principal",
        col(SeatHolder.withdrawn_at).is_(None),
        # Also of whoever begins later: then it is theirs from that day on.
        lasts(SeatHolder, _DAY),
    )
    .exists()
)
_EMPTY_SEATS: Final = built(
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
    .join(Organization, joins(Seat.organization_id, Organization))
    .where(in_program(Seat), ~_HELD, lasts(Seat, _DAY))
    .order_by(col(Committee.key), col(Organization.short_name), col(Seat.key))
)


def asked(standing: DayTenures) -> list[Question[Any]]:
    """What `find` asks, but for roles that no agreement creates any more."""
    today = {"day": standing.day}
    return [Question(_CREATED, today), Question(_WAITING), Question(_EMPTY_SEATS, today)]
