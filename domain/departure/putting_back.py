"""The roles that a departure ended go on, as they were to before: put back, or given anew once another's is over."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import aliased
from sqlmodel import Session, and_

from domain.departure.unopened import tells_its_end
from domain.kernel import (
    Actor,
    Refusal,
    col,
    every,
    first,
    in_program,
    lasts_beyond,
    local_day,
    of,
    only,
    replaced,
    rewrite,
    same,
    scalar,
    select,
)
from domain.people import appointment_rows, people
from domain.roles import never_began
from models.departure import Departure
from models.program import Role, Tenure
from models.record import Event


def put_all_back(
    session: Session, departure: Departure, today: date, *, by: Actor, at: datetime
) -> tuple[dict[str, str | None], list[UUID]]:
    """Put back every role that a departure ended; returns the last days to keep, and the roles that cannot go on."""
    was_to_end: dict[str, str | None] = dict(departure.was_to_end)
    taken: list[UUID] = []
    for key, ends_on in departure.was_to_end.items():
        tenure_id, day = UUID(key), _day(ends_on)
        # A role that was over before the last day had ended on its own: it is no part of what they leave.
        if day is not None and departure.last_day <= day < today:
            day = _before_its_end(session, tenure_id, day)
        if _put_back(session, tenure_id, day, by=by, at=at) or _is_theirs_again(session, tenure_id, departure.last_day):
            continue
        again = _give_anew(session, tenure_id, day, departure.last_day, by=by, at=at)
        if again is None:
            taken.append(tenure_id)
        else:
            # Where the departure is taken up again, it ends this one too.
            was_to_end[str(again)] = day.isoformat() if day else None
    # A role that was put back later on may be the same as one that could not be.
    return was_to_end, [one_of for one_of in taken if not _is_theirs_again(session, one_of, departure.last_day)]


def _day(written: str | None) -> date | None:
    return date.fromisoformat(written) if written else None


def _put_back(session: Session, tenure_id: UUID, ends_on: date | None, *, by: Actor, at: datetime) -> bool:
    """Have a role end when it was to end before; False where another person holds it since."""
    try:
        with session.begin_nested():
            _go_on(session, tenure_id, ends_on, by=by, at=at)
    except Refusal:
        return False
    return True


def _go_on(session: Session, tenure_id: UUID, ends_on: date | None, *, by: Actor, at: datetime) -> None:
    """Give a role its former end again, where no one else holds it since. Raises Refusal."""
    tenure = first(session, of(Tenure).where(Tenure.id == tenure_id).with_for_update())
    if tenure is None or tenure.ends_on == ends_on or tenure.taken_back_at is not None:
        return
    # A role that was never to begin may no longer be the only one of its kind.
    alone = scalar(session, only(Role.single_holder).where(Role.key == tenure.role))
    appointment_rows.refuse_overlap(session, replaced(tenure, ends_on=ends_on, single_holder=alone))
    late = appointment_rows.gone_on_late(session, tenure, at=at)
    goes_on = {"ends_on": ends_on, "single_holder": alone, "ended_by": None, "ended_at": None, "entered_late": late}
    rewrite(session, Tenure, tenure_id, **goes_on)
    day = ends_on.isoformat() if ends_on else None
    appointment_rows.tell(session, tenure, "tenure.goes_on", by=by, at=at, ends_on=day)


def _is_theirs_again(session: Session, tenure_id: UUID, last_day: date) -> bool:
    """Whether the role's person holds the same role there by another appointment after a last day."""
    left, again = aliased(Tenure), Tenure
    found = (
        select(again.id)
        .join(left, and_(same(left, again), left.person_id == again.person_id))
        .where(
            in_program(left),
            left.id == tenure_id,
            again.id != tenure_id,
            again.role == left.role,
            again.organization_id == left.organization_id,
            lasts_beyond(again, last_day),
            ~never_began(),
        )
    )
    return scalar(session, found.limit(1)) is not None


def others_in(session: Session, tenure_id: UUID, last_day: date) -> list[Tenure]:
    """The appointments of others to the same role that reach beyond a last day, the earliest first."""
    left = aliased(Tenure)
    return every(
        session,
        select(Tenure)
        .join(left, and_(same(left, Tenure), left.role == Tenure.role))
        .where(
            in_program(left),
            left.id == tenure_id,
            Tenure.organization_id == left.organization_id,
            Tenure.person_id != left.person_id,
            lasts_beyond(Tenure, last_day),
            ~never_began(),
        )
        .order_by(col(Tenure.starts_on), col(Tenure.id)),
    )


def _give_anew(
    session: Session, tenure_id: UUID, ends_on: date | None, last_day: date, *, by: Actor, at: datetime
) -> UUID | None:
    """Appoint the person again from the day after the present holder's last; the id, or None where that is not at once.

    A person who was to begin holds it on their first day at least: no appointment ends before it begins. None too where
    the role is over by then, or the person can no longer be given it.
    """
    day, today = timedelta(days=1), local_day(session, at)
    others = others_in(session, tenure_id, last_day)
    ends = [one_of.ends_on for one_of in others if one_of.ends_on is not None]
    if not others or len(ends) < len(others):
        return None
    begins = max([*ends, last_day, today - day]) + day
    if begins > max(last_day + 2 * day, today + day) or (ends_on is not None and ends_on < begins):
        return None
    left = first(session, of(Tenure).where(Tenure.id == tenure_id))
    assert left is not None  # noqa: S101 - the departure ended it
    try:
        with session.begin_nested():
            return people.appoint(
                session,
                person_id=left.person_id,
                role=left.role,
                organization_id=left.organization_id,
                starts_on=begins,
                ends_on=ends_on,
                by=by,
                at=at,
            )
    except Refusal:
        return None


def _before_its_end(session: Session, tenure_id: UUID, ends_on: date) -> date | None:
    """The last day that a role had before its present end was recorded; None where it had no end.

    Where no such record is found, the present end, which is past.
    """
    told = (
        of(Event)
        .join(Tenure, tells_its_end())
        .where(in_program(Tenure), Tenure.id == tenure_id, Tenure.ends_on == ends_on)
        .order_by(col(Event.n).desc())
    )
    end = first(session, told.limit(1))
    return ends_on if end is None else _day(end.facts.get("was"))
