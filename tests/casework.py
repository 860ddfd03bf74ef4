"""How the tests go about a case: opening one, finding a step, and doing steps by the real verbs, people and all."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import Session

from domain.casework import cases, tasks
from domain.casework.locking import TaskOutcome
from domain.casework.proofs import GivenProof
from domain.equipment import inventory
from domain.kernel.actors import Actor
from domain.kernel.scope import program_of
from flows.at_once import carry_at_once
from models.base import table_of
from models.casework import Case, Task
from models.record import Event
from tests.cast import AT, Cast
from tests.raw_rows import many, one

_task = table_of(Task)
_case = table_of(Case)
_event = table_of(Event)

#: The steps of the onboarding that people do, in an order in which each can be done.
WHOLE_ONBOARDING = (
    "request_secure_access",
    "request_petty_cash",
    "open_secure_account",
    "prepare_file_passwords",
    "prepare_equipment",
    "prepare_cards_and_tools",
    "prepare_notebook_and_guide",
    "plan_coaching",
    "plan_training",
    "plan_integration",
    "introduce_program",
    "welcome_in_organization",
    "hand_over_equipment",
    "hand_over_notebook_and_guide",
    "confirm_notebook_and_guide",
    "hand_over_file_passwords",
    "check_secure_access",
    "note_committee_dates",
    "hand_over_cards_and_tools",
    "provide_own_cards",
    "give_petty_cash",
    "present_research",
    "give_other_information",
    "review_onboarding",
)


def open_onboarding(
    cast: Cast, worker: str = "worker_em", organization: str = "en-marge", *, at: datetime = AT
) -> UUID:
    """Open an onboarding for one of the cast, as the coordinator."""
    with cast.session() as session:
        return cases.open_case(
            session,
            "onboarding",
            subject_id=cast.people[worker],
            organization_id=cast.organizations[organization],
            by=cast.actor("coordinator"),
            at=at,
        )


def step(session: Session, case_id: UUID, name: str, item: str = "") -> dict[str, Any]:
    """One task of a case, as it stands now."""
    found = one(
        session,
        select(_task).where(
            _task.c.program_id == program_of(session),
            _task.c.case_id == case_id,
            _task.c.step == name,
            _task.c.item == item,
        ),
    )
    assert found is not None, f"no step {name} {item}"
    return found


def steps(session: Session, case_id: UUID) -> dict[tuple[str, str], dict[str, Any]]:
    """Every task of a case, by step and item."""
    rows = many(session, select(_task).where(_task.c.program_id == program_of(session), _task.c.case_id == case_id))
    return {(row["step"], row["item"]): row for row in rows}


def case_row(session: Session, case_id: UUID) -> dict[str, Any]:
    """A case as it stands now."""
    found = one(session, select(_case).where(_case.c.program_id == program_of(session), _case.c.id == case_id))
    assert found is not None
    return found


def verbs(session: Session, case_id: UUID) -> list[str]:
    """What the record says of a case, oldest first."""
    return list(
        session.scalars(
            select(_event.c.verb)
            .where(_event.c.program_id == program_of(session), _event.c.case_id == case_id)
            .order_by(_event.c.n)
        )
    )


def complete(
    cast: Cast, case_id: UUID, name: str, *, by: Actor | None = None, item: str = "", at: datetime = AT
) -> TaskOutcome:
    """Do one step with what it asks for, as the coordinator where nobody is named."""
    with cast.session() as session:
        task = step(session, case_id, name, item)
        proofs = []
        if task["evidence"] == "serial":
            serial = f"SN-{case_id.hex[:6]}-{item or name}"
            stock(session, cast, item or name, serial)
            proofs.append(GivenProof("serial", serial))
        if task["evidence"] == "account":
            proofs.append(GivenProof("account", f"user-{case_id.hex[:8]}"))
        if task["evidence"] == "document":
            proofs.append(GivenProof("document", "proof.txt", b"shown"))
        note = "Fait." if task["evidence"] == "note" else ""
        return tasks.complete_task(
            session,
            task["id"],
            by=by or cast.actor("coordinator"),
            at=at,
            note=note,
            evidence=proofs,
            given=filled_in(task["asks"]),
        )


#: What is filled in of a part that a step asks, by its kind.
FILLED_IN: dict[str, Any] = {"words": "Pour le travail.", "amount": "200"}


def filled_in(asks: Any) -> dict[str, Any]:
    """What somebody fills in of what a step asks: the first of each list, and something for each other part."""
    return {part["id"]: FILLED_IN.get(part["kind"]) or part["choices"][0]["id"] for part in asks}


def stock(session: Session, cast: Cast, kind: str, serial: str) -> UUID:
    """Have a piece of equipment in the inventory, and return its id."""
    found = inventory.by_serial(session, kind, serial)
    if found is not None:
        kept: UUID = found.id
        return kept
    return inventory.add(session, kind, serial, by=cast.actor("coordinator"), at=AT)


def approve(cast: Cast, case_id: UUID, name: str, *, by: Actor, at: datetime = AT) -> TaskOutcome:
    """Approve a step."""
    with cast.session() as session:
        return tasks.approve_task(session, step(session, case_id, name)["id"], by=by, at=at)


def carry(cast: Cast, case_id: UUID, *, at: datetime = AT) -> int:
    """Do what the engine would do, and say how many acts that was."""
    with cast.session() as session:
        return carry_at_once(session, case_id, at=at)


def onboard_wholly(cast: Cast, case_id: UUID, *, approver: str = "manager_em") -> None:
    """Do every step of an onboarding, approvals and engine included, a minute apart."""
    at = AT
    for name in WHOLE_ONBOARDING:
        with cast.session() as session:
            items = [item for (found, item) in steps(session, case_id) if found == name]
        for item in items:
            at += timedelta(minutes=1)
            moved = complete(cast, case_id, name, item=item, at=at)
            if moved.state == "submitted":
                who = "manager_la" if name == "request_petty_cash" else approver
                approve(cast, case_id, name, by=cast.actor(who), at=at)
        carry(cast, case_id, at=at)
