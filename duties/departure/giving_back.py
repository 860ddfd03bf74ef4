"""What a departure took by itself is theirs again who stays after all: seats, what they act in, and invitations.

What was handed over to somebody stays there, and the departure's page says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Text, and_, cast, or_, select, update
from sqlmodel import Session

from duties import seat_holders
from duties.actors import Actor
from duties.declarations.declared import Bilingual
from duties.departure import gathering
from duties.here import local_day, many, program_of
from duties.holdings import seats
from duties.record import events
from models.base import refers, table_of
from models.committee import Committee, Seat, SeatHolder
from models.departure import Settlement
from models.meeting import Meeting, MeetingGuest
from models.program import Absence
from models.record import Event

_seat = table_of(Seat)
_holder = table_of(SeatHolder)
_committee = table_of(Committee)
_settlement = table_of(Settlement)
_absence = table_of(Absence)
_guest = table_of(MeetingGuest)
_meeting = table_of(Meeting)
_event = table_of(Event)

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class SeatOfAnother:
    """A seat that a departure took and that was not given back: what it is, and who is its principal now."""

    title: Bilingual
    holder_id: UUID | None


def give_back(session: Session, departure: Mapping[str, Any], *, by: Actor, at: datetime) -> None:
    """Give back what a departure that is called off had taken by itself, where it is nobody else's by now."""
    _give_seats(session, departure, by=by, at=at)
    _have_deputize_again(session, departure, by=by, at=at)
    if departure["ended_at"] is not None:
        _invite_again(session, departure, by=by, at=at)


def kept_by_others(session: Session, departure: Mapping[str, Any], on: date) -> list[SeatOfAnother]:
    """The seats that a departure took and that its person has not on a local day, nor from a later day on."""
    found = []
    for row in _taken(session, departure):
        others = seat_holders.holders_from(session, row["seat_id"], on)
        if any(one["person_id"] == departure["person_id"] for one in others):
            continue
        holder = next((one["person_id"] for one in others if one["kind"] == "principal"), None)
        committee = f"{row['committee_fr']}, ", f"{row['committee_en']}, "
        title = Bilingual(fr=committee[0] + row["title_fr"], en=committee[1] + row["title_en"])
        found.append(SeatOfAnother(title, holder))
    return found


def _give_seats(session: Session, departure: Mapping[str, Any], *, by: Actor, at: datetime) -> None:
    today = local_day(session, at)
    for row in _taken(session, departure):
        others = [
            one
            for one in seat_holders.holders_from(session, row["seat_id"], today)
            if one["person_id"] != departure["person_id"]
        ]
        if row["kind"] == "principal" and any(one["kind"] == "principal" for one in others):
            continue
        was = date.fromisoformat(row["was"]) if row["was"] else None
        if was is not None and was < today:
            continue
        for one in others:
            # Who stood in for them meanwhile does so no more: by the departure alone, and nobody had named them.
            if one["kind"] == "alternate" and _stood_in(departure, one):
                seat_holders.end_seat(session, one, today - _DAY, by=by, at=at)
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


def of_case(session: Session, case_id: UUID, on: date) -> list[SeatOfAnother]:
    """What `kept_by_others` says of a case's departure that was called off; nothing of another."""
    departure = gathering.departure_of(session, case_id)
    if departure is None or departure["called_off_at"] is None:
        return []
    return kept_by_others(session, departure, on)
