"""The embedded database is kept running for as long as the installation is."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from adapters.addresses import conninfo_of
from adapters.postgres import EmbeddedPostgres, PostgresError
from adapters.settings import Settings
from api.cli.databases import databases, keeping
from locales import speaking
from tests.conftest import short_folder

SOON_SECONDS = 120.0


class Failing:
    """A server that is down and fails to start so many times, as on a disk that is full."""

    def __init__(self, times: int) -> None:
        self.times, self.tries = times, 0
        self.is_up = False
        self.came_up = threading.Event()

    def runs(self) -> bool:
        return self.is_up

    def start(self) -> None:
        self.tries += 1
        if self.tries <= self.times:
            msg = "The embedded database does not start. It said: no space left on device"
            raise PostgresError(msg)
        self.is_up = True
        self.came_up.set()


def test_a_database_that_went_down_is_tried_again_until_it_starts_and_then_left_alone() -> None:
    server, said = Failing(times=2), list[str]()
    with speaking("en"), keeping(server, said.append, look_seconds=0.01):
        assert server.came_up.wait(SOON_SECONDS)
    assert server.tries == 3
    assert [line.partition(";")[0] for line in said if line.startswith("The database ended")] == [
        "The database ended"
    ] * 3
    assert sum("no space left on device" in line for line in said) == 2


def test_nothing_is_started_any_more_once_the_installation_ends() -> None:
    server = Failing(times=0)
    server.is_up = True
    with keeping(server, lambda _: None, look_seconds=0.01):
        pass
    server.is_up = False
    assert not server.came_up.wait(0.1)


@pytest.fixture
def data() -> Iterator[Path]:
    folder = short_folder()
    yield folder
    shutil.rmtree(folder)


@pytest.mark.ci
def test_the_embedded_server_is_back_under_the_same_address_after_it_ended(data: Path) -> None:
    back = threading.Event()
    with databases(Settings.from_env({"SPHERES_DATA": str(data)}), make=True, kept=lambda _: back.set()) as urls:
        EmbeddedPostgres(data / "postgres")._cluster.stop()
        assert back.wait(SOON_SECONDS)
        address = conninfo_of(urls.app)
        for _ in range(300):
            try:
                with psycopg.connect(address) as connection:
                    assert connection.execute("select 1").fetchone() == (1,)
                return
            except psycopg.OperationalError:
                threading.Event().wait(0.1)
    pytest.fail("the server does not come back")
