"""Who sits: giving a seat to a person of its organization, and ending it. What their calendars show goes with it.

A change of holder is for days to come: who sat at a meeting that was held is recorded there, and stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, and_, or_

from domain.departure import unopened
from domain.kernel import (
    SHAPE,
    Actor,
    Refusal,
    also,
    col,
    every,
    first,
    joins,
    lasts,
    lasts_beyond,
    local_day,
    of,
    only,
    same,
    scalars,
    select,
    tuples,
    value_of,
)
from domain.people import SECOND, seat_holders
from domain.terms import days as agreement_days
from locales import N_
from meetings import invitations
from meetings.committees import ALTERNATE, PRINCIPAL, committees, memberships
from meetings.invitations import PersonalNews
from models.committee import Seat, SeatHolder
from models.program import Person, Tenure

_ONE_DAY: Final = timedelta(days=1)


def seat_of(session: Session, committee_id: UUID, seat_id: UUID) -> Seat:
    """A committee's own seat, or one of those from which it is derived. Raises Refusal where it has none of that id."""
    return _seat_row(session, seat_id, committee_id, lock=False)


def may_sit(session: Session, organization_id: UUID, role: str, day: date) -> tuple[UUID, ...]:
    """The people who may be given a seat of this organization and role on that day or later, by name.

    As its principal, or as an alternate alone: see `give_seat`.
    """
    people = only(Person.id, Person.sort_key).join(
        Tenure, same(Tenure, Person) & (col(Tenure.person_id) == col(Person.id))
    )
    mine = Tenure.organization_id == organization_id, col(Tenure.role).in_([role, SECOND]), lasts(Tenure, day)
    in_order = people.where(*mine).distinct().order_by(col(Person.sort_key), col(Person.id))
    return tuple(person_id for person_id, _ in tuples(session, in_order))


def give_seat(
    session: Session,
    committee_id: UUID,
    seat_id: UUID,
    person_id: UUID,
    *,
    starts_on: date,
    kind: str,
    by: Actor,
    at: datetime,
) -> tuple[PersonalNews, ...]:
    """Give a person a seat from a day on, as its principal or as an alternate; the principal before ends with it.

    It ends with the role that it rests on, where that end is known, and a principal to come after that stays so. A
    person it calls is invited to the meetings from that day on, one it no longer calls is told, and others hear
    nothing. A principal holds the seat's own role at its organization, an alternate this or that of a second
    representative. What a seat opens to its holder, it opens to no one else. Guide: CM-2R. Raises Refusal.
    """
    seat = _seat_row(session, seat_id, committee_id, lock=True)
    _refuse_days(session, seat, kind, starts_on, at)
    last = _last_day_of(session, seat, person_id, kind, starts_on)
    holders = seat_holders.holders_from(session, seat_id, starts_on)
    if any(
        row.person_id == person_id and row.kind == kind and seat_holders.sits_already(session, row, starts_on, last)
        for row in holders
    ):
        return ()
    for row in holders:
        if kind == row.kind == PRINCIPAL and row.person_id != person_id and (last is None or row.starts_on <= last):
            seat_holders.end_seat(session, row, starts_on - _ONE_DAY, by=by, at=at)
    seat_holders.give_seat(session, seat_id, person_id, kind=kind, starts_on=starts_on, ends_on=last, by=by, at=at)
    return _tell(session, seat_id, at=at)


def _refuse_days(session: Session, seat: Seat, kind: str, starts_on: date, at: datetime) -> None:
    """Refuse to give a seat as something else, from a day that is past, or on which it is nobody's to give."""
    if kind not in (PRINCIPAL, ALTERNATE):
        raise Refusal("seat.kind.missing", N_("Choose whether they are the principal or an alternate."))
    if starts_on < local_day(session, at):
        raise Refusal("seat.past", N_("A seat is given from today on, or from a later day."))
    if seat.ends_on is not None and seat.ends_on < starts_on:
        raise Refusal("seat.over", N_("This seat no longer exists on that day."))
    if seat.role not in agreement_days.ALWAYS_GIVEN:
        agreement_days.refuse_if_lapsed(session, seat.organization_id, starts_on)


def _last_day_of(session: Session, seat: Seat, person_id: UUID, kind: str, starts_on: date) -> date | None:
    """The last day of the roles on which somebody's hold of a seat rests; None where it is open. Raises Refusal."""
    roles = [seat.role] if kind == PRINCIPAL else [seat.role, SECOND]
    ends = _ends_of(session, person_id, seat.organization_id, roles, starts_on)
    if not ends:
        raise Refusal(
            "seat.other_role",
            N_(
                "The principal of a seat must hold its role at its organization that day; an "
                "alternate, that role or the second representative’s."
            ),
            source="CM-2R",
        )
    return None if None in ends else max(one for one in ends if one is not None)


