"""Asking pages in process, by someone who is signed in, and what each costs: CPU, the database, rows and bytes."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import Engine, event
from starlette.responses import Response

from api.access.session import Installation, sign_in
from bench.figures import cpu_of

HOST: Final = "127.0.0.1"


@dataclass(frozen=True)
class Reading:
    """What one page cost: `cpu` seconds of this process, and those that it waited for the `database`.

    `server` are the CPU seconds of the database's own processes. `goes_on` says that it is a part of its list, and
    leads to the next one.
    """

    status: int
    cpu: float
    database: float
    server: float
    statements: int
    rows: int
    size: int
    goes_on: bool


#: How a page leads to the next part of its list, and how an answer over JSON says that there is one.
_NEXT: Final = re.compile(
    rb'rel="next"|[?&](?:amp;)?(?:before|unusual_from)=[0-9a-f]|"older":["\d]|"limit":\d+,"next":"'
)


class Counter:
    """What is asked of a database: statements, rows that come back, the seconds until they do, and the server's CPU."""

    def __init__(self, engine: Engine) -> None:
        self.statements, self.rows, self.seconds = 0, 0, 0.0
        self._begun, self._used = 0.0, 0.0
        self._servers: set[int] = set()
        event.listen(engine, "before_cursor_execute", self._before)
        event.listen(engine, "after_cursor_execute", self._after)

    def begin(self) -> None:
        """Count anew."""
        self.statements, self.rows, self.seconds = 0, 0, 0.0
        self._used = cpu_of(self._servers)

    @property
    def server(self) -> float:
        """CPU seconds of the processes of the database that were asked."""
        return cpu_of(self._servers) - self._used

    def _before(self, _: object, cursor: Any, *__: object) -> None:
        self.statements += 1
        self._servers.add(cursor.connection.info.backend_pid)
        self._begun = time.perf_counter()

    def _after(self, _: object, cursor: Any, *__: object) -> None:
        self.seconds += time.perf_counter() - self._begun
        self.rows += max(cursor.rowcount, 0)


_OF_JSON: Final = ((b"content-type", b"application/json"), (b"accept", b"application/json"))


class Reader:
    """Someone who is signed in, in French, and reads pages of an application."""

    def __init__(self, app: FastAPI, cookie: str, counter: Counter) -> None:
        self.app = app
        self._counter = counter
        self._headers = [(b"host", HOST.encode()), (b"cookie", cookie.encode()), (b"accept-language", b"fr")]

    async def get(self, address: str) -> Reading:
        """Ask for a page, with the CPU seconds of all threads that it took."""
        return await self._ask("GET", address)

    async def put(self, address: str, said: bytes) -> Reading:
        """Send a body in JSON, as the script of a page does, with what that took."""
        return await self._ask("PUT", address, said)

    async def _ask(self, method: str, address: str, said: bytes = b"") -> Reading:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": said, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        path, _, query = address.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [*self._headers, *_OF_JSON] if said else self._headers,
            "server": (HOST, 80),
            "client": (HOST, 1),
            "state": {},
        }
        self._counter.begin()
        begun = time.process_time()
        await self.app(scope, receive, send)
        cpu = time.process_time() - begun
        body = b"".join(one.get("body", b"") for one in sent[1:])
        asked = self._counter
        return Reading(
            sent[0]["status"],
            cpu,
            asked.seconds,
            asked.server,
            asked.statements,
            asked.rows,
            len(body),
            _NEXT.search(body) is not None,
        )


#: Addresses that are no list: what comes before a sign-in, the description of the addresses, and the style guide.
_ALONE: Final = ("/sign-in", "/auth", "/healthz", "/static", "/style-guide", "/referred", "/api/v1/openapi.json")


def lists_of(app: FastAPI) -> list[str]:
    """Every address that names no thing: the lists, the boards and the empty forms of both windows."""
    routes = [route for route in app.routes if isinstance(route, APIRoute)]
    paths = {route.path for route in routes if "GET" in (route.methods or ()) and "{" not in route.path}
    return sorted(path for path in paths if not path.startswith(_ALONE))


def cookie_of(installation: Installation, program_id: UUID, person_id: UUID) -> str:
    """A sign-in of a person, as the program keeps it."""
    answer = Response()
    sign_in(installation, program_id, person_id, answer)
    return answer.headers["set-cookie"].partition(";")[0]
