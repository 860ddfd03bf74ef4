"""What people give as proof: where each kind of it is kept, who gave it, and the words that were said of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import Session

from domain.declarations import DOCUMENT, STATEMENT, STEP, Fact, grouped
from domain.kernel import col, only, run, scalar, scalars
from models.casework import Evidence, Task
from models.obligation import Acceptance, Attestation, ObligationDocument


@dataclass(frozen=True)
class _Kept:
    """The columns of one kind of proof: its id, who gave it, for whom, under which hat, and that of the words of it."""

    id: UUID
    given_by: UUID | None
    given_for: UUID | None
    given_as: str | None
    said_of: UUID | None


_KEPT: Final[Mapping[str, _Kept]] = {
    DOCUMENT.key: _Kept(
        ObligationDocument.id,
        ObligationDocument.added_by,
        ObligationDocument.added_for,
        ObligationDocument.added_as,
        Acceptance.document_id,
    ),
    STATEMENT.key: _Kept(
        Attestation.id, Attestation.person_id, Attestation.acting_for, Attestation.role, Acceptance.attestation_id
    ),
    # The document of a procedure's step: the step is given, and each of its documents is accepted.
    STEP.key: _Kept(Task.id, Task.done_by, Task.done_for, Task.done_as, Acceptance.evidence_id),
}


def is_proof(fact: Fact) -> bool:
    """Whether a fact is proof that people gave."""
    return fact.kind in _KEPT


def givers(session: Session, facts: Iterable[Fact]) -> frozenset[UUID]:
    """Those who gave these proofs, and those they acted for as deputies."""
    found: set[UUID | None] = set()
    for kind, several in grouped(facts, lambda fact: fact.kind).items():
        kept, ids = _KEPT[kind], [UUID(fact.id) for fact in several]
        for row in run(session, only(kept.given_by, kept.given_for).where(col(kept.id).in_(ids))):
            found.update(row)
        if kind == STEP.key:
            found.update(scalars(session, only(Evidence.added_by).where(*documents_of_steps(ids))))
    return frozenset(person for person in found if person is not None)


def given_as(session: Session, fact: Fact) -> str:
    """The hat under which a proof was given; "" where nobody kept it."""
    kept = _KEPT[fact.kind]
    return str(scalar(session, only(kept.given_as).where(kept.id == UUID(fact.id))) or "")


def words_of(session: Session, fact: Fact) -> tuple[ColumnElement[Any], list[UUID]]:
    """The column of the words that are said of a proof, and the ids that it has there: of a step, its documents'."""
    column = col(_KEPT[fact.kind].said_of)
    if fact.kind != STEP.key:
        return column, [UUID(fact.id)]
    asked = only(Evidence.id).where(*documents_of_steps([UUID(fact.id)])).order_by(col(Evidence.id))
    return column, list(scalars(session, asked))


def documents_of_steps(task_ids: Iterable[UUID]) -> tuple[ColumnElement[bool], ...]:
    """The conditions on evidence that it is a document of one of these steps, and was not taken back."""
    return (
        col(Evidence.task_id).in_(list(task_ids)),
        col(Evidence.kind) == "document",
        col(Evidence.withdrawn_at).is_(None),
    )
