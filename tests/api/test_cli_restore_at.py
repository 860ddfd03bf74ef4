"""`spheres restore --at`: the embedded server as it stood at a moment, exact to a row, or nothing at all."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import psycopg
import pytest

from adapters.archive import Archive
from adapters.backups.dumps import signed_in
from adapters.backups.faults import BackupError
from adapters.backups.keeping import Keeping
from adapters.backups.keys_ahead import copy_keys, forget_keys, keys_ahead
from adapters.backups.keys_packed import unpack
from adapters.backups.manifest import BASE, PEOPLE_KEYS, SEAL_KEYS, read_manifest
from adapters.backups.pair import make_pair, private_key
from adapters.backups.shelf import Shelf
from adapters.keys import make_seal_key
from adapters.people_keys import FilePeopleKeys, make_people_keys
from adapters.postgres import DatabaseUrls, EmbeddedPostgres
from adapters.settings import Settings
from api.cli.backing_up import BySchedule, back_up
from api.cli.bringing_back import Wish
from api.cli.databases import databases
from api.cli.drilling import drill
from api.cli.ready import bring_to_newest
from locales import speaking
from tests.api.test_cli import Say, command
from tests.conftest import short_folder
from tests.flows.support import eventually

__all__ = ["command"]

pytestmark = pytest.mark.ci


class Yard:
    """An installation over the embedded server with an archive, of which a copy was made and then rows written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data, self.to, self.archive, self.key = (folder / name for name in ("data", "to", "archive", "key"))
        self.moments: list[datetime] = []

    @property
    def copies(self) -> list[Path]:
        return [one for one in self.to.iterdir() if not one.name.startswith(".")]

    @property
    def written(self) -> Path:
        """The archive's folder of the one server."""
        (only,) = (one for one in self.archive.iterdir() if one.name.isdigit())
        return only

    def between(self, row: int) -> str:
        """A moment after a row and before the next."""
        return (self.moments[row] + (self.moments[row + 1] - self.moments[row]) / 2).isoformat()


@contextmanager
def living() -> Iterator[tuple[Yard, Settings, DatabaseUrls]]:
    """An installation of its own at work, of which a copy was made, with its archive."""
    yard = Yard(short_folder())
    try:
        with pytest.MonkeyPatch.context() as patch:
            for folder in (yard.to, yard.archive):
                folder.mkdir()
            _set(patch, yard, make_pair(yard.key))
            settings = Settings.from_env(os.environ)
            make_seal_key(settings.seal_keys)
            make_people_keys(settings.people_keys)
            with databases(settings, make=True) as urls:
                bring_to_newest(settings, urls)
                back_up(settings)
                yield yard, settings, urls
    finally:
        EmbeddedPostgres(yard.data / "postgres").stop()
        shutil.rmtree(yard.folder)


@pytest.fixture(scope="session")
def lived() -> Iterator[Yard]:
    """Twenty rows half a second apart, after a copy: made once, and read by all."""
    with living() as (yard, settings, urls):
        FilePeopleKeys(settings.people_keys).make(uuid4())
        assert settings.backups.archived is not None
        system = EmbeddedPostgres(settings.data / "postgres").system()
        copy_keys(settings.backups.archived, system, {PEOPLE_KEYS: settings.people_keys, SEAL_KEYS: settings.seal_keys})
        _write_rows(yard, urls.owner)
        with signed_in(urls.admin) as admin:
            (name,) = admin.execute("select pg_walfile_name(pg_switch_wal())").fetchall()[0]
        eventually((yard.written / f"{name}.age").exists)
        yield yard


def _write_rows(yard: Yard, owner_url: str) -> None:
    with signed_in(owner_url) as owner:
        owner.execute("create table tick (n int, at timestamptz not null default clock_timestamp())")
        for n in range(20):
            (row,) = owner.execute("insert into tick (n) values (%s) returning clock_timestamp()", [n]).fetchall()
            yard.moments.append(row[0])
            time.sleep(0.5)  # the rows have to be apart, and nothing waits for it


def _set(patch: pytest.MonkeyPatch, yard: Yard, public: str) -> None:
    patch.setenv("SPHERES_DATA", str(yard.data))
    patch.setenv("SPHERES_BACKUP_TO", str(yard.to))
    patch.setenv("SPHERES_BACKUP_KEY", public)
    patch.setenv("SPHERES_ARCHIVE", str(yard.archive))


@pytest.fixture
def yard(lived: Yard, monkeypatch: pytest.MonkeyPatch) -> Iterator[Yard]:
    """The copies and the archive, to spoil as one likes, beside an empty place."""
    own = Yard(short_folder())
    for name in ("to", "archive"):
        shutil.copytree(getattr(lived, name), getattr(own, name))
    shutil.copy2(lived.key, own.key)
    own.moments = lived.moments
    _set(monkeypatch, own, lived.key.read_text(encoding="ascii").split()[3])
    try:
        yield own
    finally:
        EmbeddedPostgres(own.data / "postgres").stop()
        shutil.rmtree(own.folder)


