"""A server of one's own that pgBackRest archives: a copy by it beside ours, and back to a moment by it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from adapters.backups.faults import BackupError

#: Of the system's packages of PostgreSQL.
SERVER_ACCOUNT: Final = "postgres"


def back_up_stanza(stanza: str) -> None:
    """Have pgBackRest make a copy of its own, of what changed since the last. Raises BackupError."""
    _run(stanza, ["--type=incr", "backup"])


def restore_stanza(stanza: str, at: datetime, into: Path | None) -> None:
    """Have pgBackRest put the server's files as they stood at `at` into an empty folder. Raises BackupError.

    The server is not to run, and pgBackRest refuses a folder in which anything lies.
    """
    place = [] if into is None else [f"--pg1-path={into}"]
    target = f"--target={at:%Y-%m-%d %H:%M:%S.%f+00}"
    _run(stanza, [*place, "--type=time", target, "--target-action=promote", "restore"])


def _run(stanza: str, words: Sequence[str]) -> None:
    program = shutil.which("pgbackrest")
    if program is None:
        raise BackupError("tools", "SPHERES_PGBACKREST is set, and pgbackrest is not on PATH of this machine.")
    account = _account()
    done = subprocess.run(  # noqa: S603  # the operator's own program, and our arguments
        [program, f"--stanza={stanza}", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd="/",  # a folder that the account can certainly enter
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
        check=False,
    )
    if done.returncode:
        # It speaks of files and settings, and never of rows.
        said = [line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line]
        raise BackupError(
            "failed",
            "pgBackRest ended with status %(status)s. It said: %(said)s",
            status=done.returncode,
            said=said[-1].partition("ERROR: ")[2] if said else "–",
        )


def _account() -> pwd.struct_passwd | None:
    """The server's account, where we are root: what root leaves in the repository, the server cannot add to.

    None where we are not root. Raises BackupError.
    """
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(SERVER_ACCOUNT)
    except KeyError:
        raise BackupError(
            "tools",
            "As root pgBackRest is run under the account %(account)s, which is not there.",
            account=SERVER_ACCOUNT,
        ) from None
