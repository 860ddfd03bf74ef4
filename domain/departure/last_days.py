"""What hangs on somebody's last day goes with it: seats that were passed on, who follows in a role, who deputizes.

A last day moves where the roles of who leaves are prolonged or shortened. What was settled for the day after the old
one is then for the day after the new one; what somebody changed by hand since stays as they left it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from domain.accompaniment import asked_today
from domain.casework import cases
from domain.departure import hiring
from domain.departure.gathering import BY_ITSELF, was_taken_back
from domain.holdings import roles, seats
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.scope import local_day, many, one, program_of
from domain.people import people
from domain.people.seat_holders import SECOND
from domain.record import events
from domain.roles.roles import standing
from locales import N_
from models.base import refers, table_of
from models.casework import Case
from models.committee import Seat, SeatHolder
from models.departure import Settlement
from models.program import Absence, Tenure

_settlement = table_of(Settlement)
_seat = table_of(Seat)
_holder = table_of(SeatHolder)
_tenure = table_of(Tenure)
_case = table_of(Case)
_absence = table_of(Absence)

_DAY = timedelta(days=1)


def follow(session: Session, case_id: UUID, *, was: date, day: date, by: Actor, at: datetime) -> None:
    """Have what a departure settled hang on its last day of now, `day`, where it hung on `was`.

    What cannot go with it, as a role that somebody holds on these days already, stays on its day: nothing keeps a
    departure from ending. So does what has begun: only days to come change hands.
    """
    first = max(day + _DAY, local_day(session, at))
    settled = many(
        session,
        select(_settlement)
        .where(
            _settlement.c.program_id == program_of(session),
            _settlement.c.case_id == case_id,
            _settlement.c.kind.in_([roles.TENURE, seats.SEAT]),
            _settlement.c.ended_as != BY_ITSELF,
        )
        .order_by(_settlement.c.kind.desc(), _settlement.c.settled_at),  # roles first: a seat rests on one
    )
    for row in settled:
        with suppress(Refusal, IntegrityError), session.begin_nested():
            if row["kind"] == seats.SEAT:
                _move_seat(session, row, was, first, by=by, at=at)
            elif row["successor_id"] is not None:
                _move_appointment(session, row, was, first, by=by, at=at)


def welcomes(session: Session, case_id: UUID) -> list[UUID]:
    """The open cases that welcome whoever follows in a role of who leaves: they are moved with the last day."""
    return _welcoming(session, _settlement.c.case_id == case_id)


def _welcoming(session: Session, which: ColumnElement[bool]) -> list[UUID]:
    here = program_of(session)
    following = select(_settlement.c.successor_id).where(
        _settlement.c.program_id == here,
        which,
        _settlement.c.kind == roles.TENURE,
        _settlement.c.successor_id.is_not(None),
    )
    return list(
        session.scalars(
            select(_case.c.id).where(
                _case.c.program_id == here,
                _case.c.state == "open",
                _case.c.protocol.in_(hiring.WELCOMED.values()),
                _case.c.subject_id.in_(following),
            )
        )
    )


def welcomes_after(session: Session, tenure_id: UUID) -> list[UUID]:
    """The open cases that welcome whoever departures named to follow in one role: they move where it is prolonged."""
    return _welcoming(session, _settlement.c.holding_id == tenure_id)


def hand_on_deputizing(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> None:
    """Once the last day is over: have those whom a departure named act for who is absent, in the leaver's place.

    Until then it is the leaver who does. Somebody else whom others named meanwhile stays; nobody acts where whoever was
    named has left by then too, so that what is asked of who is absent falls to the next in line, or shows as vacant.
    """
    here = program_of(session)
    live = standing(session, local_day(session, at)).live
    settled = many(
        session,
        select(_settlement.c.holding_id, _settlement.c.successor_id, _case.c.subject_id)
        .join(_case, refers(_settlement.c.case_id, _case))
        .where(
            _settlement.c.program_id == here,
            _settlement.c.case_id == case_id,
            _settlement.c.kind == seats.DEPUTIZING,
            _settlement.c.ended_as != BY_ITSELF,
            ~was_taken_back(),
        )
        .order_by(_settlement.c.settled_at),
    )
    for row in settled:
        deputy_id = row["successor_id"] if row["successor_id"] in live else None
        change_deputy(session, row["holding_id"], row["subject_id"], deputy_id, by=by, at=at)


def change_deputy(
    session: Session, absence_id: UUID, was: UUID, deputy_id: UUID | None, *, by: Actor, at: datetime
) -> None:
    """Have somebody else, or nobody, act during an absence in which `was` does; nothing where they do not any more."""
    person_id = session.scalar(
        update(_absence)
        .where(_absence.c.program_id == program_of(session), _absence.c.id == absence_id, _absence.c.deputy_id == was)
        .values(deputy_id=deputy_id)
        .returning(_absence.c.person_id)
    )
    if person_id is not None:
        deputy = str(deputy_id) if deputy_id else None
        events.write(session, "absence.deputy_changed", "person", person_id, by=by, at=at, deputy=deputy)
        asked_today.ask_who_acts_now(session, person_id, by=by, at=at)


def make_room(session: Session, tenure_id: UUID, day: date, *, by: Actor, at: datetime) -> None:
    """Before a role is prolonged to another last day: have whoever a departure named to follow in it begin after it.

    Of a role with one holder the database takes no other order. Raises Refusal, also where they have begun in such a
    role: who held it on days that are past stays as it was. Of a role with several they stay beside who goes on.
    """
    here = program_of(session)
    left = one(session, select(_tenure).where(_tenure.c.program_id == here, _tenure.c.id == tenure_id))
    if left is None or left["ends_on"] is None or day <= left["ends_on"]:
        return
    for row in _named_after(session, tenure_id):
        follows = _following(session, row, left["ends_on"], day + _DAY)
        if follows is None:
            continue
        if follows["starts_on"] > local_day(session, at):
            _move_start(session, follows, day + _DAY, by=by, at=at)
        elif follows["single_holder"]:
            raise _begun_already(session, follows)


def can_make_room(session: Session, tenure_id: UUID, at: datetime) -> bool:
    """Whether prolonging a role moves the first day of whoever follows: a departure named them, and it is to come."""
    ends_on = session.scalar(
        select(_tenure.c.ends_on).where(_tenure.c.program_id == program_of(session), _tenure.c.id == tenure_id)
    )
    if ends_on is None or ends_on < local_day(session, at):
        return False
    return any(_following(session, row, ends_on, ends_on + _DAY) for row in _named_after(session, tenure_id))


def _named_after(session: Session, tenure_id: UUID) -> list[dict[str, Any]]:
    """By what departures named somebody to follow in a role."""
    return many(
        session,
        select(_settlement).where(
            _settlement.c.program_id == program_of(session),
            _settlement.c.kind == roles.TENURE,
            _settlement.c.holding_id == tenure_id,
            _settlement.c.successor_id.is_not(None),
        ),
    )


def _begun_already(session: Session, follows: Mapping[str, Any]) -> Refusal:
    title = roles.called(session, follows["id"])
    return Refusal(
        "tenure.follower_began",
        N_(
            "%(role)s: the successor began on %(first_day)s, and it has one holder. Only "
            "future days can change hands. First end that appointment, today at the soonest; "
            "then appoint this person again, from the day after."
        ),
        role={"fr": title.fr, "en": title.en},
        first_day=follows["starts_on"].isoformat(),
    )


def keep_seats(session: Session, tenure_id: UUID, day: date, *, by: Actor, at: datetime) -> None:
    """Before a role is prolonged to another last day: have the seats that end with it end on that day too.

    Not where somebody else is the seat's principal by then, or its holder goes on there in another way.
    """
    here = program_of(session)
    left = one(session, select(_tenure).where(_tenure.c.program_id == here, _tenure.c.id == tenure_id))
    if left is None or left["ends_on"] is None or day <= left["ends_on"]:
        return
    other = _holder.alias()
    taken = (
        select(other.c.id)
        .where(
            other.c.program_id == _holder.c.program_id,
            other.c.seat_id == _holder.c.seat_id,
            other.c.withdrawn_at.is_(None),
            or_(
                other.c.person_id == _holder.c.person_id,
                and_(_holder.c.kind == "principal", other.c.kind == "principal"),
            ),
            other.c.starts_on <= day,
            or_(other.c.ends_on.is_(None), other.c.ends_on > left["ends_on"]),
        )
        .exists()
    )
    rests_on_it = or_(_seat.c.role == left["role"], and_(_holder.c.kind == "alternate", left["role"] == SECOND))
    rows = many(
        session,
        select(_holder)
        .join(_seat, refers(_holder.c.seat_id, _seat))
        .where(
            _holder.c.program_id == here,
            _holder.c.person_id == left["person_id"],
            _holder.c.withdrawn_at.is_(None),
            _holder.c.ends_on == left["ends_on"],
            _seat.c.organization_id == left["organization_id"],
            rests_on_it,
            ~taken,
        )
        .order_by(_holder.c.id)
        .with_for_update(of=_holder),
    )
    for row in rows:
        session.execute(
            update(_holder)
            .where(_holder.c.program_id == here, _holder.c.id == row["id"])
            .values(ends_on=day, version=_holder.c.version + 1)
        )
        facts = {"person": str(row["person_id"]), "kind": row["kind"], "ends_on": day.isoformat()}
        events.write(session, "seat.left", "seat", row["seat_id"], by=by, at=at, **facts)


def _move_seat(
    session: Session, settled: Mapping[str, Any], was: date, first: date, *, by: Actor, at: datetime
) -> None:
    """Have the leaver, and what the successor was on the seat before, end the day before the successor begins."""
    here = program_of(session)
    held = one(session, select(_holder).where(_holder.c.program_id == here, _holder.c.id == settled["holding_id"]))
    if held is None or held["withdrawn_at"] is not None:
        return
    last = first - _DAY
    rows = many(
        session,
        select(_holder)
        .where(_holder.c.program_id == here, _holder.c.seat_id == held["seat_id"], _holder.c.withdrawn_at.is_(None))
        .order_by(_holder.c.starts_on, _holder.c.id)
        .with_for_update(),
    )
    two = (held["person_id"], settled["successor_id"])
    if any(row["person_id"] == two[1] and row["starts_on"] == was + _DAY <= local_day(session, at) for row in rows):
        return  # they have begun
    if any(
        row["person_id"] not in two
        and row["kind"] == "principal"
        and row["starts_on"] <= max(was, last)
        and (row["ends_on"] is None or row["ends_on"] > min(was, last))
        for row in rows
    ):
        return  # somebody else was given the seat on these days since
    # Days are given up before they are taken: on none of them are there two principals.
    for row in rows if last < was else reversed(rows):
        if row["person_id"] not in two:
            continue
        begins = row["person_id"] == settled["successor_id"] and row["starts_on"] == was + _DAY
        if begins:
            values: dict[str, Any] = {"starts_on": first}
        elif row["ends_on"] == was:
            values = {"ends_on": last}
        else:
            continue
        now = {**row, **values}
        if now["ends_on"] is not None and now["ends_on"] < now["starts_on"]:
            values = {"withdrawn_at": at}
        session.execute(
            update(_holder)
            .where(_holder.c.program_id == here, _holder.c.id == row["id"])
            .values(**values, version=_holder.c.version + 1)
        )
        facts = {"person": str(row["person_id"]), "kind": row["kind"]}
        if begins:
            facts |= {"was": row["starts_on"].isoformat(), "starts_on": first.isoformat()}
        else:
            facts |= {"ends_on": last.isoformat()}
        verb = "seat.moved" if begins else "seat.left"
        events.write(session, verb, "seat", row["seat_id"], by=by, at=at, case_id=settled["case_id"], **facts)


def _move_appointment(
    session: Session, settled: Mapping[str, Any], was: date, first: date, *, by: Actor, at: datetime
) -> None:
    """Have whoever follows in the role begin on the first day, unless they have begun."""
    follows = _following(session, settled, was, first)
    if follows is not None and follows["starts_on"] > local_day(session, at):
        _move_start(session, follows, first, by=by, at=at)


def _following(session: Session, settled: Mapping[str, Any], was: date, first: date) -> dict[str, Any] | None:
    """The appointment of whoever was named to follow, from the day after a last day on, where it goes on to `first`."""
    here = program_of(session)
    left = one(session, select(_tenure).where(_tenure.c.program_id == here, _tenure.c.id == settled["holding_id"]))
    if left is None:
        return None
    return one(
        session,
        select(_tenure)
        .where(
            _tenure.c.program_id == here,
            _tenure.c.person_id == settled["successor_id"],
            _tenure.c.role == left["role"],
            _tenure.c.organization_id == left["organization_id"],
            _tenure.c.starts_on == was + _DAY,
            or_(_tenure.c.ends_on.is_(None), _tenure.c.ends_on >= first),
        )
        .with_for_update(),
    )


def _move_start(session: Session, follows: Mapping[str, Any], first: date, *, by: Actor, at: datetime) -> None:
    """Have somebody begin in a role on another day; the case that welcomes them goes with it."""
    welcome = _welcome(session, follows)
    if welcome is not None:
        cases.move_day(session, welcome[0], anchor=welcome[1], day=first, by=by, at=at)
    else:
        people.move_start(session, follows, first, by=by, at=at)


def _welcome(session: Session, tenure: Mapping[str, Any]) -> tuple[UUID, str] | None:
    """The open case that welcomes somebody to a role, and its day that is the role's first."""
    case = one(
        session,
        select(_case).where(
            _case.c.program_id == program_of(session),
            _case.c.protocol == hiring.WELCOMED.get(tenure["role"]),
            _case.c.subject_id == tenure["person_id"],
            _case.c.organization_id == tenure["organization_id"],
            _case.c.state == "open",
        ),
    )
    if case is None:
        return None
    found = hiring.first_day_of(session, case)
    return None if found is None else (case["id"], found)
