"""Which actions a request asked the table for: a route that did not ask for its own keeps nothing and answers nothing.

The set is the request's own. A thread that works for the request sees the same set, for its context is a copy.
"""

from __future__ import annotations

from contextvars import ContextVar

_asked: ContextVar[set[str]] = ContextVar("asked")
#: In the set where the answer of before is given again: the act that it answered asked, and nothing is done now.
_ANSWERED_BEFORE = "answered_before"


class NotAsked(RuntimeError):
    """A route answers, and did not ask the table for the action that it names."""


def begin() -> None:
    """Begin a request: nothing was asked yet."""
    _asked.set(set())


def note(action: str) -> None:
    """Note that the table was asked for an action. Outside a request nothing is noted."""
    asked = _asked.get(None)
    if asked is not None:
        asked.add(action)


def note_answered_before() -> None:
    """Note that a repeated request is answered as it was before, and nothing is done."""
    note(_ANSWERED_BEFORE)


def hold_that_asked(action: str) -> None:
    """Raises NotAsked where the request did not ask the table for the action."""
    if not _asked.get(set()) & {action, _ANSWERED_BEFORE}:
        msg = f"the route names {action!r} and did not ask the table for it: nothing is kept"
        raise NotAsked(msg)
