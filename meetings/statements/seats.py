"""A partner’s seats in its year: who held each, and how it was filled at the meetings that count."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlmodel import Session

from domain.declarations import stands
from domain.kernel import Span, col, every, of
from meetings.committees import ALTERNATE, PRINCIPAL, CommitteeSeat, Membership, committees, memberships
from meetings.documents.content import Both
from meetings.documents.statement import SeatYear
from meetings.statements.year import CoveredYear
from models.meeting import Meeting
from models.minutes import Attendance


def seats_of(session: Session, year: CoveredYear, people: Mapping[UUID, str]) -> Iterable[SeatYear]:
    """Each of the organization's seats that stood on some covered day, on each committee that has it.

    A committee that is made of others is told of where it met.
    """
    named, sittings = committees(session), _sittings(session, year)
    found = []
    for committee_id, members in memberships(session).items():
        row, met = named[committee_id], sittings.get(committee_id, [])
        if row.derived_from and not met:
            continue
        for seat in members.seats:
            if seat.organization_id == year.organization_id and year.touches(_stands(seat)):
                title = Both(fr=row.title_fr, en=row.title_en)
                found.append(
                    _seat_year(title, seat, members, [one for one in met if stands(seat, one.on)], year, people)
                )
    return sorted(found, key=lambda one: (one.committee.fr, one.seat.fr))


@dataclass(frozen=True)
class _Sitting:
    """A meeting on a covered day, and how its seats were filled."""

    on: date
    state: str
    quorate: bool | None
    filled: Mapping[UUID, str]

    @property
    def counts(self) -> bool:
        """Whether it was held, and not known to have been without its quorum."""
        return self.state == "held" and self.quorate is not False

    @property
    def is_no_occasion(self) -> bool:
        """Whether it was cancelled, or adjourned without its quorum."""
        return self.state == "cancelled" or (self.state == "held" and self.quorate is False)

    def is_open(self, on: date) -> bool:
        """Whether its day has passed and nobody has said yet what became of it."""
        return self.state in ("planned", "under_way") and self.on < on


def _sittings(session: Session, year: CoveredYear) -> dict[UUID, list[_Sitting]]:
    covered = of(Meeting).where(
        col(Meeting.starts) >= datetime.combine(year.first, datetime.min.time()),
        col(Meeting.starts) < datetime.combine(year.last + timedelta(days=1), datetime.min.time()),
    )
    meetings = every(session, covered.order_by(col(Meeting.starts_at)))
    filled = filled_at(session, meetings)
    found: dict[UUID, list[_Sitting]] = defaultdict(list)
    for row in meetings:
        day = row.starts.date()
        if year.holds(day):
            found[row.committee_id].append(_Sitting(day, row.state, row.quorate, filled[row.id]))
    return found


def filled_at(session: Session, meetings: Iterable[Meeting]) -> Mapping[UUID, dict[UUID, str]]:
    """How the seats were filled at each of these meetings."""
    filled: dict[UUID, dict[UUID, str]] = defaultdict(dict)
    for one in every(session, of(Attendance).where(col(Attendance.meeting_id).in_([row.id for row in meetings]))):
        filled[one.meeting_id][one.seat_id] = one.state
    return filled


def _seat_year(
    committee: Both,
    seat: CommitteeSeat,
    members: Membership,
    met: Sequence[_Sitting],
    year: CoveredYear,
    people: Mapping[UUID, str],
) -> SeatYear:
    filled = [one.filled.get(seat.id, "unrecorded") for one in met if one.counts]
    return SeatYear(
        committee=committee,
        seat=Both(fr=seat.title_fr, en=seat.title_en),
        principals=_holding(PRINCIPAL, seat, members, year, people),
        alternates=_holding(ALTERNATE, seat, members, year, people),
        held=len(filled),
        sat=filled.count("present") + filled.count("remote"),
        alternate=filled.count("alternate"),
        excused=filled.count("excused"),
        absent=filled.count("absent"),
        unrecorded=filled.count("unrecorded") + sum(one.is_open(year.on) for one in met),
        not_counted=sum(one.is_no_occasion for one in met),
    )


def _holding(
    kind: str, seat: CommitteeSeat, members: Membership, year: CoveredYear, people: Mapping[UUID, str]
) -> tuple[str, ...]:
    """Who held the seat in the year, or could stand in there."""
    held_by = [
        one.person_id
        for one in members.holdings.get(seat.id, ())
        if one.kind == kind and year.touches(Span(one.starts_on, one.ends_on))
    ]
    return tuple(people[person] for person in dict.fromkeys(held_by))


def _stands(seat: CommitteeSeat) -> Span:
    return Span(seat.starts_on or date.min, seat.ends_on)
