"""Triage, explained: each criterion is found met, not met or unknown, by a fact; then the committee, a worker, or a no.

A finding is written once; a later one counts in its place, and those before stay. The facts behind it are sealed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID, uuid4

from sqlmodel import Session

from domain.accompaniment import recruiting, reviews, withdrawals, workers
from domain.admissions import asking_referrers
from domain.casework import BY_ITS_ACT, asking, assigning, cases
from domain.kernel import Actor, Refusal, add_row, both, first, local_day, next_number, of, only, says_why, scalar, seal
from domain.mail import coordination_chain
from domain.participants import (
    OF_RECRUITERS,
    CriterionFound,
    case_of,
    change_participant,
    change_referral,
    checked_answer,
    checked_offers,
    criteria,
    destruction,
    findings_of,
    finish_step,
    hold_participant,
    identity_within,
    known_as,
    move_standing,
    opened,
    participant_state_after,
    refuse_not_met,
    retention,
    told_before,
)
from domain.record import events
from domain.terms import BEING_ADMITTED, TRIAGE
from locales import N_
from models.lifecycles import REFERRAL, NoSuchMove
from models.participant import Participant
from models.referral import CRITERIA, FINDINGS, TRIAGE_RESULTS, CriterionFinding, Referral

#: The criteria for everyone.
OF_EVERYONE: Final = tuple(one for one in CRITERIA if one != OF_RECRUITERS)
#: The criterion that the program works out itself.
OF_AGE: Final = "AD-C1"
#: That harms are recognized: the one criterion that allows an exception.
_OF_HARMS: Final = "AD-C3"
#: Without one of these no one is admitted; for AD-C3 an exception is recorded, with who allowed it and why.
NEVER_WITHOUT: Final = ("AD-C0", "AD-C1", "AD-C2", "AD-C5")

LONGEST: Final = 4_000

#: The coordinator's task while a person who went straight to a worker has criteria to be confirmed, and how soon it is
#: due, in working days, where no committee is planned by whose day it would be.
OWED: Final = "triage.owed"
DAYS_OWED: Final = 5


@dataclass(frozen=True)
class Finding:
    """What is said of one criterion: how it was found, by what fact, and why one is admitted all the same (AD-C3)."""

    finding: str = "unknown"
    fact: str = ""
    admit_all_the_same: bool = False
    why: str = ""


def find_criteria(
    session: Session,
    referral_id: UUID,
    said: Mapping[str, Finding],
    *,
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> None:
    """Record how each criterion was found, by what fact: all of them, or none where one cannot be. AD-C0 to AD-C5.

    The age works itself out, as of the day. What was found so already stays as it is, with who found it. AD-C3 never
    blocks: where it is not met, or not known (precontemplation), `by` may allow it, with why. AD-C4, met or not, is
    found of a person who recruits others, and records that of them for good. Where the person went straight to a
    worker, this is what is owed since. Raises Refusal: the referral was changed meanwhile, or is not being triaged, the
    person goes no further, no fact, or an exception where none is.
    """
    held = hold_to_find(session, referral_id, seen=seen)
    participant = hold_participant(session, held.participant_id)
    checked = {criterion: _checked(criterion, one) for criterion, one in said.items()}
    before = told_before(session, participant.id)
    for criterion, one in checked.items():
        if not _is_said_already(before.get(criterion), one):
            told = {"fact": one.fact, "why": one.why}
            allowed_by = by.person_id if one.admit_all_the_same else None
            _write(session, held, criterion, one.finding, told, by=by, at=at, allowed_by=allowed_by)
    if OF_RECRUITERS in checked and checked[OF_RECRUITERS].finding != "unknown":
        recruiting.note(session, participant, by=by, at=at)
    _find_age(session, held, by=by, at=at, before=before.get(OF_AGE))
    _settle(session, held, by=by, at=at)
    change_referral(session, held)


def _checked(criterion: str, said: Finding) -> Finding:
    """What is said of a criterion, trimmed. Raises Refusal."""
    if criterion not in CRITERIA or said.finding not in FINDINGS:
        raise Refusal("triage.finding", N_("A criterion is met, not met or to be confirmed."))
    if criterion == OF_AGE:
        raise Refusal("triage.age", N_("The program calculates the age, as of the day. Correct the birth date."))
    fact, why = checked_answer(said.fact, LONGEST), checked_answer(said.why, LONGEST)
    if said.finding != "unknown" and not fact:
        raise Refusal(
            "triage.no_fact",
            N_("Say on what basis %(criterion)s is met or not met."),
            source=criterion,
            criterion=criteria.in_words([criterion]),
        )
    if said.admit_all_the_same:
        _refuse_exception(criterion, said.finding, why)
    return Finding(said.finding, fact, said.admit_all_the_same, why)


def _is_said_already(before: CriterionFound | None, said: Finding) -> bool:
    if before is None:
        return False
    return Finding(before.finding, before.fact, before.allowed_by is not None, before.why) == said


def _refuse_exception(criterion: str, finding: str, why: str) -> None:
    """Raises Refusal where no one is admitted all the same: of another criterion, one that is met, or without why."""
    if criterion != _OF_HARMS or finding == "met":
        raise Refusal(
            "triage.no_exception", N_("Only the third criterion allows an exception, if it is not met."), source="AD-C3"
        )
    if not says_why(why):
        raise Refusal(
            "triage.no_reason", N_("Say why the situation makes it desirable to admit the person."), source="AD-C3"
        )


def find_age(session: Session, referral_id: UUID, *, by: Actor, at: datetime) -> str:
    """Work out whether AD-C1 is met on the local day of `at`, and record it; returns the finding. Raises Refusal.

    The age is that of the day: turning 25 later ends nothing.
    """
    held = hold_to_find(session, referral_id)
    finding = _find_age(session, held, by=by, at=at)
    _settle(session, held, by=by, at=at)
    return finding


def _find_age(
    session: Session, held: Referral, *, by: Actor, at: datetime, before: CriterionFound | None = None
) -> str:
    today = local_day(session, at)
    age = identity_within(session, held.participant_id).age_as_of(today)
    finding = age.within_program() if age else "unknown"
    if before is not None and (before.finding, before.on) == (finding, today):
        return finding
    said = {"least": age.least, "most": age.most} if age else {}
    _write(session, held, OF_AGE, finding, {"fact": "", "why": "", **said}, by=by, at=at)
    return finding


def _settle(session: Session, held: Referral, *, by: Actor, at: datetime) -> None:
    """Complete what is owed since the person went straight to a worker, where every criterion is found to be met."""
    if held.state == "triaged" and not still_owed(session, hold_participant(session, held.participant_id)):
        asking.answered(session, OWED, held.participant_id, by=by, at=at)


def triage(
    session: Session,
    referral_id: UUID,
    result: str,
    *,
    reason: str = "",
    offered: str = "",
    offers: Sequence[str] = (),
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> None:
    """Decide where a referral goes: to the next Clinical Committee (AD-R3), to a worker (AD-R4), or no further.

    Forwarding needs a reason, and the next meeting is told; the worker is named with it
    (`domain.accompaniment.workers.name_worker`). It waits for no finding: what is to be confirmed is owed after
    (`owe_findings`). A refusal needs its reason, and what was offered instead; `offers` is what of it who referred is
    told. Raises Refusal: it was triaged meanwhile, or a criterion is not looked at, or does not allow it.
    """
    held = hold_referral(session, referral_id, seen=seen)
    if result not in TRIAGE_RESULTS:
        raise Refusal("triage.result", N_("Choose where the referral goes."))
    reason, offered = checked_answer(reason, LONGEST), checked_answer(offered, LONGEST)
    participant = hold_participant(session, held.participant_id)
    if result == "refused":
        if not (says_why(reason) and says_why(offered)):
            raise Refusal("triage.refusal", N_("A refusal needs a reason, and what was offered instead."))
    else:
        if result == "forwarded" and not says_why(reason):
            raise Refusal(
                "triage.forwarding", N_("Say in a few words why it cannot wait for the committee."), source="AD-R4"
            )
        _refuse_unless_allowed(session, participant, result)
    change_referral(
        session,
        held,
        state=_after(held, "triage"),
        result=result,
        stands=_STANDS.get(result, held.stands),
        triaged_at=at,
        triaged_by=by.person_id,
        result_sealed=seal(session, participant.id, f"triage/{referral_id}", {"reason": reason, "offered": offered}),
    )
    opened.shut(session, participant.id)
    events.write(session, "referral.triaged", "referral", referral_id, by=by, at=at, result=result)
    # Kept until a day for want of a triage: it is triaged now.
    retention.count_no_more(session, participant.id, by=by, at=at, stopped_by="triaged")
    finish_step(session, participant.id, TRIAGE, by=by, at=at)
    if result == "refused":
        refuse(session, participant, offers=offers, by=by, at=at)
    elif result == "committee" and workers.was_given(session, participant.id):
        # The committee said already that a worker follows up; which one is to be found again.
        workers.ask_for_one(session, participant.id, by=by, at=at)


#: Where the referral then stands for who wrote it; a worker or a no says it by itself.
_STANDS: Final = {"committee": "committee"}


def refuse(session: Session, participant: Participant, *, offers: Sequence[str] = (), by: Actor, at: datetime) -> None:
    """Refuse a locked candidate: the admission ends, and a day is set after which nothing is kept.

    `offers` is what was offered instead, as who referred them is told. Raises Refusal.
    """
    end_admission(session, participant, "refuse", offers=offers, by=by, at=at)
    events.write(session, "participant.refused", "participant", participant.id, by=by, at=at)


def end_admission(
    session: Session, participant: Participant, move: str, *, offers: Sequence[str] = (), by: Actor, at: datetime
) -> None:
    """End the admission of a locked candidate, by their own word or the program's. Raises Refusal."""
    change_participant(
        session,
        participant,
        state=participant_state_after(participant, move),
        retain_until=retention.kept_until(session, participant.id, "not_admitted", local_day(session, at)),
    )
    offers = checked_offers(offers)
    move_standing(session, participant.id, "not_admitted", of_states=("received", "triaged", "joined"), offered=offers)
    opened.shut(session, participant.id)
    destruction.stop(session, participant.id, "changed", by=by, at=at)
    asking.no_more(session, workers.FIND_OUT, participant.id, by=by, at=at)
    asking.no_more(session, OWED, participant.id, by=by, at=at)
    asking_referrers.ask_nothing_about(session, participant.id, by=by, at=at)
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
    asking.no_more(session, OWED, participant.id, by=by, at=at)
    change_referral(
        session,
        held,
        state=_after(held, "take_back"),
        result="",
        triaged_at=None,
        triaged_by=None,
        result_sealed=None,
        stands="received",
    )
    events.write(session, "referral.taken_back", "referral", referral_id, by=by, at=at)


