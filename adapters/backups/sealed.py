"""A stream on its way into an encrypted file, and out of one: nothing of it stands in the clear on a disk.

The files are of age (age-encryption.org), so that any program of that name opens them too.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from pyrage import DecryptError, EncryptError, decrypt_io, encrypt_io, x25519

from adapters.backups.faults import BackupError, telling

_AT_A_TIME: Final = 1 << 20


class Source(Protocol):
    """What is read from, as a pipe."""

    def read(self, most: int, /) -> bytes:
        """At most so many bytes; none at the end."""
        ...


class Sink(Protocol):
    """What is written to, as a pipe."""

    def write(self, part: bytes, /) -> Any:
        """Take all of these bytes."""
        ...


@dataclass(frozen=True)
class Sealed:
    """An encrypted file: its size and SHA-256, and the SHA-256 of what is in it."""

    size: int
    sha256: str
    clear_sha256: str = ""


@dataclass
class _Through:
    """Counts and digests what passes, and remembers what went wrong: age tells it by its name alone."""

    of: Any
    size: int = 0
    digest: Any = field(default_factory=hashlib.sha256)
    refused: OSError | None = None

    def read(self, most: int) -> bytes:
        try:
            part: bytes = self.of.read(most)
        except OSError as refused:
            self.refused = refused
            raise
        self._note(part)
        return part

    def write(self, part: bytes) -> int:
        try:
            self.of.write(part)
        except OSError as refused:
            self.refused = refused
            raise
        self._note(part)
        return len(part)

    def flush(self) -> None:
        """Nothing waits here."""

    def _note(self, part: bytes) -> None:
        self.size += len(part)
        self.digest.update(part)


def seal(source: Source, path: Path, to: Sequence[x25519.Recipient]) -> Sealed:
    """Encrypt a stream into a new file, for its owner alone, on the disk for good. Raises BackupError."""
    clear = _Through(source)
    with telling(path):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with telling(path), open(handle, "wb") as file:  # noqa: PTH123  # a descriptor, not a path
            written = _Through(file)
            try:
                encrypt_io(clear, written, list(to))
            except (EncryptError, OSError) as failed:
                raise (written.refused or clear.refused or OSError(str(failed))) from None
            file.flush()
            os.fsync(handle)
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise
    return Sealed(written.size, written.digest.hexdigest(), clear.digest.hexdigest())


def unseal(path: Path, key: x25519.Identity, into: Sink) -> Sealed:
    """Decrypt a file into a stream. Raises BackupError where it is cut, changed, or for another key.

    What was passed on before a fault was seen is not to be used.
    """
    with telling(path), path.open("rb") as file:
        held, clear = _Through(file), _Through(into)
        try:
            decrypt_io(held, clear, [key])
        except DecryptError as failed:
            if "matching keys" in str(failed):
                raise wrong_key(path) from None
            raise damaged(path) from None
        except OSError:
            if held.refused or clear.refused:
                raise (held.refused or clear.refused or OSError()) from None
            raise damaged(path) from None
    return Sealed(held.size, held.digest.hexdigest(), clear.digest.hexdigest())


def seen(path: Path) -> Sealed:
    """The size and digest of a file as it lies there. Raises BackupError."""
    digest, size = hashlib.sha256(), 0
    with telling(path), path.open("rb") as file:
        while part := file.read(_AT_A_TIME):
            digest.update(part)
            size += len(part)
    return Sealed(size, digest.hexdigest())


def wrong_key(path: Path) -> BackupError:
    """What is said where a file was encrypted to another public key."""
    return BackupError("no_key", "The key given does not open %(file)s: it was encrypted to another one.", file=path)


def damaged(path: Path) -> BackupError:
    """What is said where a file is not as it was written."""
    return BackupError("damaged", "%(file)s is cut off, or was changed since it was written.", file=path)
