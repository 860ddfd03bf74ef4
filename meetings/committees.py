"""Who sits on a committee, on which seat, on a day. A derived committee takes the seats of others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import chain
from typing import Final, TypeVar
from uuid import UUID

from sqlalchemy import ARRAY, Date, Uuid, any_, bindparam, func
from sqlmodel import Session, and_, or_

from domain.declarations import Rhythm, grouped, stands
from domain.kernel import (
    MATTER,
    SHAPE,
    Question,
    Refusal,
    also,
    ask_ahead,
    built,
    col,
    every,
    joins,
    last_day_undecided,
    of,
    only,
    replaced,
    run,
    value_of,
)
from domain.kernel import lasts as is_not_over
from domain.roles import cancelled_since, may_act_as, replaced_since
from locales import N_, pick
from models.committee import Committee, Seat, SeatHolder
from models.program import Absence, Organization, Program, Tenure

PRINCIPAL = "principal"
ALTERNATE = "alternate"


#: The last day of a hold of a seat where a restore lost that it had ended, until it is decided; else null.
ENDED_SINCE: Final = last_day_undecided(
    "role",
    MATTER.subject_kind == "seat",
    col(MATTER.subject_id) == col(SeatHolder.seat_id),
    col(MATTER.person_id) == col(SeatHolder.person_id),
    col(MATTER.at) >= col(SeatHolder.recorded_at),
)


class Hold(SeatHolder):
    """A hold of a seat, and its last day as `ENDED_SINCE` has it."""

    model_config = SHAPE
    ended_since: date | None = also(value_of(ENDED_SINCE))


class Away(Absence):
    """An absence. `lost_deputy` says that who deputizes in it had been replaced, which a restore lost."""

    model_config = SHAPE
    lost_deputy: bool = also(value_of(replaced_since().label("lost_deputy")))


#: The last day of a seat where a restore lost that it had ended, or its committee had, until it is decided; else null.
SEAT_ENDED_SINCE: Final = last_day_undecided(
    "other",
    or_(
        and_(MATTER.verb == "seat.ended", col(MATTER.subject_id) == col(Seat.id)),
        and_(MATTER.verb == "committee.ended", col(MATTER.subject_id) == col(Seat.committee_id)),
    ),
)


class CommitteeSeat(Seat):
    """A seat as a committee has it: its own, or one that it takes from the committee of the key `committee`.

    `ended_since` is its last day as `SEAT_ENDED_SINCE` has it.
    """

    model_config = SHAPE
    committee: str = also(Committee.key)
    organization: str = also(Organization.short_name)
    ended_since: date | None = also(value_of(SEAT_ENDED_SINCE))


HeldOrSeat = TypeVar("HeldOrSeat", Hold, CommitteeSeat)


@dataclass(frozen=True, slots=True)
class SeatAbsence:
    """A person is away from a day to a day, both inclusive; `deputy_id` sits for them, where one is named for that.

    `deputy_until` is the last day of the roles in which who sits for them may; None where they never held one.
    """

    first: date
    last: date
    deputy_id: UUID | None
    deputy_until: date | None

    def on(self, day: date) -> SeatAbsence:
        """The absences as of that day: once a deputy has left, no one sits for the absent person."""
        is_there = self.deputy_until is not None and day <= self.deputy_until
        return self if is_there else replace(self, deputy_id=None)


@dataclass(frozen=True, slots=True)
class Membership:
    """A committee's seats, their holders through time, and the holders' absences: read once, asked of any day."""

    committee_id: UUID
    key: str
    seats: tuple[CommitteeSeat, ...]
    holdings: Mapping[UUID, Sequence[SeatHolder]]
    absences: Mapping[UUID, tuple[SeatAbsence, ...]] = field(default_factory=dict)

    def seats_on(self, day: date) -> tuple[CommitteeSeat, ...]:
        """The seats that exist on that day, in the order in which the program lists them."""
        return tuple(seat for seat in self.seats if stands(seat, day))

    def holders(self, seat_id: UUID, day: date, kind: str | None = None) -> tuple[UUID, ...]:
        """Who holds a seat on that day, its principal first."""
        held = [one for one in self.holdings.get(seat_id, ()) if stands(one, day) and kind in (None, one.kind)]
        return tuple(one.person_id for one in sorted(held, key=lambda one: one.kind != PRINCIPAL))

    def held_from(self, seat_id: UUID, day: date) -> list[SeatHolder]:
        """Who holds a seat on that day or later, as principal or as alternate."""
        return [one for one in self.holdings.get(seat_id, ()) if one.ends_on is None or one.ends_on >= day]

    def to_hold(self, seat_id: UUID, day: date) -> tuple[SeatHolder, ...]:
        """A seat's principal from the first later day on, where it has none on that day: the seat is theirs to come."""
        if self.holders(seat_id, day, PRINCIPAL):
            return ()
        held = [one for one in self.holdings.get(seat_id, ()) if one.kind == PRINCIPAL and one.starts_on > day]
        first = min((one.starts_on for one in held), default=day)
        return tuple(one for one in held if one.starts_on == first)

    def people_on(self, day: date) -> set[UUID]:
        """Everyone who holds a seat on that day or later, and who sits for those who are away then."""
        held = {one.person_id for seat in self.seats for one in self.held_from(seat.id, day)}
        deputies = {away.deputy_id for one in held if (away := self.away(one, day)) is not None}
        return held | {one for one in deputies if one is not None}

    def is_to_fill(self, seat_id: UUID, day: date) -> bool:
        """Whether a seat has no principal on that day, and none to come."""
        return not self.holders(seat_id, day, PRINCIPAL) and not self.to_hold(seat_id, day)

    def away(self, person_id: UUID, day: date) -> SeatAbsence | None:
        """The absence of a person on that day, with who sits for them then; None where they are there."""
        return next((one.on(day) for one in self.absences.get(person_id, ()) if one.first <= day <= one.last), None)

    def invited(self, day: date) -> dict[UUID, CommitteeSeat]:
        """The people whom a meeting on that day invites, each once, and the first seat for which.

        The principal of each seat. An absent principal's named deputy; the seat's alternates (CM-2R) where there is no
        deputy, or no principal that day. An absent person stays invited: they may come after all.
        """
        found: dict[UUID, CommitteeSeat] = {}
        for seat in self.seats_on(day):
            principals = self.holders(seat.id, day, PRINCIPAL)
            absences = [away for person in principals if (away := self.away(person, day))]
            deputies = [away.deputy_id for away in absences if away.deputy_id]
            called = [*principals, *deputies]
            if not principals or (absences and not deputies):
                called += self.holders(seat.id, day, ALTERNATE)
            for person in called:
                found.setdefault(person, seat)
        return found

    def seat_of(self, person_id: UUID, day: date) -> CommitteeSeat | None:
        """The seat on which a person would sit that day: one that they hold as principal before any other."""
        return next(iter(self.seats_held(person_id, day)), None)

    def instead_of(self, person_id: UUID, day: date) -> tuple[UUID, ...]:
        """Who may come in a person's place on that day: the alternates of the seat on which they would sit."""
        seat = self.seat_of(person_id, day)
        found = self.holders(seat.id, day, ALTERNATE) if seat is not None else ()
        return tuple(one for one in found if one != person_id)

    def seats_held(self, person_id: UUID, day: date) -> list[CommitteeSeat]:
        """Every seat that a person holds that day, as principal or as alternate, those as principal first."""
        held = [
            (holding.kind != PRINCIPAL, place, seat)
            for place, seat in enumerate(self.seats_on(day))
            for holding in self.holdings.get(seat.id, ())
            if holding.person_id == person_id and stands(holding, day)
        ]
        return [seat for _, _, seat in sorted(held, key=lambda one: one[:2])]


