"""`spheres backup` and `spheres restore`: what comes back is what was there, into an empty place, or nothing at all."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from uuid import UUID

import pytest
from pyrage import x25519
from sqlalchemy import NullPool, create_engine, select, text

from adapters.backups import dumps, keys_packed, manifest, pgbackrest
from adapters.backups.dumps import alone, content_of, is_empty, signed_in
from adapters.backups.faults import BackupError
from adapters.backups.manifest import DATABASE, MANIFEST, PEOPLE_KEYS, SEAL_KEYS, SEALED_MANIFEST
from adapters.backups.marked import MARK, put_mark
from adapters.backups.pair import make_pair
from adapters.backups.traces import Traces
from adapters.database import is_being_restored
from adapters.keys import FileSealKeys, make_seal_key
from adapters.people_keys import FilePeopleKeys, make_people_keys
from adapters.postgres import DatabaseUrls, EmbeddedPostgres
from adapters.settings import Settings
from api.cli import bringing_back, joined
from api.cli.backing_up import BySchedule, back_up
from api.cli.ledgers import before_any_program, compare_with_ledger
from api.cli.place import data_folder
from api.cli.ready import bring_to_newest
from api.cli.spoken import Ending
from domain.participants.referring import begin_referral
from locales import speaking
from models.backups import BackupRun
from models.base import table_of
from tests.api.test_cli import Say, at, command
from tests.cast import AT, ROOT, Cast
from tests.conftest import Database, short_folder
from tests.fakes.ledger import on_disk
from tests.flows.support import eventually
from tests.referring import ONDINE
from tests.sealing import seal_all, tamper

__all__ = ["at", "command"]

pytestmark = pytest.mark.ci

RUN = table_of(BackupRun)


class House:
    """An installation of the tests: its folders, its key pair, and the database that the settings name."""

    def __init__(self, folder: Path, environment: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.data, self.to, self.key = folder / "data", folder / "to", folder / "key"
        self.to.mkdir()
        self.environment = environment
        self.set(SPHERES_DATA=self.data, SPHERES_BACKUP_TO=self.to, SPHERES_BACKUP_KEY=make_pair(self.key))

    def set(self, **variables: object) -> None:
        for name, value in variables.items():
            self.environment.setenv(name, str(value))

    def live_in(self, database: Database) -> None:
        self.set(
            DATABASE_URL=database.url,
            DATABASE_OWNER_URL=database.owner_url,
            PREFECT_DATABASE_URL="postgresql+asyncpg://nobody:x@/prefect?host=/nowhere",
        )

    def have_no_database(self) -> None:
        for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "PREFECT_DATABASE_URL"):
            self.environment.delenv(name, raising=False)

    @property
    def copies(self) -> list[Path]:
        return sorted(one for one in self.to.iterdir() if not one.name.startswith("."))

    @property
    def copy(self) -> Path:
        (only,) = self.copies
        return only


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    folder = short_folder()
    try:
        yield House(folder, monkeypatch)
    finally:
        EmbeddedPostgres(folder / "data" / "aside" / "postgres").stop()
        shutil.rmtree(folder)


@pytest.fixture
def lived(house: House, cast: Cast) -> Cast:
    """The cast's program in the house's database: its record sealed, and a young person referred under their key."""
    make_seal_key(house.data / "keys" / "seal.json")
    make_people_keys(house.data / "keys" / "people")
    house.live_in(cast.database)
    on_disk(cast.database, house.data)
    with before_any_program(cast.database.owner_url) as session:
        compare_with_ledger(session, Settings.from_env(os.environ))
    with cast.session() as session:
        session.info["keys"] = FilePeopleKeys(house.data / "keys" / "people")
        begin_referral(session, ONDINE, by=cast.actor("worker_ccsmtl"), at=AT)
    seal_all(cast, FileSealKeys(house.data / "keys" / "seal.json"))
    return cast


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where one copy is kept for those who only read it or spoil theirs: making one costs seconds."""
    return tmp_path_factory.mktemp("shelf")


@pytest.fixture
def copied(house: House, shelf: Path, request: pytest.FixtureRequest) -> House:
    """A house that holds a copy and its key, and has no database and no keys any more."""
    if not (shelf / "to").exists():
        request.getfixturevalue("lived")
        run: Say = request.getfixturevalue("command")
        assert run("backup")[0] == 0
        shutil.copytree(house.to, shelf / "to")
        shutil.copy2(house.key, shelf / "key")
    shutil.rmtree(house.to)
    shutil.copytree(shelf / "to", house.to)
    shutil.copy2(shelf / "key", house.key)
    shutil.rmtree(house.data, ignore_errors=True)
    house.have_no_database()
    return house


_COMMENT: Final = "shobj_description((select oid from pg_database where datname = current_database()), 'pg_database')"
#: Done behind the program's back: a line of the record that is not what was sealed.
_CHANGE_A_LINE: Final = (
    "update event set actor_as = 'nobody' where n = (select min(n) from event where program_id = %(here)s)"
)


