"""Who sat in a meeting, seat by seat, and whether the committee had its quorum at a moment.

A seat whose attendance was never recorded is "unrecorded", and never absent. What was recorded is corrected in place,
also after the meeting was held and its minutes were approved: the record keeps what it was before, and the minutes
stay.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Date, cast
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, and_, or_
from sqlmodel.sql.expression import SelectOfScalar

from domain.declarations import stands
from domain.kernel import (
    Actor,
    Refusal,
    add_row,
    col,
    every,
    first,
    joins,
    lasts,
    of,
    only,
    program_of,
    rewrite,
    run,
    same,
    scalar,
    scalars,
    select,
    tuples,
)
from domain.loading import last_loaded
from domain.record import events
from domain.roles import standing as roles_on
from locales import N_
from meetings import answers, quorum
from meetings.committees import ALTERNATE, PRINCIPAL, CommitteeSeat, Membership, committees, membership
from meetings.local_times import local_of, written
from meetings.locking import changed_meanwhile, lock_meeting, read_meeting, write_meeting
from meetings.wording import when_in_both
from models.committee import Seat, SeatHolder
from models.meeting import Meeting
from models.minutes import ATTENDED, Attendance, QuorumStanding

UNRECORDED: Final = ATTENDED[0]
#: So long before a meeting sits a person may have arrived.
GRACE: Final = timedelta(minutes=5)


@dataclass(frozen=True)
class Attended:
    """How one seat was filled at a meeting. `expected` are its principals on that day; version 0: no row yet."""

    seat: CommitteeSeat
    state: str = UNRECORDED
    person_id: UUID | None = None
    is_remote: bool = False
    arrived_at: datetime | None = None
    left_at: datetime | None = None
    recorded_at: datetime | None = None
    recorded_by: UUID | None = None
    version: int = 0
    expected: tuple[UUID, ...] = ()

    @property
    def filled(self) -> quorum.Filled:
        """It as the quorum counts it."""
        return quorum.Filled(self.seat.id, self.state, self.arrived_at, self.left_at)


_OF_ITS_ROW: Final = tuple(one.name for one in fields(Attended) if one.name not in ("seat", "expected"))


def attendance_of(session: Session, meeting_id: UUID) -> tuple[Attended, ...]:
    """How each seat was filled: those that exist on the day, and any other that was recorded. Raises Refusal."""
    meeting = read_meeting(session, meeting_id)
    seats = membership(session, meeting.committee_id)
    return tuple(_attended(session, meeting, seats))


def sits_on(session: Session, seats: Membership, person_id: UUID, day: date) -> dict[UUID, tuple[CommitteeSeat, ...]]:
    """By meeting of the committee under way on a day, the seats on which a person sits.

    As far as it is recorded of that meeting by now: not a seat that was left again. Where nothing is recorded of a
    seat, its holder is taken to sit there, as principal or as alternate, unless they are away that day. A meeting that
    was never closed, or that is opened afterwards to record what happened, is of another day: no one sits in it.
    """
    return sits_by(filled_on(session, seats.committee_id, day), seats, person_id, day)


class FilledSeat(NamedTuple):
    """A seat of a meeting under way as it is recorded by now; a meeting of which nothing is has one line without."""

    meeting_id: UUID
    seat_id: UUID | None
    state: str | None
    person_id: UUID | None
    left_at: datetime | None


def filled_on(session: Session, committee_id: UUID, day: date) -> list[FilledSeat]:
    """The seats of the committee's meetings under way on a day, as `sits_by` tells of each person."""
    return [
        FilledSeat(*row)
        for row in tuples(
            session,
            only(Meeting.id, Attendance.seat_id, Attendance.state, Attendance.person_id, Attendance.left_at)
            .select_from(Meeting)
            .outerjoin(Attendance, joins(Attendance.meeting_id, Meeting))
            .where(under_way_on(committee_id, day)),
        )
    ]


