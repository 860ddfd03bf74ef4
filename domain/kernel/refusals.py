"""What a rule says when it refuses: a sentence for people, a code for machines, the guide's reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

#: A word, a count, a day, or a text in both languages as {fr: …, en: …}.
Fact = str | int | date | Mapping[str, str]


class Refusal(Exception):
    """A rule said no, and nothing was changed.

    `code` names the refusal for machines ("task.not_open"). `sentence` is an English msgid with %(named)s
    facts, translated by the window that shows it. `source` is the id of the guide's fact that the rule
    rests on, or "". Facts hold words of the program (a role, a day, a count, a participant's number), never
    nominative data, and never the input that was refused. What answer this is over HTTP is the window's
    business, and stands there.
    """

    def __init__(self, code: str, sentence: str, *, source: str = "", **facts: Fact) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence
        self.source = source
        self.facts: Mapping[str, Fact] = facts

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence % self.facts}"
