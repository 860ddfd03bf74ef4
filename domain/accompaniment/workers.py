"""Names the worker who meets a candidate, and the second of the pair, from proposals with their reasons."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlmodel import Session
from sqlmodel.sql.expression import SelectOfScalar

from domain.accompaniment import risks
from domain.casework import acts, asking
from domain.follow_ups import bar_to
from domain.kernel import (
    Actor,
    Language,
    Refusal,
    add_row,
    changes,
    col,
    first,
    joins,
    local_day,
    next_number,
    of,
    only,
    program_of,
    rewrite,
    run,
    scalar,
    scalars,
    seal,
    there_is,
)
from domain.mail import COORDINATION, coordination_chain, notices
from domain.participants import (
    case_of,
    change_participant,
    hold_participant,
    known_as,
    move_standing,
    participant_state_after,
    skip_step,
    step_of,
)
from domain.record import apart, events
from domain.roles import Link, responsibility
from domain.terms import PRIMARY, SECOND
from locales import N_
from models.casework import Task
from models.follow_up import Assignment, FollowUp
from models.participant import CandidateWorker, Participant
from models.referral import AdmissionDecision, Referral

#: The steps of an admission that the worker owes who is named.
OF_THE_WORKER: Final = ("make_contact", "first_meeting", "consent", "risk")
#: The coordinator's task while a candidate who was given to a worker has none, and how soon it is due.
FIND_A_WORKER: Final = "admission.assign"
DAYS_TO_NAME: Final = 2
#: The coordinator's task where the committee asks for more about a candidate, and how soon it is due, in working days.
FIND_OUT: Final = "admission.more"
DAYS_TO_FIND_OUT: Final = 5
#: The step that the committee decides, or that a direct forwarding takes the place of (AD-R4).
DECIDE: Final = "decide"
#: What the ledger calls it where one who was to meet a candidate does not any more: no verb of the record says who.
MEETS_NO_MORE: Final = "participant.meets_no_more"
#: The step by which the engine tells the referrer who makes contact (AD-R5).
TELL_REFERRER: Final = "tell_referrer"


def name_worker(
    session: Session,
    participant_id: UUID,
    worker_id: UUID,
    *,
    second_id: UUID | None = None,
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> UUID:
    """Name the worker who meets a candidate, and the second of the pair (AD-R3, AD-R6); returns the row's id.

    The worker's steps of the admission fall to them from then on. The referrer is told of them, also where they heard
    of another before. Raises Refusal: the state does not allow it; one of the two is absent, leaving, barred by the
    person, not that far in their onboarding, or of an organization without an agreement in force; or the person
    recruits others and that risk is not assessed, or too great (AD-C4).
    """
    held = hold_participant(session, participant_id, seen=seen)
    risks.refuse_danger(session, held)
    before = named(session, participant_id)
    state = participant_state_after(held, "reassign" if before or held.state == "committed" else "assign")
    if second_id == worker_id:
        raise Refusal("assignment.same", N_("The second worker of a pair must be someone else."), source="AD-R6")
    day = local_day(session, at)
    role = bar_to(session, participant_id, worker_id, kind=PRIMARY, day=day)
    if second_id is not None:
        bar_to(session, participant_id, second_id, kind=SECOND, day=day)
    if before is not None:
        _note_who_left(session, before, {worker_id, second_id}, at=at)
    end(session, participant_id, "replaced", at=at)
    row = CandidateWorker(
        program_id=program_of(session),
        id=uuid4(),
        participant_id=participant_id,
        worker_id=worker_id,
        organization_id=role.organization_id,
        second_id=second_id,
        named_at=at,
    )
    add_row(session, row)
    change_participant(session, held, state=state)
    move_standing(session, participant_id, "worker", of_states=("triaged",))
    _owe(session, participant_id, [Link("youth_worker", str(role.organization_id), person=worker_id), *COORDINATION])
    asking.answered(session, FIND_A_WORKER, participant_id, by=by, at=at)
    if before is None or before.worker_id != worker_id:
        _tell_anew(session, participant_id, by=by, at=at)
    events.write(
        session,
        "participant.worker_named",
        "participant",
        participant_id,
        by=by,
        at=at,
        worker=str(worker_id),
        second=str(second_id) if second_id else None,
        instead_of=str(before.worker_id) if before else None,
    )
    return row.id


def _tell_anew(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Tell the referrer of the worker who makes contact now, also where they heard of another before (AD-R5)."""
    tell = step_of(session, participant_id, TELL_REFERRER)
    if tell is not None:
        acts.do_again(session, tell.id, by=by, at=at)


