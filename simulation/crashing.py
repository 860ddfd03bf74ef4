"""Crashes: a process that ends at a commit of an act, of a round or of what the worker does all the time.

Each commit has three sides: before anything is written, between the ledger's line and the database's, and after it,
before anybody is told. What the process had in hand is lost with it; what it had committed is not.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from sqlalchemy import event
from sqlmodel import Session

from models.ports import LEDGER_NOTES

#: The commits of one act or part that are told apart: those behind are as the last of these.
MOST: Final = 3
#: How often a boundary is crashed at that was before, in whatever state the program is by then.
AGAIN: Final = 0.005


class Crash(BaseException):
    """The process ends here. No failure that anything handles: nothing in it goes on."""


class Boundary(NamedTuple):
    """A place at which a process may end: what it was at, which of its commits, and which side of it."""

    what: str
    commit: int
    side: str


@dataclass
class Crashing:
    """Ends the process at every boundary when it is first come to, all there are, and now and then once more."""

    chance: random.Random
    crashed: set[Boundary] = field(default_factory=set)
    crashes: int = 0
    _what: str = ""
    _commits: int = 0
    _has_notes: bool = False

    def listen(self) -> None:
        """Begin to stand at every commit of this process."""
        event.listen(Session, "before_commit", self._before, insert=True)
        event.listen(Session, "before_commit", self._between)
        event.listen(Session, "after_commit", self._after)

    def end(self) -> None:
        """Stand there no longer."""
        event.remove(Session, "before_commit", self._before)
        event.remove(Session, "before_commit", self._between)
        event.remove(Session, "after_commit", self._after)

    @contextmanager
    def during(self, what: str) -> Iterator[None]:
        """While the process does something, by its name. Raises Crash where it is to end."""
        before = self._what, self._commits
        self._what, self._commits = what, 0
        try:
            yield
        finally:
            self._what, self._commits = before

    def _before(self, session: Session) -> None:
        if self._what and not session.in_nested_transaction():
            self._commits += 1
            self._has_notes = bool(session.info.get(LEDGER_NOTES))
            self._at("before")

    def _between(self, session: Session) -> None:
        if self._what and self._has_notes and not session.in_nested_transaction():
            self._at("between")

    def _after(self, session: Session) -> None:
        if self._what and not session.in_nested_transaction():
            self._at("after")

    def _at(self, side: str) -> None:
        here = Boundary(self._what, min(self._commits, MOST), side)
        if here not in self.crashed or self.chance.random() < AGAIN:
            self.crashed.add(here)
            self.crashes += 1
            raise Crash