def ask_referrer(
    session: Session, referral_id: UUID, wanted: Collection[str], *, by: Actor, at: datetime, seen: int | None = None
) -> None:
    """Ask who referred for what is missing in a referral that is being triaged; for nothing, ask no more.

    What is asked is taken back at any moment, also once the referral is triaged or joined to a file that is known.
    Raises Refusal, as `hold_to_find` and `asking_referrers.ask_referrer`.
    """
    held = _as_seen(_hold(session, referral_id), seen)
    if not wanted and held.asked_at is not None:
        asking_referrers.ask_no_more(session, held, by=by, at=at)
    else:
        asking_referrers.ask_referrer(session, hold_to_find(session, referral_id), wanted, by=by, at=at)


def refuse_other(session: Session, participant_id: UUID, referral_id: UUID) -> None:
    """Refuse a referral that is not about this person. Raises Refusal."""
    if not scalar(
        session, only(Referral.id).where(Referral.id == referral_id, Referral.participant_id == participant_id)
    ):
        raise Refusal("referral.not_there", N_("There is no such referral."))


def hold_referral(session: Session, referral_id: UUID, *, state: str = "received", seen: int | None = None) -> Referral:
    """Lock a referral in a state. Raises Refusal: there is none, or it was dealt with meanwhile."""
    held = _hold(session, referral_id)
    if held.state != state:
        raise _dealt_with("referral.dealt_with")
    return _as_seen(held, seen)


