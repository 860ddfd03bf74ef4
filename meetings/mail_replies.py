"""Reading the mail by which a person's calendar answers an invitation (METHOD:REPLY, RFC 5546 and 6047).

Such a mail comes from outside: anyone may send one, and a calendar says things in its own dialect. It is read within
bounds, nothing that it can hold raises, and of its text nothing is kept. What it claims (whose answer, sent by whom)
is compared here with nothing but itself: whether such a person was invited is for others to say.
"""

from __future__ import annotations

import email
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from email.message import Message
from functools import cache
from typing import Any, Final, Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo, available_timezones

from icalendar import Calendar
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

Partstat = Literal["accepted", "declined", "tentative", "delegated"]

Reason = Literal[
    "too_large",  # more, or in more pieces, than an answer has: not read
    "auto_reply",  # from a machine that answers mail, or that could not deliver ours
    "no_calendar",  # a mail without a calendar's file: somebody wrote
    "not_a_reply",  # the file is a calendar's, and no answer: an invitation, a cancellation
    "counter_proposal",  # asks for another time (METHOD:COUNTER)
    "several_events",  # answers about more than one thing
    "this_and_future",  # about one date and all later ones, which calendars understand differently
    "no_answer",  # neither yes, no, perhaps nor somebody else
    "malformed",  # cannot be understood
    "failed_check",  # the server that received it found that it is not from where it says
    "from_differs",  # whom the mail is from is neither who answers nor who says that they send it for them
]

#: What is read at most: of a mail, and of the calendar's file in it. An answer has 2 to 20 kB.
MOST_BYTES: Final = 256 * 1024
MOST_CALENDAR_BYTES: Final = 64 * 1024
#: Parts of a mail, and letters of a header that says what a part is, from which on it is no longer read.
MOST_PARTS: Final = 40
MOST_HEADER_BYTES: Final = 2000
#: Lines of the file that matter are short.
MOST_LINE_BYTES: Final = 2000
MOST_DEPTH: Final = 4
MOST_UID: Final = 255
MOST_SEQUENCE: Final = 2**31 - 1

#: In how PRODID begins of calendars that take every message for the whole season: sabre's, which Nextcloud has.
_REPLACING: Final = ("-//Sabre//Sabre VObject",)
_PARTSTATS: Final = {one.upper(): one for one in get_args(Partstat)}
_KEPT: Final = frozenset({"METHOD", "VERSION", "PRODID", "UID", "DTSTAMP", "SEQUENCE", "RECURRENCE-ID", "ATTENDEE"})
_ADDRESS: Final = re.compile(r"[^\s@<>()\[\],;:\"\\]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}")
_MULTIPLE: Final = re.compile(rb"multipart/|message/", re.IGNORECASE)
_SAYS_WHAT: Final = re.compile(rb"^content-[a-z-]+:(?:[^\n]*\n[ \t])*[^\n]*", re.IGNORECASE | re.MULTILINE)
_TZID: Final = re.compile(r';TZID=(?:"([^"]*)"|([^";:]*))', re.IGNORECASE)
_FOLD: Final = re.compile(rb"\r?\n[ \t]")
_NAME: Final = re.compile(r"([A-Za-z0-9-]+)[;:]")
_COMMENT: Final = re.compile(r"\([^()]*\)")
#: What DMARC found, and what Exchange Online finds where a domain says nothing of it.
_FAILED: Final = re.compile(r"(?:^|[;\s])(?:dmarc|compauth)\s*=\s*fail\b", re.IGNORECASE)
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')


@dataclass(frozen=True, slots=True)
class MailReply:
    """What a calendar answers: about which UID, for which person, and what.

    `recurrence` is which date of a series it is about. It is a moment in UTC where the calendar names a known zone. It
    is naive, as written, without a zone or with the calendar's own, and counts only for a date without another meeting.
    None means the whole series or a single meeting. `dtstamp` is in UTC. Addresses are in lower case. `sent_by` is what
    the mail itself claims: it does not show that this person may answer for the other.
    """

    uid: str
    recurrence: datetime | None
    partstat: Partstat
    attendee: str = field(repr=False)
    sent_by: str | None = field(repr=False)
    sequence: int
    dtstamp: datetime
    from_address: str = field(repr=False)
    has_comment: bool
    replaces: bool = False
    """Whether the calendar that wrote it is one that is known to take every message for the whole season."""

    @property
    def has_no_zone(self) -> bool:
        """Whether the date of the series is only known as it stands on the sender's own clock."""
        return self.recurrence is not None and self.recurrence.tzinfo is None


@dataclass(frozen=True, slots=True)
class Stray:
    """A mail that is no answer to be taken, and why. `claimed` is what it says where that could be read."""

    reason: Reason
    claimed: MailReply | None = None


def read_reply(message: bytes) -> MailReply | Stray:
    """What a mail answers, or why it is no answer. Never raises, whatever the mail holds."""
    if len(message) > MOST_BYTES:
        return Stray("too_large")
    try:
        reply, has_failed = _read(message)
    except _Strayed as stray:
        return Stray(stray.reason)
    except Exception:  # noqa: BLE001 - the parsers of mails and of calendars fail in many ways on what is not one
        return Stray("malformed")
    if has_failed:
        return Stray("failed_check", reply)
    if reply.from_address not in {reply.attendee, reply.sent_by}:
        return Stray("from_differs", reply)
    return reply


