"""The embedded server: private, shared, and whole again after whatever happened to it or to us."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from adapters.account import OpenedTo, open_the_way, server_account
from adapters.postgres import EmbeddedPostgres, PostgresError
from tests.conftest import short_folder

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another account to run the server")


@pytest.fixture(scope="session")
def made() -> Iterator[Path]:
    """A server's folder, made once and at rest: making one costs more than most of these tests."""
    folder = short_folder()
    with EmbeddedPostgres(folder, fast=True):
        pass
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def home(new_home: Path, made: Path) -> Path:
    """A folder in which a server was made and is at rest."""
    subprocess.run(["cp", "-a", made, new_home], check=True)
    return new_home


@pytest.fixture
def new_home() -> Iterator[Path]:
    """A folder for one server that was never started; its path leaves room for a socket's name."""
    folder = short_folder()
    yield folder / "postgres"
    EmbeddedPostgres(folder / "postgres").stop()
    shutil.rmtree(folder)


@pytest.mark.ci
def test_each_role_has_its_own_database_and_no_more(new_home: Path) -> None:
    with EmbeddedPostgres(new_home, fast=True) as server:
        urls = server.urls()
        owner = _asks(urls.owner, "select user, current_database(), pg_catalog.pg_get_userbyid(datdba) from pg_database"
                                  " where datname = current_database()")  # fmt: skip
        prefect = _asks(urls.prefect, "select user, current_database()")
        assert owner == ("spheres_owner", "spheres", "spheres_owner")
        assert prefect == ("spheres_prefect", "prefect")
        assert _asks(urls.app, "select rolsuper, rolbypassrls from pg_roles where rolname = user") == (False, False)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            _asks(urls.app, "create table mine (n int)")
        for forbidden in ("prefect", "postgres"):
            with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                _asks(urls.app, "select 1", database=forbidden)
        assert _asks(urls.owner, "select count(*) from pg_extension where extname = 'btree_gist'") == (1,)


@pytest.mark.ci
def test_nobody_gets_in_without_a_password_nor_by_the_network(home: Path) -> None:
    with EmbeddedPostgres(home, fast=True) as server:
        urls = server.urls()
        for role in ("postgres", "spheres_app"):
            for password in ("", "wrong"):
                with pytest.raises(psycopg.OperationalError, match="password"):
                    _asks(urls.app, "select 1", user=role, password=password)
        assert _asks(urls.admin, "show listen_addresses") == ("",)
        assert _asks(urls.admin, "select distinct auth_method from pg_hba_file_rules") == ("scram-sha-256",)
        assert _asks(urls.admin, "select count(*) from pg_hba_file_rules where type <> 'local'") == (0,)


@pytest.mark.ci
def test_what_the_server_keeps_is_closed_to_others(new_home: Path) -> None:
    with EmbeddedPostgres(new_home, fast=True) as server:
        word = json.loads((new_home / "secrets.json").read_text(encoding="utf-8"))
        assert len(set(word.values())) == 4
        assert not set(word.values()) & set(repr(server.urls()).split("'"))
        for path in (
            new_home / "secrets.json",
            new_home / "cluster",
            new_home / "socket",
            new_home / "cluster" / "postgresql.conf",
        ):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
        sockets = list((new_home / "socket").glob(".s.PGSQL.*"))
        assert sockets
        assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in sockets)
        assert not (new_home / "superuser.once").exists()
    said = (new_home / "cluster" / "start.log").read_text(encoding="utf-8")
    assert not [secret for secret in word.values() if secret in said]


@pytest.mark.ci
def test_a_password_file_left_open_is_closed_again(home: Path) -> None:
    with EmbeddedPostgres(home, fast=True) as server:
        (home / "secrets.json").chmod(0o644)
        server.urls()
    assert stat.S_IMODE((home / "secrets.json").stat().st_mode) == 0o600


