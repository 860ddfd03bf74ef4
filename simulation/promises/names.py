"""Words about people: sealed, and taken out by two people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlmodel import Session

from domain.casework import words
from domain.kernel import col, of, only, run, same, scalars, select
from models.minutes import Minutes
from models.record import Event, Incident, IncidentVersion
from models.redaction import Redaction, WordKey
from simulation.promises import promise


@promise("The minutes of a sitting and the register of incidents stand nowhere in the clear.")
def sealed(session: Session, _: datetime) -> Iterator[str]:
    """The minutes and each version of an incident whose words can be read without a key."""
    clear = {
        "minutes": only(Minutes.id).where(col(Minutes.sealed).is_(None)),
        "incident": only(Incident.id).where(col(Incident.words).is_(None)),
        "incident_version": only(IncidentVersion.id).where(col(IncidentVersion.words).is_(None)),
    }
    for kind, asked in clear.items():
        yield from (f"{kind} {row_id}" for row_id in scalars(session, asked.order_by("id")))


@promise("What people write with a step about a candidate or participant stands nowhere in the clear.")
def with_steps(session: Session, _: datetime) -> Iterator[str]:
    """Each task about somebody with words that can be read without a key."""
    about = words.in_the_clear(session)[1]
    yield from (f"task {task_id}" for task_id in sorted(about, key=str))


@promise("Words are taken out by two people, whichever hats they wear and for whomever they act.", stays=True)
def by_two(session: Session, _: datetime) -> Iterator[str]:
    """Each redaction that was done or declined by somebody who had a part in asking for it, or by nobody."""
    rows = run(session, of(Redaction).where(col(Redaction.state).in_(("done", "declined"))))
    for row in rows:
        asked = {row.asked_by, row.asked_for} - {None}
        settled = {row.settled_by, row.settled_for} - {None}
        if row.settled_by is None or asked & settled:
            yield f"redaction {row.id}"


@promise(
    "The record says of words that were taken out that it was done, and the digests of before and after.", stays=True
)
def told(session: Session, _: datetime) -> Iterator[str]:
    """Each redaction that was done and whose line of the record is missing or has other digests."""
    lines = {
        row.subject_id: (row.facts["before"], row.facts["after"])
        for row in run(session, only(Event.subject_id, Event.facts).where(Event.verb == "redaction.done"))
    }
    done = run(session, only(Redaction.id, Redaction.before, Redaction.after).where(Redaction.state == "done"))
    yield from (f"redaction {row.id}" for row in done if lines.get(row.id) != (row.before, row.after))


@promise("What was sealed before words were taken out opens no more: its key is destroyed.")
def keys_changed(session: Session, _: datetime) -> Iterator[str]:
    """Each redaction after which a key that is older than it is still in use."""
    used = select(WordKey.id).where(
        same(WordKey, Redaction),
        col(WordKey.destroyed_at).is_(None),
        (col(WordKey.meeting_id) == col(Redaction.meeting_id))
        | (col(WordKey.incident_id) == col(Redaction.incident_id)),
        col(WordKey.made_at) < col(Redaction.settled_at),
    )
    broken = scalars(session, only(Redaction.id).where(Redaction.state == "done", used.exists()))
    yield from (f"redaction {row_id}" for row_id in broken)
