"""What the operator says about copies: where they go, to which key, when, how long they are kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import Final

from adapters.archive import Archive
from adapters.backups.keeping import MOST_DAYS_OF_KEYS, Keeping
from adapters.environment import SettingsError, text_of
from adapters.places import lasting_path_of
from adapters.time_of_day import last_at

#: A public key of age, as far as it can be seen without its library: the process that stays reads this too.
_PUBLIC: Final = re.compile(r"age1[02-9ac-hj-np-z]{58}")
_STANZA: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_KEPT: Final = re.compile(r"([1-9][0-9]{0,2}),([0-9]{1,3}),([0-9]{1,3})")


@dataclass(frozen=True)
class BackupSettings:
    """Where copies go (`to`), encrypted to `key`, each day `at` a time of this machine's clock, kept by `keeping`.

    `drill_key_file` is the private key for drills by schedule, `archive` the folder for what the embedded server
    writes between two copies, `stanza` that of pgBackRest for a server of one's own.
    """

    to: Path | None
    key: str
    at: time | None
    keeping: Keeping
    drill_key_file: Path | None
    archive: Path | None
    stanza: str = ""

    def last_due(self, by: datetime) -> datetime:
        """When the time of day for copies last came, by a moment, on this machine's clock."""
        return last_at(self.at or time(), by.astimezone())

    @property
    def archived(self) -> Archive | None:
        """The archive of the embedded server, where one is set."""
        return None if self.archive is None else Archive(self.archive, self.key)


#: Where nothing is set: a copy is made where a command says so.
NO_BACKUPS: Final = BackupSettings(None, "", None, Keeping(), None, None)


def backups_of(env: Mapping[str, str]) -> BackupSettings:
    """Read them. Raises SettingsError."""
    to, archive = lasting_path_of(env, "SPHERES_BACKUP_TO"), lasting_path_of(env, "SPHERES_ARCHIVE")
    key = text_of(env, "SPHERES_BACKUP_KEY", "")
    at = _time_of(env)
    drill = lasting_path_of(env, "SPHERES_DRILL_KEY_FILE")
    if key and not _PUBLIC.fullmatch(key):
        raise SettingsError("SPHERES_BACKUP_KEY", "must be the public key that “spheres backup key” prints: age1….")
    for name, wants in (("SPHERES_BACKUP_AT", at), ("SPHERES_ARCHIVE", archive), ("SPHERES_DRILL_KEY_FILE", drill)):
        if wants is not None and not (to and key):
            raise SettingsError(name, "needs SPHERES_BACKUP_TO and SPHERES_BACKUP_KEY beside it.")
    stanza = text_of(env, "SPHERES_PGBACKREST", "")
    if stanza and not _STANZA.fullmatch(stanza):
        raise SettingsError("SPHERES_PGBACKREST", "must be the name of a stanza, such as spheres.")
    return BackupSettings(to, key, at, _keeping_of(env), drill, archive, stanza)


def _time_of(env: Mapping[str, str]) -> time | None:
    given = text_of(env, "SPHERES_BACKUP_AT", "")
    if not given:
        return None
    found = re.fullmatch(r"([01]?[0-9]|2[0-3])[:h]([0-5][0-9])", given)
    if found is None:
        raise SettingsError("SPHERES_BACKUP_AT", "must be a time of day such as 02:30.")
    return time(int(found[1]), int(found[2]))


def _keeping_of(env: Mapping[str, str]) -> Keeping:
    kept = text_of(env, "SPHERES_BACKUP_KEEP", "7,5,12").replace(" ", "")
    found = _KEPT.fullmatch(kept)
    if found is None:
        raise SettingsError(
            "SPHERES_BACKUP_KEEP", "must be how many days, weeks and months, such as 7,5,12; of days one at least."
        )
    name = "SPHERES_BACKUP_KEYS_DAYS"
    days = text_of(env, name, str(MOST_DAYS_OF_KEYS))
    if not (days.isascii() and days.isdigit() and 1 <= int(days) <= MOST_DAYS_OF_KEYS):
        raise SettingsError(name, "must be a number of days from 1 to %(most)s.", most=MOST_DAYS_OF_KEYS)
    daily, weekly, monthly = (int(one) for one in found.groups())
    return Keeping(daily, weekly, monthly, int(days))
