"""Who holds which role on a day, who acts for them, and who a duty falls on.

A duty names a chain (`models.casework.Responsibility`). It is resolved when it is read, and never stored on the task.
The first link that a person can act under on that day counts. An absent holder is replaced by their deputy. Where no
link has anyone, the duty is vacant, which is a state that people see.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Date, Text, bindparam, cast, func, null, union_all
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, and_, case, or_

from domain.kernel import (
    MATTER,
    as_said,
    col,
    fact_of_matter,
    in_program,
    inside,
    joins,
    kept,
    last_day_of_matter,
    lasts,
    program_of,
    run,
    same,
    scalar,
    select,
    undecided,
    value_of,
)
from domain.roles import takers
from models.casework import Link, Responsibility, written_links
from models.departure import Departure
from models.program import Absence, Organization, Tenure

#: A deputy who is away has a deputy too, so far and no further.
_DEPUTIES_IN_A_ROW = 3

#: With this a link says that its role is that of the organizations where another role is held, whose name follows.
HAVING: Final = "having:"


class HeldRole(NamedTuple):
    """A tenure as a day sees it: a person's role at an organization, from a day to a day, both inclusive."""

    id: UUID
    person_id: UUID
    organization_id: UUID
    role: str
    starts_on: date
    ends_on: date | None
    version: int

    def begins_by(self, due_on: date | None) -> bool:
        """Whether it begins in time for what is due on a day, or on none."""
        return due_on is None or self.starts_on <= due_on


class DayAbsence(NamedTuple):
    """An absence as a day sees it: the absent person, their deputy, and for which kinds of duty."""

    id: UUID
    person_id: UUID
    deputy_id: UUID | None
    kinds: Sequence[str]
    starts_on: date
    ends_on: date


@dataclass(frozen=True)
class Holder:
    """A person who can act in a role at an organization on the day, for themselves or for an absent person."""

    person_id: UUID
    role: str
    organization_id: UUID
    acting_for: UUID | None = None


@dataclass(frozen=True)
class Falls:
    """Those who a duty falls on, on a day.

    `vacant` says that no one can act in the role which first owes it, nor is to begin in it: a later link of the chain
    has it or, where `holders` is empty, no one at all. `in_place` says that a later link has it, for any reason.
    `waits_for` are those who begin in that role, by name: in time for it, or since no one else has it meanwhile.
    """

    holders: tuple[Holder, ...]
    vacant: bool
    in_place: bool = False
    waits_for: tuple[HeldRole, ...] = ()

    def is_asked_later(self, due_on: date | None) -> bool:
        """Whether it waits for one who begins in time for its day, or has none: they are asked once they begin."""
        return any(held.begins_by(due_on) for held in self.waits_for)

    def on(self, person_id: UUID) -> Holder | None:
        """The role in which this person has it: their own before another's."""
        mine = sorted((h for h in self.holders if h.person_id == person_id), key=lambda h: h.acting_for is not None)
        return mine[0] if mine else None


def _touches(table: Any) -> ColumnElement[bool]:
    """The condition that a row's days, both inclusive, and those asked for have one in common."""
    return and_(col(table.starts_on) <= bindparam("last", type_=Date()), _not_over(table))


def _not_over(table: Any) -> ColumnElement[bool]:
    """The condition that a row's last day, inclusive, is not before the first of those asked for."""
    return lasts(table, bindparam("first", type_=Date()))


def never_began() -> ColumnElement[bool]:
    """The condition on a role that it was withdrawn, or that a departure ended it, before its first day.

    No appointment is deleted. One that was withdrawn ends before its first day. One that a departure ended keeps only
    its first day, which no one has. So it stays also where the departure was cancelled and the role was not given back,
    since another holds it by then.
    """
    this = cast(col(Tenure.id), Text)
    was_to_end = col(Departure.was_to_end).op("->>", return_type=Text())(this)
    ended_before = (
        select(Departure.id)
        .where(
            same(Departure, Tenure),
            Departure.person_id == Tenure.person_id,
            Departure.organization_id == Tenure.organization_id,
            col(Departure.last_day) < col(Tenure.starts_on),
            inside(Departure.was_to_end).has_key(this),
            or_(
                col(Departure.called_off_at).is_(None),
                was_to_end.is_distinct_from(func.to_char(col(Tenure.ends_on), "YYYY-MM-DD")),
            ),
        )
        .exists()
    )
    # Without the first, it is unknown of a role without an end, and so is that it began.
    ended = and_(col(Tenure.ends_on).is_not(None), Tenure.starts_on == Tenure.ends_on, ended_before)
    return or_(col(Tenure.taken_back_at).is_not(None), ended)


