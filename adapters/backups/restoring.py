"""The way back: a copy that is opened and held to be whole, and taken into a place where nothing lies."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from pyrage import x25519

from adapters.backups import dumps, keys_packed
from adapters.backups.aside import serving
from adapters.backups.faults import BackupError, Busy, telling
from adapters.backups.manifest import DATABASE, PEOPLE_KEYS, SEAL_KEYS, Content, Manifest, open_manifest, read_manifest
from adapters.backups.sealed import damaged, seen, unseal
from adapters.backups.traces import Traces, marked
from adapters.key_files import settle
from adapters.places import WORKING
from adapters.postgres import DatabaseUrls, EmbeddedPostgres

#: What may lie in a data folder beforehand, and stays: nothing of it is data, and by the ledger a restore is known.
_NO_DATA: Final = frozenset({"up.lock", WORKING, "ledger", "prefect", "prefect-auth"})
#: Those of both sets, where no other place is named.
_KEYS: Final = frozenset({"keys"})


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

    def put(self, copy: KeysOf, traces: Traces | None = None) -> None:
        """Put the keys of a copy there, both sets or none, and never over others. Raises BackupError."""
        people, seals = copy.keys(PEOPLE_KEYS), copy.keys(SEAL_KEYS)
        if traces is not None:
            traces.will_put([self.seal_keys, self.people_keys])
        with (
            keys_packed.staged(seals, self.seal_keys) as of_seals,
            keys_packed.staged(people, self.people_keys) as of_people,
        ):
            if traces is not None:
                traces.note_keys(of_seals | of_people)
            keys_packed.put_staged(self.seal_keys)
            try:
                keys_packed.put_staged(self.people_keys)
            except BaseException:
                self.seal_keys.unlink()
                raise


#: Looks at what came back: the owner's address, the application's, and where the keys lie, None where they do not.
Look = Callable[[DatabaseUrls, KeyPlaces | None], None]


def _refuse_data(folder: Path, there: AbstractSet[str]) -> None:
    """Refuse a data folder in which anything lies: all of it is told at once. Raises BackupError."""
    if there:
        raise BackupError(
            "no_place",
            "%(folder)s is not empty. What lies there: %(there)s. Nothing was changed. Move that away, or name an "
            "empty folder with --into.",
            folder=folder,
            there=", ".join(sorted(there)),
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

    def refuse(_: Traces) -> None:
        with telling(folder):
            there = {one.name for one in folder.iterdir()} - _NO_DATA
        if keys_of is None:
            there -= _KEYS
        elif there == _KEYS:
            places.refuse_taken()  # and how they are kept
        _refuse_data(folder, there)
        if keys_of is not None:
            places.refuse_taken()  # where they lie elsewhere

    with marked(folder, "folder", refuse, brings_keys=keys_of is not None) as traces:
        working = traces.working
        if recover is not None:
            recover(copy, working)
        with serving(EmbeddedPostgres(working / "postgres", fast=True)) as server:
            owner = server.urls().owner
            rows = copy.load(owner) if recover is None else dumps.count(owner)
            look(server.urls(), _tried(keys_of, working))
        if keys_of is not None:
            places.put(keys_of, traces)
        traces.note_server(working / "postgres")
        os.sync()  # the server was made in haste: only now is it on the disk for good
        with telling(folder):
            (working / "postgres").rename(folder / "postgres")
            settle(folder)
    return rows


def into_database(
    copy: Copy, urls: DatabaseUrls, folder: Path, keys_of: KeysOf | None, places: KeyPlaces, look: Look
) -> int:
    """Bring a copy back into an empty database of a server of one's own; returns the rows. Raises BackupError.

    Where what came back is not what was copied, the database is emptied again; and where a restore was cut off before,
    what it loaded, as far as that is still the same to the row. `folder` is the data folder, which says until all is
    there that it is not, and whose lock the caller holds. The database says so too, for other machines.
    """

    def refuse(former: Traces) -> None:
        if keys_of is not None:
            places.refuse_taken()
        _refuse_rows(urls.owner, former)

    with dumps.alone(urls.owner) as is_alone:
        if not is_alone:
            raise Busy
        emptied = partial(_emptied, urls.owner)
        with marked(folder, "database", refuse, brings_keys=keys_of is not None, emptied=emptied) as traces:
            traces.note_database(urls.owner, copy.content)
            dumps.mark(urls.owner)
            rows = copy.load(urls.owner)
            look(urls, _tried(keys_of, traces.working))
            if keys_of is not None:
                places.put(keys_of, traces)
            dumps.unmark(urls.owner)
    return rows


def keys_into(folder: Path, keys_of: KeysOf, places: KeyPlaces, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Put the keys alone into their places, both sets or none, after what is done `meanwhile`. Raises BackupError.

    `folder` is the data folder, whose lock the caller holds: until all are there it says that they are not.
    """
    with marked(folder, "keys", lambda _: places.refuse_taken(), brings_keys=True) as traces:
        meanwhile()
        places.put(keys_of, traces)


def _refuse_rows(url: str, former: Traces) -> None:
    """Refuse a database in which anything lies, but what a restore that was cut off has loaded: that is taken out."""
    if dumps.is_empty(url):
        return
    if not former.loaded(url):
        raise BackupError(
            "no_place",
            "The database is not empty. Nothing was changed: name an empty one. What a restore that was cut off has "
            "put there is taken out by itself only where it is the same to the row.",
        )
    dumps.empty_again(url)


def _emptied(url: str) -> bool:
    """Take out what was loaded; whether nothing lies there any more, as far as the database answers."""
    with suppress(BackupError):
        dumps.empty_again(url)
        if dumps.is_empty(url):
            dumps.unmark(url)
            return True
    return False


def _tried(keys_of: KeysOf | None, working: Path) -> KeyPlaces | None:
    """The keys of a copy, where what came back can be looked at with them before anything is in its place."""
    if keys_of is None:
        return None
    (working / "keys").mkdir(mode=0o700)
    tried = KeyPlaces(working / "keys" / "seal.json", working / "keys" / "people")
    tried.put(keys_of)
    return tried
