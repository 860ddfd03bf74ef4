"""Why a referral was triaged, an admission decided, a risk assessed and a last day set so: sealed as it was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Select, Table, Text, cast, literal, select, union_all
from sqlmodel import Session

from domain.kernel.actors import Actor
from domain.kernel.scope import many, program_of
from domain.participants.sealing import unseal
from domain.record.reads import Ground, Purpose, record_read
from models.base import table_of
from models.destruction import KeptUntil
from models.participant import RiskAssessment
from models.referral import AdmissionDecision, Referral

_referral = table_of(Referral)
_decided = table_of(AdmissionDecision)
_risk = table_of(RiskAssessment)
_kept = table_of(KeptUntil)

Of = Literal["triage", "admission", "risk", "kept_until"]


@dataclass(frozen=True)
class Reason:
    """What was written with one decision: `of` which kind, its `result` and instant, and the fields that say something.

    `fields` has reason and offered of a triage or an admission, why of a risk, profile, involvement, benefits and risks
    of the risk to others, and reason of a last day that was set by hand, whose result is that day.
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
) -> list[Reason]:
    """Why it was decided so of somebody, the first first, of what the reader may know; told to the record.

    `admission` stands for triage and decisions (AD-R3, AD-R4), `risk` for every assessment (AD-C4, AD-R10),
    `retention` for every day that was set by hand. Raises Refusal: the keys.
    """
    asked = [
        *([_written("triage", _referral, "result", "triaged_at", "result_sealed")] if admission else []),
        *([_written("admission", _decided, "outcome", "taken_at", "sealed")] if admission else []),
        *([_written("risk", _risk, "level", "assessed_at", "sealed")] if risk else []),
        *([_written("kept_until", _kept, "day", "set_at", "sealed")] if retention else []),
    ]
    if not asked:
        return []
    here = program_of(session)
    theirs = [
        columns.where(table.c.program_id == here, table.c.participant_id == participant_id) for table, columns in asked
    ]
    found = []
    for row in many(session, union_all(*theirs).order_by("at", "id")):
        if row["sealed"] is None:
            continue
        told = unseal(session, participant_id, f"{row['of']}/{row['id']}", row["sealed"])
        if fields := {name: text for name, text in told.items() if text}:
            found.append(Reason(row["of"], row["result"], row["at"], fields))
    if found:
        record_read(
            session, "participant", participant_id, what="reasons", ground=ground, by=by, at=at, purpose=purpose
        )
    return found


def _written(of: Of, table: Table, result: str, at: str, sealed: str) -> tuple[Table, Select[Any]]:
    """What one table keeps of such reasons, by the same names for each."""
    return table, select(
        literal(of).label("of"),
        cast(table.c[result], Text).label("result"),
        table.c[at].label("at"),
        table.c.id.label("id"),
        table.c[sealed].label("sealed"),
    )
