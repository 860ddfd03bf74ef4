"""Speaks one language for a document, in that language's typography."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time

from locales import N_, Counted, DayStyle, pick, say, say_n, show_clock, show_day
from meetings.documents.content import Both
from meetings.documents.paper import Block, Cell, CellLine, Column, Group, Paper, PaperNote, PaperTable, Tone, typeset


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
