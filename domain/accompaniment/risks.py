"""Risk: the participant's own at admission (AD-R10), and apart, the risk to others of one who recruits (AD-C4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import func
from sqlmodel import Session

from domain.accompaniment import recruiting
from domain.casework import asking
from domain.kernel import (
    Actor,
    Refusal,
    add_row,
    col,
    first,
    in_program,
    next_number,
    of,
    program_of,
    says_something,
    scalar,
    seal,
    select,
    trimmed,
)
from domain.participants import OF_RECRUITERS, findings_of, finish_step, hold_participant, refuse_not_met
from domain.record import events
from domain.terms import ADMISSION
from locales import N_
from models.casework import Case
from models.participant import RECRUITER_LEVELS, RISK_KINDS, RISK_LEVELS, Participant, RiskAssessment

LONGEST = 4_000


def assess(
    session: Session,
    participant_id: UUID,
    kind: str,
    level: str,
    *,
    why: Mapping[str, str],
    by: Actor,
    at: datetime,
    decision_id: UUID | None = None,
) -> UUID:
    """Record an assessment of a risk; the last of its kind counts, for the risk to others as `to_others` says.

    `why` is sealed. The risk to others is the Clinical Committee's to assess, by `decision_id`: `meetings.recruiters`
    has it decide and records both. `why` then says profile, involvement, benefits and risks, each: they are admitted
    only where the benefits exceed the risks. From then on no activity brings them together with other participants.
    Raises Refusal.
    """
    held = hold_participant(session, participant_id)
    told = checked(kind, level, why)
    if kind == "recruiter" and decision_id is None:
        raise committee_assesses()
    assessment_id = uuid4()
    row = RiskAssessment(
        program_id=program_of(session),
        id=assessment_id,
        participant_id=participant_id,
        kind=kind,
        n=next_number(
            session, RiskAssessment.n, RiskAssessment.participant_id == participant_id, RiskAssessment.kind == kind
        ),
        level=level,
        sealed=seal(session, participant_id, f"risk/{assessment_id}", told),
        assessed_by=by.person_id,  # type: ignore[arg-type]  # a person assesses
        assessed_as=by.role,
        assessed_at=at,
        decision_id=decision_id,
    )
    add_row(session, row)
    if kind == "recruiter":
        recruiting.note(session, held, by=by, at=at)
        recruiting.assessed(session, participant_id, by=by, at=at)
    events.write(session, "risk.assessed", "participant", participant_id, by=by, at=at, kind=kind, level=level)
    if kind == "admission":
        finish_step(session, participant_id, "risk", by=by, at=at)
    return assessment_id


def checked(kind: str, level: str, why: Mapping[str, str]) -> dict[str, str]:
    """The words of an assessment to be sealed, as they were said. Raises Refusal: no such level, or not all is said."""
    levels = {"admission": RISK_LEVELS, "recruiter": RECRUITER_LEVELS}
    if kind not in RISK_KINDS or level not in levels[kind]:
        raise Refusal("risk.level", N_("Choose one of the levels offered."), source="AD-R10")
    told = {name: trimmed(text)[:LONGEST] for name, text in why.items() if says_something(text)}
    if kind == "recruiter" and set(told) != {"profile", "involvement", "benefits", "risks"}:
        raise Refusal(
            "risk.recruiter",
            N_("Say four things: the delinquent profile, the involvement in a network, the benefits, the risks."),
            source="AD-C4",
        )
    return told


def committee_assesses() -> Refusal:
    """Refusal of an assessment of the risk to others made without the Clinical Committee, while that committee sits."""
    return Refusal(
        "risk.committee",
        N_("The Clinical Committee assesses the risk to others during a meeting, on an item about the person."),
        source="AD-C4",
    )


def last(session: Session, participant_id: UUID, kind: str, *, since: datetime | None = None) -> RiskAssessment | None:
    """The last assessment of a kind, without what is sealed, of those made `since` a moment; None before any."""
    made = [] if since is None else [col(RiskAssessment.assessed_at) >= since]
    return first(
        session,
        of(RiskAssessment, without=(RiskAssessment.sealed,))
        .where(RiskAssessment.participant_id == participant_id, RiskAssessment.kind == kind, *made)
        .order_by(col(RiskAssessment.assessed_at).desc(), col(RiskAssessment.n).desc())
        .limit(1),
    )


def to_others(session: Session, participant_id: UUID) -> RiskAssessment | None:
    """The assessment of the risk to others that counts now, as `last` gives it; None where the committee owes one.

    It must belong to the present admission: one made before the person was referred again was of another situation
    (AD-C4). Nor does one count while it is asked for anew, as after another file is joined to theirs.
    """
    if asking.open_ones(session, recruiting.ASSESS, participant_id):
        return None
    opened = scalar(
        session,
        select(func.max(col(Case.opened_at))).where(
            in_program(Case), Case.participant_id == participant_id, Case.protocol == ADMISSION
        ),
    )
    return last(session, participant_id, "recruiter", since=opened)


def refuse_danger(session: Session, participant: Participant) -> None:
    """Refuse to go on with a person who recruits while the risk to others is not assessed, or is too great.

    Also where AD-C4 was found not to be met. `participant` is their row, with `id` and `recruiter`. Raises Refusal.
    """
    if not participant.recruiter:
        return
    refuse_not_met(findings_of(session, participant.id), OF_RECRUITERS)
    risk = to_others(session, participant.id)
    if risk is None:
        raise Refusal(
            "admission.recruiter_risk",
            N_("This person recruits others. Assess the risk to other participants first."),
            source="AD-C4",
        )
    if risk.level != "benefits_exceed":
        raise Refusal(
            "admission.recruiter_refused",
            N_("The risks to others exceed the benefits: the person is not admitted."),
            source="AD-C4",
        )
