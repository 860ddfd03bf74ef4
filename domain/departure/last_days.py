"""Moves what depends on a person's last day: seats that were passed on, successors in roles, and deputies.

A last day moves where the leaver's roles are prolonged or shortened. What was settled for the day after the old one is
then for the day after the new one. What a person changed by hand since stays as they left it.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, or_

from domain.accompaniment import asked_today
from domain.casework import cases
from domain.departure import welcoming
from domain.departure.settlements import BY_ITSELF, was_said
from domain.holdings import roles, seats
from domain.kernel import (
    Actor,
    Refusal,
    changes,
    col,
    every,
    first,
    joins,
    lasts,
    lasts_beyond,
    local_day,
    of,
    only,
    replaced,
    rewrite,
    same,
    scalar,
    scalars,
    select,
    surely,
    tuples,
)
from domain.people import SECOND, people, seat_holders
from domain.record import events
from domain.roles import standing
from locales import N_
from models.casework import Case
from models.committee import Seat, SeatHolder
from models.departure import Settlement
from models.program import Absence, Tenure

_DAY = timedelta(days=1)


def follow(session: Session, case_id: UUID, *, was: date, day: date, by: Actor, at: datetime) -> None:
    """Move what a departure settled from its former last day, `was`, to the present one, `day`.

    What cannot move, as a role that another holds on these days already, stays on its day: nothing keeps a departure
    from ending. So does what has begun: only days to come change hands.
    """
    first = max(day + _DAY, local_day(session, at))
    settled = of(Settlement).where(
        Settlement.case_id == case_id,
        col(Settlement.kind).in_([roles.TENURE, seats.SEAT]),
        Settlement.ended_as != BY_ITSELF,
    )
    # Roles first: a seat rests on one.
    for row in every(session, settled.order_by(col(Settlement.kind).desc(), col(Settlement.settled_at))):
        with suppress(Refusal, IntegrityError), session.begin_nested():
            if row.kind == seats.SEAT:
                _move_seat(session, row, was, first, by=by, at=at)
            elif row.successor_id is not None:
                _move_appointment(session, row, was, first, by=by, at=at)


def welcomes(session: Session, *, of_case: UUID | None = None, after: UUID | None = None) -> list[UUID]:
    """The open onboardings of the successors that a departure named, or departures named for one role: `after` it.

    They move with the last day of the departure, or where the role is prolonged.
    """
    which = col(Settlement.case_id) == of_case if of_case else col(Settlement.holding_id) == after
    following = only(Settlement.successor_id).where(
        which, Settlement.kind == roles.TENURE, col(Settlement.successor_id).is_not(None)
    )
    onboardings = only(Case.id).where(
        Case.state == "open", col(Case.protocol).in_(welcoming.WELCOMED.values()), col(Case.subject_id).in_(following)
    )
    return list(scalars(session, onboardings))


def hand_on_deputizing(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> None:
    """Make the successors that a departure named deputies in the leaver's place, after the last day is over.

    Until then the leaver deputizes. Another deputy named meanwhile stays. Where the named one has left by then too,
    there is no deputy. What is asked of the absent person falls to the next in line, or shows as vacant.
    """
    live = standing(session, local_day(session, at)).live
    settled = tuples(
        session,
        only(Settlement.holding_id, Settlement.successor_id, surely(Case.subject_id))
        .join(Case, joins(Settlement.case_id, Case))
        .where(Settlement.case_id == case_id, Settlement.kind == seats.DEPUTIZING, was_said())
        .order_by(col(Settlement.settled_at)),
    )
    for absence_id, successor_id, leaver_id in settled:
        deputy_id = successor_id if successor_id in live else None
        change_deputy(session, absence_id, leaver_id, deputy_id, by=by, at=at)


def change_deputy(
    session: Session, absence_id: UUID, was: UUID, deputy_id: UUID | None, *, by: Actor, at: datetime
) -> None:
    """Change or remove the deputy of an absence in which `was` deputizes. Does nothing where they no longer do."""
    person_id = scalar(
        session,
        changes(Absence)
        .where(Absence.id == absence_id, Absence.deputy_id == was)
        .values(deputy_id=deputy_id)
        .returning(col(Absence.person_id)),
    )
    if person_id is not None:
        deputy = str(deputy_id) if deputy_id else None
        told: dict[str, events.Fact] = {"absence": str(absence_id), "deputy": deputy, "instead_of": str(was)}
        events.write(session, "absence.deputy_changed", "person", person_id, by=by, at=at, case_id=None, **told)
        asked_today.ask_who_acts_now(session, person_id, by=by, at=at)


def make_room(session: Session, tenure_id: UUID, day: date, *, by: Actor, at: datetime) -> None:
    """Move the successor's first day after a role's new last day, before that role is prolonged.

    The database takes no other order for a role with one holder. Raises Refusal, also where the successor has begun in
    such a role: who held it on days that are past stays as it was. In a role with several holders both hold it.
    """
    left = first(session, of(Tenure).where(Tenure.id == tenure_id))
    if left is None or left.ends_on is None or day <= left.ends_on:
        return
    for row in _named_after(session, tenure_id):
        follows = _following(session, row, left.ends_on, day + _DAY)
        if follows is None:
            continue
        if follows.starts_on > local_day(session, at):
            _move_start(session, follows, day + _DAY, by=by, at=at)
        elif follows.single_holder:
            raise _begun_already(session, follows)


def can_make_room(session: Session, tenure_id: UUID, at: datetime) -> bool:
    """Whether prolonging a role moves its successor's first day: a departure named them, and that day is to come."""
    ends_on = scalar(session, only(Tenure.ends_on).where(Tenure.id == tenure_id))
    if ends_on is None or ends_on < local_day(session, at):
        return False
    return any(_following(session, row, ends_on, ends_on + _DAY) for row in _named_after(session, tenure_id))


