"""What was said in departures of the things that their person leaves, and what a departure took from them by itself."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Text, cast, func
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, not_, or_

from domain.departure.departure_row import of_its_case
from domain.holdings import ACCOUNT, DEPUTIZING, DRAFT, FOLLOW_UP, SEAT, TENURE, Holding, told
from domain.kernel import (
    SHAPE,
    also,
    col,
    every,
    in_program,
    joins,
    lasts_beyond,
    of,
    only,
    same,
    scalars,
    select,
    surely,
    tuples,
    value_of,
)
from models.casework import Case, Task
from models.committee import Committee, Seat, SeatHolder
from models.departure import Departure, Settlement
from models.follow_up import Assignment, FollowUp
from models.participant import Participant
from models.program import Tenure
from models.record import Event
from models.stored import JsonObject

#: How a thing ended without an act of a person.
BY_ITSELF: Final = "by_itself"
#: The kinds that the person has until their last day, even with a successor named.
ON_THE_LAST_DAY: Final = (TENURE, SEAT, DEPUTIZING)


def settled_in(session: Session, case_id: UUID) -> set[tuple[str, UUID]]:
    """What was settled by a person in a case, by kind and id. What was settled automatically counts only while it
    lasts.

    Nor does the naming of a successor count who handed the task back since, or whose appointment was withdrawn. What
    left the person's hands at once, before the departure was cancelled, no longer counts: one who stayed may have it
    again. What is settled for the day after the last one holds when the departure is put in force again.
    """
    called_off = (
        select(func.max(col(Event.at)))
        .where(in_program(Event), Event.case_id == case_id, Event.verb == "departure.called_off")
        .scalar_subquery()
    )
    at_once = and_(
        col(Settlement.kind).not_in(ON_THE_LAST_DAY),
        or_(col(Settlement.successor_id).is_not(None), col(Settlement.kind).in_([ACCOUNT, DRAFT])),
    )
    holds = or_(called_off.is_(None), col(Settlement.settled_at) > called_off, not_(at_once))
    said = only(Settlement.kind, Settlement.holding_id).where(Settlement.case_id == case_id, was_said(), holds)
    return set(tuples(session, said))


def settled_elsewhere(session: Session, departure: Departure, tenures: Collection[UUID]) -> frozenset[UUID]:
    """Those of these roles that were settled in another departure, of those that hold."""
    said = (
        only(Settlement.holding_id)
        .join(Departure, of_its_case(Settlement))
        .where(
            Settlement.case_id != departure.case_id,
            Settlement.kind == TENURE,
            col(Settlement.holding_id).in_(tenures),
            col(Departure.called_off_at).is_(None),
        )
    )
    return frozenset(scalars(session, said))


def not_settled(session: Session, person_id: UUID, found: Collection[Holding]) -> list[Holding]:
    """Those of a person's holdings of which no departure of theirs said that they stay unfinished.

    Whatever else was settled is out of their hands, or came back into them since.
    """
    said = (
        only(Settlement.holding_id)
        .join(Case, joins(Settlement.case_id, Case))
        .where(Case.subject_id == person_id, Settlement.ended_as == "left_unfinished")
    )
    unfinished = set(scalars(session, said))
    return [one_of for one_of in found if one_of.id not in unfinished]


def was_said() -> ColumnElement[bool]:
    """The condition on a settlement that a person said it, and that the successor was not taken back since."""
    return and_(Settlement.ended_as != BY_ITSELF, ~was_taken_back(), ~_was_handed_back())


def _was_handed_back() -> ColumnElement[bool]:
    """The condition on a settlement that its successor handed the task back since: it falls by its chain again.

    A successor who is away keeps theirs: what falls on the leaver meanwhile falls behind them once they are gone.
    """
    back = only(Task.id).where(
        joins(Settlement.holding_id, Task), col(Task.handed_back_at) >= col(Settlement.settled_at)
    )
    return and_(col(Settlement.successor_id).is_not(None), back.exists())


def was_taken_back() -> ColumnElement[bool]:
    """The condition on a settlement that its named successor in a role or seat will never follow.

    In a role: no appointment remains. On a seat: theirs was withdrawn and no one else was given it. In an absence: the
    one who was to deputize has no role there to do it by.
    """
    return or_(_role_was_taken_back(), _seat_was_taken_back(), _deputy_was_taken_back())


def _role_was_taken_back() -> ColumnElement[bool]:
    """Of a role: their appointment was taken back, and no other of theirs goes on after the leaver's."""
    left, gone, there = (aliased(Tenure, name=name) for name in ("left_role", "taken_back", "still_there"))

    def theirs(held: Any, *where: ColumnElement[bool]) -> ColumnElement[bool]:
        return (
            select(held.id)
            .where(
                same(held, left),
                held.person_id == Settlement.successor_id,
                held.role == left.role,
                held.organization_id == left.organization_id,
                *where,
            )
            .correlate(left, Settlement)
            .exists()
        )

    taken_back = select(left.id).where(
        joins(Settlement.holding_id, left),
        theirs(gone, col(gone.taken_back_at) >= col(Settlement.settled_at)),
        ~theirs(there, col(there.taken_back_at).is_(None), lasts_beyond(there, col(left.ends_on))),
    )
    return and_(Settlement.kind == TENURE, taken_back.exists())