def _ended_since() -> ColumnElement[bool]:
    """The condition on a role that it had ended before the first of the days asked for, and a restore lost that.

    Its person holds it for nothing new until it is decided.
    """
    return undecided(
        "role",
        col(MATTER.person_id) == col(Tenure.person_id),
        fact_of_matter("role") == col(Tenure.role),
        fact_of_matter("organization") == as_said(Tenure.organization_id),
        last_day_of_matter() < bindparam("first", type_=Date()),
    )


def cancelled_since() -> ColumnElement[bool]:
    """The condition on an absence that it had been cancelled, a restore lost that, and it is not decided yet."""
    return undecided("other", MATTER.verb == "absence.cancelled", fact_of_matter("absence") == as_said(Absence.id))


def replaced_since() -> ColumnElement[bool]:
    """The condition on an absence that its deputy had been replaced or removed, and a restore lost that, as above."""
    return undecided(
        "other",
        MATTER.verb == "absence.deputy_changed",
        fact_of_matter("absence") == as_said(Absence.id),
        fact_of_matter("instead_of") == as_said(Absence.deputy_id),
    )


#: What everyone holds or is to hold, and who is away on some days, in one query: each request of a window asks it. A
#: line without a role is an absence, and has its deputy where a tenure has its organization.
_ON_THESE_DAYS: Final = union_all(
    select(
        Tenure.id,
        Tenure.person_id,
        Tenure.organization_id,
        Tenure.role,
        value_of(null()),
        Tenure.starts_on,
        Tenure.ends_on,
        Tenure.version,
        Organization.ends_on,
    )
    .join(Organization, joins(Tenure.organization_id, Organization))
    .where(in_program(Tenure), _not_over(Tenure), ~never_began(), ~_ended_since(), _not_over(Organization)),
    select(
        Absence.id,
        Absence.person_id,
        value_of(case((replaced_since(), null()), else_=col(Absence.deputy_id))),
        value_of(null()),
        Absence.kinds,
        Absence.starts_on,
        Absence.ends_on,
        value_of(null()),
        value_of(null()),
    ).where(in_program(Absence), _touches(Absence), col(Absence.cancelled_at).is_(None), ~cancelled_since()),
)


