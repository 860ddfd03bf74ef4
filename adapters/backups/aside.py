"""A database server of its own beside the installation, in which a copy is tried, and of which nothing is left."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from adapters.backups.faults import Busy, of_server, telling, unusable
from adapters.postgres import EmbeddedPostgres, PostgresError


@contextmanager
def aside(folder: Path) -> Iterator[EmbeddedPostgres]:
    """An empty server in `folder`, gone at the end with all that came into it. Raises BackupError."""
    with room(folder), serving(EmbeddedPostgres(folder / "postgres", fast=True)) as server:
        yield server


@contextmanager
def room(folder: Path) -> Iterator[None]:
    """An empty folder for a trial, gone at the end with all that came into it, and a server that is still at work.

    What a process left there that was killed is removed first. Raises Busy where one is at work, else BackupError.
    """
    if not sweep(folder):
        raise Busy
    with telling(folder):
        folder.mkdir(mode=0o700, parents=True)
        held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)  # until the process ends, however it does
        yield
    finally:
        try:
            _remove(folder)
        finally:
            os.close(held)


def sweep(folder: Path) -> bool:
    """Remove what a trial left there whose process is gone; whether none is at work there. Raises BackupError."""
    try:
        held = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return True
    except OSError as refused:
        raise unusable(folder, refused) from None
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove(folder)
    except BlockingIOError:
        return False
    finally:
        os.close(held)
    return True


@contextmanager
def serving(server: EmbeddedPostgres) -> Iterator[EmbeddedPostgres]:
    """A server of a trial at work, and at rest afterwards. Raises BackupError."""
    try:
        try:
            with telling(server.data_dir):
                server.start()
        except PostgresError as refused:
            raise of_server(refused, server.data_dir.parent) from None
        yield server
    finally:
        _stop(server)


def _remove(folder: Path) -> None:
    """End a server that is still at work in `folder`, and remove all of it, keys first. Raises BackupError."""
    with suppress(OSError):
        shutil.rmtree(folder / "keys")
    _stop(EmbeddedPostgres(folder / "postgres"))
    with telling(folder):
        shutil.rmtree(folder)


def _stop(server: EmbeddedPostgres) -> None:
    try:
        server.stop()
    except PostgresError as refused:
        raise of_server(refused, server.data_dir.parent) from None
