"""How the tests seat people, by the rows themselves, and what they find in the letters that were written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any
from uuid import UUID, uuid4

from icalendar import Calendar
from sqlalchemy import insert, select
from sqlmodel import Session

from models.base import table_of
from models.committee import Committee, Seat, SeatHolder
from models.outbox import Notice
from tests.cast import AT, SINCE, Cast

_committee = table_of(Committee)
_seat = table_of(Seat)
_holder = table_of(SeatHolder)
_notice = table_of(Notice)

#: Who sits where in most tests: committee, seat, person, and as what.
SEATED = (
    ("clinical", "coordination", "coordinator", "principal"),
    ("clinical", "ccsmtl", "worker_ccsmtl", "principal"),
    ("clinical", "codim", "worker_codim", "principal"),
    ("clinical", "spvm", "police", "principal"),
    ("clinical", "en-marge", "worker_em", "principal"),
    ("clinical", "en-marge", "deputy", "alternate"),
    ("clinical", "anonyme", "without_mail", "principal"),
    ("clinical", "anonyme", "second_deputy", "alternate"),
    ("steering", "coordination", "coordinator", "principal"),
    ("steering", "ccsmtl", "manager_ccsmtl", "principal"),
    ("steering", "codim", "manager_codim", "principal"),
    ("steering", "spvm", "manager_two", "principal"),
    ("steering", "marie-vincent", "manager_two", "principal"),
    ("steering", "en-marge", "manager_em", "principal"),
    ("steering", "en-marge", "deputy", "alternate"),
    ("steering", "anonyme", "manager_la", "principal"),
)


def seat(session: Session, committee: str, key: str) -> UUID:
    """The seat of a committee that has this key."""
    found: UUID = session.execute(
        select(_seat.c.id)
        .join(_committee, (_committee.c.program_id == _seat.c.program_id) & (_committee.c.id == _seat.c.committee_id))
        .where(_seat.c.program_id == session.info["program_id"], _committee.c.key == committee, _seat.c.key == key)
    ).scalar_one()
    return found


def give(
    session: Session,
    cast: Cast,
    committee: str,
    key: str,
    person: str,
    kind: str = "principal",
    *,
    since: date = SINCE,
    until: date | None = None,
) -> UUID:
    """Give somebody a seat from a day to a day, as principal or as alternate."""
    holder_id = uuid4()
    session.execute(
        insert(_holder).values(
            program_id=cast.program_id,
            id=holder_id,
            seat_id=seat(session, committee, key),
            person_id=cast.people[person],
            kind=kind,
            starts_on=since,
            ends_on=until,
            recorded_at=AT,
            version=1,
        )
    )
    return holder_id


def seat_everyone(session: Session, cast: Cast) -> None:
    """Seat the cast as `SEATED` says."""
    for committee, key, person, kind in SEATED:
        give(session, cast, committee, key, person, kind)


@dataclass(frozen=True)
class Sent:
    """A letter of the outbox: to whom, on what, and the calendar that it carries, if it does."""

    person_id: UUID
    template: str
    thread: str
    subject: str
    message: EmailMessage

    @property
    def calendars(self) -> list[Calendar]:
        """The files for its reader's calendar: that in the letter's last alternative, then those beside it."""
        parts: list[Any] = [one for one in self.message.walk() if one.get_content_type() == "text/calendar"]
        return [Calendar.from_ical(one.get_payload(decode=True)) for one in parts]

    @property
    def calendar(self) -> Calendar:
        """The file in the letter's last alternative."""
        return self.calendars[0]

    @property
    def events(self) -> list[Any]:
        """The events in it, the season's rule first; their values are what the library reads them as."""
        return list(self.calendar.walk("VEVENT"))

    @property
    def method(self) -> str:
        """REQUEST or CANCEL."""
        return str(self.calendar["method"])

    @property
    def text(self) -> str:
        """The words of the letter."""
        body = self.message.get_body(("plain",))
        assert body is not None
        return str(body.get_content())


def letters(session: Session) -> list[Sent]:
    """Every letter of the outbox about a meeting, in the order in which they were written."""
    rows = session.execute(
        select(_notice)
        .where(_notice.c.program_id == session.info["program_id"], _notice.c.thread != "")
        .order_by(_notice.c.n)
    )
    return [
        Sent(
            row.person_id,
            row.template,
            row.thread,
            row.subject,
            message_from_bytes(row.message, _class=EmailMessage, policy=SMTP),
        )
        for row in rows
    ]
