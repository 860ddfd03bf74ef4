"""The files of keys as one stream, and back into a place where none lie."""

from __future__ import annotations

import io
import os
import re
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from pyrage import x25519

from adapters.backups.faults import BackupError, telling
from adapters.backups.sealed import unseal
from adapters.key_files import settle
from adapters.people_keys import is_being_destroyed

#: The names that files of keys have: nothing else is taken out, wherever it would go.
_NAMES: Final = re.compile(r"seal\.json|master\.json|wrapped/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SINGLE: Final = "seal.json"


@dataclass(frozen=True)
class SealedKeys:
    """Both sets of keys as they lie encrypted in a folder, and the key that opens them."""

    folder: Path
    key: x25519.Identity = field(repr=False)

    def keys(self, name: str) -> io.BytesIO:
        """The files of one set, as one stream. Raises BackupError."""
        stream = io.BytesIO()
        unseal(self.folder / name, self.key, stream)
        return stream


def packed(place: Path) -> io.BytesIO:
    """One file, or a folder, of keys. What is destroyed meanwhile is left out. Raises BackupError."""
    whole = io.BytesIO()
    with telling(place), tarfile.open(fileobj=whole, mode="w") as tar:
        for name, path in _files(place):
            try:
                content, stood = path.read_bytes(), path.stat()
            except FileNotFoundError:
                if name.startswith("wrapped/"):
                    continue  # destroyed since it was listed
                raise
            if name.startswith("wrapped/") and is_being_destroyed(content):
                continue
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = len(content), int(stood.st_mtime)
            tar.addfile(entry, io.BytesIO(content))
    whole.seek(0)
    return whole


def unpack(stream: io.BytesIO, place: Path) -> int:
    """Put a file, or a folder, of keys into place at once, where none is; how many files. Raises BackupError."""
    with staged(stream, place) as files:
        put_staged(place)
    return len(files)


@contextmanager
def staged(stream: io.BytesIO, place: Path) -> Iterator[dict[Path, Path]]:
    """The keys beside their place, as long as the block lasts: each file, and where it will lie. Raises BackupError."""
    beside = beside_of(place)
    stream.seek(0)
    files: dict[Path, Path] = {}
    with telling(place):
        shutil.rmtree(beside, ignore_errors=True)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside.mkdir(mode=0o700)
    try:
        with telling(place):
            for entry, content in _entries(stream):
                _put(beside / entry.name, content, entry.mtime)
                files[beside / entry.name] = place if entry.name == _SINGLE else place / entry.name
            (beside / "wrapped").mkdir(mode=0o700, exist_ok=True)
        yield files
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def beside_of(place: Path) -> Path:
    """Where keys lie until they are put into their place."""
    return place.with_name(f"{place.name}.restoring")


def put_staged(place: Path) -> None:
    """Put the keys that lie beside a place there, at once, and never over others. Raises BackupError."""
    with telling(place):
        _into_place(beside_of(place), place)


def _entries(stream: io.BytesIO) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    try:
        with tarfile.open(fileobj=stream) as tar:
            for entry in tar:
                if not entry.isfile() or not _NAMES.fullmatch(entry.name):
                    raise BackupError("damaged", "The copy of the keys holds what is no key.")
                yield entry, tar.extractfile(entry)
    except tarfile.TarError:
        raise BackupError("damaged", "The copy of the keys holds what is no key.") from None


def _files(place: Path) -> Iterator[tuple[str, Path]]:
    if place.is_file():
        yield _SINGLE, place
        return
    yield "master.json", place / "master.json"
    for path in sorted((place / "wrapped").iterdir()):
        name = f"wrapped/{path.name}"
        if _NAMES.fullmatch(name):  # an unfinished one, of a crash, is none
            yield name, path


def _put(path: Path, content: IO[bytes] | None, moment: float) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "wb") as file:  # noqa: PTH123  # a descriptor, not a path
        file.write(content.read() if content else b"")
        file.flush()
        os.fsync(handle)
    os.utime(path, (moment, moment))  # by when it was made it is told whether a row can still come


def _into_place(beside: Path, place: Path) -> None:
    single = beside / _SINGLE
    if single.exists():
        place.hardlink_to(single)  # never over another
    else:
        settle(beside / "wrapped")
        settle(beside)
        if place.exists() and any(place.iterdir()):
            raise BackupError("no_place", "There are keys in %(place)s already. Nothing was changed.", place=place)
        beside.rename(place)
    settle(place.parent)
