"""What a departure took by itself is theirs again who stays after all: seats, parts in follow-ups, and invitations.

So is what they act in. What was handed over to somebody stays there, and the departure's page says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Text, and_, cast, or_, select, update
from sqlmodel import Session

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
from domain.kernel.scope import local_day, many, one, program_of
from domain.people import seat_holders
from domain.record import events
from domain.roles.roles import never_began
from domain.terms.parts import PRIMARY
from models.base import refers, table_of
from models.committee import Committee, Seat, SeatHolder
from models.departure import Settlement
from models.follow_up import Assignment, FollowUp
from models.meeting import Meeting, MeetingGuest
from models.participant import Participant
from models.program import Absence, Tenure
from models.record import Event

_seat = table_of(Seat)
_holder = table_of(SeatHolder)
_committee = table_of(Committee)
_settlement = table_of(Settlement)
_absence = table_of(Absence)
_guest = table_of(MeetingGuest)
_meeting = table_of(Meeting)
_event = table_of(Event)
_assignment = table_of(Assignment)
_follow_up = table_of(FollowUp)
_participant = table_of(Participant)
_tenure = table_of(Tenure)

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


def give_back(session: Session, departure: Mapping[str, Any], *, by: Actor, at: datetime) -> None:
    """Give back what a departure that is called off had taken by itself, where it is nobody else's by now."""
    _give_seats(session, departure, by=by, at=at)
    _give_parts(session, departure, by=by, at=at)
    _have_deputize_again(session, departure, by=by, at=at)
    if departure["ended_at"] is not None:
        _invite_again(session, departure, by=by, at=at)


def kept_by_others(session: Session, departure: Mapping[str, Any], on: date) -> list[OfAnother]:
    """The seats that a departure took and that its person has not on a local day, nor from a later day on."""
    found = []
    for row in _taken(session, departure):
        others = seat_holders.holders_from(session, row["seat_id"], on)
        if any(held["person_id"] == departure["person_id"] for held in others):
            continue
        holder = next((held["person_id"] for held in others if held["kind"] == "principal"), None)
        committee = f"{row['committee_fr']}, ", f"{row['committee_en']}, "
        title = Bilingual(fr=committee[0] + row["title_fr"], en=committee[1] + row["title_en"])
        found.append(OfAnother(title, holder))
    return found


def after_all(session: Session, case_id: UUID, at: datetime) -> AfterAll | None:
    """What somebody has whose departure was called off; None of another, and of who has left all the same since."""
    departure = gathering.departure_of(session, case_id)
    if departure is None or departure["called_off_at"] is None:
        return None
    whose, place, today = departure["person_id"], departure["organization_id"], local_day(session, at)
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
        invited_anew=departure["ended_at"] is not None and access.state == "none",
    )


def _term(session: Session, tenure_id: UUID, on: date) -> Term:
    """The days of a role that somebody holds on a local day, or is to, and who else holds it until they do."""
    here = program_of(session)
    held = one(session, select(_tenure).where(_tenure.c.program_id == here, _tenure.c.id == tenure_id))
    assert held is not None  # noqa: S101 - it is in their hands
    before = many(
        session,
        select(_tenure.c.person_id, _tenure.c.starts_on, _tenure.c.ends_on)
        .where(
            _tenure.c.program_id == here,
            _tenure.c.role == held["role"],
            _tenure.c.organization_id == held["organization_id"],
            _tenure.c.person_id != held["person_id"],
            _tenure.c.single_holder,
            _tenure.c.ends_on >= on,
            _tenure.c.ends_on < held["starts_on"],
            ~never_began(),
        )
        .order_by(_tenure.c.starts_on),
    )

    def to_come(day: date) -> date | None:
        return day if day > on else None

    return Term(
        to_come(held["starts_on"]),
        held["ends_on"],
        [Between(row["person_id"], to_come(row["starts_on"]), row["ends_on"]) for row in before],
    )


def _had_again(session: Session, departure: Mapping[str, Any]) -> frozenset[tuple[str, UUID]]:
    """What a departure was to end or had taken and its person has again, by kind and id."""
    here, whose, since = program_of(session), departure["person_id"], departure["called_off_at"]
    parts = session.scalars(
        select(_assignment.c.id).where(
            _assignment.c.program_id == here, _assignment.c.person_id == whose, _assignment.c.assigned_at == since
        )
    )
    given = session.scalars(
        select(_holder.c.id)
        .join(
            _event,
            and_(
                _event.c.program_id == _holder.c.program_id,
                _event.c.subject_id == _holder.c.seat_id,
                _event.c.verb == "seat.given",
                _event.c.at == since,
                _event.c.facts["person"].astext == cast(_holder.c.person_id, Text),
            ),
        )
        .where(_holder.c.program_id == here, _holder.c.person_id == whose, _holder.c.withdrawn_at.is_(None))
    )
    return frozenset(
        [
            *((roles.TENURE, UUID(one_of)) for one_of in departure["was_to_end"]),
            *((FOLLOW_UP, one_of) for one_of in parts),
            *((seats.SEAT, one_of) for one_of in given),
        ]
    )


