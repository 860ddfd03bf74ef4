"""What one person holds, as their page shows it, and only what the reader may see of it.

Roles, absences, seats, cases about them, work to do, equipment lent and accounts opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

from api.access.cases import visible_cases
from api.access.permissions import Action, is_allowed, to_program
from api.access.session import RequestContext
from api.views.names import people_by_id
from domain.casework import board
from domain.equipment import inventory
from domain.kernel import SHAPE, also, col, every, joins, lasts, of, only, scalars, title_of, tuples, value_of
from domain.roles import never_began
from locales import N_, gettext
from models.casework import Account, Case, ProtocolVersion, Task
from models.committee import Committee, Seat, SeatHolder
from models.equipment import Equipment, Loan
from models.program import Absence, Organization, Person, Tenure

#: What a deputy may act for, as people say it.
COVERS: Final[Mapping[str, str]] = {
    "tasks": N_("tasks"),
    "approvals": N_("approvals"),
    "seats": N_("seats on committees"),
}


class RoleHeld(Tenure):
    """An appointment, where it is, and whether it never began."""

    model_config = SHAPE
    short_name: str = also(Organization.short_name)
    never: bool = also(value_of(never_began()))


@dataclass(frozen=True)
class AppointmentLine:
    """An appointment as a person's page shows it; `time` is "present", "future" or "past"."""

    row: RoleHeld
    title: str
    time: str
    may_end: bool


def roles_of(context: RequestContext, person_id: UUID, titles: Mapping[str, str]) -> list[AppointmentLine]:
    """What the person held, holds and will hold, the present first, each with whether the asker may end it."""
    rows = every(
        context.session,
        of(RoleHeld)
        .join(Organization, joins(Tenure.organization_id, Organization))
        .where(Tenure.person_id == person_id)
        .order_by(col(Tenure.starts_on).desc(), col(Tenure.role)),
    )
    when = {"present": 0, "future": 1, "past": 2}
    shown = []
    for row in rows:
        is_past = row.never or (row.ends_on is not None and row.ends_on < context.day)
        time = "past" if is_past else "future" if row.starts_on > context.day else "present"
        given = to_program(context.asker, organizations=[row.organization_id])
        may_end = not is_past and is_allowed(Action.END_TENURE, given)
        shown.append(AppointmentLine(row, titles[row.role], time, may_end))
    return sorted(shown, key=lambda one: when[one.time])


@dataclass(frozen=True)
class AbsenceLine:
    """An absence as a person's page shows it: who acts meanwhile, and for what."""

    row: Absence
    deputy: Person | None
    covers: list[str]
    is_over: bool
    is_now: bool


def absences_of(context: RequestContext, person_id: UUID) -> list[AbsenceLine]:
    """The absences of a person, the latest first, those that were called off among them."""
    rows = every(
        context.session, of(Absence).where(Absence.person_id == person_id).order_by(col(Absence.starts_on).desc())
    )
    deputies = people_by_id(context, (row.deputy_id for row in rows))
    return [
        AbsenceLine(
            row,
            deputies[row.deputy_id] if row.deputy_id else None,
            [gettext(COVERS[kind]) for kind in row.kinds],
            is_over=row.ends_on < context.day,
            is_now=row.cancelled_at is None and row.starts_on <= context.day <= row.ends_on,
        )
        for row in rows
    ]


class SeatHeld(NamedTuple):
    """A seat that a person has on a committee, in the reader's language."""

    id: UUID
    kind: str
    starts_on: date
    ends_on: date | None
    title: str
    committee: str


def seats_of(context: RequestContext, person_id: UUID) -> list[SeatHeld]:
    """The seats that a person has on committees, now or from a later day on."""
    rows = tuples(
        context.session,
        only(
            Seat.id,
            SeatHolder.kind,
            SeatHolder.starts_on,
            SeatHolder.ends_on,
            title_of(Seat, context.language),
            title_of(Committee, context.language),
        )
        .join(Seat, joins(SeatHolder.seat_id, Seat))
        .join(Committee, joins(Seat.committee_id, Committee))
        .where(SeatHolder.person_id == person_id, lasts(SeatHolder, context.day))
        .order_by(col(Committee.key), col(Seat.key)),
    )
    return [SeatHeld(*row) for row in rows]


class CaseAbout(NamedTuple):
    """A case about a person, in the reader's language."""

    id: UUID
    state: str
    protocol: str
    opened_at: datetime
    title: str


def cases_about(context: RequestContext, person_id: UUID) -> list[CaseAbout]:
    """The cases about this person that the asker may see."""
    hats = board.hats_of(context.session, context.asker.standing, context.asker.person_id)
    rows = tuples(
        context.session,
        only(Case.id, Case.state, Case.protocol, Case.opened_at, title_of(ProtocolVersion, context.language))
        .join(ProtocolVersion, joins(Case.protocol_version_id, ProtocolVersion))
        .where(Case.subject_id == person_id, visible_cases(context.asker, hats))
        .order_by(col(Case.opened_at).desc()),
    )
    return [CaseAbout(*row) for row in rows]


@dataclass(frozen=True)
class WorkShown:
    """A task that is for a person now, as their page shows it."""

    row: board.TaskWithCase
    title: str
    is_late: bool


def work_of(context: RequestContext, person_id: UUID) -> list[WorkShown]:
    """What is now for this person to do or approve, of what the asker may see."""
    tasks = board.work(context.session, board.hats_of(context.session, context.asker.standing, person_id))
    hats = board.hats_of(context.session, context.asker.standing, context.asker.person_id)
    seen = set(
        scalars(
            context.session,
            only(Case.id).where(
                col(Case.id).in_({task.case_id for task in tasks if task.case_id}), visible_cases(context.asker, hats)
            ),
        )
    )
    return [
        WorkShown(task, title_of(task, context.language), board.late_on(task, context.day))
        for task in tasks
        if task.case_id in seen
    ]


class Lent(NamedTuple):
    """A piece of equipment that a person was lent: its kind in words, and the step that lent it, where one did."""

    kind: str
    serial: str
    lent_at: datetime
    task_id: UUID | None
    title: str | None


def equipment_of(context: RequestContext, person_id: UUID) -> list[Lent]:
    """What the person was lent and has not given back."""
    kinds = inventory.kinds(context.session)
    rows = tuples(
        context.session,
        only(Loan.lent_at, Loan.task_id, Equipment.kind, Equipment.serial, title_of(Task, context.language))
        .join(Equipment, joins(Loan.equipment_id, Equipment))
        .outerjoin(Task, joins(Loan.task_id, Task))
        .where(Loan.person_id == person_id, col(Loan.returned_at).is_(None))
        .order_by(col(Loan.lent_at)),
    )
    return [
        Lent(kinds[kind][context.language], serial, lent_at, task_id, title)
        for lent_at, task_id, kind, serial, title in rows
    ]


class AccountShown(NamedTuple):
    """An account that a person has, and the step that opened it, where one did."""

    system: str
    user_name: str
    opened_at: datetime
    task_id: UUID | None
    title: str | None


def accounts_of(context: RequestContext, person_id: UUID) -> list[AccountShown]:
    """The accounts that the person has: on which system and by what name, never a secret."""
    rows = tuples(
        context.session,
        only(Account.system, Account.user_name, Account.opened_at, Account.task_id, title_of(Task, context.language))
        .outerjoin(Task, joins(Account.task_id, Task))
        .where(Account.person_id == person_id, col(Account.closed_at).is_(None))
        .order_by(col(Account.system), col(Account.user_name)),
    )
    return [AccountShown(*row) for row in rows]
