"""Equipment by serial number, and accounts by user name. Never a secret.

One thing may serve at two organizations, where the onboardings of both name it: it is theirs as long as one needs it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement

from domain.casework import system_of
from domain.equipment import inventory
from domain.holdings.holding import Holding, Leaving
from domain.kernel import both, col, in_program, joins, only, run, select, tuples
from locales import N_
from models.casework import Account, Case, Evidence, Task
from models.equipment import Equipment, Loan

EQUIPMENT: Final = "equipment"
ACCOUNT: Final = "account"

_LENT = N_("%(kind)s, serial number %(serial)s")
_OPENED = N_("%(system)s, user name %(name)s")


def equipment_of(leaving: Leaving) -> list[Holding]:
    """The equipment that they were lent and did not give back."""
    rows = tuples(
        leaving.session,
        only(Loan.id, Loan.equipment_id, Equipment.kind, Equipment.serial, Case.organization_id)
        .join(Equipment, joins(Loan.equipment_id, Equipment))
        .outerjoin(Task, joins(Loan.task_id, Task))
        .outerjoin(Case, joins(Task.case_id, Case))
        .where(
            Loan.person_id == leaving.person_id, col(Loan.returned_at).is_(None), leaving.had_by_then(col(Loan.lent_at))
        )
        .order_by(col(Loan.lent_at), col(Loan.id)),
    )
    person, kinds = f"/people/{leaving.person_id}", inventory.kinds(leaving.session)
    shown = _shown(leaving, "serial", col(Evidence.equipment_id))
    return [
        Holding(EQUIPMENT, loan_id, both(_LENT, kind=kinds[kind], serial=serial), person)
        for loan_id, equipment_id, kind, serial, place in rows
        if _is_left(leaving, place, shown[(equipment_id,)])
    ]


def accounts_of(leaving: Leaving) -> list[Holding]:
    """The accounts that were opened for them and are not closed."""
    rows = tuples(
        leaving.session,
        only(Account.id, Account.system, Account.user_name, Case.organization_id)
        .outerjoin(Task, joins(Account.task_id, Task))
        .outerjoin(Case, joins(Task.case_id, Case))
        .where(
            Account.person_id == leaving.person_id,
            col(Account.closed_at).is_(None),
            leaving.had_by_then(col(Account.opened_at)),
        )
        .order_by(col(Account.system), col(Account.user_name)),
    )
    person = f"/people/{leaving.person_id}"
    shown = _shown(leaving, "account", system_of(), col(Evidence.label))
    return [
        Holding(
            ACCOUNT,
            account_id,
            both(_OPENED, system=SYSTEMS.get(system, {"fr": system, "en": system}), name=user_name),
            person,
        )
        for account_id, system, user_name, place in rows
        if _is_left(leaving, place, shown[system, user_name])
    ]


def _shown(
    leaving: Leaving, proof: str, *what: ColumnElement[Any]
) -> dict[tuple[Any, ...], list[tuple[UUID, datetime]]]:
    """The organizations at which each thing was shown as theirs, and when, by these columns of a proof of this kind."""
    rows = run(
        leaving.session,
        select(*what, Case.organization_id, Evidence.added_at)
        .join(Task, joins(Evidence.task_id, Task))
        .join(Case, joins(Task.case_id, Case))
        .where(
            in_program(Evidence),
            Evidence.kind == proof,
            col(Evidence.withdrawn_at).is_(None),
            Case.subject_id == leaving.person_id,
        ),
    )
    found: dict[tuple[Any, ...], list[tuple[UUID, datetime]]] = defaultdict(list)
    for *thing, organization_id, added_at in rows:
        found[tuple(thing)].append((organization_id, added_at))
    return found


def _is_left(leaving: Leaving, organization_id: UUID | None, shown: Collection[tuple[UUID, datetime]]) -> bool:
    """Whether a thing is theirs to leave: it came to them from an organization, or from none, and was shown at others.

    Not while they hold something at another of these, nor where it was shown there again since their return.
    """
    places = {place for place, _ in shown} | ({organization_id} if organization_id else set())
    if leaving.organization_id is None or not places:
        return leaving.concerns(None)
    anew = leaving.left_at is not None and any(
        place == leaving.organization_id and at >= leaving.left_at for place, at in shown
    )
    return leaving.organization_id in places and not places & leaving.elsewhere and not anew


#: The systems that the onboarding opens, in people's words. Another name is shown as it is.
SYSTEMS: Final = {"secure-network": {"fr": "Réseau sécurisé", "en": "Secure network"}}
