"""A mark in the folder of copies: without it the folder is where a disk was to be, or another than the one meant."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from adapters.backups.faults import BackupError, telling
from adapters.key_files import settle, write_beside

MARK: Final = ".spheres-copies"
_SAYS: Final = b"""Copies of SPHERES are made into this folder. Without this file none is made by itself: the disk that
belongs here is taken to be away. "spheres backup" at the terminal makes the file where it is missing.
"""


def is_marked(folder: Path) -> bool:
    """Whether a person said at the terminal that this is the folder. Raises BackupError where we may not look."""
    with telling(folder):
        return (folder / MARK).exists()


def put_mark(folder: Path) -> None:
    """Say so. Raises BackupError."""
    with telling(folder):
        write_beside(folder / MARK, _SAYS).replace(folder / MARK)
        settle(folder)


def refuse_unmarked(folder: Path) -> None:
    """Refuse a folder without the mark: whatever lies under a disk that is away looks like it. Raises BackupError."""
    if folder.is_dir() and not is_marked(folder):
        raise BackupError(
            "no_place",
            "No copy was made in %(folder)s from the terminal yet, or its disk is not there. See that it is, then run: "
            "spheres backup",
            folder=folder,
        )
