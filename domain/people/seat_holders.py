"""Who holds a committee's seat from a day on: giving it, ending it, and the second representative who stands in."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.kernel import (
    Actor,
    Refusal,
    add_row,
    col,
    every,
    lasts,
    local_day,
    of,
    only,
    program_of,
    rewrite,
    run,
    same,
    scalar,
)
from domain.record import events
from locales import N_
from models.committee import Seat, SeatHolder
from models.departure import Departure
from models.program import Tenure

#: The role of the one who stands in for a seat's principal, for a seat of any role (CM-2R).
SECOND: Final = "second_representative"


def end_seat(session: Session, holding: SeatHolder, last_day: date, *, by: Actor, at: datetime) -> None:
    """End a person's hold of a seat on a last day; one that would begin after it is withdrawn."""
    begins_later = holding.starts_on > last_day
    if not begins_later and holding.ends_on is not None and holding.ends_on <= last_day:
        return
    if begins_later:
        rewrite(session, SeatHolder, holding.id, withdrawn_at=at)
    else:
        rewrite(session, SeatHolder, holding.id, ends_on=last_day)
    was = holding.ends_on.isoformat() if holding.ends_on else None
    tell(session, holding, "seat.left", by=by, at=at, ends_on=last_day.isoformat(), was=was)


def tell(
    session: Session,
    holding: SeatHolder,
    verb: str,
    *,
    by: Actor,
    at: datetime,
    case_id: UUID | None = None,
    **days: events.Fact,
) -> None:
    """Write the line of the record on a hold of a seat: of which seat, whose, in which way, and with which days."""
    facts = {"person": str(holding.person_id), "kind": holding.kind, **days}
    events.write(session, verb, "seat", holding.seat_id, by=by, at=at, case_id=case_id, **facts)


def holders_from(session: Session, seat_id: UUID, day: date) -> list[SeatHolder]:
    """Those who hold a seat on a day or later, as principal or alternate."""
    return every(
        session,
        of(SeatHolder).where(
            SeatHolder.seat_id == seat_id, col(SeatHolder.withdrawn_at).is_(None), lasts(SeatHolder, day)
        ),
    )


def sits_already(session: Session, holding: SeatHolder, starts_on: date, ends_on: date | None) -> bool:
    """Whether a person's hold of a seat has these days already, so that giving it to them changes nothing.

    Not where their departure is to end it before: one who returns has then only what is given to them for then.
    """
    if holding.starts_on > starts_on or holding.ends_on != ends_on:
        return False
    ends_before = (
        only(Departure.id)
        .join(Seat, same(Seat, Departure) & (col(Seat.organization_id) == col(Departure.organization_id)))
        .where(
            Departure.person_id == holding.person_id,
            Seat.id == holding.seat_id,
            col(Departure.ended_at).is_(None),
            col(Departure.called_off_at).is_(None),
            col(Departure.last_day) >= holding.starts_on,
            col(Departure.last_day) < starts_on,
        )
    )
    return scalar(session, ends_before.limit(1)) is None


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
    """Give a person a seat from a day on, or from a day to a day. Their present hold of it then ends the day before.

    Raises Refusal where another is its principal then.
    """
    run(session, only(Seat.id).where(Seat.id == seat_id).with_for_update())
    for row in holders_from(session, seat_id, starts_on):
        if ends_on is not None and row.starts_on > ends_on:
            continue  # of days after these
        if row.person_id == person_id:
            if row.kind == kind and sits_already(session, row, starts_on, ends_on):
                return
            end_seat(session, row, starts_on - timedelta(days=1), by=by, at=at)
        elif row.kind == kind == "principal":
            raise Refusal("seat.taken", N_("Someone else holds this seat from that day on."))
    holding = add(session, seat_id, person_id, kind, starts_on, ends_on, by=by, at=at, case_id=case_id)
    if ends_on is not None:
        tell(session, holding, "seat.left", by=by, at=at, ends_on=ends_on.isoformat(), was=None)


def add(
    session: Session,
    seat_id: UUID,
    person_id: UUID,
    kind: str,
    starts_on: date,
    ends_on: date | None,
    *,
    by: Actor,
    at: datetime,
    case_id: UUID | None,
) -> SeatHolder:
    """Write down that a person holds a seat from a day on, whatever else stands of it."""
    holding = SeatHolder(
        program_id=program_of(session),
        seat_id=seat_id,
        person_id=person_id,
        kind=kind,
        starts_on=starts_on,
        ends_on=ends_on,
        recorded_at=at,
    )
    add_row(session, holding)
    tell(session, holding, "seat.given", by=by, at=at, case_id=case_id, starts_on=starts_on.isoformat())
    return holding


def go_on(session: Session, holding: SeatHolder, ends_on: date | None, *, by: Actor, at: datetime) -> None:
    """Extend an ended hold of a seat without a day between, until a last day or with none."""
    rewrite(session, SeatHolder, holding.id, ends_on=ends_on)
    tell(session, holding, "seat.given", by=by, at=at, starts_on=holding.starts_on.isoformat())


def second_stands_in(
    session: Session,
    holding: SeatHolder,
    *,
    organization_id: UUID,
    last_day: date,
    by: Actor,
    at: datetime,
    case_id: UUID | None = None,
) -> None:
    """Give a seat to the second representative if it is empty from the day after and has no stand-in. Guide: CM-2R.

    So too while a successor is only to come; where that is the second representative, until they begin.
    """
    after = max(last_day + timedelta(days=1), local_day(session, at))
    others = [row for row in holders_from(session, holding.seat_id, after) if row.person_id != holding.person_id]
    second = scalar(
        session,
        only(Tenure.person_id)
        .where(
            Tenure.organization_id == organization_id,
            Tenure.role == SECOND,
            Tenure.person_id != holding.person_id,
            col(Tenure.starts_on) <= after,
            lasts(Tenure, after),
        )
        .order_by(col(Tenure.starts_on), col(Tenure.person_id))
        .limit(1),
    )
    if second is None or any(row.starts_on <= after for row in others):
        return
    begins = min((row.starts_on for row in others if row.person_id == second), default=None)
    give_seat(
        session,
        holding.seat_id,
        second,
        kind="alternate",
        starts_on=after,
        ends_on=begins and begins - timedelta(days=1),
        by=by,
        at=at,
        case_id=case_id,
    )
