"""Who sits: giving a seat to somebody of its organization, and ending it. What their calendars show goes with it.

A change of holder is for days to come: who sat at a meeting that was held is recorded there, and stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlmodel import Session

from domain.departure import unopened
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.scope import local_day, many, one, program_of
from domain.people import seat_holders
from domain.people.seat_holders import SECOND
from domain.terms import days as agreement_days
from locales import N_
from meetings import invitations
from meetings.committees import ALTERNATE, PRINCIPAL, committees, memberships
from meetings.invitations import Told
from models.base import refers, table_of
from models.committee import Seat, SeatHolder
from models.program import Person, Tenure

_seat = table_of(Seat)
_holder = table_of(SeatHolder)
_tenure = table_of(Tenure)
_person = table_of(Person)

_ONE_DAY: Final = timedelta(days=1)


def seat_of(session: Session, committee_id: UUID, seat_id: UUID) -> dict[str, Any]:
    """A committee's own seat, or one of those from which it is derived. Raises Refusal where it has none of that id."""
    return _seat_row(session, seat_id, committee_id, lock=False)


def may_sit(session: Session, organization_id: UUID, role: str, day: date) -> tuple[UUID, ...]:
    """Whom a seat of this organization and role may be given to on that day or later, in the order of their names.

    As its principal, or as an alternate alone: see `give_seat`.
    """
    here = program_of(session)
    found = session.execute(
        select(_person.c.id, _person.c.sort_key)
        .join(_tenure, (_tenure.c.program_id == _person.c.program_id) & (_tenure.c.person_id == _person.c.id))
        .where(
            _person.c.program_id == here,
            _tenure.c.organization_id == organization_id,
            _tenure.c.role.in_([role, SECOND]),
            or_(_tenure.c.ends_on.is_(None), _tenure.c.ends_on >= day),
        )
        .distinct()
        .order_by(_person.c.sort_key, _person.c.id)
    )
    return tuple(row.id for row in found)


def give_seat(
    session: Session,
    committee_id: UUID,
    seat_id: UUID,
    person_id: UUID,
    *,
    kind: str,
    starts_on: date,
    by: Actor,
    at: datetime,
) -> tuple[Told, ...]:
    """Have somebody hold a seat from a day on, as its principal or as an alternate; who was its principal ends with it.

    It ends with the role that it rests on, where that end is known, and whoever is to be its principal after that stays
    so. Whoever is called by it is invited to the meetings from that day on, and whoever no longer is, is told; nobody
    else hears of it. A principal holds the seat's own role at its organization, an alternate this or that of a second
    representative: what a seat opens to its holder, it opens to nobody else. Guide: CM-2R.
    Raises Refusal: the day is past, the seat does not exist then, the agreement of its organization has lapsed by then,
    or the person holds none of these roles there then.
    """
    seat = _seat_row(session, seat_id, committee_id, lock=True)
    if kind not in (PRINCIPAL, ALTERNATE):
        raise Refusal("seat.kind.missing", N_("Choose whether they are the principal or an alternate."))
    if starts_on < local_day(session, at):
        raise Refusal("seat.past", N_("A seat is given from today on, or from a later day."))
    if seat["ends_on"] is not None and seat["ends_on"] < starts_on:
        raise Refusal("seat.over", N_("This seat no longer exists on that day."))
    if seat["role"] not in agreement_days.ALWAYS_GIVEN:
        agreement_days.refuse_if_lapsed(session, seat["organization_id"], starts_on)
    roles = [seat["role"]] if kind == PRINCIPAL else [seat["role"], SECOND]
    ends = _ends_of(session, person_id, seat["organization_id"], roles, starts_on)
    if not ends:
        raise Refusal(
            "seat.other_role",
            N_(
                "The principal of a seat must hold its role at its organization that day; an "
                "alternate, that role or the second representative’s."
            ),
            source="CM-2R",
        )
    last = None if None in ends else max(one for one in ends if one is not None)
    if any(
        row["person_id"] == person_id
        and row["kind"] == kind
        and seat_holders.sits_already(session, row, starts_on, last)
        for row in seat_holders.holders_from(session, seat_id, starts_on)
    ):
        return ()
    if kind == PRINCIPAL:
        for row in seat_holders.holders_from(session, seat_id, starts_on):
            if row["kind"] != PRINCIPAL or row["person_id"] == person_id:
                continue
            if last is None or row["starts_on"] <= last:
                seat_holders.end_seat(session, row, starts_on - _ONE_DAY, by=by, at=at)
    seat_holders.give_seat(session, seat_id, person_id, kind=kind, starts_on=starts_on, ends_on=last, by=by, at=at)
    return _tell(session, seat_id, at=at)


