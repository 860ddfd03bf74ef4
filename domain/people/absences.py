"""Absences: from when to when a person is away, and who deputizes for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID, uuid4

from sqlalchemy import insert
from sqlmodel import Session, or_

from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.rows import changes, col, only, run, scalar, scalars
from domain.kernel.scope import program_of
from domain.record import events
from domain.roles import takers
from domain.roles.roles import never_began
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

    `kinds` says what the deputy may act for: tasks, approvals, seats. Raises Refusal, also where the deputy holds no
    role on these days in which they may act for the absent person (`domain.roles.takers`).
    """
    here = program_of(session)
    if ends_on < starts_on:
        raise Refusal("absence.ends_first", N_("The last day comes before the first."))
    if deputy_id == person_id:
        raise Refusal("absence.own_deputy", N_("A person cannot be their own deputy."))
    unknown = sorted(set(kinds) - set(ABSENCE_KINDS))
    if unknown or not kinds:
        raise Refusal("absence.kinds", N_("Say what the deputy covers: tasks, approvals or seats."))
    people = [person_id] + ([deputy_id] if deputy_id else [])
    known = scalars(
        session, only(Person.id).where(col(Person.id).in_(people)).order_by(col(Person.id)).with_for_update()
    ).all()
    if len(known) != len(people):
        raise Refusal("person.unknown", N_("There is no such person."))
    if scalar(
        session,
        only(Absence.id).where(
            Absence.person_id == person_id,
            col(Absence.cancelled_at).is_(None),
            col(Absence.starts_on) <= ends_on,
            col(Absence.ends_on) >= starts_on,
        ),
    ):
        raise Refusal("absence.recorded_already", N_("An absence is already recorded on some of these days."))
    if deputy_id is not None and not may_deputize(session, deputy_id, person_id, starts_on, ends_on):
        raise Refusal(
            "absence.unfit_deputy",
            N_(
                "This person may not act for them: a deputy holds the same role on these days, "
                "or one with the same access."
            ),
            source="AG-X2",
        )
    absence_id = uuid4()
    run(
        session,
        insert(Absence).values(
            program_id=here,
            id=absence_id,
            person_id=person_id,
            deputy_id=deputy_id,
            kinds=list(kinds),
            starts_on=starts_on,
            ends_on=ends_on,
            recorded_by=by.person_id,
            recorded_at=at,
        ),
    )
    events.write(
        session,
        "absence.recorded",
        "person",
        person_id,
        by=by,
        at=at,
        starts_on=starts_on.isoformat(),
        ends_on=ends_on.isoformat(),
        deputy=str(deputy_id) if deputy_id else None,
    )
    return absence_id


def may_deputize(session: Session, deputy_id: UUID, person_id: UUID, first: date, last: date) -> bool:
    """Whether a person may deputize for another who is away on these local days, in some role that they hold then."""
    rows = run(
        session,
        only(Tenure.person_id, Tenure.role).where(
            col(Tenure.person_id).in_([deputy_id, person_id]),
            col(Tenure.starts_on) <= last,
            or_(col(Tenure.ends_on).is_(None), col(Tenure.ends_on) >= first),
            ~never_began(),
        ),
    ).all()
    held = {row.role for row in rows if row.person_id == deputy_id}
    wanted = {row.role for row in rows if row.person_id == person_id}
    return any(takers.may_act_as(role, held) for role in wanted) if wanted else bool(held)


def cancel_absence(session: Session, absence_id: UUID, *, by: Actor, at: datetime) -> None:
    """Cancel an absence, as when a person returns early. What the deputy did meanwhile stays theirs."""
    person_id = scalar(
        session,
        changes(Absence)
        .where(Absence.id == absence_id, col(Absence.cancelled_at).is_(None))
        .values(cancelled_at=at)
        .returning(col(Absence.person_id)),
    )
    if person_id is None:
        raise Refusal("absence.unknown", N_("There is no such absence."))
    events.write(session, "absence.cancelled", "person", person_id, by=by, at=at)
