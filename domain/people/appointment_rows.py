"""The row of an appointment: held, written and told of, and what keeps it from being as it is to be."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Text, cast, update
from sqlmodel import Session, and_, or_

from domain.kernel import (
    Actor,
    Refusal,
    changes,
    col,
    first,
    in_program,
    inside,
    lasts,
    local_day,
    of,
    only,
    rewrite,
    run,
    scalar,
    scalars,
    select,
    surely,
    there_is,
)
from domain.record import events
from domain.roles import entered_late, lock_person, never_began
from locales import N_
from models.departure import Departure
from models.program import Tenure


def hold(session: Session, tenure_id: UUID, seen: int | None) -> Tenure:
    """An appointment's row, locked after its person. Raises Refusal: unknown, withdrawn, or not as it was `seen`."""
    this = of(Tenure).where(Tenure.id == tenure_id)
    whose = first(session, this)
    if whose is None:
        raise Refusal("tenure.unknown", N_("There is no such appointment."))
    lock_person(session, whose.person_id)
    held = surely(first(session, this.with_for_update()))
    if seen is not None and held.version != seen:
        said = N_("This appointment was changed by someone else or in another window. Nothing was saved; look again.")
        raise Refusal("tenure.changed", said)
    if held.taken_back_at is not None:
        raise Refusal(
            "tenure.taken_back", N_("This appointment was cancelled before it began. Give the role again instead.")
        )
    return held


def tell(
    session: Session,
    tenure: Tenure,
    verb: str,
    *,
    by: Actor,
    at: datetime,
    case_id: UUID | None = None,
    **facts: events.Fact,
) -> None:
    """Write the line of the record on an appointment: whose it is, in which role and where, and with which days."""
    facts = {"role": tenure.role, "organization": str(tenure.organization_id), **facts}
    events.write(session, verb, "person", tenure.person_id, by=by, at=at, case_id=case_id, **facts)


def refuse_overlap(session: Session, tenure: Tenure) -> None:
    """Refuse a tenure on days on which the person holds the role there, or another a role that only one may hold.

    `tenure` is the row as it is to be, not compared with its own former row. What another was to hold and never began
    keeps no one from the role. With one holder, its row is no longer the only one of its day. Raises Refusal.
    """
    overlaps = and_(Tenure.id != tenure.id, _on_days_of(tenure))
    is_held = or_(~never_began(), Tenure.person_id == tenure.person_id)
    for holder in scalars(session, select(Tenure.person_id).where(overlaps, is_held)):
        if holder == tenure.person_id:
            raise Refusal("tenure.held_already", N_("This person already holds that role there on those days."))
        if tenure.single_holder:
            raise Refusal(
                "tenure.one_holder",
                N_(
                    "This role has one holder at a time, and has one on those days. First end that "
                    "appointment before them, or cancel it if it has not begun."
                ),
            )
    if tenure.single_holder:
        run(
            session,
            update(Tenure)
            .where(overlaps, col(Tenure.single_holder), never_began())
            .values(single_holder=False, version=col(Tenure.version) + 1),
        )


def _on_days_of(tenure: Tenure) -> ColumnElement[bool]:
    """The condition on a row that it is of the same role at the same organization, on a day of this tenure.

    One that was withdrawn was for none of its days.
    """
    return and_(
        in_program(Tenure),
        col(Tenure.taken_back_at).is_(None),
        Tenure.role == tenure.role,
        Tenure.organization_id == tenure.organization_id,
        lasts(Tenure, tenure.starts_on),
        *([col(Tenure.starts_on) <= tenure.ends_on] if tenure.ends_on else []),
    )


def never_begun(session: Session, wanted: Tenure) -> UUID | None:
    """The row of this role that the person was to hold there from a day of `wanted`, and that never began; locked."""
    theirs = only(Tenure.id).where(_on_days_of(wanted), Tenure.person_id == wanted.person_id, never_began())
    return scalar(session, theirs.order_by(col(Tenure.starts_on)).limit(1).with_for_update())


def take_up(session: Session, wanted: Tenure) -> None:
    """Let a role that never began be held after all: the departure that ended it no longer says anything of it.

    The person's days in a role are never on two rows, and no row is deleted.
    """
    key = str(wanted.id)
    run(
        session,
        changes(Departure)
        .where(Departure.person_id == wanted.person_id, inside(Departure.was_to_end).has_key(key))
        .values(was_to_end=col(Departure.was_to_end).op("-")(cast(key, Text)), version=col(Departure.version) + 1),
    )
    anew = wanted.model_dump(include={"single_holder", "starts_on", "ends_on", "entered_late"})
    rewrite(session, Tenure, wanted.id, **anew, ended_by=None, ended_at=None)


def refuse_while_leaving(session: Session, tenure: Tenure) -> None:
    """Refuse a tenure that would outlast a departure of its person from its organization. Raises Refusal.

    A departure ends what was held there when it was opened: a later appointment would go on without anyone having said
    that they stay.
    """
    leaving = only(Departure.id).where(
        Departure.person_id == tenure.person_id,
        Departure.organization_id == tenure.organization_id,
        col(Departure.called_off_at).is_(None),
        col(Departure.last_day) >= tenure.starts_on,
        *([col(Departure.last_day) < tenure.ends_on] if tenure.ends_on else []),
    )
    if there_is(session, leaving):
        raise Refusal(
            "tenure.leaves_meanwhile",
            N_("This person leaves this organization: cancel their departure, or begin after its last day."),
        )


def gone_on_late(session: Session, tenure: Tenure, *, at: datetime) -> list[str]:
    """The days that a tenure records as entered late, before its last day is changed to any other day.

    Its end was on record from the day on which it was entered: from then on, or from the day after it, the role was
    vacant. So it stays for all of these days, in one step or in several, whatever is written of them now or later. For
    one that never began, the record showed a vacancy on each of its days.
    """
    kept: list[str] = tenure.entered_late
    was: date | None = tenure.ends_on
    if was is None:
        return kept
    if scalar(session, only(Tenure.id).where(Tenure.id == tenure.id, never_began())) is not None:
        since = tenure.starts_on
        if tenure.ended_at is not None and local_day(session, tenure.ended_at) == local_day(session, at):
            return kept  # a slip that is mended on the same day: the record of no day says otherwise
    else:
        since = was + timedelta(days=1)
        if tenure.ended_at is not None:
            since = max(since, local_day(session, tenure.ended_at))
    return [*kept, *(days for days in said_late(session, since, None, at=at) if days not in kept)]


def said_late(session: Session, first: date, last: date | None, *, at: datetime) -> list[str]:
    """Those of the days in a role that the record had shown without it. None from before there was a record."""
    today = local_day(session, at)
    if first >= today:
        return []
    began = entered_late.record_began(session)
    return [] if began is None else entered_late.said_late(max(first, began), last, on=today)
