"""The account that runs the embedded database when we are root, and its way to the folders it needs.

PostgreSQL refuses to run as root. The account may pass through the folders above its data, and only that: no one else
is let in, and nothing becomes readable.
"""

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
from pathlib import Path

SYSTEM_USER = "spheres-postgres"

#: Held while the account is made. Only root writes there.
ALONE = "/run/spheres-postgres.lock"

_ACL = "system.posix_acl_access"
_ENTRY = struct.Struct("<HHI")  # tag, permissions, user or group
_VERSION = struct.pack("<I", 2)
_OWNER, _USER, _OWNING_GROUP, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
_NOBODY_NAMED = 0xFFFFFFFF
_EXECUTE = 1


class Opened(Enum):
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


def open_the_way(target: Path, account: pwd.struct_passwd) -> set[Opened]:
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
            opened.add(Opened.TO_EVERYONE)
        else:
            opened.add(Opened.TO_THE_ACCOUNT)
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
    mode = stat.S_IMODE(folder.stat().st_mode)
    entries = _entries(folder) or [
        (_OWNER, mode >> 6 & 7, _NOBODY_NAMED),
        (_OWNING_GROUP, mode >> 3 & 7, _NOBODY_NAMED),
        (_OTHER, mode & 7, _NOBODY_NAMED),
    ]
    old_mask = next((permissions for tag, permissions, _ in entries if tag == _MASK), 7)
    kept = [
        # What the old mask withheld from others stays withheld, though the new mask is wider.
        (tag, permissions & old_mask if tag in (_USER, _OWNING_GROUP, _GROUP) else permissions, who)
        for tag, permissions, who in entries
        if tag != _MASK and (tag, who) != (_USER, uid)
    ]
    kept.append((_USER, _EXECUTE, uid))
    mask = 0
    for tag, permissions, _ in kept:
        if tag in (_USER, _OWNING_GROUP, _GROUP):
            mask |= permissions
    kept.append((_MASK, mask, _NOBODY_NAMED))
    ordered = sorted(kept, key=lambda entry: (entry[0], entry[2]))
    os.setxattr(folder, _ACL, _VERSION + b"".join(_ENTRY.pack(*entry) for entry in ordered))


def _entries(folder: Path) -> list[tuple[int, int, int]]:
    """The folder's access list; empty where it has none beyond its mode."""
    try:
        held = os.getxattr(folder, _ACL)
    except (OSError, AttributeError):
        return []
    return [(tag, permissions, who) for tag, permissions, who in _ENTRY.iter_unpack(held[len(_VERSION) :])]