def sits_by(
    rows: Iterable[FilledSeat], seats: Membership, person_id: UUID, day: date
) -> dict[UUID, tuple[CommitteeSeat, ...]]:
    """As `sits_on`, of what `filled_on` found: for several people it is read once."""
    holds = holds_on(seats, person_id, day)
    recorded: dict[UUID, dict[UUID, bool]] = defaultdict(dict)
    for row in rows:
        of_meeting = recorded[row.meeting_id]
        if row.seat_id is not None and row.state not in (None, UNRECORDED):
            of_meeting[row.seat_id] = row.person_id == person_id and row.left_at is None
    return {
        meeting_id: tuple(seat for seat in seats.seats if sits.get(seat.id, seat.id in holds))
        for meeting_id, sits in recorded.items()
    }


def holds_on(seats: Membership, person_id: UUID, day: date) -> frozenset[UUID]:
    """The seats that a person holds on a day, as principal or as alternate; none while they are away."""
    held = seats.seats_held(person_id, day) if seats.away(person_id, day) is None else []
    return frozenset(seat.id for seat in held)


def under_way_on(committee_id: UUID | None, day: date) -> Any:
    """The meetings of a committee that are under way on their own local day, as a condition."""
    return and_(
        Meeting.committee_id == committee_id, Meeting.state == "under_way", cast(col(Meeting.starts), Date) == day
    )


def sat_after(session: Session, person_id: UUID, organization_id: UUID, last_day: date) -> list[Meeting]:
    """The meetings at which a person is on record as present for an organization that they had left by then.

    Who reports an earlier last day than was known contradicts them: one of the two is to be corrected.
    """
    there = (
        select(col(Meeting.id))
        .join(Attendance, joins(Attendance.meeting_id, Meeting))
        .join(Seat, joins(Attendance.seat_id, Seat))
        .where(
            Attendance.person_id == person_id,
            Seat.organization_id == organization_id,
            cast(col(Meeting.starts), Date) > last_day,
        )
    )
    return every(session, of(Meeting).where(col(Meeting.id).in_(there)).order_by(col(Meeting.starts)))


def quorum_now(session: Session, meeting_id: UUID, at: datetime, *, without: UUID | None = None) -> QuorumStanding:
    """How the committee stands against its quorum at the moment `at`, as the attendance is recorded by now.

    `without` the votes of an organization, where that is told.
    """
    return _standings(session, meeting_id, without=without)(at)


def fullest(session: Session, meeting_id: UUID, *, at_best: bool = False) -> QuorumStanding:
    """How the committee stood against its quorum when most seats were filled: at the beginning, or once some came.

    Only while it sat, as a decision could have been taken then. `at_best`, had every principal come of whose seat
    nothing is recorded.
    """
    meeting = read_meeting(session, meeting_id)
    begins = begins_at(meeting)
    came = [one.arrived_at for one in attendance_of(session, meeting_id) if one.arrived_at is not None]
    later = [one for one in (meeting.starts_at, *came) if one > begins]
    stood = _standings(session, meeting_id, at_best=at_best)
    moments = sorted({begins, *(one for one in later if meeting.closed_at is None or one <= meeting.closed_at)})
    return max(map(stood, moments), key=lambda one: (one.is_met, one.seats_present))


def begins_at(meeting: Meeting) -> datetime:
    """The moment from which a meeting sits: its hour, or the minute in which it was opened where that is earlier."""
    return min(meeting.starts_at, (meeting.opened_at or meeting.starts_at).replace(second=0, microsecond=0))


def had_quorum(session: Session, meeting_id: UUID) -> bool | None:
    """Whether a meeting ever had its quorum; None where seats without a record could still make it."""
    if fullest(session, meeting_id).is_met:
        return True
    return None if fullest(session, meeting_id, at_best=True).is_met else False


def tell_quorums(session: Session) -> None:
    """Say of each past meeting whether it had its quorum, where that was unknown and can be told by now.

    Nothing was kept of it for meetings that were held before the program did. A meeting without a quorum is looked at
    again where a seat without a record was found to have had a holder that day, who may have come.
    """
    rows = every(
        session,
        of(Meeting)
        .where(
            Meeting.state == "held",
            or_(col(Meeting.quorate).is_(None), and_(~col(Meeting.quorate), _seated_since().exists())),
        )
        .order_by(col(Meeting.id))
        .with_for_update(),
    )
    for row in rows:
        _look_at_quorum(session, row)