def hold_to_find(session: Session, referral_id: UUID, *, seen: int | None = None) -> Referral:
    """Lock a referral of which criteria are found: one to triage, or one that cannot wait, while findings are owed.

    Raises Refusal: there is none, it was dealt with or changed meanwhile, or the person goes no further.
    """
    held = _hold(session, referral_id)
    owes = held.state == "triaged" and bool(asking.open_ones(session, OWED, held.participant_id))
    if not (held.state == "received" or owes):
        raise _dealt_with("referral.dealt_with")
    _as_seen(held, seen)
    if hold_participant(session, held.participant_id).state not in BEING_ADMITTED:
        raise Refusal("triage.over", N_("The person goes no further in this admission: nothing more is found."))
    return held


def is_triaged_now(session: Session, participant_id: UUID) -> bool:
    """Whether a referral of a person is to triage, or criteria are owed since they went straight to a worker."""
    owes = bool(asking.open_ones(session, OWED, participant_id))
    return owes or workers.has_one_to_triage(session, participant_id)


def _hold(session: Session, referral_id: UUID) -> Referral:
    held = first(session, of(Referral).where(Referral.id == referral_id, Referral.state != "draft").with_for_update())
    if held is None:
        raise Refusal("referral.not_there", N_("There is no such referral."))
    return held


