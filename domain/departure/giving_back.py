"""What a departure took by itself is theirs again who stays after all: seats, parts in follow-ups, and invitations.

So is what they act in. What was handed over to somebody stays there, and the departure's page says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Text, cast
from sqlmodel import Session, and_, or_

from domain.access import invitations
from domain.accompaniment import asked_today
from domain.declared.reading import Bilingual
from domain.departure import gathering
from domain.follow_ups import assigning
from domain.holdings import roles, seats
from domain.holdings.follow_ups import FOLLOW_UP, titled_part, without_a_follower
from domain.holdings.holding import Holding, goes_on
from domain.holdings.in_hand import holdings_of
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.rows import (
    SHAPE,
    also,
    changes,
    col,
    every,
    first,
    in_program,
    inside,
    joins,
    of,
    only,
    run,
    same,
    scalars,
    select,
    surely,
    value_of,
)
from domain.kernel.scope import local_day
from domain.people import seat_holders
from domain.record import events
from domain.roles.roles import never_began
from domain.terms.parts import PRIMARY
from models.committee import Committee, Seat, SeatHolder
from models.departure import Departure, Settlement
from models.follow_up import Assignment, FollowUp
from models.meeting import Meeting, MeetingGuest
from models.participant import Participant
from models.program import Absence, Tenure
from models.record import Event

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class OfAnother:
    """What a departure took and that was not given back: what it is, and who has it now; of a seat, its principal.

    Of a role that ends all the same `until` is its last day, while that is to come.
    """

    title: Bilingual
    holder_id: UUID | None
    href: str = ""
    until: date | None = None


@dataclass(frozen=True)
class Between:
    """Somebody else who holds a role until it is a person's again: to a last day, `first` where it is to come."""

    holder_id: UUID
    first: date | None
    last: date


@dataclass(frozen=True)
class Term:
    """The days of a role that somebody has: `first` where it is to come, `last` where an end is known.

    `before` says who holds it until then, the first one first: of a role with one holder.
    """

    first: date | None
    last: date | None
    before: Sequence[Between]


@dataclass(frozen=True)
class AfterAll:
    """How it stands, on a day, with what somebody has whose departure was called off.

    `in_hand` is what they have there; `again`, by kind and id, is what of it the departure had taken or was to end.
    `terms` are the days of each role among it, by appointment: they may hold one twice, with somebody else between.
    `seats`, `parts` and `roles` are what they have not again. `invited_anew` says that they cannot sign in before
    somebody invites them.
    """

    in_hand: Sequence[Holding]
    again: frozenset[tuple[str, UUID]]
    terms: Mapping[UUID, Term]
    seats: Sequence[OfAnother]
    parts: Sequence[OfAnother]
    roles: Sequence[OfAnother]
    invited_anew: bool


def give_back(session: Session, departure: Departure, *, by: Actor, at: datetime) -> None:
    """Give back what a departure that is called off had taken by itself, where it is nobody else's by now."""
    _give_seats(session, departure, by=by, at=at)
    _give_parts(session, departure, by=by, at=at)
    _have_deputize_again(session, departure, by=by, at=at)
    if departure.ended_at is not None:
        _invite_again(session, departure, by=by, at=at)


def kept_by_others(session: Session, departure: Departure, on: date) -> list[OfAnother]:
    """The seats that a departure took and that its person has not on a local day, nor from a later day on."""
    found = []
    for row, _ in _taken(session, departure):
        others = seat_holders.holders_from(session, row.seat_id, on)
        if any(held.person_id == departure.person_id for held in others):
            continue
        holder = next((held.person_id for held in others if held.kind == "principal"), None)
        committee = f"{row.committee_fr}, ", f"{row.committee_en}, "
        title = Bilingual(fr=committee[0] + row.title_fr, en=committee[1] + row.title_en)
        found.append(OfAnother(title, holder))
    return found


def after_all(session: Session, case_id: UUID, at: datetime) -> AfterAll | None:
    """What somebody has whose departure was called off; None of another, and of who has left all the same since."""
    departure = gathering.departure_of(session, case_id)
    if departure is None or departure.called_off_at is None:
        return None
    whose, place, today = departure.person_id, departure.organization_id, local_day(session, at)
    if not goes_on(session, whose, place, today - _DAY):
        return None
    others = _roles_of_others(session, departure, today)
    access = invitations.access_of(session, [whose], at=at)[whose]
    in_hand = holdings_of(session, whose, place, at)
    return AfterAll(
        in_hand=in_hand,
        again=_had_again(session, departure) - {(roles.TENURE, tenure_id) for tenure_id in others},
        terms={held.id: _term(session, held.id, today) for held in in_hand if held.kind == roles.TENURE},
        seats=kept_by_others(session, departure, today),
        parts=_parts_of_others(session, departure, today),
        roles=list(others.values()),
        invited_anew=departure.ended_at is not None and access.state == "none",
    )


