"""What one person holds, as their page shows it, and only what the reader may see of it.

Roles, absences, seats, cases about them, work to do, equipment lent and accounts opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import or_, select

from api.access.permissions import Action, allows, to_program, visible_cases
from api.access.session import Desk
from domain.casework import board
from domain.equipment import inventory
from domain.kernel.scope import many, program_of
from domain.roles.roles import never_began
from locales import N_, gettext
from models.base import refers, table_of
from models.casework import Account, Case, ProtocolVersion, Task
from models.committee import Committee, Seat, SeatHolder
from models.equipment import Equipment, Loan
from models.program import Absence, Organization, Person, Tenure

_tenure = table_of(Tenure)
_absence = table_of(Absence)
_organization = table_of(Organization)
_seat = table_of(Seat)
_holder = table_of(SeatHolder)
_committee = table_of(Committee)
_loan = table_of(Loan)
_equipment = table_of(Equipment)
_account = table_of(Account)
_case = table_of(Case)
_protocol = table_of(ProtocolVersion)
_task = table_of(Task)

#: What a deputy may act for, as people say it.
COVERS: Final[Mapping[str, str]] = {
    "tasks": N_("tasks"),
    "approvals": N_("approvals"),
    "seats": N_("seats on committees"),
}


def roles_of(desk: Desk, person_id: UUID, titles: Mapping[str, str]) -> list[dict[str, Any]]:
    """What the person held, holds and will hold, the present first, each with whether the asker may end it."""
    rows = many(
        desk.session,
        select(_tenure, _organization.c.short_name, never_began().label("never"))
        .join(_organization, refers(_tenure.c.organization_id, _organization))
        .where(_tenure.c.program_id == program_of(desk.session), _tenure.c.person_id == person_id)
        .order_by(_tenure.c.starts_on.desc(), _tenure.c.role),
    )
    when = {"present": 0, "future": 1, "past": 2}
    shown = []
    for row in rows:
        is_past = row["never"] or (row["ends_on"] is not None and row["ends_on"] < desk.day)
        time = "past" if is_past else "future" if row["starts_on"] > desk.day else "present"
        given = to_program(desk.asker, organizations=[row["organization_id"]])
        may_end = not is_past and allows(Action.END_TENURE, given) is not None
        shown.append({**row, "title": titles[row["role"]], "time": time, "may_end": may_end})
    return sorted(shown, key=lambda row: when[row["time"]])


def absences_of(desk: Desk, person_id: UUID, everyone: Mapping[UUID, Person]) -> list[dict[str, Any]]:
    """The absences of a person, the latest first, those that were called off among them."""
    rows = many(
        desk.session,
        select(_absence)
        .where(_absence.c.program_id == program_of(desk.session), _absence.c.person_id == person_id)
        .order_by(_absence.c.starts_on.desc()),
    )
    return [
        {
            **row,
            "deputy": everyone.get(row["deputy_id"]),
            "covers": [gettext(COVERS[kind]) for kind in row["kinds"]],
            "is_over": row["ends_on"] < desk.day,
            "is_now": row["cancelled_at"] is None and row["starts_on"] <= desk.day <= row["ends_on"],
        }
        for row in rows
    ]


def seats_of(desk: Desk, person_id: UUID) -> list[dict[str, Any]]:
    """The seats that a person has on committees, now or from a later day on."""
    language = desk.language
    return many(
        desk.session,
        select(
            _holder.c.kind,
            _holder.c.starts_on,
            _holder.c.ends_on,
            _seat.c[f"title_{language}"].label("title"),
            _committee.c[f"title_{language}"].label("committee"),
        )
        .join(_seat, refers(_holder.c.seat_id, _seat))
        .join(_committee, refers(_seat.c.committee_id, _committee))
        .where(
            _holder.c.program_id == program_of(desk.session),
            _holder.c.person_id == person_id,
            or_(_holder.c.ends_on.is_(None), _holder.c.ends_on >= desk.day),
        )
        .order_by(_committee.c.key, _seat.c.key),
    )


def cases_about(desk: Desk, person_id: UUID) -> list[dict[str, Any]]:
    """The cases about this person that the asker may see."""
    hats = board.hats_of(desk.session, desk.asker.standing, desk.asker.person_id)
    return many(
        desk.session,
        select(
            _case.c.id,
            _case.c.state,
            _case.c.protocol,
            _case.c.organization_id,
            _case.c.opened_at,
            _case.c.ended_at,
            _protocol.c[f"title_{desk.language}"].label("title"),
        )
        .join(_protocol, refers(_case.c.protocol_version_id, _protocol))
        .where(
            _case.c.program_id == program_of(desk.session),
            _case.c.subject_id == person_id,
            visible_cases(desk.asker, hats),
        )
        .order_by(_case.c.opened_at.desc()),
    )


def work_of(desk: Desk, person_id: UUID) -> list[dict[str, Any]]:
    """What is now for this person to do or approve, of what the asker may see."""
    tasks = board.work(desk.session, board.hats_of(desk.session, desk.asker.standing, person_id))
    hats = board.hats_of(desk.session, desk.asker.standing, desk.asker.person_id)
    seen = set(
        desk.session.scalars(
            select(_case.c.id).where(
                _case.c.program_id == program_of(desk.session),
                _case.c.id.in_({task["case_id"] for task in tasks if task["case_id"]}),
                visible_cases(desk.asker, hats),
            )
        )
    )
    return [
        {**task, "title": task[f"title_{desk.language}"], "is_late": board.late_on(task, desk.day)}
        for task in tasks
        if task["case_id"] in seen
    ]


def equipment_of(desk: Desk, person_id: UUID) -> list[dict[str, Any]]:
    """What the person was lent and has not given back."""
    kinds = inventory.kinds(desk.session)
    rows = many(
        desk.session,
        select(
            _equipment.c.id,
            _equipment.c.kind,
            _equipment.c.serial,
            _loan.c.lent_at,
            _loan.c.task_id,
            _task.c[f"title_{desk.language}"].label("title"),
        )
        .join(_equipment, refers(_loan.c.equipment_id, _equipment))
        .outerjoin(_task, refers(_loan.c.task_id, _task))
        .where(
            _loan.c.program_id == program_of(desk.session),
            _loan.c.person_id == person_id,
            _loan.c.returned_at.is_(None),
        )
        .order_by(_loan.c.lent_at),
    )
    return [{**row, "kind": kinds[row["kind"]][desk.language]} for row in rows]


def accounts_of(desk: Desk, person_id: UUID) -> list[dict[str, Any]]:
    """The accounts that the person has: on which system and by what name, never a secret."""
    return many(
        desk.session,
        select(_account, _task.c[f"title_{desk.language}"].label("title"))
        .outerjoin(_task, refers(_account.c.task_id, _task))
        .where(
            _account.c.program_id == program_of(desk.session),
            _account.c.person_id == person_id,
            _account.c.closed_at.is_(None),
        )
        .order_by(_account.c.system, _account.c.user_name),
    )
