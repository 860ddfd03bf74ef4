"""Letters: a template and its facts become a subject, a text and a page, and these the finished MIME bytes.

One source a language: `NAME.fr.txt` and `NAME.en.txt`, whose first line is `Subject: …` and whose rest is plain
paragraphs, `# headings` and `- lists`. The HTML alternative is made from the same text, so the two cannot differ.

A letter leaves the walls of the program. So its facts are declared titles, staff names, roles, days and counts: never a
participant's identity, and never what somebody typed freely (a reason, a note). The letter says where
that can be read, and the page there asks who is reading.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from html import escape
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, StrictUndefined, meta, pass_context
from jinja2.runtime import Context

from duties.refusals import Refusal
from locales import N_, show_day, typeset

Language = Literal["fr", "en"]

#: The letters that any protocol may write. A protocol's own stand in its own folder.
COMMON = Path(__file__).parent / "letter_templates"

#: A fact longer than this is cut with an ellipsis: its place is a page, not a letter.
LONGEST_FACT = 500
LONGEST_SUBJECT = 180
LONGEST_EXTRA = 900

#: Headings longer than this are folded into encoded words of at most so many characters, to stay below 78 a line.
LONGEST_PLAIN = 68
LONGEST_WORD = 52
FOLD = "\r\n "

_TEMPLATE = re.compile(r"[a-z][a-z0-9_]{0,60}")
_BASE_URL = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?(/[a-z0-9-]+)*")
# The segments of a path: our own words, and ids that tell nothing. No number, no query, no upper case.
_PATH = re.compile(r"/|(/([a-z]+(-[a-z]+)*|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}))+")
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])")
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9._-]{1,64}@[A-Za-z0-9.-]{1,253}>")
_TO = re.compile(rb"(?m)^To:.*(\r\n[ \t].*)*(?<!\r)")
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+")

# Marks around what the facts put into a text, so that a fact is never read as a heading, a list or a link. They are
# private-use characters, which `_plain` takes out of every fact.
_FACT, _FACT_END, _LINK, _LINK_TO, _LINK_END = "\ue000", "\ue001", "\ue002", "\ue003", "\ue004"
_LINK_FOUND = re.compile(f"{_LINK}([^{_LINK_TO}]*){_LINK_TO}([^{_LINK_END}]*){_LINK_END}")
_FACT_MARKS = str.maketrans("", "", _FACT + _FACT_END)

_JOINERS = "\u200c\u200d"  # inside emoji and some scripts; all other invisible format characters go
_BREAKING = ("Cc", "Cs", "Zl", "Zp")  # what a header must not hold: controls, half characters, line separators
_NO_BREAK_SPACES = "\u00a0\u202f"


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter in one language, ready to be put in its envelope by `mime`."""

    subject: str
    text: str
    html: str


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
    """A file that goes with a letter. Its name tells nothing of a person: it is seen by every server on the way.

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


class Letters:
    """The letters of some folders, where the first that has a template wins.

    The folders and their templates are part of the program as installed; nobody edits them from a page.
    """

    def __init__(self, folders: Sequence[Path] = (COMMON,)) -> None:
        self._folders = tuple(folders)
        # Autoescape stays off because a template makes plain text; `_page` escapes everything when it makes HTML.
        self._environment = Environment(  # noqa: S701
            loader=FileSystemLoader(self._folders),
            undefined=StrictUndefined,
            finalize=_finalized,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(link=_link, count=_count)
        self._environment.filters["day"] = _day

    def names(self) -> list[str]:
        """The templates there are, in order; those that begin with an underscore are parts of others."""
        files = (file for folder in self._folders for file in folder.glob("[a-z]*.fr.txt"))
        return sorted({file.name.removesuffix(".fr.txt") for file in files})

    def facts_of(self, template: str, language: Language) -> set[str]:
        """The names of the facts that `template` uses, in the parts that it includes as well."""
        found: set[str] = set()
        waiting = [_file(template, language)]
        while waiting:
            source = self._source(waiting.pop())
            parsed = self._environment.parse(source)
            found |= meta.find_undeclared_variables(parsed)
            if "link(" in source:
                found.add("base_url")
            waiting += [part for part in meta.find_referenced_templates(parsed) if part]
        return found - set(self._environment.globals) - {"language"}

    def render(self, template: str, *, language: Language, facts: Mapping[str, Any]) -> Letter:
        """The letter `template` in `language`.

        A fact is a text, a number, or a date shown by the filter `day`; lists of mappings for repeated lines. Always
        among them: `name` (the person greeted), `program` (its title) and `base_url`, under which every link of
        the letter stands. Links go to our own pages, by opaque ids.
        Raises jinja2.TemplateNotFound, jinja2.UndefinedError where a fact is missing, TypeError where a
        fact is of another kind, and ValueError where a link is not one of ours.
        """
        parsed = self._environment.get_template(_file(template, language))
        marked = _typeset(language, parsed.render({**facts, "language": language}))
        first, _, body = marked.strip().partition("\n")
        if not first.startswith("Subject: "):
            msg = f"{template}: the first line of a letter is its subject"
            raise ValueError(msg)
        subject = _cut(_plain(_words(first.removeprefix("Subject: "))), LONGEST_SUBJECT)
        blocks = list(_blocks(body))
        return Letter(subject, _text(blocks), _page(blocks, subject, language))

    def _source(self, file: str) -> str:
        loader = self._environment.loader
        assert loader is not None  # noqa: S101  # given in __init__
        source, _, _ = loader.get_source(self._environment, file)
        return source


def render_letter(template: str, *, language: Language, facts: Mapping[str, Any]) -> Letter:
    """One of the letters that any protocol may write; see `Letters.render`."""
    return _common().render(template, language=language, facts=facts)


@cache
def _common() -> Letters:
    return Letters()


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
    extra_headers: Mapping[str, str] | None = None,
    attachments: Sequence[Attachment] = (),
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
    taken = {name.lower() for name in headers}
    for name, value in (extra_headers or {}).items():
        known = name.lower() in taken or name.lower().startswith(("content-", "mime-"))
        if known or not _HEADER_NAME.fullmatch(name):
            msg = "an extra header is one that a letter does not already have"
            raise ValueError(msg)
        if not _checked_line(value).isascii() or len(value) > LONGEST_EXTRA:
            msg = "an extra header is short plain ASCII, since only its writer knows how it may be encoded"
            raise ValueError(msg)
        headers[name] = value
    # The library folds the headings of people wrongly (it loses a space between encoded words): ours are finished.
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return head.encode("ascii") + _filled(letter, message_id, attachments).as_bytes()


def readdressed(message: bytes, to: Mailbox) -> bytes:
    """The same finished letter to another address of the same person: only its "To" is another.

    `message` is what `mime` made. Raises Refusal where the address cannot stand in a letter.
    """
    head, blank, body = message.partition(b"\r\n\r\n")
    line = f"To: {_header_address(to)}".encode("ascii")
    return _TO.sub(lambda _: line, head, count=1) + blank + body


def _filled(letter: Letter, message_id: str, attachments: Sequence[Attachment]) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    # Quoted-printable always: no line is ever too long, no relay re-encodes, and the source stays readable.
    message.set_content(_checked_text(letter.text), cte="quoted-printable")
    message.make_alternative(boundary=_boundary("alternative", message_id))
    message.add_alternative(_checked_text(letter.html), subtype="html", cte="quoted-printable")
    if attachments:
        message.make_mixed(boundary=_boundary("mixed", message_id))
    for attachment in attachments:
        maintype, _, subtype = attachment.media_type.partition("/")
        message.add_attachment(attachment.content, maintype, subtype, filename=attachment.name)
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
    if mailbox.name.isascii() and len(mailbox.name) <= LONGEST_PLAIN:
        name = '"' + re.sub(r'(["\\])', r"\\\1", mailbox.name) + '"'
    else:
        name = _encoded_words(mailbox.name)
    last_line = len(name.rpartition("\n")[2]) + len(mailbox.address)
    return f"{name}{' ' if last_line <= LONGEST_PLAIN else FOLD}<{mailbox.address}>"


def _header_text(name: str, value: str) -> str:
    as_it_is = value.isascii() and "=?" not in value and value == value.strip()
    return value if as_it_is and len(name) + len(value) <= LONGEST_PLAIN else _encoded_words(value)


def _encoded_words(value: str) -> str:
    """`value` as RFC 2047 has it, on lines of less than 78 characters, no character split between two words."""
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


def _checked_text(value: str) -> str:
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in value if c not in "\n\t"):
        raise Refusal("mail.text", N_("A letter's text holds a control character."))
    return value


def _file(template: str, language: Language) -> str:
    if not _TEMPLATE.fullmatch(template):
        msg = "a template's name is one word"
        raise ValueError(msg)
    return f"{template}.{language}.txt"


class _Marked(str):
    """Text that a function of ours made, marks included, which `_finalized` leaves alone."""

    __slots__ = ()


def _finalized(value: object) -> str:
    """What stands between {{ and }}, cleaned and marked as a fact. A date needs its filter, None its `if`."""
    if isinstance(value, _Marked):
        return value
    if isinstance(value, StrictUndefined):
        return str(value)  # raises UndefinedError with the name of the fact
    if isinstance(value, bool) or not isinstance(value, str | int):
        msg = "a fact is shown as a text or a number"
        raise TypeError(msg)
    return f"{_FACT}{_shown(str(value))}{_FACT_END}"


def _shown(value: str) -> str:
    """`value` as a letter shows it. What is far too long is cut before it is looked at."""
    return _cut(_plain(value[: 4 * LONGEST_FACT]), LONGEST_FACT)


def _plain(value: str) -> str:
    """`value` on one line, without control, invisible, private or unpaired characters."""
    kept = []
    for character in unicodedata.normalize("NFC", value):
        if character in _NO_BREAK_SPACES or character in _JOINERS:
            kept.append(character)
        elif character.isspace():
            kept.append(" ")
        elif unicodedata.category(character) not in ("Cc", "Cf", "Co", "Cs"):
            kept.append(character)
    return re.sub(" +", " ", "".join(kept)).strip()


def _cut(value: str, longest: int) -> str:
    return value if len(value) <= longest else value[: longest - 1].rstrip() + "…"


@pass_context
def _link(context: Context, label: str, path: str) -> _Marked:
    """A link to one of our own pages. Raises ValueError for any other address."""
    base = str(context["base_url"]).removesuffix("/")
    if not (_BASE_URL.fullmatch(base) and _PATH.fullmatch(path)):
        msg = "a letter links only to the program's own pages, by opaque ids"
        raise ValueError(msg)
    return _Marked(f"{_LINK}{_shown(label)}{_LINK_TO}{base}{path}{_LINK_END}")


@pass_context
def _count(context: Context, n: int, one: str, many: str) -> str:
    """A number and its noun: "3 tasks". French counts 0 as one, English as many."""
    french = context["language"] == "fr"
    noun = one if n == 1 or (n == 0 and french) else many
    return f"{n}\N{NO-BREAK SPACE}{noun}" if french else f"{n} {noun}"


@pass_context
def _day(context: Context, day: date) -> str:
    """A local day in the letter's language, such as "3 mars 2027"."""
    return show_day(context["language"], day)


