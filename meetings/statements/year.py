"""Which days of a calendar year a partner’s statement covers: those on which its agreement was in force, so far."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.kernel import SHAPE, Refusal, Span, col, every, joined, joins, of, surely
from locales import N_
from models.agreement import Agreement, AgreementVersion
from models.program import Organization

_BEGUN: Final = ("in_force", "ended")


class BegunVersion(AgreementVersion):
    """A version of an agreement that was ever in force, or will be, and so has its first day."""

    model_config = SHAPE
    begins_on: date = surely(AgreementVersion.starts_on)


@dataclass(frozen=True)
class CoveredYear:
    """The days of a year that a statement covers, the versions that were in force on them, and whether it is whole."""

    organization_id: UUID
    covered: tuple[Span, ...]
    versions: tuple[BegunVersion, ...]
    on: date
    is_final: bool

    @classmethod
    def of(cls, session: Session, place: Organization, year: int, on: date) -> CoveredYear:
        """The year of an organization, its row `place`, as of the local day `on`. Raises Refusal: see partner.py."""
        if year > on.year:
            raise Refusal("statement.to_come", N_("The year %(year)s has not begun."), year=year)
        found = None
        if year >= date.min.year:
            found = cls.over(session, place, Span(date(year, 1, 1), date(year, 12, 31)), on)
        if found is None:
            raise Refusal(
                "statement.no_agreement",
                N_("No agreement of this organization was in force in %(year)s: there is nothing to state."),
                year=year,
            )
        return found

    @classmethod
    def over(cls, session: Session, place: Organization, days: Span, on: date) -> CoveredYear | None:
        """As `of`, of any days; None where no agreement was in force on one of them so far."""
        versions = versions_of(session, place.id)
        whole = [(row, part) for row in versions if (part := _inside(row, days, place.ends_on)) is not None]
        so_far = [(row, part) for row, part in whole if part.starts_on <= on]
        if not so_far:
            return None
        covered = joined(Span(part.starts_on, earliest(part.ends_on, on)) for _, part in so_far)
        is_final = all(part.ends_on is not None and part.ends_on < on for _, part in whole)
        return cls(place.id, covered, tuple(row for row, _ in so_far), on, is_final)

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


def _inside(version: BegunVersion, days: Span, last: date | None) -> Span | None:
    """The days on which a version was in force, of those asked for, and none after the organization’s `last`."""
    until = earliest(version.ends_on, last)
    if until is not None and until < version.begins_on:
        return None
    return Span(version.begins_on, until).within(days)


def versions_of(session: Session, organization_id: UUID) -> list[BegunVersion]:
    """The versions of an organization’s agreement that were ever in force, or will be, in the order of their days."""
    versions = of(BegunVersion).join(Agreement, joins(AgreementVersion.agreement_id, Agreement))
    begun = versions.where(Agreement.organization_id == organization_id, col(AgreementVersion.state).in_(_BEGUN))
    return every(session, begun.order_by(col(AgreementVersion.starts_on)))


def earliest(*days: date | None) -> date | None:
    """The first of several days, of those that are set."""
    return min((day for day in days if day is not None), default=None)
