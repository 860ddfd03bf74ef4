"""The archive of the embedded server: where it puts what it writes between two copies, and how it is told to."""

from __future__ import annotations

import os
import pwd
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from adapters.account import OpenedTo, open_the_way

#: Read by its path alone, so that the server's account needs nothing else of ours.
_SEGMENT: Final = Path(__file__).resolve().parent / "backups" / "segment.py"
#: A quiet server begins a new file after so long: more than this is never lost with the machine.
SECONDS: Final = 60


@dataclass(frozen=True)
class Archive:
    """A folder, and the public key to which all that goes there is encrypted."""

    folder: Path
    key: str

    def of_server(self, system: str) -> Path:
        """The folder of one server, by its own number: the files of two would have the same names."""
        return self.folder / system

    def keys_of(self, system: str) -> Path:
        """The folder of the keys of one server's installation: those of another must not come in their place."""
        return self.folder / "keys" / system

    def settings(self, system: str) -> Mapping[str, str]:
        """What the server is told."""
        words = [sys.executable, "-I", str(_SEGMENT)]
        given = [str(self.of_server(system)), self.key]
        # Percent signs are the server's own, but for those of the file's path and name.
        before, after = (" ".join(shlex.quote(word) for word in part).replace("%", "%%") for part in (words, given))
        return {
            "wal_level": "replica",
            "archive_mode": "on",
            "archive_command": f'{before} "%p" "%f" {after}',
            "archive_timeout": f"{SECONDS}s",
        }

    def make_ready(self, system: str, account: pwd.struct_passwd | None) -> set[OpenedTo]:
        """Make the server's folder, for its account alone, and let that pass to it and to what it runs.

        Raises OSError.
        """
        place = self.of_server(system)
        place.mkdir(mode=0o700, exist_ok=True)
        opened: set[OpenedTo] = set()
        if account is not None:
            os.chown(place, account.pw_uid, account.pw_gid)
            for target in (place, _SEGMENT, Path(sys.executable), Path(sys.executable).resolve()):
                opened |= open_the_way(target, account)
        return opened
