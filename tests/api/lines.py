"""Whatever the web changes has its line of the record in the same transaction: held of every request of every test.

The application that the tests ask (`tests.api.application.app_on`) is watched as it commits. A transaction in which
rows were written, and in which nothing was written down, fails the request, and so the test that made it.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from typing import Any, Final

from sqlalchemy import Connection, Engine, event
from starlette.types import ASGIApp, Receive, Scope, Send

_WRITES: Final = re.compile(r'^\s*(insert into|update|delete from)\s+"?(\w+)"?(?:\s+set\s+(\w+)=)?', re.IGNORECASE)

#: Rows that tell what a browser or a request is at, and nothing of the program.
OF_NOBODY: Final = frozenset({"sign_in_flow", "answered_request", "rate_count"})
#: When a sign-in or a calendar was last seen: the first column that such a statement sets.
SIGNS_OF_LIFE: Final = frozenset(
    {("browser_session", "seen_at"), ("browser_session", "watched_at"), ("calendar_feed", "read_at")}
)

_in_request: ContextVar[str] = ContextVar("in_request", default="")
_KEPT: Final = "written in this transaction"
_AT_SAVEPOINTS: Final = "written before each savepoint"


class Watched:
    """Knows of each statement whether a request of the web made it, and which."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through."""
        asked = _in_request.set(f"{scope.get('method', '')} {scope.get('path', '')}")
        try:
            await self.app(scope, receive, send)
        finally:
            _in_request.reset(asked)


def watch(engine: Engine) -> None:
    """Hold every transaction of this engine to it from now on."""
    if event.contains(engine, "commit", _hold):
        return
    event.listen(engine, "after_cursor_execute", _note)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "savepoint", _remember)
    event.listen(engine, "rollback_savepoint", _forget)
    event.listen(engine, "release_savepoint", _keep)
    event.listen(engine, "commit", _hold)


def _begin(connection: Connection) -> None:
    connection.info[_KEPT] = []
    connection.info[_AT_SAVEPOINTS] = []


def _note(connection: Connection, cursor: Any, statement: str, *_: Any) -> None:
    found = _WRITES.match(statement)
    if found and cursor.rowcount != 0:
        table, column = found[2], found[3] or ""
        if table not in OF_NOBODY and (table, column) not in SIGNS_OF_LIFE:
            connection.info.setdefault(_KEPT, []).append((found[1].lower(), table))


def _remember(connection: Connection, _: Any) -> None:
    connection.info[_AT_SAVEPOINTS].append(len(connection.info[_KEPT]))


def _forget(connection: Connection, *_: Any) -> None:
    del connection.info[_KEPT][connection.info[_AT_SAVEPOINTS].pop() :]


def _keep(connection: Connection, *_: Any) -> None:
    connection.info[_AT_SAVEPOINTS].pop()


def _hold(connection: Connection) -> None:
    written = connection.info.get(_KEPT, [])
    asked = _in_request.get()
    told = any(table == "event" for _, table in written)
    if written and asked and not told:
        # Whoever fails in the midst of a commit is not rolled back, and would hold its rows.
        connection.connection.rollback()
        msg = f"{asked} writes {sorted(set(written))} and tells the record nothing"
        raise AssertionError(msg)
