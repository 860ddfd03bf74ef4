"""Looking in the record for who read what, and who was turned away: by person, by day, by the thing or the file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import CompoundSelect, Select, Table, Text, Uuid, cast, false, func, literal, or_, select, union_all
from sqlalchemy.sql.expression import ColumnElement
from sqlmodel import Session, SQLModel

from domain.kernel.scope import many, moments_of, program_of
from domain.record.reads import EXPORTED, READ
from domain.record.turned_away import LEFT_OUT, REFUSED
from models.base import refers, table_of
from models.follow_up import FollowUp
from models.participant import Participant
from models.record import Event, Seal, SentHead

READINGS: Final = (READ, EXPORTED)
REFUSALS: Final = (REFUSED, LEFT_OUT)

#: No number and no reference of a participant is nearly as long.
LONGEST_FILE: Final = 40
#: The years of which there may be a record.
_EARLIEST, _LATEST = 2000, 2100

_event = table_of(Event)
_seal = table_of(Seal)
_sent = table_of(SentHead)
_participant = table_of(Participant)
_follow_up = table_of(FollowUp)


@dataclass(frozen=True)
class Asked:
    """What one looks for. `thing` is what was read, or the case or the participant that it belongs to; `on` is a local
    day; `file` is the number or the reference by which a participant is known, "" for anybody.
    """

    person_id: UUID | None = None
    on: date | None = None
    thing: UUID | None = None
    file: str = ""


@dataclass(frozen=True)
class Sealed:
    """How far the record is sealed: the last seal, and the last one that went out by letter."""

    number: int
    sealed_at: datetime
    mailed_on: date | None
    mailed_number: int | None


def find(
    session: Session, verbs: tuple[str, ...], asked: Asked, *, before: int, limit: int
) -> tuple[list[dict[str, Any]], int]:
    """The lines of these verbs that are asked for, older than line `before`, the newest first; and how many in all."""
    wanted = _wanted(session, verbs, asked)
    rows = many(session, select(_event).where(*wanted, _event.c.n < before).order_by(_event.c.n.desc()).limit(limit))
    total = session.execute(select(func.count()).select_from(_event).where(*wanted)).scalar_one()
    return rows, total


def sealed(session: Session) -> Sealed | None:
    """How far the record is sealed, or None where nothing is yet."""
    last = session.execute(
        select(_seal.c.number, _seal.c.sealed_at)
        .where(_seal.c.program_id == program_of(session))
        .order_by(_seal.c.number.desc())
        .limit(1)
    ).first()
    if last is None:
        return None
    mailed = session.execute(
        select(_sent.c.sent_on, _sent.c.number)
        .where(_sent.c.program_id == program_of(session))
        .order_by(_sent.c.sent_on.desc())
        .limit(1)
    ).first()
    return Sealed(last.number, last.sealed_at, mailed.sent_on if mailed else None, mailed.number if mailed else None)


def _wanted(session: Session, verbs: tuple[str, ...], asked: Asked) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [_event.c.program_id == program_of(session), _event.c.verb.in_(verbs)]
    if asked.person_id is not None:
        whose = [_event.c.actor_id == asked.person_id, _event.c.actor_for == asked.person_id]
        if verbs == REFUSALS:
            whose.append(_event.c.subject_id == asked.person_id)  # the round that counts the rest acts for nobody
        wanted.append(or_(*whose))
    if asked.thing is not None:
        wanted.append(_concerns(session, select(literal(asked.thing, Uuid()).label("id"))))
    if asked.file:
        wanted.append(_concerns(session, _with_joined(session, _as_written(asked.file))))
    if asked.on is not None and not _EARLIEST <= asked.on.year <= _LATEST:
        wanted.append(false())  # nothing was read then, and no moment is that far away
    elif asked.on is not None:
        first, after = moments_of(session, asked.on)
        wanted += [_event.c.at >= first, _event.c.at < after]
    return wanted


def _concerns(session: Session, things: Select[Any]) -> ColumnElement[bool]:
    """The condition on a line that it is about one of these things, or about what belongs to it.

    A line names its subject, the case that a document is of, and what somebody was turned away from.
    """
    ids = union_all(things, _parts_of(session, things)).subquery()
    named = (_event.c.facts[name].astext.in_(select(cast(ids.c.id, Text))) for name in ("case", "asked"))
    return or_(_event.c.subject_id.in_(select(ids.c.id)), *named)


def file_names(session: Session, things: Iterable[UUID]) -> dict[UUID, str]:
    """Of these things, those that are a participant or a part of one's file: the number, or else the reference."""
    return _of_files(session, things, func.coalesce(_participant.c.number, _participant.c.candidate_ref))


