"""What a page promises, each as a named check: what it finds in a program's rows is a promise that was broken.

A check looks at the rows alone, and not at the verbs that wrote them: it holds after every act, in whichever order and
by whichever window. A module here holds the promises of one room of the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from sqlmodel import Session

Look = Callable[[Session, datetime], Iterable[str]]


@dataclass(frozen=True)
class Promise:
    """A sentence that holds at every moment. `look` names each row that breaks it, by its kind and opaque id."""

    sentence: str
    look: Look


@dataclass(frozen=True)
class Broken:
    """A promise that does not hold. `where` names a row by its kind and opaque id: no name, no words of people."""

    sentence: str
    where: str


_PROMISES: Final[dict[str, Promise]] = {}


def promise(sentence: str) -> Callable[[Look], Look]:
    """Register a check under the sentence that it holds. Raises ValueError where another has the same sentence."""

    def register(look: Look) -> Look:
        if sentence in _PROMISES:
            raise ValueError(f"There is a promise already: {sentence}")
        _PROMISES[sentence] = Promise(sentence, look)
        return look

    return register


def promises() -> list[Promise]:
    """Every promise, in the order of their sentences."""
    for module in iter_modules(__path__, f"{__name__}."):
        import_module(module.name)
    return [_PROMISES[sentence] for sentence in sorted(_PROMISES)]


def broken(session: Session, at: datetime) -> Iterator[Broken]:
    """What does not hold in the session's program at that moment. Writes nothing.

    The session must be allowed to read all of the program; `at` has its offset.
    """
    for one in promises():
        for where in one.look(session, at):
            yield Broken(one.sentence, where)
