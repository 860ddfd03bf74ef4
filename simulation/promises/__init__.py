"""What a page promises, each as a named check: what it finds in a program's rows is a promise that was broken.

A check looks at the rows alone, and not at the verbs that wrote them: it holds after every act, in whichever order and
by whichever window. A module here holds the promises of one room of the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Final, TypeVar

from sqlalchemy import text
from sqlmodel import Session

from domain.kernel import program_of, run

Look = Callable[[Session, datetime], Iterable[str]]
#: Stands around each look at a promise, known by its sentence: the list that it gives takes what breaks it.
Looking = Callable[[str], AbstractContextManager[list[str]]]
T = TypeVar("T")


@dataclass(frozen=True)
class Promise:
    """A sentence that holds at every moment. `look` names each row that breaks it, by its kind and opaque id.

    What breaks one that `stays` is in the rows from then on: it is found months later too. What breaks any other may
    pass by unnoticed, so that it is looked for each day, among what is open and what is new.
    """

    sentence: str
    look: Look
    stays: bool = False


@dataclass(frozen=True)
class Broken:
    """A promise that does not hold. `where` names a row by its kind and opaque id: no name, no words of people."""

    sentence: str
    where: str


_PROMISES: Final[dict[str, Promise]] = {}


def promise(sentence: str, *, stays: bool = False) -> Callable[[Look], Look]:
    """Register a check under the sentence that it holds. Raises ValueError where another has the same sentence."""

    def register(look: Look) -> Look:
        if sentence in _PROMISES:
            raise ValueError(f"There is a promise already: {sentence}")
        _PROMISES[sentence] = Promise(sentence, look, stays)
        return look

    return register


@cache
def _read_modules() -> None:
    for module in iter_modules(__path__, f"{__name__}."):
        import_module(module.name)


def promises() -> list[Promise]:
    """Every promise, in the order of their sentences."""
    _read_modules()
    return [_PROMISES[sentence] for sentence in sorted(_PROMISES)]


def broken(session: Session, at: datetime, *, passing: bool = False, looking: Looking | None = None) -> list[Broken]:
    """What does not hold in the session's program at that moment. Writes nothing.

    Where only the `passing` ones are asked for, those whose breach stays in the rows are left for another day, and of
    what is over the others look at a week. The session must be allowed to read all of the program; `at` has its offset.
    """
    session.info.update({_SHARED: {}, _PASSING: passing})
    try:
        return [
            Broken(one.sentence, where)
            for one in promises()
            if not (passing and one.stays)
            for where in _look(one, session, at, looking)
        ]
    finally:
        del session.info[_SHARED], session.info[_PASSING]


def _look(one: Promise, session: Session, at: datetime, looking: Looking | None) -> list[str]:
    nothing: list[str] = []
    with looking(one.sentence) if looking else nullcontext(nothing) as places:
        places.extend(one.look(session, at))
    return places


def shared(session: Session, made_by: Callable[[Session, datetime], T], at: datetime) -> T:
    """What several promises read alike: read once in a pass of `broken`, and anew where one is looked at alone."""
    known = session.info.get(_SHARED)
    if known is None:
        return made_by(session, at)
    if made_by not in known:
        known[made_by] = made_by(session, at)
    found: T = known[made_by]
    return found


def found(session: Session, statement: str, **values: object) -> Iterator[str]:
    """Each row that a statement finds in the session's program, which it calls `:here`: its kind, and its opaque id."""
    for row in run(session, text(statement), {"here": program_of(session), **values}):
        yield " ".join(str(one) for one in row[:2])


def since(session: Session, at: datetime) -> datetime:
    """From when on a pass looks at what is over: a week of it where it looks at the passing ones alone, and else all.

    One that looks each day has looked at what is older.
    """
    return at - _A_WEEK if session.info.get(_PASSING) else _EVER


_A_WEEK: Final = timedelta(days=7)
_EVER: Final = datetime(2000, 1, 1, tzinfo=UTC)
#: Where a session keeps what was read in this pass, and which pass it is.
_SHARED: Final = "read_for_promises"
_PASSING: Final = "passing_promises_alone"
