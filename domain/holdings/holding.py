"""A holding: one thing that a person has in hand, as every module of this folder gives it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, true
from sqlmodel import Session, and_

from domain.declared import Bilingual
from domain.kernel import col, lasts, lasts_beyond, moments_of, only, scalar, scalars
from domain.roles import DayTenures, HeldRole, Holder, Link, never_began
from models.program import Tenure


@dataclass(frozen=True)
class Holding:
    """One thing in a person's hands.

    `kind` and the opaque `id` name it; `title` says it in both languages, a participant by number alone. `goes_to` are
    the people who have it automatically after its holder is gone, because they hold the same role: where there are
    none, a successor has to be named or its end stated. `href` is its page, or "".
    """

    kind: str
    id: UUID
    title: Bilingual
    href: str = ""
    goes_to: tuple[UUID, ...] = ()

    @property
    def item(self) -> str:
        """The holding's id as the item of the step that settles it."""
        return self.id.hex


@dataclass(frozen=True)
class Leaving:
    """The person, organization and local day for which holdings are asked; without an organization, wherever they are.

    - `last_day` is their last one, where they leave: what they take up later is no part of it.
    - `known_on` is the day on which that became known.
    - `standing` is the day's.
    - `elsewhere` are the other organizations at which they hold something on or after the day, or after the last one:
      what belongs to the person and to no organization stays with them.
    - `is_back` says that they hold a role there after the last day too, to which they returned or are to return.
    - `roles_left` are roles that ended before it was known and are part of what they leave.
    - `since` is today's standing after the last day is past: the successor in a role has its duties by then.
    """

    session: Session
    person_id: UUID
    organization_id: UUID | None
    day: date
    last_day: date | None
    standing: DayTenures
    elsewhere: frozenset[UUID]
    known_on: date | None = None
    since: DayTenures | None = None
    is_back: bool = False
    roles_left: frozenset[UUID] = frozenset()

    def concerns(self, organization_id: UUID | None) -> bool:
        """Whether what belongs to an organization, or to none, is theirs to leave."""
        if self.organization_id is None:
            return True
        if organization_id is None:
            return not self.elsewhere
        return organization_id == self.organization_id

    def had_by_then(self, moment: ColumnElement[datetime] | ColumnElement[datetime | None]) -> ColumnElement[bool]:
        """The condition that what is theirs since a moment is theirs to leave.

        What one who returned was given since they left belongs to their new time there, and to its own departure.
        """
        return true() if self.left_at is None else moment < self.left_at

    def began_by_then(self, first_day: ColumnElement[date]) -> ColumnElement[bool]:
        """The same condition on the first local day on which something is theirs."""
        return true() if self._left_on is None else first_day <= self._left_on

    @property
    def left_at(self) -> datetime | None:
        """For one who returned: the moment since which what they are given belongs to their new time there."""
        return None if self._left_on is None else moments_of(self.session, self._left_on)[1]

    @property
    def _left_on(self) -> date | None:
        if not self.is_back or self.last_day is None:
            return None
        return left_on(self.last_day, self.known_on)

    def without_them(self) -> DayTenures:
        """The day's standing as if they were gone already; after they are, today's."""
        then = self.since or self.standing
        return DayTenures(
            then.day,
            (tenure for tenure in then.tenures if not self._is_theirs(tenure)),
            then.absences.values(),
            then.coming,
        )

    def _is_theirs(self, tenure: HeldRole) -> bool:
        """Whether it is a role that they leave. One that they took up after their last day they hold again."""
        if self.last_day is not None and tenure.starts_on > self.last_day:
            return False
        return tenure.person_id == self.person_id and self.organization_id in (None, tenure.organization_id)


def left_on(last_day: date, known_on: date | None) -> date:
    """For one who returned, the local day after which what they are given belongs to their new time there.

    It is their last day, or the later one on which it became known that they had gone: until then they had it still.
    """
    return max(last_day, known_on or last_day)


def goes_to(gone: DayTenures, chain: list[Link], *, kind: str = "tasks") -> tuple[UUID, ...]:
    """Those who have a duty automatically after its holder is gone: a holder of its role, or its subject's deputy.

    No one where the role itself is left empty: the rest of the chain has it then, and it shows as vacant.
    """
    falls = gone.falls(chain, kind=kind)
    if falls.in_place and not (chain and chain[0].person):
        return ()
    return tuple(dict.fromkeys(holder.person_id for holder in falls.holders))


def is_of(leaving: Leaving, hat: Holder) -> bool:
    """Whether a duty in this role is theirs to leave: one that they have for an absent person is not."""
    return hat.acting_for is None and leaving.concerns(hat.organization_id)


def goes_on(session: Session, person_id: UUID, organization_id: UUID | None, last_day: date) -> bool:
    """Whether a person holds a role at the organization after the last day of their departure from it.

    They returned there, or are to return.
    """
    found = only(Tenure.id).where(held_at(person_id, organization_id), lasts_beyond(Tenure, last_day))
    return scalar(session, found.limit(1)) is not None


def held_at(person_id: UUID, organization_id: UUID | None) -> ColumnElement[bool]:
    """The condition on a role that a person holds, held or is to hold it at an organization."""
    return and_(Tenure.person_id == person_id, Tenure.organization_id == organization_id, ~never_began())


def last_day_at(session: Session, person_id: UUID, organization_id: UUID) -> date | None:
    """The last day of the roles that a person held or holds at an organization, where one has an end."""
    ends = only(Tenure.ends_on).where(held_at(person_id, organization_id), col(Tenure.ends_on).is_not(None))
    return scalar(session, ends.order_by(col(Tenure.ends_on).desc()).limit(1))


def elsewhere(session: Session, person_id: UUID, organization_id: UUID | None, day: date) -> frozenset[UUID]:
    """The other organizations at which a person holds a role on a local day or after it."""
    if organization_id is None:
        return frozenset()
    found = only(Tenure.organization_id).where(
        Tenure.person_id == person_id, Tenure.organization_id != organization_id, lasts(Tenure, day), ~never_began()
    )
    return frozenset(scalars(session, found))