class DayTenures:
    """Every tenure and absence of one day, read once, from which any chain can be resolved.

    `coming` are the tenures that begin on a later day.
    """

    def __init__(
        self, day: date, tenures: Iterable[HeldRole], absences: Iterable[DayAbsence], coming: Iterable[HeldRole] = ()
    ) -> None:
        self.day = day
        self.tenures = tuple(tenures)
        self.coming = tuple(sorted(coming, key=lambda tenure: (tenure.starts_on, str(tenure.id))))
        self.absences = {absence.person_id: absence for absence in absences}
        self.live = {tenure.person_id for tenure in self.tenures}
        self._by_role: dict[str, list[HeldRole]] = {}
        self._by_person: dict[UUID, list[HeldRole]] = {}
        # Asked again and again of one day, by each duty and each line of a page.
        self._meant_by: dict[Link, list[HeldRole]] = {}
        self._able_by: dict[tuple[Link, str], list[Holder]] = {}
        for tenure in self.tenures:
            self._by_role.setdefault(tenure.role, []).append(tenure)
            self._by_person.setdefault(tenure.person_id, []).append(tenure)

    def holding(self, role: str, organization_id: UUID | None = None) -> list[HeldRole]:
        """The tenures of a role on the day, at one organization or anywhere, absent holders included."""
        found = self._by_role.get(role, [])
        return [t for t in found if organization_id is None or t.organization_id == organization_id]

    def to_hold(self, role: str, organization_id: UUID) -> list[HeldRole]:
        """Those who are to begin in a role at an organization after the day, without those who hold it on that day."""
        have_it = {held.person_id for held in self.holding(role, organization_id)}
        found = {
            held.person_id: held
            for held in reversed(self.coming)
            if held.role == role and held.organization_id == organization_id and held.person_id not in have_it
        }
        return sorted(found.values(), key=lambda held: held.starts_on)

    def roles_of(self, person_id: UUID) -> list[HeldRole]:
        """The roles that a person holds on the day."""
        return [*self._by_person.get(person_id, ())]

    def from_day(self, person_id: UUID) -> date | None:
        """The first day of a person who holds nothing on the day and is to hold something; None for anyone else."""
        if person_id in self.live:
            return None
        return next((tenure.starts_on for tenure in self.coming if tenure.person_id == person_id), None)

    def acting_for(self, person_id: UUID) -> list[DayAbsence]:
        """The absences in which this person is the deputy on the day, and may act in some role of the absent one."""
        return [
            absence
            for absence in self.absences.values()
            if absence.deputy_id == person_id
            and any(self.may_act_as(person_id, held.role) for held in self.roles_of(absence.person_id))
        ]

    def may_act_as(self, person_id: UUID, role: str) -> bool:
        """Whether what falls to a role may fall to this person on the day: `domain.roles.takers`."""
        return takers.may_act_as(role, {held.role for held in self.roles_of(person_id)})

    def is_away(self, person_id: UUID) -> bool:
        """Whether the person is absent on the day."""
        return person_id in self.absences

    def falls(self, chain: Sequence[Link], *, kind: str = "tasks", barred: Collection[UUID] = ()) -> Falls:
        """Those who a duty with this chain falls on. `kind` is what a deputy must have been given: tasks or approvals.

        The `barred` do not have it in any role: the chain goes on behind them.
        """
        for position, link in enumerate(chain):
            able = dict.fromkeys(self._able(link, kind))
            holders = tuple(holder for holder in able if holder.person_id not in barred)
            if holders:
                return Falls(holders, position > 0 and self._is_vacant(chain[0], kind, barred), in_place=position > 0)
        coming = self._coming_to(chain[0], barred) if chain else ()
        return Falls((), not chain or self._is_vacant(chain[0], kind, barred), waits_for=coming)

    def _is_vacant(self, link: Link, kind: str, barred: Collection[UUID]) -> bool:
        """Whether no one can act in a link's role on the day; False where it waits for its first holder."""
        return not (any(self._able(link, kind)) or self._coming_to(link, barred))

    def _coming_to(self, link: Link, barred: Collection[UUID]) -> tuple[HeldRole, ...]:
        """As `coming_to`, without the barred."""
        return tuple(held for held in self.coming_to(link) if held.person_id not in barred)

    def falls_by(self, chain: Sequence[Link], due_on: date | None) -> Falls:
        """Those who a duty due on a day, or on none, falls on: it waits for one who begins in time for it, by name.

        What is needed before falls to the next of the chain, as where no one is to come. Behind the last one, it waits.
        """
        coming = self.coming_to(chain[0]) if chain else []
        in_time = tuple(held for held in coming if held.begins_by(due_on))
        return Falls((), False, waits_for=in_time) if in_time else self.falls(chain)

    def coming_to(self, link: Link) -> list[HeldRole]:
        """Those who are to hold a link's role that no one holds yet, from the first day on which it is held."""
        if not self.has_nobody(link):
            return []
        found = self._meant(link, [held for held in self.coming if held.role == link.role]) or self._with_place(link)
        return [held for held in found if held.starts_on == found[0].starts_on]

    def _with_place(self, link: Link) -> list[HeldRole]:
        """Of a link to where another role is held, which is nowhere yet: who has the link's role once it is."""
        begins = self._first_days(link)
        there = [held for held in (*self.tenures, *self.coming) if held.organization_id in begins]
        theirs = [held for held in there if held.role == link.role and link.person in (None, held.person_id)]
        found = [held._replace(starts_on=max(begins[held.organization_id], held.starts_on)) for held in theirs]
        return sorted((held for held in found if _covers(held, held.starts_on)), key=lambda held: held.starts_on)

    def _first_days(self, link: Link) -> dict[UUID, date]:
        """The first day, at each organization, of the role whose places a link means, where no one holds it yet."""
        named = link.at.removeprefix(HAVING) if link.at.startswith(HAVING) else ""
        if not named or self.holding(named):
            return {}
        return {held.organization_id: held.starts_on for held in reversed(self.coming) if held.role == named}

    def behind(self, chain: Sequence[Link], person_id: UUID | None) -> Sequence[Link]:
        """The rest of a chain, after its first link, that falls on others than this person; empty where none does."""
        for place in range(1, len(chain)):
            people = {holder.person_id for holder in self.falls(chain[place:]).holders}
            if people and person_id not in people:
                return chain[place:]
        return ()

    def has_nobody(self, link: Link) -> bool:
        """Whether no one holds this link's role on the day, absent holders counting as holders."""
        return not self.tenures_of(link)

    def _able(self, link: Link, kind: str) -> list[Holder]:
        key = link, kind
        if key not in self._able_by:
            self._able_by[key] = list(self._who_can(link, kind))
        return self._able_by[key]

    def _who_can(self, link: Link, kind: str) -> Iterable[Holder]:
        for tenure in self.tenures_of(link):
            person = self._who_acts(tenure, "approvals" if link.approves else kind)
            absent = tenure.person_id if person != tenure.person_id else None
            if person is None or (absent and (link.alone or person in link.passes)):
                continue
            yield Holder(person, tenure.role, tenure.organization_id, absent)

    def tenures_of(self, link: Link) -> list[HeldRole]:
        """The tenures that a link means on the day, absent holders included."""
        if link not in self._meant_by:
            self._meant_by[link] = self._meant(link, self.holding(link.role))
        return self._meant_by[link]

    def _meant(self, link: Link, found: list[HeldRole]) -> list[HeldRole]:
        return [held for held in found if self._is_meant(link, held)]

    def _is_meant(self, link: Link, held: HeldRole) -> bool:
        """Whether a link means a tenure of its role: by where it is held, and by whose it is if it names a person."""
        if link.at.startswith(HAVING):
            is_there = any(self.holding(link.at.removeprefix(HAVING), held.organization_id))
        else:
            is_there = link.at in ("*", str(held.organization_id))
        return is_there and link.person in (None, held.person_id)

    def _who_acts(self, tenure: HeldRole, kind: str) -> UUID | None:
        acting = tenure.person_id
        for _ in range(_DEPUTIES_IN_A_ROW):
            absence = self.absences.get(acting)
            if absence is None:
                return acting
            if absence.deputy_id is None or kind not in absence.kinds:
                return None
            if not self.may_act_as(absence.deputy_id, tenure.role):
                return None  # they no longer hold anything, or nothing that lets them see this
            acting = absence.deputy_id
        return None


