"""The seal keys: a file beside the database and never in it, readable by its owner alone, one key for each id.

The key that seals now is named; those before it stay, so that what they sealed can still be checked. This file and the
database together can seal anything: keep its backup apart from the database's.
"""

import hashlib
import hmac
import json
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from adapters.key_files import put_first, write_beside
from models.ports import NoSealKey

_KEY_BYTES: Final = 32


@dataclass(frozen=True)
class _Held:
    """The content of the file."""

    current: str
    keys: dict[str, bytes] = field(repr=False)


class FileSealKeys:
    """The seal keys of one file, read again whenever the file changes: a rotation needs no restart."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._held: _Held | None = None

    def current(self) -> str:
        """The id of the key that seals now. Raises NoSealKey."""
        return self._read().current

    def sign(self, key_id: str, message: bytes) -> str | None:
        """HMAC-SHA-256 of `message` under that key, hexadecimal; None where the key is not here. Raises NoSealKey."""
        key = self._read().keys.get(key_id)
        return None if key is None else hmac.new(key, message, hashlib.sha256).hexdigest()

    def _read(self) -> _Held:
        try:
            found = self._path.stat()
        except OSError:
            raise NoSealKey(
                "%(file)s is missing: put it back; for a new installation, make it with: spheres keys init",
                file=str(self._path),
            ) from None
        seen = (found.st_mtime_ns, found.st_ino, found.st_size)
        if self._held is None or seen != self._seen:
            if stat.S_IMODE(found.st_mode) & 0o077:
                raise NoSealKey(
                    "%(file)s can be read by others than its owner; close it with: chmod 600", file=str(self._path)
                )
            self._held, self._seen = _parsed(self._path), seen
        return self._held


def make_seal_key(path: Path) -> bool:
    """Make the file with a first key, where there is none. Whether it was made: of two at once, one makes it.

    Raises NoSealKey where the folder cannot be written.
    """
    try:
        if path.exists():
            return False
    except OSError as refused:
        raise _unusable(path.parent, refused) from None
    key_id, key = _new()
    return put_first(path, _write_beside(path, _Held(key_id, {key_id: key})))


def rotate_seal_key(path: Path) -> str:
    """Seal with a new key from now on, and keep those before it. The new key's id.

    Raises NoSealKey where there is no file yet, or it cannot be written.
    """
    before = _parsed(path)
    key_id, key = _new()
    _write_beside(path, _Held(key_id, {**before.keys, key_id: key})).replace(path)
    return key_id


def _new() -> tuple[str, bytes]:
    """A key and its id, which tells nothing of it."""
    return f"seal-{secrets.token_hex(4)}", secrets.token_bytes(_KEY_BYTES)


def _parsed(path: Path) -> _Held:
    try:
        read = json.loads(path.read_text(encoding="ascii"))
        keys = {str(key_id): bytes.fromhex(key) for key_id, key in read["keys"].items()}
        current = str(read["current"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise NoSealKey(
            "%(file)s is missing or damaged; what its keys sealed cannot be checked without it", file=str(path)
        ) from None
    if current not in keys or any(len(key) < _KEY_BYTES for key in keys.values()):
        raise NoSealKey("%(file)s is damaged: a key is missing or too short", file=str(path))
    return _Held(current, keys)


def _write_beside(path: Path, held: _Held) -> Path:
    text = json.dumps({"current": held.current, "keys": {name: key.hex() for name, key in held.keys.items()}}, indent=1)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return write_beside(path, f"{text}\n".encode("ascii"))
    except OSError as refused:
        raise _unusable(path.parent, refused) from None


def _unusable(place: Path, refused: OSError) -> NoSealKey:
    return NoSealKey("%(place)s cannot be used (%(error)s)", place=str(place), error=type(refused).__name__)
