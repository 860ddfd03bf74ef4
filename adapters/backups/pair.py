"""The key pair of an installation's copies: the public half stays here, the private one is kept away from it."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Final

from pyrage import IdentityError, RecipientError, x25519

from adapters.backups.faults import BackupError, unusable
from adapters.key_files import put_first, write_beside

_PRIVATE: Final = re.compile(r"AGE-SECRET-KEY-1[0-9A-Z]{58}")


def holds_private_key(text: str) -> bool:
    """Whether a private key stands in a text, or a part of one: it must not be said back."""
    return "age-secret-key-" in text.casefold()


def make_pair(file: Path) -> str:
    """Make a pair: the private key in `file`, for its owner alone and never over another. Returns the public one.

    Raises BackupError.
    """
    made = x25519.Identity.generate()
    public = str(made.to_public())
    try:
        unfinished = write_beside(file, f"# public key: {public}\n{made}\n".encode("ascii"))
        is_made = put_first(file, unfinished)
    except OSError as refused:
        raise unusable(file, refused) from None
    if not is_made:
        raise BackupError("no_key", "%(file)s is there already and was not changed. Name another file.", file=file)
    return public


def private_key(file: Path) -> x25519.Identity:
    """The private key that a file holds. Raises BackupError where it is none, or others may read it."""
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        found = _PRIVATE.search(file.read_text(encoding="ascii", errors="replace"))
    except OSError as refused:
        raise unusable(file, refused) from None
    if mode & 0o077 and not _is_given(file):
        raise BackupError("no_key", "%(file)s can be read by others than its owner; close it: chmod 600.", file=file)
    try:
        if found:
            return x25519.Identity.from_str(found[0])
    except IdentityError:
        pass
    raise BackupError("no_key", "%(file)s holds no private key such as “spheres backup key” makes.", file=file)


def public_key(text: str) -> x25519.Recipient:
    """The public key to which copies are encrypted. Raises BackupError."""
    try:
        return x25519.Recipient.from_str(text)
    except RecipientError:
        raise BackupError(
            "no_key", "SPHERES_BACKUP_KEY is no public key such as “spheres backup key” prints: a letter is wrong."
        ) from None


def _is_given(file: Path) -> bool:
    """Whether it is no file of a disk, but what another program hands over as it is read."""
    return not stat.S_ISREG(file.stat().st_mode)