def name_another(
    session: Session,
    participant_id: UUID,
    worker_id: UUID,
    *,
    by: Actor,
    at: datetime,
    second_id: UUID | None = None,
    seen: int | None = None,
) -> UUID:
    """Name another worker for a candidate that the committee, or a forwarding, gave to a worker already.

    As where the person barred the first one, or the first one leaves. Raises Refusal: no one gave this candidate to a
    worker yet, or the worker cannot be named (`name_worker`).
    """
    held = hold_participant(session, participant_id)
    if not was_given(session, participant_id):
        raise Refusal(
            "admission.not_given",
            N_("The Clinical Committee first decides who follows up; then someone else can be named."),
            source="AD-R3",
        )
    return name_worker(session, held.id, worker_id, second_id=second_id, by=by, at=at, seen=seen)


def was_given(session: Session, participant_id: UUID) -> bool:
    """Whether the committee, or a forwarding, gave a candidate to a worker, and does not have to decide again."""
    last = scalar(
        session,
        only(AdmissionDecision.outcome)
        .join(Referral, joins(AdmissionDecision.referral_id, Referral))
        .where(AdmissionDecision.participant_id == participant_id, Referral.state == "triaged")
        # For a person referred again, what was decided of the earlier referral does not count.
        .order_by(col(Referral.triaged_at).desc(), col(AdmissionDecision.n).desc())
        .limit(1),
    )
    decide = step_of(session, participant_id, DECIDE)
    waits = decide is not None and decide.state in ("planned", "open")
    return last == "assign" and not waits and not has_one_to_triage(session, participant_id)


def has_one_to_triage(session: Session, participant_id: UUID) -> bool:
    """Whether the person has a referral that was received and is not triaged, or is to be triaged again."""
    received = Referral.participant_id == participant_id, Referral.state == "received"
    return there_is(session, only(Referral.id).where(*received))


