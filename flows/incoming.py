"""The round of the mailbox: takes the answers that calendars send by mail from it as they come.

Each page of mails and the place after it are written in one transaction. So a round that is lost, late or run twice, or
that dies in between, neither misses an answer nor takes one twice.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlmodel import Session

from domain.kernel import col, first, of, program_of, run
from flows.engine import programs
from flows.marks import due_everywhere
from flows.turns import Turn, in_parts
from meetings import replies
from meetings.mail_replies import MOST_BYTES, Stray, read_reply
from models.engine import InboxPlace
from models.ports import Inbox, Incoming, Later, Lost, Refused

_log = logging.getLogger(__name__)

KEY: Final = "incoming"
CRON: Final = "*/5 * * * *"

#: Pages a round: what is left comes with the next one.
MOST_PAGES: Final = 40
#: How far before the moment from which mails are wanted a reading anew begins: clocks differ, and mails linger.
BEFORE: Final = timedelta(days=1)

#: A mailbox in which people write and machines answer is full of these. They stay there, and are none of ours.
_LETTERS: Final = frozenset({"no_calendar", "auto_reply"})
_HAS_CALENDAR: Final = re.compile(rb"text/calendar|application/ics", re.IGNORECASE)


class Unread(Exception):
    """The mailbox cannot be read now. Carries a code, and nothing of what went wrong."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class _Stand:
    """How far a mailbox was read: the place, "" for none, and the moment up to which all was dealt with."""

    place: str
    since: datetime


@in_parts(KEY, CRON, due_everywhere, patience=timedelta(minutes=5), is_needed=lambda means: means.inbox is not None)
def take_in(turn: Turn) -> int:
    """Take what came for one program since the last time; how many meetings were answered by it.

    Raises Unread where the mailbox cannot be read: what was read until then stays read.
    """
    inbox = turn.means.inbox
    assert inbox is not None  # noqa: S101 - without one it is not needed
    return _read(turn, inbox)


def _read(turn: Turn, inbox: Inbox) -> int:
    at = turn.at
    # Of several programs that share the mailbox none can say that a mail which none knows was meant for it.
    keeps_strays = len(programs(turn.means)) == 1
    with turn.reading() as session:
        stand = _stand(session, inbox.name) or _Stand("", at)
    answered = 0
    for _ in range(MOST_PAGES):
        came = inbox.read(place=stand.place, since=stand.since - BEFORE, most_bytes=MOST_BYTES)
        if isinstance(came, Lost) and stand.place:
            _log.warning("the mailbox is read anew: it lost the place", extra={"part": KEY, "program": turn.program_id})
            stand = _Stand("", stand.since)
            continue
        if not isinstance(came, Incoming):
            raise _unread(turn, inbox, stand, came)
        stand = _Stand(came.place, stand.since if came.more else at)
        with turn.transaction() as session:
            for message in came.messages:
                answered += _taken(session, message, keeps_strays, at)
            _keep(session, inbox.name, stand, at)
        if not came.more:
            break
    return answered


def _unread(turn: Turn, inbox: Inbox, stand: _Stand, came: Lost | Later | Refused) -> Unread:
    """The error to raise where the mailbox cannot be read. It is logged; and recorded, where the mailbox refuses us."""
    code = "lost" if isinstance(came, Lost) else came.code
    if isinstance(came, Refused):
        with turn.transaction() as session:
            _keep(session, inbox.name, stand, turn.at, trouble=code)
    _log.warning("the mailbox cannot be read", extra={"part": KEY, "program": turn.program_id, "code": code})
    return Unread(code)


def _taken(session: Session, message: bytes, keeps_strays: bool, at: datetime) -> int:
    """How many meetings a mail answers. A mail on which our code fails is passed over: it may not hold up the rest."""
    if _is_a_letter(message):
        return 0
    try:
        with session.begin_nested():
            if not keeps_strays and not replies.knows(session, message):
                return 0
            return replies.receive(session, message, at=at).answered
    except (OperationalError, InterfaceError):  # the database's trouble, and not the mail's: the page comes again
        raise
    except Exception as error:  # noqa: BLE001 - as said above
        _log.error(
            "a mail was passed over: taking it as an answer failed",
            extra={"part": KEY, "program": program_of(session), "error": type(error).__name__},
        )
        return 0


def _is_a_letter(message: bytes) -> bool:
    """Whether a person or another machine wrote the mail, and no calendar."""
    if len(message) > MOST_BYTES:  # it is cut off there, and not taken apart
        return _HAS_CALENDAR.search(message) is None
    read = read_reply(message)
    return isinstance(read, Stray) and read.reason in _LETTERS


def _stand(session: Session, mailbox: str) -> _Stand | None:
    row = first(session, of(InboxPlace).where(InboxPlace.mailbox == mailbox))
    return None if row is None else _Stand(row.place, row.since)


def _keep(session: Session, mailbox: str, stand: _Stand, at: datetime, *, trouble: str = "") -> None:
    """Record how far the mailbox was read; with `trouble`, by which code it was not, and since when."""
    call = insert(InboxPlace).values(
        program_id=program_of(session),
        mailbox=mailbox,
        place=stand.place,
        since=stand.since,
        read_at=at,
        trouble=trouble,
        troubled_since=at if trouble else None,
    )
    changed: dict[str, object] = {name: call.excluded[name] for name in ("place", "since", "read_at", "trouble")}
    changed["troubled_since"] = func.coalesce(col(InboxPlace.troubled_since), at) if trouble else None
    if trouble:
        del changed["read_at"]
    run(session, call.on_conflict_do_update(index_elements=["program_id", "mailbox"], set_=changed))