def _typeset(language: Language, text: str) -> str:
    return typeset(text).replace(" »", "\N{NO-BREAK SPACE}»") if language == "fr" else text


@dataclass(frozen=True, slots=True)
class _Block:
    kind: Literal["heading", "paragraph", "list"]
    lines: list[str]


def _blocks(body: str) -> Iterator[_Block]:
    """The paragraphs, headings and lists of a marked text. A wrapped line continues the one before it."""
    for chunk in re.split(r"\n[ \t]*\n", body):
        blocks: list[_Block] = []
        for line in filter(str.strip, chunk.splitlines()):
            if line.startswith("# "):
                blocks.append(_Block("heading", [line[2:].strip()]))
            elif line.startswith("- "):
                if not blocks or blocks[-1].kind != "list":
                    blocks.append(_Block("list", []))
                blocks[-1].lines.append(line[2:].strip())
            elif blocks and (blocks[-1].kind == "paragraph" or line.startswith("  ")):
                blocks[-1].lines[-1] += " " + line.strip()
            else:
                blocks.append(_Block("paragraph", [line.strip()]))
        yield from blocks


def _text(blocks: Sequence[_Block]) -> str:
    return "\n\n".join(_TEXT[block.kind](block.lines) for block in blocks) + "\n"


def _text_line(line: str, indent: str = "") -> str:
    """The words, then each address on a line of its own, where every mail reader finds it."""
    return "\n".join([_words(line), *(indent + found[2] for found in _LINK_FOUND.finditer(line))])


