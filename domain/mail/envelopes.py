"""The envelope of a letter: its sender and recipient, its headings, and the finished MIME bytes to send."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from email.utils import format_datetime
from typing import Final
from uuid import UUID

from domain.kernel import Language, Refusal
from domain.mail.letters import Letter
from locales import N_

#: Headings longer than this are folded into encoded words of at most so many characters, to stay below 78 a line.
LONGEST_PLAIN = 68
LONGEST_WORD = 52
FOLD = "\r\n "

_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])")
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9._-]{1,64}@[A-Za-z0-9.-]{1,253}>")
_TO = re.compile(rb"(?m)^To:.*(\r\n[ \t].*)*(?<!\r)")
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+")

_BREAKING = ("Cc", "Cs", "Zl", "Zp")  # what a header must not hold: controls, half characters, line separators


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A name and the address behind it. Raises Refusal where one of the two cannot stand in a letter."""

    address: str
    name: str = ""

    def __post_init__(self) -> None:
        checked_address(self.address)
        _checked_line(self.name)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a letter. Its name says nothing about a person: every server on the way sees it.

    Raises Refusal where the name is not a plain file name.
    """

    name: str
    media_type: str
    content: bytes

    def __post_init__(self) -> None:
        _checked_line(self.name)
        if not self.name or self.name.startswith(".") or re.search(r'[/\\:"]', self.name):
            raise Refusal("mail.file_name", N_("A file's name holds a character that mail does not carry."))
        if not _MEDIA_TYPE.fullmatch(self.media_type):
            msg = "a media type is written as application/pdf"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class CalendarPart:
    """What goes into the reader's calendar with a letter: an iCalendar file, and the METHOD that it holds (RFC 6047).

    The first of a letter is its last alternative, which calendars read, and a file beside it, for those that do not.
    Each further one is a part of its own (RFC 6047, 2.4), which is opened as a file where no calendar takes it.
    Raises ValueError for another method, Refusal where the file's name is not plain.
    """

    method: str
    content: bytes
    file_name: str = "invitation.ics"

    def __post_init__(self) -> None:
        if self.method not in ("REQUEST", "CANCEL"):
            msg = "a letter carries a REQUEST or a CANCEL"
            raise ValueError(msg)


def checked_address(value: str) -> str:
    """`value`, if it is an e-mail address that every server on the way understands.

    Plain ASCII only: an accent that a relay cannot carry, or a letter that only looks like another, would lose
    the mail or send it to a stranger. Raises Refusal.
    """
    local, _, domain = value.rpartition("@")
    fits = len(local) <= 64 and len(value) <= 254  # noqa: PLR2004  # RFC 5321, 4.5.3.1
    if not (fits and _LOCAL_PART.fullmatch(local) and _DOMAIN.fullmatch(domain)):
        raise Refusal(
            "mail.address",
            N_("This e-mail address cannot be used. Write it as name@example.org, without accents or spaces."),
        )
    return value


def message_id(notice_id: UUID, domain: str) -> str:
    """The Message-ID of a notice: its opaque id, at the domain that the program's letters come from."""
    return f"<{notice_id}@{domain}>"


def mime(
    letter: Letter,
    *,
    sender: Mailbox,
    to: Mailbox,
    message_id: str,
    date: datetime,
    language: Language,
    attachments: Sequence[Attachment] = (),
    calendars: Sequence[CalendarPart] = (),
) -> bytes:
    """The finished bytes of `letter`, to be stored with the notice and sent unchanged however often it takes.

    The same arguments give the same bytes: `date` (written in UTC) and `message_id` come in, and the boundaries
    are made from the latter. Plain ASCII with CRLF, whatever the letter says. Raises Refusal where a heading
    would hold a line break or a control character, ValueError where our own values are malformed.
    """
    if date.tzinfo is None:
        msg = "a moment needs its offset"
        raise ValueError(msg)
    if not _MESSAGE_ID.fullmatch(message_id):
        msg = "a Message-ID is <opaque@domain>"
        raise ValueError(msg)
    headers = {
        "From": _header_address(sender),
        "To": _header_address(to),
        "Subject": _header_text("Subject", _checked_line(letter.subject)),
        "Date": format_datetime(date.astimezone(UTC)),
        "Message-ID": message_id,
        "Content-Language": f"{language}-CA",
        # So that out-of-office replies do not answer a program. No Precedence (not a standard, and "bulk" invites
        # the junk folder) and no List-* (one person is written to, about their own work, and cannot unsubscribe).
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "OOF, AutoReply",
    }
    # The library folds the headings of people wrongly (it loses a space between encoded words): ours are finished.
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return head.encode("ascii") + _filled(letter, message_id, attachments, calendars).as_bytes()


def readdressed(message: bytes, to: Mailbox) -> bytes:
    """The same finished letter to another address of the same person: only its "To" is another.

    `message` is what `mime` made. Raises Refusal where the address cannot stand in a letter.
    """
    head, blank, body = message.partition(b"\r\n\r\n")
    line = f"To: {_header_address(to)}".encode("ascii")
    return _TO.sub(lambda _: line, head, count=1) + blank + body


