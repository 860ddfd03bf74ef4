"""A case held for the length of a transaction: how it is locked and changed. Its tasks are held as `held` says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import Session

from domain.kernel.refusals import Refusal
from domain.kernel.scope import one, program_of
from locales import N_
from models.base import table_of
from models.casework import Case

_case = table_of(Case)


def hold_case(session: Session, case_id: UUID, *, seen: int | None) -> dict[str, Any]:
    """Lock a case and read it. Raises Refusal: no such case, or not the version `seen`."""
    held = one(
        session,
        select(_case).where(_case.c.program_id == program_of(session), _case.c.id == case_id).with_for_update(of=_case),
    )
    if held is None:
        raise Refusal("case.unknown", N_("There is no such case."))
    if seen is not None and held["version"] != seen:
        raise Refusal(
            "case.changed",
            N_("This case was changed by someone else or in another window. Nothing was saved; look again."),
        )
    return held


def hold_cases(session: Session, case_ids: Iterable[UUID]) -> None:
    """Lock several cases in the order of their ids: two who lock the same ones then do not wait for each other."""
    session.execute(
        select(_case.c.id)
        .where(_case.c.program_id == program_of(session), _case.c.id.in_(list(case_ids)))
        .order_by(_case.c.id)
        .with_for_update()
    )


def change_case(session: Session, held: Mapping[str, Any], **values: Any) -> None:
    """Write columns of a held case, and count its version up."""
    session.execute(
        update(_case)
        .where(_case.c.program_id == program_of(session), _case.c.id == held["id"])
        .values(**values, version=_case.c.version + 1)
    )
