"""How many files one person may open in an hour and in a day to see identities, by the role in which they do.

The program's file declares it (`Rates`). A file that was opened a moment ago is opened again for free. A person with
several roles, or who deputizes, has one count for all of them. The window notes on record what is stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, text
from sqlmodel import Session

from domain.declarations import Rates
from domain.kernel import Actor, Refusal, col, only, program, run
from domain.record import READ, events
from locales import N_
from models.record import Event

#: What of a file shows an identity, as the record calls it.
WHO: Final = ("identity", "duplicates")
#: The code of the refusal, by which a window knows that a person was stopped.
TOO_MANY: Final = "reading.too_many"

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
#: Any number that no other lock of ours uses; the reader stands beside it.
_LOCK: Final = 0x4EAD


def rates_of(session: Session) -> Rates:
    """The program's rates, as its file was loaded last; the grammar's own where it says nothing."""
    return Rates.model_validate(program(session).reading)


def refuse_more(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Refuse one file more than a person may open in an hour, or in 24. Two windows of theirs count one after another.

    Raises Refusal, which says when the next one opens.
    """
    # Held until the reading is in the record, so that the other window counts it.
    run(
        session,
        text("select pg_advisory_xact_lock(:ours, hashtext(:reader))"),
        {"ours": _LOCK, "reader": str(by.person_id)},
    )
    rate, opened = rates_of(session).rate_of(by.role), opened_by(session, by.person_id, at=at)
    for span, most in ((HOUR, rate.an_hour), (DAY, rate.a_day)):
        within = {file: last for file, last in opened.items() if last > at - span}
        if participant_id in within or len(within) < most:
            continue
        # The file that was not looked at for longest is the first that no longer counts.
        wait = sorted(within.values())[len(within) - most] + span - at
        raise Refusal(
            TOO_MANY,
            N_(
                "You opened %(most)s files, the most that your role may open in this time. The "
                "next one opens in %(minutes)s min; files already open can be opened again. If "
                "someone is in danger, call the coordination."
            ),
            most=most,
            minutes=max(1, -(-int(wait.total_seconds()) // 60)),
        )


def opened_by(session: Session, person_id: UUID | None, *, at: datetime) -> Mapping[UUID, datetime]:
    """The files that a person opened in the last 24 hours to see the identity, and when each was last opened."""
    rows = run(
        session,
        only(Event.subject_id, func.max(col(Event.at)).label("last"))
        .where(
            Event.verb == READ,
            col(Event.at) > at - DAY,
            col(Event.at) <= at,
            Event.actor_id == person_id,
            events.fact("what").in_(WHO),
        )
        .group_by(col(Event.subject_id)),
    )
    return {row.subject_id: row.last for row in rows}
