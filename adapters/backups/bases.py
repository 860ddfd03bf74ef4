"""The files of the embedded server as one stream, from which its archive leads to any later moment."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from adapters.archive import Archive
from adapters.backups.dumps import signed_in
from adapters.backups.faults import telling
from adapters.backups.manifest import Manifest
from adapters.backups.sealed import Sealed, seal
from adapters.backups.taking import WriteBase
from adapters.backups.tools import brought, reached, running

if TYPE_CHECKING:
    from pyrage import x25519

#: A file of what the server wrote: its timeline, and its place in the order of all.
_SEGMENT: Final = re.compile(r"[0-9A-F]{8}([0-9A-F]{16})(\.\S+)?")


def base_of(admin_url: str, system: str) -> WriteBase:
    """What writes the files of a running server, as its superuser."""

    def write(path: Path, to: list[x25519.Recipient]) -> tuple[Sealed, Mapping[str, Any]]:
        with signed_in(admin_url) as admin:
            row = admin.execute("select pg_walfile_name(pg_current_wal_lsn())").fetchone()
        way = reached(admin_url)
        options = ["--pgdata=-", "--format=tar", "--wal-method=fetch", "--checkpoint=fast", "--compress=gzip:1"]
        command = [brought().program("pg_basebackup"), *options, f"--dbname={way.conninfo}"]
        with running(command, way, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as copying:
            assert copying.stdout is not None  # noqa: S101  # asked for above
            sealed = seal(copying.stdout, path, to)
        ended = datetime.now(UTC).isoformat()
        with signed_in(admin_url) as admin:
            admin.execute("select pg_switch_wal()")  # what the files need soon lies in the archive too
        return sealed, {"system": system, "from_file": str(row[0]) if row else "", "ended_at": ended}

    return write


def tidy_archive(archive: Archive, manifests: Sequence[Manifest], *, system: str) -> int:
    """Remove from the archive what no base leads over any more; how many files went. Raises BackupError.

    `system` is the server that runs: its files stay where it has no base yet. Of another server, of before a restore,
    nothing stays once its last base is gone.
    """
    gone = 0
    bases = [manifest.base for manifest in manifests if manifest.base is not None]
    with telling(archive.folder):
        for folder in archive.folder.iterdir():
            if not (folder.is_dir() and folder.name.isdigit()):
                continue
            first = min((_order(base["from_file"]) for base in bases if base["system"] == folder.name), default=None)
            if first is None and folder.name == system:
                continue
            for file in sorted(folder.iterdir()):
                if first is None or ("" < _order(file.name) < first):
                    file.unlink()
                    gone += 1
            if first is None:
                folder.rmdir()
    return gone


def _order(name: str) -> str:
    """The place of a file in the order of all, whatever its timeline; "" where it has none, as a history has not."""
    found = _SEGMENT.match(name)
    return found[1] if found else ""