def committee_of(session: Session, key: str) -> Committee:
    """A committee's row by its key. Raises Refusal where the program has none of it."""
    rows = every(session, of(Committee).where(Committee.key == key))
    if not rows:
        raise Refusal("committee.unknown", N_("There is no such committee."))
    return rows[0]


def title_of(row: Committee | Seat | CommitteeSeat | Program, language: str) -> str:
    """The title of a committee, of a seat, or of the program."""
    return pick(language, {"fr": row.title_fr, "en": row.title_en})


def rhythm_of(row: Committee) -> Rhythm | None:
    """How often a committee meets; None of one that is not established yet."""
    return Rhythm.model_validate(row.rhythm) if row.rhythm else None


def lasts(row: Committee) -> int:
    """How many minutes a committee meets, unless it is said otherwise: of one that is established."""
    if row.minutes is None:
        raise ValueError("the committee is not established yet")
    return row.minutes


def committees(session: Session) -> dict[UUID, Committee]:
    """Every committee of the program by its id, in the order of their keys."""
    return {row.id: row for row in every(session, *ASKED_OF_COMMITTEES)}


#: What `committees` asks.
ASKED_OF_COMMITTEES: Final = Question(built(of(Committee).order_by(col(Committee.key))))


def membership(session: Session, committee_id: UUID, *, since: date = date.min) -> Membership:
    """Who sits on one committee, from a day on. Raises Refusal where there is none of that id."""
    found = memberships(session, [committee_id], since=since)
    if committee_id not in found:
        raise Refusal("committee.unknown", N_("There is no such committee."))
    return found[committee_id]


