"""The keys in the archive, beside what the server wrote since the last copy: `python -m adapters.backups.keys_ahead`.

A row of this morning is of no use without the key that was made for it. One copy of each server's lies there, and no
other: a key that is destroyed is out of it within a minute. What another server runs over stays as it is.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

from pyrage import x25519

from adapters.archive import Archive
from adapters.backups.faults import BackupError, telling
from adapters.backups.keeping import Keeping, is_past
from adapters.backups.keys_packed import SealedKeys, packed
from adapters.backups.manifest import PEOPLE_KEYS, SEAL_KEYS
from adapters.backups.pair import public_key
from adapters.backups.sealed import seal
from adapters.key_files import settle
from adapters.postgres import EmbeddedPostgres, PostgresError
from adapters.settings import Settings


def keys_ahead(archive: Archive, system: str, key: x25519.Identity) -> SealedKeys | None:
    """Those that lie in this archive for one server, None where none do."""
    folder = archive.keys_of(system)
    there = all((folder / name).exists() for name in (PEOPLE_KEYS, SEAL_KEYS))
    return SealedKeys(folder, key) if there else None


def copy_keys(archive: Archive, system: str, places: dict[str, Path]) -> int:
    """Copy each set of keys that changed into the archive, for this server; how many did. Raises BackupError."""
    folder, changed = archive.keys_of(system), 0
    with telling(archive.folder):
        for made in (folder.parent, folder):
            made.mkdir(mode=0o700, exist_ok=True)
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


def forget_keys(archive: Archive, system: str, keeping: Keeping, now: datetime) -> int:
    """Remove the keys of every other server that have outlived their days; of how many it was. Raises BackupError."""
    with telling(archive.folder):
        others = [one for one in archive.keys_of("").glob("*") if one.name != system and one.is_dir()]
        gone = [one for one in others if is_past(_last_written(one), keeping, now)]
        for one in gone:
            shutil.rmtree(one)
    return len(gone)


def _last_written(folder: Path) -> datetime:
    return datetime.fromtimestamp(max((one.stat().st_mtime for one in folder.iterdir()), default=0.0), UTC)


def main() -> None:
    """Do it once for the installation that the environment names. Status 1 where it cannot be done."""
    settings = Settings.from_env(os.environ)
    archive = settings.backups.archived
    if archive is not None:
        try:
            system = EmbeddedPostgres(settings.data / "postgres").system()
            copy_keys(archive, system, {PEOPLE_KEYS: settings.people_keys, SEAL_KEYS: settings.seal_keys})
        except (BackupError, PostgresError) as failed:
            sys.exit(str(failed))


if __name__ == "__main__":
    main()
