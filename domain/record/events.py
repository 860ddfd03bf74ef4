"""Writing the record: one event in the transaction that it tells of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, event, insert
from sqlalchemy.orm import SessionTransaction
from sqlmodel import Session

from domain.kernel import Actor, col, every, inside, of, program_of, run
from domain.record import apart
from models.base import table_of
from models.ports import LEDGER_NOTES
from models.record import Event

#: Built once: every act writes events.
_ADD = insert(table_of(Event))

#: Lines about the readers and the refused, which the privacy officer reads and no page of activity shows.
FOR_PRIVACY: Final = frozenset(
    {
        *("access.refused", "access.refused_often", "read", "exported", "reading.pattern"),
        *("incident.entered", "incident.completed", "incident.assessed", "incident.told"),
        *("incident.closed", "incident.reopened", "incident.redacted"),
        *("rights.received", "rights.extended", "rights.accepted", "rights.masked", "rights.package_made"),
        *("rights.package_removed", "rights.answered", "rights.refused", "rights.refused_in_part"),
        *("rights.withdrawn", "rights.stopped", "rights.stated", "rights.looked_for"),
    }
)

Fact = str | int | float | bool | None | list[str]


def fact(name: str) -> ColumnElement[str]:
    """What an event says of one thing, as text."""
    said: ColumnElement[str] = inside(Event.facts)[name].astext
    return said


def write(
    session: Session,
    verb: str,
    kind: str,
    subject_id: UUID,
    /,
    *,
    by: Actor,
    at: datetime,
    case_id: UUID | None = None,
    **facts: Fact,
) -> UUID:
    """Write the line "`by` did `verb` to this `kind` at `at`" to the record, and return its id.

    `facts` say what changed, in the program's own words. Free text that people typed stays in its own row: the record
    names the act and never repeats what might be nominative.
    """
    line = uuid4()
    act = _act(session, verb, kind, by, at)
    _note(session, EventLine(verb, kind, subject_id, facts))
    apart.note_closing(session, verb, kind, subject_id, facts, at=at)
    run(session, _ADD, {**act, "id": line, "subject_id": subject_id, "case_id": case_id, "facts": facts})
    return line


def latest(session: Session, *wanted: ColumnElement[bool] | bool, most: int) -> list[Event]:
    """The newest lines of which these conditions hold, the newest first."""
    return every(session, of(Event).where(*wanted).order_by(col(Event.n).desc()).limit(most))


def write_many(
    session: Session,
    verb: str,
    kind: str,
    subjects: Sequence[tuple[UUID, dict[str, Fact]]],
    *,
    by: Actor,
    at: datetime,
    case_id: UUID | None = None,
    case_of: Mapping[UUID, UUID | None] | None = None,
) -> None:
    """As `write`, for several subjects of one act, in one statement. `case_of` names their cases where they differ."""
    act = _act(session, verb, kind, by, at)
    for subject_id, facts in subjects:
        _note(session, EventLine(verb, kind, subject_id, facts))
        apart.note_closing(session, verb, kind, subject_id, facts, at=at)
    session.connection().execute(
        _ADD,
        [
            {
                **act,
                "id": uuid4(),
                "subject_id": subject_id,
                "case_id": case_of.get(subject_id) if case_of is not None else case_id,
                "facts": facts,
            }
            for subject_id, facts in subjects
        ],
    )


@dataclass(frozen=True)
class EventLine:
    """A line of the record as it was just written: what was done to which subject, and the facts that say so."""

    verb: str
    kind: str
    subject_id: UUID
    facts: Mapping[str, Fact] = field(default_factory=dict)


def take_written(session: Session) -> tuple[EventLine, ...]:
    """The lines written in this session since the last call, in order: for what follows from them.

    What was rolled back, to a savepoint or wholly, was not written.
    """
    return tuple(session.info.pop(_WRITTEN, ()))


def written(session: Session) -> tuple[EventLine, ...]:
    """The lines written in this session since they were last taken, in order. They stay to be taken."""
    return tuple(session.info.get(_WRITTEN, ()))


def also(session: Session, verb: str, kind: str, subject_id: UUID, /) -> None:
    """Mark a subject for what follows from this transaction as if this verb were written; it writes no line."""
    _note(session, EventLine(verb, kind, subject_id))


def _note(session: Session, line: EventLine) -> None:
    session.info.setdefault(_WRITTEN, []).append(line)


#: What `also` says of a task that serves a clause of an agreement, or whose end moves days of other tasks.
CLAUSE_SERVED: Final = "task.clause_served"
#: Where a session keeps the lines that were written in it, and how many there were before each savepoint; and as many
#: of its notes for the ledger.
_WRITTEN: Final = "written"
_BEFORE: Final = "written_before"
_KEPT: Final = (_WRITTEN, LEDGER_NOTES)


@event.listens_for(Session, "after_transaction_create")
def _remember(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        # Weakly: a savepoint is over before it is said that it was undone.
        session.info.setdefault(_BEFORE, WeakKeyDictionary())[transaction] = [
            len(session.info.get(kept, ())) for kept in _KEPT
        ]


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, transaction: SessionTransaction) -> None:
    before = session.info.get(_BEFORE, {}).get(transaction, (0, 0)) if transaction.nested else (0, 0)
    for kept, n in zip(_KEPT, before, strict=True):
        del session.info.get(kept, [])[n:]


def _act(session: Session, verb: str, kind: str, by: Actor, at: datetime) -> dict[str, object]:
    """The columns shared by every line of one act."""
    return {
        "program_id": program_of(session),
        "at": at,
        "actor_id": by.person_id,
        "actor_as": by.role,
        "actor_for": by.acting_for,
        "verb": verb,
        "subject_kind": kind,
    }