def _term(session: Session, tenure_id: UUID, on: date) -> Term:
    """The days of a role that somebody holds on a local day, or is to, and who else holds it until they do."""
    held = first(session, of(Tenure).where(Tenure.id == tenure_id))
    assert held is not None  # noqa: S101 - it is in their hands
    before = every(
        session,
        of(Tenure)
        .where(
            Tenure.role == held.role,
            Tenure.organization_id == held.organization_id,
            Tenure.person_id != held.person_id,
            col(Tenure.single_holder),
            col(Tenure.ends_on) >= on,
            col(Tenure.ends_on) < held.starts_on,
            ~never_began(),
        )
        .order_by(col(Tenure.starts_on)),
    )

    def to_come(day: date) -> date | None:
        return day if day > on else None

    return Term(
        to_come(held.starts_on),
        held.ends_on,
        [Between(row.person_id, to_come(row.starts_on), surely(row.ends_on)) for row in before],
    )


def _had_again(session: Session, departure: Departure) -> frozenset[tuple[str, UUID]]:
    """What a departure was to end or had taken and its person has again, by kind and id."""
    whose, since = departure.person_id, departure.called_off_at
    parts = scalars(session, only(Assignment.id).where(Assignment.person_id == whose, Assignment.assigned_at == since))
    given = scalars(
        session,
        only(SeatHolder.id)
        .join(
            Event,
            and_(
                same(Event, SeatHolder),
                Event.subject_id == SeatHolder.seat_id,
                Event.verb == "seat.given",
                Event.at == since,
                inside(Event.facts)["person"].astext == cast(col(SeatHolder.person_id), Text),
            ),
        )
        .where(SeatHolder.person_id == whose, col(SeatHolder.withdrawn_at).is_(None)),
    )
    return frozenset(
        [
            *((roles.TENURE, UUID(one_of)) for one_of in departure.was_to_end),
            *((FOLLOW_UP, one_of) for one_of in parts),
            *((seats.SEAT, one_of) for one_of in given),
        ]
    )


def _roles_of_others(session: Session, departure: Departure, on: date) -> dict[UUID, OfAnother]:
    """The roles that a departure ended and its person does not hold from a local day on, by appointment: who does."""
    found = {}
    for key, was in departure.was_to_end.items():
        this = (in_program(Tenure), col(Tenure.id) == UUID(key))
        left = first(session, select(Tenure).where(*this))
        if left is None or left.ends_on is None or left.taken_back_at or left.ends_on.isoformat() == was:
            continue
        later = every(
            session,
            of(Tenure)
            .where(
                Tenure.role == left.role,
                Tenure.organization_id == left.organization_id,
                or_(col(Tenure.ends_on).is_(None), col(Tenure.ends_on) > max(departure.last_day, on - _DAY)),
                ~never_began(),
            )
            .order_by(col(Tenure.starts_on), col(Tenure.id)),
        )
        if any(held.person_id == departure.person_id for held in later):
            continue
        until = left.ends_on if left.ends_on >= on else None
        holder = later[0].person_id if later else None
        found[left.id] = OfAnother(roles.called(session, left.id), holder, until=until)
    return found


def _parts_of_others(session: Session, departure: Departure, on: date) -> list[OfAnother]:
    """The parts in follow-ups that a departure ended or handed over, and that its person has not on a local day."""
    found, seen = [], set()
    gone = or_(_ended_by(departure), _settled_as(departure, handed_over=True))
    for part in _parts(session, departure, gone):
        place = part.follow_up_id, part.kind
        if place in seen:
            continue  # it ended twice: they left, stayed, left again, and stayed
        seen.add(place)
        now = assigning.on_day(session, on, follow_up_ids=[part.follow_up_id])
        if any(held.person_id == departure.person_id for held in now):
            continue
        holder = next((held.person_id for held in now if held.kind == part.kind), None)
        title = titled_part(part.kind, part.number)
        found.append(OfAnother(title, holder, f"/follow-ups/{part.follow_up_id}"))
    return found


def _give_parts(session: Session, departure: Departure, *, by: Actor, at: datetime) -> None:
    """Give back the parts in follow-ups that nobody else has; one that a rule refuses is asked of the coordinator."""
    for part in _ended_parts(session, departure, without_a_follower()):
        try:
            with session.begin_nested():
                assigning.give_again(session, part.follow_up_id, departure.person_id, kind=part.kind, by=by, at=at)
        except Refusal:
            if part.kind == PRIMARY:
                assigning.keep_vacancy(session, part.follow_up_id, by=by, at=at)
            else:
                assigning.ask_for_a_second(session, part.follow_up_id, by=by, at=at)


