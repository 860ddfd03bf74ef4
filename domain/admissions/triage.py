"""Triage, explained: each criterion is found met, not met or unknown, by a fact; then the committee, a worker, or a no.

A finding is written once; a later one counts in its place, and those before stay. The facts behind it are sealed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlmodel import Session

from domain.accompaniment import recruiting, reviews, withdrawals, workers
from domain.casework import asking, cases
from domain.kernel import Actor, Refusal, add_row, first, local_day, next_number, of, only, says_something, scalar, seal
from domain.participants import (
    OF_RECRUITERS,
    case_of,
    change_participant,
    change_referral,
    checked_answer,
    destruction,
    findings_of,
    finish_step,
    hold_participant,
    identity_within,
    participant_state_after,
    refuse_not_met,
    retention,
)
from domain.record import events
from domain.terms import TRIAGE
from locales import N_
from models.lifecycles import REFERRAL, NoSuchMove
from models.participant import Participant
from models.referral import CRITERIA, FINDINGS, TRIAGE_RESULTS, CriterionFinding, Referral

#: The criteria for everyone.
OF_EVERYONE: Final = tuple(one for one in CRITERIA if one != OF_RECRUITERS)
#: That harms are recognized: the one criterion that allows an exception.
_OF_HARMS: Final = "AD-C3"
#: Without one of these no one is admitted; for AD-C3 an exception is recorded, with who allowed it and why.
NEVER_WITHOUT: Final = ("AD-C0", "AD-C1", "AD-C2", "AD-C5")

LONGEST: Final = 4_000


def find_criterion(
    session: Session,
    referral_id: UUID,
    criterion: str,
    finding: str,
    *,
    fact: str,
    by: Actor,
    at: datetime,
    admit_all_the_same: bool = False,
    why: str = "",
) -> None:
    """Record how a criterion was found, by what fact. Guide: AD-C0 to AD-C5.

    AD-C3 never blocks: where it is not met, or not known (precontemplation), `admit_all_the_same` records that `by`
    allows it, and `why`. AD-C4, met or not, is found of a person who recruits others, and records that of them for
    good. Raises Refusal: the referral is not being triaged, no fact, or an exception where none is.
    """
    held = hold_referral(session, referral_id)
    if criterion not in CRITERIA or finding not in FINDINGS:
        raise Refusal("triage.finding", N_("A criterion is met, not met or unknown."))
    if criterion == "AD-C1":
        raise Refusal("triage.age", N_("The program calculates the age, as of the day. Correct the birth date."))
    fact, why = checked_answer(fact, LONGEST), checked_answer(why, LONGEST)
    if finding != "unknown" and not fact:
        raise Refusal("triage.no_fact", N_("Say on what basis the criterion is met or not met."), source=criterion)
    if admit_all_the_same:
        _refuse_exception(criterion, finding, why)
    _write(
        session,
        held,
        criterion,
        finding,
        {"fact": fact, "why": why},
        by=by,
        at=at,
        allowed_by=by.person_id if admit_all_the_same else None,
    )
    if criterion == OF_RECRUITERS and finding != "unknown":
        recruiting.note(session, hold_participant(session, held.participant_id), by=by, at=at)


def _refuse_exception(criterion: str, finding: str, why: str) -> None:
    """Raises Refusal where nobody is admitted all the same: of another criterion, one that is met, or without why."""
    if criterion != _OF_HARMS or finding == "met":
        raise Refusal(
            "triage.no_exception", N_("Only the third criterion allows an exception, if it is not met."), source="AD-C3"
        )
    if not says_something(why):
        raise Refusal(
            "triage.no_reason", N_("Say why the situation makes it desirable to admit the person."), source="AD-C3"
        )


def find_age(session: Session, referral_id: UUID, *, by: Actor, at: datetime) -> str:
    """Work out whether AD-C1 is met on the local day of `at`, and record it; returns the finding. Raises Refusal.

    The age is that of the day: turning 25 later ends nothing.
    """
    held = hold_referral(session, referral_id)
    today = local_day(session, at)
    age = identity_within(session, held.participant_id).age_as_of(today)
    finding = age.within_program() if age else "unknown"
    said = {"least": age.least, "most": age.most} if age else {}
    _write(session, held, "AD-C1", finding, {"fact": "", "why": "", **said}, by=by, at=at)
    return finding


def triage(
    session: Session,
    referral_id: UUID,
    result: str,
    *,
    reason: str = "",
    offered: str = "",
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> None:
    """Decide where a referral goes: to the next Clinical Committee (AD-R3), to a worker (AD-R4), or no further.

    Forwarding needs a reason, and the next meeting is told; the worker is named with it
    (`domain.accompaniment.workers.name_worker`). A refusal needs its reason, and what was offered instead. Raises
    Refusal: it was triaged meanwhile, or a criterion is not looked at, or does not allow it.
    """
    held = hold_referral(session, referral_id, seen=seen)
    if result not in TRIAGE_RESULTS:
        raise Refusal("triage.result", N_("Choose where the referral goes."))
    reason, offered = checked_answer(reason, LONGEST), checked_answer(offered, LONGEST)
    participant = hold_participant(session, held.participant_id)
    if result == "refused":
        if not (says_something(reason) and says_something(offered)):
            raise Refusal("triage.refusal", N_("A refusal needs a reason, and what was offered instead."))
    else:
        if result == "forwarded" and not says_something(reason):
            raise Refusal("triage.forwarding", N_("Say why it cannot wait for the committee."), source="AD-R4")
        _refuse_unless_allowed(session, participant, result)
    change_referral(
        session,
        held,
        state=_after(held, "triage"),
        result=result,
        triaged_at=at,
        triaged_by=by.person_id,
        result_sealed=seal(session, participant.id, f"triage/{referral_id}", {"reason": reason, "offered": offered}),
    )
    events.write(session, "referral.triaged", "referral", referral_id, by=by, at=at, result=result)
    # Kept until a day for want of a triage: it is triaged now.
    retention.count_no_more(session, participant.id, by=by, at=at, stopped_by="triaged")
    finish_step(session, participant.id, TRIAGE, by=by, at=at)
    if result == "refused":
        refuse(session, participant, by=by, at=at)
    elif result == "committee" and workers.was_given(session, participant.id):
        # The committee said already that a worker follows up; which one is to be found again.
        workers.ask_for_one(session, participant.id, by=by, at=at)


def refuse(session: Session, participant: Participant, *, by: Actor, at: datetime) -> None:
    """Refuse a locked candidate: the admission ends, and a day is set after which nothing is kept. Raises Refusal."""
    end_admission(session, participant, "refuse", by=by, at=at)
    events.write(session, "participant.refused", "participant", participant.id, by=by, at=at)


def end_admission(session: Session, participant: Participant, move: str, *, by: Actor, at: datetime) -> None:
    """End the admission of a locked candidate, by their own word or the program's. Raises Refusal."""
    change_participant(
        session,
        participant,
        state=participant_state_after(participant, move),
        retain_until=retention.kept_until(session, participant.id, "not_admitted", local_day(session, at)),
    )
    destruction.stop(session, participant.id, "changed", by=by, at=at)
    asking.no_more(session, workers.FIND_OUT, participant.id, by=by, at=at)
    case_id = case_of(session, participant.id)
    if case_id is not None:
        cases.cancel_case(session, case_id, by=by, at=at, reason=_ENDED[move])
    workers.ask_no_more(session, participant.id, by=by, at=at)
    recruiting.ask_no_more(session, participant.id, by=by, at=at)
    withdrawals.settle_everything(session, participant.id, by=by, at=at)
    reviews.ask_no_more(session, participant.id, by=by, at=at)


