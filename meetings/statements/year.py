"""Which days of a calendar year a partner’s statement covers: those on which its agreement was in force, so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlmodel import Session

from duties.here import many, program_of
from duties.obligations.windows import Span, joined
from duties.refusals import Refusal
from locales import N_
from models.agreement import Agreement, AgreementVersion
from models.base import refers, table_of

_agreement = table_of(Agreement)
_version = table_of(AgreementVersion)

_BEGUN: Final = ("in_force", "ended")


@dataclass(frozen=True)
class CoveredYear:
    """The days of a year that a statement covers, the versions that were in force on them, and whether it is whole."""

    organization_id: UUID
    covered: tuple[Span, ...]
    versions: tuple[Mapping[str, Any], ...]
    on: date
    is_final: bool

    @classmethod
    def of(cls, session: Session, place: Mapping[str, Any], year: int, on: date) -> CoveredYear:
        """The year of an organization, its row `place`, as of the local day `on`. Raises Refusal: see partner.py."""
        if year > on.year:
            raise Refusal("statement.to_come", N_("The year %(year)s has not begun."), year=year)
        nothing = Refusal(
            "statement.no_agreement",
            N_("No agreement of this organization was in force in %(year)s: there is nothing to state."),
            year=year,
        )
        if year < date.min.year:
            raise nothing
        whole = Span(date(year, 1, 1), earliest(date(year, 12, 31), place["ends_on"]))
        if whole.ends_on is not None and whole.ends_on < whole.starts_on:
            raise nothing
        until = Span(whole.starts_on, earliest(whole.ends_on, on))
        versions = [
            (row, days)
            for row in versions_of(session, place["id"])
            if (days := Span(row["starts_on"], row["ends_on"]).within(until)) is not None
        ]
        if not versions:
            raise nothing
        to_come = any(
            days.ends_on is None or days.ends_on > on
            for row in versions_of(session, place["id"])
            if (days := Span(row["starts_on"], row["ends_on"]).within(whole)) is not None
        )
        return cls(
            place["id"], joined(days for _, days in versions), tuple(row for row, _ in versions), on, not to_come
        )

    @property
    def first(self) -> date:
        """The first day that is covered."""
        return self.covered[0].starts_on

    @property
    def last(self) -> date:
        """The last one so far."""
        return self.covered[-1].ends_on or self.on

    def holds(self, day: date) -> bool:
        """Whether a day is covered."""
        return any(span.holds(day) for span in self.covered)

    def parts_of(self, days: Span) -> list[Span]:
        """What of these days the year covers."""
        return [part for span in self.covered if (part := days.within(span)) is not None]

    def touches(self, days: Span) -> bool:
        """Whether the year covers any of these days."""
        return bool(self.parts_of(days))


def versions_of(session: Session, organization_id: UUID) -> list[dict[str, Any]]:
    """The versions of an organization’s agreement that were ever in force, or will be, in the order of their days."""
    return many(
        session,
        select(_version)
        .join(_agreement, refers(_version.c.agreement_id, _agreement))
        .where(
            _version.c.program_id == program_of(session),
            _agreement.c.organization_id == organization_id,
            _version.c.state.in_(_BEGUN),
        )
        .order_by(_version.c.starts_on),
    )


def earliest(*days: date | None) -> date | None:
    """The first of several days, of those that are set."""
    return min((day for day in days if day is not None), default=None)
