"""Keys in a copy: all of them, back as old as they were, and never over others nor outside their place."""

from __future__ import annotations

import io
import stat
import subprocess
import tarfile
from pathlib import Path
from uuid import uuid4

import pytest

from adapters.backups.faults import BackupError
from adapters.backups.keys_packed import packed, unpack
from adapters.keys import FileSealKeys, make_seal_key
from adapters.people_keys import FilePeopleKeys, make_people_keys
from models.ports import KeyGone


@pytest.fixture
def people(tmp_path: Path) -> Path:
    folder = tmp_path / "people"
    make_people_keys(folder)
    return folder


def test_participants_keys_come_back_and_open_what_they_sealed(people: Path, tmp_path: Path) -> None:
    keys, key_id = FilePeopleKeys(people), uuid4()
    keys.make(key_id)
    sealed = keys.seal(key_id, b"who it is", about="here")
    stood = (people / "wrapped" / str(key_id)).stat().st_mtime
    assert unpack(packed(people), tmp_path / "back") == 2
    back = tmp_path / "back"
    assert FilePeopleKeys(back).open(key_id, sealed, about="here") == b"who it is"
    assert int((back / "wrapped" / str(key_id)).stat().st_mtime) == int(stood), "by it an orphan is told"
    for place in (back, back / "wrapped"):
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
    for place in (back / "master.json", back / "wrapped" / str(key_id)):
        assert stat.S_IMODE(place.stat().st_mode) == 0o600


def test_the_seal_keys_come_back_and_sign_alike(tmp_path: Path) -> None:
    make_seal_key(tmp_path / "seal.json")
    unpack(packed(tmp_path / "seal.json"), tmp_path / "back" / "seal.json")
    here, back = FileSealKeys(tmp_path / "seal.json"), FileSealKeys(tmp_path / "back" / "seal.json")
    assert here.sign(here.current(), b"line") == back.sign(back.current(), b"line")


def test_a_key_that_is_being_destroyed_is_no_key_and_in_no_copy(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, key_id = FilePeopleKeys(people), uuid4()
    keys.make(key_id)
    sealed = keys.seal(key_id, b"who it is", about="here")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_, **__: None)  # the process stops before the file goes
        keys.destroy(key_id)
    assert (people / "wrapped" / str(key_id)).exists()
    assert unpack(packed(people), tmp_path / "back") == 1, "the master's file alone"
    with pytest.raises(KeyGone):
        keys.open(key_id, sealed, about="here")
    assert keys.rewrap() == 0


def test_keys_of_an_older_copy_are_put_back_by_age_and_tar_where_they_are_missing(people: Path) -> None:
    keys, lost, there = FilePeopleKeys(people), uuid4(), uuid4()
    for key_id in (lost, there):
        keys.make(key_id)
    sealed = keys.seal(lost, b"who it is", about="here")
    clear = packed(people).getvalue()  # what age writes of the copy's file
    (people / "wrapped" / str(lost)).unlink()
    command = ["tar", "-xf", "-", "-C", str(people), "--skip-old-files", "wrapped"]
    subprocess.run(command, input=clear, check=True)
    assert keys.open(lost, sealed, about="here") == b"who it is"


def test_a_key_that_is_half_written_or_just_destroyed_is_left_out(people: Path, tmp_path: Path) -> None:
    (people / "wrapped" / f"{uuid4()}.1234.part").write_bytes(b"half")
    assert unpack(packed(people), tmp_path / "back") == 1


def test_keys_without_their_master_are_not_packed(people: Path) -> None:
    (people / "master.json").unlink()
    with pytest.raises(BackupError):
        packed(people)


def test_keys_that_lie_there_stay(people: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    make_people_keys(other)
    before = (other / "master.json").read_bytes()
    with pytest.raises(BackupError):
        unpack(packed(people), other)
    make_seal_key(tmp_path / "seal.json")
    make_seal_key(tmp_path / "mine.json")
    mine = (tmp_path / "mine.json").read_bytes()
    with pytest.raises(BackupError):
        unpack(packed(tmp_path / "seal.json"), tmp_path / "mine.json")
    assert (other / "master.json").read_bytes() == before
    assert (tmp_path / "mine.json").read_bytes() == mine
    assert not list(tmp_path.glob("*.restoring"))


@pytest.mark.parametrize("name", ["../outside", "/outside", "wrapped/../../outside", "wrapped/no-id"])
def test_what_would_go_elsewhere_is_refused_and_nothing_stays(tmp_path: Path, name: str) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(name), io.BytesIO())
    with pytest.raises(BackupError, match="holds what is no key"):
        unpack(stream, tmp_path / "back")
    assert list(tmp_path.iterdir()) == []
