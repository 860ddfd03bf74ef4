"""The address of a database is read alike on each way there: whatever its folder is called, of one host or several."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from adapters.addresses import conninfo_of, parts_of, read_address
from adapters.database import listen, make_engine, migrate
from adapters.environment import SettingsError
from adapters.postgres import EmbeddedPostgres, PostgresError
from adapters.settings import Settings
from tests.adapters.test_postgres import made
from tests.conftest import Database, short_folder
from tests.flows.prefect_server import free_port

__all__ = ["made"]

#: A folder as people name theirs: every mark in it means something else in an address.
ODD = "été 1 + 50 % & l'autre"
CHANNEL = "spheres_wake"


@pytest.fixture(scope="module")
def odd(made: Path) -> Iterator[EmbeddedPostgres]:
    """A server that runs in a folder of that name."""
    folder = short_folder()
    place = folder / ODD / "postgres"
    place.parent.mkdir()
    subprocess.run(["cp", "-a", made, place], check=True)
    server = EmbeddedPostgres(place, fast=True)
    try:
        with server:
            yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def hears(address: str, said_at: str) -> bool:
    """Whether a listener at one address hears what is said at another."""
    with listen(address, CHANNEL) as ears:
        assert ears.wait(5), "it does not get there"
        assert not ears.wait(0.05)
        with psycopg.connect(conninfo_of(said_at), autocommit=True) as saying:
            saying.execute(f"notify {CHANNEL}")
        return ears.wait(5)


@pytest.mark.ci
def test_the_worker_hears_a_change_in_a_folder_with_a_space_and_other_marks(odd: EmbeddedPostgres) -> None:
    assert hears(odd.urls().app, odd.urls().owner)


@pytest.mark.ci
def test_the_settings_take_the_address_of_such_a_folder_and_every_driver_reads_it(odd: EmbeddedPostgres) -> None:
    urls = odd.urls()
    settings = Settings.from_env(
        {"DATABASE_URL": urls.app, "DATABASE_OWNER_URL": urls.owner, "PREFECT_DATABASE_URL": urls.prefect}
    )
    assert settings.database_url
    assert settings.database_owner_url
    assert settings.prefect_database_url
    migrate(settings.database_owner_url)
    engine = make_engine(settings.database_url)
    with engine.connect() as connection:
        assert connection.scalar(text("select count(*) from program")) == 0
    engine.dispose()
    assert hears(settings.database_url, settings.database_owner_url)

    async def as_prefect() -> object:
        """As Prefect's server signs in: by asyncpg."""
        prefect = create_async_engine(str(settings.prefect_database_url))
        try:
            async with prefect.connect() as connection:
                return await connection.scalar(text("select current_user"))
        finally:
            await prefect.dispose()

    assert asyncio.run(as_prefect()) == "spheres_prefect"


@pytest.mark.ci
def test_a_folder_with_a_comma_is_not_read_as_two_hosts(made: Path) -> None:
    folder = short_folder()
    place = folder / "a,b" / "postgres"
    place.parent.mkdir()
    subprocess.run(["cp", "-a", made, place], check=True)
    try:
        with EmbeddedPostgres(place, fast=True) as server:
            assert hears(server.urls().app, server.urls().owner)
            shutil.rmtree(parts_of(server.urls().app)["host"], ignore_errors=True)
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("name", ['a"b', "a$HOME", "a`id`b", "a\\b"])
def test_a_folder_whose_name_a_shell_would_read_anew_is_refused_and_nothing_is_made(tmp_path: Path, name: str) -> None:
    with pytest.raises(PostgresError, match="another name"):
        EmbeddedPostgres(tmp_path / name / "postgres").start()
    assert list(tmp_path.iterdir()) == []


@contextmanager
def by_network(database: Database) -> Iterator[int]:
    """A port of this machine by which the database is reached, as one of another machine is."""
    folder = parts_of(database.url)["host"]
    door = socket.create_server(("127.0.0.1", 0))
    ends, threads = [door], list[threading.Thread]()

    def start(does: Callable[..., None], *given: socket.socket) -> None:
        threads.append(threading.Thread(target=does, args=given, daemon=True))
        threads[-1].start()

    def carry(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                target.sendall(data)
        hang_up(source, target)

    def let_in() -> None:
        with suppress(OSError):
            while True:
                caller, _ = door.accept()
                server = socket.socket(socket.AF_UNIX)
                ends.extend((caller, server))
                server.connect(f"{folder}/.s.PGSQL.5432")
                start(carry, caller, server)
                start(carry, server, caller)

    start(let_in)
    try:
        yield int(door.getsockname()[1])
    finally:
        hang_up(*ends)
        for thread in threads:
            thread.join(10)
        for end in ends:
            end.close()


def hang_up(*ends: socket.socket) -> None:
    """Have each thread that waits at one of them go on."""
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    "written",
    [
        "postgresql://{who}@/{name}?host=127.0.0.1:{dead}&host=127.0.0.1:{alive}&target_session_attrs=read-write",
        "postgresql://{who}@127.0.0.1:{dead},127.0.0.1:{alive}/{name}?target_session_attrs=read-write",
        "postgresql://{who}@/{name}?host=127.0.0.1,127.0.0.1&port={dead},{alive}",
    ],
    ids=["as SQLAlchemy writes them", "as libpq writes them", "apart"],
)
def test_where_one_of_two_hosts_is_dead_the_other_serves_and_is_listened_to(database: Database, written: str) -> None:
    parts = parts_of(database.url)
    with by_network(database) as alive:
        given = written.format(
            who=f"{parts['user']}:{parts['password']}", name=parts["dbname"], dead=free_port(), alive=alive
        )
        address = Settings.from_env({"DATABASE_URL": given}).database_url
        assert address is not None
        engine = make_engine(address)
        with engine.connect() as connection:
            assert connection.scalar(text("show timezone")) == "UTC"
        engine.dispose()
        assert hears(address, database.url)


def test_an_address_says_the_same_by_its_parts_as_when_it_is_written_again() -> None:
    given = "postgresql://r%40le:m%2Bt%20d'ici%25@h1,h2:5433/b%20d?options=-c%20a%3Db&options=-c%20c%3Dd"
    url = read_address(given)
    wanted = {
        "user": "r@le",
        "password": "m+t d'ici%",
        "host": "h1,h2",
        "port": "5432,5433",
        "dbname": "b d",
        "options": "-c a=b -c c=d",
    }
    assert parts_of(url) == wanted
    assert parts_of(url.render_as_string(hide_password=False)) == wanted
    assert psycopg.conninfo.conninfo_to_dict(conninfo_of(url)) == wanted
    assert parts_of(read_address("postgresql://r:a,b@h1/d"))["password"] == "a,b", "a comma before @ is no host's"


@pytest.mark.parametrize(
    "given",
    [
        "postgresql://r:s3cr3t@h1:x,h2/d",
        "postgresql://r:s3cr3t@[::1]:1,[::2]:2/d",
        "postgresql://r:s3cr3t@h1/d?host=h1:1&host=h2:2&port=3",
        "postgresql://r:s3cr3t@h1/d?sslmood=require",
    ],
)
def test_an_address_that_no_driver_could_use_stops_the_start(given: str) -> None:
    with pytest.raises(SettingsError, match="DATABASE_URL is not an address") as refused:
        Settings.from_env({"DATABASE_URL": given})
    assert "s3cr3t" not in str(refused.value)
