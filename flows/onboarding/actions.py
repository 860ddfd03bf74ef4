"""What the engine does automatically when a youth worker arrives: a seat on the Clinical Committee, contact lists."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, and_
from sqlmodel.sql.expression import SelectOfScalar

from domain.kernel import (
    Actor,
    Refusal,
    col,
    every,
    first,
    in_program,
    joins,
    lasts,
    local_day,
    of,
    only,
    replaced,
    rewrite,
    run,
    same,
    scalar,
    select,
    surely,
)
from domain.people import seat_holders
from domain.record import events
from flows.engine import DueAction, StepAction
from flows.onboarding.contact_lists import CLINICAL, case_of, contact_lists_are_written, send_contact_lists
from locales import N_
from meetings import invitations
from meetings.committees import memberships
from models.casework import Case
from models.committee import Committee, Seat, SeatHolder
from models.departure import Departure
from models.program import Tenure
from models.record import Event

WORKER: Final = "youth_worker"


# ------------------------------------------------------------------------------------------- the Clinical Committee


def enrol_on_clinical_committee(session: Session, act: DueAction, by: Actor, at: datetime) -> None:
    """Give the worker the youth workers' seat of their organization on the Clinical Committee.

    From the day of arrival, or today where that has come, until the end of their role where it is known. They hold it
    as principal where it is free on all those days, else as alternate. Where the day of arrival moved since, the seat
    that this case gave begins on the new one. A seat that they hold otherwise stays as it is. Guide: ON-D06. The
    invitations to the meetings of this seat are written with it. Raises Refusal: the organization has no such seat, or
    the person does not hold the role there any more.
    """
    case = case_of(session, act)
    today = local_day(session, at)
    # Held, so that of two who enrol on one seat at the same instant the second sees the first.
    seat_id = _seat_of(session, surely(case.organization_id), today, hold=True)
    if seat_id is None:
        raise Refusal(
            "seat.none", N_("This organization has no youth worker's seat on the Clinical Committee."), source=CLINICAL
        )
    holding = _theirs(session, act, case, seat_id, today)
    if holding is None:
        _end_earlier(session, case, seat_id, today, by, at)
        _give_seat(session, act, case, seat_id, by, at)
    elif holding.starts_on != _first_day(session, act, case, holding):
        _move_seat(session, act, case, holding, by, at)
    else:
        return
    _tell_of(session, seat_id, at)


def _tell_of(session: Session, seat_id: UUID, at: datetime) -> None:
    """Tell those concerned of the meetings of every committee that has this seat, of its own or from another."""
    has_it = [one.committee_id for one in memberships(session).values() if seat_id in {seat.id for seat in one.seats}]
    invitations.tell_all(session, at=at, committee_ids=has_it)


def _theirs(session: Session, act: DueAction, case: Case, seat_id: UUID, today: date) -> SeatHolder | None:
    """The worker's hold of the seat: the one that this case gave, or one that they hold otherwise on arrival."""
    given = _live(session, seat_id, surely(case.subject_id), today, _given_by(act))
    arrives = max(today, case.anchors.get("arrival") or today)
    return given or _live(session, seat_id, surely(case.subject_id), arrives, ~_ends_before(case, arrives).exists())


def _end_earlier(session: Session, case: Case, seat_id: UUID, today: date, by: Actor, at: datetime) -> None:
    """End the worker's hold of the seat from an earlier stay on its last day, as their departure will.

    No one holds a seat twice on a day: what is given from the arrival on comes after it.
    """
    leaves = _ends_before(case, max(today, case.anchors.get("arrival") or today))
    asked = of(SeatHolder).where(*_living(seat_id, surely(case.subject_id), today), leaves.exists())
    for holding in every(session, asked):
        last_day = scalar(session, leaves.where(SeatHolder.id == holding.id).limit(1))
        seat_holders.end_seat(session, holding, surely(last_day), by=by, at=at)


