"""The keys in the archive, beside what the server wrote since the last copy: `python -m adapters.backups.keys_ahead`.

A row of this morning is of no use without the key that was made for it. One copy lies there, and no other: a key that
is destroyed is out of it within a minute.
"""

from __future__ import annotations

import hashlib
import io
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pyrage import x25519

from adapters.archive import Archive
from adapters.backups.faults import BackupError, telling
from adapters.backups.keys_packed import packed
from adapters.backups.manifest import PEOPLE_KEYS, SEAL_KEYS
from adapters.backups.pair import public_key
from adapters.backups.sealed import seal, unseal
from adapters.key_files import settle
from adapters.settings import Settings

#: Of the archive, beside the folders of servers.
FOLDER: Final = "keys"


@dataclass(frozen=True)
class KeysAhead:
    """The keys that lie in an archive."""

    folder: Path
    key: x25519.Identity = field(repr=False)

    def keys(self, name: str) -> io.BytesIO:
        """The files of keys, as one stream. Raises BackupError."""
        stream = io.BytesIO()
        unseal(self.folder / name, self.key, stream)
        return stream


def keys_ahead(archive: Archive, key: x25519.Identity) -> KeysAhead | None:
    """Those that lie in this archive, None where none do."""
    folder = archive.folder / FOLDER
    there = all((folder / name).exists() for name in (PEOPLE_KEYS, SEAL_KEYS))
    return KeysAhead(folder, key) if there else None


def copy_keys(archive: Archive, places: dict[str, Path]) -> int:
    """Copy each set of keys that changed into the archive; how many did. Raises BackupError."""
    folder, changed = archive.folder / FOLDER, 0
    with telling(archive.folder):
        folder.mkdir(mode=0o700, exist_ok=True)
    for name, place in places.items():
        stream = packed(place)
        digest = hashlib.sha256(stream.getvalue()).hexdigest()
        mark, unfinished = folder / f"{name}.sha256", folder / f".{name}.part"
        with telling(folder):
            if (folder / name).exists() and mark.exists() and mark.read_text(encoding="ascii") == digest:
                continue
            unfinished.unlink(missing_ok=True)
            mark.unlink(missing_ok=True)
        seal(stream, unfinished, [public_key(archive.key)])
        with telling(folder):
            unfinished.replace(folder / name)
            mark.write_text(digest, encoding="ascii")
            settle(folder)
        changed += 1
    return changed


def main() -> None:
    """Do it once for the installation that the environment names. Status 1 where it cannot be done."""
    settings = Settings.from_env(os.environ)
    archive = settings.backups.archived
    if archive is not None:
        try:
            copy_keys(archive, {PEOPLE_KEYS: settings.people_keys, SEAL_KEYS: settings.seal_keys})
        except BackupError as failed:
            sys.exit(str(failed))


if __name__ == "__main__":
    main()
