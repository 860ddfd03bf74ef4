"""The folder of the participants' keys: durable, its owner's alone, rotated without a gap, and gone for good."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from adapters.people_keys import FilePeopleKeys, make_people_keys, rotate_people_keys
from models.ports import KeyGone, NoKeys, NotSealed
from tests.conftest import FILES_AGE

ABOUT = "program|participant|identity"
CLEAR = "Ondine Fougère".encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "keys" / "people"
    assert make_people_keys(made)
    return made


def _one(folder: Path) -> tuple[FilePeopleKeys, UUID]:
    keys, key_id = FilePeopleKeys(folder), uuid4()
    keys.make(key_id)
    return keys, key_id


def test_the_folder_is_made_once_and_everything_in_it_is_its_owner_s_alone(folder: Path) -> None:
    assert not make_people_keys(folder)
    _one(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = [one for one in folder.rglob("*") if one.is_file()]
    assert len(files) == 2
    assert {stat.S_IMODE(one.stat().st_mode) for one in files} == {0o600}


def test_what_is_sealed_opens_about_the_same_thing_and_no_other(folder: Path) -> None:
    keys, key_id = _one(folder)
    sealed = keys.seal(key_id, CLEAR, about=ABOUT)
    assert CLEAR not in sealed
    assert keys.open(key_id, sealed, about=ABOUT) == CLEAR
    assert keys.seal(key_id, CLEAR, about=ABOUT) != sealed
    other = uuid4()
    keys.make(other)
    attempts: tuple[Callable[[], object], ...] = (
        lambda: keys.open(key_id, sealed, about="program|another|identity"),
        lambda: keys.open(other, sealed, about=ABOUT),
        lambda: keys.open(key_id, sealed[:-1] + bytes([sealed[-1] ^ 1]), about=ABOUT),
        lambda: keys.open(key_id, b"", about=ABOUT),
        lambda: keys.open(key_id, CLEAR, about=ABOUT),
    )
    for wrong in attempts:
        with pytest.raises(NotSealed):
            wrong()


def test_a_key_is_never_made_over_another(folder: Path) -> None:
    keys, key_id = _one(folder)
    sealed = keys.seal(key_id, CLEAR, about=ABOUT)
    with pytest.raises(NoKeys):
        keys.make(key_id)
    assert keys.open(key_id, sealed, about=ABOUT) == CLEAR


def test_a_destroyed_key_opens_nothing_and_leaves_no_file(folder: Path) -> None:
    keys, key_id = _one(folder)
    sealed = keys.seal(key_id, CLEAR, about=ABOUT)
    assert keys.destroy(key_id)
    assert not keys.destroy(key_id)
    with pytest.raises(KeyGone):
        keys.open(key_id, sealed, about=ABOUT)
    assert list((folder / "wrapped").iterdir()) == []


def test_a_rotation_wraps_every_key_anew_and_loses_none(folder: Path) -> None:
    keys = FilePeopleKeys(folder)
    ids = [uuid4() for _ in range(5)]
    for key_id in ids:
        keys.make(key_id)
    sealed = {key_id: keys.seal(key_id, CLEAR, about=ABOUT) for key_id in ids}
    before = (folder / "master.json").read_text(encoding="ascii")
    wrapped = {key_id: (folder / "wrapped" / str(key_id)).read_bytes() for key_id in ids}
    marked = keys.mark("Fougère")
    assert rotate_people_keys(folder) == 5
    assert all((folder / "wrapped" / str(key_id)).read_bytes() != wrapped[key_id] for key_id in ids)
    assert all(keys.open(key_id, sealed[key_id], about=ABOUT) == CLEAR for key_id in ids), "without a restart"
    assert keys.mark("Fougère") == marked
    rotate_people_keys(folder)
    (folder / "master.json").write_text(before, encoding="ascii")
    with pytest.raises(NoKeys, match="does not hold"):
        FilePeopleKeys(folder).open(ids[0], sealed[ids[0]], about=ABOUT)


def test_a_rotation_that_was_cut_off_is_finished_by_the_next(folder: Path) -> None:
    keys, key_id = _one(folder)
    sealed = keys.seal(key_id, CLEAR, about=ABOUT)
    left = (folder / "wrapped" / str(key_id)).read_bytes()
    rotate_people_keys(folder)
    (folder / "wrapped" / str(key_id)).write_bytes(left)  # as if it had died before this one
    assert keys.open(key_id, sealed, about=ABOUT) == CLEAR
    rotate_people_keys(folder)
    assert FilePeopleKeys(folder).open(key_id, sealed, about=ABOUT) == CLEAR


@pytest.mark.parametrize("harm", ["missing", "open to all", "damaged", "another's"])
def test_without_its_master_key_nothing_opens_and_one_sentence_says_so(folder: Path, tmp_path: Path, harm: str) -> None:
    keys, key_id = _one(folder)
    sealed = keys.seal(key_id, CLEAR, about=ABOUT)
    master = folder / "master.json"
    kept = master.read_bytes()
    match harm:
        case "missing":
            master.unlink()
        case "open to all":
            master.chmod(0o644)
        case "damaged":
            master.write_bytes(kept[: len(kept) // 2])
        case _:
            make_people_keys(tmp_path / "other")
            theirs = json.loads((tmp_path / "other" / "master.json").read_text(encoding="ascii"))
            ours = json.loads(kept)
            theirs["keys"] = {ours["current"]: theirs["keys"][theirs["current"]]}
            theirs["current"] = ours["current"]
            master.write_text(json.dumps(theirs), encoding="ascii")
    questions: tuple[Callable[[], object], ...] = (
        lambda: FilePeopleKeys(folder).open(key_id, sealed, about=ABOUT),
        lambda: keys.open(key_id, sealed, about=ABOUT),
    )
    for ask in questions:
        with pytest.raises(NoKeys) as told:
            ask()
        assert str(master) in str(told.value)
        assert ours_shown(kept) not in str(told.value)
    master.unlink(missing_ok=True)
    master.write_bytes(kept)
    master.chmod(0o600)
    assert keys.open(key_id, sealed, about=ABOUT) == CLEAR, "nothing was lost"


def ours_shown(kept: bytes) -> str:
    """The key as it would look if a sentence showed it."""
    held = json.loads(kept)
    return str(held["keys"][held["current"]])


def test_a_master_key_is_not_made_anew_beside_keys_that_it_would_not_open(folder: Path) -> None:
    _one(folder)
    (folder / "master.json").unlink()
    with pytest.raises(NoKeys, match="backup"):
        make_people_keys(folder)


def test_a_copy_of_the_folder_without_its_master_opens_nothing(folder: Path, tmp_path: Path) -> None:
    keys, key_id = _one(folder)
    sealed = keys.seal(key_id, CLEAR, about=ABOUT)
    shutil.copytree(folder / "wrapped", tmp_path / "copy" / "wrapped")
    with pytest.raises(NoKeys):
        FilePeopleKeys(tmp_path / "copy").open(key_id, sealed, about=ABOUT)


@FILES_AGE
def test_keys_are_listed_by_when_they_were_made_and_a_rotation_does_not_make_them_young(folder: Path) -> None:
    keys, key_id = _one(folder)
    now = datetime.now(UTC)
    long_ago = (now - timedelta(days=3)).timestamp()
    os.utime(folder / "wrapped" / str(key_id), (long_ago, long_ago))
    young = uuid4()
    keys.make(young)
    rotate_people_keys(folder)
    assert keys.held(made_before=now - timedelta(days=1)) == {key_id}
    (folder / "wrapped" / "unfinished.part").write_bytes(b"x")
    assert keys.held(made_before=now + timedelta(hours=1)) == {key_id, young}
