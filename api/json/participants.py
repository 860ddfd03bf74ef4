"""Candidates and participants over JSON: by reference or number, and who they are by one act that stands in the record.

The answers hold nothing nominative but those of `identity` and of a disclosure's `reading`.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel

from api.access.participants import find_participant, ground_of, open_file, read_facts
from api.access.permissions import Action, Forbidden, Relation, allows, asks, find_person, require
from api.access.session import AtDesk, Desk
from api.json.described import api_routes
from api.json.idempotent_requests import AtOnce, IfMatch, Once, seen_version
from api.json.participant_shapes import (
    AdmissionDecisionGiven,
    AnotherWorkerGiven,
    BarGiven,
    ConsentGiven,
    ConsentTakenBack,
    DestructionGiven,
    DestructionShown,
    DisclosureGiven,
    DisclosureWords,
    DuplicateShown,
    FactsShown,
    FindingGiven,
    IdentityAsked,
    IdentityGiven,
    IdentityShown,
    JoiningGiven,
    MeetingGiven,
    ParticipantShown,
    ProposalShown,
    RetentionGiven,
    RiskGiven,
    StoringGiven,
    TakingBackGiven,
    Told,
    TriageGiven,
    shown_participant,
    shown_proposals,
)
from api.json.referrals import Criterion
from domain.accompaniment import barring, consents, reviews, risks, withdrawals, workers
from domain.accompaniment.consents import Signed
from domain.admissions import correcting, duplicates, first_meetings, numbers, triage
from domain.kernel.actors import Actor
from domain.participants import destruction, disclosures, retention
from meetings import admissions, recruiters

router = api_routes("participants", prefix="/participants")


@router.get("/{participant_id}")
@asks(Action.SEE_PARTICIPANT)
def get_participant(participant_id: UUID, desk: AtDesk, response: Response) -> ParticipantShown:
    """Where somebody stands, and what was found, decided and consented, without opening anything that is sealed."""
    _, given = find_participant(desk.session, desk.asker, participant_id)
    told = Told(
        admission=allows(Action.SEE_ADMISSION, given) is not None,
        risk=allows(Action.SEE_RISK, given) is not None,
        consents=allows(Action.SEE_CONSENTS, given) is not None,
        reviews=allows(Action.KEEP_ADMISSION, given) is not None,
        disclosures=allows(Action.KEEP_DISCLOSURES, given) is not None,
    )
    return shown_participant(desk, participant_id, response, told=told)


@router.post("/{participant_id}/identity")
@asks(Action.READ_IDENTITY)
def read_identity(participant_id: UUID, body: IdentityAsked, desk: AtDesk) -> IdentityShown:
    """Who they are and what was referred. Each reading is in the record, with its purpose where one is asked for."""
    _, given = find_participant(desk.session, desk.asker, participant_id, Action.READ_IDENTITY)
    by = require(Action.READ_IDENTITY, given)
    opened = open_file(
        desk.session, given, participant_id, purpose=body.purpose, language=desk.language, by=by, at=desk.at
    )
    return IdentityShown.of(opened)


@router.post("/{participant_id}/facts")
@asks(Action.READ_FACTS)
def read_what_was_referred(participant_id: UUID, body: IdentityAsked, desk: AtDesk) -> FactsShown:
    """What was referred and found (AD-R2), without who they are: each text as it stands without the name."""
    _, given = find_participant(desk.session, desk.asker, participant_id, Action.READ_FACTS)
    by = require(Action.READ_FACTS, given)
    facts = read_facts(
        desk.session, given, participant_id, purpose=body.purpose, language=desk.language, by=by, at=desk.at
    )
    return FactsShown.of(facts)


@router.put("/{participant_id}/identity")
@asks(Action.KEEP_ADMISSION)
def correct_identity(
    participant_id: UUID, body: IdentityGiven, desk: AtDesk, response: Response, if_match: IfMatch = ""
) -> ParticipantShown:
    """Write what is known now of who they are; what is not given stays. The answer says nothing of it."""
    changes = body.model_dump(exclude_none=True)
    seen = seen_version(if_match)

    def act(by: Actor) -> None:
        correcting.correct_identity(desk.session, participant_id, changes, by=by, at=desk.at, seen=seen)

    return _do(desk, participant_id, Action.KEEP_ADMISSION, act, response)


@router.post("/{participant_id}/duplicates")
@asks(Action.TRIAGE)
def find_duplicates(participant_id: UUID, desk: AtDesk) -> list[DuplicateShown]:
    """Those who may be the same person: for the coordinator alone, and in the record."""
    by = _actor(desk, participant_id, Action.TRIAGE)
    found = duplicates.possible_duplicates(desk.session, participant_id, by=by, at=desk.at)
    return [DuplicateShown.model_validate(one) for one in found]


@router.post("/{participant_id}/joining", status_code=204)
@asks(Action.TRIAGE)
def join(participant_id: UUID, body: JoiningGiven, desk: AtDesk) -> None:
    """Say that a referral is about somebody who is known: it becomes theirs."""
    by = _actor(desk, participant_id, Action.TRIAGE)
    find_participant(desk.session, desk.asker, body.to)
    triage.refuse_other(desk.session, participant_id, body.referral_id)
    duplicates.join_referral(desk.session, body.referral_id, body.to, by=by, at=desk.at)


@router.put("/{participant_id}/findings/{criterion}")
@asks(Action.TRIAGE)
def find(
    participant_id: UUID, criterion: Criterion, body: FindingGiven, desk: AtDesk, response: Response
) -> ParticipantShown:
    """Record how a criterion was found, by what fact. The age works itself out, as of the day."""

    def act(by: Actor) -> None:
        triage.refuse_other(desk.session, participant_id, body.referral_id)
        if criterion == "AD-C1":
            triage.find_age(desk.session, body.referral_id, by=by, at=desk.at)
            return
        triage.find_criterion(
            desk.session,
            body.referral_id,
            criterion,
            body.finding,
            fact=body.fact,
            admit_all_the_same=body.admit_all_the_same,
            why=body.why,
            by=by,
            at=desk.at,
        )

    return _do(desk, participant_id, Action.TRIAGE, act, response)


@router.post("/{participant_id}/triage")
@asks(Action.TRIAGE)
def decide_triage(
    participant_id: UUID, body: TriageGiven, desk: AtDesk, response: Response, if_match: IfMatch = ""
) -> ParticipantShown:
    """Say where the referral goes; straight to a worker where it cannot wait. If-Match is the referral's version."""
    seen = seen_version(if_match)

    def act(by: Actor) -> None:
        triage.refuse_other(desk.session, participant_id, body.referral_id)
        triage.triage(
            desk.session,
            body.referral_id,
            body.result,
            reason=body.reason,
            offered=body.offered,
            by=by,
            at=desk.at,
            seen=seen,
        )
        if body.result == "forwarded":
            admissions.forward(
                desk.session, participant_id, body.worker_id, second_id=body.second_id, by=by, at=desk.at
            )

    return _do(desk, participant_id, Action.TRIAGE, act, response)


