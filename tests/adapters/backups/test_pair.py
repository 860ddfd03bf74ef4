"""The key pair of the copies: made once, closed to others, and told apart from what is none."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from adapters.backups.faults import BackupError
from adapters.backups.pair import make_pair, private_key, public_key


def test_the_private_key_fits_the_public_one_and_is_its_owners_alone(tmp_path: Path) -> None:
    public = make_pair(tmp_path / "key")
    assert str(private_key(tmp_path / "key").to_public()) == public == str(public_key(public))
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["key"]


def test_a_file_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a key of long ago", encoding="ascii")
    with pytest.raises(BackupError, match="there already"):
        make_pair(tmp_path / "key")
    assert (tmp_path / "key").read_text(encoding="ascii") == "a key of long ago"


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    make_pair(tmp_path / "key")
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(BackupError, match="chmod 600"):
        private_key(tmp_path / "key")


def test_a_key_may_be_handed_over_without_a_file_on_a_disk(tmp_path: Path) -> None:
    public = make_pair(tmp_path / "key")
    pipe, end = os.pipe()
    os.write(end, (tmp_path / "key").read_bytes())
    os.close(end)
    try:
        assert str(private_key(Path(f"/dev/fd/{pipe}")).to_public()) == public
    finally:
        os.close(pipe)


@pytest.mark.parametrize("held", ["", "age1lacks", "AGE-SECRET-KEY-1" + "Q" * 58])
def test_what_is_no_private_key_is_told_as_such(tmp_path: Path, held: str) -> None:
    (tmp_path / "key").write_text(held, encoding="ascii")
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(BackupError, match="holds no private key"):
        private_key(tmp_path / "key")


def test_a_key_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="nowhere"):
        private_key(tmp_path / "nowhere")


def test_a_public_key_with_a_wrong_letter_is_refused(tmp_path: Path) -> None:
    public = make_pair(tmp_path / "key")
    swapped = public[:-1] + ("q" if public[-1] != "q" else "p")
    with pytest.raises(BackupError, match="a letter is wrong"):
        public_key(swapped)