def _seat_was_taken_back() -> ColumnElement[bool]:
    """Of a seat: it was withdrawn from them, and no other person has it after the leaver's last day."""
    seat, given, has_it = (aliased(SeatHolder, name=name) for name in ("seat_left", "seat_given", "seat_held"))
    somebody_has_it = (
        select(has_it.id)
        .where(
            same(has_it, seat),
            has_it.seat_id == seat.seat_id,
            has_it.kind == seat.kind,
            has_it.person_id != seat.person_id,
            col(has_it.withdrawn_at).is_(None),
            lasts_beyond(has_it, col(seat.ends_on)),
        )
        .correlate(seat)
        .exists()
    )
    taken_back = (
        select(seat.id)
        .join(given, and_(same(given, seat), given.seat_id == seat.seat_id))
        .where(
            joins(Settlement.holding_id, seat),
            given.person_id == Settlement.successor_id,
            col(given.withdrawn_at) >= col(Settlement.settled_at),
            ~somebody_has_it,
        )
    )
    return and_(Settlement.kind == SEAT, taken_back.exists())


def _deputy_was_taken_back() -> ColumnElement[bool]:
    """Of deputizing: an appointment of theirs at the leaver's organization was taken back, and they have no other."""
    place = aliased(Case, name="left_from")
    was_to_be, holds = aliased(Tenure, name="was_to_be"), aliased(Tenure, name="holds")

    def there(held: Any, *where: ColumnElement[bool]) -> ColumnElement[bool]:
        return (
            select(held.id)
            .join(place, and_(same(place, held), place.organization_id == held.organization_id))
            .where(joins(Settlement.case_id, place), held.person_id == Settlement.successor_id, *where)
            .correlate(Settlement)
            .exists()
        )

    settled_on = cast(col(Settlement.settled_at), Date)
    return and_(
        Settlement.kind == DEPUTIZING,
        there(was_to_be, col(was_to_be.taken_back_at) >= col(Settlement.settled_at)),
        ~there(holds, col(holds.taken_back_at).is_(None), lasts_beyond(holds, settled_on)),
    )


_TOLD: Final = (
    select(Event.facts)
    .where(
        same(Event, SeatHolder),
        Event.subject_id == SeatHolder.seat_id,
        Event.verb == "seat.left",
        told("person") == cast(col(SeatHolder.person_id), Text),
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
    told: JsonObject | None = also(value_of(_TOLD))


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
        (row, date.fromisoformat(str(was)) if (was := row.told.get("was")) else None)
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