@router.post("/{participant_id}/triage/taking-back")
@asks(Action.TRIAGE)
def take_back_triage(
    participant_id: UUID, body: TakingBackGiven, desk: AtDesk, response: Response, if_match: IfMatch = ""
) -> ParticipantShown:
    """Triage a referral again; whoever was to meet the person no longer does. If-Match is the referral's version."""
    seen = seen_version(if_match)

    def act(by: Actor) -> None:
        triage.refuse_other(desk.session, participant_id, body.referral_id)
        triage.take_back_triage(desk.session, body.referral_id, by=by, at=desk.at, seen=seen)

    return _do(desk, participant_id, Action.TRIAGE, act, response)


@router.get("/{participant_id}/proposals")
@asks(Action.DECIDE_ADMISSION)
def get_proposals(participant_id: UUID, desk: AtDesk) -> list[ProposalShown]:
    """Every youth worker of the day, whoever fits first, with why, and why not."""
    _actor(desk, participant_id, Action.DECIDE_ADMISSION)
    return shown_proposals(desk, participant_id)


@router.post("/{participant_id}/decision")
@asks(Action.DECIDE_ADMISSION)
def decide(
    participant_id: UUID, body: AdmissionDecisionGiven, desk: AtDesk, response: Response, if_match: IfMatch = ""
) -> ParticipantShown:
    """Record what the committee decides while it sits. If-Match is the agenda item's version."""
    seen = seen_version(if_match)

    def act(by: Actor) -> None:
        admissions.refuse_other(desk.session, participant_id, body.item_id)
        admissions.decide_admission(
            desk.session,
            body.item_id,
            body.outcome,
            worker_id=body.worker_id,
            second_id=body.second_id,
            reason=body.reason,
            offered=body.offered,
            by=by,
            at=desk.at,
            seen=seen,
        )

    return _do(desk, participant_id, Action.DECIDE_ADMISSION, act, response)