def _named_after(session: Session, tenure_id: UUID) -> list[Settlement]:
    """The settlements by which departures named a successor in a role."""
    return every(
        session,
        of(Settlement).where(
            Settlement.kind == roles.TENURE,
            Settlement.holding_id == tenure_id,
            col(Settlement.successor_id).is_not(None),
        ),
    )


def _begun_already(session: Session, follows: Tenure) -> Refusal:
    return Refusal(
        "tenure.follower_began",
        N_(
            "%(role)s: the successor began on %(first_day)s, and it has one holder. Only "
            "future days can change hands. First end that appointment, today at the soonest; "
            "then appoint this person again, from the day after."
        ),
        role=roles.called(session, follows.id).model_dump(),
        first_day=follows.starts_on.isoformat(),
    )


def keep_seats(session: Session, tenure_id: UUID, day: date, *, by: Actor, at: datetime) -> None:
    """Move the end of the seats that end with a role, before that role is prolonged to another last day.

    Not where another is the seat's principal by then, or its holder has the seat in another way from then on.
    """
    left = first(session, of(Tenure).where(Tenure.id == tenure_id))
    if left is None or left.ends_on is None or day <= left.ends_on:
        return
    other = aliased(SeatHolder)
    taken = (
        select(other.id)
        .where(
            same(other, SeatHolder),
            other.seat_id == SeatHolder.seat_id,
            col(other.withdrawn_at).is_(None),
            or_(
                other.person_id == SeatHolder.person_id, and_(SeatHolder.kind == "principal", other.kind == "principal")
            ),
            col(other.starts_on) <= day,
            lasts_beyond(other, left.ends_on),
        )
        .exists()
    )
    rests_on_it = or_(Seat.role == left.role, and_(SeatHolder.kind == "alternate", left.role == SECOND))
    rows = every(
        session,
        of(SeatHolder)
        .join(Seat, joins(SeatHolder.seat_id, Seat))
        .where(
            SeatHolder.person_id == left.person_id,
            col(SeatHolder.withdrawn_at).is_(None),
            SeatHolder.ends_on == left.ends_on,
            Seat.organization_id == left.organization_id,
            rests_on_it,
            ~taken,
        )
        .order_by(col(SeatHolder.id))
        .with_for_update(of=SeatHolder),
    )
    for row in rows:
        rewrite(session, SeatHolder, row.id, ends_on=day)
        seat_holders.tell(session, row, "seat.left", by=by, at=at, ends_on=day.isoformat())


def _move_seat(session: Session, settled: Settlement, was: date, first_day: date, *, by: Actor, at: datetime) -> None:
    """End the leaver's hold of a seat, and the successor's earlier one, the day before the successor begins."""
    held = first(
        session, of(SeatHolder).where(SeatHolder.id == settled.holding_id, col(SeatHolder.withdrawn_at).is_(None))
    )
    if held is None:
        return
    last = first_day - _DAY
    rows = _holds_of(session, held.seat_id)
    theirs = [row for row in rows if row.person_id in (held.person_id, settled.successor_id)]
    if _has_begun(theirs, settled, was, local_day(session, at)):
        return
    if _has_another_principal([row for row in rows if row not in theirs], was, last):
        return
    # Days are given up before they are taken: on none of them are there two principals.
    for row in theirs if last < was else reversed(theirs):
        _move_hold(session, row, settled, was, first_day, by=by, at=at)