def standing(session: Session, day: date) -> DayTenures:
    """The holders of all roles, and the absent people, on a local day."""
    return kept(session, (standing, day), lambda: standings(session, [day])[day])


def standings(session: Session, days: Collection[date]) -> dict[date, DayTenures]:
    """The holders of all roles, and the absent people, on each of several local days, read at once."""
    if not days:
        return {}
    tenures, absences = _lasting(session, min(days), max(days))
    return {day: _on(day, tenures, absences) for day in days}


def _on(day: date, tenures: Iterable[_Lasting], absences: Iterable[DayAbsence]) -> DayTenures:
    """What lasts on a day, of tenures and absences of several days, and who is to begin on a later day."""
    there = [one.held for one in tenures if one.is_there(max(day, one.held.starts_on))]
    now = (held for held in there if _covers(held, day))
    coming = (held for held in there if held.starts_on > day)
    return DayTenures(day, now, (absence for absence in absences if _covers(absence, day)), coming)


def _lasting(session: Session, first: date, last: date) -> tuple[list[_Lasting], list[DayAbsence]]:
    """The tenures that are not over before the first of these days, and the absences on some of them."""
    asked = {"here": program_of(session), "first": first, "last": last}
    tenures: list[_Lasting] = []
    absences: list[DayAbsence] = []
    rows: Iterable[Sequence[Any]] = run(session, _ON_THESE_DAYS, asked)
    for one, who, whom_or_where, role, kinds, starts_on, ends_on, version, place_ends_on in rows:
        if role is None:
            absences.append(DayAbsence(one, who, whom_or_where, kinds, starts_on, ends_on))
        else:
            held = HeldRole(one, who, whom_or_where, role, starts_on, ends_on, version)
            tenures.append(_Lasting(held, place_ends_on))
    return tenures, absences


class _Lasting(NamedTuple):
    """A tenure, and the last day of its organization in the program, where it has one."""

    held: HeldRole
    until: date | None

    def is_there(self, day: date) -> bool:
        """Whether the organization is in the program on a day."""
        return self.until is None or self.until >= day


def responsibility(session: Session, chain: Sequence[Link]) -> UUID:
    """The id of the row that holds this chain, written if it is new. The same chain is always the same row."""
    written = json.dumps(written_links(chain), sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(written.encode()).hexdigest()
    find = select(Responsibility.id).where(in_program(Responsibility), Responsibility.digest == digest)
    found: UUID | None = scalar(session, find)
    if found is None:
        run(
            session,
            insert(Responsibility)
            .values(program_id=program_of(session), id=uuid4(), digest=digest, links=list(chain))
            .on_conflict_do_nothing(index_elements=["program_id", "digest"]),
        )
        found = scalar(session, find)
    if found is None:
        msg = "a chain that was just written cannot be read"
        raise LookupError(msg)
    return found


def _covers(row: HeldRole | DayAbsence, day: date) -> bool:
    return row.starts_on <= day and (row.ends_on is None or row.ends_on >= day)
