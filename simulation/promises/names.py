"""Words about people: sealed, and taken out by two people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session

from domain.casework import words
from domain.kernel.scope import program_of
from models.agenda import AgendaItem
from models.base import table_of
from models.minutes import Minutes
from models.record import Event, Incident, IncidentVersion
from models.redaction import Redaction, WordKey
from simulation.promises import promise

_item = table_of(AgendaItem)
_minutes = table_of(Minutes)
_incident = table_of(Incident)
_version = table_of(IncidentVersion)
_event = table_of(Event)
_redaction = table_of(Redaction)
_key = table_of(WordKey)


@promise("What was said at a sitting, its minutes and the register of incidents stand nowhere in the clear.")
def sealed(session: Session, _: datetime) -> Iterator[str]:
    """Each note, minutes and version of an incident whose words can be read without a key."""
    here = program_of(session)
    clear = {
        "agenda_item": select(_item.c.id).where(
            _item.c.program_id == here, (_item.c.note_fr != "") | (_item.c.note_en != "")
        ),
        "minutes": select(_minutes.c.id).where(
            _minutes.c.program_id == here, _minutes.c.sealed.is_(None) | (_minutes.c.content != {})
        ),
        "incident": select(_incident.c.id).where(
            _incident.c.program_id == here, _incident.c.words.is_(None) | (_incident.c.information != "")
        ),
        "incident_version": select(_version.c.id).where(_version.c.program_id == here, _version.c.words.is_(None)),
    }
    for kind, asked in clear.items():
        yield from (f"{kind} {row_id}" for row_id in session.scalars(asked.order_by("id")))


@promise("What people write with a step about a candidate or participant stands nowhere in the clear.")
def with_steps(session: Session, _: datetime) -> Iterator[str]:
    """Each task about somebody with words that can be read without a key."""
    about = words.in_the_clear(session)[1]
    yield from (f"task {task_id}" for task_id in sorted(about, key=str))


@promise("Words are taken out by two people, whichever hats they wear and for whomever they act.")
def by_two(session: Session, _: datetime) -> Iterator[str]:
    """Each redaction that was done or declined by somebody who had a part in asking for it, or by nobody."""
    rows = session.execute(
        select(_redaction).where(
            _redaction.c.program_id == program_of(session), _redaction.c.state.in_(("done", "declined"))
        )
    )
    for row in rows:
        asked = {row.asked_by, row.asked_for} - {None}
        settled = {row.settled_by, row.settled_for} - {None}
        if row.settled_by is None or asked & settled:
            yield f"redaction {row.id}"


@promise("The record says of words that were taken out that it was done, and the digests of before and after.")
def told(session: Session, _: datetime) -> Iterator[str]:
    """Each redaction that was done and whose line of the record is missing or has other digests."""
    lines = {
        row.subject_id: (row.facts["before"], row.facts["after"])
        for row in session.execute(
            select(_event.c.subject_id, _event.c.facts).where(
                _event.c.program_id == program_of(session), _event.c.verb == "redaction.done"
            )
        )
    }
    done = session.execute(
        select(_redaction.c.id, _redaction.c.before, _redaction.c.after).where(
            _redaction.c.program_id == program_of(session), _redaction.c.state == "done"
        )
    )
    yield from (f"redaction {row.id}" for row in done if lines.get(row.id) != (row.before, row.after))


@promise("What was sealed before words were taken out opens no more: its key is destroyed.")
def keys_changed(session: Session, _: datetime) -> Iterator[str]:
    """Each redaction after which a key that is older than it is still in use."""
    used = select(_key.c.id).where(
        _key.c.program_id == _redaction.c.program_id,
        _key.c.destroyed_at.is_(None),
        (_key.c.meeting_id == _redaction.c.meeting_id) | (_key.c.incident_id == _redaction.c.incident_id),
        _key.c.made_at < _redaction.c.settled_at,
    )
    broken = session.scalars(
        select(_redaction.c.id).where(
            _redaction.c.program_id == program_of(session), _redaction.c.state == "done", used.exists()
        )
    )
    yield from (f"redaction {row_id}" for row_id in broken)