def _look_at_quorum(session: Session, meeting: Meeting) -> None:
    quorate = had_quorum(session, meeting.id)
    if quorate != meeting.quorate:
        write_meeting(session, meeting, quorate=quorate)


def _seated_since() -> SelectOfScalar[UUID]:
    """People who were given a seat of a meeting's day after the meeting, where the seat has no record."""
    day = cast(col(Meeting.starts), Date)
    return (
        select(SeatHolder.id)
        .join(Attendance, and_(same(Attendance, SeatHolder), Attendance.seat_id == SeatHolder.seat_id))
        .where(
            joins(Attendance.meeting_id, Meeting),
            Attendance.state == UNRECORDED,
            SeatHolder.kind == PRINCIPAL,
            col(SeatHolder.withdrawn_at).is_(None),
            col(SeatHolder.recorded_at) > col(Meeting.closed_at),
            col(SeatHolder.starts_on) <= day,
            lasts(SeatHolder, day),
        )
    )


def _standings(
    session: Session, meeting_id: UUID, *, at_best: bool = False, without: UUID | None = None
) -> Callable[[datetime], QuorumStanding]:
    """How the committee stands at a moment; `at_best` as in `fullest`, `without` as in `quorum_now`."""
    meeting = read_meeting(session, meeting_id)
    seats = membership(session, meeting.committee_id)
    rule = quorum.rule_of(committees(session)[meeting.committee_id].quorum)
    attended = [
        quorum.Filled(one.seat.id, "present") if at_best and one.state == UNRECORDED and one.expected else one.filled
        for one in _attended(session, meeting, seats)
    ]
    of_day = [
        seat
        for seat in seats.seats_on(meeting.starts.date())
        if without is None or not seat.voting or seat.organization_id != without
    ]
    return lambda at: quorum.standing(rule, of_day, attended, at)


