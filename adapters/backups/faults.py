"""What goes wrong with a copy: a sentence for the operator, and a code for the row that tells of the run."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from adapters.postgres import PostgresError
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
    """What is said where `place`, or what the system names in it, cannot be read or written."""
    if refused.errno in _FULL:
        return no_room(place)
    named = refused.filename if isinstance(refused.filename, str | os.PathLike) else place
    error = errno.errorcode.get(refused.errno or 0, type(refused).__name__)
    return BackupError("no_place", _PLAIN.get(refused.errno or 0, _OTHER), place=named, error=error)


def no_room(place: Path) -> BackupError:
    """What is said where the disk of `place` is full."""
    return BackupError("disk_full", "There is no room left at %(place)s. Nothing half done was kept.", place=place)


def of_server(refused: PostgresError, place: Path) -> BackupError:
    """What is said where a server of ours, at work below `place`, could not go on."""
    if is_full(" ".join(map(str, refused.facts.values()))) or _errno(refused.__context__) in _FULL:
        return no_room(place)
    return BackupError("failed", refused.sentence, **refused.facts)


def is_full(said: str) -> bool:
    """Whether a program of PostgreSQL says that its disk is full."""
    return bool(re.search(r"No space left on device|could not extend file|disk full", said, re.IGNORECASE))


def _errno(refused: BaseException | None) -> int:
    return (refused.errno or 0) if isinstance(refused, OSError) else 0


_OTHER: Final = N_("%(place)s cannot be used (%(error)s).")
#: What the system answers where a disk is full, or so much as an account may have.
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_CLOSED: Final = N_("%(place)s may not be read, or not be written, by the account that runs this.")
#: And where something else is in the way.
_PLAIN: Final[Mapping[int, str]] = {
    errno.ENOENT: N_("%(place)s is not there."),
    errno.ENOTDIR: N_("%(place)s is no folder, or lies below what is none."),
    errno.EISDIR: N_("%(place)s is a folder, and a file belongs there."),
    errno.EACCES: _CLOSED,
    errno.EPERM: _CLOSED,
    errno.EROFS: N_("%(place)s lies on a disk that can only be read."),
    errno.EIO: N_("The disk of %(place)s could not be read or written: it may be failing."),
}
