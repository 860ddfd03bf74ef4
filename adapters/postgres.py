"""The PostgreSQL that comes with the project: started, shared by our processes, stopped; its roles and databases.

`python -m adapters.postgres FOLDER` sees to the roles and databases of the server that runs there, for a process that
stays and does not read what speaks to a database.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote

if TYPE_CHECKING:
    import psycopg

    from adapters.postgres_roles import Superuser

__all__ = ["APP", "DATABASE", "OWNER", "PREFECT", "DatabaseUrls", "EmbeddedPostgres", "PostgresError"]

if sys.platform == "win32":
    msg = "The embedded database needs Linux or macOS. Here, set DATABASE_URL to a PostgreSQL of yours."
    raise ImportError(msg)

import fcntl

from adapters.account import OpenedTo
from adapters.archive import Archive
from adapters.cluster import SUPERUSER, Cluster, PostgresError, not_let_in, write_private

_log = logging.getLogger(__name__)

#: The status of the process that sees to the roles where the server does not let it in.
_NOT_LET_IN: Final = 3
OWNER, APP, PREFECT = "spheres_owner", "spheres_app", "spheres_prefect"
DATABASE, PREFECT_DATABASE = "spheres", "prefect"


@dataclass(frozen=True)
class DatabaseUrls:
    """Where each role signs in. Each holds a password, so none is shown."""

    owner: str = field(repr=False)  # migrations
    app: str = field(repr=False)  # web and worker: policies bind it, and it owns nothing
    prefect: str = field(repr=False)  # Prefect's own database, by asyncpg
    admin: str = field(repr=False)  # the superuser, on the maintenance database


@dataclass(frozen=True)
class _Passwords:
    superuser: str = field(repr=False)
    owner: str = field(repr=False)
    app: str = field(repr=False)
    prefect: str = field(repr=False)

    @property
    def roles(self) -> Mapping[str, str]:
        """The password of each role but the superuser."""
        return {OWNER: self.owner, APP: self.app, PREFECT: self.prefect}


class EmbeddedPostgres:
    """One server over one folder. `start` makes what is missing and attaches where the server already runs.

    With an `archive`, all that it writes goes there too, a file after the other.

    `stop` stops it unless another process of ours still uses it, which the kernel knows even of a process that was
    killed. Until `stop`, the server outlives us. `fast` gives durability away and is for tests. `stays` is for who
    lives as long as the server: a process of its own then reads, for a moment, what speaks to a database.
    """

    def __init__(
        self, data_dir: Path, *, fast: bool = False, archive: Archive | None = None, stays: bool = False
    ) -> None:
        self.data_dir = data_dir.resolve()  # one name a folder, so that its locks are one
        self._stays = stays
        self._cluster = Cluster(self.data_dir, fast=fast, archive=archive)
        self._use: int | None = None

    def start(self) -> None:
        """Make the server run with its roles and databases; safe against a second starter.

        Raises PostgresError, and leaves nothing half-made that the next start does not repair.
        """
        self._cluster.refuse_bad_names()
        self._make_folder()
        with self._alone():
            self._hold()
            try:
                if not self._secrets_file.exists() and not self._cluster.path.exists():
                    write_private(self._secrets_file, json.dumps(asdict(_new_passwords())))
                self._cluster.make_ready(self._passwords().superuser)
                (self._provide_apart if self._stays else self.provide)()
            except BaseException:
                self._let_go()
                raise

    def stop(self) -> None:
        """Leave the server, and stop it when no other process of ours uses it. Nothing to do where it is down."""
        if not self._cluster.path.exists():
            return
        with self._alone():
            self._let_go()
            if not self._someone_uses() and self._cluster.runs():
                self._cluster.stop()

    def recover(self, settings: Mapping[str, str], *, is_over: Callable[[psycopg.Connection[Any]], bool]) -> None:
        """Start over files that were copied, wait until a recovery `is_over`, and give every role a new password.

        The server is at rest afterwards, and is started as any other. Raises PostgresError.
        """
        self._cluster.refuse_bad_names()
        self._make_folder()
        with self._alone():
            word = _new_passwords()
            write_private(self._secrets_file, json.dumps(asdict(word)))
            try:
                self._cluster.recover(settings)
                self._superuser().end_recovery({SUPERUSER: word.superuser, **word.roles}, is_over=is_over)
            finally:
                if self._cluster.runs():
                    self._cluster.stop()

    def system(self) -> str:
        """The number by which the server knows itself. Raises PostgresError."""
        return self._cluster.system()

    def is_made(self) -> bool:
        """Whether a server was made here before. Raises PostgresError where we may not look."""
        try:
            return self._cluster.path.exists()
        except OSError as refused:
            raise _unusable(self.data_dir, refused) from None

    def runs(self) -> bool:
        """Whether the server lives, though it may still be starting."""
        return self._cluster.runs()

    @property
    def opened(self) -> frozenset[OpenedTo]:
        """The accounts to which this start, as root, had to open folders above the server's data and programs."""
        return frozenset(self._cluster.opened)

    def urls(self) -> DatabaseUrls:
        """The address of each role. Raises PostgresError before the first start."""
        word = self._passwords()
        socket = quote(str(self._cluster.socket_folder()), safe="")

        def url(driver: str, role: str, password: str, database: str) -> str:
            return f"postgresql+{driver}://{role}:{quote(password)}@/{database}?host={socket}"

        return DatabaseUrls(
            owner=url("psycopg", OWNER, word.owner, DATABASE),
            app=url("psycopg", APP, word.app, DATABASE),
            prefect=url("asyncpg", PREFECT, word.prefect, PREFECT_DATABASE),
            admin=url("psycopg", SUPERUSER, word.superuser, "postgres"),
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # ------------------------------------------------------------------------------- who uses it, and who acts

    def _make_folder(self) -> None:
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.data_dir / "acting.lock").touch()
        except OSError as refused:
            raise _unusable(self.data_dir, refused) from None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one process at a time make, start or stop the server. The kernel lets go when a process dies."""
        with (self.data_dir / "acting.lock").open("w", encoding="ascii") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            yield

    def _hold(self) -> None:
        """Mark that this process uses the server, for as long as it lives or until `stop`."""
        if self._use is None:
            self._use = os.open(self.data_dir / "in-use.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._use, fcntl.LOCK_SH)

    def _let_go(self) -> None:
        if self._use is not None:
            os.close(self._use)
            self._use = None

    def _someone_uses(self) -> bool:
        with (self.data_dir / "in-use.lock").open("a", encoding="ascii") as guard:
            try:
                fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    # ------------------------------------------------------------------------------------ roles and databases

    @property
    def _secrets_file(self) -> Path:
        return self.data_dir / "secrets.json"

    def _passwords(self) -> _Passwords:
        try:
            held = self._secrets_file.stat()
            read = json.loads(self._secrets_file.read_text(encoding="utf-8"))
            passwords = _Passwords(**{one.name: str(read[one.name]) for one in fields(_Passwords)})
        except (FileNotFoundError, ValueError, KeyError):
            raise PostgresError(
                "%(file)s is missing or damaged; without it no one can sign in to this database.",
                file=str(self._secrets_file),
            ) from None
        if held.st_mode & 0o077:
            _log.warning("the file of the database's passwords was readable by others; closing it")
            self._secrets_file.chmod(0o600)
        return passwords

    def _provide_apart(self) -> None:
        """Have a process of its own `provide`, away from the terminal's Ctrl-C. Raises PostgresError."""
        command = [sys.executable, "-m", "adapters.postgres", str(self.data_dir)]
        status = subprocess.run(command, process_group=0, check=False).returncode  # noqa: S603  # our own command
        if status == _NOT_LET_IN:
            raise not_let_in(self.data_dir)
        if status:
            raise PostgresError("The roles of the database of %(folder)s could not be made.", folder=str(self.data_dir))

    def provide(self) -> None:
        """Make the roles and databases that are missing, where the server runs. Raises PostgresError."""
        owners = {DATABASE: OWNER, PREFECT_DATABASE: PREFECT}
        self._superuser().provide(self._passwords().roles, owners, lets_in=(DATABASE, APP))

    def _superuser(self) -> Superuser:
        from adapters.postgres_roles import Superuser  # noqa: PLC0415  # who stays does not read it

        return Superuser(self.data_dir, self._cluster.socket_folder(), self._passwords().superuser)


def _unusable(folder: Path, refused: OSError) -> PostgresError:
    return PostgresError(
        "The folder %(folder)s cannot be used (%(error)s). Give it to this user, or name another in SPHERES_DATA.",
        folder=str(folder),
        error=type(refused).__name__,
    )


def _new_passwords() -> _Passwords:
    return _Passwords(**{one.name: secrets.token_urlsafe(32) for one in fields(_Passwords)})


def main() -> int:
    """See to the roles and databases of the server over the folder that the command names; the exit status."""
    try:
        EmbeddedPostgres(Path(sys.argv[1])).provide()
    except PostgresError:
        return _NOT_LET_IN
    return 0


if __name__ == "__main__":
    sys.exit(main())