_ENDED: Final = {"refuse": "AD-R3", "decline": "AD-R7"}


def take_back_triage(session: Session, referral_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """Triage a referral again: more was learned, or the committee asks for more.

    The worker who was to meet the person no longer does, until it is decided anew where the referral goes. So a
    candidate who was given to a worker can still be refused, with what was offered instead. Raises Refusal: it was
    refused, or the person was admitted.
    """
    held = hold_referral(session, referral_id, state="triaged", seen=seen)
    if held.result == "refused":
        raise Refusal("triage.refused", N_("This referral was refused. The person may be referred again."))
    participant = hold_participant(session, held.participant_id)
    if participant.state != "candidate":
        workers.send_nobody(session, participant, "triaged_again", by=by, at=at)
    change_referral(
        session, held, state=_after(held, "take_back"), result="", triaged_at=None, triaged_by=None, result_sealed=None
    )
    events.write(session, "referral.taken_back", "referral", referral_id, by=by, at=at)


def refuse_other(session: Session, participant_id: UUID, referral_id: UUID) -> None:
    """Refuse a referral that is not about this person. Raises Refusal."""
    if not scalar(
        session, only(Referral.id).where(Referral.id == referral_id, Referral.participant_id == participant_id)
    ):
        raise Refusal("referral.not_there", N_("There is no such referral."))


def hold_referral(session: Session, referral_id: UUID, *, state: str = "received", seen: int | None = None) -> Referral:
    """Lock a referral in a state. Raises Refusal: there is none, or it was dealt with meanwhile."""
    held = first(session, of(Referral).where(Referral.id == referral_id, Referral.state != "draft").with_for_update())
    if held is None:
        raise Refusal("referral.not_there", N_("There is no such referral."))
    if held.state != state:
        raise _dealt_with("referral.dealt_with")
    if seen is not None and held.version != seen:
        raise _dealt_with("referral.changed")
    return held


# ------------------------------------------------------------------------------------------------------------ rules


def missing(session: Session, participant: Participant) -> tuple[str, ...]:
    """The criteria that were not looked at yet."""
    found = findings_of(session, participant.id)
    asked = CRITERIA if participant.recruiter else OF_EVERYONE
    return tuple(one for one in asked if one not in found)


def _refuse_unless_allowed(session: Session, participant: Participant, result: str) -> None:
    found = findings_of(session, participant.id)
    left = missing(session, participant)
    if left:
        raise Refusal("triage.not_looked_at", N_("Assess every criterion first: %(left)s."), left=", ".join(left))
    refuse_not_met(found, *NEVER_WITHOUT, *([OF_RECRUITERS] if participant.recruiter else []))
    third = found[_OF_HARMS]
    if third.finding == "not_met" and third.allowed_by is None:
        raise Refusal(
            "triage.precontemplation",
            N_("The person does not recognize harms yet. They may be admitted all the same: say why."),
            source="AD-C3",
        )
    if result == "forwarded":
        unknown = [one for one in NEVER_WITHOUT if found[one].finding == "unknown"]
        if unknown:
            raise Refusal(
                "triage.not_known",
                N_("This is not known yet: %(criteria)s. The committee may decide; no one is forwarded without it."),
                source="AD-R4",
                criteria=", ".join(unknown),
            )
        if participant.recruiter:
            raise Refusal(
                "triage.recruiter",
                N_("If the person recruits others, the Clinical Committee assesses the risk first."),
                source="AD-C4",
            )


def _write(
    session: Session,
    held: Referral,
    criterion: str,
    finding: str,
    told: Mapping[str, object],
    *,
    by: Actor,
    at: datetime,
    allowed_by: UUID | None = None,
) -> None:
    participant_id = held.participant_id
    finding_id = uuid4()
    row = CriterionFinding(
        program_id=held.program_id,
        id=finding_id,
        participant_id=participant_id,
        referral_id=held.id,
        criterion=criterion,
        # The referral is locked: of two who find the same criterion at once, the second counts after the first.
        n=next_number(
            session,
            CriterionFinding.n,
            CriterionFinding.participant_id == participant_id,
            CriterionFinding.criterion == criterion,
        ),
        finding=finding,
        sealed=seal(session, participant_id, f"finding/{finding_id}", told),
        on=local_day(session, at),
        found_by=by.person_id,  # type: ignore[arg-type]  # a person triages
        found_at=at,
        allowed_by=allowed_by,
    )
    add_row(session, row)
    events.write(
        session,
        "criterion.found",
        "referral",
        held.id,
        by=by,
        at=at,
        criterion=criterion,
        finding=finding,
        exception=allowed_by is not None,
    )


def _after(held: Referral, move: str) -> str:
    try:
        return REFERRAL.after(held.state, move)
    except NoSuchMove:
        raise _dealt_with("referral.dealt_with") from None


def _dealt_with(code: str) -> Refusal:
    return Refusal(
        code, N_("This referral was dealt with by someone else or in another window. Nothing was saved; look again.")
    )
