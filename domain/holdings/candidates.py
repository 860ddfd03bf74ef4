"""A person's candidates before there is a follow-up: referrals begun or in triage, and people to meet.

Each is known here by the candidate's reference alone.
"""

from __future__ import annotations

from typing import Final

from sqlmodel import or_

from domain.casework import board
from domain.holdings.duty import falls_on_them
from domain.holdings.holding import Holding, Leaving, goes_to
from domain.kernel import both, col, joins, only, surely, tuples
from domain.terms import ADMISSION, ROLES, SECOND, TRIAGE
from locales import N_
from models.casework import Case, Task
from models.participant import CandidateWorker, Participant
from models.referral import Referral

DRAFT: Final = "draft"
REFERRAL: Final = "referral"
CANDIDATE: Final = "candidate"

_BEGUN = N_("Referral begun and not sent, %(reference)s")
_TO_TRIAGE = N_("Referral in triage, %(reference)s")
_TO_MEET = N_("Candidate to meet, %(reference)s")
_TO_MEET_WITH = N_("Candidate to meet as the second of the pair, %(reference)s")


def drafts_of(leaving: Leaving) -> list[Holding]:
    """The referrals that they began and did not send: only their author knows of the person yet.

    Not those that a leaver had begun: these are the coordinator's.
    """
    rows = tuples(
        leaving.session,
        only(Referral.id, Referral.organization_id, Participant.candidate_ref)
        .join(Participant, joins(Referral.participant_id, Participant))
        .where(
            Referral.referred_by == leaving.person_id,
            Referral.state == "draft",
            col(Referral.left_at).is_(None),
            leaving.had_by_then(col(Referral.begun_at)),
        )
        .order_by(col(Referral.begun_at), col(Referral.id)),
    )
    return [
        Holding(DRAFT, referral_id, both(_BEGUN, reference=reference), f"/referrals/{referral_id}")
        for referral_id, place, reference in rows
        if leaving.concerns(place)
    ]


def referrals_of(leaving: Leaving) -> list[Holding]:
    """The referrals that they are to triage. Each is its step of the admission, and passes on as a task does."""
    session = leaving.session
    rows = tuples(
        session,
        only(Task.id, surely(Task.owed_by_id), Participant.candidate_ref)
        .join(Case, joins(Task.case_id, Case))
        .join(Participant, joins(Case.participant_id, Participant))
        .where(
            Case.protocol == ADMISSION,
            Task.step == TRIAGE,
            Task.state == "open",
            leaving.had_by_then(col(Task.opened_at)),
            falls_on_them(leaving),
        )
        .order_by(col(Task.due_on).asc().nulls_last(), col(Task.id)),
    )
    links = board.chains(session, (owed_by_id for _, owed_by_id, _ in rows))
    gone = leaving.without_them()
    return [
        Holding(
            REFERRAL,
            task_id,
            both(_TO_TRIAGE, reference=reference),
            f"/tasks/{task_id}",
            goes_to(gone, links[owed_by_id]),
        )
        for task_id, owed_by_id, reference in rows
    ]


def candidates_of(leaving: Leaving) -> list[Holding]:
    """The candidates that they are named to meet, alone or as the second of a pair (AD-R6)."""
    rows = tuples(
        leaving.session,
        only(
            CandidateWorker.id,
            CandidateWorker.participant_id,
            CandidateWorker.worker_id,
            CandidateWorker.organization_id,
            Participant.candidate_ref,
        )
        .join(Participant, joins(CandidateWorker.participant_id, Participant))
        .where(
            col(CandidateWorker.ended_at).is_(None),
            leaving.had_by_then(col(CandidateWorker.named_at)),
            or_(CandidateWorker.worker_id == leaving.person_id, CandidateWorker.second_id == leaving.person_id),
        )
        .order_by(col(CandidateWorker.named_at), col(CandidateWorker.id)),
    )
    # The row keeps the first worker's organization; the second of a pair is of wherever they may be one.
    as_second = leaving.concerns(None) or any(
        leaving.concerns(held.organization_id)
        for held in leaving.standing.roles_of(leaving.person_id)
        if held.role in ROLES[SECOND]
    )
    return [
        Holding(
            CANDIDATE,
            named_id,
            both(_TO_MEET if worker_id == leaving.person_id else _TO_MEET_WITH, reference=reference),
            f"/candidates/{participant_id}",
        )
        for named_id, participant_id, worker_id, place, reference in rows
        if (leaving.concerns(place) if worker_id == leaving.person_id else as_second)
    ]
