"""The embedded server as it stood at a moment: its files from a copy, and from the archive what it wrote since."""

from __future__ import annotations

import io
import os
import pwd
import tarfile
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import psycopg
from pyrage import x25519

from adapters.account import open_the_way, server_account
from adapters.backups import segment
from adapters.backups.faults import BackupError, of_server, telling
from adapters.backups.manifest import BASE
from adapters.backups.restoring import Copy
from adapters.backups.sealed import damaged, unseal
from adapters.postgres import EmbeddedPostgres, PostgresError

_LOOK_SECONDS: Final = 0.01
#: What the server runs for each file that it wants. It asks us, who have the key, by a file, and waits for the answer.
#: That there is none is status 1, and ends the recovery; anything that went wrong is 126, and breaks it off.
_FETCH: Final = """\
there="${0%/*}"
: > "$there/want.$1" || exit 126
left=30000
while [ "$left" -gt 0 ]; do
    if [ -f "$there/none.$1" ]; then rm -f "$there/none.$1"; exit 1; fi
    if [ -f "$there/bad.$1" ]; then exit 126; fi
    if [ -f "$there/$1" ]; then mv "$there/$1" "$2" || exit 126; exit 0; fi
    left=$((left - 1))
    sleep 0.02
done
exit 126
"""


def recover(copy: Copy, archive: Path, at: datetime, working: Path, *, goes_on: bool = True) -> EmbeddedPostgres:
    """Have the server as it stood at `at` in `working`, at rest. Raises BackupError where the archive does not reach.

    `archive` is the folder of that server's own files. Of one that `goes_on` from there, the archive is told that it
    does: whatever comes later leads along it. Of a trial it hears nothing.
    """
    home, account = working / "postgres", server_account()
    with telling(working):
        for folder in (home, home / "cluster"):
            folder.mkdir(mode=0o700)
    _unpack(copy, home / "cluster")
    server = EmbeddedPostgres(home)
    with _serving(archive, copy.key, working / "wal", account) as serving:
        try:
            server.recover(
                {
                    "restore_command": f'/bin/sh "{working}/wal/fetch" "%f" "%p"',
                    "recovery_target_time": at.strftime("%Y-%m-%d %H:%M:%S.%f+00"),
                    "recovery_target_action": "promote",
                    "archive_mode": "off",
                    "fsync": "off",  # what is here counts once it is whole, and is put on the disk for good then
                },
                is_over=_is_over,
            )
        except PostgresError as refused:
            if serving.wrong is not None:
                raise serving.wrong from None
            told = of_server(refused, working)
            if told.code == "disk_full":
                raise told from None
            raise BackupError(
                "failed",
                "The archive does not reach %(at)s: its last file is of %(last)s. Ask for a moment before that.",
                at=f"{at:%Y-%m-%d %H:%M:%S} UTC",
                last=_last_of(archive),
            ) from None
    if goes_on:
        _claim_timeline(home / "cluster" / "pg_wal", archive, copy.key)
    return server


def _claim_timeline(written: Path, archive: Path, key: x25519.Identity) -> None:
    """Put the new timeline's history into the archive, so that no other recovery from the same files takes it too."""
    for history in written.glob("*.history"):
        if not (archive / f"{history.name}.age").exists():
            with telling(archive):
                segment.main(str(history), history.name, str(archive), str(key.to_public()))


def _is_over(admin: psycopg.Connection[Any]) -> bool:
    row = admin.execute("select pg_is_in_recovery()").fetchone()
    return row is not None and not row[0]


def _last_of(archive: Path) -> str:
    moments = [file.stat().st_mtime for file in archive.glob("*.age")] if archive.is_dir() else []
    return f"{datetime.fromtimestamp(max(moments)).astimezone():%Y-%m-%d %H:%M:%S %z}" if moments else "–"


def _unpack(copy: Copy, folder: Path) -> None:
    """Take the server's files out of a copy, as they come. Raises BackupError."""
    taken, given = os.pipe()
    failed: list[BackupError] = []

    def give() -> None:
        with open(given, "wb") as pipe:  # noqa: PTH123  # a descriptor, not a path
            try:
                unseal(copy.folder / BASE, copy.key, pipe)
            except BackupError as refused:
                failed.append(refused)

    giving = threading.Thread(target=give, name="base", daemon=True)
    giving.start()
    try:
        with telling(folder), open(taken, "rb") as pipe, tarfile.open(fileobj=pipe, mode="r|gz") as tar:  # noqa: PTH123
            tar.extractall(folder, filter="data")
            while pipe.read(1 << 20):
                pass
    except (tarfile.TarError, zlib.error, EOFError):
        failed.append(damaged(copy.folder / BASE))
    giving.join()
    if failed:
        raise failed[0]


class _Serving:
    """Answers what the server wants of its archive, from a thread."""

    def __init__(self, archive: Path, key: x25519.Identity, place: Path, account: pwd.struct_passwd | None) -> None:
        self.wrong: BackupError | None = None
        self._archive, self._key, self._place, self._account = archive, key, place, account
        self._over = threading.Event()

    def stop(self) -> None:
        """Answer no more."""
        self._over.set()

    def run(self) -> None:
        """Answer until `stop`."""
        while not self._over.wait(_LOOK_SECONDS):
            for wanted in self._place.glob("want.*"):
                name = wanted.name.removeprefix("want.")
                wanted.unlink()
                self._answer(name)

    def _answer(self, name: str) -> None:
        sealed = self._archive / f"{name}.age"
        if not sealed.exists():
            self._put(f"none.{name}", b"")
            return
        clear = io.BytesIO()
        try:
            unseal(sealed, self._key, clear)
            self._put(name, zlib.decompress(clear.getvalue()))
        except zlib.error:
            self._fail(name, damaged(sealed))
        except BackupError as refused:
            self._fail(name, refused)

    def _fail(self, name: str, refused: BackupError) -> None:
        self.wrong = refused
        with suppress(BackupError):
            self._put(f"bad.{name}", b"")

    def _put(self, name: str, content: bytes) -> None:
        part = self._place / f"part.{name}"
        with telling(self._place):
            part.write_bytes(content)
            if self._account is not None:
                os.chown(part, self._account.pw_uid, self._account.pw_gid)
            part.chmod(0o600)
            part.replace(self._place / name)


@contextmanager
def _serving(archive: Path, key: x25519.Identity, place: Path, account: pwd.struct_passwd | None) -> Iterator[_Serving]:
    with telling(place):
        place.mkdir(mode=0o700)
        (place / "fetch").write_text(_FETCH, encoding="ascii")
        if account is not None:
            open_the_way(place, account)
            for one in (place, place / "fetch"):
                os.chown(one, account.pw_uid, account.pw_gid)
    serving = _Serving(archive, key, place, account)
    answering = threading.Thread(target=serving.run, name="archive", daemon=True)
    answering.start()
    try:
        yield serving
    finally:
        serving.stop()
        answering.join()
