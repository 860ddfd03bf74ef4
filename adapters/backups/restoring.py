"""The way back: a copy that is opened and held to be whole, and taken into a place where nothing lies."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from pyrage import x25519

from adapters.backups import dumps, keys_packed
from adapters.backups.faults import BackupError, Busy, telling
from adapters.backups.manifest import DATABASE, PEOPLE_KEYS, SEAL_KEYS, Content, Manifest, open_manifest, read_manifest
from adapters.backups.sealed import damaged, seen, unseal
from adapters.key_files import settle
from adapters.places import WORKING
from adapters.postgres import DatabaseUrls, EmbeddedPostgres, PostgresError

#: What may lie in a data folder beforehand, and stays: nothing of it is data, and by the ledger a restore is known.
_NO_DATA: Final = frozenset({"up.lock", WORKING, "ledger", "prefect", "prefect-auth"})
#: Says in the working folder that the folder held no keys before.
_BRINGS_KEYS: Final = "brings-keys"


@dataclass(frozen=True)
class Copy:
    """A copy whose manifest is as it was sealed, and the key that opens its files."""

    folder: Path
    manifest: Manifest
    content: Content = field(repr=False)
    key: x25519.Identity = field(repr=False)

    def check_files(self, names: Sequence[str]) -> None:
        """See that each of these files lies there whole. Raises BackupError."""
        for name in names:
            wanted = self.manifest.files.get(name)
            if wanted is None or not (self.folder / name).exists():
                raise BackupError("damaged", "%(file)s is missing from the copy.", file=self.folder / name)
            found = seen(self.folder / name)
            if (found.size, found.sha256) != (wanted.size, wanted.sha256):
                raise damaged(self.folder / name)

    def load(self, url: str) -> int:
        """Take the database into an empty one and hold it against what was copied; its rows. Raises BackupError."""
        dumps.load(self.folder / DATABASE, self.key, url, written_by=self.manifest.server.tools)
        return dumps.compare(url, self.content)

    def keys(self, name: str) -> io.BytesIO:
        """The files of keys, as one stream. Raises BackupError."""
        stream = io.BytesIO()
        unseal(self.folder / name, self.key, stream)
        return stream


def open_copy(folder: Path, key: x25519.Identity) -> Copy:
    """Open a copy's manifest. Raises BackupError where it was changed, or is of a newer program or for another key."""
    manifest = read_manifest(folder)
    return Copy(folder, manifest, open_manifest(folder, key), key)


class KeysOf(Protocol):
    """What holds both sets of keys: a copy, or an archive."""

    def keys(self, name: str) -> io.BytesIO:
        """The files of one set, as one stream. Raises BackupError."""
        ...


@dataclass(frozen=True)
class KeyPlaces:
    """Where the two sets of keys lie, or are put."""

    seal_keys: Path
    people_keys: Path

    def refuse_taken(self) -> None:
        """Refuse where keys lie already. Raises BackupError."""
        for place in (self.seal_keys, self.people_keys / "master.json"):
            if place.exists():
                raise BackupError(
                    "no_place",
                    "There are keys already: %(place)s. Nothing was changed. To keep those, add --without-keys.",
                    place=place,
                )

    def put(self, copy: KeysOf) -> None:
        """Put the keys of a copy there, both sets or none, and never over others. Raises BackupError."""
        people = copy.keys(PEOPLE_KEYS)
        keys_packed.unpack(copy.keys(SEAL_KEYS), self.seal_keys)
        try:
            keys_packed.unpack(people, self.people_keys)
        except BaseException:
            self.seal_keys.unlink()
            raise


#: Looks at what came back: the owner's address, the application's, and where the keys lie, None where they do not.
Look = Callable[[DatabaseUrls, KeyPlaces | None], None]


def refuse_data(folder: Path, *, but: Sequence[str] = ()) -> None:
    """Refuse a data folder in which anything lies, `but` these names. Raises BackupError."""
    with telling(folder):
        there = sorted({one.name for one in folder.iterdir()} - _NO_DATA - {*but}) if folder.exists() else []
    if there and not (folder / WORKING).exists():
        raise BackupError(
            "no_place",
            "%(folder)s is not empty: %(there)s lies there. Nothing was changed. Name an empty folder with --into.",
            folder=folder,
            there=there[0],
        )


