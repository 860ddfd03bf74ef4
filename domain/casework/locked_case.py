"""A case locked for the length of a transaction: how it is locked and changed. `locking` locks its tasks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlmodel import Session

from domain.kernel import Refusal, changes, col, first, of, only, run
from locales import N_
from models.casework import Case


def hold_case(session: Session, case_id: UUID, *, seen: int | None) -> Case:
    """Lock a case and read it. Raises Refusal: no such case, or not the version `seen`."""
    held = first(session, of(Case).where(Case.id == case_id).with_for_update(of=Case))
    if held is None:
        raise Refusal("case.unknown", N_("There is no such case."))
    if seen is not None and held.version != seen:
        raise Refusal(
            "case.changed",
            N_("This case was changed by someone else or in another window. Nothing was saved; look again."),
        )
    return held


def hold_cases(session: Session, case_ids: Iterable[UUID]) -> None:
    """Lock several cases in the order of their ids: two who lock the same ones then do not wait for each other."""
    run(session, only(Case.id).where(col(Case.id).in_(list(case_ids))).order_by(col(Case.id)).with_for_update())


def change_case(session: Session, held: Case, **values: Any) -> None:
    """Write columns of a locked case, and raise its version."""
    run(session, changes(Case).where(Case.id == held.id).values(**values, version=col(Case.version) + 1))