def _text_heading(lines: list[str]) -> str:
    words = _words(lines[0])
    return f"{words}\n{'-' * len(words)}"


_TEXT: Mapping[str, Callable[[list[str]], str]] = {
    "heading": _text_heading,
    "paragraph": lambda lines: _text_line(lines[0]),
    "list": lambda lines: "\n".join(f"- {_text_line(line, '  ')}" for line in lines),
}


def _words(marked: str) -> str:
    """A marked line as a reader sees it: links by their label, marks gone."""
    return _LINK_FOUND.sub(r"\1", marked).translate(_FACT_MARKS)


_PAGE = """\
<!doctype html>
<html lang="{language}-CA">
<head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>{subject}</title></head>
<body style="font-family: system-ui, 'Segoe UI', Arial, sans-serif; font-size: 16px; line-height: 1.5;">
<div style="max-width: 36em;">
{body}
</div>
</body>
</html>
"""


def _page(blocks: Sequence[_Block], subject: str, language: Language) -> str:
    body = "\n".join(_HTML[block.kind](block.lines) for block in blocks)
    return _PAGE.format(language=language, subject=escape(subject), body=body)


def _html_line(line: str) -> str:
    """One line with everything escaped but the links that the template asked for."""
    done, at = [], 0
    for found in _LINK_FOUND.finditer(line):
        done.append(escape(_words(line[at : found.start()])))
        done.append(f'<a href="{escape(found[2])}">{escape(found[1].translate(_FACT_MARKS))}</a>')
        at = found.end()
    return "".join([*done, escape(_words(line[at:]))])


_HTML: Mapping[str, Callable[[list[str]], str]] = {
    "heading": lambda lines: f'<h2 style="font-size: 1.1em;">{_html_line(lines[0])}</h2>',
    "paragraph": lambda lines: f"<p>{_html_line(lines[0])}</p>",
    "list": lambda lines: "<ul>\n" + "\n".join(f"<li>{_html_line(line)}</li>" for line in lines) + "\n</ul>",
}
