"""Speaks one language for a document, in that language's typography."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time

from locales import Counted, pick, say, say_n, show_clock, show_day
from meetings.documents.content import Both
from meetings.documents.paper import typeset


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

    def day(self, day: date) -> str:
        """A day, with its weekday."""
        return show_day(self.language, day, "full")

    def clock(self, at: time | datetime) -> str:
        """An hour, as the wall shows it."""
        return typeset(self.language, show_clock(self.language, at if isinstance(at, time) else at.time()))

    def minutes(self, n: int) -> str:
        """A length."""
        return self.count(Counted("%(n)s min", "%(n)s min", n))

    def all_of(self, parts: Iterable[str]) -> str:
        """Those that say something, on one line."""
        return " · ".join(part for part in parts if part)