@router.put("/{participant_id}/worker")
@asks(Action.DECIDE_ADMISSION)
def name_another(
    participant_id: UUID, body: AnotherWorkerGiven, desk: AtDesk, response: Response, if_match: IfMatch = ""
) -> ParticipantShown:
    """Name somebody else to meet a candidate who was given to a worker before."""
    seen = seen_version(if_match)

    def act(by: Actor) -> None:
        workers.name_another(
            desk.session, participant_id, body.worker_id, second_id=body.second_id, by=by, at=desk.at, seen=seen
        )

    return _do(desk, participant_id, Action.DECIDE_ADMISSION, act, response)


@router.post("/{participant_id}/meetings", status_code=201)
@asks(Action.KEEP_ADMISSION)
def meet(
    participant_id: UUID,
    body: MeetingGiven,
    desk: AtDesk,
    once: AtOnce,
    response: Response,
) -> ParticipantShown:
    """Record a first meeting, and what the person said."""

    def act(by: Actor) -> None:
        first_meetings.record_first_meeting(
            desk.session,
            participant_id,
            met_on=body.met_on,
            way=body.way,
            outcome=body.outcome,
            with_second=body.with_second,
            back_on=body.back_on,
            by=by,
            at=desk.at,
        )

    return _add(desk, once, body, participant_id, Action.KEEP_ADMISSION, act, response)


@router.post("/{participant_id}/declining", status_code=204)
@asks(Action.KEEP_ADMISSION)
def decline(participant_id: UUID, desk: AtDesk) -> None:
    """The person says no, before a meeting or after one: nothing is held against it."""
    by = _actor(desk, participant_id, Action.KEEP_ADMISSION)
    first_meetings.decline(desk.session, participant_id, by=by, at=desk.at)


@router.post("/{participant_id}/consents", status_code=201)
@asks(Action.KEEP_ADMISSION)
def sign_consent(
    participant_id: UUID,
    body: ConsentGiven,
    desk: AtDesk,
    once: AtOnce,
    response: Response,
) -> ParticipantShown:
    """Record a consent that was explained and signed."""

    def act(by: Actor) -> None:
        signed = Signed(**body.model_dump(exclude={"purpose", "organization_id"}))
        consents.sign(
            desk.session, participant_id, body.purpose, signed, organization_id=body.organization_id, by=by, at=desk.at
        )

    return _add(desk, once, body, participant_id, Action.KEEP_ADMISSION, act, response)


@router.post("/{participant_id}/consents/{consent_id}/withdrawal")
@asks(Action.KEEP_ADMISSION)
def withdraw_consent(
    participant_id: UUID, consent_id: UUID, body: ConsentTakenBack, desk: AtDesk, response: Response
) -> ParticipantShown:
    """The person takes a consent back; nobody asks why. It is refused, with what follows, until it is `really` so."""

    def act(by: Actor) -> None:
        consents.refuse_other(desk.session, participant_id, consent_id)
        consents.withdraw(desk.session, consent_id, confirmed=body.really, by=by, at=desk.at)

    return _do(desk, participant_id, Action.KEEP_ADMISSION, act, response)


@router.post("/{participant_id}/consents/review")
@asks(Action.DECIDE_ADMISSION)
def leave_consents(participant_id: UUID, desk: AtDesk, response: Response) -> ParticipantShown:
    """The consents were looked at again, and stay as they were signed by the birth date that is known now."""

    def act(by: Actor) -> None:
        reviews.leave_as_signed(desk.session, participant_id, by=by, at=desk.at)

    return _do(desk, participant_id, Action.DECIDE_ADMISSION, act, response)


@router.post("/{participant_id}/consents/going-on")
@asks(Action.KEEP_ADMISSION)
def go_on(participant_id: UUID, desk: AtDesk, response: Response) -> ParticipantShown:
    """The person goes on with what the withdrawal of the consent to the program leaves."""
    _, given = find_participant(desk.session, desk.asker, participant_id, Action.KEEP_ADMISSION)
    for_everyone = Relation.COORDINATOR in given

    def act(by: Actor) -> None:
        withdrawals.go_on(desk.session, participant_id, for_everyone=for_everyone, by=by, at=desk.at)

    return _do(desk, participant_id, Action.KEEP_ADMISSION, act, response)


