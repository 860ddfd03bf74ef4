"""The text of the consent (AD-R8, AD-R11), by version and language: what is explained, and each line that is agreed to.

The texts are in `consent_texts` beside it, one file a version and language; a version that was signed never changes.
From the second one on, a text has lines that a person ticks, one for each purpose and partner, each with its last day.
The signatory agrees to those lines and to nothing else. What is stored of a signature is the digest of the text with
the line.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

from domain.kernel import Refusal
from locales import N_, show_day

TEXTS: Final = Path(__file__).resolve().parent / "consent_texts"
TEXT: Final = "consent"
#: The version of the text that is signed now.
CURRENT: Final = 2

#: The blank for writing by hand, on a form that is printed.
BLANK: Final = "____________________"
#: Before a line that is ticked.
BOX: Final = "☐"

_LINE: Final = re.compile(r"^\[(?P<key>[a-z]+)\] (?P<words>.+)$", re.MULTILINE)
_LINES: Final = re.compile(r"(?:^\[[a-z]+\] .+\n)+", re.MULTILINE)


@dataclass(frozen=True)
class ConsentText:
    """One version of the text in one language, to explain and sign. A lawyer has not validated it yet.

    `text` has the lines to tick with their places left open; `digest` is that of the file.
    """

    version: int
    language: str
    text: str
    digest: str
    validated: bool
    lines: Mapping[str, str]

    @property
    def purposes(self) -> tuple[str, ...]:
        """What can be agreed to, line by line (`models.consent.CONSENT_PURPOSES`); none in the first version."""
        return tuple(key for key in self.lines if key not in ("until", "open"))

    def line(self, purpose: str, partner: str, ends_on: date | None) -> str:
        """The line that a signature agrees to, for a purpose, with a partner ("" for the program), until a last day.

        In the first version, which has no lines, "".
        """
        if not self.lines:
            return ""
        if ends_on is None:
            return self._said(purpose, partner, self.lines["open"])
        return self._said(purpose, partner, self._until(show_day(self.language, ends_on, "long")))

    def open_line(self, purpose: str, partner: str = BLANK) -> str:
        """The same line as it is printed, before anyone signs: the last day is written by hand."""
        return self._said(purpose, partner, self._until(BLANK))

    def digest_with(self, line: str) -> str:
        """The digest of the text with the line that was agreed to; of the text alone, where it has no lines."""
        return hashlib.sha256(f"{self.digest}\n{line}".encode()).hexdigest() if line else self.digest

    def _said(self, purpose: str, partner: str, until: str) -> str:
        return self.lines[purpose].format(partner=partner, until=until)

    def _until(self, day: str) -> str:
        return self.lines["until"].format(day=day)


@cache
def text_of(version: int, language: str) -> ConsentText:
    """A version of the text. Raises Refusal where there is none."""
    if language not in ("fr", "en"):
        raise Refusal("consent.no_text", N_("There is no such version of the consent’s text."))
    place = TEXTS / f"{TEXT}.{version}.{language}.txt"
    try:
        content = place.read_bytes()
    except OSError:
        raise Refusal("consent.no_text", N_("There is no such version of the consent’s text.")) from None
    text = content.decode("utf-8")
    bare = ConsentText(
        version,
        language,
        text,
        hashlib.sha256(content).hexdigest(),
        "[À VALIDER" not in text,
        {found["key"]: found["words"] for found in _LINE.finditer(text)},
    )
    shown = "".join(f"{BOX} {bare.open_line(purpose)}\n" for purpose in bare.purposes)
    return ConsentText(version, language, _LINES.sub(shown, text), bare.digest, bare.validated, bare.lines)
