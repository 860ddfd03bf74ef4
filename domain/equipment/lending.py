"""In whose hands a thing is: lending it, taking it back, reporting it missing, and giving it up.

One thing is in one pair of hands at a time, which the database enforces too. The person who has it says neither that it
is back nor that it is lost: another does.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert as upsert
from sqlmodel import Session

from domain.equipment import inventory
from domain.kernel import (
    Actor,
    Refusal,
    changes,
    col,
    first,
    lasts,
    local_day,
    of,
    only,
    program_of,
    rewrite,
    run,
    says_something,
    scalar,
)
from domain.record import events
from domain.roles import never_began
from locales import N_
from models.equipment import Equipment, Loan
from models.lifecycles import EQUIPMENT
from models.program import Tenure


def lend(
    session: Session,
    thing_id: UUID,
    person_id: UUID,
    *,
    by: Actor,
    at: datetime,
    task_id: UUID | None = None,
    case_id: UUID | None = None,
    seen: int | None = None,
) -> None:
    """Lend a thing to a person; nothing happens where they have it already.

    Raises Refusal: it is out of use or lost, in other hands, lent to one without a role today or later, or to oneself.
    """
    row = inventory.hold(session, thing_id, seen=seen)
    held = inventory.holder_of(session, thing_id)
    if held == person_id:
        return
    if held is not None:
        raise _in_other_hands()
    if row.state != EQUIPMENT.initial:
        raise Refusal("equipment.not_lent", N_("It is lost or out of use: it cannot be lent."))
    if by.is_one_of(person_id):
        raise Refusal(
            "equipment.to_oneself", N_("The person who hands equipment over records it, not the one who receives it.")
        )
    if not _is_there(session, person_id, at):
        raise Refusal(
            "equipment.nobody_there", N_("This person holds no role today or later: nothing is lent to them.")
        )
    loan = Loan(
        program_id=program_of(session),
        equipment_id=thing_id,
        person_id=person_id,
        task_id=task_id,
        lent_at=at,
        lent_by=by.person_id,
    )
    in_one_pair_of_hands = upsert(Loan).on_conflict_do_nothing(
        index_elements=["program_id", "equipment_id"], index_where=col(Loan.returned_at).is_(None)
    )
    lent = in_one_pair_of_hands.values(loan.model_dump()).returning(col(Loan.id))
    if scalar(session, lent) is None:
        raise _in_other_hands()
    rewrite(session, Equipment, row.id)
    _tell(session, loan, "equipment.lent", by=by, at=at, case_id=case_id)


class LockedLoan(NamedTuple):
    """A thing that a person has in hand, and its loan, both held until the transaction ends."""

    thing: Equipment
    loan: Loan


def hold(session: Session, thing_id: UUID, *, seen: int | None = None) -> LockedLoan:
    """Hold a thing that a person has in hand. Raises Refusal: unknown, not as it was `seen`, or in no one's hands."""
    row = inventory.hold(session, thing_id, seen=seen)
    loans = of(Loan).where(Loan.equipment_id == row.id, col(Loan.returned_at).is_(None))
    loan = first(session, loans.with_for_update())
    if loan is None:
        raise Refusal("equipment.in_nobodys_hands", N_("No one has it in hand."))
    return LockedLoan(row, loan)


def take_back(
    session: Session, thing: LockedLoan, condition: str, *, by: Actor, at: datetime, case_id: UUID | None = None
) -> None:
    """Record that a thing is back, and in what condition (DP-07). Raises Refusal, also to the one who had it."""
    row, loan = thing
    refuse_to_who_has_it(loan, by)
    if not says_something(condition):
        raise Refusal("equipment.no_condition", N_("Give its condition on return."), source="DP-07")
    condition = inventory.needed_reason(condition)
    _end(session, loan, condition, by=by, at=at)
    rewrite(session, Equipment, row.id)
    _tell(session, loan, "equipment.returned", by=by, at=at, case_id=case_id)


def report_missing(
    session: Session, thing: LockedLoan, note: str, *, by: Actor, at: datetime, case_id: UUID | None = None
) -> None:
    """Note that a thing is missing. It stays in its holder's hands, until it is back or given up. Raises Refusal."""
    row, loan = thing
    reason = inventory.needed_reason(note)
    if loan.missing_since is not None:
        raise Refusal("equipment.missing_already", N_("It is already reported missing."))
    run(session, changes(Loan).where(Loan.id == loan.id).values(missing_since=at, condition=reason))
    rewrite(session, Equipment, row.id)
    events.write(session, "equipment.missing", inventory.KIND, row.id, by=by, at=at, case_id=case_id)


def give_up(
    session: Session, thing: LockedLoan, reason: str, *, by: Actor, at: datetime, case_id: UUID | None = None
) -> None:
    """Give a missing thing up as lost: no one has it in hand any more, and it stays in the inventory as lost.

    Raises Refusal: it was not reported missing, no reason, or by the one who had it in hand.
    """
    row, loan = thing
    refuse_to_who_has_it(loan, by)
    reason = inventory.needed_reason(reason)
    if loan.missing_since is None:
        raise Refusal("equipment.not_missing", N_("Report it as missing first; then it can be declared lost."))
    _end(session, loan, reason, by=by, at=at, lost=True)
    inventory.lose(session, row, reason, by=by, at=at)
    _tell(session, loan, "equipment.given_up", by=by, at=at, case_id=case_id)


def never_lent(session: Session, loan: Loan, *, by: Actor, at: datetime, case_id: UUID | None) -> None:
    """Undo a hand-over of a thing that was recorded by mistake."""
    row = inventory.hold(session, loan.equipment_id)
    _end(session, loan, "", by=by, at=at, mistaken=True)
    rewrite(session, Equipment, row.id)
    _tell(session, loan, "equipment.not_lent", by=by, at=at, case_id=case_id)


def refuse_to_who_has_it(loan: Loan, by: Actor) -> None:
    """Refuse that the person who has a thing in hand says that it is back, or lost."""
    if by.is_one_of(loan.person_id):
        raise Refusal(
            "equipment.not_by_the_leaver",
            N_("The person who takes equipment back records it, not the one who returns it."),
        )


def _tell(session: Session, loan: Loan, verb: str, *, by: Actor, at: datetime, case_id: UUID | None) -> None:
    """Write the line of the record on a loan: of which thing, and who has or had it in hand."""
    thing_id, person = loan.equipment_id, str(loan.person_id)
    events.write(session, verb, inventory.KIND, thing_id, by=by, at=at, case_id=case_id, person=person)


def _end(
    session: Session, loan: Loan, condition: str, *, by: Actor, at: datetime, lost: bool = False, mistaken: bool = False
) -> None:
    run(
        session,
        changes(Loan)
        .where(Loan.id == loan.id)
        .values(returned_at=at, returned_by=by.person_id, condition=condition, lost=lost, mistaken=mistaken),
    )


def _is_there(session: Session, person_id: UUID, at: datetime) -> bool:
    """Whether a person holds a role today, or is to take one up."""
    found = only(Tenure.id).where(Tenure.person_id == person_id, lasts(Tenure, local_day(session, at)), ~never_began())
    return scalar(session, found.limit(1)) is not None


def _in_other_hands() -> Refusal:
    return Refusal(
        "equipment.in_other_hands",
        N_("This piece of equipment is already in someone's hands. Check its number, or record the return first."),
    )
