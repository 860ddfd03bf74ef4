"""What a copy says of itself: in the clear and without a name, and sealed beside it, so that an edited one is seen."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pyrage import x25519

from adapters.backups.faults import BackupError, telling
from adapters.backups.sealed import Sealed, damaged, seal, unseal
from adapters.key_files import write_beside

#: How a copy is laid out. A program reads those up to its own.
LAYOUT: Final = 1

MANIFEST: Final = "manifest.json"
SEALED_MANIFEST: Final = "manifest.age"
DATABASE: Final = "database.age"
PEOPLE_KEYS: Final = "participants-keys.age"
SEAL_KEYS: Final = "seal-keys.age"
BASE: Final = "server.age"


@dataclass(frozen=True)
class Content:
    """What a database held at one moment: of each table its rows and a digest of them; its policies and its rights."""

    tables: Mapping[str, Sequence[Any]]
    policies: int
    rights: int
    #: What `spheres verify` said of its record when it was copied: what was wrong then is no fault of the copy.
    findings: Sequence[str] = ()


@dataclass(frozen=True)
class ServerOf:
    """The server of a copy: its version and number, the timeline, and the version of the programs that wrote."""

    version: int
    tools: int
    system: str | None = None
    timeline: int | None = None


@dataclass(frozen=True)
class BaseOf:
    """The files of a server in a copy: of which one, from which of its own files on, and when the last was read."""

    system: str
    from_file: str
    ended_at: datetime


@dataclass(frozen=True)
class HeadOf:
    """The last seal of a program's record."""

    number: int
    signature: str


@dataclass(frozen=True)
class Manifest:
    """One copy: of which installation, by which version, of which moment, and what each of its files has to be.

    `heads` is the last seal of each program's record; `ledger` the head of the list that lies apart, None where there
    is none; `base` says from which moment on the files of the server lead to any other. `zone` is in which a moment
    without an offset is meant. `keys_missing` counts the keys that rows needed and that lay nowhere.
    """

    id: str
    installation: str
    version: str
    schema: str
    taken_at: datetime
    server: ServerOf
    zone: str
    heads: Mapping[str, HeadOf]
    ledger: Mapping[str, object] | None
    base: BaseOf | None
    files: Mapping[str, Sealed]
    keys_missing: int = 0
    size: int = 0  # of the database, where it lay: by it the room is known that a trial takes
    layout: int = LAYOUT


@dataclass(frozen=True)
class Inside:
    """What is sealed with the manifest alone: its digest, and what the database held."""

    manifest_sha256: str
    content: Content = field(repr=False)


def write_manifest(folder: Path, manifest: Manifest, content: Content, to: Sequence[x25519.Recipient]) -> None:
    """Write both halves into the folder of an unfinished copy. Raises BackupError."""
    files = {name: {"size": one.size, "sha256": one.sha256} for name, one in manifest.files.items()}
    said = asdict(manifest) | {"files": files}
    text = (json.dumps(said, indent=1, sort_keys=True, default=_moment) + "\n").encode()
    inside = Inside(hashlib.sha256(text).hexdigest(), content)
    with telling(folder):
        write_beside(folder / MANIFEST, text).replace(folder / MANIFEST)
    seal(io.BytesIO(json.dumps(asdict(inside)).encode()), folder / SEALED_MANIFEST, to)


def read_manifest(folder: Path) -> Manifest:
    """What a copy says of itself in the clear. Raises BackupError where it is none, or of a newer program."""
    path = folder / MANIFEST
    with telling(path):
        text = path.read_bytes()
    try:
        said = json.loads(text)
        layout = int(said.get("layout"))
    except (ValueError, TypeError, AttributeError):
        raise damaged(path) from None
    if layout > LAYOUT:
        raise newer(folder)
    try:
        return _made_of(said)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise damaged(path) from None


def installation_of(folder: Path) -> str | None:
    """Of which installation a copy says that it is, also one of a newer program; None where it says none."""
    try:
        said = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return None
    return said.get("installation") if isinstance(said, dict) else None


def _made_of(said: Any) -> Manifest:
    files = {str(name): Sealed(**one) for name, one in said.pop("files").items()}
    server, base, taken_at = ServerOf(**said.pop("server")), said.pop("base"), _read_moment(said.pop("taken_at"))
    if base is not None:
        base = BaseOf(ended_at=_read_moment(base.pop("ended_at")), **base)
    heads = {str(key): HeadOf(**one) for key, one in said.pop("heads").items()}
    return Manifest(**said, heads=heads, server=server, base=base, taken_at=taken_at, files=files)


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError


def _read_moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() is None:
        raise ValueError
    return moment


def open_manifest(folder: Path, key: x25519.Identity) -> Content:
    """Hold the clear half against the sealed one; what the database held. Raises BackupError where they differ."""
    sealed = io.BytesIO()
    unseal(folder / SEALED_MANIFEST, key, sealed)
    try:
        inside = json.loads(sealed.getvalue())
        digest, content = inside.pop("manifest_sha256"), Content(**inside.pop("content"))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise damaged(folder / SEALED_MANIFEST) from None
    with telling(folder / MANIFEST):
        if hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest() != digest:
            raise BackupError(
                "damaged",
                "%(file)s was changed since the copy was made: it is not what is sealed beside it.",
                file=folder / MANIFEST,
            )
    return content


def newer(folder: Path) -> BackupError:
    """What is said where a newer version of the program made the copy."""
    return BackupError(
        "failed",
        "A newer version of the program made the copy %(folder)s. Nothing was changed: restore it with that version.",
        folder=folder,
    )
