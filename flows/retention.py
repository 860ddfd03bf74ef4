"""The round of retention: when a file's last day is over, its destruction is asked for.

What was made to be given to a person is removed once its own last day is over.

The program's calendar says how long a file is kept after its end. The coordination is asked to request it; where the
program declares so, the program requests it automatically, once. Nothing is destroyed before another person confirms it
(`domain.participants.destruction`); a request without an answer in time lapses here. Each file is a transaction of its
own; running it again changes nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlmodel import Session

from domain.kernel import Actor, local_day
from domain.participants import destruction, destruction_requests, retention, retention_terms
from domain.rights import packages
from flows.turns import Turn, in_parts

#: The local hour at which it looks, every day.
CRON: Final = "30 6 * * *"


@in_parts("retention", CRON)
def look(turn: Turn) -> int:
    """See to the files of one program whose last day is over; how many were asked about."""
    turn.act(retention.count_what_was_missed)
    with turn.reading() as session:
        packages_over = packages.over(session, local_day(session, turn.at))
    turn.each(packages_over, packages.remove_over)
    asked = turn.look(destruction_requests.all_asked)
    turn.each([row.participant_id for row in asked], destruction.look_again)
    with turn.reading() as session:
        over = retention.due(session, local_day(session, turn.at))
        by_itself = retention_terms.retention_of(session).destruction == "by_itself"
    return turn.each(over, _ask_by_calendar if by_itself else _ask_to_ask)


def _ask_by_calendar(session: Session, row: retention.DueDestruction, *, by: Actor, at: datetime) -> int:
    """Ask once for each last day: what needs words, or was refused or lapsed, is a person's to ask (anew)."""
    last = destruction_requests.last_of(session, row.id)
    if row.needs_words or (last is not None and local_day(session, last.asked_at) > row.retain_until):
        return _ask_to_ask(session, row, by=by, at=at)
    destruction.ask(session, row.id, destruction.BY_CALENDAR, by=by, at=at)
    return 1


def _ask_to_ask(session: Session, row: retention.DueDestruction, *, by: Actor, at: datetime) -> int:
    return int(retention.ask_to_destroy(session, row.id, row.known_as, by=by, at=at))
