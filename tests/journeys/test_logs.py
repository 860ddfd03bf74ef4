"""Nothing that anyone types, sends or is called comes into the logs of the real processes, wherever it was planted."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx2
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from sqlalchemy import text

from adapters.logs import FIELDS
from adapters.postgres import DatabaseUrls
from adapters.settings import Settings
from api.cli.installation import _processes
from api.cli.pulse import answers
from domain.people.people import update_person
from tests.api.application import app_on, token_for
from tests.casework import complete, open_onboarding
from tests.cast import AT, LOADING, Cast
from tests.fakes.ledger import on_disk
from tests.flows.prefect_server import free_port
from tests.flows.support import told

READY_SECONDS: Final = 60
#: What every line has, whatever it tells.
ALWAYS: Final = {"at", "level", "process", "logger", "what"}

NAME: Final = "Aigue-Marine Canariquartz"
ADDRESS: Final = "aigue.canari@volière.example"
SECRET: Final = "cAnArI-tOkEn-0123456789abcdef"


def forms_of(canary: str) -> set[str]:
    """A canary as a log may hold it: as it is, in capitals or not, and as JSON, addresses and headers write it."""
    plain = {canary, *canary.split(), canary.replace(" ", "+")}
    written = set()
    for one in plain:
        written |= {
            one,
            one.encode("unicode_escape").decode(),
            json.dumps(one)[1:-1],
            urllib.parse.quote(one),
            urllib.parse.quote_plus(one),
            repr(one)[1:-1],
            repr(one.encode())[2:-1],
            base64.b64encode(one.encode()).decode().rstrip("=")[:-1],
        }
    return {one.casefold() for one in written}


@dataclass
class Scanner:
    """Looks for every canary in a text, in every form."""

    canaries: list[str] = field(default_factory=lambda: [NAME, ADDRESS, SECRET])

    def found(self, text: str) -> list[str]:
        folded = text.casefold()
        return [canary for canary in self.canaries if any(form in folded for form in forms_of(canary))]


@dataclass
class Running:
    """A process of ours, and what it wrote so far."""

    process: subprocess.Popen[bytes]
    out: Path

    @property
    def wrote(self) -> str:
        return self.out.read_text(encoding="utf-8", errors="replace")

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(one) for one in self.wrote.splitlines()]


@contextmanager
def running(command: list[str], environment: Mapping[str, str], out: Path) -> Iterator[Running]:
    with out.open("wb") as file:
        process = subprocess.Popen(command, env=dict(environment), stdout=file, stderr=subprocess.STDOUT)
    try:
        yield Running(process, out)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def eventually(true: Callable[[], Any], *, within: float = READY_SECONDS) -> None:
    until = time.monotonic() + within
    while not true():
        assert time.monotonic() < until, "it did not come to be"
        time.sleep(0.1)


@pytest.fixture
def environment(cast: Cast, tmp_path: Path) -> dict[str, str]:
    """What the supervisor gives its processes, with a relay that does not answer."""
    on_disk(cast.database, tmp_path / "data")
    return {
        **os.environ,
        "DATABASE_URL": cast.database.url,
        "SPHERES_DATA": str(tmp_path / "data"),
        "SPHERES_PORT": str(free_port()),
        "SPHERES_PREFECT_PORT": str(free_port()),
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(free_port()),
        "SMTP_FROM": "spheres@program.example",
        "SMTP_STARTTLS": "no",
    }


@pytest.fixture
def web(environment: dict[str, str], cast: Cast, tmp_path: Path) -> Iterator[tuple[str, Running]]:
    """The web with the supervisor's own command, but for the routes that the test adds."""
    settings = Settings.from_env(environment)
    urls = _urls(cast)
    (process,) = [one for one in _processes(settings, urls, environment) if one.name == "web"]
    command = ["tests.api.faulty_app:make" if part == "api.app:from_environment" else part for part in process.command]
    assert command != list(process.command)
    with running(command, process.environment, tmp_path / "web.log") as started:
        address = f"http://127.0.0.1:{settings.port}"
        eventually(lambda: answers(f"{address}/healthz"))
        yield address, started


