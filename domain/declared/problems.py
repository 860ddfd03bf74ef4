"""What is wrong in a declared file: its place, and the words in which people are told."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from locales import N_, say

PathOf = tuple[str | int, ...]
"""Where something stands in a declared file: keys, and places in lists counted from 0."""


class Wrong(ValueError):
    """Raised by a validator of a grammar: what is wrong, and, below the value checked, where (`at`)."""

    def __init__(self, sentence: str, /, *, at: PathOf = (), **facts: str | int) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.at = at
        self.facts: Mapping[str, str | int] = facts


@dataclass(frozen=True)
class FileProblem:
    """One thing wrong in a declared file; `sentence` is an English msgid with the named `facts`.

    A fact named `nearest` is the known name that the author most likely meant.
    """

    file: str
    line: int
    path: str
    sentence: str
    facts: Mapping[str, str | int] = field(default_factory=dict)

    def in_language(self, language: str) -> str:
        """What is wrong, and what was most likely meant, in "fr" or "en", without its place."""
        said = say(language, self.sentence, **self.facts)
        if "nearest" in self.facts:
            said += " " + say(language, N_("Did you mean “%(nearest)s”?"), nearest=self.facts["nearest"])
        return said

    def told_in(self, language: str) -> str:
        """The same with its file, line and path in front, as editors read them."""
        where = f"{self.file}:{self.line}: " + (f"{self.path}: " if self.path else "")
        return where + self.in_language(language)

    def __str__(self) -> str:
        return self.told_in("en")


class DeclaredErrors(Exception):
    """Everything wrong in a declared file, in the order of its lines. Nothing was loaded."""

    def __init__(self, problems: Sequence[FileProblem]) -> None:
        self.problems = sorted(problems, key=lambda problem: problem.line)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


def written(path: PathOf) -> str:
    """A path as people read it: `steps[2].due.days`, places in lists counted from 0."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def shown(name: str) -> str:
    """A wrong name from a file, fit to be repeated in a sentence; "…" where it is no name at all."""
    return name if re.fullmatch(r"[\w.:/-]{1,60}", name) else "…"


def nearest(name: str, known: Sequence[str]) -> str:
    """The known name that `name` most likely stands for, or ""."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return near[0] if near else ""
