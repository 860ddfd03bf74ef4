"""A timed round, and its turn in one program: when it is due, what it does, and what becomes of a part that fails.

A round says what it does either as a whole, in the transaction that notes how far it came, or part by part. Each part
then has a transaction of its own. The rest is the same for all: one process is at a round of a program at a time, what
was done is not done again, and what a rule refuses is logged by its code and holds up nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import Session

from domain.kernel import ROUNDS, Actor, Refusal, run, scalar
from flows.engine import Means, is_away
from flows.marks import clear_trouble, is_done, last_due, mark_of, set_mark
from flows.troubles import note_trouble, trouble_of

_log = logging.getLogger(__name__)

BY_ROUNDS: Final = Actor.system(ROUNDS)

#: How long the worker waits for Prefect to start a round.
PATIENCE: Final = timedelta(minutes=15)

#: A round that takes longer hangs: the database then lets another process have it.
LONGEST_ROUND: Final = timedelta(hours=1)

#: Any number that no other lock of ours uses; the round and its program stand beside it.
_LOCKS: Final = 0x524F

#: When a schedule was last due in the program of a session; None where it is not due at that moment.
Due = Callable[[str, Session, datetime], datetime | None]

#: Whether what is being done is to stop, such as a round that was cancelled by hand.
Asked = Callable[[], bool]


def never() -> bool:
    """What goes on to its end."""
    return False


class Stopped(BaseException):
    """The round is to stop before its next part. No failure, so that nothing takes it for one: it is done later."""


T_contra = TypeVar("T_contra", contravariant=True)
T = TypeVar("T")


class Verb(Protocol):
    """A verb of the rules that finds by itself what it is about: how much it did."""

    def __call__(self, session: Session, /, *, by: Actor, at: datetime) -> int:
        """Do it."""


class VerbOf(Protocol[T_contra]):
    """A verb of the rules about one thing: how much it did."""

    def __call__(self, session: Session, thing: T_contra, /, *, by: Actor, at: datetime) -> int:
        """Do it to one thing."""


@dataclass(frozen=True)
class Turn:
    """One go at one program, at one moment: it reads what is due, and does each part in a transaction of its own.

    What a rule refuses by now (it was seen to, moved or taken up again meanwhile) is logged by its code. A part that
    was `beaten` by another process did nothing. One that fails holds up no other: `fail` raises the first of the
    errors once all had their go. `ran_by`: who started the round. Once it is `stopped`, no other part begins: raises
    Stopped.
    """

    means: Means
    program_id: UUID
    key: str
    at: datetime
    ran_by: str = "worker"
    by: Actor = BY_ROUNDS
    beaten: Callable[[IntegrityError], bool] = lambda _: False
    stopped: Asked = never
    failed: list[Exception] = field(default_factory=list)

    def reading(self) -> Session:
        """A session of the program whose changes are not kept."""
        self._go_on()
        return self.means.sessions(self.program_id)

    def transaction(self) -> AbstractContextManager[Session]:
        """A session of the program whose changes are kept where its block ends."""
        self._go_on()
        return self.means.transaction(self.program_id)

    def _go_on(self) -> None:
        if self.stopped():
            raise Stopped

    def once(self, do: Callable[[Session], int]) -> int:
        """Do one part; how much it did. Raises where the database is away, since all others would fare the same."""
        try:
            with self.transaction() as session:
                return do(session)
        except Refusal as refusal:
            _log.warning(
                "a rule refused a part of a round",
                extra={"part": self.key, "program": self.program_id, "code": refusal.code},
            )
        except Exception as error:
            if is_away(error):
                raise
            if not (isinstance(error, IntegrityError) and self.beaten(error)):
                _log.warning(
                    "a part of a round failed",
                    extra={"part": self.key, "program": self.program_id, "error": type(error).__name__},
                )
                self.failed.append(error)
        return 0

    def fail(self) -> None:
        """Raise the first error of a part, if any failed: once the others are done, so that people are told of it."""
        if self.failed:
            raise self.failed[0]

    def tell_trouble(self, code: str) -> None:
        """Note that the round failed here, for people to see; where that fails too, the log says what did."""
        note_trouble(self.means, self.program_id, self.key, code)

    def act(self, verb: Verb) -> int:
        """Do one part that is a verb, by the round and at its moment."""
        return self.once(lambda session: verb(session, by=self.by, at=self.at))

    def each(self, things: Iterable[T], verb: VerbOf[T]) -> int:
        """Do a verb for each of the things found, a part each; how much they did together."""

        def about(thing: T) -> Callable[[Session], int]:
            return lambda session: verb(session, thing, by=self.by, at=self.at)

        return sum(self.once(about(thing)) for thing in things)


@dataclass(frozen=True)
class Round:
    """A timed round: called, it has its turn in one program, unless it was done there, and says how much it found.

    `cron` is its schedule, and `due` says when that was last due in a program. It has a `whole` or `parts`. `patience`
    is how long the worker waits for Prefect to start it. `is_needed`: whether an engine of these means does it at all.
    """

    key: str
    cron: str
    due: Due
    whole: Callable[[Session, datetime], int] | None = None
    parts: Callable[[Turn], int] = lambda _: 0
    patience: timedelta = PATIENCE
    is_needed: Callable[[Means], bool] = lambda _: True
    by: Actor = BY_ROUNDS

    def __call__(self, means: Means, program_id: UUID, ran_by: str, stopped: Asked = never) -> int:
        """Have a turn in one program. Blocks; run it in a thread. Again, late or twice at once changes nothing.

        Raises Stopped before its next part once it is `stopped`; it is then not done, and is done again.
        """
        if not self.is_needed(means):
            with means.transaction(program_id) as session:
                clear_trouble(session, self.key)  # of when it was: it is not tried again
            return 0
        turn = Turn(means, program_id, self.key, means.clock(), ran_by, self.by, stopped=stopped)
        with alone(means, program_id, self.key) as mine:
            if not mine:
                return 0
            try:
                return self._take(turn)
            except Exception as error:
                # While no other process is at it: one that does it meanwhile would else be said to have failed.
                turn.tell_trouble(trouble_of(error))
                raise

    def due_at(self, session: Session, at: datetime) -> datetime | None:
        """When it was last due in the session's program, or None where it is not due now."""
        return self.due(self.cron, session, at)

    def _take(self, turn: Turn) -> int:
        with turn.transaction() as session:
            due, done = self.due_at(session, turn.at), mark_of(session, self.key)
            if due is None or is_done(done, due, turn.at):
                return 0
            if self.whole is not None:
                found = self.whole(session, turn.at)
                set_mark(session, self.key, turn.at, turn.ran_by, found)
                return found
        found = self.parts(turn)
        turn.fail()
        with turn.transaction() as session:
            set_mark(session, self.key, turn.at, turn.ran_by, found)
        return found


