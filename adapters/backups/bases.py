"""The files of the embedded server as one stream, from which its archive leads to any later moment."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pyrage import x25519

from adapters.archive import Archive
from adapters.backups.dumps import signed_in
from adapters.backups.faults import BackupError, telling
from adapters.backups.keeping import Keeping, is_past
from adapters.backups.manifest import BaseOf
from adapters.backups.sealed import Sealed, seal
from adapters.backups.taking import WriteBase
from adapters.backups.tools import brought, reached, running

#: A file of what the server wrote: its timeline, and its place in the order of all.
_SEGMENT: Final = re.compile(r"[0-9A-F]{8}([0-9A-F]{16})(\.\S+)?")

#: Whether the last file that was to be archived was not.
_FAILING: Final = "select last_failed_time > coalesce(last_archived_time, '-infinity') from pg_stat_archiver"


def base_of(admin_url: str, system: str) -> WriteBase:
    """What writes the files of a running server, as its superuser."""

    def write(path: Path, to: list[x25519.Recipient]) -> tuple[Sealed, BaseOf]:
        with signed_in(admin_url) as admin:
            row = admin.execute("select pg_walfile_name(pg_current_wal_lsn())").fetchone()
        way = reached(admin_url)
        options = ["--pgdata=-", "--format=tar", "--wal-method=fetch", "--checkpoint=fast", "--compress=gzip:1"]
        command = [brought().program("pg_basebackup"), *options, f"--dbname={way.conninfo}"]
        with running(command, way, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as copying:
            assert copying.stdout is not None  # noqa: S101  # asked for above
            sealed = seal(copying.stdout, path, to)
        ended = datetime.now(UTC)
        with signed_in(admin_url) as admin:
            admin.execute("select pg_switch_wal()")  # what the files need soon lies in the archive too
        return sealed, BaseOf(system, str(row[0]) if row else "", ended)

    return write


def refuse_lost_archive(archive: Archive, admin_url: str, system: str) -> None:
    """Refuse an archive that is not there, or that did not take the last file. Raises BackupError."""
    with signed_in(admin_url) as admin:
        row = admin.execute(_FAILING).fetchone()
    if not archive.of_server(system).is_dir() or (row is not None and row[0]):
        raise BackupError(
            "no_place",
            "The archive in %(folder)s takes no files: see that it is there, that there is room, and start again.",
            folder=archive.folder,
        )


def tidy_archive(archive: Archive, bases: Sequence[BaseOf], *, system: str, keeping: Keeping, now: datetime) -> int:
    """Remove from the archive what no base leads over any more; how many files went. Raises BackupError.

    `bases` are all that there are in the place of copies: to what one of them leads stays. `system` is the server that
    runs: its files stay where it has no base yet. Those of another server, of before a restore or of a neighbour, stay
    without a base for as long as keys may: no one here knows whether it still runs.
    """
    with telling(archive.folder):
        folders = [one for one in archive.folder.iterdir() if one.is_dir() and one.name.isdigit()]
        based = {one: first for one in folders if (first := _first(bases, one.name))}
        others = {*folders} - {*based, archive.of_server(system)}
        past = [one for one in others if is_past(_last_written(one), keeping, now)]
        return sum(_before(*one) for one in based.items()) + sum(_forgotten(archive, one) for one in past)


def _first(bases: Sequence[BaseOf], system: str) -> str:
    """The first file of a server to which a base leads, in the order of all; "" where there is no base of it."""
    return min((_order(base.from_file) for base in bases if base.system == system), default="")


def _before(folder: Path, first: str) -> int:
    return _removed([one for one in folder.iterdir() if "" < _order(one.name) < first])


def _forgotten(archive: Archive, folder: Path) -> int:
    """Remove all that is of another server; how many files it was, without those of its keys."""
    gone = _removed(list(folder.iterdir()))
    folder.rmdir()
    shutil.rmtree(archive.keys_of(folder.name), ignore_errors=True)
    return gone


def _removed(files: Sequence[Path]) -> int:
    for file in files:
        file.unlink()
    return len(files)


def _last_written(folder: Path) -> datetime:
    return datetime.fromtimestamp(max(one.stat().st_mtime for one in (folder, *folder.iterdir())), UTC)


def _order(name: str) -> str:
    """The place of a file in the order of all, whatever its timeline; "" where it has none, as a history has not."""
    found = _SEGMENT.match(name)
    return found[1] if found else ""
