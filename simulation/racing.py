"""Two people who act on one thing in the same moment: one is about to commit while the other begins.

The first stops before its commit, holding whatever it has locked. The second then goes as far as it can: to its end, or
to where it waits for the first. So each pair meets at the place where it can do harm, and meets there again.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import event
from sqlmodel import Session

from simulation.hands import Answer
from simulation.world import World

#: So many of the newest requests of a kind are known: one of them is what the other one does.
_KNOWN: Final = 5
#: After so many seconds who neither ends nor waits for a lock is taken to wait for something else.
_PATIENCE: Final = 20.0
_LOOK_SECONDS: Final = 0.002


@dataclass(frozen=True)
class Rival:
    """A request that somebody made, to be made again of another thing."""

    person_id: UUID
    method: str
    template: str
    path: str
    said: Any


@dataclass
class Races:
    """The pairs that met, and the newest requests of each kind, of which the second one of a pair is taken."""

    chance: random.Random
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    _known: dict[str, deque[Rival]] = field(default_factory=dict)

    def note(self, rival: Rival) -> None:
        """Know a request that was done."""
        kind = f"{rival.method} {rival.template}"
        self._known.setdefault(kind, deque(maxlen=_KNOWN)).append(rival)

    def rival_of(self, method: str, template: str, path: str, person_id: UUID) -> Rival | None:
        """What somebody else does to the same thing: of the kinds that there are, one that was least often met."""
        root = _root(template)
        if root is None:
            return None
        mine = f"{method} {template}"
        kinds = [
            kind
            for kind, known in sorted(self._known.items())
            if _root(known[0].template) == root and any(one.person_id != person_id for one in known)
        ]
        if not kinds:
            return None
        least = min(self.pairs[mine, kind] for kind in kinds)
        kind = self.chance.choice([one for one in kinds if self.pairs[mine, one] == least])
        self.pairs[mine, kind] += 1
        rival = self.chance.choice([one for one in self._known[kind] if one.person_id != person_id])
        return Rival(rival.person_id, rival.method, rival.template, _about(rival.path, path), rival.said)


def _root(template: str) -> str | None:
    """What a request is about: the beginning of its path up to the first thing in it."""
    before, thing, _ = template.partition("{}")
    return before if thing else None


def _about(path: str, other: str) -> str:
    """A path, about what another path is about."""
    parts, of_other = path.split("/"), other.split("/")
    return "/".join([*of_other[:3], *parts[3:]])


def race(world: World, first: Callable[[], Answer], second: Callable[[], Answer]) -> tuple[Answer, Answer]:
    """Have two requests meet, and give what came of each. Raises what either of them fails by."""
    gate = _Gate()
    one, other = _Runner(first), _Runner(second)
    gate.thread = one.thread
    event.listen(Session, "before_commit", gate.stop)
    try:
        one.thread.start()
        while one.thread.is_alive() and not gate.reached.wait(_LOOK_SECONDS):
            pass
        other.thread.start()
        until = time.monotonic() + _PATIENCE
        while other.thread.is_alive() and not world.is_anybody_blocked() and time.monotonic() < until:
            time.sleep(_LOOK_SECONDS)
    finally:
        gate.opens.set()
        one.thread.join()
        other.thread.join()
        event.remove(Session, "before_commit", gate.stop)
    return one.result(), other.result()


class _Gate:
    """Where the first one stops."""

    def __init__(self) -> None:
        self.reached, self.opens = threading.Event(), threading.Event()
        self.thread: threading.Thread | None = None

    def stop(self, session: Session) -> None:
        """Stop the first one before its commit."""
        if threading.current_thread() is self.thread and not session.in_nested_transaction():
            self.reached.set()
            self.opens.wait()


class _Runner:
    """One request in a thread of its own."""

    def __init__(self, do: Callable[[], Answer]) -> None:
        self._do = do
        self._answer: Answer | None = None
        self._failed: BaseException | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            self._answer = self._do()
        except BaseException as failed:  # noqa: BLE001 - raised to who asks for the result
            self._failed = failed

    def result(self) -> Answer:
        """What came of it. Raises what it failed by."""
        if self._failed is not None:
            raise self._failed
        if self._answer is None:
            msg = "the request has not ended"
            raise RuntimeError(msg)
        return self._answer