def rows(url: str, statement: Any) -> list[Any]:
    engine = create_engine(url, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            return list(connection.execute(statement).all())
    finally:
        engine.dispose()


def restore(command: Say, house: House, *more: str) -> tuple[int, str]:
    status, out, err = command("restore", "--key", str(house.key), *more)
    return status, out + err


def go_on_without_the_ledger(command: Say) -> None:
    """Say at the terminal that the list of what must not come back is lost; until then nothing is read or written."""
    status, _, err = command("verify")
    assert (status, "ledger.jsonl is missing" in err) == (2, True)
    assert command("ledger", "accept")[0] == 1, "first it says what follows"
    assert command("ledger", "accept", "--yes")[0] == 0


# ------------------------------------------------------------------------------------------------ a copy is made


def test_a_copy_holds_three_files_apart_encrypted_and_closed(command: Say, house: House, lived: Cast) -> None:
    status, out, err = command("backup")
    assert status == 0, err
    assert "is made and verified" in out
    assert "is marked as the place for copies" in out
    assert "lies on the same disk as the data" in err, "here it does"
    assert {one.name for one in house.copy.iterdir()} == {DATABASE, PEOPLE_KEYS, SEAL_KEYS, MANIFEST, SEALED_MANIFEST}
    names = [
        name
        for (name,) in rows(
            lived.database.admin_url, text("select family_name from person where length(family_name) > 7")
        )
    ]
    assert len(names) > 3
    for one in house.copy.iterdir():
        assert one.stat().st_mode & 0o077 == 0
        held = one.read_bytes()
        assert not any(name.encode() in held for name in names)
        assert one.name == MANIFEST or held.startswith(b"age-encryption.org/v1\n")
    told = json.loads((house.copy / MANIFEST).read_text(encoding="utf-8"))
    assert told["installation"] == "http://localhost:8400"
    assert set(told["heads"]) == {"greater-montreal"}
    assert told["ledger"]["n"] >= 1
    assert {one.name for one in house.data.iterdir()} == {"keys", "ledger"}, "nothing stays of the trial"
    ((kind, code),) = rows(lived.database.url, select(RUN.c.kind, RUN.c.code))
    assert (kind, code) == ("backup", "")


def test_a_copy_that_does_not_come_back_as_it_was_is_not_kept(
    command: Say, house: House, lived: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = dumps.load

    def loses_a_number(path: Path, key: x25519.Identity, url: str, *, written_by: int) -> None:
        real(path, key, url, written_by=written_by)
        with signed_in(url) as connection:
            connection.execute("update person set phone = '' where ctid = (select min(ctid) from person)")

    monkeypatch.setattr(dumps, "load", loses_a_number)
    status, _, err = command("backup")
    assert (status, house.copies) == (2, [])
    assert "What came back is not what was copied" in err
    assert list(house.to.iterdir()) == []
    ((code,),) = rows(lived.database.url, select(RUN.c.code))
    assert code == "not_verified"


@pytest.mark.nightly
def test_a_record_that_is_changed_in_the_copy_alone_makes_no_good_copy(
    command: Say, house: House, lived: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = dumps.load

    def changes_a_line(path: Path, key: x25519.Identity, url: str, *, written_by: int) -> None:
        real(path, key, url, written_by=written_by)
        with signed_in(url) as connection:
            connection.execute("alter table event disable trigger user")
            connection.execute(_CHANGE_A_LINE, {"here": lived.program_id})

    monkeypatch.setattr(dumps, "load", changes_a_line)
    monkeypatch.setattr(dumps, "compare", lambda *_: 1)
    status, _, err = command("backup")
    assert (status, "line.changed" in err, house.copies) == (2, True, [])


@pytest.mark.nightly
def test_a_record_that_was_changed_behind_its_seals_is_copied_as_it_is_told_and_comes_back(
    command: Say, house: House, lived: Cast, empty_database: Database
) -> None:
    tamper(lived.database, _CHANGE_A_LINE.replace("%(here)s", ":here"), here=lived.program_id)
    status, out, err = command("backup")
    assert (status, "is made and verified" in out, "line.changed" in err) == (0, True, True), err
    status, said = restore(command, house, "--drill")
    assert (status, "line.changed" in said) == (0, True), said
    shutil.rmtree(house.data)
    house.live_in(empty_database)
    status, said = restore(command, house)
    assert (status, "line.changed" in said) == (0, True), said


@pytest.mark.nightly
@pytest.mark.usefixtures("lived")
def test_after_a_seal_key_was_lost_and_another_begun_copies_go_on(command: Say, house: House) -> None:
    (house.data / "keys" / "seal.json").unlink()
    assert command("keys", "init")[0] == 0
    status, out, err = command("backup")
    assert (status, "is made and verified" in out, "key.missing" in err) == (0, True, True), err
    assert len(house.copies) == 1


def test_where_a_key_is_lost_the_copy_is_kept_and_not_called_good_and_an_earlier_one_stays(
    command: Say, house: House, lived: Cast
) -> None:
    with lived.session() as session:
        session.info["keys"] = FilePeopleKeys(house.data / "keys" / "people")
        begin_referral(session, ONDINE, by=lived.actor("worker_ccsmtl"), at=AT)
    assert command("backup")[0] == 0
    before = house.copy
    lost = min((house.data / "keys" / "people" / "wrapped").iterdir())
    lost.unlink()
    for _ in range(2):
        status, out, err = command("backup")
        assert (status, "verified" in out, "is not whole" in err, "How many: 1." in err) == (2, False, True, True), err
    assert (len(house.copies), before in house.copies) == (2, True), "that of before, and the newest"
    codes = rows(lived.database.url, select(RUN.c.code).order_by(RUN.c.ended_at))
    assert codes == [("",), ("keys_missing",), ("keys_missing",)]


@pytest.mark.nightly
def test_a_key_that_is_destroyed_while_it_is_copied_is_not_missed_and_the_copy_comes_back(
    command: Say, house: House, lived: Cast, empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = FilePeopleKeys(house.data / "keys" / "people")
    with lived.session() as session:
        session.info["keys"] = people
        begin_referral(session, ONDINE, by=lived.actor("worker_ccsmtl"), at=AT)
    (first, *_) = (UUID(one.name) for one in (house.data / "keys" / "people" / "wrapped").iterdir())
    real = keys_packed.packed

    def destroyed_meanwhile(place: Path) -> io.BytesIO:
        if place.is_dir():
            with signed_in(lived.database.owner_url) as connection:
                connection.execute("update data_key set destroyed_at = now() where participant_id = %s", [first])
            people.destroy(first)
        return real(place)

    monkeypatch.setattr(keys_packed, "packed", destroyed_meanwhile)
    status, out, err = command("backup")
    assert (status, "is made and verified" in out) == (0, True), err
    shutil.rmtree(house.data)
    house.live_in(empty_database)
    status, said = restore(command, house)
    assert (status, "not among those of the copy: 1" in said) == (0, True), said


@pytest.mark.nightly
@pytest.mark.usefixtures("lived")
def test_keys_that_do_not_open_what_they_sealed_make_no_good_copy(command: Say, house: House) -> None:
    shutil.rmtree(house.data / "keys" / "people")
    make_people_keys(house.data / "keys" / "people")
    status, _, err = command("backup")
    assert (status, "The keys of the participants do not open" in err, house.copies) == (2, True, [])


@pytest.mark.nightly
@pytest.mark.usefixtures("lived")
def test_one_copy_of_a_database_is_made_at_a_time_and_the_second_is_no_fault(
    command: Say, house: House, cast: Cast
) -> None:
    with alone(cast.database.owner_url) as is_alone:
        assert is_alone
        status, _, err = command("backup")
    assert (status, "is at work" in err, house.copies) == (2, True, [])
    assert rows(cast.database.url, select(RUN.c.code)) == []


@pytest.mark.usefixtures("lived")
def test_a_folder_that_is_not_there_or_in_the_data_is_refused(command: Say, house: House, cast: Cast) -> None:
    house.set(SPHERES_BACKUP_TO=house.folder / "nowhere")
    status, _, err = command("backup")
    assert (status, "The folder for copies is not there" in err) == (2, True)
    house.set(SPHERES_BACKUP_TO=house.data / "keys")
    status, _, err = command("backup")
    assert (status, "lies in the data folder" in err) == (2, True)
    assert {code for (code,) in rows(cast.database.url, select(RUN.c.code))} == {"no_place"}


def test_a_copy_made_elsewhere_counts_for_nothing_where_copies_are_kept(
    command: Say, house: House, lived: Cast
) -> None:
    elsewhere = house.folder / "elsewhere"
    elsewhere.mkdir()
    status, out, _ = command("backup", str(elsewhere))
    assert (status, "is made and verified" in out) == (0, True)
    assert rows(lived.database.url, select(RUN.c.code)) == []
    assert not (elsewhere / MARK).exists()


def by_schedule() -> BySchedule:
    return BySchedule(datetime.now(UTC), lambda: True)


def test_by_schedule_no_copy_is_made_where_none_was_made_from_the_terminal(house: House, lived: Cast) -> None:
    settings = Settings.from_env(os.environ)
    with speaking("en"):
        with pytest.raises(BackupError, match="or its disk is not there"):
            back_up(settings, by=by_schedule())
        assert [*house.to.iterdir()] == []
        assert rows(lived.database.url, select(RUN.c.code)) == [("no_place",)]
        put_mark(house.to)
        back_up(settings, by=by_schedule())
    assert len(house.copies) == 1


@pytest.mark.usefixtures("lived")
def test_a_trial_that_could_fill_the_disk_of_the_database_is_not_begun(
    command: Say, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = (2 << 30) + (1 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    status, _, err = command("backup")
    assert (status, "There is too little room at" in err, "2.0 GiB free" in err) == (2, True, True), err
    assert [*house.to.iterdir()] == []


@pytest.mark.usefixtures("lived")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes a small disk")
def test_a_full_disk_is_told_and_leaves_nothing_behind(command: Say, house: House, cast: Cast) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40k", "tmpfs", str(house.to)], check=True)
    try:
        status, _, err = command("backup")
        assert (status, "There is no room left" in err) == (2, True)
        assert list(house.to.iterdir()) == []
    finally:
        subprocess.run(["umount", str(house.to)], check=True)
    ((code,),) = rows(cast.database.url, select(RUN.c.code))
    assert code == "disk_full"


@pytest.mark.nightly
@pytest.mark.usefixtures("lived")
def test_a_process_killed_in_the_middle_leaves_no_copy_and_the_next_one_tidies_up(command: Say, house: House) -> None:
    working = subprocess.Popen([sys.executable, "-m", "api.cli", "backup"], cwd=ROOT, env=os.environ)
    eventually(lambda: list(house.to.glob(".unfinished-*/database.age")))
    working.kill()
    working.wait()
    assert house.copies == []
    assert len(list(house.to.iterdir())) == 1
    eventually(lambda: command("backup")[0] == 0)  # until the server notices that the killed one let go
    assert {one.name for one in house.to.iterdir()} == {house.copy.name, MARK}
    assert {one.name for one in house.data.iterdir()} == {"keys", "ledger"}


# ------------------------------------------------------------------------------------------------ it comes back


def test_into_an_empty_database_comes_back_what_was_there(
    command: Say, copied: House, empty_database: Database
) -> None:
    copied.live_in(empty_database)
    (copied.data / "aside" / "keys").mkdir(parents=True)
    status, said = restore(command, copied)
    assert status == 0, said
    assert f"Taken is the copy {copied.copy.name}" in said
    assert "Nothing is served yet" in said
    assert {one.name for one in copied.data.iterdir()} == {"keys"}, "of a killed drill nothing stays"
    assert rows(empty_database.url, text("select count(*) from program")) == [(2,)]
    assert "spheres ledger accept" in said, "the ledger is in no copy, and here it is lost"
    go_on_without_the_ledger(command)
    assert command("verify")[0] == 0
    status, said = restore(command, copied)
    assert (status, "There are keys already" in said) == (2, True)
    status, said = restore(command, copied, "--without-keys")
    assert (status, "The database is not empty" in said) == (2, True)


def test_into_an_empty_folder_comes_back_what_spheres_up_takes(command: Say, copied: House) -> None:
    status, said = restore(command, copied)
    assert status == 0, said
    assert {one.name for one in copied.data.iterdir()} == {"keys", "postgres"}
    go_on_without_the_ledger(command)
    status, out, _ = command("verify")
    assert (status, "Nothing was changed" in out) == (0, True)
    with data_folder(copied.data):
        pass
    status, said = restore(command, copied)
    assert (status, "is not empty" in said) == (2, True)
    assert command("backup")[0] == 0, "and copies of it are made"


@pytest.mark.nightly
@pytest.mark.parametrize("demo", ["yes", "no"])
def test_after_a_start_that_came_before_it_it_comes_back_beside_the_ledger(
    command: Say, copied: House, demo: str
) -> None:
    ledger = copied.data / "ledger" / "ledger.jsonl"
    ledger.parent.mkdir(parents=True)
    ledger.write_bytes(b'{"n":1}\n')
    for starting in (["up", "--demo" if demo == "yes" else "--no-demo"], ["migrate"]):
        tried = subprocess.run([sys.executable, "-m", "api.cli", *starting], cwd=ROOT, env=os.environ, check=False)
        assert (tried.returncode, [one.name for one in copied.data.iterdir()]) == (2, ["ledger"])
    status, said = restore(command, copied)
    assert status == 0, said
    assert {one.name for one in copied.data.iterdir()} == {"keys", "ledger", "postgres"}
    assert ledger.read_bytes() == b'{"n":1}\n'


def test_a_drill_says_the_result_and_leaves_nothing(command: Say, house: House, lived: Cast) -> None:
    command("backup")
    status, said = restore(command, house, "--drill")
    assert (status, "The drill went well" in said) == (0, True), said
    assert {one.name for one in house.data.iterdir()} == {"keys", "ledger"}
    assert rows(lived.database.url, select(RUN.c.code).where(RUN.c.kind == "drill")) == [("",)]
    held = bytearray((house.copy / PEOPLE_KEYS).read_bytes())
    held[-1] ^= 1
    (house.copy / PEOPLE_KEYS).write_bytes(held)
    status, said = restore(command, house, "--drill")
    assert (status, "is cut off, or was changed" in said) == (2, True)
    codes = rows(lived.database.url, select(RUN.c.code).where(RUN.c.kind == "drill").order_by(RUN.c.ended_at))
    assert codes == [("",), ("damaged",)]


def test_on_a_machine_that_has_the_copies_alone_a_drill_needs_not_their_address(command: Say, copied: House) -> None:
    copied.set(SPHERES_BASE_URL="https://elsewhere.example")
    status, said = restore(command, copied, "--drill")
    assert (status, "The drill went well" in said) == (0, True), said
    assert {one.name for one in copied.data.iterdir()} == set()


# ------------------------------------------------------------------------------------------- what is refused first


def _cut(copy: Path, name: str = DATABASE) -> None:
    os.truncate(copy / name, (copy / name).stat().st_size // 2)


def _edited(**values: Any) -> Callable[[Path], None]:
    def edit(copy: Path) -> None:
        told = json.loads((copy / MANIFEST).read_text(encoding="utf-8")) | values
        (copy / MANIFEST).write_text(json.dumps(told), encoding="utf-8")

    return edit


def _without(name: str) -> Callable[[Path], None]:
    return lambda copy: (copy / name).unlink()


def _swapped(copy: Path) -> None:
    (copy / DATABASE).write_bytes((copy / SEAL_KEYS).read_bytes())


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (_cut, "database.age is cut off, or was changed"),
        (lambda copy: _cut(copy, PEOPLE_KEYS), "participants-keys.age is cut off"),
        (lambda copy: _cut(copy, SEALED_MANIFEST), "manifest.age is cut off"),
        (lambda copy: _cut(copy, MANIFEST), "manifest.json is cut off, or was changed"),
        (_swapped, "database.age is cut off, or was changed"),
        (_edited(heads={}), "manifest.json was changed since the copy was made"),
        (_edited(installation="http://localhost:1"), "manifest.json was changed since the copy was made"),
        (_edited(layout=99), "A newer version of the program made the copy"),
        (_without(DATABASE), "database.age is missing from the copy"),
        (_without(SEALED_MANIFEST), "manifest.age is not there"),
        (_without(MANIFEST), "manifest.json is not there"),
        (_without(PEOPLE_KEYS), "has no keys of participants any more"),
    ],
)
def test_a_spoilt_copy_is_refused_by_the_name_of_its_file_and_nothing_is_touched(
    command: Say, copied: House, spoil: Callable[[Path], None], sentence: str
) -> None:
    spoil(copied.copy)
    status, said = restore(command, copied)
    assert (status, sentence in said) == (2, True), said
    assert not copied.data.exists()


def test_what_says_two_things_at_once_is_refused(command: Say, copied: House) -> None:
    for words in (("--only-keys", "--without-keys"), ("--drill", "--only-keys"), ("--drill", "--into", "/nowhere")):
        assert restore(command, copied, *words)[0] == 2
    assert not copied.data.exists()


def test_another_key_opens_nothing(command: Say, copied: House) -> None:
    make_pair(copied.folder / "other")
    status, _, err = command("restore", "--key", str(copied.folder / "other"))
    assert (status, "it was encrypted to another one" in err) == (2, True)
    assert not copied.data.exists()


def test_the_copy_of_another_address_is_taken_where_that_is_said_alone(command: Say, copied: House) -> None:
    copied.set(SPHERES_BASE_URL="https://elsewhere.example")
    status, said = restore(command, copied)
    assert (status, "The copy is of the installation http://localhost:8400" in said) == (2, True)
    assert not copied.data.exists()


def test_the_copy_of_a_newer_version_is_told_as_such(
    command: Say, copied: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bringing_back, "knows_migration", lambda revision: revision != "0101")
    status, said = restore(command, copied)
    assert (status, "A newer version of the program made the copy" in said) == (2, True)
    monkeypatch.setattr(manifest, "LAYOUT", 0)
    status, said = restore(command, copied, str(copied.copy))
    assert (status, "A newer version of the program made the copy" in said) == (2, True)
    assert not copied.data.exists()


@pytest.mark.parametrize("name", ["postgres", "keys", "mail"])
def test_a_folder_in_which_anything_lies_is_left_as_it_is(command: Say, copied: House, name: str) -> None:
    (copied.data / name).mkdir(parents=True)
    status, said = restore(command, copied)
    assert (status, f"What lies there: {name}." in said) == (2, True), said
    assert {one.name for one in copied.data.iterdir()} == {name}


def test_all_that_is_in_the_way_is_told_at_once(command: Say, copied: House) -> None:
    for name in ("ledger", "keys", "mail", "postgres", "prefect"):
        (copied.data / name).mkdir(parents=True)
    make_seal_key(copied.data / "keys" / "seal.json")
    status, said = restore(command, copied)
    assert (status, "What lies there: keys, mail, postgres." in said) == (2, True), said
    status, said = restore(command, copied, "--without-keys")
    assert (status, "What lies there: mail, postgres." in said) == (2, True), said


def another(copied: House, spoil: Callable[[Path], None]) -> Path:
    """One more copy beside the one that is there, made later by its name and spoilt."""
    newer = copied.to / "20991130T204739Z-0123abcd"
    shutil.copytree(copied.copy, newer)
    spoil(newer)
    return newer


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda copy: _cut(copy, MANIFEST), "manifest.json is cut off, or was changed"),
        (_without(MANIFEST), "manifest.json is not there"),
        (_edited(layout=2), "A newer version of the program made the copy"),
    ],
)
def test_no_older_copy_is_taken_unseen_in_place_of_a_newer_one_that_cannot_be_used(
    command: Say, copied: House, spoil: Callable[[Path], None], sentence: str
) -> None:
    older = copied.copy
    newer = another(copied, spoil)
    for drill in ([], ["--drill"]):
        status, said = restore(command, copied, *drill)
        assert (status, sentence in said, str(newer) in said, str(older) in said) == (2, True, True, True), said
        assert "Nothing was changed" in said
        assert "went well" not in said
    assert not (copied.data / "postgres").exists()


def test_where_a_newer_copy_cannot_be_used_the_drill_is_noted_as_one_that_failed(
    command: Say, house: House, lived: Cast
) -> None:
    """The board, the page of the engine and the doctor say what is noted."""
    assert command("backup")[0] == 0
    another(house, lambda copy: _cut(copy, MANIFEST))
    status, said = restore(command, house, "--drill")
    assert (status, "went well" in said) == (2, False), said
    assert rows(lived.database.url, select(RUN.c.code).where(RUN.c.kind == "drill")) == [("damaged",)]


@pytest.mark.nightly
def test_the_older_copy_is_taken_where_it_is_named(command: Say, copied: House) -> None:
    older = copied.copy
    another(copied, _without(MANIFEST))
    status, said = restore(command, copied, str(older), "--drill")
    assert (status, "The drill went well" in said) == (0, True), said


def test_what_is_named_and_is_not_there_or_no_folder_is_told_in_plain_words(command: Say, copied: House) -> None:
    (copied.folder / "file").touch()
    for named, sentence in (("nowhere", "nowhere is not there."), ("file", "file is no folder, or lies below")):
        status, said = restore(command, copied, str(copied.folder / named))
        assert (status, sentence in said, "Error" in said) == (2, True, False), said
    status, _, err = command("restore", "--key", str(copied.folder / "none.key"))
    assert (status, "none.key is not there." in err) == (2, True), err
    status, _, err = command("restore", "--key", str(copied.folder))
    assert (status, "is a folder, and a file belongs there" in err) == (2, True), err


@pytest.mark.usefixtures("lived")
def test_a_copy_that_goes_as_another_is_made_is_named(command: Say, house: House) -> None:
    assert command("backup")[0] == 0
    before = house.copy
    status, out, err = command("backup")
    assert (status, f"no longer kept: the copy {before.name}." in out) == (0, True), err
    assert house.copy != before


@pytest.mark.parametrize(
    "typed",
    [
        ["restore", "--key", "{key}"],
        ["restore", "--key={key}", "/nowhere"],
        ["restore", "/nowhere", "--key", "/nowhere", "~/{key}"],
        ["backup", "key", "{key}"],
        ["backup", "{key}"],
    ],
)
def test_a_private_key_typed_in_place_of_its_file_is_not_said_back(
    command: Say, copied: House, typed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = next(line for line in copied.key.read_text().splitlines() if line.startswith("AGE-SECRET-KEY-"))
    status, out, err = command(*(one.format(key=made) for one in typed))
    assert (status, "A private key was typed" in err, made in out + err) == (2, True, False)
    assert list(tmp_path.iterdir()) == []


def test_where_it_runs_or_another_restore_is_at_work_nothing_is_done(command: Say, copied: House) -> None:
    with data_folder(copied.data):
        status, said = restore(command, copied)
    assert (status, "or another restore is at work" in said) == (2, True)
    assert list(copied.data.iterdir()) == []


@pytest.mark.nightly
def test_two_restores_into_one_database_at_once_are_one(command: Say, copied: House, empty_database: Database) -> None:
    copied.live_in(empty_database)
    with alone(empty_database.owner_url):
        status, said = restore(command, copied)
    assert (status, "is at work" in said) == (2, True)
    assert is_empty(empty_database.owner_url)


def test_a_database_in_which_anything_lies_is_left_as_it_is(
    command: Say, copied: House, empty_database: Database
) -> None:
    copied.live_in(empty_database)
    with signed_in(empty_database.owner_url) as connection:
        connection.execute("create table mine (n int)")
    status, said = restore(command, copied)
    assert (status, "The database is not empty" in said) == (2, True)
    assert not (copied.data / "keys").exists()


def test_while_a_restore_is_at_work_no_machine_serves_the_database_nor_prepares_it(
    command: Say, copied: House, empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied.live_in(empty_database)
    look = bringing_back._look
    told: list[str] = []

    def looked_at_from_elsewhere(settings: Settings, known: Any, urls: DatabaseUrls, keys: Any) -> None:
        look(settings, known, urls, keys)
        with speaking("en"):
            told.append(str(joined._why_not_ready(settings, urls.app)))
            with pytest.raises(Ending) as refused:
                bring_to_newest(settings, urls)
            told.append(str(refused.value))

    monkeypatch.setattr(bringing_back, "_look", looked_at_from_elsewhere)
    with signed_in(empty_database.owner_url) as connection:
        connection.execute(f"comment on database \"{connection.info.dbname}\" is 'Ours, of the house'")
    assert restore(command, copied)[0] == 0
    assert ["A restore is at work in this database" in one for one in told] == [True, True]
    assert not is_being_restored(empty_database.url)
    assert rows(empty_database.url, text(f"select {_COMMENT}")) == [("Ours, of the house",)]


@pytest.mark.nightly
def test_what_cannot_be_verified_leaves_the_database_empty_and_no_keys(
    command: Say, copied: House, empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise BackupError("not_verified", "The walls of the database did not come back as they were.")

    monkeypatch.setattr(bringing_back, "judge", fails)
    copied.live_in(empty_database)
    status, said = restore(command, copied)
    assert (status, "The walls" in said) == (2, True)
    assert is_empty(empty_database.owner_url)
    assert not (copied.data / "keys").exists()


@pytest.mark.nightly
def test_a_restore_killed_in_the_middle_starts_nothing_and_begins_anew(command: Say, copied: House) -> None:
    arguments = ["restore", "--key", str(copied.key)]
    working = subprocess.Popen([sys.executable, "-m", "api.cli", *arguments], cwd=ROOT, env=os.environ)
    eventually((copied.data / "restoring" / "postgres" / "cluster" / "postmaster.pid").exists)
    working.send_signal(signal.SIGKILL)
    working.wait()
    with speaking("en"), pytest.raises(Ending, match="was cut off"), data_folder(copied.data):
        pass
    status, said = restore(command, copied)
    assert status == 0, said
    assert {one.name for one in copied.data.iterdir()} == {"keys", "postgres"}


def keys_of(house: House) -> dict[str, bytes]:
    """Every file of keys in the data folder."""
    keys = house.data / "keys"
    return {str(one.relative_to(keys)): one.read_bytes() for one in keys.rglob("*") if one.is_file()}


def test_keys_that_lie_there_stay_where_one_without_them_was_cut_off_and_is_begun_anew_with_them(
    command: Say, copied: House
) -> None:
    make_seal_key(copied.data / "keys" / "seal.json")
    make_people_keys(copied.data / "keys" / "people")
    before = keys_of(copied)
    Traces(copied.data).begin("folder")  # all that a restore --without-keys leaves that is killed at once
    status, said = restore(command, copied)
    assert (status, "There are keys already" in said) == (2, True), said
    assert keys_of(copied) == before
    with speaking("en"), pytest.raises(Ending, match="was cut off"), data_folder(copied.data):
        pass
    status, said = restore(command, copied, "--without-keys")
    assert status == 0, said
    assert keys_of(copied) == before


def started(house: House, *more: str) -> subprocess.Popen[bytes]:
    arguments = ["restore", "--key", str(house.key), *more]
    return subprocess.Popen([sys.executable, "-m", "api.cli", *arguments], cwd=ROOT, env=os.environ)


@pytest.mark.nightly
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_that_says_stop_leaves_an_own_database_empty_and_no_key(
    copied: House, empty_database: Database, number: signal.Signals
) -> None:
    copied.live_in(empty_database)
    working = started(copied)
    eventually((copied.data / "restoring" / "keys" / "people" / "master.json").exists)
    working.send_signal(number)
    assert working.wait() == 128 + number
    assert not is_being_restored(empty_database.url)
    assert is_empty(empty_database.owner_url)
    assert {one.name for one in copied.data.iterdir()} == set()


@pytest.mark.nightly
def test_killed_in_the_middle_an_own_server_starts_nothing_and_the_same_command_begins_anew(
    command: Say, copied: House, empty_database: Database
) -> None:
    copied.live_in(empty_database)
    working = started(copied)
    eventually((copied.data / "restoring" / "keys" / "people" / "master.json").exists)
    working.kill()
    working.wait()
    assert not is_empty(empty_database.owner_url)
    assert is_being_restored(empty_database.url), "other machines see it too"
    with speaking("en"), pytest.raises(Ending, match="was cut off"), data_folder(copied.data):
        pass
    with signed_in(empty_database.owner_url) as connection:
        one = "update person set family_name = {} where ctid = (select {}(ctid) from person)"
        connection.execute(one.format("family_name || 'x'", "min"))
        answers = [""]

        def once_the_killed_one_let_go() -> bool:
            answers[0] = restore(command, copied)[1]
            return "is at work" not in answers[0]

        eventually(once_the_killed_one_let_go)
        assert "was cut off has put there" in answers[0], "what was written there since is nowhere else"
        connection.execute(one.format("left(family_name, -1)", "max"))  # the row that was written last
    status, said = restore(command, copied)
    assert status == 0, said
    assert not is_being_restored(empty_database.url)
    assert {one.name for one in copied.data.iterdir()} == {"keys"}


@pytest.mark.nightly
def test_a_drill_that_a_signal_ends_leaves_no_key_and_no_server(copied: House) -> None:
    working = started(copied, "--drill")
    eventually((copied.data / "aside" / "keys" / "people" / "master.json").exists)
    working.terminate()
    assert working.wait() == 128 + signal.SIGTERM
    assert {one.name for one in copied.data.iterdir()} == set()


@pytest.mark.nightly
def test_of_a_drill_that_was_killed_nothing_stays_once_anything_is_started_there(copied: House) -> None:
    working = started(copied, "--drill")
    eventually((copied.data / "aside" / "keys" / "people" / "master.json").exists)
    working.kill()
    working.wait()
    with data_folder(copied.data):
        assert {one.name for one in copied.data.iterdir()} == {"up.lock"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes a small disk")
@pytest.mark.parametrize("size", ["8m", "60m"], ids=["while a server is made", "while it is filled"])
def test_a_restore_onto_a_full_disk_leaves_the_place_empty(command: Say, copied: House, size: str) -> None:
    copied.data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", str(copied.data)], check=True)
    try:
        status, said = restore(command, copied)
        assert (status, "There is no room left" in said, "FATAL" in said) == (2, True, False), said
        assert {one.name for one in copied.data.iterdir()} == set()
    finally:
        subprocess.run(["umount", str(copied.data)], check=True)


@pytest.mark.nightly
def test_the_keys_of_a_newer_copy_serve_an_older_one(command: Say, copied: House, empty_database: Database) -> None:
    older = copied.folder / "older"
    shutil.copytree(copied.copy, older)
    (older / PEOPLE_KEYS).unlink()
    copied.live_in(empty_database)
    status, said = restore(command, copied, str(older), "--keys-from", str(copied.to))
    assert status == 0, said
    assert (copied.data / "keys" / "people" / "master.json").exists()


@pytest.mark.nightly
def test_the_database_alone_comes_back_where_that_is_said(
    command: Say, copied: House, empty_database: Database
) -> None:
    (copied.copy / PEOPLE_KEYS).unlink()
    copied.live_in(empty_database)
    assert restore(command, copied, "--without-keys")[0] == 0
    assert not (copied.data / "keys").exists()
    with signed_in(empty_database.owner_url) as connection:
        assert content_of(connection).tables["person"][0] > 5


# ------------------------------------------------------------------------------------------------ by pgBackRest


@pytest.fixture
def called(house: House, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a pgBackRest of the tests notes how it was called; it fails where its folder holds a file `full`."""
    programs = house.folder / "programs"
    programs.mkdir()
    script = f"""#!/bin/sh
echo "$@" >> {programs}/called
if [ -f {programs}/full ]; then echo "P00  ERROR: [040]: unable to restore to path"; exit 40; fi
"""
    (programs / "pgbackrest").write_text(script, encoding="utf-8")
    (programs / "pgbackrest").chmod(0o755)
    for folder in (house.folder, programs):
        folder.chmod(0o777)  # root calls it under another account
    monkeypatch.setattr(pgbackrest, "SERVER_ACCOUNT", "nobody")  # every machine has that one
    house.set(PATH=f"{programs}:{os.environ['PATH']}", SPHERES_PGBACKREST="spheres")
    return programs / "called"


@pytest.mark.nightly
@pytest.mark.usefixtures("lived")
def test_where_its_stanza_is_set_a_copy_is_made_by_pgbackrest_too(command: Say, house: House, called: Path) -> None:
    assert command("backup")[0] == 0
    assert called.read_text(encoding="utf-8") == "--stanza=spheres --type=incr backup\n"
    (called.parent / "full").touch()
    before = house.copy
    status, _, err = command("backup")
    assert (status, "It said: [040]: unable to restore to path" in err) == (2, True)
    assert house.copy != before, "ours is good all the same, and the only one that is kept of a day"


@pytest.mark.nightly
def test_to_a_moment_a_server_of_ones_own_is_brought_back_by_it_with_the_keys_of_the_newest_copy(
    command: Say, copied: House, called: Path, database: Database
) -> None:
    copied.live_in(database)
    (called.parent / "full").touch()
    status, said = restore(command, copied, "--at", "2026-11-30 01:05:06.5-05:00")
    assert (status, (copied.data / "keys").exists()) == (2, False), said
    (called.parent / "full").unlink()
    called.unlink()
    status, said = restore(command, copied, "--at", "2026-11-30 01:05:06.5-05:00")
    assert (status, "Start the server" in said) == (0, True), said
    wanted = "--type=time --target=2026-11-30 06:05:06.500000+00 --target-action=promote restore"
    assert called.read_text(encoding="utf-8") == f"--stanza=spheres {wanted}\n"
    assert (copied.data / "keys" / "people" / "master.json").exists()


def test_without_a_stanza_it_is_said_how_a_server_of_ones_own_goes_back(
    command: Say, copied: House, database: Database
) -> None:
    copied.live_in(database)
    status, said = restore(command, copied, "--at", "2026-11-30 01:05:06")
    assert (status, "SPHERES_PGBACKREST" in said) == (2, True)
    status, said = restore(command, copied, "--only-keys")
    assert status == 0, said
    assert (copied.data / "keys" / "seal.json").exists()
    status, said = restore(command, copied, "--only-keys")
    assert (status, "There are keys already" in said) == (2, True)
