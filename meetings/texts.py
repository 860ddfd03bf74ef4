"""What people type about a meeting: short lines and addresses, checked before they go on paper or into a calendar."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from domain.kernel import Refusal, is_text, says_something, trimmed
from locales import N_

#: The letters about meetings.
LETTERS: Final = Path(__file__).resolve().parent / "letters"

LONGEST_LINE: Final = 200
LONGEST_URL: Final = 500
LONGEST_TEXT: Final = 4_000

_BREAKING: Final = ("Cc", "Cs", "Zl", "Zp")


def checked_line(text: str) -> str:
    """One line of text, trimmed. Raises Refusal where it is too long, or holds a line break or a control character."""
    broken = Refusal("text.not_a_line", N_("This holds a line break or characters that are not text."))
    return _checked(trimmed(text), LONGEST_LINE, broken)


def checked_text(text: str) -> str:
    """A text of several lines, trimmed. Raises Refusal where it is too long, or holds a control character."""
    broken = Refusal("text.not_text", N_("This holds characters that are not text."))
    return _checked(trimmed(text.replace("\r\n", "\n")), LONGEST_TEXT, broken, but="\n\t")


def _checked(text: str, most: int, broken: Refusal, *, but: str = "") -> str:
    """A text of so many characters at most, none of which is a control character. Raises Refusal."""
    if len(text) > most:
        raise Refusal("text.too_long", N_("This is longer than %(most)s characters. Shorten it."), most=most)
    breaks = any(unicodedata.category(character) in _BREAKING for character in text if character not in but)
    if breaks or not is_text(text):
        raise broken
    return text


def needed_text(text: str) -> str:
    """A reason of several lines, as `checked_text` has it. Raises Refusal where it says nothing."""
    lines = checked_text(text)
    if not says_something(lines):
        raise Refusal("reason.missing", N_("Say why, in a few words."))
    return lines


def checked_url(text: str) -> str:
    """A web address that people may follow, or "". Raises Refusal for anything but https."""
    line = text.strip()
    if not line:
        return ""
    ascii_only = line.isascii() and not any(c.isspace() or c in '"<>\\' for c in line)
    if len(line) > LONGEST_URL or not ascii_only or not _is_https(line):
        raise Refusal("text.not_a_link", N_("Give the online address as https://…"))
    return line


def _is_https(line: str) -> bool:
    try:
        parts = urlsplit(line)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and parts.username is None
