"""Why a triage, an admission decision, a risk, a last day or a hold is as it is: sealed as it was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, Text, cast, func, literal, union_all
from sqlmodel import Session

from domain.kernel import Actor, AnySelect, col, in_program, run, select, unseal, value_of
from domain.record import Ground, Purpose, record_read
from models.destruction import KeptUntil
from models.participant import RiskAssessment
from models.referral import AdmissionDecision, Referral

Of = Literal["triage", "admission", "risk", "kept_until"]


@dataclass(frozen=True)
class DecisionReason:
    """What was written with one decision: its kind `of`, its `result` and instant, and the fields that say something.

    `fields` has reason and offered of a triage or an admission; why of a risk; profile, involvement, benefits and risks
    of the risk to others; and reason of what was changed of the keeping by hand, whose result is the day, or the hold.
    """

    of: Of
    result: str
    at: datetime
    fields: Mapping[str, str]


def read_reasons(
    session: Session,
    participant_id: UUID,
    *,
    admission: bool,
    risk: bool,
    retention: bool = False,
    by: Actor,
    at: datetime,
    ground: Ground,
    purpose: Purpose | None = None,
) -> list[DecisionReason]:
    """The reasons of decisions about a person, the first first, as far as the reader may know; noted on record.

    `admission` stands for triage and decisions (AD-R3, AD-R4), `risk` for every assessment (AD-C4, AD-R10), `retention`
    for every change of the keeping by hand. Raises Refusal: the keys.
    """
    may = {"triage": admission, "admission": admission, "risk": risk, "kept_until": retention}
    theirs = [_written(of, participant_id) for of in _KEPT if may[of]]
    if not theirs:
        return []
    found = []
    rows: CursorResult[Any] = run(session, union_all(*theirs).order_by("at", "id"))
    for row in rows:
        if row.sealed is None:
            continue
        told = unseal(session, participant_id, f"{row.of}/{row.id}", row.sealed)
        if fields := {name: text for name, text in told.items() if text}:
            found.append(DecisionReason(row.of, row.result, row.at, fields))
    if found:
        record_read(
            session, "participant", participant_id, what="reasons", ground=ground, by=by, at=at, purpose=purpose
        )
    return found


#: Where each kind is kept: the table, and its columns of what it came to, when, and why.
_KEPT: Final[Mapping[Of, tuple[Any, ColumnElement[Any], str, str]]] = {
    "triage": (Referral, col(Referral.result), "triaged_at", "result_sealed"),
    "admission": (AdmissionDecision, col(AdmissionDecision.outcome), "taken_at", "sealed"),
    "risk": (RiskAssessment, col(RiskAssessment.level), "assessed_at", "sealed"),
    "kept_until": (KeptUntil, func.coalesce(cast(col(KeptUntil.day), Text), KeptUntil.kind), "set_at", "sealed"),
}


def _written(of: Of, participant_id: UUID) -> AnySelect:
    """What one table keeps of such reasons about somebody, by the same names for each."""
    table, result, at, sealed = _KEPT[of]
    return select(
        value_of(literal(of).label("of")),
        value_of(cast(result, Text).label("result")),
        value_of(col(getattr(table, at)).label("at")),
        value_of(col(table.id).label("id")),
        value_of(col(getattr(table, sealed)).label("sealed")),
    ).where(in_program(table), table.participant_id == participant_id)
