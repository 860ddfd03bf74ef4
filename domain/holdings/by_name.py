"""What a person has in hand by name, in any role: it passes to no one when their roles end."""

from __future__ import annotations

from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import or_

from domain.holdings import candidates, follow_ups, notes, seats, things
from domain.kernel import col, joins, lasts, only, select
from models.casework import Account
from models.committee import SeatHolder
from models.equipment import Loan
from models.follow_up import Assignment, FollowUp, WeeklyNote
from models.participant import CandidateWorker
from models.program import Absence
from models.referral import Referral

#: The kinds of holdings that are a person's by name.
KINDS: Final = (
    follow_ups.FOLLOW_UP,
    notes.NOTE,
    candidates.CANDIDATE,
    candidates.DRAFT,
    seats.SEAT,
    seats.DEPUTIZING,
    things.EQUIPMENT,
    things.ACCOUNT,
)


def has_something(person: ColumnElement[UUID], today: date) -> ColumnElement[bool]:
    """The condition on a row's person id that something may be in their hands by name.

    Some of it may be settled, or of another organization: `holdings_of` says so. It is asked of everyone who ever left.
    """

    def has(table: Any, whose: ColumnElement[bool], *where: ColumnElement[bool]) -> ColumnElement[bool]:
        return only(table.id).where(whose, *where).exists()

    followed = (
        select(Assignment.id)
        .join(FollowUp, joins(Assignment.follow_up_id, FollowUp))
        .where(
            Assignment.person_id == person,
            col(Assignment.withdrawn_at).is_(None),
            col(Assignment.ended_at).is_(None),
            FollowUp.state != "completed",
        )
        .exists()
    )
    return or_(
        has(Loan, col(Loan.person_id) == person, col(Loan.returned_at).is_(None)),
        has(Account, col(Account.person_id) == person, col(Account.closed_at).is_(None)),
        followed,
        has(WeeklyNote, col(WeeklyNote.written_by) == person, ~col(WeeklyNote.is_complete)),
        has(
            CandidateWorker,
            or_(CandidateWorker.worker_id == person, CandidateWorker.second_id == person),
            col(CandidateWorker.ended_at).is_(None),
        ),
        has(
            Referral,
            col(Referral.referred_by) == person,
            col(Referral.state) == "draft",
            col(Referral.left_at).is_(None),
        ),
        has(
            SeatHolder,
            col(SeatHolder.person_id) == person,
            col(SeatHolder.withdrawn_at).is_(None),
            lasts(SeatHolder, today),
        ),
        has(
            Absence,
            col(Absence.deputy_id) == person,
            col(Absence.cancelled_at).is_(None),
            col(Absence.ends_on) >= today,
        ),
    )