def _ends_before(case: Case, day: date) -> SelectOfScalar[date]:
    """The last day before a local day on which the worker's departure under way ends a hold of theirs."""
    return select(Departure.last_day).where(
        same(Departure, SeatHolder),
        Departure.person_id == SeatHolder.person_id,
        Departure.organization_id == case.organization_id,
        col(Departure.called_off_at).is_(None),
        col(Departure.ended_at).is_(None),
        col(Departure.last_day) >= col(SeatHolder.starts_on),
        col(Departure.last_day) < day,
    )


def _give_seat(session: Session, act: DueAction, case: Case, seat_id: UUID, by: Actor, at: datetime) -> None:
    worker = surely(case.subject_id)
    starts_on = max(local_day(session, at), case.anchors.get("arrival") or date.min)
    ends_on = _end_of_role(session, case, starts_on)
    kind = "alternate" if _principal_else(session, seat_id, worker, starts_on, ends_on) else "principal"
    seat_holders.add(session, seat_id, worker, kind, starts_on, ends_on, by=by, at=at, case_id=act.case_id)


def _move_seat(session: Session, act: DueAction, case: Case, holding: SeatHolder, by: Actor, at: datetime) -> None:
    """Move the seat that this case gave to its present first day; it ends with the role that is held then."""
    starts_on = _first_day(session, act, case, holding)
    ends_on = _end_of_role(session, case, starts_on)
    other = _principal_else(session, holding.seat_id, holding.person_id, starts_on, ends_on)
    moved = replaced(holding, kind="alternate" if other else holding.kind)
    rewrite(session, SeatHolder, holding.id, starts_on=starts_on, ends_on=ends_on, kind=moved.kind)
    days = {"was": holding.starts_on.isoformat(), "starts_on": starts_on.isoformat()}
    seat_holders.tell(session, moved, "seat.moved", by=by, at=at, case_id=act.case_id, **days)


def is_enrolled(session: Session, act: DueAction, at: datetime) -> bool:
    """Whether the worker holds that seat on arrival, or today; where this case gave it, from its first day on."""
    case = case_of(session, act)
    today = local_day(session, at)
    seat_id = _seat_of(session, surely(case.organization_id), today)
    holding = _theirs(session, act, case, seat_id, today) if seat_id is not None else None
    return holding is not None and holding.starts_on == _first_day(session, act, case, holding)


def withdraw_from_clinical_committee(session: Session, act: DueAction, by: Actor, at: datetime) -> None:
    """Withdraw the seat that this case gave: a hold that has begun ends yesterday, one that has not is withdrawn.

    A seat that the worker holds otherwise stays theirs.
    """
    case = case_of(session, act)
    today = local_day(session, at)
    seat_id = _seat_of(session, surely(case.organization_id), today, hold=True)
    if seat_id is None or _live(session, seat_id, surely(case.subject_id), today, _given_by(act)) is None:
        return
    mine = and_(*_living(seat_id, surely(case.subject_id), today), _given_by(act))
    for begun, values in (
        (col(SeatHolder.starts_on) < today, {"ends_on": today - timedelta(days=1)}),
        (col(SeatHolder.starts_on) >= today, {"withdrawn_at": at}),
    ):
        counted = {**values, "version": col(SeatHolder.version) + 1}
        run(session, update(SeatHolder).where(mine, begun).values(**counted))
    person = str(case.subject_id)
    events.write(session, "seat.withdrawn", "seat", seat_id, by=by, at=at, case_id=act.case_id, person=person)
    _tell_of(session, seat_id, at)


def is_withdrawn(session: Session, act: DueAction, at: datetime) -> bool:
    """Whether the worker holds that seat by this case neither today nor on a day to come."""
    case = case_of(session, act)
    today = local_day(session, at)
    seat_id = _seat_of(session, surely(case.organization_id), today)
    return seat_id is None or _live(session, seat_id, surely(case.subject_id), today, _given_by(act)) is None


# ------------------------------------------------------------------------------------------------------ what is read


