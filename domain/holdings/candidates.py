"""Candidates in somebody's hands before there is a follow-up: referrals begun or in triage, and people to meet.

Each is known here by the candidate's reference alone.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import or_, select

from domain.casework import board
from domain.holdings.holding import Holding, Leaving, goes_to, is_of
from domain.kernel.bilingual import both
from domain.kernel.scope import many, program_of
from domain.terms.admission import ADMISSION, TRIAGE
from domain.terms.parts import ROLES, SECOND
from locales import N_
from models.base import refers, table_of
from models.casework import Case, Task
from models.participant import CandidateWorker, Participant
from models.referral import Referral

DRAFT: Final = "draft"
REFERRAL: Final = "referral"
CANDIDATE: Final = "candidate"

_referral = table_of(Referral)
_participant = table_of(Participant)
_named = table_of(CandidateWorker)
_task = table_of(Task)
_case = table_of(Case)

_BEGUN = N_("Referral begun and not sent, %(reference)s")
_TO_TRIAGE = N_("Referral in triage, %(reference)s")
_TO_MEET = N_("Candidate to meet, %(reference)s")
_TO_MEET_WITH = N_("Candidate to meet as the second of the pair, %(reference)s")


def drafts_of(leaving: Leaving) -> list[Holding]:
    """The referrals that they began and did not send: nobody but their author knows of the person yet.

    Not those that somebody who left had begun: these are whoever's who coordinates.
    """
    session = leaving.session
    rows = many(
        session,
        select(_referral.c.id, _referral.c.organization_id, _participant.c.candidate_ref)
        .join(_participant, refers(_referral.c.participant_id, _participant))
        .where(
            _referral.c.program_id == program_of(session),
            _referral.c.referred_by == leaving.person_id,
            _referral.c.state == "draft",
            _referral.c.left_at.is_(None),
            leaving.had_by_then(_referral.c.begun_at),
        )
        .order_by(_referral.c.begun_at, _referral.c.id),
    )
    return [
        Holding(DRAFT, row["id"], both(_BEGUN, reference=row["candidate_ref"]), f"/referrals/{row['id']}")
        for row in rows
        if leaving.concerns(row["organization_id"])
    ]


def referrals_of(leaving: Leaving) -> list[Holding]:
    """The referrals that they are to triage. Each is its step of the admission, and passes on as a task does."""
    session = leaving.session
    hats = board.hats_of(session, leaving.standing, leaving.person_id).tasks
    rows = many(
        session,
        select(_task.c.id, _task.c.owed_by_id, _participant.c.candidate_ref)
        .join(_case, refers(_task.c.case_id, _case))
        .join(_participant, refers(_case.c.participant_id, _participant))
        .where(
            _task.c.program_id == program_of(session),
            _case.c.protocol == ADMISSION,
            _task.c.step == TRIAGE,
            _task.c.state == "open",
            leaving.had_by_then(_task.c.opened_at),
            _task.c.owed_by_id.in_([chain for chain, hat in hats.items() if is_of(leaving, hat)]),
        )
        .order_by(_task.c.due_on.asc().nulls_last(), _task.c.id),
    )
    links = board.chains(session, (row["owed_by_id"] for row in rows))
    gone = leaving.without_them()
    return [
        Holding(
            REFERRAL,
            row["id"],
            both(_TO_TRIAGE, reference=row["candidate_ref"]),
            f"/tasks/{row['id']}",
            goes_to(gone, links[row["owed_by_id"]]),
        )
        for row in rows
    ]


def candidates_of(leaving: Leaving) -> list[Holding]:
    """The candidates whom they are named to meet, alone or as the second of a pair (AD-R6)."""
    session = leaving.session
    rows = many(
        session,
        select(
            _named.c.id,
            _named.c.participant_id,
            _named.c.worker_id,
            _named.c.organization_id,
            _participant.c.candidate_ref,
        )
        .join(_participant, refers(_named.c.participant_id, _participant))
        .where(
            _named.c.program_id == program_of(session),
            _named.c.ended_at.is_(None),
            leaving.had_by_then(_named.c.named_at),
            or_(_named.c.worker_id == leaving.person_id, _named.c.second_id == leaving.person_id),
        )
        .order_by(_named.c.named_at, _named.c.id),
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
            row["id"],
            both(_TO_MEET if row["worker_id"] == leaving.person_id else _TO_MEET_WITH, reference=row["candidate_ref"]),
            f"/candidates/{row['participant_id']}",
        )
        for row in rows
        if (leaving.concerns(row["organization_id"]) if row["worker_id"] == leaving.person_id else as_second)
    ]
