"""Those who owe a clause, and those who act for them: they judge nothing of it, in any role."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import Session

from domain.declarations import COORDINATOR
from domain.kernel import Actor, Span, col, only, scalars
from domain.roles import deputies_of, never_began, touches
from models.program import Tenure

#: Whose name stands where no role owes a clause, but the partner as a whole.
ORGANIZATION: Final = "organization"


def who_owes(
    session: Session, owed_by: str, organization_id: UUID, days: Iterable[Span], *, acting: Span | None
) -> frozenset[UUID]:
    """The people who owe a clause on some of these local days, and their deputies on the days of `acting`.

    Without `acting`, no deputies.

    Where a role owes it, they are its holders at the partner, away or not; what the coordinator owes is owed by each
    coordinator. Where the partner owes it, they are all who hold a role there. A deputy counts for the days of the
    absence, and so does one whose absence was cancelled after it had begun.
    """
    spans = list(days)
    held: list[ColumnElement[bool]] = [touches(Tenure, spans), ~never_began()]
    if owed_by != ORGANIZATION:
        held.append(col(Tenure.role) == owed_by)
    if owed_by != COORDINATOR:
        held.append(col(Tenure.organization_id) == organization_id)
    found = set(scalars(session, only(Tenure.person_id).where(*held)))
    if acting is None:
        return frozenset(found)
    acted = [shared for span in spans if (shared := acting.within(span)) is not None]
    return frozenset(found | deputies_of(session, found, acted))


def acts_among(by: Actor, people: Collection[UUID]) -> bool:
    """Whether the actor is one of these people, or acts for one of them."""
    return by.person_id in people or (by.acting_for is not None and by.acting_for in people)


def on_day(day: date) -> Span:
    """One local day."""
    return Span(day, day)


#: Every day: also those to come, for which a deputy is named already.
EVER: Final = Span(date.min, date.max)


def up_to(day: date) -> Span:
    """The local days up to one: a deputy named for later days acts for no one yet."""
    return Span(date.min, day)
