"""One copy, from the first byte to the day on which it goes: written, read back, verified, put in its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from pyrage import x25519

from adapters.backups import dumps, keys_packed
from adapters.backups.aside import aside
from adapters.backups.faults import BackupError
from adapters.backups.manifest import (
    BASE,
    DATABASE,
    PEOPLE_KEYS,
    SEAL_KEYS,
    BaseOf,
    Manifest,
    open_manifest,
    write_manifest,
)
from adapters.backups.restoring import KeyPlaces
from adapters.backups.room import refuse_without_room
from adapters.backups.sealed import Sealed, seal, seen, unseal
from adapters.backups.shelf import Shelf


@dataclass(frozen=True)
class Verdict:
    """What is wrong with a copy that was wrong already where it was made: of its record, and how many keys lie nowhere.

    Such a copy is kept: it is what there is.
    """

    findings: Sequence[str] = ()
    keys_missing: int = 0


#: Looks at a database that came back, with the keys that came back, and raises where it is not what it was at the
#: moment that a snapshot holds fast.
Judge = Callable[[str, Path, Path, str], Verdict]

#: Writes the files of a server into an encrypted file; what the manifest has to say of them.
WriteBase = Callable[[Path, list["x25519.Recipient"]], tuple[Sealed, BaseOf]]


@dataclass(frozen=True)
class Origin:
    """What is copied: the database by its owner's address, and where the two sets of keys lie."""

    installation: str
    version: str
    seal_keys: Path
    people_keys: Path
    owner_url: str = field(repr=False)


@dataclass(frozen=True)
class Taken:
    """A copy that was made and verified: its name, how many rows came back of it, and what was wrong before it."""

    id: str
    rows: int
    size: int
    verdict: Verdict = Verdict()


def take(
    origin: Origin,
    shelf: Shelf,
    to: x25519.Recipient,
    *,
    at: datetime,
    beside: Path,
    judge: Judge,
    ledger: Callable[[], Mapping[str, object] | None] = lambda: None,
    base: WriteBase | None = None,
) -> Taken:
    """Make one copy and verify it. Raises BackupError, and leaves no copy then.

    The caller holds `dumps.alone`. The files are encrypted to a second key too, which lives as long as this call: by
    it they are read back from the disk, the database is restored into an empty server `beside`, and the keys that
    judge it are those of the copy. `base` writes the files of the server itself: those are read back, and not restored.
    """
    passing = x25519.Identity.generate()
    both = [to, passing.to_public()]
    with shelf.new(at) as making, dumps.moment_of(origin.owner_url) as moment:
        refuse_without_room(beside, moment.size)
        files = {DATABASE: moment.dump(making / DATABASE, both)}
        # After the database's moment: a key is there before the row that needs it.
        for name, place in ((PEOPLE_KEYS, origin.people_keys), (SEAL_KEYS, origin.seal_keys)):
            files[name] = seal(keys_packed.packed(place), making / name, both)
        of_base = None
        if base is not None:
            files[BASE], of_base = base(making / BASE, both)
        _read_back(making, files, passing)
        rows, verdict = _tried(making, moment, passing, beside, judge)
        manifest = Manifest(
            id=shelf.name_of(making),
            installation=origin.installation,
            version=origin.version,
            schema=moment.schema,
            taken_at=at,
            server=moment.server,
            zone=moment.zone,
            heads=moment.heads,
            ledger=ledger(),
            base=of_base,
            files=files,
            keys_missing=verdict.keys_missing,
            size=moment.size,
        )
        write_manifest(making, manifest, replace(moment.content, findings=verdict.findings), both)
        open_manifest(making, passing)
    return Taken(manifest.id, rows, sum(one.size for one in files.values()), verdict)


def _tried(
    making: Path, moment: dumps.Moment, passing: x25519.Identity, beside: Path, judge: Judge
) -> tuple[int, Verdict]:
    """Restore what was written, and look at it with the keys that were written; its rows. Raises BackupError."""
    with aside(beside) as server:
        url = server.urls().owner
        dumps.load(making / DATABASE, passing, url, written_by=moment.server.tools)
        rows = dumps.compare(url, moment.content)
        keys = KeyPlaces(beside / "keys" / "seal.json", beside / "keys" / "people")
        keys.put(keys_packed.SealedKeys(making, passing))
        return rows, judge(url, keys.seal_keys, keys.people_keys, moment.snapshot)


class _Nowhere:
    """Takes what is read back and keeps nothing."""

    def write(self, part: bytes) -> int:
        """Take it."""
        return len(part)


def _read_back(folder: Path, files: Mapping[str, Sealed], key: x25519.Identity) -> None:
    """See that each file on the disk is what was written, and opens to what went into it. Raises BackupError."""
    for name, one in files.items():
        if name == DATABASE:  # it is read as it is restored, and its size and digest are looked at here
            found = seen(folder / name)
            wanted = Sealed(one.size, one.sha256)
        else:
            found, wanted = unseal(folder / name, key, _Nowhere()), one
        if found != wanted:
            raise BackupError("not_verified", "%(file)s does not lie on the disk as it was written.", file=name)