def emptied(message: bytes, *, subject: str, said: str) -> bytes:
    """What is left of a finished letter after words were taken out of it: its recipient, its date, and `said`.

    `message` is what `mime` made. Raises Refusal where the subject cannot stand in a letter.
    """
    head, _, _ = message.partition(b"\r\n\r\n")
    kept = b"\r\n".join(_KEPT.findall(re.sub(rb"\r\n[ \t]+", b" ", head)))
    body = EmailMessage(policy=SMTP)
    body.set_content(_checked_text(said), cte="quoted-printable")
    line = f"Subject: {_header_text('Subject', _checked_line(subject))}".encode("ascii")
    return kept + b"\r\n" + line + b"\r\n" + body.as_bytes()


def texts_of(message: bytes) -> tuple[str, ...]:
    """The texts of a finished letter, one by one; a calendar file as its reader sees it, on whole lines."""
    parts = message_from_bytes(message, policy=default).walk()
    texts = (
        (str(one.get_content()), one.get_content_subtype()) for one in parts if one.get_content_maintype() == "text"
    )
    return tuple(_unfolded(text) if subtype == "calendar" else text for text, subtype in texts)


def _unfolded(calendar: str) -> str:
    """A calendar file's text with its folded lines joined and its commas unescaped (RFC 5545, 3.1 and 3.3.11)."""
    return re.sub(r"\\([,;\\])", r"\1", re.sub(r"\r?\n[ \t]", "", calendar))


#: The headings that stay of a letter from which words were taken out.
_KEPT: Final = re.compile(rb"^(?:From|To|Date|Message-ID|Content-Language|Auto-Submitted): [^\r\n]*", re.MULTILINE)


def _filled(
    letter: Letter, message_id: str, attachments: Sequence[Attachment], calendars: Sequence[CalendarPart]
) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    # Quoted-printable always: no line is ever too long, no relay re-encodes, and the source stays readable.
    message.set_content(_checked_text(letter.text), cte="quoted-printable")
    message.make_alternative(boundary=_boundary("alternative", message_id))
    message.add_alternative(_checked_text(letter.html), subtype="html", cte="quoted-printable")
    first, further = calendars[:1], calendars[1:]
    for calendar in first:
        # As text: `add_alternative` of bytes would lose the method.
        message.add_alternative(
            calendar.content.decode("utf-8"), subtype="calendar", cte="base64", params={"method": calendar.method}
        )
        attachments = (*attachments, Attachment(calendar.file_name, "application/ics", calendar.content))
    if attachments or further:
        message.make_mixed(boundary=_boundary("mixed", message_id))
    for attachment in attachments:
        maintype, _, subtype = attachment.media_type.partition("/")
        message.add_attachment(attachment.content, maintype, subtype, filename=attachment.name)
    for place, calendar in enumerate(further, start=2):
        stem, _, kind = calendar.file_name.rpartition(".")
        message.add_attachment(
            calendar.content.decode("utf-8"),
            subtype="calendar",
            cte="base64",
            params={"method": calendar.method},
            filename=f"{stem}-{place}.{kind}",
        )
    for part in message.walk():
        if part is not message:
            del part["MIME-Version"]  # the library repeats it; it belongs to the whole
    return message


def _boundary(part: str, message_id: str) -> str:
    # "=_" cannot occur in quoted-printable or base64, so that no content can hold the boundary.
    return "=_" + hashlib.sha256(f"{part} {message_id}".encode()).hexdigest()[:32]


def _header_address(mailbox: Mailbox) -> str:
    if not mailbox.name:
        return mailbox.address
    # A name that reads like an encoded word would be decoded by lax readers, also between quotation marks.
    if mailbox.name.isascii() and "=?" not in mailbox.name and len(mailbox.name) <= LONGEST_PLAIN:
        name = '"' + re.sub(r'(["\\])', r"\\\1", mailbox.name) + '"'
    else:
        name = _encoded_words(mailbox.name)
    last_line = len(name.rpartition("\n")[2]) + len(mailbox.address)
    return f"{name}{' ' if last_line <= LONGEST_PLAIN else FOLD}<{mailbox.address}>"


def _header_text(name: str, value: str) -> str:
    as_it_is = value.isascii() and "=?" not in value and value == value.strip()
    return value if as_it_is and len(name) + len(value) <= LONGEST_PLAIN else _encoded_words(value)


def _encoded_words(value: str) -> str:
    """`value` as RFC 2047 writes it, on lines of less than 78 characters, no character split between two words."""
    words = [""]
    for character in value:
        if character.isascii() and character.isalnum():
            piece = character
        elif character == " ":
            piece = "_"
        else:
            piece = "".join(f"={byte:02X}" for byte in character.encode("utf-8"))
        if len(words[-1]) + len(piece) > LONGEST_WORD:
            words.append("")
        words[-1] += piece
    return FOLD.join(f"=?utf-8?q?{word}?=" for word in words)


def _checked_line(value: str) -> str:
    """`value`, if it stays on one line. Raises Refusal, which does not repeat it."""
    if any(unicodedata.category(c) in _BREAKING for c in value):
        raise Refusal("mail.heading", N_("A letter's heading holds a line break or a control character."))
    return value


#: Control characters but the line break and the tab, and halves of characters: Unicode's Cc and Cs.
_NO_TEXT: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def _checked_text(value: str) -> str:
    if _NO_TEXT.search(value):
        raise Refusal("mail.text", N_("A letter's text holds a control character."))
    return value
