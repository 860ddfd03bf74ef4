"""The mails with which calendars answer, and a season of the Clinical Committee to answer to."""

from __future__ import annotations

from datetime import date, time
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final

from sqlmodel import Session

from meetings import schedule
from tests.cast import AT, Cast
from tests.meetings.sitting import letters, seat_everyone

POLICE = "police@spvm.example"
WHEN = "20261209T093000"

#: As sabre (Nextcloud) answers for one date, with the SEQUENCE of the whole series instead of the date's own.
SABRE: Final = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Sabre//Sabre VObject 4.5.4//EN
CALSCALE:GREGORIAN
METHOD:REPLY
BEGIN:VEVENT
UID:6f7c2a@spheres.example
SEQUENCE:1
DTSTAMP:20261103T140509Z
DTSTART;TZID=America/Toronto:20261118T133000
DURATION:PT2H30M
RECURRENCE-ID;TZID=America/Toronto:20261118T133000
SUMMARY:Comité clinique
ORGANIZER;CN=Programme:mailto:comites@spheres.example
ATTENDEE;PARTSTAT=TENTATIVE;CN=Anne Roy:mailto:Anne.Roy@example.org
REQUEST-STATUS:2.0;Success
END:VEVENT
END:VCALENDAR
"""


def plan_a_season(session: Session, cast: Cast) -> None:
    """Everyone sits, and eighteen Wednesdays of the Clinical Committee are planned."""
    seat_everyone(session, cast)
    schedule.plan_season(
        session,
        "clinical",
        first=date(2026, 12, 2),
        last=date(2027, 3, 31),
        hour=time(9, 30),
        by=cast.actor("coordinator"),
        at=AT,
    )


def reply(
    uid: str,
    *,
    of: str = POLICE,
    sender: str = POLICE,
    partstat: str = "ACCEPTED",
    recurrence: str = f";TZID=America/Toronto:{WHEN}",
    sequence: int = 0,
    stamp: str = "20261123T150000Z",
    program: str = "-//Somebody//Calendar//EN",
    headers: tuple[tuple[str, str], ...] = (),
) -> bytes:
    """A calendar's answer, whole and right but for what is said otherwise."""
    lines = [
        "BEGIN:VCALENDAR",
        f"PRODID:{program}",
        "VERSION:2.0",
        "METHOD:REPLY",
        "BEGIN:VEVENT",
        f"UID:{uid}",
        f"ATTENDEE;PARTSTAT={partstat}:mailto:{of}",
        f"DTSTAMP:{stamp}",
        f"SEQUENCE:{sequence}",
        *([f"RECURRENCE-ID{recurrence}"] if recurrence else []),
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]
    return mail_of("\n".join(lines), sender=sender, headers=headers)


def mail_of(calendar: str, *, sender: str = POLICE, headers: tuple[tuple[str, str], ...] = ()) -> bytes:
    """The mail by which a calendar sends an answer."""
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = sender, "spheres@program.example", "Accepted"
    for name, value in headers:
        mail[name] = value
    mail.set_content("Yes.")
    mail.add_alternative(calendar.replace("\n", "\r\n"), subtype="calendar", params={"method": "REPLY"})
    return mail.as_bytes()


def season_uid(session: Session) -> str:
    """The UID under which the season was told."""
    return str(letters(session)[0].events[0]["uid"])
