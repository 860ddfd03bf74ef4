"""What a departure took from its person by itself: seats that ended with its last day, and parts in follow-ups."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, Text, cast
from sqlmodel import Session, and_, or_

from domain.holdings import FOLLOW_UP
from domain.kernel import SHAPE, also, col, every, inside, joins, of, only, same, select, surely, value_of
from models.committee import Committee, Seat, SeatHolder
from models.departure import Departure, Settlement
from models.follow_up import Assignment, FollowUp
from models.participant import Participant
from models.record import Event

_TOLD: Final = (
    select(Event.facts)
    .where(
        same(Event, SeatHolder),
        Event.subject_id == SeatHolder.seat_id,
        Event.verb == "seat.left",
        inside(Event.facts)["person"].astext == cast(col(SeatHolder.person_id), Text),
    )
    .order_by(col(Event.n).desc())
    .limit(1)
    .scalar_subquery()
)


class Taken(SeatHolder):
    """A hold of a seat that ended, with the titles of the seat and its committee, and what the record says of it."""

    model_config = SHAPE
    title_fr: str = also(Seat.title_fr)
    title_en: str = also(Seat.title_en)
    committee_fr: str = also(Committee.title_fr)
    committee_en: str = also(Committee.title_en)
    told: dict[str, Any] | None = also(value_of(_TOLD))


def taken(session: Session, departure: Departure) -> list[tuple[Taken, date | None]]:
    """The holds of the organization's seats that ended with the departure, each with its former last day."""
    rows = every(
        session,
        of(Taken)
        .join(Seat, joins(SeatHolder.seat_id, Seat))
        .join(Committee, joins(Seat.committee_id, Committee))
        .where(
            SeatHolder.person_id == departure.person_id,
            Seat.organization_id == departure.organization_id,
            or_(
                and_(col(SeatHolder.withdrawn_at).is_(None), SeatHolder.ends_on == departure.last_day),
                and_(col(SeatHolder.withdrawn_at).is_not(None), col(SeatHolder.starts_on) > departure.last_day),
            ),
        )
        .order_by(col(SeatHolder.id)),
    )
    return [
        (row, date.fromisoformat(was) if (was := row.told.get("was")) else None)
        for row in rows
        if row.told and row.told.get("ends_on") == departure.last_day.isoformat()
    ]


def ended_by(departure: Departure) -> ColumnElement[bool]:
    """The condition on a part that it ended with a last day of a departure, or was left vacant by it."""
    over = only(Event.at).where(Event.case_id == departure.case_id, Event.verb == "departure.last_day_over")
    return or_(col(Assignment.ended_at).in_(over), settled_as(departure, handed_over=False))


def settled_as(departure: Departure, *, handed_over: bool) -> ColumnElement[bool]:
    """The condition on a part that a departure settled it: handed over to a worker, or left vacant by name."""
    so = col(Settlement.successor_id).is_not(None) if handed_over else col(Settlement.ended_as) == "left_vacant"
    return (
        select(Settlement.id)
        .where(
            Settlement.case_id == departure.case_id,
            Settlement.kind == FOLLOW_UP,
            joins(Settlement.holding_id, Assignment),
            so,
        )
        .exists()
    )


class Part(Assignment):
    """A part in a follow-up, with the participant's number."""

    model_config = SHAPE
    number: str = surely(Participant.number)


def parts(session: Session, departure: Departure, *which: ColumnElement[bool]) -> list[Part]:
    """The leaver's parts at the organization in follow-ups that go on, for which these conditions hold."""
    return every(
        session,
        of(Part)
        .join(FollowUp, joins(Assignment.follow_up_id, FollowUp))
        .join(Participant, joins(FollowUp.participant_id, Participant))
        .where(
            Assignment.person_id == departure.person_id,
            Assignment.organization_id == departure.organization_id,
            FollowUp.state != "completed",
            *which,
        )
        .order_by(col(Assignment.follow_up_id), col(Assignment.kind)),
    )