def as_a_whole(key: str, cron: str, due: Due = last_due) -> Callable[[Callable[[Session, datetime], int]], Round]:
    """Declare a round whose work is done in the one transaction that notes how far it came."""
    return lambda work: Round(key, cron, due, whole=work)


def in_parts(
    key: str,
    cron: str,
    due: Due = last_due,
    *,
    by: Actor = BY_ROUNDS,
    patience: timedelta = PATIENCE,
    is_needed: Callable[[Means], bool] = lambda _: True,
) -> Callable[[Callable[[Turn], int]], Round]:
    """Declare a round whose parts have a transaction each."""
    return lambda work: Round(key, cron, due, parts=work, by=by, patience=patience, is_needed=is_needed)


@contextmanager
def alone(means: Means, program_id: UUID, key: str) -> Iterator[bool]:
    """Whether no other process runs this round of the program now. The database lets go where a process dies.

    It lets go as well of one that hangs for longer than a round takes: where both go on at last, it is done twice,
    which changes nothing.
    """
    with means.sessions(program_id) as session:
        # This transaction only waits, and holds no row: it may lie idle for as long as the longest round takes.
        milliseconds = LONGEST_ROUND // timedelta(milliseconds=1)
        run(session, text(f"set local idle_in_transaction_session_timeout = {milliseconds}"))
        lock = text("select pg_try_advisory_xact_lock(:ours, hashtext(:round))")
        mine = bool(scalar(session, lock, {"ours": _LOCKS, "round": f"{key}:{program_id}"}))
        try:
            yield mine
        finally:
            _end_waiting(session)


def _end_waiting(session: Session) -> None:
    """Let the lock go. Where the database did so already its line is closed, and no more is to be done."""
    try:
        session.rollback()
    except DBAPIError as error:
        _log.warning("the database let go of a round before its end", extra={"error": type(error.orig).__name__})
        session.invalidate()