def _holds_of(session: Session, seat_id: UUID) -> list[SeatHolder]:
    """Who holds a seat and on which days, the first day first, held until the transaction ends."""
    holds = of(SeatHolder).where(SeatHolder.seat_id == seat_id, col(SeatHolder.withdrawn_at).is_(None))
    return every(session, holds.order_by(col(SeatHolder.starts_on), col(SeatHolder.id)).with_for_update())


def _move_hold(
    session: Session, row: SeatHolder, settled: Settlement, was: date, first_day: date, *, by: Actor, at: datetime
) -> None:
    """Have a hold of the leaver or the successor begin on the first day, or end the day before, where it hung on it."""
    last = first_day - _DAY
    if _begins_after(row, settled, was):
        _change_days(session, row, replaced(row, starts_on=first_day), at)
        days = {"was": row.starts_on.isoformat(), "starts_on": first_day.isoformat()}
        seat_holders.tell(session, row, "seat.moved", by=by, at=at, case_id=settled.case_id, **days)
    elif row.ends_on == was:
        _change_days(session, row, replaced(row, ends_on=last), at)
        ends_on = last.isoformat()
        seat_holders.tell(session, row, "seat.left", by=by, at=at, case_id=settled.case_id, ends_on=ends_on)


def _begins_after(row: SeatHolder, settled: Settlement, last_day: date) -> bool:
    """Whether it is the hold of a seat by which the successor follows, from the day after a last day."""
    return row.person_id == settled.successor_id and row.starts_on == last_day + _DAY


def _has_begun(theirs: Iterable[SeatHolder], settled: Settlement, last_day: date, today: date) -> bool:
    """Whether the successor has the seat by now, by what was to begin the day after a last day."""
    return last_day < today and any(_begins_after(row, settled, last_day) for row in theirs)


def _has_another_principal(others: Iterable[SeatHolder], one: date, other: date) -> bool:
    """Whether others were given a seat as its principal on a day after the sooner of two days, to the later one."""
    sooner, later = sorted((one, other))
    return any(
        row.kind == "principal" and row.starts_on <= later and (row.ends_on is None or row.ends_on > sooner)
        for row in others
    )


def _change_days(session: Session, row: SeatHolder, moved: SeatHolder, at: datetime) -> None:
    """Write the days of a hold of a seat anew; one that has no day by them is withdrawn instead."""
    if moved.ends_on is not None and moved.ends_on < moved.starts_on:
        rewrite(session, SeatHolder, row.id, withdrawn_at=at)
    elif moved.starts_on != row.starts_on:
        rewrite(session, SeatHolder, row.id, starts_on=moved.starts_on)
    else:
        rewrite(session, SeatHolder, row.id, ends_on=moved.ends_on)


def _move_appointment(
    session: Session, settled: Settlement, was: date, first_day: date, *, by: Actor, at: datetime
) -> None:
    """Move the successor's appointment to the first day, unless they have begun."""
    follows = _following(session, settled, was, first_day)
    if follows is not None and follows.starts_on > local_day(session, at):
        _move_start(session, follows, first_day, by=by, at=at)


def _following(session: Session, settled: Settlement, was: date, first_day: date) -> Tenure | None:
    """The successor's appointment from the day after a last day on, where it reaches `first_day`."""
    left = first(session, of(Tenure).where(Tenure.id == settled.holding_id))
    if left is None:
        return None
    return first(
        session,
        of(Tenure)
        .where(
            Tenure.person_id == settled.successor_id,
            Tenure.role == left.role,
            Tenure.organization_id == left.organization_id,
            col(Tenure.starts_on) == was + _DAY,
            lasts(Tenure, first_day),
        )
        .with_for_update(),
    )


def _move_start(session: Session, follows: Tenure, first_day: date, *, by: Actor, at: datetime) -> None:
    """Move the first day of a person's appointment; their onboarding moves with it."""
    welcome = _welcome(session, follows)
    if welcome is not None:
        cases.move_day(session, welcome[0], anchor=welcome[1], day=first_day, by=by, at=at)
    else:
        people.move_start(session, follows, first_day, by=by, at=at)


def _welcome(session: Session, tenure: Tenure) -> tuple[UUID, str] | None:
    """The open onboarding for an appointment, and the name of its day that is the role's first."""
    case = first(
        session,
        of(Case).where(
            col(Case.protocol) == welcoming.WELCOMED.get(tenure.role),
            Case.subject_id == tenure.person_id,
            Case.organization_id == tenure.organization_id,
            Case.state == "open",
        ),
    )
    if case is None:
        return None
    found = welcoming.first_day_of(session, case)
    return None if found is None else (case.id, found)
