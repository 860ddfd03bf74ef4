"""Looks in the record for who read what, and who was turned away: by person, by day, by the thing or the file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import CompoundSelect, Table, Text, Uuid, cast, false, func, literal, union_all
from sqlalchemy.orm import aliased
from sqlalchemy.sql.expression import ColumnElement
from sqlmodel import Session, SQLModel, or_
from sqlmodel.sql.expression import SelectOfScalar

from domain.kernel import col, every, first, in_program, inside, joins, moments_of, of, only, run, select
from domain.record.reads import EXPORTED, READ
from domain.record.turned_away import LEFT_OUT, REFUSED
from models.base import table_of
from models.casework import TaskWords
from models.follow_up import FollowUp
from models.participant import Participant
from models.record import Event, Seal, SentHead

READINGS: Final = (READ, EXPORTED)
REFUSALS: Final = (REFUSED, LEFT_OUT)

#: No number and no reference of a participant is nearly as long.
LONGEST_FILE: Final = 40
#: The years of which there may be a record.
_EARLIEST, _LATEST = 2000, 2100


@dataclass(frozen=True)
class RecordQuery:
    """What is looked for.

    `thing` is what was read, or the case or the participant that it belongs to; `on` is a local day. `file` is the
    number or the reference by which a participant is known, "" for anyone. `without` is a person whose own lines are
    left out.
    """

    person_id: UUID | None = None
    on: date | None = None
    thing: UUID | None = None
    file: str = ""
    without: UUID | None = None


@dataclass(frozen=True)
class Sealed:
    """How far the record is sealed: the last seal, and the last one that went out by letter."""

    number: int
    sealed_at: datetime
    mailed_on: date | None
    mailed_number: int | None


def find(session: Session, verbs: tuple[str, ...], asked: RecordQuery, *, before: int, limit: int) -> list[Event]:
    """The lines of these verbs that match, older than line `before`, the newest first."""
    wanted = _wanted(session, verbs, asked)
    return every(
        session, select(Event).where(*wanted, col(Event.n) < before).order_by(col(Event.n).desc()).limit(limit)
    )


def sealed(session: Session) -> Sealed | None:
    """How far the record is sealed, or None where nothing is yet."""
    last = run(session, only(Seal.number, Seal.sealed_at).order_by(col(Seal.number).desc()).limit(1)).first()
    if last is None:
        return None
    mailed = first(session, of(SentHead).order_by(col(SentHead.sent_on).desc()).limit(1))
    return Sealed(last.number, last.sealed_at, mailed.sent_on if mailed else None, mailed.number if mailed else None)


def _wanted(session: Session, verbs: tuple[str, ...], asked: RecordQuery) -> list[ColumnElement[bool]]:
    wanted = [in_program(Event), col(Event.verb).in_(verbs), *_by_whom(verbs, asked)]
    if asked.thing is not None:
        wanted.append(_concerns(select(literal(asked.thing, Uuid()).label("id"))))
    if asked.file:
        wanted.append(_concerns(_with_joined(as_written(asked.file))))
    if asked.on is not None and not _EARLIEST <= asked.on.year <= _LATEST:
        wanted.append(false())  # nothing was read then, and no moment is that far away
    elif asked.on is not None:
        first, after = moments_of(session, asked.on)
        wanted += [col(Event.at) >= first, col(Event.at) < after]
    return wanted


def _by_whom(verbs: tuple[str, ...], asked: RecordQuery) -> Iterator[ColumnElement[bool]]:
    """The conditions on a line that it is of the person sought, and not of the one who is left out."""
    # The round that counts the rest of the refusals acts for no one.
    whose: list[ColumnElement[Any]] = [col(Event.actor_id), col(Event.actor_for)]
    if verbs == REFUSALS:
        whose.append(col(Event.subject_id))
    if asked.person_id is not None:
        yield or_(*(one == asked.person_id for one in whose))
    if asked.without is not None:
        yield from (one.is_distinct_from(asked.without) for one in whose)


def _concerns(things: SelectOfScalar[UUID]) -> ColumnElement[bool]:
    """The condition on a line that it is about one of these things, or about what belongs to it.

    A line names its subject, the case that a document is of, and what a person was turned away from.
    """
    ids = union_all(things, _parts_of(things)).subquery()
    named = (inside(Event.facts)[name].astext.in_(select(cast(ids.c.id, Text))) for name in ("case", "asked"))
    return or_(col(Event.subject_id).in_(select(ids.c.id)), *named)


def file_names(session: Session, things: Iterable[UUID]) -> dict[UUID, str]:
    """For those of these things that are a participant or a part of a file: the number, or else the reference."""
    return _of_files(session, things, func.coalesce(col(Participant.number), col(Participant.candidate_ref)))


def files_of(session: Session, things: Iterable[UUID]) -> dict[UUID, UUID]:
    """For those of these things that are a participant or a part of a file: the participant whose file it is now.

    What belongs to a file that was joined to another is of the other, however often it was.
    """
    joined: dict[UUID, UUID] = {
        row.id: row.joined_to_id
        for row in run(
            session, only(Participant.id, Participant.joined_to_id).where(col(Participant.joined_to_id).is_not(None))
        )
    }
    found: dict[UUID, UUID] = _of_files(session, things, col(Participant.id))
    return {thing: _last(joined, whose) for thing, whose in found.items()}


def _last(joined: Mapping[UUID, UUID], whose: UUID) -> UUID:
    while whose in joined:
        whose = joined[whose]
    return whose


def _of_files(session: Session, things: Iterable[UUID], said: ColumnElement[Any]) -> dict[UUID, Any]:
    """Those of these things that are a participant or part of a file, with what is `said` of its participant."""
    ids = list(things)
    asked = [only(Participant.id, said).where(col(Participant.id).in_(ids))]
    for table, by_follow_up in _parts():
        rows = select(table.c.id, said).select_from(table)
        if by_follow_up:
            rows = rows.join(FollowUp, joins(table.c.follow_up_id, FollowUp))
        whose = table_of(FollowUp) if by_follow_up else table
        rows = rows.join(Participant, joins(whose.c.participant_id, Participant))
        asked.append(rows.where(in_program(table), table.c.id.in_(ids)))
    return {row[0]: row[1] for row in run(session, union_all(*asked))}


def _with_joined(names: Collection[str]) -> SelectOfScalar[UUID]:
    """The participants of these numbers or references, and those joined to their files, however often."""
    here = in_program(Participant)
    whole = (
        select(Participant.id)
        .where(here, or_(*(known.in_(names) for known in (col(Participant.number), col(Participant.candidate_ref)))))
        .cte("whole", recursive=True)
    )
    joined = aliased(Participant, name="joined")
    whole = whole.union(only(joined.id).where(joined.joined_to_id == whole.c.id))
    return select(whole.c.id)


def _parts_of(participants: SelectOfScalar[UUID]) -> CompoundSelect[Any]:
    """The ids of whatever belongs to the files of these participants."""
    theirs = only(FollowUp.id).where(col(FollowUp.participant_id).in_(participants))
    return union_all(
        # What was written with a step is read as of the step, whosever case that is.
        only(TaskWords.task_id).where(col(TaskWords.participant_id).in_(participants)),
        *(
            select(table.c.id).where(
                in_program(table),
                table.c.follow_up_id.in_(theirs) if by_follow_up else table.c.participant_id.in_(participants),
            )
            for table, by_follow_up in _parts()
        ),
    )


def _parts() -> Iterator[tuple[Table, bool]]:
    """Every table whose rows belong to one file, and whether they do by the follow-up or by the participant."""
    for table in SQLModel.metadata.sorted_tables:
        if "id" in table.c and "participant_id" in table.c:
            yield table, False
        elif "id" in table.c and "follow_up_id" in table.c:
            yield table, True


def as_written(file: str) -> list[str]:
    """The spellings of a typed number or reference: as people write it, and as it is stored."""
    plain = file.strip().upper()
    return [plain, f"#{plain}"]
