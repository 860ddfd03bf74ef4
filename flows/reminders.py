"""Reminds people: each rung of each task's ladder once, in one digest a person and working day.

A task that was handed in reminds its approver, on the same ladder, counted from the day it was handed in. First the
rungs that were reached are used up, a few tasks at a time, and the record says for which people each was meant. Then
the digests are written. A round that is broken off in between finds in the record what it still has to tell.
"""

from __future__ import annotations

import time as clocks
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam
from sqlalchemy.sql.expression import ColumnElement
from sqlmodel import Session, and_

from domain.casework import TaskWithCase, tasks_with_cases
from domain.kernel import changes, col, every, in_program, local_day, only, run, scalar, select
from domain.record import events
from flows.digests import CHUNK, PAUSE_SECONDS, write_digests
from flows.ladders import Ladders, RungsUsed
from flows.marks import due_on_working_day, is_ahead, mark_of, set_mark
from flows.turns import BY_ROUNDS, Turn, in_parts
from models.casework import LIVE, Task
from models.record import Event

KEY: Final = "remind"
#: Set when a round begins and overtaken when it is done: between the two, it was broken off.
BEGUN: Final = "remind.begun"

#: When people get their digest, in the program's zone, and until when a late one is still sent: no one is reminded at
#: night, and what was due then is due the next working day.
CRON: Final = "0 8 * * *"
EVENING: Final = time(18, 0)

#: How far back the first round of a program looks for tasks that opened.
FIRST_LOOK: Final = timedelta(days=7)

#: A task that is being changed just then is passed over, and looked for again; at the last, the next day has it.
PASSES: Final = 3


def _due_by_day(cron: str, session: Session, at: datetime) -> datetime | None:
    """When today's digests were due, in the program's zone. None before that, at night, or on a day not worked."""
    due = due_on_working_day(cron, session, at)
    return due if due is not None and at.astimezone(due.tzinfo).time() < EVENING else None


@in_parts(KEY, CRON, _due_by_day)
def remind(turn: Turn) -> int:
    """Remind whoever is to be reminded today in one program. Returns the rungs used."""
    with turn.transaction() as session:
        since, broken_off_at = _how_far(mark_of(session, KEY), mark_of(session, BEGUN), turn.at)
        if broken_off_at is None:
            set_mark(session, BEGUN, turn.at, turn.ran_by)
    used = reminded = _use_rungs(turn)
    if broken_off_at is not None:
        with turn.reading() as session:
            reminded = _recorded(session, broken_off_at)
    write_digests(turn.means, turn.program_id, turn.at, reminded, since)
    return len(used)


def _how_far(done: datetime | None, begun: datetime | None, at: datetime) -> tuple[datetime, datetime | None]:
    """Up to when everything was told, and when a round began that was broken off; None where none was.

    By a clock that was put back since, nothing is known to have been told: the first look begins anew.
    """
    told = None if is_ahead(done, at) else done
    since = told or at - FIRST_LOOK
    # Two marks of the same clock say which came first, also where it was put back.
    before = done if done is not None and is_ahead(begun, at) else since
    return since, begun if begun is not None and begun > before else None


# ------------------------------------------------------------------------------------------------ using up the rungs


def _use_rungs(turn: Turn) -> dict[UUID, RungsUsed]:
    """Use every rung that was reached, and record its recipients."""
    used: dict[UUID, RungsUsed] = {}
    for _ in range(PASSES):
        after: UUID | None = UUID(int=0)
        while after is not None:
            with turn.transaction() as session:
                rows = _due(session, turn.at, after)
                told = _use(session, rows, turn.at) if rows else {}
            used.update(told)
            after = rows[-1].id if rows else None
            clocks.sleep(PAUSE_SECONDS)
        with turn.reading() as session:
            if not scalar(session, select(Task.id).where(_is_due(session, turn.at)).limit(1)):
                break
    return used


def _is_due(session: Session, at: datetime) -> ColumnElement[bool]:
    return and_(in_program(Task), col(Task.next_check) <= local_day(session, at), col(Task.state).in_(LIVE))


def _due(session: Session, at: datetime, after: UUID) -> list[TaskWithCase]:
    return every(
        session,
        tasks_with_cases()
        .where(_is_due(session, at), col(Task.id) > after)
        .order_by(col(Task.id))
        .limit(CHUNK)
        .with_for_update(of=Task, skip_locked=True),
    )


def _use(session: Session, rows: Sequence[TaskWithCase], at: datetime) -> dict[UUID, RungsUsed]:
    day = local_day(session, at)
    protocols = Ladders(session)
    reached_rungs: list[dict[str, object]] = []
    told: list[tuple[UUID, dict[str, events.Fact]]] = []
    used: dict[UUID, RungsUsed] = {}
    for row in rows:
        reached = max(row.rung, sum(rung <= day for rung in row.ladder))
        next_check = row.ladder[reached] if reached < len(row.ladder) else None
        reached_rungs.append({"of": row.id, "to_rung": reached, "to_check": next_check})
        targets = protocols.targets(row)[row.rung : reached]
        if targets:
            whom = list(dict.fromkeys(targets))
            told.append((row.id, {"step": row.step, "state": row.state, "rung": reached, "to": whom}))
            used[row.id] = RungsUsed(at, frozenset(whom), row.state)
    # On the connection, as one statement for all; the version stays: nobody's page grows old by a reminder.
    run(
        session,
        changes(Task)
        .where(col(Task.id) == bindparam("of"))
        .values(rung=bindparam("to_rung"), next_check=bindparam("to_check")),
        reached_rungs,
    )
    if told:
        events.write_many(
            session, "task.reminded", "task", told, by=BY_ROUNDS, at=at, case_of={row.id: row.case_id for row in rows}
        )
    return used


def _recorded(session: Session, since: datetime) -> dict[UUID, RungsUsed]:
    """What a round that was broken off had used up, and this one after it. Reads the whole record: it is rare."""
    rows = run(
        session,
        only(Event.subject_id, Event.at, Event.facts)
        .where(Event.verb == "task.reminded", col(Event.at) >= since)
        .order_by(col(Event.n)),
    )
    return {
        row.subject_id: RungsUsed(row.at, frozenset(row.facts["to"]), row.facts.get("state", "open")) for row in rows
    }
