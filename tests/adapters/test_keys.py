"""The file of the seal keys: whose it is, that of two who make it one does, and what is said of one that is no good."""

from __future__ import annotations

import hashlib
import hmac
import json
import stat
import threading
from pathlib import Path

import pytest

from adapters.keys import FileSealKeys, make_seal_key, rotate_seal_key
from models.ports import NoSealKey


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "seal.json"


def test_it_is_made_once_and_read_by_its_owner_alone(file: Path) -> None:
    assert (make_seal_key(file), make_seal_key(file)) == (True, False)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [one.name for one in file.parent.iterdir()] == ["seal.json"]


def test_of_many_who_make_it_at_once_one_does(file: Path) -> None:
    made: list[bool] = []
    start = threading.Barrier(8)

    def make() -> None:
        start.wait(10)
        made.append(make_seal_key(file))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(made) == [False] * 7 + [True]
    assert [one.name for one in file.parent.iterdir()] == ["seal.json"]


def test_a_signature_is_an_hmac_of_the_key_and_no_other_key_makes_it(file: Path, tmp_path: Path) -> None:
    make_seal_key(file)
    keys = FileSealKeys(file)
    key = bytes.fromhex(json.loads(file.read_text(encoding="ascii"))["keys"][keys.current()])
    assert len(key) == 32
    assert keys.sign(keys.current(), b"line") == hmac.new(key, b"line", hashlib.sha256).hexdigest()
    assert keys.sign("another", b"line") is None
    make_seal_key(tmp_path / "other.json")
    other = FileSealKeys(tmp_path / "other.json")
    assert other.sign(other.current(), b"line") != keys.sign(keys.current(), b"line")


def test_a_new_key_is_taken_at_once_and_the_one_before_still_signs(file: Path) -> None:
    make_seal_key(file)
    keys = FileSealKeys(file)
    first, signed = keys.current(), keys.sign(keys.current(), b"line")
    second = rotate_seal_key(file)
    assert (keys.current(), keys.sign(first, b"line")) == (second, signed)
    assert second != first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_that_others_may_read_is_not_used(file: Path) -> None:
    make_seal_key(file)
    file.chmod(0o640)
    with pytest.raises(NoSealKey, match="chmod 600"):
        FileSealKeys(file).current()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "nonsense",
        "[]",
        "{}",
        '{"current": "a", "keys": {}}',
        '{"current": "a", "keys": {"a": "zz"}}',
        '{"current": "a", "keys": {"a": "00ff"}}',
        '{"current": "a", "keys": []}',
    ],
)
def test_a_damaged_file_is_told_without_what_stands_in_it(file: Path, content: str) -> None:
    make_seal_key(file)
    file.write_text(content, encoding="ascii")
    with pytest.raises(NoSealKey) as refused:
        FileSealKeys(file).current()
    assert "00ff" not in str(refused.value)
    assert "nonsense" not in str(refused.value)


def test_no_file_is_told_with_what_to_do(file: Path) -> None:
    with pytest.raises(NoSealKey, match="spheres keys init"):
        FileSealKeys(file).current()
    with pytest.raises(NoSealKey):
        rotate_seal_key(file)


def test_a_key_is_shown_by_nothing_that_prints_it(file: Path) -> None:
    make_seal_key(file)
    keys = FileSealKeys(file)
    key = json.loads(file.read_text(encoding="ascii"))["keys"][keys.current()]
    assert key not in repr(keys) + str(vars(keys))
