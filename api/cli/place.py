"""Where an installation lives: its data folder, which is one installation's at a time, its keys, and its ports."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from adapters.backups.aside import sweep
from adapters.backups.faults import BackupError
from adapters.environment import SettingsError
from adapters.places import ASIDE, WORKING, is_there
from adapters.settings import Settings
from api.cli.spoken import Ending, tell_apart
from locales import N_, current_language, say

_NOT_OURS: Final = N_(
    "The data folder %(folder)s cannot be written (%(reason)s). Give it to the user who starts SPHÈRES, or name "
    "another in SPHERES_DATA."
)
_TAKEN: Final = N_(
    "SPHÈRES already runs over the data folder %(folder)s. Stop it first, or name another in SPHERES_DATA."
)
_RESTORING: Final = N_(
    "SPHÈRES runs over the data folder %(folder)s, or another restore is at work in it. Nothing was changed."
)
_CUT_OFF: Final = N_(
    "A restore into the data folder %(folder)s was cut off. Do it again, with the same command: it begins anew."
)
_PORT_TAKEN: Final = N_(
    "Port %(port)s is not free, or not ours to use: does SPHÈRES run already? Else set %(setting)s."
)


@contextmanager
def data_folder(folder: Path, *, restoring: bool = False) -> Iterator[None]:
    """The data folder, made where it is missing, and this installation's alone until the end.

    Raises Ending where it cannot be written, or another installation runs over it. The kernel lets go of it when a
    process dies, of which the file of the lock stays. Only a restore goes on where one was cut off. What a trial of a
    copy left that was killed is removed: keys and a whole database lie in it.
    """
    lock = folder / "up.lock"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        guard = _locked(lock)
    except BlockingIOError:
        raise Ending(say(current_language(), _RESTORING if restoring else _TAKEN, folder=folder)) from None
    except OSError as refused:
        reason = os.strerror(refused.errno) if refused.errno else type(refused).__name__
        raise Ending(say(current_language(), _NOT_OURS, folder=folder, reason=reason)) from None
    try:
        if not restoring:
            refuse_cut_off(folder)
        _sweep(folder / ASIDE)
        yield
    finally:
        with suppress(OSError):
            lock.unlink()
        os.close(guard)


def refuse_cut_off(folder: Path) -> None:
    """Raises Ending where a restore into a data folder has not come to its end."""
    if is_there(folder / WORKING):
        raise Ending(say(current_language(), _CUT_OFF, folder=folder))


def _locked(lock: Path) -> int:
    """The file of a lock, made where it is missing, open and locked. Raises OSError; BlockingIOError where it is held.

    Who lets go of it removes it: one that was removed between the two steps locks nothing.
    """
    while True:
        guard = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if lock.stat().st_ino == os.fstat(guard).st_ino:
                return guard
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(guard)
            raise
        os.close(guard)


def _sweep(folder: Path) -> None:
    """Remove what a trial left that was killed. Where that cannot be done it is told: people's work goes on."""
    try:
        sweep(folder)
    except BackupError as left:
        tell_apart(
            N_("A trial of a copy was killed, and what it left could not be removed, keys among it: %(why)s"),
            why=left.told_in(current_language()),
        )


def refuse_keys_that_are_not_there(settings: Settings) -> None:
    """Raises SettingsError where keys do not lie where the settings say: none are made in their place."""
    for name, named, file in (
        ("SPHERES_SEAL_KEY_FILE", settings.seal_key_file, settings.seal_keys),
        ("SPHERES_PEOPLE_KEYS", settings.people_key_folder, settings.people_keys / "master.json"),
    ):
        if named is not None and not is_there(file):
            raise SettingsError(
                name, "leads to no keys (%(file)s); make them once with: spheres keys init", file=str(file)
            )


def refuse_taken_port(host: str, port: int, setting: str) -> None:
    """Refuse to start where something else answers: it would be taken for ours. Raises Ending."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port left a moment ago is free
        try:
            one.bind((host, port))
        except OSError:
            raise Ending(say(current_language(), _PORT_TAKEN, port=str(port), setting=setting)) from None
