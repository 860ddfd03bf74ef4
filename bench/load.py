"""Two hundred people signed in, each with a request every twenty seconds, on one web process; and behind nginx."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

from adapters.database import program_session
from bench.figures import Cost, Ratio, costing, ms, table
from bench.ground import Ground, now
from bench.pages import Demonstrated, demonstration
from bench.processes import free_port, module, running, serves, wait_for
from bench.reading import cookie_of
from domain.kernel import local_day
from domain.roles import standing

PEOPLE: Final = 200
EVERY_SECONDS: Final = 20.0
#: One request of so many writes: someone records that they will be away.
A_WRITE_IN: Final = 8
READ: Final = (
    *("/", "/board", "/cases", "/caseload", "/meetings", "/decisions", "/partners", "/people", "/committees"),
    *("/program", "/departures", "/referrals", "/activity", "/api/v1/work"),
)
#: So far ahead are the days away that are recorded, each of its own: no one's work moves because of them.
_AHEAD: Final = timedelta(days=400)
_days: Final = count()

_SERVER: Final = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log warn;
events {{ worker_connections 1024; }}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    upstream web {{ server 127.0.0.1:{web}; keepalive 64; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://web; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme; client_max_body_size 11m;
        }}
    }}
}}
"""


def measure(
    ground: Ground, folder: Path, *, seconds: float, people: int = PEOPLE, every: float = EVERY_SECONDS
) -> Iterator[Ratio]:
    """Let so many people read and write for so many seconds; then the same behind nginx, where it is installed."""
    place = folder / "load"
    with demonstration(ground, place) as shown:
        asked: dict[str, Asked] = {}
        for name, proxied in (("one web process", False), ("the same behind nginx", True)):
            if proxied and _nginx() is None:
                print("nginx is not installed here: not measured behind it")
                continue
            asked[name] = _run(shown, place, seconds, people, every, proxied=proxied)
    print(
        table(
            f"13. {people} people, each with a request every {every:g} s, for {seconds:g} s",
            ("reads p50", "p95", "p99", "writes p50", "p95", "p99", "requests", "errors", "CPU a request"),
            {name: one.told() for name, one in asked.items()},
        )
    )
    for name, one in asked.items():
        for error in sorted(set(one.errors)):
            print(f"{name}: {error}")
        where = "load" if name == "one web process" else "load.nginx"
        yield Ratio(f"{where}.reads_p95", one.reads.at(95) * 1000, at_most=300, unit="ms")
        yield Ratio(f"{where}.writes_p95", one.writes.at(95) * 1000, at_most=500, unit="ms")
        yield Ratio(f"{where}.errors", len(one.errors), at_most=0)


@dataclass
class Asked:
    """What the people asked, and how long each answer took from the moment at which it was wanted."""

    reads: Cost = field(default_factory=Cost)
    writes: Cost = field(default_factory=Cost)
    errors: list[str] = field(default_factory=list)
    cpu: float = 0.0

    def told(self) -> tuple[str, ...]:
        """The figures of a line."""
        of_each = [ms(cost.at(percent)) for cost in (self.reads, self.writes) for percent in (50, 95, 99)]
        requests = self.reads.operations + self.writes.operations
        return *of_each, f"{requests}", f"{len(self.errors)}", ms(self.cpu / max(1, requests))


def _nginx() -> str | None:
    return shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")


def _run(shown: Demonstrated, folder: Path, seconds: float, people: int, every: float, *, proxied: bool) -> Asked:
    """Start the web, and nginx before it where it is `proxied`, and let the people ask."""
    web_port, port = free_port(), free_port()
    reached = port if proxied else web_port
    environment = {
        "DATABASE_URL": shown.urls.app,
        "SPHERES_DATA": str(folder),
        "SPHERES_BASE_URL": f"http://127.0.0.1:{reached}",
    }
    command = module("uvicorn", "--factory", "api.app:from_environment", "--port", str(web_port))
    command += ["--log-level", "warning", "--no-access-log", "--no-server-header", "--no-date-header", "--ws", "none"]
    command += ["--timeout-keep-alive", "75"]
    with running(command, environment, folder / "web.log") as web:
        wait_for(serves(f"http://127.0.0.1:{web_port}/healthz"), "the web", web)
        if not proxied:
            return asyncio.run(_ask(_everyone(shown, people), reached, web.pid, seconds, every))
        configured = folder / "nginx.conf"
        configured.write_text(_SERVER.format(folder=folder, web=web_port, port=port), encoding="utf-8")
        with running([_nginx() or "", "-c", str(configured)], {}, folder / "nginx.out") as before:
            wait_for(serves(f"http://127.0.0.1:{port}/healthz"), "nginx", before)
            return asyncio.run(_ask(_everyone(shown, people), reached, web.pid, seconds, every))