@pytest.mark.ci
def test_a_refused_row_does_not_reach_the_log(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        _asks(server.urls().owner, "create table one (name text check (name = ''))", answer=False)
        with pytest.raises(psycopg.errors.CheckViolation):
            _asks(server.urls().owner, "insert into one values ('Zénobie Larivière')", answer=False)
    written = "".join(path.read_text(encoding="utf-8") for path in (home / "cluster").glob("log/*"))
    assert "violates check constraint" in written
    assert "Larivière" not in written


@pytest.mark.ci
def test_data_lasts_from_one_start_to_the_next(home: Path) -> None:
    server = EmbeddedPostgres(home)
    with server:
        assert _asks(server.urls().admin, "show fsync") == ("on",)
        _asks(server.urls().owner, "create table kept as select 7 as n", answer=False)
        before = server.urls()
    with server:
        assert server.urls() == before
        assert _asks(server.urls().owner, "select n from kept") == (7,)


@pytest.mark.ci
def test_stopping_leaves_the_server_to_whoever_still_uses_it(home: Path) -> None:
    first, second = EmbeddedPostgres(home, fast=True), EmbeddedPostgres(home, fast=True)
    first.start()
    began = _asks(first.urls().admin, "select pg_postmaster_start_time()")
    second.start()
    first.stop()
    assert _asks(second.urls().admin, "select pg_postmaster_start_time()") == began
    second.stop()
    with pytest.raises(psycopg.OperationalError):
        _asks(second.urls().admin, "select 1")


@pytest.mark.ci
def test_starting_and_stopping_twice_is_doing_it_once(home: Path) -> None:
    server = EmbeddedPostgres(home, fast=True)
    server.stop()
    server.start()
    server.start()
    server.stop()
    server.stop()
    with pytest.raises(psycopg.OperationalError):
        _asks(server.urls().admin, "select 1")


@pytest.mark.ci
def test_four_that_start_at_once_make_one_server(new_home: Path) -> None:
    with ThreadPoolExecutor(4) as together:
        starters = list(together.map(_start_elsewhere, [new_home] * 4))
    try:
        answers = {starter.stdout.readline() for starter in starters if starter.stdout}
        assert len(answers) == 1, answers
        assert answers != {""}
    finally:
        for starter in starters:
            starter.communicate("")


@pytest.mark.ci
def test_the_server_outlives_a_starter_that_is_killed_and_stops_with_the_next(home: Path) -> None:
    starter = _start_elsewhere(home)
    assert starter.stdout
    began = starter.stdout.readline().strip()
    starter.kill()
    starter.communicate()
    server = EmbeddedPostgres(home, fast=True)
    server.start()
    assert str(_asks(server.urls().admin, "select pg_postmaster_start_time()::text")[0]) == began
    server.stop()
    assert not (home / "cluster" / "postmaster.pid").exists()


@pytest.mark.ci
def test_a_server_that_is_still_recovering_is_waited_for(home: Path) -> None:
    first = EmbeddedPostgres(home, fast=True)
    with first, ThreadPoolExecutor(1) as aside:
        told = home / "cluster" / "postmaster.pid"
        ready = told.read_bytes()
        told.write_bytes(ready.replace(b"ready", b"starting"))
        second = EmbeddedPostgres(home, fast=True)
        attaching = aside.submit(second.start)
        time.sleep(0.3)
        assert not attaching.done()
        told.write_bytes(ready)
        attaching.result(timeout=10)
        second.stop()


@pytest.mark.ci
def test_a_server_that_was_killed_starts_again_with_all_it_promised(home: Path) -> None:
    server = EmbeddedPostgres(home)
    server.start()
    _asks(server.urls().owner, "create table kept as select 7 as n", answer=False)
    os.kill(_postmaster(home), signal.SIGKILL)
    _wait_for_an_end(_postmaster(home))
    server.start()
    assert _asks(server.urls().owner, "select n from kept") == (7,)
    server.stop()


@pytest.mark.ci
def test_a_pid_file_that_names_another_program_does_not_keep_the_server_down(home: Path) -> None:
    server = EmbeddedPostgres(home, fast=True)
    server.start()
    held = (home / "cluster" / "postmaster.pid").read_text(encoding="utf-8")
    server.stop()
    account = server_account()
    stranger = subprocess.Popen(
        ["sleep", "60"],
        user=account.pw_uid if account else None,  # PostgreSQL would wait for a program of its own user
    )
    try:
        left = held.splitlines()
        left[0] = str(stranger.pid)
        (home / "cluster" / "postmaster.pid").write_text("\n".join(left) + "\n", encoding="utf-8")
        (home / "socket" / ".s.PGSQL.5432.lock").write_text("\n".join(left) + "\n", encoding="utf-8")
        server.start()
        assert _asks(server.urls().admin, "select 1") == (1,)
        server.stop()
        assert stranger.poll() is None, "and the other program is left in peace"
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.ci
def test_a_data_folder_half_made_is_made_anew(new_home: Path) -> None:
    (new_home / "cluster.new").mkdir(parents=True)
    (new_home / "cluster.new" / "PG_VERSION").write_text("18\n", encoding="utf-8")
    with EmbeddedPostgres(new_home, fast=True) as server:
        assert _asks(server.urls().app, "select 1") == (1,)
    assert not (new_home / "cluster.new").exists()


@pytest.mark.ci
def test_roles_that_were_not_all_made_are_made_at_the_next_start(home: Path) -> None:
    server = EmbeddedPostgres(home, fast=True)
    with server:
        _asks(server.urls().admin, "drop database prefect", answer=False)
        _asks(server.urls().admin, "drop role spheres_prefect", answer=False)
    with server:
        assert _asks(server.urls().prefect, "select user") == ("spheres_prefect",)


@pytest.mark.ci
def test_for_who_stays_a_process_of_its_own_makes_the_roles_or_says_that_it_is_not_let_in(home: Path) -> None:
    with EmbeddedPostgres(home, fast=True) as server:
        _asks(server.urls().admin, "drop database prefect", answer=False)
        with EmbeddedPostgres(home, fast=True, stays=True) as again:
            assert _asks(again.urls().prefect, "select user") == ("spheres_prefect",)
        words = json.loads((home / "secrets.json").read_text("utf-8"))
        (home / "secrets.json").write_text(json.dumps({**words, "superuser": "of another server"}), "utf-8")
        with pytest.raises(PostgresError, match="does not let us in"):
            EmbeddedPostgres(home, fast=True, stays=True).start()


@pytest.mark.ci
def test_a_deep_folder_gets_a_short_private_socket_and_keeps_it(new_home: Path) -> None:
    deep = new_home / ("d" * 60) / ("e" * 60)
    server = EmbeddedPostgres(deep, fast=True)
    with server:
        assert _asks(server.urls().app, "select 1") == (1,)
        socket = Path((deep / "socket-folder").read_text(encoding="utf-8"))
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    with server:
        assert Path((deep / "socket-folder").read_text(encoding="utf-8")) == socket
    socket.chmod(0o777)  # as a folder that someone else made in its place would be
    with server:
        fresh = Path((deep / "socket-folder").read_text(encoding="utf-8"))
        assert fresh != socket
        assert _asks(server.urls().app, "select 1") == (1,)
    shutil.rmtree(socket)
    shutil.rmtree(fresh)


@pytest.mark.ci
def test_a_folder_with_spaces_accents_and_quotes_serves_as_well(new_home: Path) -> None:
    odd = new_home / "Données d'été 100% l\u2019une"
    with EmbeddedPostgres(odd, fast=True) as server:
        assert _asks(server.urls().app, "select 1") == (1,)


@pytest.mark.ci
def test_data_of_another_major_version_is_refused_and_left_as_it_is(home: Path) -> None:
    server = EmbeddedPostgres(home, fast=True)
    with server:
        pass
    (home / "cluster" / "PG_VERSION").write_text("17\n", encoding="ascii")
    with pytest.raises(PostgresError, match="written by PostgreSQL 17"):
        server.start()
    assert (home / "cluster" / "base").is_dir()


@pytest.mark.ci
def test_without_its_passwords_the_server_is_not_started_on_new_ones(home: Path) -> None:
    server = EmbeddedPostgres(home, fast=True)
    with server:
        pass
    (home / "secrets.json").write_text("{}", encoding="utf-8")
    with pytest.raises(PostgresError, match="missing or damaged"):
        server.start()
    (home / "secrets.json").unlink()
    with pytest.raises(PostgresError, match="missing or damaged"):
        server.start()


@pytest.mark.ci
def test_a_setting_the_server_does_not_know_is_told_in_its_own_words(home: Path) -> None:
    server = EmbeddedPostgres(home, fast=True)
    with server:
        pass
    local = home / "cluster" / "local.conf"
    local.write_text("sharde_buffers = 1\n", encoding="utf-8")
    local.chmod(0o644)
    with pytest.raises(PostgresError, match="sharde_buffers"):
        server.start()
    local.write_text("work_mem = '7MB'\n", encoding="utf-8")
    with server:
        assert _asks(server.urls().admin, "show work_mem") == ("7MB",)


@pytest.mark.ci
@as_root
def test_as_root_the_server_is_another_user_that_may_only_pass_through(tmp_path: Path) -> None:
    account = server_account()
    assert account
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    target = closed / "inner" / "cluster"
    target.parent.mkdir(mode=0o750)
    assert open_the_way(target, account) == {OpenedTo.TO_THE_ACCOUNT}
    for folder in (closed, target.parent):
        assert _can("cd", folder, as_user=account.pw_uid)
        assert not _can("ls", folder, as_user=account.pw_uid)
        assert not _can("cd", folder, as_user=65534), "nobody else is let in"
    assert open_the_way(target, account) == set()


@pytest.mark.ci
@as_root
def test_as_root_the_processes_belong_to_that_user(home: Path) -> None:
    account = server_account()
    assert account
    with EmbeddedPostgres(home, fast=True):
        assert Path(f"/proc/{_postmaster(home)}").stat().st_uid == account.pw_uid
        assert (home / "secrets.json").stat().st_uid == 0


def _asks(
    url: str,
    query: str,
    *,
    answer: bool = True,
    user: str | None = None,
    password: str | None = None,
    database: str | None = None,
) -> tuple[object, ...]:
    """One row of `query`, signed in as `url` says, save what is given otherwise."""
    parts = make_url(url)
    with psycopg.connect(
        host=str(parts.query["host"]),
        user=user or parts.username,
        password=str(parts.password) if password is None else password,
        dbname=database or parts.database,
        autocommit=True,
        connect_timeout=5,
    ) as connection:
        found = connection.execute(query.encode())
        return (found.fetchone() or ()) if answer else ()


_STARTER = """
import sys
from pathlib import Path
import psycopg
from adapters.addresses import conninfo_of
from adapters.postgres import EmbeddedPostgres

server = EmbeddedPostgres(Path(sys.argv[1]), fast=True)
server.start()
with psycopg.connect(conninfo_of(server.urls().admin)) as connection:
    print(connection.execute("select pg_postmaster_start_time()::text").fetchone()[0], flush=True)
sys.stdin.read()
server.stop()
"""


def _start_elsewhere(home: Path) -> "subprocess.Popen[str]":
    """Another process that starts the server, prints since when it runs, and stops it when its input ends."""
    return subprocess.Popen(
        [sys.executable, "-c", _STARTER, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def _postmaster(home: Path) -> int:
    return int((home / "cluster" / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])


def _wait_for_an_end(pid: int) -> None:
    """Until process `pid` is gone, or is only a name that nobody reaped."""
    for _ in range(100):
        try:
            if not Path(f"/proc/{pid}/cmdline").read_bytes():
                return
        except OSError:
            return
        time.sleep(0.05)
    pytest.fail("the killed server lives")


def _can(act: str, folder: Path, *, as_user: int) -> bool:
    return subprocess.run(["sh", "-c", f'{act} "$1"', "sh", folder], user=as_user, extra_groups=[], group=as_user,
                          cwd="/", capture_output=True, check=False).returncode == 0  # fmt: skip