def _urls(cast: Cast) -> DatabaseUrls:
    return DatabaseUrls(app=cast.database.url, prefect="", owner="", admin="")


def asked_of(cast: Cast) -> Iterator[tuple[str, str, list[str], list[str], bool]]:
    """Every route: method, path, the names of its query and of its body, and whether the body is JSON."""
    for found in iter_route_contexts(app_on(cast.database).routes):
        route = found.original_route
        if not isinstance(route, APIRoute):
            continue
        path = found.path or route.path
        for method in sorted(route.methods or ()):
            fields = list(_fields(route.dependant))
            query = [name for kind, name in fields if kind == "query"]
            body = [name for kind, name in fields if kind == "body"]
            yield method, path, query, body, path.startswith("/api/")


def _fields(dependant: Dependant) -> Iterator[tuple[str, str]]:
    for one in dependant.query_params:
        yield "query", one.alias
    for one in dependant.body_params:
        model = getattr(one.field_info, "annotation", None)
        names = getattr(model, "model_fields", None)
        yield from (("body", name) for name in names or [one.alias])
    for inner in dependant.dependencies:
        yield from _fields(inner)


def plant(client: httpx2.Client, cast: Cast, ids: list[str]) -> int:
    """Send canaries in every path, query, field, header and cookie of every route; how many requests that was."""
    everything = f"{NAME} {ADDRESS} {SECRET}"
    headers = {
        "User-Agent": f"{NAME} {SECRET}",
        "Referer": f"http://x.example/?q={urllib.parse.quote(everything)}",
        "Authorization": f"Bearer {SECRET}",
        "X-Forwarded-For": SECRET,
        "X-Part": SECRET,
        "Idempotency-Key": SECRET,
        "If-Match": "*",
    }
    sent = 0
    for method, path, query, body, as_json in asked_of(cast):
        for given in (urllib.parse.quote(everything), *ids):
            address = path
            for part in [piece for piece in path.split("/") if piece.startswith("{")]:
                address = address.replace(part, given)
            asked = dict.fromkeys([*query, "q"], everything)
            fields = dict.fromkeys(body, everything)
            client.request(
                method,
                address,
                params=asked,
                headers=headers,
                **({"json": fields} if as_json else {"data": fields}) if method != "GET" else {},  # type: ignore[arg-type]
            )
            sent += 1
    for path in ("/faulty/", "/faulty-in-thread/", "/nowhere/"):
        client.get(path + urllib.parse.quote(everything), params={"q": everything}, headers=headers)
    client.post(f"/faulty/{SECRET}", data={"name": everything}, headers=headers)
    return sent


@pytest.mark.nightly
def test_what_is_planted_everywhere_is_in_no_line_of_the_web(cast: Cast, web: tuple[str, Running]) -> None:
    address, process = web
    case_id = open_onboarding(cast)
    _name_everyone(cast)
    # A connection for each request: after a fault the server gives it up.
    headers = {"Origin": address, "Accept-Language": "en", "Connection": "close"}
    with httpx2.Client(base_url=address, headers=headers, timeout=30) as client:
        _plant_and_look(cast, client, process, case_id)


