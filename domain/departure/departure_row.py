"""The row of a departure: which one a case sees to, and writing it anew."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import Session, and_

from domain.kernel import first, local_day, of, same
from models.departure import Departure


def departure_of(session: Session, case_id: UUID) -> Departure | None:
    """The departure of a case, if it is one."""
    return first(session, of(Departure).where(Departure.case_id == case_id))


def first_day_without(session: Session, departure: Departure, at: datetime) -> date:
    """The first local day on which the leaver is gone, or today where that is later."""
    return max(departure.last_day + timedelta(days=1), local_day(session, at))


def is_authors_alone(session: Session, departure: Departure, at: datetime) -> bool:
    """Whether its author alone still says what becomes of a draft of a referral: while the last day is not over.

    What is written of a young person is read by one person at a time: by its author, then by the coordinator.
    """
    return departure.last_day >= local_day(session, at)


def of_its_case(model: Any) -> ColumnElement[bool]:
    """The join from a row of a case, as a task or a settlement, to the departure that the case sees to."""
    return and_(same(Departure, model), Departure.case_id == model.case_id)


def same_place(one: Any, other: Any) -> ColumnElement[bool]:
    """The condition that two rows, of models or aliases of them, are of one person at one organization."""
    return and_(same(one, other), one.person_id == other.person_id, one.organization_id == other.organization_id)