def _roles_of_others(session: Session, departure: Mapping[str, Any], on: date) -> dict[UUID, OfAnother]:
    """The roles that a departure ended and its person does not hold from a local day on, by appointment: who does."""
    found = {}
    for key, was in departure["was_to_end"].items():
        this = (_tenure.c.program_id == program_of(session), _tenure.c.id == UUID(key))
        left = one(session, select(_tenure).where(*this))
        if left is None or left["ends_on"] is None or left["taken_back_at"] or left["ends_on"].isoformat() == was:
            continue
        later = many(
            session,
            select(_tenure.c.person_id)
            .where(
                _tenure.c.program_id == program_of(session),
                _tenure.c.role == left["role"],
                _tenure.c.organization_id == left["organization_id"],
                or_(_tenure.c.ends_on.is_(None), _tenure.c.ends_on > max(departure["last_day"], on - _DAY)),
                ~never_began(),
            )
            .order_by(_tenure.c.starts_on, _tenure.c.id),
        )
        if any(held["person_id"] == departure["person_id"] for held in later):
            continue
        until = left["ends_on"] if left["ends_on"] >= on else None
        holder = later[0]["person_id"] if later else None
        found[left["id"]] = OfAnother(roles.called(session, left["id"]), holder, until=until)
    return found


def _parts_of_others(session: Session, departure: Mapping[str, Any], on: date) -> list[OfAnother]:
    """The parts in follow-ups that a departure ended or handed over, and that its person has not on a local day."""
    found, seen = [], set()
    gone = or_(_ended_by(session, departure), _settled_as(departure, handed_over=True))
    for part in _parts(session, departure, gone):
        place = part["follow_up_id"], part["kind"]
        if place in seen:
            continue  # it ended twice: they left, stayed, left again, and stayed
        seen.add(place)
        now = assigning.on_day(session, on, follow_up_ids=[part["follow_up_id"]])
        if any(held["person_id"] == departure["person_id"] for held in now):
            continue
        holder = next((held["person_id"] for held in now if held["kind"] == part["kind"]), None)
        title = titled_part(part["kind"], part["number"])
        found.append(OfAnother(title, holder, f"/follow-ups/{part['follow_up_id']}"))
    return found


def _give_parts(session: Session, departure: Mapping[str, Any], *, by: Actor, at: datetime) -> None:
    """Give back the parts in follow-ups that nobody else has; one that a rule refuses is asked of the coordinator."""
    for part in _ended_parts(session, departure, without_a_follower()):
        try:
            with session.begin_nested():
                assigning.give_again(
                    session, part["follow_up_id"], departure["person_id"], kind=part["kind"], by=by, at=at
                )
        except Refusal:
            if part["kind"] == PRIMARY:
                assigning.keep_vacancy(session, part["follow_up_id"], by=by, at=at)
            else:
                assigning.ask_for_a_second(session, part["follow_up_id"], by=by, at=at)


def _ended_parts(session: Session, departure: Mapping[str, Any], *which: ColumnElement[bool]) -> list[dict[str, Any]]:
    """The parts in follow-ups that ended with a last day of a departure, or by it: nobody took them over, as stated."""
    return _parts(session, departure, _ended_by(session, departure), *which)


def _ended_by(session: Session, departure: Mapping[str, Any]) -> ColumnElement[bool]:
    over = select(_event.c.at).where(
        _event.c.program_id == program_of(session),
        _event.c.case_id == departure["case_id"],
        _event.c.verb == "departure.last_day_over",
    )
    return or_(_assignment.c.ended_at.in_(over), _settled_as(departure, handed_over=False))


def _settled_as(departure: Mapping[str, Any], *, handed_over: bool) -> ColumnElement[bool]:
    """The condition on a part that a departure settled it: somebody took it over, or it was left vacant by name."""
    so = _settlement.c.successor_id.is_not(None) if handed_over else _settlement.c.ended_as == "left_vacant"
    return (
        select(_settlement.c.id)
        .where(
            _settlement.c.program_id == _assignment.c.program_id,
            _settlement.c.case_id == departure["case_id"],
            _settlement.c.kind == FOLLOW_UP,
            _settlement.c.holding_id == _assignment.c.id,
            so,
        )
        .exists()
    )


def _parts(session: Session, departure: Mapping[str, Any], *which: ColumnElement[bool]) -> list[dict[str, Any]]:
    """The parts that somebody had at the organization in follow-ups that go on, those of which this holds."""
    return many(
        session,
        select(_assignment.c.id, _assignment.c.kind, _assignment.c.follow_up_id, _participant.c.number)
        .join(_follow_up, refers(_assignment.c.follow_up_id, _follow_up))
        .join(_participant, refers(_follow_up.c.participant_id, _participant))
        .where(
            _assignment.c.program_id == program_of(session),
            _assignment.c.person_id == departure["person_id"],
            _assignment.c.organization_id == departure["organization_id"],
            _follow_up.c.state != "completed",
            *which,
        )
        .order_by(_assignment.c.follow_up_id, _assignment.c.kind),
    )


