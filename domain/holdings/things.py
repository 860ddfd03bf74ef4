"""Equipment by serial number, and accounts by user name. Never a secret.

One thing may serve at two organizations, where the onboardings of both name it: it is theirs as long as one needs it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, select

from domain.casework.proofs import system_of
from domain.equipment import inventory
from domain.holdings.holding import Holding, Leaving
from domain.kernel.bilingual import both
from domain.kernel.scope import many, program_of
from locales import N_
from models.base import refers, table_of
from models.casework import Account, Case, Evidence, Task
from models.equipment import Equipment, Loan

EQUIPMENT: Final = "equipment"
ACCOUNT: Final = "account"

_loan = table_of(Loan)
_equipment = table_of(Equipment)
_account = table_of(Account)
_task = table_of(Task)
_case = table_of(Case)
_evidence = table_of(Evidence)

_LENT = N_("%(kind)s, serial number %(serial)s")
_OPENED = N_("%(system)s, user name %(name)s")


def equipment_of(leaving: Leaving) -> list[Holding]:
    """What they were lent and did not give back."""
    session = leaving.session
    rows = many(
        session,
        select(
            _loan.c.id,
            _loan.c.equipment_id,
            _equipment.c.kind,
            _equipment.c.serial,
            _case.c.organization_id,
        )
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
    person, kinds = f"/people/{leaving.person_id}", inventory.kinds(session)
    shown = _shown(leaving, "serial", _evidence.c.equipment_id)
    return [
        Holding(EQUIPMENT, row["id"], both(_LENT, kind=kinds[row["kind"]], serial=row["serial"]), person)
        for row in rows
        if _is_left(leaving, row["organization_id"], shown[(row["equipment_id"],)])
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
    shown = _shown(leaving, "account", system_of(), _evidence.c.label)
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
        if _is_left(leaving, row["organization_id"], shown[row["system"], row["user_name"]])
    ]


def _shown(
    leaving: Leaving, proof: str, *what: ColumnElement[Any]
) -> dict[tuple[Any, ...], list[tuple[UUID, datetime]]]:
    """At which organizations, and when, each thing was shown as theirs, by these columns of a proof of this kind."""
    rows = leaving.session.execute(
        select(*what, _case.c.organization_id, _evidence.c.added_at)
        .join(_task, refers(_evidence.c.task_id, _task))
        .join(_case, refers(_task.c.case_id, _case))
        .where(
            _evidence.c.program_id == program_of(leaving.session),
            _evidence.c.kind == proof,
            _evidence.c.withdrawn_at.is_(None),
            _case.c.subject_id == leaving.person_id,
        )
    )
    found: dict[tuple[Any, ...], list[tuple[UUID, datetime]]] = defaultdict(list)
    for *thing, organization_id, added_at in rows:
        found[tuple(thing)].append((organization_id, added_at))
    return found


def _is_left(leaving: Leaving, organization_id: UUID | None, shown: Collection[tuple[UUID, datetime]]) -> bool:
    """Whether a thing is theirs to leave: it came to them from an organization, or from none, and was shown at others.

    Not while they hold something at another of these, nor where it was shown there again since they are back.
    """
    places = {place for place, _ in shown} | ({organization_id} if organization_id else set())
    if leaving.organization_id is None or not places:
        return leaving.concerns(None)
    anew = leaving.left_at is not None and any(
        place == leaving.organization_id and at >= leaving.left_at for place, at in shown
    )
    return leaving.organization_id in places and not places & leaving.elsewhere and not anew


#: What the onboarding calls what it opens, as people say it. Another name is shown as it is.
SYSTEMS: Final = {"secure-network": {"fr": "Réseau sécurisé", "en": "Secure network"}}