def record(
    session: Session,
    meeting_id: UUID,
    seat_id: UUID,
    state: str,
    *,
    person_id: UUID | None = None,
    is_remote: bool = False,
    arrived_at: datetime | None = None,
    left_at: datetime | None = None,
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> int:
    """Say how a seat was filled, or correct it, and return the version that its row is now. Raises Refusal.

    `state` is one of models.minutes.ATTENDED. A principal is "present" or "remote", and is meant where no `person_id`
    is given; a person in a principal's place is "alternate", with `is_remote` from elsewhere. `arrived_at` and
    `left_at`, aware, are for a person who came later or left before the end. `seen` is the version that was looked at,
    0 for a seat without one.
    """
    meeting = lock_meeting(session, meeting_id)
    if meeting.state not in ("under_way", "held"):
        raise Refusal("attendance.not_begun", N_("Attendance is recorded once the meeting is opened."))
    if state not in ATTENDED:
        raise Refusal("attendance.state", N_("Choose one of the attendance options offered for this seat."))
    seats = membership(session, meeting.committee_id)
    before = first(session, of(Attendance).where(Attendance.meeting_id == meeting_id, Attendance.seat_id == seat_id))
    seat = _seat_of(seats, seat_id, meeting.starts.date(), is_recorded=before is not None)
    was = before or _unrecorded(session, meeting_id, seat_id, at)
    if seen not in (None, was.version):
        raise changed_meanwhile("attendance")
    person = _who_sits(session, seats, seat, meeting.starts.date(), state, person_id)
    _refuse_two_seats(session, meeting_id, seat, state, person)
    arrived_at, left_at = _times(meeting, state, arrived_at, left_at, at)
    if before is None:
        add_row(session, was)
    rewrite(
        session,
        Attendance,
        was.id,
        state=state,
        person_id=person,
        is_remote=is_remote and state == ALTERNATE,
        arrived_at=arrived_at,
        left_at=left_at,
        recorded_at=at,
        recorded_by=by.person_id,
    )
    events.write(
        session,
        "attendance.recorded" if was.state == UNRECORDED else "attendance.corrected",
        "meeting",
        meeting_id,
        by=by,
        at=at,
        seat=str(seat_id),
        before=was.state,
        after=state,
        person_before=_id(was.person_id),
        person=_id(person),
        hours_before=[] if before is None else _hours(was.arrived_at, was.left_at),
        hours=_hours(arrived_at, left_at),
        held=meeting.state == "held",
    )
    if meeting.state == "held":
        _look_at_quorum(session, meeting)
    return was.version + 1


def _seat_of(seats: Membership, seat_id: UUID, day: date, *, is_recorded: bool) -> CommitteeSeat:
    """A seat of the day, or any of which something is recorded. Raises Refusal."""
    for seat in seats.seats if is_recorded else seats.seats_on(day):
        if seat.id == seat_id:
            return seat
    raise Refusal("attendance.no_such_seat", N_("This committee has no such seat on the day of the meeting."))


def record_rest(session: Session, meeting_id: UUID, *, by: Actor, at: datetime) -> int:
    """Record as present every principal whose seat has no record yet; return how many. Raises Refusal.

    Left as they are: vacant seats, and those whose principal is away, does not come, or sits for another.
    """
    meeting = lock_meeting(session, meeting_id)
    seats = membership(session, meeting.committee_id)
    day = meeting.starts.date()
    attended = list(_attended(session, meeting, seats))
    not_there = {seated.person_id for seated in attended if seated.state == ALTERNATE}
    not_there |= {row.person_id for row in answers.given(session, [meeting_id]) if row.answer == answers.DECLINED}
    n = 0
    for seated in attended:
        person = next(iter(seated.expected), None)
        if seated.state != UNRECORDED or person is None or person in not_there or seats.away(person, day):
            continue
        record(session, meeting_id, seated.seat.id, "present", person_id=person, by=by, at=at)
        n += 1
    return n


def alternates_of(session: Session, meeting_id: UUID) -> dict[UUID, tuple[UUID, ...]]:
    """By seat, who may sit on it in its principal's place at this meeting, those who were named for it first."""
    meeting = read_meeting(session, meeting_id)
    seats = membership(session, meeting.committee_id)
    day = meeting.starts.date()
    with_role = _holders_of_alternates_role(session, day)
    return {seat.id: _may_sit(seats, seat, day, with_role) for seat in seats.seats}


def expect_everyone(session: Session, meeting: Meeting, *, at: datetime) -> None:
    """Have an unrecorded row for each seat that exists on a meeting's day. Those that are there stay."""
    seats = membership(session, meeting.committee_id).seats_on(meeting.starts.date())
    rows = [_unrecorded(session, meeting.id, seat.id, at, version=1).model_dump() for seat in seats]
    if rows:
        once = insert(Attendance).on_conflict_do_nothing(index_elements=["program_id", "meeting_id", "seat_id"])
        run(session, once, rows)


def _unrecorded(session: Session, meeting_id: UUID, seat_id: UUID, at: datetime, *, version: int = 0) -> Attendance:
    return Attendance(
        program_id=program_of(session), meeting_id=meeting_id, seat_id=seat_id, recorded_at=at, version=version
    )


def is_recorded(session: Session, meeting_id: UUID) -> bool:
    """Whether it was recorded of any seat how it was filled."""
    recorded = only(Attendance.id).where(Attendance.meeting_id == meeting_id, Attendance.state != UNRECORDED)
    return scalar(session, recorded.limit(1)) is not None


def _attended(session: Session, meeting: Meeting, seats: Membership) -> Iterator[Attended]:
    day = meeting.starts.date()
    rows = {row.seat_id: row for row in every(session, of(Attendance).where(Attendance.meeting_id == meeting.id))}
    for seat in seats.seats:
        row = rows.get(seat.id)
        expected = seats.holders(seat.id, day, PRINCIPAL)
        if row is not None and (stands(seat, day) or row.state != UNRECORDED):
            yield Attended(seat, expected=expected, **{name: getattr(row, name) for name in _OF_ITS_ROW})
        elif row is None and stands(seat, day):
            yield Attended(seat, expected=expected)


def _who_sits(
    session: Session, seats: Membership, seat: CommitteeSeat, day: date, state: str, person_id: UUID | None
) -> UUID | None:
    """The person of the row, checked. Raises Refusal."""
    if state not in quorum.SITTING:
        if person_id is not None:
            raise Refusal("attendance.nobody_sat", N_("A seat that is not filled has no occupant."))
        return None
    offered = seats.holders(seat.id, day, ALTERNATE if state == ALTERNATE else PRINCIPAL)
    if person_id is None and len(offered) == 1:
        return offered[0]
    if person_id is None:
        raise Refusal("attendance.who", N_("Say who sat on this seat."))
    if state != ALTERNATE:
        if person_id not in offered:
            raise Refusal("attendance.not_principal", N_("This person does not hold this seat on that day."))
        return person_id
    if person_id not in _may_sit(seats, seat, day, _holders_of_alternates_role(session, day)):
        raise Refusal(
            "attendance.not_alternate", N_("This person is not an alternate for this seat on that day."), source="CM-2R"
        )
    return person_id


def _may_sit(
    seats: Membership, seat: CommitteeSeat, day: date, with_role: Callable[[CommitteeSeat], tuple[UUID, ...]]
) -> tuple[UUID, ...]:
    """Its alternates, those named by an absent principal, and holders there of the role that stands for alternates."""
    principals = seats.holders(seat.id, day, PRINCIPAL)
    named = [away.deputy_id for one in principals if (away := seats.away(one, day)) and away.deputy_id]
    found = dict.fromkeys([*seats.holders(seat.id, day, ALTERNATE), *named, *with_role(seat)])
    return tuple(person for person in found if person not in principals)


def _holders_of_alternates_role(session: Session, day: date) -> Callable[[CommitteeSeat], tuple[UUID, ...]]:
    """Who holds, at a seat's organization, the role that its committee declares for alternates."""
    file = last_loaded(session)
    standing = roles_on(session, day)

    def holders(seat: CommitteeSeat) -> tuple[UUID, ...]:
        declared = file.committees.get(seat.committee) if file else None
        if declared is None or declared.alternates is None:
            return ()
        held = standing.holding(declared.alternates.role, seat.organization_id)
        return tuple(tenure.person_id for tenure in held)

    return holders


def _refuse_two_seats(
    session: Session, meeting_id: UUID, seat: CommitteeSeat, state: str, person_id: UUID | None
) -> None:
    """A person in another's place fills that seat alone; one who holds two seats as principal fills both."""
    if person_id is None:
        return
    others = only(Attendance.state).where(Attendance.meeting_id == meeting_id, Attendance.seat_id != seat.id)
    elsewhere = scalars(session, others.where(Attendance.person_id == person_id)).all()
    if elsewhere and (state == ALTERNATE or ALTERNATE in elsewhere):
        raise Refusal(
            "attendance.sits_already",
            N_("This person sits on another seat of this meeting, and cannot replace someone on a second one."),
        )


def _times(
    meeting: Meeting, state: str, arrived_at: datetime | None, left_at: datetime | None, at: datetime
) -> tuple[datetime | None, datetime | None]:
    """When a person came and left, where they sat. Raises Refusal for what is not of the meeting, or not yet."""
    if state not in quorum.SITTING:
        if arrived_at is not None or left_at is not None:
            raise Refusal(
                "attendance.no_hours", N_("Hours are recorded of a person who sat on this seat: leave them out.")
            )
        return None, None
    _refuse_other_times(meeting, filter(None, (arrived_at, left_at)), at)
    if arrived_at is not None and left_at is not None and left_at <= arrived_at:
        raise Refusal("attendance.in_order", N_("The hour of leaving comes after the hour of arrival."))
    return arrived_at, left_at


def _refuse_other_times(meeting: Meeting, hours: Iterable[datetime], at: datetime) -> None:
    """Refuse hours that do not lie within a meeting: from a few minutes before it sits to its close, or now."""
    begins, ends = begins_at(meeting) - GRACE, meeting.closed_at or at
    for hour in hours:
        if hour.tzinfo is None:
            raise ValueError("moments are aware")
        if not begins <= hour <= ends:
            raise Refusal(
                "attendance.when",
                N_("A person arrives and leaves during the meeting: between %(first)s and %(last)s."),
                first=when_in_both(local_of(begins, meeting.time_zone)),
                last=when_in_both(local_of(ends, meeting.time_zone)),
            )


def _id(person_id: UUID | None) -> str | None:
    return str(person_id) if person_id else None


def _hours(*moments: datetime | None) -> list[str]:
    """The hours at which a person came and left, "" where they sat throughout."""
    return [written(moment) if moment else "" for moment in moments]
