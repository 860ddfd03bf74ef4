"""What goes wrong with a copy: a sentence for the operator, and a code for the row that tells of the run."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from locales import N_
from locales.told import Told


class BackupError(Told):
    """A copy that could not be made, checked or brought back. `code` is one of `models.backups.BACKUP_CODES`."""

    def __init__(self, code: str, sentence: str, /, **facts: object) -> None:
        super().__init__(sentence, **facts)
        self.code = code


class Busy(BackupError):
    """Another process copies this database, or brings it back. It is no fault, and not noted as one."""

    def __init__(self) -> None:
        super().__init__("failed", N_("Another copy or restore of this database is at work. Nothing was changed."))


@contextmanager
def telling(place: Path) -> Iterator[None]:
    """Tell what the system refused at `place` as a sentence. Raises BackupError."""
    try:
        yield
    except BrokenPipeError:
        raise  # of a program at the other end, which says itself what is wrong
    except OSError as refused:
        raise unusable(place, refused) from None


def unusable(place: Path, refused: OSError) -> BackupError:
    """What is said where `place` cannot be read or written."""
    if refused.errno in (errno.ENOSPC, errno.EDQUOT):
        return BackupError("disk_full", "There is no room left at %(place)s. Nothing half done was kept.", place=place)
    return BackupError("no_place", "%(place)s cannot be used (%(error)s).", place=place, error=type(refused).__name__)
