"""Who read a person's file, and who took a file of it along: when, in which role and organization, and what for.

No name of staff is given: a paper that lists who accompanies a person may fall into the hands of those who hold them.
Who wants to know whether one person read it asks for a restriction, which names them. What is not asked here is
masked nowhere: who read cannot be taken out of the answer by the one who prepares it, who may have read too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from uuid import UUID

from sqlmodel import Session

from domain.follow_ups import WORKBOOK
from domain.kernel import col, every, local_day, of
from domain.record import EXPORTED, RecordQuery, readings
from domain.rights.held import Held
from models.program import Tenure
from models.record import Event

#: As many lines as there may be of one file.
_MOST = 100_000
_NEWEST = 2**62


def readings_of(session: Session, known_as: str) -> list[Held]:
    """Each day on which a role read something of a file, and how often; the first first."""
    lines = readings.find(session, readings.READINGS, RecordQuery(file=known_as), before=_NEWEST, limit=_MOST)
    places = _places(session, lines)
    counted: Counter[tuple[date, str, str, str, str]] = Counter()
    for line in lines:
        day = local_day(session, line.at)
        place = _place_of(line, places, day)
        said = (str(line.facts.get("what", "")), str(line.facts.get("purpose", "")))
        counted[(day, line.actor_as, place, *said)] += 1
    return [
        Held("reading", day, {"role": role, "organization": place, "what": what, "purpose": purpose, "times": n})
        for (day, role, place, what, purpose), n in sorted(counted.items())
    ]


def taken_along(session: Session, known_as: str) -> list[Held]:
    """Each time that the weekly notes left the program in a workbook: the day, the role and the organization."""
    asked = RecordQuery(file=known_as)
    lines = readings.find(session, (EXPORTED,), asked, before=_NEWEST, limit=_MOST)
    places, found = _places(session, lines), []
    for line in reversed(lines):
        if line.facts.get("what") == WORKBOOK:
            day = local_day(session, line.at)
            place = _place_of(line, places, day)
            found.append(Held(WORKBOOK, day, {"role": line.actor_as, "organization": place}))
    return found


def _places(session: Session, lines: Iterable[Event]) -> dict[tuple[UUID | None, str], list[Tenure]]:
    """The terms of those who read, by person and role."""
    people = {one for line in lines for one in (line.actor_id, line.actor_for) if one is not None}
    found: dict[tuple[UUID | None, str], list[Tenure]] = {}
    for row in every(session, of(Tenure).where(col(Tenure.person_id).in_(people)).order_by(col(Tenure.starts_on))):
        found.setdefault((row.person_id, row.role), []).append(row)
    return found


def _place_of(line: Event, places: Mapping[tuple[UUID | None, str], list[Tenure]], day: date) -> str:
    """The organization for which a person read; a deputy, who has not the role, that of who they act for."""
    held = places.get((line.actor_id, line.actor_as)) or places.get((line.actor_for, line.actor_as), [])
    return _place_on(held, day)


def _place_on(held: list[Tenure], day: date) -> str:
    """The organization at which one held a role that day; that of the last term where a deputy had none."""
    there = [row for row in held if row.starts_on <= day and (row.ends_on is None or day <= row.ends_on)]
    return str((there or held)[-1].organization_id) if there or held else ""
