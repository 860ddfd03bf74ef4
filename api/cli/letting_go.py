"""What is no longer kept: the participants' keys after their days, and what no copy leads over any more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from adapters.archive import Archive
from adapters.backups.bases import tidy_archive
from adapters.backups.faults import BackupError
from adapters.backups.keeping import Keeping
from adapters.backups.keys_ahead import forget_keys
from adapters.backups.keys_out import take_out_keys
from adapters.backups.shelf import Shelf
from adapters.postgres import EmbeddedPostgres, PostgresError
from adapters.settings import Settings
from api.cli.spoken import tell_apart
from locales import N_, current_language


@contextmanager
def keys_kept_their_days(settings: Settings, *more: Path) -> Iterator[None]:
    """Have the keys that outlived their days removed before, and again at the end, whatever comes in between."""
    let_keys_go(settings, *more)
    try:
        yield
    finally:
        let_keys_go(settings, *more)


def let_keys_go(settings: Settings, *more: Path) -> None:
    """Remove the participants' keys that outlived their days: where copies are kept, in the archive, and in `more`.

    What cannot be removed is told, and holds nothing up.
    """
    backups, now = settings.backups, datetime.now(UTC)
    for folder in {backups.to, *more}:
        try:
            if folder is not None and folder.is_dir():
                take_out_keys(folder, settings.base_url, backups.keeping, now)
        except BackupError as refused:
            _tell(refused)
    try:
        if backups.archived is not None and backups.archived.folder.is_dir():
            forget_keys(backups.archived, _system(settings), backups.keeping, now)
    except (BackupError, PostgresError) as refused:
        _tell(refused)


def tidy_the_archive(archive: Archive, shelf: Shelf, system: str, keeping: Keeping, at: datetime) -> None:
    """Remove what no base leads over any more; nothing where a copy cannot be read, which may be the one that does."""
    try:
        bases = shelf.every_base()
    except BackupError as unread:
        tell_apart(
            N_("Nothing was removed from the archive: %(why)s What lies there may belong to that copy."),
            why=unread.told_in(current_language()),
        )
        return
    tidy_archive(archive, bases, system=system, keeping=keeping, now=at)


def _system(settings: Settings) -> str:
    """The number of the server that runs here; none where it is one's own, which keeps no keys in the archive."""
    server = EmbeddedPostgres(settings.data / "postgres")
    return server.system() if settings.database_url is None and server.is_made() else ""


def _tell(refused: BackupError | PostgresError) -> None:
    why = refused.told_in(current_language())
    tell_apart(N_("Keys that outlived their days could not be removed: %(why)s"), why=why)