def _seat_of(session: Session, organization_id: UUID, day: date, *, hold: bool = False) -> UUID | None:
    """The youth workers' seat of an organization on the Clinical Committee, on a day or after it."""
    asked: Any = (
        only(Seat.id)
        .join(Committee, joins(Seat.committee_id, Committee))
        .where(
            Committee.source == CLINICAL, Seat.organization_id == organization_id, Seat.role == WORKER, lasts(Seat, day)
        )
        .order_by(col(Seat.key))
        .limit(1)
    )
    found: UUID | None = scalar(session, asked.with_for_update(of=Seat) if hold else asked)
    return found


def _holding(seat_id: UUID) -> tuple[Any, ...]:
    return (in_program(SeatHolder), col(SeatHolder.seat_id) == seat_id, col(SeatHolder.withdrawn_at).is_(None))


def _living(seat_id: UUID, person_id: UUID, day: date) -> tuple[Any, ...]:
    """The holds of a seat that are a person's on a day or after it."""
    return (*_holding(seat_id), col(SeatHolder.person_id) == person_id, lasts(SeatHolder, day))


def _live(session: Session, seat_id: UUID, person_id: UUID, day: date, *which: Any) -> SeatHolder | None:
    """A person's holding of a seat on a day or after it, the first `which`; None where they have none."""
    return first(
        session,
        select(SeatHolder)
        .where(*_living(seat_id, person_id, day), *which)
        .order_by(col(SeatHolder.starts_on))
        .limit(1),
    )


def _given_by(act: DueAction) -> Any:
    """Whether the case of an act gave a hold, as the record of the giving tells."""
    return (
        select(Event.id)
        .where(
            same(Event, SeatHolder),
            Event.case_id == act.case_id,
            Event.verb == "seat.given",
            Event.subject_id == SeatHolder.seat_id,
            Event.at == SeatHolder.recorded_at,
        )
        .exists()
    )


def _principal_else(session: Session, seat_id: UUID, person_id: UUID, first: date, last: date | None) -> bool:
    """Whether another holds the seat as principal on any of these days, both inclusive."""
    found = scalar(
        session,
        select(SeatHolder.id)
        .where(
            *_holding(seat_id),
            SeatHolder.kind == "principal",
            SeatHolder.person_id != person_id,
            lasts(SeatHolder, first),
            *([col(SeatHolder.starts_on) <= last] if last else []),
        )
        .limit(1),
    )
    return found is not None


def _first_day(session: Session, act: DueAction, case: Case, holding: SeatHolder) -> date:
    """The day on which a hold should begin: the arrival, but not before the seat was given.

    Its present first day where this case did not give it.
    """
    arrival = case.anchors.get("arrival")
    given = scalar(session, only(SeatHolder.id).where(SeatHolder.id == holding.id, _given_by(act)))
    first: date = holding.starts_on
    if given is None or arrival is None:
        return first
    return max(arrival, local_day(session, holding.recorded_at))


def _end_of_role(session: Session, case: Case, day: date) -> date | None:
    """The known last day of the worker's role there, None where it has none. Raises Refusal where it is over."""
    found = run(
        session,
        only(Tenure.ends_on)
        .where(
            Tenure.person_id == case.subject_id,
            Tenure.organization_id == case.organization_id,
            Tenure.role == WORKER,
            lasts(Tenure, day),
        )
        .order_by(col(Tenure.starts_on))
        .limit(1),
    ).first()
    if found is None:
        raise Refusal("seat.role_is_over", N_("This person no longer holds the role whose seat this is."))
    end: date | None = found.ends_on
    return end


ACTIONS: Final[Mapping[str, StepAction]] = {
    "enrol_on_clinical_committee": StepAction(enrol_on_clinical_committee, is_enrolled),
    "withdraw_from_clinical_committee": StepAction(withdraw_from_clinical_committee, is_withdrawn),
    "send_contact_lists": StepAction(send_contact_lists, contact_lists_are_written),
}
"""What a step of this protocol may name as its action, or as its undo."""
