"""Who read a person's file, took a file of it along, or had letters about it: when, in which role and organization.

No name of staff is given: a paper that lists who accompanies a person may fall into the hands of those who hold them.
Who wants to know whether one person read it asks for a restriction, which names them. What is not asked here is
masked nowhere: who read cannot be taken out of the answer by the one who prepares it, who may have read too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from uuid import UUID

from sqlmodel import Session, or_

from domain.follow_ups import WORKBOOK
from domain.kernel import col, every, inside, local_day, of, only, run, scalars
from domain.mail import WORKER_NAMED
from domain.record import EXPORTED, RecordQuery, readings
from domain.rights.held import Held
from models.casework import Case
from models.outbox import Notice
from models.participant import Participant
from models.program import Tenure
from models.record import Event

#: As many lines as there may be of one file.
_MOST = 100_000
_NEWEST = 2**62


def readings_of(session: Session, known_as: str) -> list[Held]:
    """Each day on which a role read something of a file, and how often; the first first."""
    lines = readings.find(session, readings.READINGS, RecordQuery(file=known_as), before=_NEWEST, limit=_MOST)
    counted: Counter[tuple[date, str, str, str, str]] = Counter()
    for line, (day, role, place) in zip(lines, whose_lines(session, lines), strict=True):
        counted[(day, role, place, str(line.facts.get("what", "")), str(line.facts.get("purpose", "")))] += 1
    return [
        Held("reading", day, {"role": role, "organization": place, "what": what, "purpose": purpose, "times": n})
        for (day, role, place, what, purpose), n in sorted(counted.items())
    ]


def taken_along(session: Session, known_as: str) -> list[Held]:
    """Each time that the weekly notes left the program in a workbook: the day, the role and the organization."""
    asked = RecordQuery(file=known_as)
    lines = readings.find(session, (EXPORTED,), asked, before=_NEWEST, limit=_MOST)
    books = [line for line in reversed(lines) if line.facts.get("what") == WORKBOOK]
    return [
        Held(WORKBOOK, day, {"role": role, "organization": place}) for day, role, place in whose_lines(session, books)
    ]


def whose_lines(session: Session, lines: Sequence[Event]) -> list[tuple[date, str, str]]:
    """The local day of each line, and for which role and organization it was; of a deputy, those they act for."""
    people = {one for line in lines for one in (line.actor_id, line.actor_for) if one is not None}
    terms, found = terms_of(session, people), []
    for line in lines:
        day = local_day(session, line.at)
        theirs = (
            [one for one in terms.get(person, []) if one.role == line.actor_as]
            for person in (line.actor_id, line.actor_for)
        )
        found.append((day, line.actor_as, place_on(next(filter(None, theirs), []), day)))
    return found


def terms_of(session: Session, people: Collection[UUID]) -> dict[UUID | None, list[Tenure]]:
    """The terms of people, the first first."""
    found: dict[UUID | None, list[Tenure]] = {}
    for row in every(session, of(Tenure).where(col(Tenure.person_id).in_(people)).order_by(col(Tenure.starts_on))):
        found.setdefault(row.person_id, []).append(row)
    return found


def place_on(held: Sequence[Tenure], day: date) -> str:
    """The organization at which one of these terms ran that day; that of the last where none did."""
    there = [row for row in held if row.starts_on <= day and (row.ends_on is None or day <= row.ends_on)]
    return str((there or held)[-1].organization_id) if there or held else ""


def letters_about(session: Session, participant_id: UUID) -> Iterator[Held]:
    """The letters about the person by their number, to people who work here: how many to each organization."""
    calls = inside(Notice.calls).overlap(_called(session, participant_id))
    theirs = or_(calls, col(Notice.case_id).in_(cases_of(session, participant_id)))
    sent = theirs, Notice.template != WORKER_NAMED, col(Notice.sent_at).is_not(None)
    letters = only(Notice.person_id, Notice.sent_at).where(*sent).order_by(col(Notice.sent_at))
    rows = run(session, letters).all()
    terms = terms_of(session, {row.person_id for row in rows})
    days: dict[str, list[date]] = {}
    for row in rows:
        day = local_day(session, row.sent_at)
        days.setdefault(place_on(terms.get(row.person_id, []), day), []).append(day)
    for place, those in days.items():
        said = {"organization": place, "since": those[0].isoformat(), "times": len(those)}
        yield Held("letters", those[-1], said)


def _called(session: Session, participant_id: UUID) -> list[str]:
    """How letters call a person: by the number, and by the reference of each file that is theirs."""
    theirs = col(Participant.id).in_(with_joined(session, participant_id))
    rows = run(session, only(Participant.number, Participant.candidate_ref).where(theirs))
    return sorted({one for row in rows for one in (row.number, row.candidate_ref) if one})


def cases_of(session: Session, participant_id: UUID) -> list[UUID]:
    """The cases about a participant, and about those whose files were joined to theirs."""
    theirs = col(Case.participant_id).in_(with_joined(session, participant_id))
    return list(scalars(session, only(Case.id).where(theirs)))


def with_joined(session: Session, participant_id: UUID) -> list[UUID]:
    """A participant, and those whose files were joined to theirs, however often."""
    found = [participant_id]
    for one in found:
        found.extend(scalars(session, only(Participant.id).where(Participant.joined_to_id == one)))
    return found