def sender_of(message: bytes) -> str:
    """The one address that a mail says it is from, in lower case; "" where that cannot be read. Never raises.

    It proves nothing. It is also read of a mail that is no answer: a person has to see where it came from.
    """
    head = re.split(rb"\r?\n\r?\n|\r\r", message[:MOST_CALENDAR_BYTES], maxsplit=1)[0]
    try:
        return _sender(email.message_from_bytes(re.sub(rb"\r\n?", b"\n", head) + b"\n\n"))
    except Exception:  # noqa: BLE001 - as above
        return ""


class _Strayed(Exception):
    """Ends the reading, with its reason."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


def _require(is_so: bool, reason: Reason = "malformed") -> None:
    if not is_so:
        raise _Strayed(reason)


# ------------------------------------------------------------------------------------------------------------ the mail


def _read(message: bytes) -> tuple[MailReply, bool]:
    """What is answered, and whether the mail failed its check where it was received."""
    mail = _mail(message)
    _require(not _is_automatic(mail), "auto_reply")
    sender = _sender(mail)
    return _reply(_calendar(mail), sender), _has_failed(mail)


def _mail(message: bytes) -> Message:
    """The mail taken apart, unless it has more parts, or longer words about them, than a parser should be given."""
    plain = re.sub(rb"\r\n?", b"\n", message)
    _require(sum(1 for _ in _MULTIPLE.finditer(plain)) <= MOST_PARTS, "too_large")
    # The parser takes these apart in a time that grows with the square of their length.
    _require(all(len(header[0]) <= MOST_HEADER_BYTES for header in _SAYS_WHAT.finditer(plain)), "too_large")
    return email.message_from_bytes(plain)


def _is_automatic(mail: Message) -> bool:
    """Whether a machine answers that reads no calendar: an absence, or mail that could not be delivered.

    `auto-generated` is none of them: that is how Google and Nextcloud send what a person answered.
    """
    said = {name: str(mail.get(name, "")).strip().lower() for name in ("Auto-Submitted", "Precedence")}
    return (
        said["Auto-Submitted"].startswith(("auto-replied", "auto-notified"))
        or said["Precedence"] == "auto_reply"
        or any(name in mail for name in ("X-Autoreply", "X-Autorespond"))
        or mail.get_content_type() == "multipart/report"
    )


def _has_failed(mail: Message) -> bool:
    """Whether the server that received the mail says that it is not from where it says (RFC 8601).

    Its own word stands above every other: servers write theirs over what came. Only "fail" is believed: a forged one
    sets the forger's own mail aside, and anyone can forge a "pass".
    """
    said = str(mail.get("Authentication-Results", ""))[:MOST_LINE_BYTES]
    return _FAILED.search(_COMMENT.sub("", said)) is not None


def _sender(mail: Message) -> str:
    """The one address that the mail is from. A header that could be read in two ways is not read at all."""
    headers = mail.get_all("From", [])
    _require(len(headers) == 1)
    bare = _QUOTED.sub("", str(headers[0]).strip()[:MOST_LINE_BYTES])
    _require("," not in bare and '"' not in bare)
    if "<" in bare:
        _, _, bare = bare.partition("<")
        _require(bare.endswith(">"))
        bare = bare[:-1]
    return _address(bare)


def _address(text: str) -> str:
    found = text.strip().lower()
    _require(_ADDRESS.fullmatch(found) is not None)
    return found


def _calendar(mail: Message) -> bytes:
    """The calendar's file of a mail: the part that calendars read, or else what is attached."""
    parts = list(_parts(mail))
    _require(len(parts) <= MOST_PARTS, "too_large")
    for kind in ("text/calendar", "application/ics"):
        # The same file may stand in it several times.
        files = {_content(part) for part in parts if part.get_content_type() == kind}
        _require(len(files) <= 1, "several_events")
        if files:
            return files.pop()
    raise _Strayed("no_calendar")


def _parts(mail: Message) -> Iterator[Message]:
    """The parts of a mail, without those of another mail that hangs on it: who forwards an answer gives none."""
    if mail.get_content_maintype() == "message":
        return
    if not mail.is_multipart():
        yield mail
        return
    for part in mail.get_payload():
        if isinstance(part, Message):
            yield from _parts(part)


