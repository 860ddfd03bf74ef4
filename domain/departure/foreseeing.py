"""What ending a role would do, said before it is done: the same act, done and taken back, so that it holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import or_, select
from sqlmodel import Session

from domain.declared.reading import Bilingual
from domain.departure import departures, ending, gathering, unopened
from domain.holdings import roles
from domain.holdings.holding import Holding, goes_on
from domain.kernel.actors import Actor
from domain.kernel.scope import local_day, many, moments_of, one, program_of
from domain.people import seat_holders
from domain.record import events
from domain.roles.roles import never_began
from models.base import refers, table_of
from models.casework import Case, ProtocolVersion
from models.committee import Committee, Seat
from models.program import Tenure

_tenure = table_of(Tenure)
_case = table_of(Case)
_protocol = table_of(ProtocolVersion)
_seat = table_of(Seat)
_committee = table_of(Committee)

#: A line of the record that says that somebody has a seat no more, or has it now.
_LEFT: Final = "seat.left"
_GIVEN: Final = "seat.given"


@dataclass(frozen=True)
class CalledOff:
    """A case that would be cancelled with the end of a role: what welcomed the person there."""

    id: UUID
    title: Bilingual


@dataclass(frozen=True)
class SeatLeft:
    """A seat that would end, and who would sit for it from the day after: who is to, or its alternate of then."""

    title: Bilingual
    stands_in: UUID | None


@dataclass(frozen=True)
class Foreseen:
    """What ending a role on a last day does, at once and on the day after.

    `opens` says that the person's departure opens, and `opens_on` on which day it would by itself, where that is later;
    `is_open` that one is under way. `in_hand` is what somebody then has to take over, or whose end is to be stated.
    `stays` says that they hold another role there, `loses_access` that they hold none anywhere once the day is over.
    `vacant_on` is the first day on which nobody holds the role there, where nobody follows. `told` are those who get a
    letter at once. `never_begins` says that the appointment is taken back: `ends_on` is then the day before its first.
    """

    title: Bilingual
    ends_on: date
    never_begins: bool
    was: date | None
    opens: bool
    opens_on: date | None
    is_open: bool
    in_hand: tuple[Holding, ...]
    called_off: tuple[CalledOff, ...]
    seats: tuple[SeatLeft, ...]
    told: tuple[UUID, ...]
    stays: bool
    loses_access: bool
    vacant_on: date | None


def foresee_end(
    session: Session, tenure_id: UUID, *, ends_on: date, by: Actor, at: datetime, seen: int | None = None
) -> Foreseen:
    """What `departures.end_role` would do with the same arguments, and the day after it. Nothing is kept.

    Raises Refusal where that does.
    """
    held = one(session, select(_tenure).where(_tenure.c.program_id == program_of(session), _tenure.c.id == tenure_id))
    is_open = held is not None and _is_open(session, held)
    never_begins = held is not None and ends_on < held["starts_on"]
    yesterday = local_day(session, at) - timedelta(days=1)
    if held is not None and never_begins:
        ends_on = held["starts_on"] - timedelta(days=1)
    whole = session.begin_nested()
    before = len(events.written(session))
    try:
        case_id = departures.end_role(session, tenure_id, ends_on=ends_on, by=by, at=at, seen=seen)
        assert held is not None  # noqa: S101 - else there was nothing to end
        told = _told(session, before)
        if case_id is not None:
            in_hand = _asked_for(session, case_id, at)
            _end_the_day(session, case_id, ends_on, by=by, at=at)
        else:
            in_hand = ()
        lines = events.written(session)[before:]
        found = Foreseen(
            title=roles.called(session, tenure_id),
            ends_on=ends_on,
            never_begins=never_begins,
            was=held["ends_on"],
            opens=case_id is not None,
            opens_on=_opens_on(session, held, ends_on, at) if case_id is None and not is_open else None,
            is_open=is_open,
            in_hand=in_hand,
            called_off=_called_off(session, lines),
            seats=_seats(session, lines, held["person_id"], ends_on + timedelta(days=1)),
            told=told,
            stays=goes_on(session, held["person_id"], held["organization_id"], ends_on),
            loses_access=not _holds_anything(
                session, held["person_id"], min(ends_on, yesterday) if never_begins else ends_on
            ),
            vacant_on=_vacant_on(session, held, ends_on),
        )
    finally:
        whole.rollback()
    return found


def _asked_for(session: Session, case_id: UUID, at: datetime) -> tuple[Holding, ...]:
    """What the departure that just opened asks somebody to take over, or to end."""
    case = one(session, select(_case).where(_case.c.program_id == program_of(session), _case.c.id == case_id))
    assert case is not None  # noqa: S101 - it was opened a moment ago
    return tuple(gathering.left(session, case, at))


def _end_the_day(session: Session, case_id: UUID, ends_on: date, *, by: Actor, at: datetime) -> None:
    """Do what the worker does on the day after, where that is still to come."""
    departure = gathering.departure_of(session, case_id)
    if departure is None or departure["ended_at"] is not None:
        return
    _, after = moments_of(session, ends_on)
    ending.end_departure(session, departure["id"], by=by, at=max(after, at))


def _told(session: Session, before: int) -> tuple[UUID, ...]:
    """Who was written to since, each once."""
    people = [
        UUID(str(line.facts["person"])) for line in events.written(session)[before:] if line.verb == "notice.written"
    ]
    return tuple(dict.fromkeys(people))


def _called_off(session: Session, lines: tuple[events.Line, ...]) -> tuple[CalledOff, ...]:
    cancelled = [line.subject_id for line in lines if line.verb == "case.cancelled"]
    rows = many(
        session,
        select(_case.c.id, _protocol.c.title_fr, _protocol.c.title_en)
        .join(_protocol, refers(_case.c.protocol_version_id, _protocol))
        .where(_case.c.program_id == program_of(session), _case.c.id.in_(cancelled))
        .order_by(_case.c.opened_at, _case.c.id),
    )
    return tuple(CalledOff(row["id"], Bilingual(fr=row["title_fr"], en=row["title_en"])) for row in rows)


def _seats(session: Session, lines: tuple[events.Line, ...], leaver_id: UUID, after: date) -> tuple[SeatLeft, ...]:
    left = list(dict.fromkeys(line.subject_id for line in lines if line.verb == _LEFT and line.kind == "seat"))
    given = {line.subject_id: line.facts["person"] for line in lines if line.verb == _GIVEN}
    rows = many(
        session,
        select(
            _seat.c.id,
            _seat.c.title_fr,
            _seat.c.title_en,
            _committee.c.title_fr.label("of_fr"),
            _committee.c.title_en.label("of_en"),
        )
        .join(_committee, refers(_seat.c.committee_id, _committee))
        .where(_seat.c.program_id == program_of(session), _seat.c.id.in_(left))
        .order_by(_committee.c.key, _seat.c.key),
    )
    return tuple(
        SeatLeft(
            Bilingual(fr=f"{row['of_fr']} – {row['title_fr']}", en=f"{row['of_en']} – {row['title_en']}"),
            UUID(str(given[row["id"]])) if row["id"] in given else _sits_on(session, row["id"], after, leaver_id),
        )
        for row in rows
    )


def _sits_on(session: Session, seat_id: UUID, day: date, leaver_id: UUID) -> UUID | None:
    """Who besides the leaver sits for a seat on a day, its principal before its alternates."""
    there = [
        row
        for row in seat_holders.holders_from(session, seat_id, day)
        if row["starts_on"] <= day and row["person_id"] != leaver_id
    ]
    first = min(
        there, key=lambda row: (row["kind"] != "principal", row["starts_on"], str(row["person_id"])), default=None
    )
    return first["person_id"] if first is not None else None


def _opens_on(session: Session, held: dict[str, Any], ends_on: date, at: datetime) -> date | None:
    """The day on which the person's departure will open by itself, where this is their last role there."""
    if goes_on(session, held["person_id"], held["organization_id"], ends_on):
        return None
    day = ends_on - unopened.NOTICE
    return day if day > local_day(session, at) else None