def ask_for_one(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Ask the coordinator to find a worker for a candidate who has none any more. Repeating it changes nothing."""
    asking.ask(
        session,
        FIND_A_WORKER,
        participant_id,
        _FIND,
        chain=coordination_chain(session),
        working_days=DAYS_TO_NAME,
        by=by,
        at=at,
        reference=scalar(session, only(Participant.candidate_ref).where(Participant.id == participant_id)),
    )


def ask_no_more(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Cancel the task to find a worker for a candidate who goes no further."""
    asking.no_more(session, FIND_A_WORKER, participant_id, by=by, at=at)


_FIND: Final = N_("Find a worker for %(reference)s")


def ask_to_find_out(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Ask the coordinator to find out what the committee asks, until it decides. Asking again adds no second task."""
    asking.ask(
        session,
        FIND_OUT,
        participant_id,
        _FIND_OUT,
        chain=coordination_chain(session),
        working_days=DAYS_TO_FIND_OUT,
        by=by,
        at=at,
        evidence="none",
        reference=known_as(session, participant_id),
    )


_FIND_OUT: Final = N_("Find out what the Clinical Committee asks about %(reference)s")


def forward(
    session: Session, participant_id: UUID, worker_id: UUID, *, second_id: UUID | None = None, by: Actor, at: datetime
) -> UUID:
    """Name a worker directly, since the referral was triaged as one that cannot wait (AD-R4).

    `meetings.admissions.forward` calls it and has the committee hear of it at its next meeting. Raises Refusal: it was
    not triaged so, or the worker cannot be named.
    """
    referral = first(
        session,
        of(Referral)
        .where(Referral.participant_id == participant_id, Referral.state == "triaged")
        .order_by(col(Referral.triaged_at).desc())
        .limit(1),
    )
    # For a person referred again, it says nothing that the earlier referral could not wait.
    if referral is None or referral.result != "forwarded" or has_one_to_triage(session, participant_id):
        raise Refusal(
            "triage.not_forwarded", N_("Triage the referral first, with the reason why it cannot wait."), source="AD-R4"
        )
    row_id = name_worker(session, participant_id, worker_id, second_id=second_id, by=by, at=at)
    record_decision(session, participant_id, referral.id, "assign", candidate_worker_id=row_id, told={}, by=by, at=at)
    skip_step(session, participant_id, DECIDE, "AD-R4", by=by, at=at)
    _send_at_once(session, row_id, participant_id, [worker_id, second_id], by=by, at=at)
    return row_id


def _send_at_once(
    session: Session, row_id: UUID, participant_id: UUID, whom: Sequence[UUID | None], *, by: Actor, at: datetime
) -> None:
    """Tell the pair of a candidate who cannot wait, by letter: they were in no meeting that named them."""
    about = {"case": known_as(session, participant_id), "path": f"/participants/{participant_id}"}

    def facts(language: Language) -> Mapping[str, object]:
        return {"by_name": notices.name_of(session, by, language), **about}

    for one in filter(None, whom):
        if not by.is_one_of(one):
            key = f"sent_at_once:{row_id}:{one}:{notices.once_by(at)}"
            notices.write(session, "sent_at_once", to=one, key=key, facts=facts, at=at)


def record_decision(
    session: Session,
    participant_id: UUID,
    referral_id: UUID,
    outcome: str,
    *,
    told: Mapping[str, str],
    by: Actor,
    at: datetime,
    item_id: UUID | None = None,
    decision_id: UUID | None = None,
    candidate_worker_id: UUID | None = None,
) -> UUID:
    """Record what was decided of a candidate, and why, sealed; returns the id.

    Once a candidate is given to a worker, nothing more is asked.
    """
    decided_id = uuid4()
    row = AdmissionDecision(
        program_id=program_of(session),
        id=decided_id,
        participant_id=participant_id,
        referral_id=referral_id,
        n=next_number(session, AdmissionDecision.n, AdmissionDecision.participant_id == participant_id),
        outcome=outcome,
        item_id=item_id,
        decision_id=decision_id,
        candidate_worker_id=candidate_worker_id,
        sealed=seal(session, participant_id, f"admission/{decided_id}", dict(told)),
        taken_by=by.person_id,  # type: ignore[arg-type]  # a person
        taken_as=by.role,
        taken_at=at,
    )
    add_row(session, row)
    if outcome == "assign":
        asking.no_more(session, FIND_OUT, participant_id, by=by, at=at)
    events.write(session, "admission.decided", "participant", participant_id, by=by, at=at, outcome=outcome)
    return decided_id


def named(session: Session, participant_id: UUID) -> CandidateWorker | None:
    """The worker and second who are to meet a candidate; None where no one is named."""
    return first(
        session,
        of(CandidateWorker).where(
            CandidateWorker.participant_id == participant_id, col(CandidateWorker.ended_at).is_(None)
        ),
    )


def take_back(session: Session, held: Participant, how: str, *, by: Actor, at: datetime) -> None:
    """Take a locked candidate from their worker: the steps become the coordinator's, who finds another worker.

    Raises Refusal where the state does not allow it.
    """
    _take_from(session, held, how, at=at)
    ask_for_one(session, held.id, by=by, at=at)


def send_nobody(session: Session, held: Participant, how: str, *, by: Actor, at: datetime) -> None:
    """Take a locked candidate from their worker without asking for another. Raises Refusal."""
    before = named(session, held.id)
    _take_from(session, held, how, at=at)
    events.write(
        session,
        "participant.nobody_sent",
        "participant",
        held.id,
        by=by,
        at=at,
        instead_of=str(before.worker_id) if before else None,
    )


def _take_from(session: Session, held: Participant, how: str, *, at: datetime) -> None:
    """Take a locked candidate from their worker. The caller writes the event, knowing the reason. Raises Refusal."""
    before = named(session, held.id)
    if before is not None:
        _note_who_left(session, before, (), at=at)
    end(session, held.id, how, at=at)
    change_participant(session, held, state=participant_state_after(held, "take_back"))
    _owe(session, held.id, COORDINATION)


def change_second(session: Session, participant_id: UUID, second_id: UUID | None, *, by: Actor, at: datetime) -> None:
    """Name another second of the pair that meets a candidate, or none. Raises Refusal, as naming does."""
    hold_participant(session, participant_id)
    row = named(session, participant_id)
    if row is None:
        raise Refusal("participant.state", N_("No worker is named to meet this candidate."))
    if second_id is not None:
        if second_id == row.worker_id:
            raise Refusal("assignment.same", N_("The second worker of a pair must be someone else."), source="AD-R6")
        bar_to(session, participant_id, second_id, kind=SECOND, day=local_day(session, at))
    _note_who_left(session, row, {row.worker_id, second_id}, at=at)
    rewrite(session, CandidateWorker, row.id, second_id=second_id)
    events.write(
        session,
        "participant.second_named",
        "participant",
        participant_id,
        by=by,
        at=at,
        second=str(second_id) if second_id else None,
        instead_of=str(row.second_id) if row.second_id else None,
    )


def _note_who_left(session: Session, row: CandidateWorker, stays: Collection[UUID | None], *, at: datetime) -> None:
    """Note in the ledger each of the pair who meets the candidate no more: a restore must not let them read again."""
    for person_id in (row.worker_id, row.second_id):
        if person_id is not None and person_id not in stays:
            told = {"worker": str(person_id)}
            apart.note_closing(session, MEETS_NO_MORE, "participant", row.participant_id, told, at=at)


def end(session: Session, participant_id: UUID, how: str, *, at: datetime) -> None:
    """End the naming of a worker for a candidate. Does nothing where none was named."""
    run(
        session,
        changes(CandidateWorker)
        .where(CandidateWorker.participant_id == participant_id, col(CandidateWorker.ended_at).is_(None))
        .values(ended_at=at, ended_as=how, version=col(CandidateWorker.version) + 1),
    )


def _owe(session: Session, participant_id: UUID, links: Sequence[Link]) -> None:
    """Make the worker's steps of the admission fall to the people of the chain, in order."""
    case_id = case_of(session, participant_id)
    if case_id is None:
        return
    chain = responsibility(session, links)
    run(
        session,
        changes(Task)
        .where(Task.case_id == case_id, col(Task.step).in_(OF_THE_WORKER), col(Task.state).in_(["planned", "open"]))
        .values(owed_by_id=chain, declared_owed_by_id=chain, version=col(Task.version) + 1),
    )


def ever_of(session: Session, participant_id: UUID) -> list[UUID]:
    """Everyone ever named to meet a person, alone or as second, or with a part in the follow-up; the latest first.

    Those of today are among them.
    """
    parts = scalars(
        session,
        given_a_part(participant_id).order_by(
            col(Assignment.starts_on).desc(), col(Assignment.kind), col(Assignment.id)
        ),
    ).all()
    before = run(
        session,
        only(CandidateWorker.worker_id, CandidateWorker.second_id)
        .where(CandidateWorker.participant_id == participant_id)
        .order_by(col(CandidateWorker.named_at).desc(), col(CandidateWorker.id)),
    ).all()
    named = [person for row in before for person in (row.worker_id, row.second_id) if person is not None]
    return list(dict.fromkeys([*parts, *named]))


def given_a_part(participant_id: UUID) -> SelectOfScalar[UUID]:
    """The people who were ever given a part in a person's follow-up that was not withdrawn."""
    return (
        only(Assignment.person_id)
        .join(FollowUp, joins(Assignment.follow_up_id, FollowUp))
        .where(FollowUp.participant_id == participant_id, col(Assignment.withdrawn_at).is_(None))
    )