@router.post("/{participant_id}/consents/{consent_id}/storing")
@asks(Action.DECIDE_ADMISSION)
def store_consent(
    participant_id: UUID, consent_id: UUID, body: StoringGiven, desk: AtDesk, response: Response
) -> ParticipantShown:
    """The coordinator keeps the signed form."""

    def act(by: Actor) -> None:
        consents.refuse_other(desk.session, participant_id, consent_id)
        consents.store(desk.session, consent_id, copy_given_on=body.copy_given_on, by=by, at=desk.at)

    return _do(desk, participant_id, Action.DECIDE_ADMISSION, act, response)


@router.post("/{participant_id}/risks", status_code=201)
@asks(Action.KEEP_ADMISSION)
def assess_risk(
    participant_id: UUID,
    body: RiskGiven,
    desk: AtDesk,
    once: AtOnce,
    response: Response,
) -> ParticipantShown:
    """Assess the risk at admission; or record how the committee, sitting, assesses the risk to others (AD-C4)."""
    why = body.told()

    def act(by: Actor) -> None:
        risks.assess(desk.session, participant_id, body.kind, body.level, why=why, by=by, at=desk.at)

    def record(_: Actor) -> None:
        by = _actor(desk, participant_id, Action.DECIDE_ADMISSION)
        recruiters.assess(desk.session, participant_id, body.item_id, body.level, why=why, by=by, at=desk.at)

    verb = record if body.kind == "recruiter" else act
    return _add(desk, once, body, participant_id, Action.KEEP_ADMISSION, verb, response)


@router.post("/{participant_id}/recruiting")
@asks(Action.KEEP_ADMISSION)
def find_recruiter(participant_id: UUID, desk: AtDesk, response: Response, if_match: IfMatch = "") -> ParticipantShown:
    """Say that it was found out that they also recruit others: for good (AD-C4)."""
    seen = seen_version(if_match)

    def act(by: Actor) -> None:
        recruiters.find_recruiter(desk.session, participant_id, by=by, at=desk.at, seen=seen)

    return _do(desk, participant_id, Action.KEEP_ADMISSION, act, response)


@router.post("/{participant_id}/number")
@asks(Action.DECIDE_ADMISSION)
def give_number(participant_id: UUID, desk: AtDesk, response: Response, if_match: IfMatch = "") -> ParticipantShown:
    """Give the number; the follow-up begins."""
    seen = seen_version(if_match)
    return _do(
        desk,
        participant_id,
        Action.DECIDE_ADMISSION,
        lambda by: numbers.admit(desk.session, participant_id, by=by, at=desk.at, seen=seen),
        response,
    )


@router.post("/{participant_id}/barred", status_code=204)
@asks(Action.KEEP_ADMISSION)
def bar(participant_id: UUID, body: BarGiven, desk: AtDesk) -> None:
    """The person does not want somebody near their file: at once."""
    by = _actor(desk, participant_id, Action.KEEP_ADMISSION)
    barring.bar(desk.session, participant_id, body.person_id, by=by, at=desk.at)


@router.delete("/{participant_id}/barred/{person_id}", status_code=204)
@asks(Action.TRIAGE)
def lift_bar(participant_id: UUID, person_id: UUID, desk: AtDesk) -> None:
    """The person lets somebody near their file again."""
    by = _actor(desk, participant_id, Action.TRIAGE)
    find_person(desk.session, person_id)
    barring.lift(desk.session, participant_id, person_id, by=by, at=desk.at)


@router.post("/{participant_id}/disclosures", status_code=201)
@asks(Action.KEEP_DISCLOSURES)
def disclose(
    participant_id: UUID,
    body: DisclosureGiven,
    desk: AtDesk,
    once: AtOnce,
    response: Response,
) -> ParticipantShown:
    """Record what was said without consent, once it was said (AD-R12)."""

    def act(by: Actor) -> None:
        disclosures.disclose(desk.session, participant_id, **body.model_dump(), by=by, at=desk.at)

    return _add(desk, once, body, participant_id, Action.KEEP_DISCLOSURES, act, response)


