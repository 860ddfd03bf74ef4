"""Prefect's server comes and goes, and the worker finds out soon without asking at every turn."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from flows.health import AWAY_SECONDS, HEALTH_SECONDS, Prefect
from tests.flows.prefect_server import free_port


class _Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/api/health" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name that it has there
        """Say nothing."""


@contextmanager
def _serving(port: int) -> Iterator[None]:
    with HTTPServer(("127.0.0.1", port), _Healthy) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.ci
def test_a_server_that_comes_back_is_found_long_before_one_that_answers_is_asked_again() -> None:
    async def look() -> list[bool]:
        port = free_port()
        prefect = Prefect(f"http://127.0.0.1:{port}/api")
        seen = [await prefect.is_up()]
        with _serving(port):
            await asyncio.sleep(AWAY_SECONDS * 1.1)
            seen.append(await prefect.is_up())
        await asyncio.sleep(AWAY_SECONDS * 1.1)
        return [*seen, await prefect.is_up()]

    assert asyncio.run(look()) == [False, True, True]  # what answered a second ago is not asked yet
    assert HEALTH_SECONDS > AWAY_SECONDS * 3


@pytest.mark.ci
def test_a_server_that_failed_somebody_is_away_for_a_while_whatever_it_says() -> None:
    async def look() -> list[bool]:
        port = free_port()
        prefect = Prefect(f"http://127.0.0.1:{port}/api")
        with _serving(port):
            seen = [await prefect.is_up()]
            prefect.doubt()
            await asyncio.sleep(AWAY_SECONDS * 1.1)
            return [*seen, await prefect.is_up()]

    assert asyncio.run(look()) == [True, False]


def test_without_an_address_it_is_never_up() -> None:
    assert not asyncio.run(Prefect("").is_up())