def files_of(session: Session, things: Iterable[UUID]) -> dict[UUID, UUID]:
    """Of these things, those that are a participant or a part of one's file: the participant whose file it is now.

    What belongs to a file that was joined to another is of the other, however often it was.
    """
    joined: dict[UUID, UUID] = {
        row.id: row.joined_to_id
        for row in session.execute(
            select(_participant.c.id, _participant.c.joined_to_id).where(
                _participant.c.program_id == program_of(session), _participant.c.joined_to_id.is_not(None)
            )
        )
    }
    found: dict[UUID, UUID] = _of_files(session, things, _participant.c.id)
    return {thing: _last(joined, whose) for thing, whose in found.items()}


def _last(joined: Mapping[UUID, UUID], whose: UUID) -> UUID:
    while whose in joined:
        whose = joined[whose]
    return whose


def _of_files(session: Session, things: Iterable[UUID], said: ColumnElement[Any]) -> dict[UUID, Any]:
    """Of these things, those that are a participant or a part of one's file, with what is `said` of whose it is."""
    ids, here = list(things), program_of(session)
    asked = [select(_participant.c.id, said).where(_participant.c.program_id == here, _participant.c.id.in_(ids))]
    for table, by_follow_up in _parts():
        rows = select(table.c.id, said).select_from(table)
        if by_follow_up:
            rows = rows.join(_follow_up, refers(table.c.follow_up_id, _follow_up))
        whose = _follow_up if by_follow_up else table
        rows = rows.join(_participant, refers(whose.c.participant_id, _participant))
        asked.append(rows.where(table.c.program_id == here, table.c.id.in_(ids)))
    return {row[0]: row[1] for row in session.execute(union_all(*asked))}


def _with_joined(session: Session, names: Collection[str]) -> Select[Any]:
    """The participant of these numbers or references, and whoever was joined to their file, however often."""
    here = _participant.c.program_id == program_of(session)
    whole = (
        select(_participant.c.id)
        .where(here, or_(*(known.in_(names) for known in (_participant.c.number, _participant.c.candidate_ref))))
        .cte("whole", recursive=True)
    )
    joined = _participant.alias("joined")
    whole = whole.union(
        select(joined.c.id).where(joined.c.program_id == program_of(session), joined.c.joined_to_id == whole.c.id)
    )
    return select(whole.c.id)


def _parts_of(session: Session, participants: Select[Any]) -> CompoundSelect[Any]:
    """The ids of whatever belongs to the files of these participants."""
    here = program_of(session)
    theirs = select(_follow_up.c.id).where(
        _follow_up.c.program_id == here, _follow_up.c.participant_id.in_(participants)
    )
    return union_all(
        *(
            select(table.c.id).where(
                table.c.program_id == here,
                table.c.follow_up_id.in_(theirs) if by_follow_up else table.c.participant_id.in_(participants),
            )
            for table, by_follow_up in _parts()
        )
    )


def _parts() -> Iterator[tuple[Table, bool]]:
    """Every table whose rows belong to one file, and whether they do by the follow-up or by the participant."""
    for table in SQLModel.metadata.sorted_tables:
        if "id" in table.c and "participant_id" in table.c:
            yield table, False
        elif "id" in table.c and "follow_up_id" in table.c:
            yield table, True


def _as_written(file: str) -> list[str]:
    """A number or reference as people write it, and as it is kept."""
    plain = file.strip().upper()
    return [plain, f"#{plain}"]