@contextmanager
def opened(data: Path) -> Iterator[psycopg.Connection[tuple[int, ...]]]:
    with EmbeddedPostgres(data / "postgres") as server, signed_in(server.urls().owner) as owner:
        yield owner


def restore(command: Say, yard: Yard, at: str, *more: str) -> tuple[int, str]:
    status, out, err = command("restore", "--key", str(yard.key), "--at", at, *more)
    return status, out + err


@pytest.mark.parametrize("row", [9, pytest.param(0, marks=pytest.mark.nightly)])
def test_it_comes_back_exact_to_a_row(command: Say, yard: Yard, row: int) -> None:
    status, said = restore(command, yard, yard.between(row))
    assert status == 0, said
    with opened(yard.data) as owner:
        assert owner.execute("select count(*), max(n) from tick").fetchall() == [(row + 1, row)]
    assert {one.name for one in yard.data.iterdir()} == {"keys", "postgres"}
    assert len(list((yard.data / "keys" / "people" / "wrapped").iterdir())) == 1, "the key that was made since is there"
    assert (yard.written / "00000002.history.age").exists(), "the next one takes another timeline"


@pytest.mark.nightly
def test_it_goes_on_from_there_into_the_same_archive_and_back_again(command: Say, yard: Yard) -> None:
    assert restore(command, yard, yard.between(5))[0] == 0
    with databases(Settings.from_env(os.environ)) as urls:
        with signed_in(urls.owner) as owner:
            owner.execute("insert into tick (n) values (100)")
        with signed_in(urls.admin) as admin:
            (name,) = admin.execute("select pg_walfile_name(pg_switch_wal())").fetchall()[0]
            assert name.startswith("00000002")
        eventually((yard.written / f"{name}.age").exists)
    shutil.rmtree(yard.data)
    status, said = restore(command, yard, datetime.now(UTC).isoformat())
    assert status == 2, said
    status, said = restore(command, yard, yard.between(3))
    assert status == 0, said
    with opened(yard.data) as owner:
        assert owner.execute("select max(n) from tick").fetchall() == [(3,)]


@pytest.mark.parametrize(
    ("at", "why"),
    [
        ("2020-01-01 00:00:00", "No copy leads to"),
        ("2126-01-01 00:00:00", "is yet to come"),
        ("lately", "is no moment"),
        (None, "The archive does not reach"),
    ],
)
def test_a_moment_that_nothing_leads_to_is_refused_and_leaves_the_place_empty(
    command: Say, yard: Yard, at: str | None, why: str
) -> None:
    status, said = restore(command, yard, at or datetime.now(UTC).isoformat())
    assert (status, why in said) == (2, True), said
    assert not yard.data.exists() or [*yard.data.iterdir()] == []


def test_keys_that_are_older_than_the_moment_are_refused_by_name_before_anything_is_touched(
    command: Say, yard: Yard
) -> None:
    status, said = restore(command, yard, yard.between(9), "--keys-from", str(yard.to))
    (copy,) = (one.name for one in yard.to.iterdir() if not one.name.startswith("."))
    assert (status, f"The keys of the copy {copy} are of" in said) == (2, True), said
    assert "would not open" in said
    assert "Taken is the copy" not in said
    assert not yard.data.exists()


def test_where_no_newer_keys_are_anywhere_it_is_told_first_whose_files_will_not_open(
    command: Say, yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(yard.archive / "keys")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 20))
    status, said = restore(command, yard, yard.between(9), "--drill")
    assert "The newest keys are those of the copy" in said
    assert (status, "There is too little room" in said) == (2, True), "and a drill looks at the room before it begins"
    assert {one.name for one in yard.data.iterdir()} == set()


@pytest.mark.nightly
def test_a_drill_to_a_moment_tries_the_servers_files_and_the_archive_and_leaves_both_as_they_were(
    command: Say, yard: Yard
) -> None:
    before = {one: one.read_bytes() for one in (*yard.written.iterdir(), *yard.to.rglob("*")) if one.is_file()}
    status, said = restore(command, yard, yard.between(9), "--drill")
    assert (status, "everything came back aside as of" in said) == (0, True), said
    assert {one: one.read_bytes() for one in before} == before
    assert not list(yard.written.glob("*.history.age")), "what the server writes from now on leads on as before"
    assert [*yard.data.iterdir()] == []
    for one in yard.written.iterdir():
        one.unlink()
    status, said = restore(command, yard, yard.between(9), "--drill")
    assert (status, "The archive does not reach" in said) == (2, True), said
    assert [*yard.data.iterdir()] == []


