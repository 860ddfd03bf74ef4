"""A database server of its own beside the installation, in which a copy is tried, and of which nothing is left."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.backups.faults import BackupError, telling
from adapters.postgres import EmbeddedPostgres, PostgresError


@contextmanager
def aside(folder: Path) -> Iterator[EmbeddedPostgres]:
    """An empty server in `folder`, gone at the end with all that came into it. Raises BackupError.

    What a process left there that was killed is removed first: the caller sees to it that no other is at work.
    """
    remove(folder)
    with telling(folder):
        folder.mkdir(mode=0o700, parents=True)
    server = EmbeddedPostgres(folder / "postgres", fast=True)
    try:
        try:
            server.start()
        except PostgresError as refused:
            raise BackupError("failed", refused.sentence, **refused.facts) from None
        yield server
    finally:
        _stop(server)
        remove(folder)


def remove(folder: Path) -> None:
    """End a server that is still at work in `folder`, and remove all of it. Raises BackupError."""
    if not folder.exists():
        return
    _stop(EmbeddedPostgres(folder / "postgres"))
    with telling(folder):
        shutil.rmtree(folder)


def _stop(server: EmbeddedPostgres) -> None:
    try:
        server.stop()
    except PostgresError as refused:
        raise BackupError("failed", refused.sentence, **refused.facts) from None