@router.post("/{participant_id}/disclosures/{disclosure_id}/reading")
@asks(Action.KEEP_DISCLOSURES)
def read_disclosure(participant_id: UUID, disclosure_id: UUID, desk: AtDesk) -> DisclosureWords:
    """To whom it was said, and what: told to the record."""
    _, given = find_participant(desk.session, desk.asker, participant_id, Action.KEEP_DISCLOSURES)
    by = require(Action.KEEP_DISCLOSURES, given)
    told = disclosures.read_disclosure(
        desk.session, participant_id, disclosure_id, by=by, at=desk.at, ground=ground_of(given)
    )
    return DisclosureWords.model_validate(told)


@router.put("/{participant_id}/retention")
@asks(Action.KEEP_RETENTION)
def retain(participant_id: UUID, body: RetentionGiven, desk: AtDesk, response: Response) -> ParticipantShown:
    """Set another last day on which the file is kept than that of the retention calendar, and say why."""

    def act(by: Actor) -> None:
        retention.retain_until(desk.session, participant_id, body.day, reason=body.reason, by=by, at=desk.at)

    return _do(desk, participant_id, Action.KEEP_RETENTION, act, response)


@router.put("/{participant_id}/hold")
@asks(Action.KEEP_RETENTION)
def hold(participant_id: UUID, desk: AtDesk, response: Response) -> ParticipantShown:
    """Keep the file whatever its retention says, because the law asks for it."""

    def act(by: Actor) -> None:
        retention.place_hold(desk.session, participant_id, by=by, at=desk.at)

    return _do(desk, participant_id, Action.KEEP_RETENTION, act, response)


@router.delete("/{participant_id}/hold", status_code=204)
@asks(Action.KEEP_RETENTION)
def release(participant_id: UUID, desk: AtDesk) -> None:
    """Let the retention of the file run again."""
    by = _actor(desk, participant_id, Action.KEEP_RETENTION)
    retention.release_hold(desk.session, participant_id, by=by, at=desk.at)


@router.post("/{participant_id}/destruction", status_code=204)
@asks(Action.KEEP_RETENTION)
def ask_to_destroy(participant_id: UUID, body: DestructionGiven, desk: AtDesk) -> None:
    """Ask that what is known of somebody be destroyed, once the retention has ended and nothing holds the file.

    Another person confirms it, some days later.
    """
    by = _actor(desk, participant_id, Action.KEEP_RETENTION)
    destruction.ask(desk.session, participant_id, body.ground, reason=body.reason, by=by, at=desk.at)


@router.post("/{participant_id}/destruction/withdrawal", status_code=204)
@asks(Action.KEEP_RETENTION)
def take_destruction_back(participant_id: UUID, desk: AtDesk) -> None:
    """Take back that the file be destroyed."""
    by = _actor(desk, participant_id, Action.KEEP_RETENTION)
    destruction.withdraw(desk.session, participant_id, by=by, at=desk.at)


@router.get("/{participant_id}/destruction")
@asks(Action.KEEP_RETENTION)
def get_proof(participant_id: UUID, desk: AtDesk) -> DestructionShown:
    """The proof that a file is destroyed: the line of the record, and since when its key is gone."""
    _actor(desk, participant_id, Action.KEEP_RETENTION)
    proof = destruction.proof_of(desk.session, participant_id)
    if proof is None:
        raise Forbidden
    return DestructionShown.model_validate(proof)


def _actor(desk: Desk, participant_id: UUID, action: Action) -> Actor:
    """As whom the asker does it. Raises Forbidden."""
    _, given = find_participant(desk.session, desk.asker, participant_id, action)
    return require(action, given)


def _add(
    desk: Desk,
    once: Once,
    body: BaseModel,
    participant_id: UUID,
    action: Action,
    act: Callable[[Actor], object],
    response: Response,
) -> ParticipantShown:
    """Add something to the file, once for each key."""
    if (before := once.again(body)) is not None:
        return before  # type: ignore[return-value]  # an answer given again, as it stands
    shown = _do(desk, participant_id, action, act, response)
    once.done(response, 201, f"/api/v1/participants/{participant_id}")
    return shown


def _do(
    desk: Desk, participant_id: UUID, action: Action, act: Callable[[Actor], object], response: Response
) -> ParticipantShown:
    act(_actor(desk, participant_id, action))
    return shown_participant(desk, participant_id, response)