def _plant_and_look(cast: Cast, client: httpx2.Client, process: Running, case_id: UUID) -> None:
    token = token_for(cast.database, cast.people["coordinator"], at=_now())
    client.cookies.set("spheres", token)
    assert NAME in client.get("/people").text, "the canaries are real people here"
    sent = plant(client, cast, [str(case_id), str(cast.people["coordinator"])])
    assert sent > 250
    client.cookies.clear()
    client.cookies.set("spheres", SECRET)
    plant(client, cast, [])
    _send_garbage(str(client.base_url))
    scanner = Scanner([NAME, ADDRESS, SECRET, token])
    assert scanner.found(process.wrote) == []
    lines = process.lines()
    assert all(set(line) <= ALWAYS | set(FIELDS) for line in lines)
    routes = {line["route"] for line in lines if line["logger"] == "spheres.access" and "route" in line}
    assert {"/people/{person_id}", "/api/v1/people/{person_id}", "/faulty/{word}"} <= routes
    faults = [line for line in lines if line.get("what") == "fault"]
    assert {fault["error"] for fault in faults} == {"ValueError", "RuntimeError"}
    assert all(fault["place"].startswith("tests.api.faulty_app:") and fault["request"] for fault in faults)
    # The same search finds what is really there.
    client.get(f"/planted/{urllib.parse.quote(NAME)}")
    eventually(lambda: scanner.found(process.wrote) == [NAME])


@pytest.mark.ci
def test_what_people_are_called_is_in_no_line_of_the_worker(
    cast: Cast, environment: dict[str, str], tmp_path: Path
) -> None:
    """It carries cases, fails with an error that quotes a person, writes to addresses, seals, and cannot deliver."""
    _name_everyone(cast)
    command = [sys.executable, "-m", "tests.flows.worker_process", "quote", str(tmp_path / "gate")]
    with running(command, environment, tmp_path / "worker.log") as process:
        case_id = open_onboarding(cast, at=_now())
        complete(cast, case_id, "introduce_program", at=_now())
        eventually(lambda: "an act failed" in process.wrote)
        eventually(lambda: told(cast, "act.trouble"))
        eventually(lambda: _attempted(cast))
    scanner = Scanner([NAME, ADDRESS, "Canaris", "Quartz"])
    assert scanner.found(process.wrote) == []
    assert all(set(line) <= ALWAYS | set(FIELDS) for line in process.lines())


@pytest.mark.parametrize("canary", [NAME, ADDRESS, SECRET])
def test_the_search_finds_a_canary_in_every_form(canary: str) -> None:
    planted = [
        f'{{"what": "saved {canary}"}}',
        json.dumps({"what": canary}),
        f"GET /people/{urllib.parse.quote(canary)}?q=1",
        f"q={urllib.parse.quote_plus(canary)}",
        f"ValueError({canary!r})",
        f"body={canary.encode()!r}",
        base64.b64encode(canary.encode()).decode(),
        canary.upper(),
    ]
    assert [Scanner([canary]).found(one) for one in planted] == [[canary]] * len(planted)
    assert Scanner().found('{"what": "answered", "route": "/people/{person_id}"}') == []


def _now() -> datetime:
    return datetime.now(UTC)


def _name_everyone(cast: Cast) -> None:
    """Give people of the cast names and addresses that are canaries."""
    given, family = NAME.split()
    with cast.session() as session:
        for who in ("coordinator", "worker_em", "manager_em"):
            update_person(
                session,
                cast.people[who],
                given_name=given,
                family_name=family,
                email=f"{who.replace('_', '')}.canari@perchoir.example",
                phone="514 555-0199",
                language="fr",
                by=LOADING,
                at=AT,
                seen=None,
            )


def _attempted(cast: Cast) -> bool:
    with cast.session() as session:
        return bool(session.scalar(text("select count(*) from notice where attempts > 0")))


def _send_garbage(address: str) -> None:
    """What is no HTTP at all, and a head that is too long."""
    host, port = urllib.parse.urlsplit(address).netloc.split(":")
    brewed = f"BREW /people/{SECRET} HTTP/1.1\r\nHost: {host}\r\n\r\n"
    for garbage in (brewed, f"{SECRET} \x00 {NAME}\r\n\r\n", f"GET /{SECRET} HTTP/1.1\r\n{NAME}: x\r\n" + "x" * 90_000):
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(garbage.encode())
            try:
                connection.recv(1000)
            except OSError:
                continue
