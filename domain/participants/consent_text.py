"""The text of the consent (AD-R8, AD-R11), by version and language: what is explained, and each line that is agreed to.

The texts are in `consent_texts` beside it, one file a version and language; a version that was signed never changes.
From the second one on, a text has lines that a person ticks, one for each purpose and partner, each with its last day.
The signatory agrees to those lines and to nothing else. What is stored of a signature is the digest of the text with
the line.

A language is data: its text, and a catalogue of what the papers say around it. Where it has both, it can be signed.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final, Literal

from domain.kernel import Refusal
from locales import LANGUAGES, N_, show_day
from models.consent import CONSENT_PURPOSES

TEXTS: Final = Path(__file__).resolve().parent / "consent_texts"
TEXT: Final = "consent"
#: The version of the text that is signed now.
CURRENT: Final = 3

#: The blank for writing by hand, on a form that is printed.
BLANK: Final = "____________________"
#: Before a line that is ticked.
BOX: Final = "☐"

_LINE: Final = re.compile(r"^\[(?P<key>[a-z]+)\] (?P<words>.+)$", re.MULTILINE)
_LINES: Final = re.compile(r"(?:^\[[a-z]+\] .+\n)+", re.MULTILINE)
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}")


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
        return tuple(key for key in self.lines if key in CONSENT_PURPOSES)

    @property
    def asks_research(self) -> bool:
        """Whether the text has a line for research, apart from all others."""
        return RESEARCH in self.lines

    def line(self, purpose: str, partner: str, ends_on: date | None) -> str:
        """The line that a signature agrees to, for a purpose, with a partner ("" for the program), until a last day.

        In the first version, which has no lines, "".
        """
        if not self.lines:
            return ""
        if ends_on is None:
            return self._said(purpose, partner, self.lines["open"])
        return self._said(purpose, partner, self._until(shown_day(self.language, ends_on)))

    def open_line(self, purpose: str, partner: str = BLANK) -> str:
        """The same line as it is printed, before anyone signs: the last day is written by hand."""
        return self._said(purpose, partner, self._until(BLANK))

    def digest_with(self, *lines: str) -> str:
        """The digest of the text with the lines that were agreed to; of the text alone, where it has none."""
        return hashlib.sha256("\n".join((self.digest, *lines)).encode()).hexdigest() if any(lines) else self.digest

    def to_tick(self, partners: Iterable[str]) -> list[str]:
        """Every line of the form before anyone signs: the program, each partner and purpose, and research apart."""
        apart = [one for one in self.purposes if one != "program"]
        return [
            *(self.open_line("program") for _ in self.purposes[:1]),
            *(self.open_line(purpose, partner) for partner in partners for purpose in apart),
            *(self.open_line(RESEARCH) for _ in range(self.asks_research)),
        ]

    def _said(self, purpose: str, partner: str, until: str) -> str:
        return self.lines[purpose].format(partner=partner, until=until)

    def _until(self, day: str) -> str:
        return self.lines["until"].format(day=day)


@dataclass(frozen=True)
class TextPart:
    """A part of a text as it is shown: a title, a section, the lines to tick, a place to sign, or a paragraph."""

    kind: Literal["title", "section", "ticks", "sign", "plain"]
    lines: tuple[str, ...]

    @property
    def words(self) -> str:
        """The words below the head of a section, or all."""
        return " ".join(self.lines[1:] if self.kind == "section" else self.lines)


def parts_of(text: str) -> tuple[str, list[TextPart]]:
    """What a text says of itself before it is validated, and its parts."""
    warning, *paragraphs = (tuple(part.splitlines()) for part in text.strip().split("\n\n"))
    return " ".join(warning), [TextPart(_kind(n, lines), lines) for n, lines in enumerate(paragraphs)]


def _kind(n: int, lines: Sequence[str]) -> Literal["title", "section", "ticks", "sign", "plain"]:
    if n == 0:
        return "title"
    if lines[0].startswith(BOX):
        return "ticks"
    if len(lines) > 1 and lines[0][-1] not in ".,:":
        return "section"
    return "sign" if lines[-1].endswith(":") else "plain"


#: The line for research, which is no purpose of the program's.
RESEARCH: Final = "research"


def shown_day(language: str, day: date) -> str:
    """A day in a language of the texts; in one that the program does not speak, by its figures."""
    return show_day(language, day, "long") if language in LANGUAGES else day.isoformat()


@cache
def text_of(version: int, language: str) -> ConsentText:
    """A version of the text. Raises Refusal where there is none."""
    try:
        content = _file(f"{TEXT}.{version}.{language}.txt", language).read_bytes()
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
    shown = "".join(f"{BOX} {line}\n" for line in bare.to_tick([BLANK]))
    return ConsentText(version, language, _LINES.sub(shown, text), bare.digest, bare.validated, bare.lines)


@dataclass(frozen=True)
class ConsentLabels:
    """What the papers of the consent say around its text, in one language; `name` is the language's own."""

    name: str
    title: str
    copy: str
    sheet: str
    confirmation: str
    version: str
    yes: str
    no: str
    signed: str
    explained_on: str
    signed_on: str
    signed_by: str
    signers: Mapping[str, str]  # by `models.consent.SIGNED_BY`
    worker: str
    signature: str
    drawn: str
    paper: str
    as_of: str
    stands: str
    stopped: str
    since: str
    ended: str
    nothing: str
    any_time: str
    page_of: str


@cache
def labels_of(language: str) -> ConsentLabels:
    """What the papers say around the text in a language. Raises Refusal where they are not there, or not all."""
    try:
        return ConsentLabels(**tomllib.loads(_file(f"labels.{language}.toml", language).read_text("utf-8")))
    except (OSError, TypeError):
        raise Refusal("consent.no_text", N_("There is no such version of the consent’s text.")) from None


@cache
def sheet_of(language: str) -> str:
    """The sheet in plain words, of one page. Raises Refusal where a language has none."""
    try:
        return _file(f"sheet.{language}.txt", language).read_text("utf-8")
    except OSError:
        raise Refusal("consent.no_sheet", N_("There is no such sheet in this language.")) from None


def has_sheet(language: str) -> bool:
    """Whether a language has the sheet in plain words."""
    return (TEXTS / f"sheet.{language}.txt").is_file()


def languages_of(version: int = CURRENT) -> list[tuple[str, str]]:
    """The languages in which a version can be signed, by code and by their own names: the program's own first."""
    codes = (one.name.split(".")[2] for one in TEXTS.glob(f"{TEXT}.{version}.*.txt"))
    found = [(code, labels_of(code).name) for code in codes if (TEXTS / f"labels.{code}.toml").is_file()]
    order = list(LANGUAGES)
    return sorted(found, key=lambda one: (order.index(one[0]) if one[0] in order else len(order), one[1]))


def _file(name: str, language: str) -> Path:
    """A file of the folder. Raises OSError where the language is none."""
    if not _LANGUAGE.fullmatch(language):
        raise OSError
    return TEXTS / name
