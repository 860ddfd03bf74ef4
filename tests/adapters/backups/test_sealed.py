"""An encrypted file: whole or not there, for one key alone, and never in the clear."""

from __future__ import annotations

import io
import stat
from pathlib import Path

import pytest
from pyrage import x25519

from adapters.backups.faults import BackupError
from adapters.backups.sealed import seal, seen, unseal

WORDS = b"Perseide L'Embrun " * 20_000


@pytest.fixture(scope="module")
def key() -> x25519.Identity:
    return x25519.Identity.generate()


@pytest.fixture
def file(tmp_path: Path, key: x25519.Identity) -> Path:
    seal(io.BytesIO(WORDS), tmp_path / "one.age", [key.to_public()])
    return tmp_path / "one.age"


def test_what_went_in_comes_out_and_is_told_by_size_and_digest(file: Path, key: x25519.Identity) -> None:
    out = io.BytesIO()
    found = unseal(file, key, out)
    assert out.getvalue() == WORDS
    assert (found.size, found.sha256) == (file.stat().st_size, seen(file).sha256)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"Perseide" not in file.read_bytes()


def test_each_of_several_keys_opens_it(tmp_path: Path, key: x25519.Identity) -> None:
    other = x25519.Identity.generate()
    seal(io.BytesIO(WORDS), tmp_path / "two.age", [key.to_public(), other.to_public()])
    for one in (key, other):
        out = io.BytesIO()
        unseal(tmp_path / "two.age", one, out)
        assert out.getvalue() == WORDS


@pytest.mark.parametrize("cut", [0, 1, 100, 250, 70_000, -1, -16, -65_552])
def test_a_file_that_is_cut_off_anywhere_is_seen(file: Path, key: x25519.Identity, cut: int) -> None:
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(BackupError, match="cut off, or was changed") as told:
        unseal(file, key, io.BytesIO())
    assert told.value.code == "damaged"


@pytest.mark.parametrize("place", [5, 120, 300, 100_000, -1])
def test_a_file_of_which_one_bit_was_changed_is_seen(file: Path, key: x25519.Identity, place: int) -> None:
    held = bytearray(file.read_bytes())
    held[place] ^= 1
    file.write_bytes(held)
    with pytest.raises(BackupError):
        unseal(file, key, io.BytesIO())


def test_another_key_is_told_as_such(file: Path) -> None:
    with pytest.raises(BackupError, match="does not open") as told:
        unseal(file, x25519.Identity.generate(), io.BytesIO())
    assert told.value.code == "no_key"


def test_what_cannot_be_read_to_its_end_leaves_no_file(tmp_path: Path, key: x25519.Identity) -> None:
    class Breaks:
        def read(self, _: int) -> bytes:
            raise OSError(28, "No space left on device")

    with pytest.raises(BackupError) as told:
        seal(Breaks(), tmp_path / "one.age", [key.to_public()])
    assert told.value.code == "disk_full"
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_not_written_over(file: Path, key: x25519.Identity) -> None:
    before = file.read_bytes()
    with pytest.raises(BackupError):
        seal(io.BytesIO(b"other"), file, [key.to_public()])
    assert file.read_bytes() == before
