"""The timed rounds by their keys, and their times: how late each is in a program, and when it comes next.

It knows nothing of Prefect, so that a look at the rounds need not read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim
from sqlmodel import Session

from domain.kernel import only, program, tuples
from flows import (
    agreement_ends,
    beginnings,
    contacts,
    endorsements,
    gatherings,
    incoming,
    obligations,
    reminders,
    retention,
    sealing,
    sweep,
)
from flows.marks import due_everywhere, is_ahead, is_done
from flows.turns import Round
from models.engine import RoundMark

ROUNDS: Final[Mapping[str, Round]] = {
    one.key: one
    for one in (
        reminders.remind,
        beginnings.begin,
        obligations.judge,
        endorsements.ask,
        agreement_ends.warn,
        sealing.mail_heads,
        contacts.look,
        retention.look,
        gatherings.gather,
        incoming.take_in,
        sweep.sweep,
    )
}
"""The rounds by their keys."""

#: The round that is done only where a mailbox is read.
OF_THE_MAILBOX: Final = incoming.KEY

#: So many times of a schedule are looked at: the longest row of days that are not worked is shorter.
_MOST_LOOKED_AT: Final = 30
NOT_LATE: Final = timedelta(0)


def late_by(session: Session, key: str, at: datetime, done: datetime | None) -> timedelta:
    """For how long a round is due in the session's program that was `done` up to then; `NOT_LATE` where none is due.

    It counts from the first time that was missed, and not from the last. Since when is not known where the clock was
    put back after it was done: then from the last.
    """
    due = ROUNDS[key].due_at(session, at)
    if due is None or is_done(done, due, at):
        return NOT_LATE
    missed = next_due(session, key, done) if done is not None and not is_ahead(done, at) else None
    return at - min(missed or due, due)


def is_late(session: Session, key: str, at: datetime, done: datetime | None) -> bool:
    """Whether a round is late by more than its patience: neither Prefect nor the worker itself has done it."""
    return late_by(session, key, at, done) > ROUNDS[key].patience


def marks_of(session: Session) -> dict[str, datetime | None]:
    """How far each round of the session's program has come, by its key; none where it never ran."""
    return dict(tuples(session, only(RoundMark.key, RoundMark.done_up_to)))


def next_due(session: Session, key: str, at: datetime) -> datetime | None:
    """When a round is due next in the session's program; None where that is further away than people plan."""
    declared = ROUNDS[key]
    zone = UTC if declared.due is due_everywhere else ZoneInfo(program(session).time_zone)
    times = CronSim(declared.cron, at.astimezone(zone))
    candidates = (next(times) for _ in range(_MOST_LOOKED_AT))
    return next((one for one in candidates if declared.due_at(session, one) == one), None)
