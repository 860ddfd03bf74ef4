"""Whether a disk has the room that a trial of a copy takes: where the live database lies, none may be taken from it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from adapters.backups.faults import BackupError, telling

#: A database that is restored is as large again while its indexes are built, and the live one must not run dry.
_TIMES: Final = 2
_SPARE: Final = 2 << 30
_GIB: Final = 1 << 30


def refuse_without_room(beside: Path, size: int) -> None:
    """Refuse to restore a database of `size` bytes into `beside` where that could fill the disk. Raises BackupError."""
    place = next(one for one in (beside, *beside.parents) if one.exists())
    with telling(place):
        free = shutil.disk_usage(place).free
    needed = _TIMES * size + _SPARE
    if free < needed:
        raise BackupError(
            "disk_full",
            "There is too little room at %(place)s to try the copy: %(free)s GiB free, %(needed)s GiB needed.",
            place=place,
            free=f"{free / _GIB:.1f}",
            needed=f"{needed / _GIB:.1f}",
        )


def shares_disk(folder: Path, data: Path) -> bool:
    """Whether what is to outlive a disk lies on it: both folders are of one."""
    with telling(folder):
        return data.exists() and folder.stat().st_dev == data.stat().st_dev