def end_seat(
    session: Session,
    committee_id: UUID,
    seat_id: UUID,
    person_id: UUID,
    *,
    last_day: date,
    by: Actor,
    at: datetime,
) -> tuple[Told, ...]:
    """End somebody's hold of a seat on its last day; what would begin later is taken back.

    Raises Refusal: the day is before yesterday, or they do not hold the seat then.
    """
    _seat_row(session, seat_id, committee_id, lock=True)
    if last_day < local_day(session, at) - _ONE_DAY:
        raise Refusal("seat.past", N_("Past seats stay as recorded: the last day is yesterday or later."))
    rows = [
        row for row in seat_holders.holders_from(session, seat_id, last_day + _ONE_DAY) if row["person_id"] == person_id
    ]
    if not rows:
        raise Refusal("seat.not_held", N_("This person does not hold the seat after that day."))
    for row in rows:
        seat_holders.end_seat(session, row, last_day, by=by, at=at)
    return _tell(session, seat_id, at=at)


def end_with_roles(session: Session, *, by: Actor, at: datetime) -> int:
    """End the seats whose holders hold no role any more that they rest on, with that role; how many. Idempotent.

    Where its end is still to come, the seat has it as its last day; where it is past, the seat ends with yesterday: who
    sat until then stays recorded so. A principal's seat passes to whoever stands in for it (CM-2R), and it is vacant.
    Whoever leaves their organization altogether has a departure, which ends their seats: they are left to it as long as
    it can come. Nobody is told by this: the round's `tell_all` does.
    """
    today = local_day(session, at)
    rows = _outliving(session, today)
    for row in rows:
        last = max(row["entitled_until"], today - _ONE_DAY)
        seat_holders.end_seat(session, row, last, by=by, at=at)
        if row["kind"] == PRINCIPAL:
            seat_holders.second_stands_in(session, row, {**row, "last_day": last, "case_id": None}, by=by, at=at)
    return len(rows)


def _outliving(session: Session, today: date) -> list[dict[str, Any]]:
    """Who holds a seat for longer than a role that it rests on, each with that role's last day, `entitled_until`.

    Not whoever was given a seat without one, by a program's file.
    """
    here = program_of(session)
    there = and_(
        _tenure.c.program_id == _holder.c.program_id,
        _tenure.c.person_id == _holder.c.person_id,
        _tenure.c.organization_id == _seat.c.organization_id,
    )
    last = func.max(func.coalesce(_tenure.c.ends_on, date.max))
    rests_on = or_(_tenure.c.role == _seat.c.role, and_(_holder.c.kind == ALTERNATE, _tenure.c.role == SECOND))
    entitled = select(last).where(there, rests_on).correlate(_holder, _seat).scalar_subquery()
    stays = select(last).where(there).correlate(_holder, _seat).scalar_subquery()
    return many(
        session,
        select(_holder, _seat.c.organization_id, entitled.label("entitled_until"))
        .join(_seat, refers(_holder.c.seat_id, _seat))
        .where(
            _holder.c.program_id == here,
            _holder.c.withdrawn_at.is_(None),
            or_(_holder.c.ends_on.is_(None), _holder.c.ends_on >= today),
            or_(_holder.c.ends_on.is_(None), _holder.c.ends_on > entitled),
            entitled < date.max,
            or_(stays > entitled, entitled < today - unopened.LOOKS_BACK),
        )
        .order_by(_seat.c.id, _holder.c.id)
        .with_for_update(of=[_seat, _holder]),
    )


def _seat_row(session: Session, seat_id: UUID, committee_id: UUID, *, lock: bool) -> dict[str, Any]:
    query = select(_seat).where(_seat.c.program_id == program_of(session), _seat.c.id == seat_id)
    row = one(session, query.with_for_update() if lock else query)
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
    return list(
        session.scalars(
            select(_tenure.c.ends_on).where(
                _tenure.c.program_id == program_of(session),
                _tenure.c.person_id == person_id,
                _tenure.c.organization_id == organization_id,
                _tenure.c.role.in_(roles),
                _tenure.c.starts_on <= day,
                or_(_tenure.c.ends_on.is_(None), _tenure.c.ends_on >= day),
            )
        )
    )


def _tell(session: Session, seat_id: UUID, *, at: datetime) -> tuple[Told, ...]:
    return invitations.tell_all(session, at=at, committee_ids=_having(session, seat_id))