def end_seat(
    session: Session, committee_id: UUID, seat_id: UUID, person_id: UUID, *, last_day: date, by: Actor, at: datetime
) -> tuple[PersonalNews, ...]:
    """End a person's hold of a seat on its last day; what would begin later is taken back. Raises Refusal."""
    _seat_row(session, seat_id, committee_id, lock=True)
    if last_day < local_day(session, at) - _ONE_DAY:
        raise Refusal("seat.past", N_("Past seats stay as recorded: the last day is yesterday or later."))
    rows = [
        row for row in seat_holders.holders_from(session, seat_id, last_day + _ONE_DAY) if row.person_id == person_id
    ]
    if not rows:
        raise Refusal("seat.not_held", N_("This person does not hold the seat after that day."))
    for row in rows:
        seat_holders.end_seat(session, row, last_day, by=by, at=at)
    return _tell(session, seat_id, at=at)


def end_with_roles(session: Session, *, by: Actor, at: datetime) -> int:
    """End the seats whose holders hold no role any more that they rest on, with that role; how many. Idempotent.

    Where its end is still to come, the seat has it as its last day; where it is past, the seat ends with yesterday: who
    sat until then stays recorded so. A principal's seat passes to the one who stands in for it (CM-2R), and is vacant.
    A person who leaves their organization has a departure, which ends their seats: they are left to it as long as it
    can come. This tells no one: the round's `tell_all` does.
    """
    today = local_day(session, at)
    rows = _outliving(session, today)
    for row in rows:
        last = max(row.entitled_until, today - _ONE_DAY)
        seat_holders.end_seat(session, row, last, by=by, at=at)
        if row.kind == PRINCIPAL:
            seat_holders.second_stands_in(
                session, row, organization_id=row.organization_id, last_day=last, by=by, at=at
            )
    return len(rows)


def _last_day_of_a_role(*conditions: Any) -> ColumnElement[date]:
    """The last day of the roles that a seat's holder has at the seat's organization, those of these conditions."""
    return (
        select(value_of(func.max(func.coalesce(col(Tenure.ends_on), date.max))))
        .where(
            same(Tenure, SeatHolder),
            Tenure.person_id == SeatHolder.person_id,
            Tenure.organization_id == Seat.organization_id,
            *conditions,
        )
        .correlate(SeatHolder, Seat)
        .scalar_subquery()
    )


_ENTITLED: Final = _last_day_of_a_role(
    or_(Tenure.role == Seat.role, and_(SeatHolder.kind == ALTERNATE, Tenure.role == SECOND))
)
_STAYS: Final = _last_day_of_a_role()


class _Outliving(SeatHolder):
    """Who holds a seat for longer than a role that it rests on, with that role's last day."""

    model_config = SHAPE
    organization_id: UUID = also(Seat.organization_id)
    entitled_until: date = also(value_of(_ENTITLED))


def _outliving(session: Session, today: date) -> list[_Outliving]:
    """Who holds a seat for longer than a role that it rests on.

    Not who was given one without it, by a program's file.
    """
    holding = of(_Outliving).join(Seat, joins(SeatHolder.seat_id, Seat))
    longer = holding.where(
        col(SeatHolder.withdrawn_at).is_(None),
        lasts(SeatHolder, today),
        lasts_beyond(SeatHolder, _ENTITLED),
        col(_ENTITLED) < date.max,
        or_(_STAYS > _ENTITLED, today - unopened.LOOKS_BACK > _ENTITLED),
    )
    in_order = longer.order_by(col(Seat.id), col(SeatHolder.id))
    return every(session, in_order.with_for_update(of=[Seat, SeatHolder]))


def _seat_row(session: Session, seat_id: UUID, committee_id: UUID, *, lock: bool) -> Seat:
    query = of(Seat).where(Seat.id == seat_id)
    row = first(session, query.with_for_update() if lock else query)
    if row is None or committee_id not in _having(session, seat_id):
        raise Refusal("seat.unknown", N_("This committee has no such seat."))
    return row


def _having(session: Session, seat_id: UUID) -> list[UUID]:
    """The committees that have a seat: its own, and those that are derived from it."""
    found = memberships(session, committees(session))
    return [key for key, members in found.items() if any(seat.id == seat_id for seat in members.seats)]


def _ends_of(
    session: Session, person_id: UUID, organization_id: UUID, roles: Sequence[str], day: date
) -> list[date | None]:
    """The last days of the roles, of these, that a person holds at an organization on a day; None where it is open."""
    held = only(Tenure.ends_on).where(
        Tenure.person_id == person_id,
        Tenure.organization_id == organization_id,
        col(Tenure.role).in_(roles),
        col(Tenure.starts_on) <= day,
        lasts(Tenure, day),
    )
    return [*scalars(session, held)]


def _tell(session: Session, seat_id: UUID, *, at: datetime) -> tuple[PersonalNews, ...]:
    return invitations.tell_all(session, at=at, committee_ids=_having(session, seat_id))