def _ended_parts(session: Session, departure: Departure, *which: ColumnElement[bool]) -> list[_Part]:
    """The parts in follow-ups that ended with a last day of a departure, or by it: nobody took them over, as stated."""
    return _parts(session, departure, _ended_by(departure), *which)


def _ended_by(departure: Departure) -> ColumnElement[bool]:
    over = only(Event.at).where(Event.case_id == departure.case_id, Event.verb == "departure.last_day_over")
    return or_(col(Assignment.ended_at).in_(over), _settled_as(departure, handed_over=False))


def _settled_as(departure: Departure, *, handed_over: bool) -> ColumnElement[bool]:
    """The condition on a part that a departure settled it: somebody took it over, or it was left vacant by name."""
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


class _Part(Assignment):
    """A part in a follow-up, with the participant's number."""

    model_config = SHAPE
    number: str = surely(Participant.number)


def _parts(session: Session, departure: Departure, *which: ColumnElement[bool]) -> list[_Part]:
    """The parts that the leaver had at the organization in follow-ups that go on, those of which this holds."""
    return every(
        session,
        of(_Part)
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


def _give_seats(session: Session, departure: Departure, *, by: Actor, at: datetime) -> None:
    today = local_day(session, at)
    for row, was in _taken(session, departure):
        others = [
            held
            for held in seat_holders.holders_from(session, row.seat_id, today)
            if held.person_id != departure.person_id
        ]
        if row.kind == "principal" and any(held.kind == "principal" for held in others):
            continue
        if was is not None and was < today:
            continue
        for held in others:
            # Who stood in for them meanwhile does so no more: by the departure alone, and nobody had named them.
            if held.kind == "alternate" and _stood_in(departure, held):
                seat_holders.end_seat(session, held, today - _DAY, by=by, at=at)
        if row.withdrawn_at is None and surely(row.ends_on) >= today - _DAY:
            seat_holders.go_on(session, row, was, by=by, at=at)
        else:
            seat_holders.give_seat(
                session,
                row.seat_id,
                departure.person_id,
                kind=row.kind,
                starts_on=max(today, row.starts_on),
                ends_on=was,
                by=by,
                at=at,
                case_id=departure.case_id,
            )


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


class _Taken(SeatHolder):
    """A hold of a seat that ended, with the titles of the seat and its committee, and what the record tells of it."""

    model_config = SHAPE
    title_fr: str = also(Seat.title_fr)
    title_en: str = also(Seat.title_en)
    committee_fr: str = also(Committee.title_fr)
    committee_en: str = also(Committee.title_en)
    told: dict[str, Any] | None = also(value_of(_TOLD))


def _taken(session: Session, departure: Departure) -> list[tuple[_Taken, date | None]]:
    """The holds of seats of the organization that ended with the departure, each with its last day of before."""
    rows = every(
        session,
        of(_Taken)
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


def _stood_in(departure: Departure, holding: SeatHolder) -> bool:
    """Whether somebody was given a seat by the departure itself, as its last day was over."""
    return departure.ended_at is not None and bool(holding.recorded_at == departure.ended_at)


def _have_deputize_again(session: Session, departure: Departure, *, by: Actor, at: datetime) -> None:
    """They act again for who is absent, where nobody was named in their place."""
    rows = every(
        session,
        of(Absence)
        .join(Settlement, joins(Settlement.holding_id, Absence))
        .where(
            Settlement.case_id == departure.case_id,
            Settlement.kind == seats.DEPUTIZING,
            col(Settlement.successor_id).is_(None),
            col(Absence.deputy_id).is_(None),
            col(Absence.cancelled_at).is_(None),
            col(Absence.ends_on) >= local_day(session, at),
        ),
    )
    for row in rows:
        run(session, changes(Absence).where(Absence.id == row.id).values(deputy_id=departure.person_id))
        deputy = str(departure.person_id)
        events.write(session, "absence.deputy_changed", "person", row.person_id, by=by, at=at, deputy=deputy)
        asked_today.ask_who_acts_now(session, row.person_id, by=by, at=at)


def _invite_again(session: Session, departure: Departure, *, by: Actor, at: datetime) -> None:
    """The invitations without a seat that its last day took back stand again, to meetings that are still to come."""
    to_come = only(Meeting.id).where(Meeting.state == "planned", col(Meeting.starts_at) > at)
    again = scalars(
        session,
        changes(MeetingGuest)
        .where(
            MeetingGuest.person_id == departure.person_id,
            MeetingGuest.withdrawn_at == departure.ended_at,
            col(MeetingGuest.meeting_id).in_(to_come),
        )
        .values(withdrawn_at=None, withdrawn_by=None)
        .returning(col(MeetingGuest.meeting_id)),
    ).all()
    for meeting_id in sorted(again):
        person = str(departure.person_id)
        events.write(session, "guest.invited", "meeting", meeting_id, by=by, at=at, person=person)
