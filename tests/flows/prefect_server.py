"""A real Prefect server for the engine's tests, on the run's own PostgreSQL, that can be killed and brought back."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from prefect.settings import (
    PREFECT_API_REQUEST_TIMEOUT,
    PREFECT_API_URL,
    PREFECT_CLIENT_CSRF_SUPPORT_ENABLED,
    PREFECT_CLIENT_MAX_RETRIES,
    PREFECT_HOME,
    PREFECT_LOGGING_LEVEL,
    PREFECT_LOGGING_TO_API_ENABLED,
    temporary_settings,
)
from psycopg import sql
from sqlalchemy import make_url

from adapters.postgres import EmbeddedPostgres
from tests.conftest import Copies, short_folder
from tests.databases import bare, in_database

READY_SECONDS = 240


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass
class PrefectServer:
    """One server over one database. `start` waits until it answers; `kill` is kill -9."""

    database_url: str
    admin_url: str
    home: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    def environment(self) -> Mapping[str, str]:
        return {
            **os.environ,
            "PREFECT_HOME": str(self.home),
            "PREFECT_API_URL": self.api_url,
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": self.database_url,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
            "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "2",
            "PREFECT_SERVER_UI_ENABLED": "false",
            "DO_NOT_TRACK": "1",
        }

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "--factory", "api.cli.engine_app:create_app", "--host",
             "127.0.0.1", "--port", str(self.port), "--log-level", "critical"],
            env=dict(self.environment()),
        )  # fmt: skip
        deadline = time.monotonic() + READY_SECONDS
        while not self.answers():
            assert self.process.poll() is None, "Prefect's server ended"
            assert time.monotonic() < deadline, "Prefect's server does not answer"
            time.sleep(0.1)

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.api_url}/health", timeout=10) as response:  # noqa: S310 - our own
                return bool(response.status == 200)
        except OSError:
            return False

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self.process = None

    def empty(self) -> None:
        """Make its database anew, with nothing in it. The server must not be running."""
        url = make_url(self.database_url)
        name, owner = sql.Identifier(url.database or ""), sql.Identifier(url.username or "")
        with psycopg.connect(bare(self.admin_url), autocommit=True) as connection:
            connection.execute(sql.SQL("drop database {} with (force)").format(name))
            connection.execute(sql.SQL("create database {} owner {}").format(name, owner))

    @contextmanager
    def known(self) -> Iterator[None]:
        """Prefect's client in this process speaks to this server inside the block."""
        with temporary_settings(
            {
                PREFECT_API_URL: self.api_url,
                PREFECT_HOME: self.home,
                PREFECT_CLIENT_MAX_RETRIES: 1,
                PREFECT_API_REQUEST_TIMEOUT: 10,
                PREFECT_CLIENT_CSRF_SUPPORT_ENABLED: False,
                PREFECT_LOGGING_LEVEL: "CRITICAL",
                PREFECT_LOGGING_TO_API_ENABLED: False,
            }
        ):
            yield

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What a query finds in Prefect's own database."""
        with psycopg.connect(bare(self.as_admin)) as connection:
            return connection.execute(query.encode(), values).fetchall()

    def everything(self) -> str:
        """All that Prefect wrote down: every row of its database, and every file of its home."""
        written: list[str] = []
        with psycopg.connect(bare(self.as_admin)) as connection:
            tables = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
            for (name,) in tables:
                rows = connection.execute(sql.SQL("select t::text from {} t").format(sql.Identifier(name)))
                written.extend(row[0] for row in rows)
        written.extend(file.read_bytes().decode("utf-8", "replace") for file in self.home.rglob("*") if file.is_file())
        return "\n".join(written)

    @property
    def as_admin(self) -> str:
        """Where the superuser signs in to Prefect's own database."""
        return in_database(self.admin_url, make_url(self.database_url).database or "")


@pytest.fixture(scope="session")
def prefect_server(postgres: EmbeddedPostgres, copies: Copies) -> Iterator[PrefectServer]:
    """The server of the run: 4 to 8 seconds to start, so it is shared. A test that kills it brings it back."""
    home = short_folder()
    server = PrefectServer(postgres.urls().prefect, copies.urls.admin, home)
    server.start()
    try:
        yield server
    finally:
        server.kill()
