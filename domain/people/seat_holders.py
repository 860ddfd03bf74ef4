"""Who holds a committee's seat from a day on: giving it, ending it, and the second representative who stands in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import and_, insert, or_, select, update
from sqlmodel import Session

from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.scope import local_day, many, program_of
from domain.record import events
from locales import N_
from models.base import table_of
from models.committee import Seat, SeatHolder
from models.departure import Departure
from models.program import Tenure

_departure = table_of(Departure)
_holder = table_of(SeatHolder)
_seat = table_of(Seat)
_tenure = table_of(Tenure)

#: The role of whoever stands in for a seat's principal, whatever the seat's own role is (CM-2R).
SECOND: Final = "second_representative"


def end_seat(session: Session, holding: Mapping[str, Any], last_day: date, *, by: Actor, at: datetime) -> None:
    """End somebody's hold of a seat on a last day; one that would begin after it is withdrawn."""
    begins_later = holding["starts_on"] > last_day
    if not begins_later and holding["ends_on"] is not None and holding["ends_on"] <= last_day:
        return
    values: dict[str, Any] = {"withdrawn_at": at} if begins_later else {"ends_on": last_day}
    session.execute(
        update(_holder)
        .where(_holder.c.program_id == program_of(session), _holder.c.id == holding["id"])
        .values(**values, version=_holder.c.version + 1)
    )
    _tell_end(session, holding, last_day, was=holding["ends_on"], by=by, at=at)


def _tell_end(
    session: Session,
    holding: Mapping[str, Any],
    last_day: date,
    *,
    by: Actor,
    at: datetime,
    was: date | None = None,
) -> None:
    events.write(
        session,
        "seat.left",
        "seat",
        holding["seat_id"],
        by=by,
        at=at,
        person=str(holding["person_id"]),
        kind=holding["kind"],
        ends_on=last_day.isoformat(),
        was=was.isoformat() if was else None,
    )


def holders_from(session: Session, seat_id: UUID, day: date) -> list[dict[str, Any]]:
    """Who holds a seat on a day or later, as principal or alternate."""
    return many(
        session,
        select(_holder).where(
            _holder.c.program_id == program_of(session),
            _holder.c.seat_id == seat_id,
            _holder.c.withdrawn_at.is_(None),
            or_(_holder.c.ends_on.is_(None), _holder.c.ends_on >= day),
        ),
    )


def sits_already(session: Session, holding: Mapping[str, Any], starts_on: date, ends_on: date | None) -> bool:
    """Whether somebody's hold of a seat has these days already, so that giving it to them changes nothing.

    Not where their departure is to end it before: whoever comes back has then only what is given to them for then.
    """
    if holding["starts_on"] > starts_on or holding["ends_on"] != ends_on:
        return False
    ends_before = (
        select(_departure.c.id)
        .join(
            _seat,
            (_seat.c.program_id == _departure.c.program_id) & (_seat.c.organization_id == _departure.c.organization_id),
        )
        .where(
            _departure.c.program_id == program_of(session),
            _departure.c.person_id == holding["person_id"],
            _seat.c.id == holding["seat_id"],
            _departure.c.ended_at.is_(None),
            _departure.c.called_off_at.is_(None),
            _departure.c.last_day >= holding["starts_on"],
            _departure.c.last_day < starts_on,
        )
    )
    return session.scalar(ends_before.limit(1)) is None


def give_seat(
    session: Session,
    seat_id: UUID,
    person_id: UUID,
    *,
    kind: str,
    starts_on: date,
    ends_on: date | None = None,
    by: Actor,
    at: datetime,
    case_id: UUID | None = None,
) -> None:
    """Have a person hold a seat from a day on, or from a day to a day. What they hold of it then ends the day before.

    Raises Refusal where another is its principal then.
    """
    here = program_of(session)
    session.execute(select(_seat.c.id).where(_seat.c.program_id == here, _seat.c.id == seat_id).with_for_update())
    for row in holders_from(session, seat_id, starts_on):
        if ends_on is not None and row["starts_on"] > ends_on:
            continue  # of days after these
        if row["person_id"] == person_id:
            if row["kind"] == kind and sits_already(session, row, starts_on, ends_on):
                return
            end_seat(session, row, starts_on - timedelta(days=1), by=by, at=at)
        elif row["kind"] == kind == "principal":
            raise Refusal("seat.taken", N_("Someone else holds this seat from that day on."))
    session.execute(
        insert(_holder).values(
            program_id=here,
            id=uuid4(),
            seat_id=seat_id,
            person_id=person_id,
            kind=kind,
            starts_on=starts_on,
            ends_on=ends_on,
            recorded_at=at,
            version=1,
        )
    )
    _tell_given(session, seat_id, person_id, kind, starts_on, by=by, at=at, case_id=case_id)
    if ends_on is not None:
        _tell_end(session, {"seat_id": seat_id, "person_id": person_id, "kind": kind}, ends_on, by=by, at=at)


def go_on(session: Session, holding: Mapping[str, Any], ends_on: date | None, *, by: Actor, at: datetime) -> None:
    """Have an ended hold of a seat go on without a day between, until a last day or with none."""
    session.execute(
        update(_holder)
        .where(_holder.c.program_id == program_of(session), _holder.c.id == holding["id"])
        .values(ends_on=ends_on, version=_holder.c.version + 1)
    )
    given = (holding[name] for name in ("seat_id", "person_id", "kind", "starts_on"))
    _tell_given(session, *given, by=by, at=at)


def _tell_given(
    session: Session,
    seat_id: UUID,
    person_id: UUID,
    kind: str,
    starts_on: date,
    *,
    by: Actor,
    at: datetime,
    case_id: UUID | None = None,
) -> None:
    events.write(
        session,
        "seat.given",
        "seat",
        seat_id,
        by=by,
        at=at,
        case_id=case_id,
        person=str(person_id),
        kind=kind,
        starts_on=starts_on.isoformat(),
    )


def second_stands_in(
    session: Session, holding: Mapping[str, Any], departure: Mapping[str, Any], *, by: Actor, at: datetime
) -> None:
    """Where nobody has a seat from the day after, nor stands in for it, the second representative does. Guide: CM-2R.

    So it is while whoever follows on it is only to come; where that is the second representative, until they begin. Of
    the departure the person, the organization, the last day and the case count.
    """
    here = program_of(session)
    after = max(departure["last_day"] + timedelta(days=1), local_day(session, at))
    others = [
        row for row in holders_from(session, holding["seat_id"], after) if row["person_id"] != departure["person_id"]
    ]
    second = session.scalar(
        select(_tenure.c.person_id)
        .where(
            _tenure.c.program_id == here,
            _tenure.c.organization_id == departure["organization_id"],
            _tenure.c.role == SECOND,
            _tenure.c.person_id != departure["person_id"],
            and_(_tenure.c.starts_on <= after, or_(_tenure.c.ends_on.is_(None), _tenure.c.ends_on >= after)),
        )
        .order_by(_tenure.c.starts_on, _tenure.c.person_id)
        .limit(1)
    )
    if second is None or any(row["starts_on"] <= after for row in others):
        return
    begins = min((row["starts_on"] for row in others if row["person_id"] == second), default=None)
    give_seat(
        session,
        holding["seat_id"],
        second,
        kind="alternate",
        starts_on=after,
        ends_on=begins and begins - timedelta(days=1),
        by=by,
        at=at,
        case_id=departure["case_id"],
    )