def _content(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        raise _Strayed("malformed")
    _require(len(content) <= MOST_CALENDAR_BYTES, "too_large")
    return content


# ------------------------------------------------------------------------------------------------------------ the file


#: What a calendar says of an event, by the standard's names: of any kind, and checked as it is read.
_Event = Mapping[str, Any]


class _Matter(NamedTuple):
    """What of a file is parsed, the name of the zone in which it names a date, and whether there are words with it."""

    lines: list[str]
    zone: str | None
    has_comment: bool


def _reply(content: bytes, sender: str) -> MailReply:
    matter = _matter(content)
    calendar = Calendar.from_ical("\r\n".join([*matter.lines, ""]))
    method = str(calendar.get("METHOD", "")).strip().upper()
    _require(method == "REPLY", "counter_proposal" if method == "COUNTER" else "not_a_reply")
    _require(len(calendar.events) <= 1, "several_events")
    event: _Event
    (event,) = calendar.events
    attendee = event["ATTENDEE"]
    _require(not isinstance(attendee, list))  # the standard asks for the one who answers, and for nobody else
    sent_by = attendee.params.get("SENT-BY")
    partstat = _PARTSTATS.get(str(attendee.params.get("PARTSTAT", "")).upper())
    if partstat is None:
        raise _Strayed("no_answer")
    return MailReply(
        uid=_uid(event),
        recurrence=_recurrence(event, matter.zone),
        partstat=partstat,
        attendee=_mailbox(str(attendee)),
        sent_by=None if sent_by is None else _mailbox(str(sent_by)),
        sequence=_sequence(event),
        dtstamp=_stamp(event),
        from_address=sender,
        has_comment=matter.has_comment or bool(str(attendee.params.get("X-RESPONSE-COMMENT", "")).strip()),
        replaces=str(calendar.get("PRODID", "")).strip().startswith(_REPLACING),
    )


def _matter(content: bytes) -> _Matter:
    """The lines that say who answers what. Nothing else is given to the parser, and the words stay where they are.

    Nor is the description of a zone, whose rules a parser would carry out, and keep for whatever it reads later.
    """
    kept: list[str] = []
    inside: list[str] = []
    zone: str | None = None
    has_comment = False
    for line in re.split(r"\r\n|\r|\n", _FOLD.sub(b"", content).decode("utf-8", "replace")):
        named = _NAME.match(line)
        name = named[1].upper() if named else ""
        if name in {"BEGIN", "END"}:
            kept += _bounds(name, line.partition(":")[2].strip().upper(), inside)
        elif inside not in _WHERE:
            continue
        elif name == "COMMENT":
            has_comment |= bool(line.rpartition(":")[2].replace("\\n", "").replace("\\N", "").strip())
        elif name == "RECURRENCE-ID":
            plain, zone = _without_zone(line)
            kept.append(_short(plain))
        elif name in _KEPT:
            kept.append(_short(_without_zone(line)[0] if name == "DTSTAMP" else line))
    _require(not inside)
    return _Matter(kept, zone, has_comment)


def _short(line: str) -> str:
    _require(len(line.encode()) <= MOST_LINE_BYTES)
    return line


def _bounds(name: str, component: str, inside: list[str]) -> list[str]:
    """Go into a component or out of it; the line that says so, where it is one that matters."""
    if name == "BEGIN":
        inside.append(component)
    _require(inside[-1:] == [component] and len(inside) <= MOST_DEPTH)
    line = [f"{name}:{component}"] if inside in _WHERE else []
    if name == "END":
        inside.pop()
    return line


def _without_zone(line: str) -> tuple[str, str | None]:
    """A line without the name of its zone, and that name."""
    named = _TZID.search(line)
    return (line[: named.start()] + line[named.end() :], named[1] or named[2]) if named else (line, None)


_WHERE: Final = (["VCALENDAR"], ["VCALENDAR", "VEVENT"])


def _uid(event: _Event) -> str:
    uid = str(event["UID"]).strip()
    _require(0 < len(uid) <= MOST_UID and uid.isprintable())
    return uid


def _recurrence(event: _Event, zone: str | None) -> datetime | None:
    told = event.get("RECURRENCE-ID")
    if told is None:
        return None
    _require("RANGE" not in told.params, "this_and_future")
    when = told.dt
    if not isinstance(when, datetime):  # a day, as some write for a series of whole days
        return datetime.combine(when, time.min)
    if when.tzinfo is None:
        there = _zone(zone or "")
        if there is None:
            return when
        when = when.replace(tzinfo=there)
    return when.astimezone(UTC)


def _zone(name: str) -> ZoneInfo | None:
    """The zone of a name that is known everywhere, that Windows gives it, or with a maker's path before it."""
    known = WINDOWS_TO_OLSON.get(name, name)
    while known and known not in _zones():
        known = known.partition("/")[2]
    return ZoneInfo(known) if known else None


@cache
def _zones() -> frozenset[str]:
    """Those that mean the same on every machine."""
    return frozenset(available_timezones() - {"localtime", "Factory"})


def _sequence(event: _Event) -> int:
    sequence = int(event.get("SEQUENCE", 0))
    _require(0 <= sequence <= MOST_SEQUENCE)
    return sequence


def _stamp(event: _Event) -> datetime:
    stamp = event["DTSTAMP"].dt
    if not isinstance(stamp, datetime) or stamp.tzinfo is None:
        raise _Strayed("malformed")
    return stamp.astimezone(UTC)


def _mailbox(address: str) -> str:
    scheme, _, rest = address.strip().partition(":")
    _require(scheme.lower() == "mailto")
    return _address(rest)
