"""What a laid-out document is made of, in one language, and who says it; both renderers print this and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Final, Literal

from locales import N_, Counted, DayStyle, pick, say, say_n, show_clock, show_day
from meetings.documents.content import Both

Tone = Literal["plain", "strong", "quiet", "warning"]

_NO_BREAK: Final = "\N{NO-BREAK SPACE}"
#: What belongs to the number before it, in either language.
_UNITS: Final = r"(?:h|min|p\.m\.|a\.m\.|%|\$)"


@dataclass(frozen=True)
class CellLine:
    """One line of a table's cell."""

    text: str
    tone: Tone = "plain"


Cell = tuple[CellLine, ...]


@dataclass(frozen=True)
class Heading:
    """A heading of level 2 or 3; the document's own is level 1."""

    text: str
    level: Literal[2, 3] = 2


@dataclass(frozen=True)
class PaperNote:
    """A paragraph. One that `keeps` stays on its page with what comes next."""

    text: str
    tone: Tone = "plain"
    keeps: bool = False


@dataclass(frozen=True)
class Column:
    """A column: its head, its width in millimetres (0 takes what is left), and whether figures end at its right."""

    title: str
    width_mm: int = 0
    figures: bool = False


@dataclass(frozen=True)
class Group:
    """Rows under a title of their own, or under none."""

    title: str
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class PaperTable:
    """A table whose head is repeated on every page."""

    columns: tuple[Column, ...]
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class Decided:
    """A decision, set off from what was said."""

    title: str
    text: str
    facts: tuple[CellLine, ...]


@dataclass(frozen=True)
class Bars:
    """A picture of percents: bars under the words of what each is. What it shows stands in a table beside it too."""

    title: str
    bars: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Signing:
    """A place to sign what is said: labels, each with what is known, or with a line to write on where that is empty."""

    text: str
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Picture:
    """A picture in PNG, such as a signature, by its bytes one by one, and what it shows in words."""

    png: tuple[int, ...]
    alt: str
    width_mm: int = 60


Block = Heading | PaperNote | PaperTable | Bars | Decided | Signing | Picture


@dataclass(frozen=True)
class Paper:
    """A document in one language, ready to be printed; every text is set in that language's typography."""

    language: str
    title: str  # in the document's properties, and on every page after the first
    program: str
    heading: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]
    page_of: str  # with %(page)s and %(pages)s, which only the renderer knows
    blocks: tuple[Block, ...]


def typeset(language: str, text: str) -> str:
    """`text` with no-break spaces where a line must not end: before a unit and, in French, at double punctuation.

    Only blanks that are there are changed: an address, an hour or a code keeps its colon as it is.
    """
    text = re.sub(rf"(?<=\d) (?={_UNITS}(?!\w))", _NO_BREAK, text)
    if language != "fr":
        return text
    text = re.sub(rf"(?<=\d{_NO_BREAK}h) (?=\d\d\b)", _NO_BREAK, text)
    text = re.sub(r"[ \u202f](?=[:;?!»])", _NO_BREAK, text)
    return re.sub(r"«[ \u202f]", f"«{_NO_BREAK}", text)


@dataclass(frozen=True)
class Speaker:
    """What a document says, in "fr" or "en"; every text comes back typeset."""

    language: str

    def say(self, msgid: str, **facts: object) -> str:
        """The sentence `msgid`."""
        return typeset(self.language, say(self.language, msgid, **facts))

    def count(self, counted: Counted) -> str:
        """A number with its noun."""
        return typeset(self.language, say_n(self.language, counted.singular, counted.plural, counted.n))

    def of(self, text: Both | str) -> str:
        """What was typed, on one line."""
        return re.sub(r"\n+", " ", self.prose(text))

    def prose(self, text: Both | str) -> str:
        """What was typed, with its line breaks; a blank line parts paragraphs."""
        return typeset(self.language, text if isinstance(text, str) else pick(self.language, text))

    def day(self, day: date | None, style: DayStyle = "full") -> str:
        """A day, with its weekday where no other style is asked for; a dash where there is none."""
        return show_day(self.language, day, style) if day is not None else "–"

    def clock(self, at: time | datetime) -> str:
        """An hour, as the wall shows it."""
        return typeset(self.language, show_clock(self.language, at if isinstance(at, time) else at.time()))

    def minutes(self, n: int) -> str:
        """A length."""
        return self.count(Counted("%(n)s min", "%(n)s min", n))

    def all_of(self, parts: Iterable[str]) -> str:
        """Those that say something, on one line."""
        return " · ".join(part for part in parts if part)

    def line(self, msgid: str, tone: Tone = "plain", **facts: object) -> CellLine:
        """The sentence `msgid` as a line of a cell."""
        return CellLine(self.say(msgid, **facts), tone)

    def note(self, msgid: str, tone: Tone = "plain", **facts: object) -> PaperNote:
        """The sentence `msgid` as a paragraph."""
        return PaperNote(self.say(msgid, **facts), tone)

    def grouped(self, columns: Iterable[Column], groups: Iterable[Group]) -> PaperTable:
        """A table, the heads of whose columns are message ids."""
        return PaperTable(tuple(replace(one, title=self.say(one.title)) for one in columns), tuple(groups))

    def table(self, columns: Iterable[Column], rows: Iterable[tuple[Cell, ...]]) -> PaperTable:
        """As `grouped`, of rows under no title."""
        return self.grouped(columns, [Group("", tuple(rows))])

    def paper(
        self,
        title: str,
        program: Both,
        heading: str,
        subtitle: str,
        facts: Iterable[tuple[str, str]],
        blocks: Iterable[Block],
    ) -> Paper:
        """A document whose pages are numbered."""
        page_of = self.say(N_("Page %(page)s of %(pages)s"), page="%(page)s", pages="%(pages)s")
        return Paper(self.language, title, self.of(program), heading, subtitle, tuple(facts), page_of, tuple(blocks))