def _give_seats(session: Session, departure: Mapping[str, Any], *, by: Actor, at: datetime) -> None:
    today = local_day(session, at)
    for row in _taken(session, departure):
        others = [
            held
            for held in seat_holders.holders_from(session, row["seat_id"], today)
            if held["person_id"] != departure["person_id"]
        ]
        if row["kind"] == "principal" and any(held["kind"] == "principal" for held in others):
            continue
        was = date.fromisoformat(row["was"]) if row["was"] else None
        if was is not None and was < today:
            continue
        for held in others:
            # Who stood in for them meanwhile does so no more: by the departure alone, and nobody had named them.
            if held["kind"] == "alternate" and _stood_in(departure, held):
                seat_holders.end_seat(session, held, today - _DAY, by=by, at=at)
        if row["withdrawn_at"] is None and row["ends_on"] >= today - _DAY:
            seat_holders.go_on(session, row, was, by=by, at=at)
        else:
            first = max(today, row["starts_on"])
            seat_holders.give_seat(
                session,
                row["seat_id"],
                departure["person_id"],
                kind=row["kind"],
                starts_on=first,
                ends_on=was,
                by=by,
                at=at,
                case_id=departure["case_id"],
            )


def _taken(session: Session, departure: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The holds of seats of the organization that ended with the departure, with the last day of before as `was`."""
    told = (
        select(_event.c.facts)
        .where(
            _event.c.program_id == _holder.c.program_id,
            _event.c.subject_id == _holder.c.seat_id,
            _event.c.verb == "seat.left",
            _event.c.facts["person"].astext == cast(_holder.c.person_id, Text),
        )
        .order_by(_event.c.n.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = many(
        session,
        select(
            _holder,
            _seat.c.title_fr,
            _seat.c.title_en,
            _committee.c.title_fr.label("committee_fr"),
            _committee.c.title_en.label("committee_en"),
            told.label("told"),
        )
        .join(_seat, refers(_holder.c.seat_id, _seat))
        .join(_committee, refers(_seat.c.committee_id, _committee))
        .where(
            _holder.c.program_id == program_of(session),
            _holder.c.person_id == departure["person_id"],
            _seat.c.organization_id == departure["organization_id"],
            or_(
                and_(_holder.c.withdrawn_at.is_(None), _holder.c.ends_on == departure["last_day"]),
                and_(_holder.c.withdrawn_at.is_not(None), _holder.c.starts_on > departure["last_day"]),
            ),
        )
        .order_by(_holder.c.id),
    )
    found = []
    for row in rows:
        told_of: Mapping[str, Any] = row.pop("told") or {}
        if told_of.get("ends_on") == departure["last_day"].isoformat():
            found.append({**row, "was": told_of.get("was")})
    return found


def _stood_in(departure: Mapping[str, Any], holding: Mapping[str, Any]) -> bool:
    """Whether somebody was given a seat by the departure itself, as its last day was over."""
    return departure["ended_at"] is not None and bool(holding["recorded_at"] == departure["ended_at"])


def _have_deputize_again(session: Session, departure: Mapping[str, Any], *, by: Actor, at: datetime) -> None:
    """They act again for who is absent, where nobody was named in their place."""
    rows = many(
        session,
        select(_absence.c.id, _absence.c.person_id)
        .join(_settlement, refers(_settlement.c.holding_id, _absence))
        .where(
            _absence.c.program_id == program_of(session),
            _settlement.c.case_id == departure["case_id"],
            _settlement.c.kind == seats.DEPUTIZING,
            _settlement.c.successor_id.is_(None),
            _absence.c.deputy_id.is_(None),
            _absence.c.cancelled_at.is_(None),
            _absence.c.ends_on >= local_day(session, at),
        ),
    )
    for row in rows:
        session.execute(
            update(_absence)
            .where(_absence.c.program_id == program_of(session), _absence.c.id == row["id"])
            .values(deputy_id=departure["person_id"])
        )
        deputy = str(departure["person_id"])
        events.write(session, "absence.deputy_changed", "person", row["person_id"], by=by, at=at, deputy=deputy)
        asked_today.ask_who_acts_now(session, row["person_id"], by=by, at=at)


def _invite_again(session: Session, departure: Mapping[str, Any], *, by: Actor, at: datetime) -> None:
    """The invitations without a seat that its last day took back stand again, to meetings that are still to come."""
    to_come = select(_meeting.c.id).where(
        _meeting.c.program_id == program_of(session), _meeting.c.state == "planned", _meeting.c.starts_at > at
    )
    again = session.scalars(
        update(_guest)
        .where(
            _guest.c.program_id == program_of(session),
            _guest.c.person_id == departure["person_id"],
            _guest.c.withdrawn_at == departure["ended_at"],
            _guest.c.meeting_id.in_(to_come),
        )
        .values(withdrawn_at=None, withdrawn_by=None)
        .returning(_guest.c.meeting_id)
    ).all()
    for meeting_id in sorted(again):
        person = str(departure["person_id"])
        events.write(session, "guest.invited", "meeting", meeting_id, by=by, at=at, person=person)
