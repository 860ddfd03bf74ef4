"""What the server runs for each file: archived once, the same when it comes again, and never lost to a full folder."""

from __future__ import annotations

import io
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from pyrage import x25519

from adapters.archive import Archive
from adapters.backups.sealed import unseal

NAME = "000000010000000000000007"
ARCHIVE = Archive(Path("/nowhere"), "age1")


@pytest.fixture
def key() -> x25519.Identity:
    return x25519.Identity.generate()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "wal").write_bytes(b"what was written " * 1000 + bytes(1 << 20))
    return tmp_path / "wal"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "archive 100%").mkdir()
    return tmp_path / "archive 100%"


def archive(file: Path, folder: Path, key: x25519.Identity) -> int:
    """Run it as the server does: by the shell, with its own words put in."""
    settings = Archive(folder.parent, str(key.to_public())).settings(folder.name)
    command = settings["archive_command"].replace("%p", str(file)).replace("%f", NAME).replace("%%", "%")
    return subprocess.run(command, shell=True, check=False, capture_output=True).returncode  # noqa: S602


def test_a_file_is_archived_small_and_encrypted(file: Path, folder: Path, key: x25519.Identity) -> None:
    assert archive(file, folder, key) == 0
    out = io.BytesIO()
    unseal(folder / f"{NAME}.age", key, out)
    assert zlib.decompress(out.getvalue()) == file.read_bytes()
    assert (folder / f"{NAME}.age").stat().st_size < 20_000
    assert not any(b"what was written" in one.read_bytes() for one in folder.iterdir())


def test_a_file_that_comes_again_is_well_and_another_of_its_name_is_not(
    file: Path, folder: Path, key: x25519.Identity
) -> None:
    archive(file, folder, key)
    before = (folder / f"{NAME}.age").read_bytes()
    assert archive(file, folder, key) == 0
    file.write_bytes(b"another")
    assert archive(file, folder, key) != 0
    assert (folder / f"{NAME}.age").read_bytes() == before


def test_a_mark_without_its_file_is_of_a_crash_and_is_written_again(
    file: Path, folder: Path, key: x25519.Identity
) -> None:
    (folder / f"{NAME}.sha256").write_text("half", encoding="ascii")
    (folder / f".{NAME}.age.part").write_bytes(b"half")
    assert archive(file, folder, key) == 0
    assert archive(file, folder, key) == 0


def test_a_folder_that_is_gone_or_full_is_no_success(file: Path, folder: Path, key: x25519.Identity) -> None:
    folder.rmdir()
    assert archive(file, folder, key) != 0
    file.unlink()
    assert archive(file, folder.parent, key) != 0


def test_it_reads_nothing_of_the_program() -> None:
    command = ARCHIVE.settings("7")["archive_command"].split(" ")
    script = command[command.index("-I") + 1]
    asked = f"import runpy, sys; runpy.run_path({script!r}); print('adapters' in sys.modules)"
    ran = subprocess.run([sys.executable, "-I", "-c", asked], check=True, capture_output=True, text=True)
    assert ran.stdout == "False\n"
