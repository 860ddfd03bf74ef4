"""Files of keys: written whole beside their place, readable by their owner alone, and then put there at once."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path


def write_beside(path: Path, content: bytes) -> Path:
    """The whole file under another name, on the disk for good. Raises OSError, and leaves nothing then."""
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "wb") as file:  # noqa: PTH123  # a descriptor, not a path
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        with suppress(OSError):
            unfinished.unlink()
        raise
    return unfinished


def put_first(path: Path, unfinished: Path) -> bool:
    """Put a file that was written beside its place there, unless there is one. Whether it was: of two at once, one."""
    try:
        path.hardlink_to(unfinished)
    except FileExistsError:
        return False
    finally:
        unfinished.unlink()
    return True


def settle(folder: Path) -> None:
    """Put the folder's own entries on the disk for good. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
