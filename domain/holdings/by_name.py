"""What a person has in hand by name, in any role: it passes to no one when their roles end."""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import and_, or_

from domain.holdings import candidates, follow_ups, notes, seats, things
from domain.kernel import col, joins, lasts, only
from models.casework import Account
from models.committee import SeatHolder
from models.equipment import Loan
from models.follow_up import Assignment, FollowUp, WeeklyNote
from models.participant import CandidateWorker
from models.program import Absence
from models.referral import Referral

#: The kinds of holdings that are a person's by name, in any role: they pass to no one when their roles end.
BY_NAME: Final = (
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

    def has(whose: UUID | None, *where: ColumnElement[bool]) -> ColumnElement[bool]:
        table = col(whose).class_
        return only(table.id).where(col(whose) == person, *where).exists()

    begun = and_(Referral.state == "draft", col(Referral.left_at).is_(None))
    named = col(CandidateWorker.ended_at).is_(None)
    follows = and_(col(Assignment.withdrawn_at).is_(None), col(Assignment.ended_at).is_(None))
    goes_on = only(FollowUp.id).where(joins(Assignment.follow_up_id, FollowUp), FollowUp.state != "completed").exists()
    return or_(
        has(Loan.person_id, col(Loan.returned_at).is_(None)),
        has(Account.person_id, col(Account.closed_at).is_(None)),
        has(Assignment.person_id, follows, goes_on),
        has(WeeklyNote.written_by, ~col(WeeklyNote.is_complete)),
        has(CandidateWorker.worker_id, named),
        has(CandidateWorker.second_id, named),
        has(Referral.referred_by, begun),
        has(SeatHolder.person_id, col(SeatHolder.withdrawn_at).is_(None), lasts(SeatHolder, today)),
        has(Absence.deputy_id, col(Absence.cancelled_at).is_(None), col(Absence.ends_on) >= today),
    )
