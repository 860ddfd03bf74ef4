"""What a copy says of itself: in the clear and without a name, and sealed beside it, so that an edited one is seen."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from adapters.backups.faults import BackupError, telling
from adapters.backups.sealed import Sealed, damaged, seal, unseal
from adapters.key_files import write_beside

if TYPE_CHECKING:
    from pyrage import x25519

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


@dataclass(frozen=True)
class Manifest:
    """One copy: of which installation, by which version, of which moment, and what each of its files has to be.

    `heads` is the last seal of each program's record; `ledger` the head of the list that lies apart, None where there
    is none; `base` says from which moment on the files of the server lead to any other. `zone` is in which a moment
    without an offset is meant.
    """

    id: str
    installation: str
    version: str
    schema: str
    taken_at: datetime
    server: Mapping[str, Any]
    zone: str
    heads: Mapping[str, Mapping[str, Any]]
    ledger: Mapping[str, Any] | None
    base: Mapping[str, Any] | None
    files: Mapping[str, Sealed]
    layout: int = LAYOUT


@dataclass(frozen=True)
class Inside:
    """What is sealed with the manifest alone: its digest, and what the database held."""

    manifest_sha256: str
    content: Content = field(repr=False)


def write_manifest(folder: Path, manifest: Manifest, content: Content, to: Sequence[x25519.Recipient]) -> None:
    """Write both halves into the folder of an unfinished copy. Raises BackupError."""
    files = {name: {"size": one.size, "sha256": one.sha256} for name, one in manifest.files.items()}
    said = asdict(manifest) | {"taken_at": manifest.taken_at.isoformat(), "files": files}
    text = (json.dumps(said, indent=1, sort_keys=True) + "\n").encode()
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
        layout = int(said["layout"])
    except (ValueError, KeyError, TypeError):
        raise damaged(path) from None
    if layout > LAYOUT:
        raise newer(folder)
    try:
        files = {str(name): Sealed(int(one["size"]), str(one["sha256"])) for name, one in said.pop("files").items()}
        taken_at = datetime.fromisoformat(said.pop("taken_at"))
        if taken_at.utcoffset() is None:
            raise damaged(path)
        return Manifest(**said, taken_at=taken_at, files=files)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise damaged(path) from None


def open_manifest(folder: Path, key: x25519.Identity) -> Content:
    """Hold the clear half against the sealed one; what the database held. Raises BackupError where they differ."""
    sealed = io.BytesIO()
    unseal(folder / SEALED_MANIFEST, key, sealed)
    try:
        inside = json.loads(sealed.getvalue())
        content = Content(**inside["content"])
        digest = str(inside["manifest_sha256"])
    except (ValueError, KeyError, TypeError):
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