@pytest.mark.nightly
def test_by_schedule_a_moment_between_the_last_two_copies_is_tried_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Shelf, "tidy", lambda *_, **__: ())  # of two of one day the first would go
    with living() as (yard, settings, urls), speaking("en"):
        wish, by = Wish(yard.to, yard.key), BySchedule(datetime.now(UTC), lambda: True)
        drill(settings, wish, by=by)
        assert "To a moment nothing is tried yet" in capsys.readouterr().out
        _write_rows(yard, urls.owner)
        (first,) = yard.copies
        back_up(settings)
        drill(settings, wish, by=by)
        said = capsys.readouterr().out
        assert "The drill went well: the copy" in said
        assert f"from the copy {first.name} and the archive" in said
        with signed_in(urls.owner) as owner:
            assert owner.execute("select code from backup_run where kind = 'drill'").fetchall() == [("",), ("",)]
        shutil.rmtree(yard.written)
        with pytest.raises(BackupError, match="The archive does not reach"):
            drill(settings, wish, by=by)


@pytest.mark.nightly
def test_a_file_missing_from_the_archive_ends_it_before_the_moment_and_nothing_is_kept(
    command: Say, yard: Yard
) -> None:
    (copy,) = yard.copies
    base = read_manifest(copy).base
    assert base is not None
    for one in yard.written.glob("0*.age"):
        if one.stem > base.from_file:  # the server's files bring the first themselves
            one.unlink()
    status, said = restore(command, yard, yard.between(9))
    assert (status, "The archive does not reach" in said) == (2, True), said
    assert [*yard.data.iterdir()] == []


@pytest.mark.nightly
def test_a_file_of_the_archive_that_was_changed_is_named(command: Say, yard: Yard) -> None:
    last = max(one for one in yard.written.glob("0*.age") if len(one.stem) == 24)
    held = bytearray(last.read_bytes())
    held[len(held) // 2] ^= 1
    last.write_bytes(held)
    status, said = restore(command, yard, yard.between(9))
    assert (status, f"{last.name} is cut off, or was changed" in said) == (2, True), said
    assert [*yard.data.iterdir()] == []


@pytest.mark.nightly
def test_the_servers_files_that_were_cut_off_are_named(command: Say, yard: Yard) -> None:
    (copy,) = (one for one in yard.to.iterdir() if not one.name.startswith("."))
    os.truncate(copy / BASE, (copy / BASE).stat().st_size - 1)
    status, said = restore(command, yard, yard.between(9))
    assert (status, f"{BASE} is cut off, or was changed" in said) == (2, True), said
    assert not yard.data.exists()


@pytest.fixture
def archive(lived: Yard, tmp_path: Path) -> Archive:
    """An archive that the yard's key opens."""
    made = Archive(tmp_path / "archive", lived.key.read_text(encoding="ascii").split()[3])
    made.folder.mkdir()
    return made


def test_keys_in_the_archive_are_of_now_and_a_destroyed_one_is_out_of_it(archive: Archive, tmp_path: Path) -> None:
    make_people_keys(tmp_path / "people")
    keys, key_id = FilePeopleKeys(tmp_path / "people"), uuid4()
    places = {PEOPLE_KEYS: tmp_path / "people"}
    keys.make(key_id)
    assert copy_keys(archive, "555", places) == 1
    before = (archive.keys_of("555") / PEOPLE_KEYS).read_bytes()
    assert copy_keys(archive, "555", places) == 0
    keys.destroy(key_id)
    assert copy_keys(archive, "555", places) == 1
    held = [one.read_bytes() for one in archive.keys_of("555").iterdir()]
    assert before not in held


def test_what_starts_over_the_same_archive_leaves_the_keys_of_the_server_before_it(
    lived: Yard, archive: Archive, tmp_path: Path
) -> None:
    for name in ("lost", "trial"):
        make_people_keys(tmp_path / name)
    key_id = uuid4()
    FilePeopleKeys(tmp_path / "lost").make(key_id)
    copy_keys(archive, "555", {PEOPLE_KEYS: tmp_path / "lost", SEAL_KEYS: tmp_path / "lost"})
    copy_keys(archive, "777", {PEOPLE_KEYS: tmp_path / "trial", SEAL_KEYS: tmp_path / "trial"})
    found = keys_ahead(archive, "555", private_key(lived.key))
    assert found is not None
    unpack(found.keys(PEOPLE_KEYS), tmp_path / "back")
    assert (tmp_path / "back" / "wrapped" / str(key_id)).exists()


def test_the_keys_of_another_server_are_in_the_archive_for_35_days_and_those_of_this_one_stay(
    archive: Archive, tmp_path: Path
) -> None:
    make_people_keys(tmp_path / "people")
    for system in ("555", "777"):
        copy_keys(archive, system, {PEOPLE_KEYS: tmp_path / "people"})
    now = datetime.now(UTC)
    assert forget_keys(archive, "777", Keeping(), now + timedelta(days=34)) == 0
    assert forget_keys(archive, "777", Keeping(), now + timedelta(days=36)) == 1
    assert [one.name for one in archive.keys_of("777").parent.iterdir()] == ["777"]
