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
from sqlmodel.sql.expression import SelectOfScalar

from domain.kernel import Actor, Refusal, col, every, local_day, of, only, scalar, unseal
from domain.record import Ground, Purpose, record_read
from locales import LANGUAGES, N_, say
from models.referral import CriterionFinding, Referral

#: The criterion for those alone who also recruit others; none of them is admitted without it.
OF_RECRUITERS: Final = "AD-C4"
#: What each criterion is called.
NAMES: Final[Mapping[str, str]] = {
    "AD-C0": N_("Sexual exploitation"),
    "AD-C1": N_("12 to 24 years old"),
    "AD-C2": N_("Area served"),
    "AD-C3": N_("Recognizes harms"),
    # Of those alone who recruit others: “not met” says that they do not admit it, or do not commit to stop.
    "AD-C4": N_("Recruits others, admits it and commits to stop"),
    "AD-C5": N_("Voluntary"),
}


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


def in_words(criteria: Iterable[str]) -> Mapping[str, str]:
    """These criteria as people call them, one after the other, in each language."""
    return {language: "; ".join(say(language, NAMES[one]) for one in criteria) for language in LANGUAGES}


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


def refuse_before_referral(session: Session, participant_id: UUID, *days: date) -> None:
    """Refuse a day on which nothing of the present admission can have been: it was before the referral came.

    The day on which a referral was received is written once, and no act changes it after. Raises Refusal.
    """
    present = _present_referral(participant_id).scalar_subquery()
    received_at = scalar(session, only(Referral.received_at).where(Referral.id == present))
    if received_at is not None and min(days) < (received_on := local_day(session, received_at)):
        raise Refusal(
            "referral.before",
            N_("The person was referred on %(day)s: nothing of this admission was on an earlier day."),
            source="AD-R1",
            day=received_on,
        )


def refuse_not_met(found: Mapping[str, CriterionFound], *criteria: str) -> None:
    """Refuse to go on with a person for which one of these criteria was found not to be met. Raises Refusal."""
    for criterion in criteria:
        if criterion in found and found[criterion].finding == "not_met":
            raise Refusal(
                "triage.not_met",
                N_("Admission requires this criterion: %(criterion)s."),
                source=criterion,
                criterion=in_words([criterion]),
            )


def _present_referral(participant_id: UUID) -> SelectOfScalar[UUID]:
    """The referral of the present admission: the one to triage, else the last that was triaged.

    It is not always the last that came: one that came before it may be joined to this person after they declined.
    """
    theirs = Referral.participant_id == participant_id, col(Referral.state).in_(["received", "triaged"])
    return only(Referral.id).where(*theirs).order_by(col(Referral.triaged_at).desc()).limit(1)


def _last(session: Session, participant_id: UUID, *, sealed: bool) -> list[CriterionFinding]:
    """The last finding of each criterion for the present referral.

    A person referred again, a year later say, is looked at anew: an age, a place and a wish are those of the day.
    """
    present = _present_referral(participant_id).scalar_subquery()
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
