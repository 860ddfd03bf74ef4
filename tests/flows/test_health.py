"""Prefect's server comes and goes, and the worker finds out soon without asking at every turn."""

from __future__ import annotations

import asyncio
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from flows.health import AWAY_SECONDS, HEALTH_SECONDS, Prefect
from tests.flows.prefect_server import free_port

WORD = "spheres:a-word-that-they-share"


class _Healthy(BaseHTTPRequestHandler):
    """As Prefect's server: its health is told to everyone, its version to who knows the word."""

    def do_GET(self) -> None:
        knows = self.headers.get("Authorization") == f"Basic {b64encode(WORD.encode()).decode()}"
        is_told = self.path == "/api/health" or (self.path == "/api/admin/version" and knows)
        self.send_response(200 if is_told else 401)
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


def _address(port: int) -> str:
    return f"http://127.0.0.1:{port}/api"


def test_the_server_of_this_machine_is_taken_before_that_of_another() -> None:
    here, there = free_port(), free_port()
    prefect = Prefect(_address(here), lambda: _address(there), word=WORD)
    with _serving(there):
        assert asyncio.run(prefect.is_up())
        assert (prefect.url, prefect.is_here) == (_address(there), False)
        with _serving(here):
            prefect._ask_at = 0.0
            assert asyncio.run(prefect.is_up())
            assert (prefect.url, prefect.is_here) == (_address(here), True)


def test_a_server_that_does_not_know_the_word_is_another_installations() -> None:
    port = free_port()
    with _serving(port):
        assert not asyncio.run(Prefect(_address(port), word="spheres:another").is_up())
        assert asyncio.run(Prefect(_address(port), word=WORD).is_up())


def test_where_it_cannot_be_read_where_the_engine_is_it_is_away() -> None:
    def restarting() -> str:
        raise ConnectionError

    assert not asyncio.run(Prefect(_address(free_port()), restarting).is_up())


def test_a_server_that_moved_is_followed() -> None:
    seat = [free_port()]
    prefect = Prefect(_address(free_port()), lambda: _address(seat[0]), word=WORD)
    with _serving(seat[0]):
        assert asyncio.run(prefect.is_up())
    prefect._ask_at = 0.0
    assert not asyncio.run(prefect.is_up())
    seat[0] = free_port()
    with _serving(seat[0]):
        prefect._ask_at = 0.0
        assert asyncio.run(prefect.is_up())
        assert prefect.url == _address(seat[0])
