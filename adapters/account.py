"""The account that runs the embedded database when we are root, and its way to the folders it needs.

PostgreSQL refuses to run as root. The account may pass through the folders above its data, and only that: no one else
is let in, and nothing becomes readable.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import pwd
import shutil
import stat
import struct
import subprocess
from enum import Enum
from functools import reduce
from operator import or_
from pathlib import Path
from typing import NamedTuple

SYSTEM_USER = "spheres-postgres"

#: Held while the account is made. Only root writes there.
ALONE = "/run/spheres-postgres.lock"

_ACL = "system.posix_acl_access"
_ENTRY = struct.Struct("<HHI")  # tag, permissions, user or group
_VERSION = struct.pack("<I", 2)
_OWNER, _USER, _OWNING_GROUP, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
#: What the mask bounds.
_MASKED = (_USER, _OWNING_GROUP, _GROUP)
_NOBODY_NAMED = 0xFFFFFFFF
_EXECUTE = 1


class _AclEntry(NamedTuple):
    """A line of a folder's access list: whom it is about, and what they may."""

    tag: int
    permissions: int
    who: int


class OpenedTo(Enum):
    """The accounts to which a folder was opened, to pass through it and not to read it."""

    TO_THE_ACCOUNT = "account"
    TO_EVERYONE = "everyone"


def server_account() -> pwd.struct_passwd | None:
    """The account to run the server as, made where it is missing; None where we are not root.

    Raises LookupError where it cannot be made.
    """
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(SYSTEM_USER)
    maker = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if maker is not None:
        _make(maker)
    return pwd.getpwnam(SYSTEM_USER)


def _make(maker: str) -> None:
    """Make the account, one starter at a time: of two at once, one read a number that the other then replaced."""
    options = ["--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"]
    with open(ALONE, "w", encoding="utf-8") as guard:  # noqa: PTH123 - held open while the lock is
        fcntl.flock(guard, fcntl.LOCK_EX)
        with contextlib.suppress(KeyError):
            pwd.getpwnam(SYSTEM_USER)
            return  # by its former owner
        subprocess.run([maker, *options, SYSTEM_USER], capture_output=True, check=False)  # noqa: S603 - fixed words


def open_the_way(target: Path, account: pwd.struct_passwd) -> set[OpenedTo]:
    """Let `account` pass through every folder above `target`. Returns the accounts to which folders had to be opened.

    By an access-control entry for this account alone; where the file system has none, for everyone, but still to pass
    through and not to read.
    """
    opened = set()
    for folder in reversed(target.parents):
        if _may_pass(folder, account):
            continue
        try:
            _let_pass(folder, account.pw_uid)
        except (OSError, AttributeError) as refused:  # AttributeError: no such call outside Linux
            if isinstance(refused, OSError) and refused.errno not in (errno.ENOTSUP, errno.EOPNOTSUPP):
                raise
            folder.chmod(stat.S_IMODE(folder.stat().st_mode) | stat.S_IXOTH)
            opened.add(OpenedTo.TO_EVERYONE)
        else:
            opened.add(OpenedTo.TO_THE_ACCOUNT)
    return opened


def _may_pass(folder: Path, account: pwd.struct_passwd) -> bool:
    """Whether the kernel lets `account` pass through `folder`; the first rule that fits decides, as there."""
    found = folder.stat()
    if found.st_uid == account.pw_uid:
        return bool(found.st_mode & stat.S_IXUSR)
    entries = _entries(folder)
    # With an access list, the group's bits of the mode are the list's mask.
    mask = _EXECUTE if found.st_mode & stat.S_IXGRP else 0
    for tag, permissions, who in entries:
        if tag == _USER and who == account.pw_uid:
            return bool(permissions & mask)
    if found.st_gid == account.pw_gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def _let_pass(folder: Path, uid: int) -> None:
    """Add one entry to the folder's access list: `uid` may pass through."""
    entries = _allowing(uid, _entries(folder) or _as_mode(folder))
    os.setxattr(folder, _ACL, _VERSION + b"".join(_ENTRY.pack(*entry) for entry in entries))


def _allowing(uid: int, entries: list[_AclEntry]) -> list[_AclEntry]:
    """An access list, in its order, with one entry more: `uid` may pass through.

    What the old mask withheld from others stays withheld, though the new mask is wider.
    """
    old_mask = next((one.permissions for one in entries if one.tag == _MASK), 7)
    replaced = ((_MASK, _NOBODY_NAMED), (_USER, uid))
    kept = [one for one in entries if (one.tag, one.who) not in replaced]
    kept = [one._replace(permissions=one.permissions & old_mask) if one.tag in _MASKED else one for one in kept]
    kept.append(_AclEntry(_USER, _EXECUTE, uid))
    mask = reduce(or_, (one.permissions for one in kept if one.tag in _MASKED))
    return sorted([*kept, _AclEntry(_MASK, mask, _NOBODY_NAMED)], key=lambda one: (one.tag, one.who))


def _as_mode(folder: Path) -> list[_AclEntry]:
    """The access list that says the same as the folder's mode."""
    mode = stat.S_IMODE(folder.stat().st_mode)
    return [
        _AclEntry(_OWNER, mode >> 6 & 7, _NOBODY_NAMED),
        _AclEntry(_OWNING_GROUP, mode >> 3 & 7, _NOBODY_NAMED),
        _AclEntry(_OTHER, mode & 7, _NOBODY_NAMED),
    ]


def _entries(folder: Path) -> list[_AclEntry]:
    """The folder's access list; empty where it has none beyond its mode."""
    try:
        held = os.getxattr(folder, _ACL)
    except (OSError, AttributeError):
        return []
    return [_AclEntry(*one) for one in _ENTRY.iter_unpack(held[len(_VERSION) :])]
