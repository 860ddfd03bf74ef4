"""The findings on the criteria of an admission: the last finding of each counts, for the present referral.

Triage writes a finding (`domain.admissions.triage`); those who go on with the candidate read it here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import Session

from domain.kernel import Actor, Refusal, col, every, of, unseal
from domain.participants import criteria
from domain.participants.present import present_referral
from domain.record import Ground, Purpose, record_read
from locales import N_, say
from models.referral import CriterionFinding

#: The criterion for those alone who also recruit others; none of them is admitted without it.
OF_RECRUITERS: Final = "AD-C4"


@dataclass(frozen=True)
class CriterionFound:
    """The last finding on a criterion. `fact`, `why` and who allowed an exception are for those who may read them."""

    criterion: str
    finding: str
    on: date
    found_by: UUID
    found_at: datetime
    allowed_by: UUID | None = None
    fact: str = ""
    why: str = ""


def findings_of(session: Session, participant_id: UUID) -> dict[str, CriterionFound]:
    """The finding on each criterion for the present referral, without the sealed facts: what the board shows."""
    return {row.criterion: _found(row) for row in _last(session, participant_id, sealed=False)}


def read_findings(
    session: Session,
    participant_id: UUID,
    *,
    language: str,
    by: Actor,
    at: datetime,
    ground: Ground,
    purpose: Purpose | None = None,
) -> dict[str, CriterionFound]:
    """As `findings_of`, with the facts, which are unsealed and noted on record. Raises Refusal."""
    rows = _last(session, participant_id, sealed=True)
    if rows:
        record_read(
            session, "participant", participant_id, what="findings", ground=ground, by=by, at=at, purpose=purpose
        )
    return _told(session, participant_id, rows, language)


def told_before(session: Session, participant_id: UUID) -> dict[str, CriterionFound]:
    """As `read_findings`, for a rule that answers with less (whether it is said already): no person reads it."""
    return _told(session, participant_id, _last(session, participant_id, sealed=True), "fr")


def _told(
    session: Session, participant_id: UUID, rows: Iterable[CriterionFinding], language: str
) -> dict[str, CriterionFound]:
    found: dict[str, CriterionFound] = {}
    for row in rows:
        told = unseal(session, participant_id, f"finding/{row.id}", row.sealed) if row.sealed else {}
        fact = told.get("fact", "")
        if "least" in told:
            fact = _age_in_words(told["least"], told["most"], language)
        found[row.criterion] = _found(row, fact=fact, why=told.get("why", ""))
    return found


def refuse_not_met(found: Mapping[str, CriterionFound], *needed: str) -> None:
    """Refuse to go on with a person for which one of these criteria was found not to be met. Raises Refusal."""
    for criterion in needed:
        if criterion in found and found[criterion].finding == "not_met":
            raise Refusal(
                "triage.not_met",
                N_("Admission requires this criterion: %(criterion)s."),
                source=criterion,
                criterion=criteria.in_words([criterion]),
            )


def _last(session: Session, participant_id: UUID, *, sealed: bool) -> list[CriterionFinding]:
    """The last finding of each criterion for the present referral.

    A person referred again, a year later say, is looked at anew: an age, a place and a wish are those of the day.
    """
    present = present_referral(participant_id).scalar_subquery()
    return every(
        session,
        of(CriterionFinding, without=() if sealed else (CriterionFinding.sealed,))
        .where(CriterionFinding.participant_id == participant_id, CriterionFinding.referral_id == present)
        .ext(distinct_on(col(CriterionFinding.criterion)))
        .order_by(col(CriterionFinding.criterion), col(CriterionFinding.n).desc()),
    )


def _found(row: CriterionFinding, *, fact: str = "", why: str = "") -> CriterionFound:
    return CriterionFound(row.criterion, row.finding, row.on, row.found_by, row.found_at, row.allowed_by, fact, why)


def _age_in_words(least: int, most: int, language: str) -> str:
    if least == most:
        return say(language, N_("Aged %(age)s on that day."), age=least)
    return say(
        language, N_("Aged %(least)s or %(most)s on that day: the birth date is not known."), least=least, most=most
    )
