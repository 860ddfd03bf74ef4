"""Who acts for others on some days, in any role: what takes two people is not done by one and their deputy."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Date, cast, false, func
from sqlmodel import Session, and_, or_

from domain.kernel import Refusal, col, first, lasts, of, only, program, scalars
from locales import N_
from models.program import Absence, Person

#: A deputy who is away has a deputy too, so far and no further.
_DEPUTIES_IN_A_ROW: Final = 3

#: Local days from the first to the last, or without an end.
Days = tuple[date, date | None]


def deputies_of(session: Session, people: Collection[UUID], days: Iterable[Days]) -> set[UUID]:
    """Those who act for these people on some of these local days, and those who act for them in turn.

    An absence that was recorded for days before it had no deputy act on them: it counts from the day it was recorded.
    """
    spans, found, asked = list(days), set[UUID](), set(people)
    zone = program(session).time_zone
    cancelled_on = cast(func.timezone(zone, col(Absence.cancelled_at)), Date)
    began_on = func.greatest(
        col(Absence.starts_on), cast(func.timezone(zone, col(Absence.recorded_at)), Date), type_=Date()
    )
    for _ in range(_DEPUTIES_IN_A_ROW):
        deputies: set[Any] = set(
            scalars(
                session,
                only(Absence.deputy_id).where(
                    col(Absence.person_id).in_(asked),
                    col(Absence.deputy_id).is_not(None),
                    or_(col(Absence.cancelled_at).is_(None), cancelled_on > began_on),
                    began_on <= col(Absence.ends_on),
                    touches(Absence, spans),
                ),
            )
        )
        asked = deputies - found
        if not asked:
            break
        found |= asked
    return found


def touches(table: Any, spans: Collection[Days]) -> ColumnElement[bool]:
    """The condition that a row's days, both inclusive, share one with some of the spans."""
    return or_(
        false(),
        *(
            and_(*([col(table.starts_on) <= last] if last is not None else []), lasts(table, first))
            for first, last in spans
        ),
    )


def lock_person(session: Session, person_id: UUID | None) -> Person:
    """A person's row, locked until the transaction ends: signing them in and ending their access take turns.

    It is locked first, before their roles, doors, passkeys and sign-ins, which are read after it. Otherwise a sign-in
    that began while the access ended would outlive it, and two that lock in another order would wait for each other.
    Lines of the record that name the person do not wait for it. Raises Refusal where there is no such person.
    """
    row = first(session, of(Person).where(Person.id == person_id).with_for_update(key_share=True))
    if row is None:
        raise Refusal("person.unknown", N_("There is no such person."))
    return row
