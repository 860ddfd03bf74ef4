"""A partner's year in counts, as an agenda item shows it where the partner's agreement is re-evaluated. Guide: CM-J."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.obligations import reading
from locales import N_
from models.agenda import ItemReason

_YEAR: Final = timedelta(days=365)
_RECORD: Final = N_(
    "The year up to %(day)s, periods of obligations: met %(met)s; missed or "
    "impossible to meet %(missed)s; at risk %(risk)s; waived or without occasion "
    "%(waived)s; still open %(open)s."
)
#: The states that each of its numbers counts.
_COUNTED: Final[Mapping[str, tuple[str, ...]]] = {
    "met": ("met",),
    "missed": ("missed", "cannot_be_met"),
    "risk": ("at_risk",),
    "waived": ("waived", "no_occasion"),
    "open": ("on_track", "nothing_recorded", "not_yet", "awaiting_record", "given"),
}


def year_record(session: Session, organization_id: UUID, day: date) -> tuple[ItemReason, ...]:
    """How a partner stood in the year up to a local day, as one reason; none where nothing of it is on record.

    As it had been found by then: what changes afterwards does not change the item.
    """
    rows = reading.periods(session, organization_ids=[organization_id], since=day - _YEAR, until=day)
    if not rows:
        return ()
    states = Counter(row.state for row in reading.as_of(session, rows, day))
    counts = {name: sum(states[state] for state in counted) for name, counted in _COUNTED.items()}
    return (ItemReason("year_record", _RECORD, {"day": day.isoformat(), **counts}),)