def _as_seen(held: Referral, seen: int | None) -> Referral:
    if seen is not None and held.version != seen:
        raise _dealt_with("referral.changed")
    return held


# ------------------------------------------------------------------------------------------------------------ rules


def missing(session: Session, participant: Participant) -> tuple[str, ...]:
    """The criteria that were not looked at yet."""
    found = findings_of(session, participant.id)
    return tuple(one for one in _asked_of(participant) if one not in found)


def still_owed(session: Session, participant: Participant) -> tuple[str, ...]:
    """The criteria that keep a person who went straight to a worker from a number: to be confirmed, or not met.

    AD-C3 keeps no one where it is only to be confirmed, nor where why they are admitted all the same was said.
    """
    found = findings_of(session, participant.id)
    return tuple(one for one in _not_settled(participant, found) if one != _OF_HARMS or not _is_unknown(found.get(one)))


def to_confirm(session: Session, participant: Participant) -> tuple[str, ...]:
    """All that is to be confirmed, or is not met, of a person who went straight to a worker: AD-C3 as well."""
    return _not_settled(participant, findings_of(session, participant.id))


def _not_settled(participant: Participant, found: Mapping[str, CriterionFound]) -> tuple[str, ...]:
    return tuple(one for one in _asked_of(participant) if not _is_settled(found.get(one)))


def _is_settled(found: CriterionFound | None) -> bool:
    return found is not None and (found.finding == "met" or found.allowed_by is not None)


def _is_unknown(found: CriterionFound | None) -> bool:
    return found is not None and found.finding == "unknown"


def _asked_of(participant: Participant) -> tuple[str, ...]:
    return CRITERIA if participant.recruiter else OF_EVERYONE


def owe_findings(
    session: Session, participant_id: UUID, *, due_on: date | None, by: Actor, at: datetime
) -> tuple[str, ...]:
    """Ask the coordinator for the criteria that a person went straight to a worker without, by the committee's day.

    The task outlives the meeting: it waits also where that is cancelled, and where the worker refuses or leaves. No
    number is given before. Returns all that is to be confirmed, none where each was found.
    """
    participant = hold_participant(session, participant_id)
    if still_owed(session, participant) and not asking.open_ones(session, OWED, participant_id):
        title = both(_OWED, reference=known_as(session, participant_id))
        chain, item = coordination_chain(session), str(participant_id)
        within = DAYS_OWED
        assigning.assign_within(
            session, OWED, item, title, chain, within=within, due_on=due_on, by=by, at=at, evidence=BY_ITS_ACT
        )
    return to_confirm(session, participant)


_OWED: Final = N_("Confirm the criteria of %(reference)s, who went straight to a worker")


def refuse_owed(session: Session, participant_id: UUID) -> None:
    """Refuse to go on with a person of whom criteria are owed since they went straight to a worker. Raises Refusal."""
    if asking.open_ones(session, OWED, participant_id):
        raise Refusal(
            "triage.owed",
            N_("The person went straight to a worker: first find every criterion that is still to be confirmed."),
            source="AD-R4",
        )


def _refuse_unless_allowed(session: Session, participant: Participant, result: str) -> None:
    found = findings_of(session, participant.id)
    left = missing(session, participant)
    if left and result == "committee":
        raise Refusal(
            "triage.not_looked_at", N_("Assess every criterion first: %(left)s."), left=criteria.in_words(left)
        )
    refuse_not_met(found, *NEVER_WITHOUT, *([OF_RECRUITERS] if participant.recruiter else []))
    third = found.get(_OF_HARMS)
    if third is not None and third.finding == "not_met" and third.allowed_by is None:
        raise Refusal(
            "triage.precontemplation",
            N_("The person does not recognize harms yet. They may be admitted all the same: say why."),
            source="AD-C3",
        )
    if result == "forwarded" and participant.recruiter:
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
    facts: dict[str, events.Fact] = {"criterion": criterion, "finding": finding, "exception": allowed_by is not None}
    events.write(session, "criterion.found", "referral", held.id, by=by, at=at, case_id=None, **facts)


def _after(held: Referral, move: str) -> str:
    try:
        return REFERRAL.after(held.state, move)
    except NoSuchMove:
        raise _dealt_with("referral.dealt_with") from None


def _dealt_with(code: str) -> Refusal:
    return Refusal(
        code, N_("This referral was dealt with by someone else or in another window. Nothing was saved; look again.")
    )