def memberships(
    session: Session, committee_ids: Iterable[UUID] | None = None, *, since: date = date.min, as_copied: bool = False
) -> dict[UUID, Membership]:
    """Who sits on each of these committees, or on every one, in three statements.

    What was over before `since` is left out: a page about today does not read who sat in all the years before.
    `as_copied`: as the rows say, also where a restore brought back what waits to be decided, and counts as ended.
    """
    absent = _ABSENCES_AS_COPIED if as_copied else _ABSENCES
    rows = committees(session)
    wanted = rows if committee_ids is None else [one for one in committee_ids if one in rows]
    families = _families(rows, wanted)
    # Not those of every committee: what one costs does not depend on how many others there are.
    asked = {"families": sorted(set(chain.from_iterable(families.values())))}
    from_then = {**asked, "since": since}
    ask_ahead(session, Question(_SEATS, asked), Question(_HOLDINGS, from_then), Question(absent, {"since": since}))
    all_seats, holds = every(session, _SEATS, asked), every(session, _HOLDINGS, from_then)
    if not as_copied:
        all_seats, holds = [*map(_until_it_ended, all_seats)], [*map(_until_it_ended, holds)]
    seats = grouped(all_seats, lambda seat: seat.committee_id)
    held = grouped([one for one in holds if _has_days(one, since)], lambda one: one.seat_id)
    absences = _absences(session, every(session, absent, {"since": since}), as_copied=as_copied)
    return {
        one: Membership(one, rows[one].key, tuple(chain.from_iterable(seats[each] for each in family)), held, absences)
        for one, family in families.items()
    }


def _until_it_ended(row: HeldOrSeat) -> HeldOrSeat:
    """A hold or a seat with the last day on which it had ended, where that waits to be decided."""
    days = [day for day in (row.ends_on, row.ended_since) if day is not None]
    return row if row.ended_since is None else replaced(row, ends_on=min(days))


def _has_days(hold: Hold, since: date) -> bool:
    return hold.ends_on is None or hold.ends_on >= max(hold.starts_on, since)


def _families(rows: Mapping[UUID, Committee], wanted: Iterable[UUID]) -> dict[UUID, list[UUID]]:
    """By committee, those whose seats it takes and itself, in turn, each once."""
    by_key = {row.key: row for row in rows.values()}
    return {one: list(dict.fromkeys(_family(rows[one], by_key))) for one in wanted}


def _family(row: Committee, by_key: Mapping[str, Committee]) -> Iterator[UUID]:
    """The committees whose seats it takes, first, as the program's file lists them; then itself."""
    for other in row.derived_from:
        if other in by_key:
            yield from _family(by_key[other], by_key)
    yield row.id


def _absences(session: Session, rows: Sequence[Away], *, as_copied: bool) -> dict[UUID, tuple[SeatAbsence, ...]]:
    roles = _roles_of(session, {one for row in rows if row.deputy_id for one in (row.person_id, row.deputy_id)})
    found: dict[UUID, list[SeatAbsence]] = defaultdict(list)
    for row in rows:
        deputy = row.deputy_id if "seats" in row.kinds and (as_copied or not row.lost_deputy) else None
        until = _acts_until(row, roles[row.deputy_id], roles[row.person_id]) if row.deputy_id else None
        found[row.person_id].append(SeatAbsence(row.starts_on, row.ends_on, deputy, until))
    return {person: tuple(days) for person, days in found.items()}


def _acts_until(
    absence: Absence, acting: Iterable[tuple[str, date]], acted_for: Iterable[tuple[str, date]]
) -> date | None:
    """How long a deputy sits for who is away: as long as they hold a role in which they may act for them."""
    wanted = {role for role, until in acted_for if until >= absence.starts_on}
    return max((until for role, until in acting if any(may_act_as(one, {role}) for one in wanted)), default=None)


def _roles_of(session: Session, people: Collection[UUID]) -> Mapping[UUID, list[tuple[str, date]]]:
    """The roles that people hold or held, each with its last day."""
    found: dict[UUID, list[tuple[str, date]]] = defaultdict(list)
    for held in run(session, _ROLES, {"people": sorted(people)}) if people else ():
        found[held.person_id].append((held.role, held.until))
    return found


_SINCE: Final = bindparam("since", type_=Date())
_FAMILIES: Final = bindparam("families", type_=ARRAY(Uuid()))
_SEATS: Final = built(
    of(CommitteeSeat)
    .join(Committee, joins(Seat.committee_id, Committee))
    .join(Organization, joins(Seat.organization_id, Organization))
    .where(col(Seat.committee_id) == any_(_FAMILIES))
    .order_by(col(Committee.key), col(Seat.key))
)
_HOLDINGS: Final = built(
    of(Hold)
    .join(Seat, joins(SeatHolder.seat_id, Seat))
    .where(
        col(SeatHolder.withdrawn_at).is_(None),
        col(Seat.committee_id) == any_(_FAMILIES),
        is_not_over(SeatHolder, _SINCE),
    )
    .order_by(col(SeatHolder.starts_on), col(SeatHolder.person_id))
)
_NOT_CANCELLED: Final = of(Away).where(col(Absence.cancelled_at).is_(None), col(Absence.ends_on) >= _SINCE)
_ABSENCES: Final = built(_NOT_CANCELLED.where(~cancelled_since()))
_ABSENCES_AS_COPIED: Final = built(_NOT_CANCELLED)
_ROLES: Final = built(
    only(Tenure.person_id, Tenure.role, value_of(func.coalesce(col(Tenure.ends_on), date.max).label("until"))).where(
        col(Tenure.person_id) == any_(bindparam("people", type_=ARRAY(Uuid())))
    )
)
