"""Equipment by serial number, and accounts by user name. Never a secret."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from duties.here import many, program_of
from duties.holdings.holding import Holding, Leaving, both
from locales import N_
from models.base import refers, table_of
from models.casework import Account, Case, Equipment, Loan, Task

EQUIPMENT: Final = "equipment"
ACCOUNT: Final = "account"

_loan = table_of(Loan)
_equipment = table_of(Equipment)
_account = table_of(Account)
_task = table_of(Task)
_case = table_of(Case)

_LENT = N_("%(kind)s, serial number %(serial)s")
_OPENED = N_("%(system)s, user name %(name)s")


def equipment_of(leaving: Leaving) -> list[Holding]:
    """What they were lent and did not give back."""
    session = leaving.session
    rows = many(
        session,
        select(_loan.c.id, _equipment.c.kind, _equipment.c.serial, _case.c.organization_id)
        .join(_equipment, refers(_loan.c.equipment_id, _equipment))
        .outerjoin(_task, refers(_loan.c.task_id, _task))
        .outerjoin(_case, refers(_task.c.case_id, _case))
        .where(
            _loan.c.program_id == program_of(session),
            _loan.c.person_id == leaving.person_id,
            _loan.c.returned_at.is_(None),
            leaving.had_by_then(_loan.c.lent_at),
        )
        .order_by(_loan.c.lent_at, _loan.c.id),
    )
    person = f"/people/{leaving.person_id}"
    return [
        Holding(
            EQUIPMENT,
            row["id"],
            both(_LENT, kind=KINDS.get(row["kind"], {"fr": row["kind"], "en": row["kind"]}), serial=row["serial"]),
            person,
        )
        for row in rows
        if leaving.concerns(row["organization_id"])
    ]


def accounts_of(leaving: Leaving) -> list[Holding]:
    """The accounts that were opened for them and are not closed."""
    session = leaving.session
    rows = many(
        session,
        select(_account.c.id, _account.c.system, _account.c.user_name, _case.c.organization_id)
        .outerjoin(_task, refers(_account.c.task_id, _task))
        .outerjoin(_case, refers(_task.c.case_id, _case))
        .where(
            _account.c.program_id == program_of(session),
            _account.c.person_id == leaving.person_id,
            _account.c.closed_at.is_(None),
            leaving.had_by_then(_account.c.opened_at),
        )
        .order_by(_account.c.system, _account.c.user_name),
    )
    person = f"/people/{leaving.person_id}"
    return [
        Holding(
            ACCOUNT,
            row["id"],
            both(
                _OPENED,
                system=SYSTEMS.get(row["system"], {"fr": row["system"], "en": row["system"]}),
                name=row["user_name"],
            ),
            person,
        )
        for row in rows
        if leaving.concerns(row["organization_id"])
    ]


#: What the onboarding calls what it lends and opens, as people say it. Another name is shown as it is.
KINDS: Final = {
    "computer": {"fr": "Ordinateur portable ou tablette", "en": "Laptop or tablet"},
    "phone": {"fr": "Cellulaire du programme", "en": "Program cell phone"},
}
SYSTEMS: Final = {"secure-network": {"fr": "Réseau sécurisé", "en": "Secure network"}}
