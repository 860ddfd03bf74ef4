"""The data keys of participants: a folder outside the database, one small file a person, wrapped under a master key.

`master.json` names the master key that wraps now, and holds the key of the blind marks; `wrapped/ID` is one data key.
Every file is readable by its owner alone, and is written whole under another name before it takes its place, so that a
crash leaves the old one or the new one. A key is on the disk for good before the row that needs it is written. Where
that row never comes, `spheres keys sweep` and the worker destroy it.

Keep the backup of this folder apart from the database's, and short: a key that was destroyed lives on in it.
"""

import hashlib
import hmac
import json
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.key_files import put_first, settle, write_beside
from models.ports import KeyGone, NoKeys, NotSealed

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
#: The first byte of what is sealed and of a wrapped key: how it is laid out.
_LAYOUT: Final = b"\x01"
#: The first byte of a file whose key is destroyed, until the file itself is gone: it is no key, and not damaged.
_DESTROYED: Final = b"\x00"


@dataclass(frozen=True)
class _Master:
    """The content of the master's file."""

    current: str
    keys: dict[str, bytes] = field(repr=False)
    marks: bytes = field(repr=False)


class FilePeopleKeys:
    """The data keys of one folder. The master's file is read again whenever it changes: a rotation needs no restart."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._wrapped = folder / "wrapped"
        self._seen: tuple[int, int, int] | None = None
        self._held: _Master | None = None

    def make(self, key_id: UUID) -> None:
        """Make a data key of this id, on the disk for good. Raises NoKeys."""
        self._write(key_id, secrets.token_bytes(_KEY_BYTES), new=True)

    def seal(self, key_id: UUID, clear: bytes, *, about: str) -> bytes:
        """Seal under a data key. Raises NoKeys, KeyGone."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _LAYOUT + nonce + AESGCM(self._key(key_id)).encrypt(nonce, clear, about.encode())

    def open(self, key_id: UUID, sealed: bytes, *, about: str) -> bytes:
        """Open what was sealed. Raises NoKeys, KeyGone, NotSealed."""
        return _opened(self._key(key_id), sealed, about.encode())

    def digest(self, key_id: UUID, message: str) -> str:
        """A digest of `message` under a data key. Raises NoKeys, KeyGone."""
        # Under a key made of this one: no two ciphers have one key.
        apart = hmac.new(self._key(key_id), b"digests", hashlib.sha256).digest()
        return hmac.new(apart, message.encode(), hashlib.sha256).hexdigest()

    def mark(self, message: str) -> str:
        """A keyed digest of `message`. Raises NoKeys."""
        return hmac.new(self._master().marks, message.encode(), hashlib.sha256).hexdigest()[:32]

    def destroy(self, key_id: UUID) -> bool:
        """Overwrite a data key, and remove its file. Raises NoKeys where that is not possible."""
        place = self._place(key_id)
        try:
            size = place.stat().st_size
            handle = os.open(place, os.O_WRONLY)
            with open(handle, "wb", buffering=0) as file:  # noqa: PTH123  # a descriptor, not a path
                file.write(_DESTROYED + secrets.token_bytes(max(0, size - 1)))
                os.fsync(file.fileno())
            place.unlink()
            settle(self._wrapped)
        except FileNotFoundError:
            return False
        except OSError as refused:
            raise _unusable(self._wrapped, refused) from None
        return True

    def held(self, *, made_before: datetime) -> frozenset[UUID]:
        """The data keys that were written before a moment. Raises NoKeys where the folder cannot be read."""
        return frozenset(
            key_id
            for key_id, place in self._files()
            if datetime.fromtimestamp(place.stat().st_mtime, UTC) < made_before
        )

    def rewrap(self) -> int:
        """Wrap every data key anew under the present master key; returns how many were not. Raises NoKeys."""
        current = self._master().current.encode()
        changed = 0
        for key_id, place in self._files():
            with suppress(FileNotFoundError, KeyGone):
                if place.read_bytes()[1 : 1 + len(current)] != current:
                    stood = place.stat()
                    self._write(key_id, self._key(key_id), new=False)
                    os.utime(place, ns=(stood.st_atime_ns, stood.st_mtime_ns))  # it was made when it was made
                    changed += 1
        return changed

    def _files(self) -> Iterator[tuple[UUID, Path]]:
        try:
            places = sorted(self._wrapped.iterdir())
        except OSError as refused:
            raise _unusable(self._wrapped, refused) from None
        for place in places:
            with suppress(ValueError):  # an unfinished one, of a crash
                yield UUID(place.name), place

    def _place(self, key_id: UUID) -> Path:
        return self._wrapped / str(key_id)

    def _key(self, key_id: UUID) -> bytes:
        master = self._master()
        try:
            kept = self._place(key_id).read_bytes()
        except FileNotFoundError:
            raise KeyGone from None
        except OSError as refused:
            raise _unusable(self._wrapped, refused) from None
        if is_being_destroyed(kept):
            raise KeyGone
        master_id = kept[1:9].decode("ascii", errors="replace")
        wrapping = master.keys.get(master_id)
        if wrapping is None:
            raise NoKeys(
                "a data key is wrapped under a master key that %(file)s does not hold",
                file=str(self._folder / "master.json"),
            )
        try:
            return _opened(wrapping, _LAYOUT + kept[9:], f"data key|{key_id}".encode())
        except NotSealed:
            raise NoKeys(
                "%(file)s is not the master key that wrapped the data keys beside it",
                file=str(self._folder / "master.json"),
            ) from None

    def _write(self, key_id: UUID, key: bytes, *, new: bool) -> None:
        master = self._master()
        nonce = secrets.token_bytes(_NONCE_BYTES)
        wrapped = AESGCM(master.keys[master.current]).encrypt(nonce, key, f"data key|{key_id}".encode())
        place = self._place(key_id)
        unfinished = _write_beside(place, _LAYOUT + master.current.encode() + nonce + wrapped)
        try:
            if new:
                place.hardlink_to(unfinished)  # never over another key
                unfinished.unlink()
            else:
                unfinished.replace(place)
            settle(self._wrapped)
        except OSError as refused:
            with suppress(OSError):
                unfinished.unlink()
            raise _unusable(self._wrapped, refused) from None

    def _master(self) -> _Master:
        path = self._folder / "master.json"
        try:
            found = path.stat()
        except OSError:
            raise NoKeys(
                "%(file)s is missing: put it back; for a new installation, make it with: spheres keys init",
                file=str(path),
            ) from None
        seen = (found.st_ctime_ns, found.st_ino, found.st_size)  # who may read it counts as a change
        if self._held is None or seen != self._seen:
            if stat.S_IMODE(found.st_mode) & 0o077:
                raise NoKeys("%(file)s can be read by others than its owner; close it with: chmod 600", file=str(path))
            self._held, self._seen = _parsed(path), seen
        return self._held


