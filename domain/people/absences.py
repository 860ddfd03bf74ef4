"""Absences: from when to when a person is away, and who deputizes for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlmodel import Session

from domain.kernel import (
    Actor,
    Refusal,
    add_row,
    changes,
    col,
    first,
    lasts,
    local_day,
    of,
    only,
    program_of,
    run,
    scalars,
    there_is,
    tuples,
)
from domain.mail import notices
from domain.people import privacy_officers
from domain.record import events
from domain.roles import never_began, takers
from locales import N_
from models.program import ABSENCE_KINDS, Absence, Person, Tenure


def record_absence(
    session: Session,
    *,
    person_id: UUID,
    starts_on: date,
    ends_on: date,
    deputy_id: UUID | None,
    by: Actor,
    at: datetime,
    kinds: Sequence[str] = ABSENCE_KINDS,
) -> UUID:
    """Record that a person is away from a day to a day, both inclusive, and who deputizes. It ends automatically.

    `kinds` says what the deputy may act for: tasks, approvals, seats. A person hears by letter of what another records.

    Raises Refusal, also where the deputy is away themselves on some of these days, or holds no role then in which they
    may act for the absent person (`domain.roles.takers`), and where who may not say it says that the privacy officer is
    away (`privacy_officers`).
    """
    if ends_on < starts_on:
        raise Refusal("absence.ends_first", N_("The last day comes before the first."))
    if deputy_id == person_id:
        raise Refusal("absence.own_deputy", N_("A person cannot be their own deputy."))
    unknown = sorted(set(kinds) - set(ABSENCE_KINDS))
    if unknown or not kinds:
        raise Refusal("absence.kinds", N_("Say what the deputy covers: tasks, approvals or seats."))
    _hold_people(session, [person_id, *([deputy_id] if deputy_id else [])])
    privacy_officers.refuse_absence(session, person_id, starts_on, ends_on, by=by, at=at)
    privacy_officers.refuse_deputy_of_own(session, person_id, deputy_id, starts_on, ends_on, by=by)
    _refuse_second(session, person_id, starts_on, ends_on)
    if deputy_id is not None and not may_deputize(session, deputy_id, person_id, starts_on, ends_on):
        privacy_officers.refuse_coordinator(session, person_id, deputy_id, starts_on, ends_on)
        said = N_(
            "This person may not act for them: a deputy holds the same role on these days, or one with the same access."
        )
        raise Refusal("absence.unfit_deputy", said, source="AG-X2")
    _refuse_away_too(session, deputy_id, starts_on, ends_on)
    absence = Absence(
        program_id=program_of(session),
        person_id=person_id,
        deputy_id=deputy_id,
        kinds=list(kinds),
        starts_on=starts_on,
        ends_on=ends_on,
        recorded_by=by.person_id,
        recorded_at=at,
    )
    add_row(session, absence)
    deputy = str(deputy_id) if deputy_id else None
    events.write(
        session,
        "absence.recorded",
        "person",
        person_id,
        by=by,
        at=at,
        starts_on=starts_on.isoformat(),
        ends_on=ends_on.isoformat(),
        deputy=deputy,
    )
    _tell_who_is_away(session, absence, by=by, at=at)
    privacy_officers.tell_of_lost_deputy(session, person_id, at=at)
    return absence.id


def _tell_who_is_away(session: Session, absence: Absence, *, by: Actor, at: datetime) -> None:
    """Tell a person that another recorded their absence: until when, who stands in, and how to end it.

    It says no day that is over. Whether that is a birth date on file would show by whether the letter may be written.
    """
    if by.is_system or by.is_one_of(absence.person_id):
        return
    today = local_day(session, at)
    starts_on, ends_on = (day if day >= today else None for day in (absence.starts_on, absence.ends_on))
    deputy = notices.person_of(session, absence.deputy_id).name if absence.deputy_id else ""
    notices.write(
        session,
        "absence_recorded",
        to=absence.person_id,
        key=f"absence:{absence.id}",
        facts=lambda language: {
            "by_name": notices.name_of(session, by, language),
            "starts_on": starts_on,
            "ends_on": ends_on,
            "deputy": deputy,
            "path": f"/people/{absence.person_id}",
        },
        at=at,
    )


def _hold_people(session: Session, people: Sequence[UUID]) -> None:
    """Hold the rows of these people, in order. Raises Refusal where there is none of one."""
    found = only(Person.id).where(col(Person.id).in_(people)).order_by(col(Person.id)).with_for_update()
    if len(scalars(session, found).all()) != len(people):
        raise Refusal("person.unknown", N_("There is no such person."))


def _refuse_second(session: Session, person_id: UUID, starts_on: date, ends_on: date) -> None:
    """Refuse an absence of a person who is away already on one of these days."""
    if _is_away(session, person_id, starts_on, ends_on):
        raise Refusal("absence.recorded_already", N_("An absence is already recorded on some of these days."))


def _refuse_away_too(session: Session, deputy_id: UUID | None, starts_on: date, ends_on: date) -> None:
    """Refuse a deputy who is known to be away on one of these days: on those they would stand in for no one."""
    if deputy_id is not None and _is_away(session, deputy_id, starts_on, ends_on):
        raise Refusal(
            "absence.deputy_away", N_("The deputy is away too on some of these days: name another person, or no one.")
        )


def _is_away(session: Session, person_id: UUID, starts_on: date, ends_on: date) -> bool:
    """Whether an absence of a person, which was not cancelled, has one of these days."""
    away = only(Absence.id).where(
        Absence.person_id == person_id,
        col(Absence.cancelled_at).is_(None),
        col(Absence.starts_on) <= ends_on,
        col(Absence.ends_on) >= starts_on,
    )
    return there_is(session, away)


def may_deputize(session: Session, deputy_id: UUID, person_id: UUID, first: date, last: date) -> bool:
    """Whether a person may deputize for another who is away on these local days, in some role that they hold then."""
    rows = tuples(
        session,
        only(Tenure.person_id, Tenure.role).where(
            col(Tenure.person_id).in_([deputy_id, person_id]),
            col(Tenure.starts_on) <= last,
            lasts(Tenure, first),
            ~never_began(),
        ),
    )
    held = {role for holder, role in rows if holder == deputy_id}
    wanted = {role for holder, role in rows if holder == person_id}
    return any(takers.may_act_as(role, held) for role in wanted) if wanted else bool(held)


def cancel_absence(session: Session, absence_id: UUID, *, by: Actor, at: datetime) -> None:
    """Cancel an absence, as when a person returns early. What the deputy did meanwhile stays theirs.

    Raises Refusal: there is none, or the coordination would settle that the privacy officer is back.
    """
    asked = of(Absence).where(Absence.id == absence_id, col(Absence.cancelled_at).is_(None)).with_for_update()
    held = first(session, asked)
    if held is None:
        raise Refusal("absence.unknown", N_("There is no such absence."))
    person_id = held.person_id
    privacy_officers.refuse_absence(session, person_id, held.starts_on, held.ends_on, by=by, at=at)
    run(session, changes(Absence).where(Absence.id == absence_id).values(cancelled_at=at))
    deputy = str(held.deputy_id) if held.deputy_id else None
    events.write(
        session, "absence.cancelled", "person", person_id, by=by, at=at, absence=str(absence_id), deputy=deputy
    )