#: Has the server of a copy in a working folder, at rest, in another way than from the copy's database.
Recover = Callable[[Copy, Path], EmbeddedPostgres]


def into_folder(
    copy: Copy, folder: Path, keys_of: KeysOf | None, places: KeyPlaces, look: Look, *, recover: Recover | None = None
) -> int:
    """Bring a copy back into an empty data folder, as `spheres up` takes it; returns the rows. Raises BackupError.

    The caller holds the folder's lock. Until all is there the folder says that it is not: where a process is killed in
    the middle, the next one begins anew. `look` comes before anything is in its place.
    """
    with _worked_in(folder, brings_keys=keys_of is not None) as working:
        if recover is not None:
            recover(copy, working)
        with EmbeddedPostgres(working / "postgres", fast=True) as server:
            owner = server.urls().owner
            rows = copy.load(owner) if recover is None else dumps.count(owner)
            look(server.urls(), _tried(keys_of, working))
        if keys_of is not None:
            places.put(keys_of)
        os.sync()  # the server was made in haste: only now is it on the disk for good
        with telling(folder):
            (working / "postgres").rename(folder / "postgres")
            settle(folder)
    return rows


def into_database(
    copy: Copy, urls: DatabaseUrls, folder: Path, keys_of: KeysOf | None, places: KeyPlaces, look: Look
) -> int:
    """Bring a copy back into an empty database of a server of one's own; returns the rows. Raises BackupError.

    Where what came back is not what was copied, the database is emptied again. `folder` is the data folder, whose lock
    the caller holds.
    """
    for left in folder.glob(f"{WORKING}-*"):  # of one that was killed: keys lie in it
        shutil.rmtree(left)
    with dumps.alone(urls.owner) as is_alone, tempfile.TemporaryDirectory(prefix=f"{WORKING}-", dir=folder) as working:
        if not is_alone:
            raise Busy
        if not dumps.is_empty(urls.owner):
            raise BackupError("no_place", "The database is not empty. Nothing was changed: name an empty one.")
        try:
            rows = copy.load(urls.owner)
            look(urls, _tried(keys_of, Path(working)))
            if keys_of is not None:
                places.put(keys_of)
        except BaseException:
            dumps.empty_again(urls.owner)
            raise
    return rows


def _tried(keys_of: KeysOf | None, working: Path) -> KeyPlaces | None:
    """The keys of a copy, where what came back can be looked at with them before anything is in its place."""
    if keys_of is None:
        return None
    (working / "keys").mkdir(mode=0o700)
    tried = KeyPlaces(working / "keys" / "seal.json", working / "keys" / "people")
    tried.put(keys_of)
    return tried


@contextmanager
def _worked_in(folder: Path, *, brings_keys: bool) -> Iterator[Path]:
    """A working folder in `folder`, gone at the end. One that is there already is of a restore that was killed."""
    working = folder / WORKING
    if working.exists():
        _forget(folder)
    with telling(folder):
        working.mkdir(mode=0o700)
        if brings_keys:  # those that lay there before are none of ours to remove
            (working / _BRINGS_KEYS).touch()
        settle(working)
        settle(folder)
    try:
        yield working
    except BaseException:
        _forget(folder)
        raise
    _forget_working(working)


def _forget(folder: Path) -> None:
    """Remove what a restore has put into an empty folder so far, its mark last."""
    working = folder / WORKING
    _stop(working / "postgres")
    if (folder / "postgres").exists():
        shutil.rmtree(folder / "postgres")
    if (working / _BRINGS_KEYS).exists() and (folder / "keys").exists():
        shutil.rmtree(folder / "keys")
    _forget_working(working)


def _stop(server: Path) -> None:
    try:
        EmbeddedPostgres(server).stop()
    except PostgresError as refused:
        raise BackupError("failed", refused.sentence, **refused.facts) from None


def _forget_working(working: Path) -> None:
    with telling(working):
        for left in working.iterdir():  # its mark goes last
            if left.is_dir():
                shutil.rmtree(left)
        shutil.rmtree(working)
        settle(working.parent)
