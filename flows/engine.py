"""What the engine's parts share: its means, one act of a step, the names of acts, and what Prefect is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlmodel import Session

from domain.casework import Claim
from domain.kernel import Actor, col, scalars, select
from models.ports import Accounts, Inbox, Mailer, SealKeys
from models.program import Program


@dataclass(frozen=True)
class Means:
    """What the engine works with. Nothing here is global: two engines of one process do not meet.

    `sessions` opens a session of one program, with the letters' stationery in it; `open_sessions` one before a program
    is known. `clock` gives the moment, with its offset. Without a `mailer`, letters wait; without `seal_keys`, lines of
    the record wait for their seal; without an `inbox`, no mailbox is read; without `accounts`, people close them.
    `base_url` is the address that people type, for links to it. `well_since` is by which program and loop this process
    last saw to it, and at which of its seconds, that no trouble is told any more that is over.
    """

    sessions: Callable[[UUID], Session]
    open_sessions: Callable[[], Session]
    clock: Callable[[], datetime]
    mailer: Mailer | None
    seal_keys: SealKeys | None = None
    inbox: Inbox | None = None
    accounts: Accounts | None = None
    base_url: str = ""
    well_since: dict[tuple[UUID, str], float] = field(default_factory=dict, repr=False, compare=False)

    @contextmanager
    def transaction(self, program_id: UUID | None = None) -> Iterator[Session]:
        """A session of one program, or of none yet. Where the block ends it commits; where the block raises, it undoes.

        The engine commits here and nowhere else.
        """
        with self.open_sessions() if program_id is None else self.sessions(program_id) as session:
            yield session
            session.commit()


def programs(means: Means) -> list[UUID]:
    """Every program of the database."""
    with means.open_sessions() as session:
        return list(scalars(session, select(Program.id).order_by(col(Program.key))))


@dataclass(frozen=True)
class DueAction:
    """What the engine is to do automatically for one step of a case or, where `undo` is set, to undo."""

    program_id: UUID
    case_id: UUID
    task_id: UUID
    step: str
    action: str
    undo: bool = False


@dataclass(frozen=True)
class StepAction:
    """How one named action is done, and how it is checked.

    `do` may be called again after it was half done or done, and then leaves one effect. `is_done` looks at the thing
    itself, not at what was noted about it. What undoes an action is an action too, under its own name. Both run in the
    transaction that notes the act, so that an effect in our own database and its note are there together or not at all.
    Raises Refusal where it cannot be done for now.
    """

    do: Callable[[Session, DueAction, Actor, datetime], None]
    is_done: Callable[[Session, DueAction, datetime], bool]


class ActFailed(Exception):
    """An act could not be done for now. Carries a code, and nothing of what went wrong: Prefect keeps its text."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


#: Does one act, or raises ActFailed: the plain function, or a Prefect task around it.
Perform = Callable[[DueAction], Awaitable[None]]


@dataclass(frozen=True)
class BoundProtocol:
    """A protocol of the program: its declared file, the actions that it may name, and the folder of its letters."""

    key: str
    file: Path
    actions: Mapping[str, StepAction] = field(default_factory=dict)
    letters: Path | None = None

    @property
    def examples(self) -> Path:
        """The author's examples beside the protocol."""
        return self.file.with_name("examples.yaml")


@dataclass
class CarryUnderWay:
    """One carry under way. `outcome` is set when it is recorded: a later failure is only logged.

    Prefect and the plain way both may begin it, and the first that takes it does.
    """

    claim: Claim
    means: Means
    outcome: str | None = None
    fault: str = ""
    taken: str = ""
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, way: str) -> bool:
        """Whether this way takes it: no other did before."""
        self.taken = self.taken or way
        self.begun.set()
        return self.taken == way


#: With this a Prefect run that knows only an opaque case id finds what it carries, in the context that called it.
in_hand: ContextVar[CarryUnderWay] = ContextVar("in_hand")

#: With this a flow that Prefect starts, by its schedule or by hand, finds its means.
at_hand: ContextVar[Means] = ContextVar("at_hand")


async def pause(until: asyncio.Event, seconds: float) -> None:
    """Wait for so long, or less where that comes before."""
    with suppress(TimeoutError):
        await asyncio.wait_for(until.wait(), seconds)


def code_of(error: BaseException) -> str:
    """An error as a code that may be stored and shown: the name of its kind, and never its text."""
    return f"error.{type(error).__name__}"


def is_away(error: BaseException) -> bool:
    """Whether an error is the database's that is away, so that whatever is asked of it next fails as well.

    What a server that is there refuses has a state: one statement was too slow, or waited for another.
    """
    return isinstance(error, OperationalError | InterfaceError) and (
        error.connection_invalidated or not getattr(error.orig, "sqlstate", None)
    )
