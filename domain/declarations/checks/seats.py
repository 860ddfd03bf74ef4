"""The seats of organizations on committees, as checks read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from domain.declarations.checks.records import Records
from domain.kernel.rows import joins, only, run
from models.committee import Committee, Seat


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
