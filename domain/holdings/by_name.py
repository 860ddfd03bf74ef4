"""What is in somebody's hands by their name, whatever role they hold: it passes to nobody when their roles end."""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Table, or_, select

from domain.holdings import candidates, follow_ups, notes, seats, things
from models.base import refers, table_of
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

_loan = table_of(Loan)
_account = table_of(Account)
_assignment = table_of(Assignment)
_follow_up = table_of(FollowUp)
_note = table_of(WeeklyNote)
_named = table_of(CandidateWorker)
_referral = table_of(Referral)
_holder = table_of(SeatHolder)
_absence = table_of(Absence)


def has_something(person: ColumnElement[UUID], today: date) -> ColumnElement[bool]:
    """The condition on a person's id, of the row that it stands in, that something may be in their hands by name.

    Some of it may be settled, or of another organization: `holdings_of` says so. It is asked of everyone who ever left.
    """
    of = person.table

    def has(table: Table, whose: ColumnElement[bool], *where: ColumnElement[bool]) -> ColumnElement[bool]:
        return select(table.c.id).where(table.c.program_id == of.c.program_id, whose, *where).exists()

    followed = (
        select(_assignment.c.id)
        .join(_follow_up, refers(_assignment.c.follow_up_id, _follow_up))
        .where(
            _assignment.c.program_id == of.c.program_id,
            _assignment.c.person_id == person,
            _assignment.c.withdrawn_at.is_(None),
            _assignment.c.ended_at.is_(None),
            _follow_up.c.state != "completed",
        )
        .exists()
    )
    return or_(
        has(_loan, _loan.c.person_id == person, _loan.c.returned_at.is_(None)),
        has(_account, _account.c.person_id == person, _account.c.closed_at.is_(None)),
        followed,
        has(_note, _note.c.written_by == person, ~_note.c.is_complete),
        has(_named, or_(_named.c.worker_id == person, _named.c.second_id == person), _named.c.ended_at.is_(None)),
        has(_referral, _referral.c.referred_by == person, _referral.c.state == "draft", _referral.c.left_at.is_(None)),
        has(
            _holder,
            _holder.c.person_id == person,
            _holder.c.withdrawn_at.is_(None),
            or_(_holder.c.ends_on.is_(None), _holder.c.ends_on >= today),
        ),
        has(
            _absence,
            _absence.c.deputy_id == person,
            _absence.c.cancelled_at.is_(None),
            _absence.c.ends_on >= today,
        ),
    )
