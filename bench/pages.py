"""What the main pages cost: statements and CPU of each, in process, for the coordinator of the demonstration."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from sqlalchemy import event
from starlette.responses import Response

from adapters.database import make_engine, migrate, program_session
from adapters.people_keys import FilePeopleKeys, make_people_keys
from adapters.postgres import EmbeddedPostgres
from api.access.session import Installation, sign_in
from api.app import create_app
from bench.figures import Ratio, median, mixed, ms, table
from bench.ground import Ground, new_ledger, now
from demo.loading import Demonstration
from demo.people import coordinator

HOST: Final = "127.0.0.1"
#: The pages that people open all day long, and the list that other systems read; with what each cost before what it
#: reads was asked at once: statements, and milliseconds of CPU on a quiet machine.
BEFORE: Final = {
    "/": (56, 70),
    "/caseload": (62, 61),
    "/decisions": (42, 52),
    "/board": (44, 51),
    "/meetings": (43, 49),
    "/partners": (23, 50),
    "/people": (28, 39),
    "/cases": (28, 36),
    "/api/v1/work": (15, 17),
}
MOST_STATEMENTS: Final = 14
MOST_MS: Final = 22


def measure(ground: Ground, folder: Path, *, rounds: int) -> Iterator[Ratio]:
    """Ask each page `rounds` times, in turn, once the process has read what it keeps."""
    keys = folder / "people-keys"
    make_people_keys(keys)
    with EmbeddedPostgres(folder / "demonstration") as server:
        migrate(server.urls().owner)
        engine = make_engine(server.urls().app, application_name="spheres bench", ledger=new_ledger())
        installation = Installation(
            engine, ground.letter_templates, f"http://{HOST}", demonstration=True, keys=FilePeopleKeys(keys)
        )
        program_id = Demonstration(engine, ground.letter_templates, at=now(), keys=installation.keys).load()
        with program_session(engine, program_id) as session:
            person_id = coordinator(session, now()).person_id
        answer = Response()
        assert person_id is not None
        sign_in(installation, program_id, person_id, answer)
        reader = _Reader(create_app(installation), answer.headers["set-cookie"].partition(";")[0])
        event.listen(engine, "before_cursor_execute", reader.count)
        asyncio.run(_read(reader, rounds))
        engine.dispose()
    print(
        table(
            f"10. The main pages of the demonstration, by its coordinator, in process ({rounds} rounds)",
            ("statements", "before", "CPU", "before, quiet", "size"),
            {
                path: (
                    f"{reader.statements[path]}",
                    f"{statements}",
                    ms(median(reader.cpu[path])),
                    f"{milliseconds} ms",
                    f"{reader.sizes[path] / 1000:.0f} kB",
                )
                for path, (statements, milliseconds) in BEFORE.items()
            },
        )
    )
    yield Ratio("pages.statements", max(reader.statements.values()), at_most=MOST_STATEMENTS)
    yield Ratio("pages.cpu", max(median(taken) for taken in reader.cpu.values()) * 1000, at_most=MOST_MS, unit="ms")


class _Reader:
    """Someone who is signed in, and what each page that they ask costs the application."""

    def __init__(self, app: FastAPI, cookie: str) -> None:
        self._app = app
        self._headers = [(b"host", HOST.encode()), (b"cookie", cookie.encode()), (b"accept-language", b"fr")]
        self._asked = 0
        self.statements: dict[str, int] = {}
        self.cpu: dict[str, list[float]] = {path: [] for path in BEFORE}
        self.sizes: dict[str, int] = {}

    def count(self, *_: object) -> None:
        """One more statement was asked."""
        self._asked += 1

    async def get(self, path: str) -> float:
        """Ask for a page; the CPU seconds of all threads that it took."""
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": self._headers,
            "server": (HOST, 80),
            "client": (HOST, 1),
            "state": {},
        }
        self._asked, begun = 0, time.process_time()
        await self._app(scope, receive, send)
        taken = time.process_time() - begun
        assert sent[0]["status"] == 200, (path, sent[0]["status"])
        self.statements[path], self.sizes[path] = self._asked, sum(len(one.get("body", b"")) for one in sent[1:])
        return taken


async def _read(reader: _Reader, rounds: int) -> None:
    for path in BEFORE:
        for _ in range(6):  # psycopg prepares a statement that it sees for the sixth time
            await reader.get(path)
    gc.collect()
    for path in mixed(list(BEFORE), rounds):
        reader.cpu[path].append(await reader.get(path))
