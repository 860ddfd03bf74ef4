"""Foresees what ending a role would do: the same act is done and rolled back, so that it is true."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.declared import Bilingual
from domain.departure import departures, ending, gathering, unopened
from domain.departure.departure_row import departure_of
from domain.holdings import Holding, goes_on, roles
from domain.kernel import Actor, col, first, joins, lasts_beyond, local_day, moments_of, of, only, scalar, tuples
from domain.people import seat_holders
from domain.record import events
from domain.roles import never_began
from models.casework import Case, ProtocolVersion
from models.committee import Committee, Seat
from models.program import Tenure

#: A line of the record that says that a person no longer has a seat, or has it now.
_LEFT: Final = "seat.left"
_GIVEN: Final = "seat.given"
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class CalledOff:
    """A case that would be cancelled with the end of a role: the person's onboarding there."""

    id: UUID
    title: Bilingual


@dataclass(frozen=True)
class SeatLeft:
    """A seat that would end, and who would sit on it from the day after: a successor, or its alternate of that day."""

    title: Bilingual
    stands_in: UUID | None


@dataclass(frozen=True)
class Foreseen:
    """What ending a role on a last day does, at once and on the day after.

    - `opens` is whether the person's departure opens; `is_open` whether one is under way.
    - `opens_on` is the day on which it would open automatically, where that is later.
    - `in_hand` is what is then to be taken over, or whose end is to be stated.
    - `stays` is whether they hold another role there; `loses_access` whether they hold none anywhere after the day.
    - `vacant_on` is the first day on which the role there is vacant, where there is no successor.
    - `told` are those who get a letter at once.
    - `never_begins` is whether the appointment is withdrawn: `ends_on` is then the day before its first.
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
    """What `departures.end_role` would do with the same arguments, and the day after it. Nothing is written.

    Raises Refusal where that does.
    """
    held = first(session, of(Tenure).where(Tenure.id == tenure_id))
    is_open = held is not None and _is_open(session, held)
    never_begins = held is not None and ends_on < held.starts_on
    yesterday = local_day(session, at) - _DAY
    if held is not None and never_begins:
        ends_on = held.starts_on - _DAY
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
            was=held.ends_on,
            opens=case_id is not None,
            opens_on=_opens_on(session, held, ends_on, at) if case_id is None and not is_open else None,
            is_open=is_open,
            in_hand=in_hand,
            called_off=_called_off(session, lines),
            seats=_seats(session, lines, held.person_id, ends_on + _DAY),
            told=told,
            stays=goes_on(session, held.person_id, held.organization_id, ends_on),
            loses_access=not _holds_anything(
                session, held.person_id, min(ends_on, yesterday) if never_begins else ends_on
            ),
            vacant_on=_vacant_on(session, held, ends_on),
        )
    finally:
        whole.rollback()
    return found


def _asked_for(session: Session, case_id: UUID, at: datetime) -> tuple[Holding, ...]:
    """What the departure that just opened asks to be taken over, or to be ended."""
    case = first(session, of(Case).where(Case.id == case_id))
    assert case is not None  # noqa: S101 - it was opened a moment ago
    return tuple(gathering.left(session, case, at))


def _end_the_day(session: Session, case_id: UUID, ends_on: date, *, by: Actor, at: datetime) -> None:
    """Do what the worker does on the day after, where that day is still to come."""
    departure = departure_of(session, case_id)
    if departure is None or departure.ended_at is not None:
        return
    _, after = moments_of(session, ends_on)
    ending.end_departure(session, departure.id, by=by, at=max(after, at))


def _told(session: Session, before: int) -> tuple[UUID, ...]:
    """Those who were written to since, each once."""
    people = [
        UUID(str(line.facts["person"])) for line in events.written(session)[before:] if line.verb == "notice.written"
    ]
    return tuple(dict.fromkeys(people))


def _called_off(session: Session, lines: tuple[events.EventLine, ...]) -> tuple[CalledOff, ...]:
    cancelled = [line.subject_id for line in lines if line.verb == "case.cancelled"]
    rows = tuples(
        session,
        only(Case.id, ProtocolVersion.title_fr, ProtocolVersion.title_en)
        .join(ProtocolVersion, joins(Case.protocol_version_id, ProtocolVersion))
        .where(col(Case.id).in_(cancelled))
        .order_by(col(Case.opened_at), col(Case.id)),
    )
    return tuple(CalledOff(case_id, Bilingual(fr=fr, en=en)) for case_id, fr, en in rows)


def _seats(session: Session, lines: tuple[events.EventLine, ...], leaver_id: UUID, after: date) -> tuple[SeatLeft, ...]:
    left = list(dict.fromkeys(line.subject_id for line in lines if line.verb == _LEFT and line.kind == "seat"))
    given = {line.subject_id: line.facts["person"] for line in lines if line.verb == _GIVEN}
    rows = tuples(
        session,
        only(Seat.id, Seat.title_fr, Seat.title_en, Committee.title_fr, Committee.title_en)
        .join(Committee, joins(Seat.committee_id, Committee))
        .where(col(Seat.id).in_(left))
        .order_by(col(Committee.key), col(Seat.key)),
    )
    return tuple(
        SeatLeft(
            Bilingual(fr=f"{of_fr} – {fr}", en=f"{of_en} – {en}"),
            UUID(str(given[seat_id])) if seat_id in given else _sits_on(session, seat_id, after, leaver_id),
        )
        for seat_id, fr, en, of_fr, of_en in rows
    )


def _sits_on(session: Session, seat_id: UUID, day: date, leaver_id: UUID) -> UUID | None:
    """Those besides the leaver who sit on a seat on a day, its principal before its alternates."""
    there = [
        row
        for row in seat_holders.holders_from(session, seat_id, day)
        if row.starts_on <= day and row.person_id != leaver_id
    ]
    first = min(there, key=lambda row: (row.kind != "principal", row.starts_on, str(row.person_id)), default=None)
    return first.person_id if first is not None else None


def _opens_on(session: Session, held: Tenure, ends_on: date, at: datetime) -> date | None:
    """The day on which the person's departure will open automatically, where this is their last role there."""
    if goes_on(session, held.person_id, held.organization_id, ends_on):
        return None
    day = ends_on - unopened.NOTICE
    return day if day > local_day(session, at) else None


def _is_open(session: Session, held: Tenure) -> bool:
    """Whether a departure of the person from there was under way already."""
    found = only(Tenure.id).where(Tenure.id == held.id, unopened.is_seen_to())
    return scalar(session, found) is not None


def _holds_anything(session: Session, person_id: UUID, ends_on: date) -> bool:
    """Whether a person holds a role after a last day, or is to hold one."""
    later = only(Tenure.id).where(Tenure.person_id == person_id, lasts_beyond(Tenure, ends_on), ~never_began())
    return scalar(session, later.limit(1)) is not None


def _vacant_on(session: Session, held: Tenure, ends_on: date) -> date | None:
    """The first day on which the role there is vacant, where no one is to hold it after this one."""
    return None if roles.terms_beyond(session, held, ends_on) else ends_on + _DAY
