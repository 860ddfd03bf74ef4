"""Who has the seats of organizations on committees, who held which role there, and how many were promised for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple
from uuid import UUID

from domain.declarations.checks.records import Records, grouped
from domain.declarations.checks.vacancies import vacant_since
from domain.kernel import Span, col, every, in_program, joins, of, only, run, select
from domain.roles import days_of, never_began
from domain.terms import Promise
from models.agreement import Agreement, AgreementRole, AgreementVersion
from models.committee import Committee, Seat
from models.program import Tenure


class SeatRead(NamedTuple):
    """A seat: whose it is, for which role, on which days, on which committee."""

    id: UUID
    organization_id: UUID | None
    role: str
    starts_on: date | None
    ends_on: date | None
    committee: str


def seats_on(records: Records, committee: str, organization_id: UUID) -> list[SeatRead]:
    """An organization's seats on a committee, with those that the committee takes from others."""
    taken_from = records.read(_derived_from)
    family, more = {committee}, [committee]
    while more:
        others = [one for one in taken_from.get(more.pop(), ()) if one not in family]
        family.update(others)
        more.extend(others)
    return [
        seat for seat in records.read(_seats) if seat.committee in family and seat.organization_id == organization_id
    ]


def _derived_from(records: Records) -> Mapping[str, Sequence[str]]:
    """The other committees from which each takes its seats."""
    return {row.key: row.derived_from for row in run(records.session, only(Committee.key, Committee.derived_from))}


def _seats(records: Records) -> list[SeatRead]:
    columns = (Seat.id, Seat.organization_id, Seat.role, Seat.starts_on, Seat.ends_on, Committee.key)
    asked = only(*columns).join(Committee, joins(Seat.committee_id, Committee))
    return [SeatRead(*row) for row in run(records.session, asked)]


#: An organization and a role there.
Post = tuple[UUID, str]

_ALWAYS: Final = [Span(date.min, None)]


def tenures(records: Records) -> Mapping[Post, list[Tenure]]:
    """Who holds or held each role, those left out who never began."""
    return grouped(
        every(records.session, of(Tenure).where(~never_began())), lambda row: (row.organization_id, row.role)
    )


def held(records: Records, post: Post) -> list[Span]:
    """The days on which a role was held, however late that was entered."""
    return [Span(row.starts_on, row.ends_on) for row in records.read(tenures)[post]]


def on_record(records: Records, post: Post) -> list[Span]:
    """The days on which a role was held as the record then had it: what was vacant stays so."""
    return [
        part
        for row in records.read(tenures)[post]
        for part in Span(row.starts_on, row.ends_on).without(Span(*days) for days in days_of(row.entered_late))
    ]


def promised(records: Records) -> Mapping[Post, list[Promise]]:
    """How many people each agreement promises for a role, while a version that says so is in force."""
    rows = run(
        records.session,
        select(
            AgreementRole.role,
            AgreementRole.headcount,
            AgreementVersion.starts_on,
            AgreementVersion.ends_on,
            Agreement.organization_id,
        )
        .join(AgreementVersion, joins(AgreementRole.agreement_version_id, AgreementVersion))
        .join(Agreement, joins(AgreementVersion.agreement_id, Agreement))
        .where(in_program(AgreementRole), col(AgreementVersion.state).in_(["in_force", "ended"])),
    )
    found: dict[Post, list[Promise]] = defaultdict(list)
    for row in rows:
        found[row.organization_id, row.role].append(Promise(Span(row.starts_on, row.ends_on), row.headcount))
    return found


def lacks_since(records: Records, post: Post, on: date) -> date | None:
    """The local day since which a role has lacked a holder on the day `on`, by the record; else None."""
    return vacant_since(_ALWAYS, on_record(records, post), on, records.read(promised)[post])
