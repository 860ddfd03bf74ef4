"""A timed round, and its turn in one program: when it is due, what it does, and what becomes of a part that fails.

A round says what it does either as a whole, in the transaction that notes how far it came, or part by part. Each part
then has a transaction of its own. The rest is the same for all: one process is at a round of a program at a time, what
was done is not done again, and what a rule refuses is logged by its code and holds up nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from domain.kernel import ROUNDS, Actor, Refusal, run, scalar
from flows.engine import Means, code_of
from flows.marks import last_due, mark_of, set_mark, set_trouble

_log = logging.getLogger(__name__)

BY_ROUNDS: Final = Actor.system(ROUNDS)

#: How long the worker waits for Prefect to start a round.
PATIENCE: Final = timedelta(minutes=15)

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

    What a rule refuses by now (it was seen to, moved or taken up again meanwhile) is logged with the sentence
    `refused`. A part that was `beaten` by another process did nothing. `ran_by`: who started the round. Once it is
    `stopped`, no other part begins: raises Stopped.
    """

    means: Means
    program_id: UUID
    key: str
    at: datetime
    ran_by: str = "worker"
    by: Actor = BY_ROUNDS
    beaten: Callable[[IntegrityError], bool] = lambda _: False
    stopped: Asked = never

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
        """Do one part; how much it did."""
        try:
            with self.transaction() as session:
                return do(session)
        except Refusal as refusal:
            _log.warning(
                "a rule refused a part of a round",
                extra={"part": self.key, "program": self.program_id, "code": refusal.code},
            )
        except IntegrityError as error:
            if not self.beaten(error):
                raise
        return 0

    def tell_trouble(self, code: str) -> None:
        """Note that the round failed here, for people to see; where that fails too, the log says what did."""
        try:
            with self.means.transaction(self.program_id) as session:  # also where it is stopped
                set_trouble(session, self.key, code, self.means.clock())
        except Exception as error:  # noqa: BLE001 - the round's own error is raised by who called
            _log.warning("a failed round cannot be noted", extra={"part": self.key, "error": type(error).__name__})

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
            return 0
        turn = Turn(means, program_id, self.key, means.clock(), ran_by, self.by, stopped=stopped)
        with alone(means, program_id, self.key) as mine:
            if not mine:
                return 0
            try:
                return self._take(turn)
            except Exception as error:
                # While no other process is at it: one that does it meanwhile would else be said to have failed.
                turn.tell_trouble(error.code if isinstance(error, Refusal) else code_of(error))
                raise

    def due_at(self, session: Session, at: datetime) -> datetime | None:
        """When it was last due in the session's program, or None where it is not due now."""
        return self.due(self.cron, session, at)

    def _take(self, turn: Turn) -> int:
        with turn.transaction() as session:
            due, done = self.due_at(session, turn.at), mark_of(session, self.key)
            if due is None or (done is not None and done >= due):
                return 0
            if self.whole is not None:
                found = self.whole(session, turn.at)
                set_mark(session, self.key, turn.at, turn.ran_by, found)
                return found
        found = self.parts(turn)
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
    """Whether no other process runs this round of the program now. The database lets go where a process dies."""
    with means.sessions(program_id) as session:
        # This transaction only waits, and holds no row: it may lie idle for as long as the round takes.
        run(session, text("set local idle_in_transaction_session_timeout = 0"))
        lock = text("select pg_try_advisory_xact_lock(:ours, hashtext(:round))")
        yield bool(scalar(session, lock, {"ours": _LOCKS, "round": f"{key}:{program_id}"}))