def _is_open(session: Session, held: dict[str, Any]) -> bool:
    """Whether a departure of the person from there was under way already."""
    found = select(_tenure.c.id).where(
        _tenure.c.program_id == program_of(session), _tenure.c.id == held["id"], unopened.is_seen_to()
    )
    return session.scalar(found) is not None


def _holds_anything(session: Session, person_id: UUID, ends_on: date) -> bool:
    return (
        session.scalar(
            select(_tenure.c.id)
            .where(
                _tenure.c.program_id == program_of(session),
                _tenure.c.person_id == person_id,
                or_(_tenure.c.ends_on.is_(None), _tenure.c.ends_on > ends_on),
                ~never_began(),
            )
            .limit(1)
        )
        is not None
    )


def _vacant_on(session: Session, held: dict[str, Any], ends_on: date) -> date | None:
    """The first day on which nobody holds the role there any more, where nobody is to hold it after this one."""
    follows = session.scalar(
        select(_tenure.c.id)
        .where(
            _tenure.c.program_id == program_of(session),
            _tenure.c.role == held["role"],
            _tenure.c.organization_id == held["organization_id"],
            or_(_tenure.c.ends_on.is_(None), _tenure.c.ends_on > ends_on),
            ~never_began(),
        )
        .limit(1)
    )
    return None if follows is not None else ends_on + timedelta(days=1)