def is_being_destroyed(content: bytes) -> bool:
    """Whether this content of a file says that its key was destroyed: the file goes at once, or after a crash."""
    return content.startswith(_DESTROYED)


def make_people_keys(folder: Path) -> bool:
    """Make the folder with a first master key, where there is none. Whether it was made: of two at once, one makes it.

    Raises NoKeys where it cannot be written, and where data keys lie there whose master key is gone: a new one would
    open none of them.
    """
    path, wrapped = folder / "master.json", folder / "wrapped"
    try:
        if path.exists():
            return False
        for made in (folder, wrapped):
            made.mkdir(mode=0o700, parents=True, exist_ok=True)
        left = any(wrapped.iterdir())
    except OSError as refused:
        raise _unusable(folder, refused) from None
    if left:
        raise NoKeys(
            "%(file)s is missing, and data keys are wrapped under it: put it back from its backup", file=str(path)
        )
    master_id, key = _new()
    unfinished = _write_beside(path, _text(_Master(master_id, {master_id: key}, secrets.token_bytes(_KEY_BYTES))))
    return put_first(path, unfinished)


def rotate_people_keys(folder: Path) -> int:
    """Wrap every data key under a new master key; returns how many. The one before stays in the file until the next.

    Where it is cut off, the next one goes on: a key that is wrapped under an older master key opens until then.
    Raises NoKeys.
    """
    path = folder / "master.json"
    keys = FilePeopleKeys(folder)
    keys.rewrap()  # what an earlier rotation left
    before = _parsed(path)
    master_id, key = _new()
    kept = {before.current: before.keys[before.current], master_id: key}
    _write_beside(path, _text(_Master(master_id, kept, before.marks))).replace(path)
    settle(folder)
    return keys.rewrap()


def _opened(key: bytes, sealed: bytes, about: bytes) -> bytes:
    if sealed[:1] != _LAYOUT:
        raise NotSealed
    try:
        return AESGCM(key).decrypt(sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :], about)
    except (InvalidTag, ValueError):
        raise NotSealed from None


def _new() -> tuple[str, bytes]:
    """A master key and its id of eight letters, which tells nothing of it."""
    return secrets.token_hex(4), secrets.token_bytes(_KEY_BYTES)


def _parsed(path: Path) -> _Master:
    try:
        read = json.loads(path.read_text(encoding="ascii"))
        keys = {str(key_id): bytes.fromhex(key) for key_id, key in read["keys"].items()}
        master = _Master(str(read["current"]), keys, bytes.fromhex(read["marks"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise NoKeys(
            "%(file)s is missing or damaged; what its keys sealed cannot be opened without it", file=str(path)
        ) from None
    if master.current not in keys or any(len(key) != _KEY_BYTES for key in (*keys.values(), master.marks)):
        raise NoKeys("%(file)s is damaged: a key is missing or has another length", file=str(path))
    return master


def _text(master: _Master) -> bytes:
    kept = {
        "current": master.current,
        "keys": {name: key.hex() for name, key in master.keys.items()},
        "marks": master.marks.hex(),
    }
    return (json.dumps(kept, indent=1) + "\n").encode("ascii")


def _write_beside(path: Path, content: bytes) -> Path:
    try:
        return write_beside(path, content)
    except OSError as refused:
        raise _unusable(path.parent, refused) from None


def _unusable(place: Path, refused: OSError) -> NoKeys:
    return NoKeys("%(place)s cannot be used (%(error)s)", place=str(place), error=type(refused).__name__)
