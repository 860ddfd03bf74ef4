"""What a check found: its state, what was seen, and what to do, each as words that are told in the reader's language.

Neither holds a secret or anything nominative: names of settings, files, codes, ids, counts and moments alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from locales import say

if TYPE_CHECKING:
    from api.cli.checkup.house import House

State = Literal["ok", "warn", "wrong", "not_asked"]


@dataclass(frozen=True)
class Words:
    """A sentence and its facts, for the language in which it is told."""

    msgid: str
    facts: dict[str, object]

    def told_in(self, language: str) -> str:
        """The sentence in "fr" or "en"."""
        return say(language, self.msgid, **{name: _in(language, fact) for name, fact in self.facts.items()})


def _in(language: str, fact: object) -> object:
    return fact.told_in(language) if isinstance(fact, Words) else fact


def words(msgid: str, **facts: object) -> Words:
    """A sentence; a fact may be one too."""
    return Words(msgid, facts)


@dataclass(frozen=True)
class Finding:
    """What one check found. What is not well says what to do."""

    check: Check
    state: State
    seen: Words
    todo: Words | None = None


@dataclass(frozen=True)
class Check:
    """One thing that is looked at. Its key stays what it is: programs read it."""

    key: str
    name: str

    def ok(self, msgid: str, /, **facts: object) -> Finding:
        """It is well."""
        return Finding(self, "ok", Words(msgid, facts))

    def warn(self, seen: Words, todo: Words) -> Finding:
        """It works, and should be looked at."""
        return Finding(self, "warn", seen, todo)

    def wrong(self, seen: Words, todo: Words) -> Finding:
        """It does not work, or does not protect."""
        return Finding(self, "wrong", seen, todo)

    def not_asked(self, why: Words) -> Finding:
        """It could not be looked at, for a reason that is no fault of its own."""
        return Finding(self, "not_asked", why)


Look = Callable[["House"], Iterator[Finding]]
"""Looks at what its checks are about, and gives each finding as soon as it has it."""


@dataclass(frozen=True)
class Group:
    """Checks that are looked at together, by one function; `needs_database` where none can be without it."""

    key: str
    title: str
    checks: Sequence[Check]
    look: Look
    needs_database: bool = False


#: So many codes or names are told; how many more there are is told as a number.
_NAMED: Final = 6


def named(several: Sequence[str]) -> str:
    """The first of several codes or names, and how many there are besides."""
    more = len(several) - _NAMED
    return ", ".join(several[:_NAMED]) + (f" (+{more})" if more > 0 else "")


#: The states from the gravest on.
GRAVEST: Final[tuple[State, ...]] = ("wrong", "warn", "not_asked", "ok")