@dataclass(frozen=True)
class Someone:
    """One who is signed in: their cookie, and who they are."""

    cookie: str
    person_id: UUID


def _everyone(shown: Demonstrated, people: int) -> list[Someone]:
    """So many sign-ins of the people of the demonstration, each in turn."""
    with program_session(shown.installation.engine, shown.program_id) as session:
        there = sorted(standing(session, local_day(session, now())).live)
    chosen = (there[number % len(there)] for number in range(people))
    return [Someone(cookie_of(shown.installation, shown.program_id, one), one) for one in chosen]


async def _ask(everyone: Sequence[Someone], port: int, web: int, seconds: float, every: float) -> Asked:
    """Each asks at their own moments of each span; what takes long is not waited for to ask less."""
    theirs = {}
    for one in dict.fromkeys(everyone):
        if one.person_id not in theirs:  # each page once, which warms the process too
            theirs[one.person_id] = await _theirs(one, port)
    asked, chance = Asked(), random.Random(7)  # noqa: S311 - of moments, and no secret
    begun = time.perf_counter()

    async def live(number: int, one: Someone) -> None:
        line = Line(port, one.cookie)
        at = begun + every * number / len(everyone)
        while at < begun + seconds:
            await asyncio.sleep(max(0.0, at - time.perf_counter()))
            if chance.randrange(A_WRITE_IN):
                await _timed(asked.reads, asked, at, line, "GET", chance.choice(theirs[one.person_id]), b"", (200,))
            else:
                body = _away(next(_days))
                path = f"/api/v1/people/{one.person_id}/absences"
                await _timed(asked.writes, asked, at, line, "POST", path, body, (200, 201))
            at += every * chance.uniform(0.75, 1.25)
        line.close()

    with costing(lambda: [web]) as cost:
        await asyncio.gather(*(live(number, one) for number, one in enumerate(everyone)))
    asked.cpu = cost.cpu_there
    return asked


def _away(number: int) -> bytes:
    """A day far ahead, another each time, on which someone is away."""
    day = (now().date() + _AHEAD + timedelta(days=number)).isoformat()
    return json.dumps({"starts_on": day, "ends_on": day}).encode()


async def _theirs(one: Someone, port: int) -> list[str]:
    """The pages that are for this person."""
    line = Line(port, one.cookie)
    found = [path for path in READ if (await line.ask("GET", path, b"")) == 200]
    line.close()
    return found


async def _timed(
    cost: Cost, asked: Asked, at: float, line: Line, method: str, path: str, body: bytes, right: Sequence[int]
) -> None:
    try:
        status = await line.ask(method, path, body)
    except (OSError, asyncio.IncompleteReadError, ValueError) as error:
        asked.errors.append(f"{method} {path}: {error!r}")
        line.close()
        return
    cost.seconds.append(time.perf_counter() - at)
    if status not in right:
        asked.errors.append(f"{method} {path}: {status}")


class Line:
    """One keep-alive line of a browser, which opens it anew where the other side ended it while it lay idle."""

    def __init__(self, port: int, cookie: str) -> None:
        self._port = port
        self._cookie = cookie
        self._opened: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: bytes) -> int:
        """Ask, read the whole answer, and give its status."""
        if self._opened is None or self._opened[0].at_eof():
            self._opened = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._opened
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nCookie: {self._cookie}\r\n"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nIdempotency-Key: {uuid4()}\r\n"
        writer.write(f"{head}Accept-Language: fr\r\n\r\n".encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        await self._read_body(reader, answer)
        return int(answer.split(b" ", 2)[1])

    @staticmethod
    async def _read_body(reader: asyncio.StreamReader, head: bytes) -> None:
        if b"transfer-encoding: chunked" in head:
            while size := int(await reader.readuntil(b"\r\n"), 16):
                await reader.readexactly(size + 2)
            await reader.readexactly(2)
        elif b"content-length:" in head:
            await reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r\n")[0]))

    def close(self) -> None:
        """End the line."""
        if self._opened is not None:
            self._opened[1].close()
            self._opened = None
