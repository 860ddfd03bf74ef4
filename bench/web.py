"""Completing a task through HTTP: as it is served, signed in, by 1 and by 32 clients that keep their lines."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from starlette.responses import Response

from api.access.session import Installation, sign_in
from bench.figures import Cost, Ratio, costing, median, mixed, ms, table
from bench.ground import Ground, now
from bench.processes import free_port, module, running, serves, wait_for
from bench.web_app import EMPTY

STEPS: Final = 25
MANY: Final = 32


def measure(ground: Ground, folder: Path, *, rounds: int, cases: int) -> Iterator[Ratio]:
    """Complete `cases` cases a round with one client, and more with many, beside an endpoint that does nothing."""
    port = free_port()
    environment = {
        "DATABASE_URL": ground.urls.app,
        "SPHERES_DATA": str(folder),
        "SPHERES_BASE_URL": f"http://127.0.0.1:{port}",
    }
    command = module("uvicorn", "--factory", "bench.web_app:application", "--port", str(port), "--log-level", "warning")
    command += ["--no-server-header", "--no-date-header"]
    with running(command, environment, folder / "web.log") as web:
        wait_for(serves(f"http://127.0.0.1:{port}/healthz"), "the web", web)
        ask = _Asking(port, _cookie(ground, port), web.pid)
        asyncio.run(_complete(ground, ask, clients=4, cases=2))  # warm
        asyncio.run(_empty(ask, clients=4, requests=200))
        taken: dict[str, list[Run]] = defaultdict(list)
        for name in mixed(["empty 1", "complete 1", f"empty {MANY}", f"complete {MANY}"], rounds):
            kind, clients = name.split()
            many = int(clients)
            if kind == "empty":
                taken[name].append(asyncio.run(_empty(ask, clients=many, requests=cases * STEPS * 2)))
            else:
                of_cases = cases if many == 1 else cases * 3
                taken[name].append(asyncio.run(_complete(ground, ask, clients=many, cases=of_cases)))
    rows = {
        f"{name} {'client' if name.endswith(' 1') else 'clients'}": (
            f"{median(run.rate for run in runs):.0f}/s",
            ms(median(run.cost.at(50) for run in runs)),
            ms(median(run.cost.at(99) for run in runs)),
            ms(median(run.cost.cpu_there / run.cost.operations for run in runs)),
            f"{sum(run.cost.operations for run in runs)}",
            f"{sum(run.lost for run in runs)}",
        )
        for name, runs in taken.items()
    }
    print(
        table(
            f"2. Through HTTP, one web process ({rounds} rounds)",
            ("rate", "p50", "p99", "CPU of the web", "requests", "lost"),
            rows,
        )
    )
    one, many_runs = taken["complete 1"], taken[f"complete {MANY}"]
    lost = sum(run.lost for run in [*one, *many_runs])
    yield Ratio(
        "http.p50", median(a.cost.at(50) / b.cost.at(50) for a, b in zip(one, taken["empty 1"], strict=True)), at_most=3
    )
    yield Ratio("http.rate_with_32", median(a.rate / b.rate for a, b in zip(many_runs, one, strict=True)), at_least=0.8)
    yield Ratio("http.p99_with_32", median(run.cost.at(99) for run in many_runs) * 1000, at_most=100, unit="ms")
    yield Ratio("http.lost", lost, at_most=0)
    # Counted from the answers above: each unlocked step was named in the answer to the one that unlocked it.
    told = sum(run.told for run in [*one, *many_runs]) / sum(run.to_tell for run in [*one, *many_runs])
    yield Ratio("follow.opened_in_answer", told, at_least=1)


@dataclass
class Run:
    """One run of requests: their cost, how many a second, steps never unlocked, and unlocked steps told of at once."""

    cost: Cost
    rate: float
    lost: int = 0
    told: int = 0
    to_tell: int = 0


@dataclass(frozen=True)
class _Asking:
    port: int
    cookie: str
    server: int


class _Client:
    """One keep-alive line, speaking as little HTTP/1.1 as it takes, so that the client costs next to nothing."""

    def __init__(self, ask: _Asking) -> None:
        self._ask = ask

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._ask.port)

    async def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        self._writer.write(
            (
                f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._ask.port}\r\nCookie: {self._ask.cookie}\r\n"
                f"If-Match: *\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            ).encode()
            + body
        )
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        return int(head.split(b" ", 2)[1]), await self._reader.readexactly(length)

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


async def _empty(ask: _Asking, *, clients: int, requests: int) -> Run:
    left = list(range(requests))

    async def work(client: _Client, cost: Cost) -> None:
        while left:
            left.pop()
            begun = time.perf_counter()
            status, _ = await client.post(EMPTY, b"{}")
            cost.seconds.append(time.perf_counter() - begun)
            assert status == 200, status

    return await _run(ask, clients, work)


async def _complete(ground: Ground, ask: _Asking, *, clients: int, cases: int) -> Run:
    """Clients take whatever is open, a case's steps at once; what an answer says was opened is done next."""
    made = ground.copies(STEPS, cases, at=now())
    waiting = [str(task) for case in made for task in ground.tasks_of(case)[:5]]
    told: list[str] = []

    async def work(client: _Client, cost: Cost) -> None:
        while waiting or busy:
            if not waiting:
                await asyncio.sleep(0.0005)
                continue
            task = waiting.pop()
            busy.add(task)
            begun = time.perf_counter()
            status, body = await client.post(f"/api/v1/tasks/{task}/completion", b'{"note":""}')
            cost.seconds.append(time.perf_counter() - begun)
            busy.discard(task)
            assert status == 200, (status, body)
            opened: list[str] = json.loads(body)["opened"]
            told.extend(opened)
            waiting.extend(opened)

    busy: set[str] = set()
    run = await _run(ask, clients, work)
    run.lost = _never_done(ground, made)
    run.told, run.to_tell = len(set(told)), cases * (STEPS - 5)
    return run


async def _run(ask: _Asking, clients: int, work: Any) -> Run:
    lines = [_Client(ask) for _ in range(clients)]
    for line in lines:
        await line.open()
    with costing(lambda: [ask.server]) as cost:
        begun = time.perf_counter()
        await asyncio.gather(*(work(line, cost) for line in lines))
        took = time.perf_counter() - begun
    for line in lines:
        await line.close()
    return Run(cost, cost.operations / took)


def _never_done(ground: Ground, cases: list[UUID]) -> int:
    """Steps that nobody could do, and cases that did not close: what a lost unlock leaves behind."""
    with ground.as_admin() as admin:
        row = admin.execute(
            """select (select count(*) from task where case_id = any(%s) and state <> 'done')
                    + (select count(*) from "case" where id = any(%s) and state <> 'closed')""",
            (cases, cases),
        ).fetchone()
    assert row is not None
    return int(row[0])


def _cookie(ground: Ground, port: int) -> str:
    """A sign-in of the coordinator, as the program keeps it."""
    installation = Installation(ground.engine, ground.letter_templates, f"http://127.0.0.1:{port}", demonstration=False)
    answer = Response()
    assert ground.coordinator.person_id is not None
    sign_in(installation, ground.program_id, ground.coordinator.person_id, answer)
    return answer.headers["set-cookie"].partition(";")[0]
